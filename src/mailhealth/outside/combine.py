"""Components -> one raw score: weighted, its spread kept, nobody punished for what is missing."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mailhealth.errors import UnknownName
from mailhealth.outside.page import EMAIL, Page, load
from mailhealth.outside.points import TYPICAL, Component
from mailhealth.records import Contribution

MOST = 1.5  # times that what is known may speak louder for what is missing

_BASE = {
    "en": "the base of e-mail, at the weight of e-mail among the components",
    "ja": "メールの基準点を、構成要素におけるメールの比重に合わせています",
}


@dataclass(frozen=True, slots=True)
class Combined:
    """All components of a customer together.

    `raw` is e-mail's base and the sum of the `lines`, exactly. `factors` says by what the points
    of each known component were multiplied; `coverage` and `doubt` are as a Component's.
    """

    raw: float
    coverage: float
    doubt: float
    lines: tuple[Contribution, ...]
    factors: Mapping[str, float]


def combine(
    email: Component,
    others: Sequence[Component],
    weights: Mapping[str, float],
    configured: Collection[str],
    *,
    base: float = TYPICAL,
    independent: bool = True,
    lang: str = "en",
    page: Page | None = None,
) -> Combined:
    """Combine e-mail with the other components of one customer.

    raw = 70 + kappa * sum omega (raw_c - 70) over the components that are known (coverage above
    0), where the weights omega of the `configured` ones add up to 1. kappa = 1 / sqrt(sum
    omega^2) keeps the spread of independent components; it is 1 if they are not `independent`.
    Where some are missing, the sum grows by the root of all weights to the known ones, 1.5 times
    at most. `base` is what e-mail's lines stand on. With nothing but e-mail configured, or
    nothing known, e-mail comes back as it was, bit for bit. Raises UnknownName for a component
    that has no weight.
    """
    omega = _shares(weights, {EMAIL, *configured})
    known = [each for each in (email, *others) if each.name in omega and each.coverage > 0]
    if set(omega) == {EMAIL} or not known:
        return Combined(email.raw, email.coverage, email.doubt, email.lines, {EMAIL: 1.0})
    kappa = 1 / math.sqrt(math.fsum(of * of for of in omega.values())) if independent else 1.0
    louder = min(MOST, math.sqrt(1 / math.fsum(omega[each.name] for each in known)))
    factors = {each.name: kappa * omega[each.name] * louder for each in known}
    lines = [_scaled(line, factors[each.name]) for each in known for line in each.lines]
    lines += _shift((factors.get(EMAIL, 0.0) - 1) * (base - TYPICAL), lang)
    missing = {name: kappa * of for name, of in omega.items() if name not in factors}
    doubts = _doubts(email, page or load(), missing) | {each.name: each.doubt for each in known}
    return Combined(
        raw=base + math.fsum(line.points for line in lines),
        coverage=math.fsum(omega[each.name] * each.coverage for each in known),
        doubt=math.fsum(of**2 * doubts[name] for name, of in (factors | missing).items()),
        lines=tuple(lines),
        factors=factors,
    )


def _shares(weights: Mapping[str, float], names: Collection[str]) -> dict[str, float]:
    """The weights of some components as shares of their sum, in one order for all customers."""
    if unknown := sorted(set(names) - weights.keys()):
        raise UnknownName(
            f"no weight for the component '{unknown[0]}'; there are {', '.join(weights)}"
        )
    total = math.fsum(weights[name] for name in names)
    return {name: of / total for name, of in weights.items() if name in names}


def _scaled(line: Contribution, factor: float) -> Contribution:
    return Contribution(line.signal, line.points * factor, line.because)


def _shift(points: float, lang: str) -> list[Contribution]:
    """The line that e-mail's own base needs where e-mail is not all of the score."""
    return [Contribution(f"{EMAIL}.base", points, _BASE[lang])] if points else []


def _doubts(email: Component, page: Page, names: Collection[str]) -> dict[str, float]:
    """What could be said of components of which nothing is known."""
    return {name: email.doubt if name == EMAIL else page.components[name].doubt for name in names}
