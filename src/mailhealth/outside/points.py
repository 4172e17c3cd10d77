"""Metrics -> components: each on the points scale of the score, where 70 is typical."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailhealth.outside.measure import EVERYBODY, SEGMENT, Figure, Measured, measured
from mailhealth.outside.page import EMAIL, Metric, Outside, Page, load
from mailhealth.records import Contribution

TYPICAL = 70.0  # what a typical customer's component comes to

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Component:
    """One component of one customer's health, on the scale of the score.

    `raw` is its base (70; e-mail has its own) and the sum of its `lines`, one for each metric
    that is known. `coverage` in [0, 1] is the share of its points that had data behind them; 0
    means that nothing is known. `doubt` is the variance, in points squared, of what is not known.
    """

    name: str
    raw: float
    coverage: float
    lines: tuple[Contribution, ...]
    doubt: float = 0.0


def components(
    figures: Iterable[Figure], as_of: str, *, lang: str = "en", page: Page | None = None
) -> dict[str, list[Component]]:
    """Weigh what other systems know of each customer, as of an instant: its known components.

    A component without a known metric that has points is left out, and so are all customers or
    a segment together. Sentences are in `lang`, en or ja.
    """
    page = page or load()
    known: dict[str, dict[str, dict[str, Measured]]] = {}
    for each in measured(figures, as_of, page=page):
        alone = each.customer != EVERYBODY and not each.customer.startswith(SEGMENT)
        if alone and page.components[each.component].metrics[each.metric].range:
            of = known.setdefault(each.customer, {}).setdefault(each.component, {})
            of[each.metric] = each
    return {
        customer: [
            _weighed(each, of[name], lang) for name, each in page.components.items() if name in of
        ]
        for customer, of in known.items()
    }


def configured(found: Mapping[str, Sequence[Component]]) -> frozenset[str]:
    """Name the components of which something is known of anybody; e-mail is always one."""
    return frozenset({EMAIL}.union(*({each.name for each in of} for of in found.values())))


def points(metric: Metric, answer: Measured) -> float:
    """Return what a metric earns: at most its points, 0 for a typical one.

    Shares are compared in logits, ratios in logarithms, the rest as they are. A rate is shrunk:
    `prior` typical observations are mixed in. A number that came without its n stands as it is.
    """
    low, high = metric.points
    better = -1 if metric.direction == "down" else 1
    distance = better * _distance(metric, answer) / metric.span
    return min(high, max(low, max(-low, high) * distance)) + 0.0


def _distance(metric: Metric, answer: Measured) -> float:
    share = _reliability(metric, answer)
    value = share * answer.value + (1 - share) * metric.typical
    if metric.unit == "share":
        return _logit(value) - _logit(metric.typical)
    if metric.unit == "ratio":
        return math.log(max(value, _TINY)) - math.log(metric.typical)
    return value - metric.typical


def _logit(share: float) -> float:
    share = min(1 - _TINY, max(_TINY, share))
    return math.log(share / (1 - share))


def _reliability(metric: Metric, answer: Measured | None) -> float:
    """Return how much of an answer is the customer's own, in [0, 1]: n / (n + prior)."""
    if answer is None:
        return 0.0
    return 1.0 if answer.n is None else answer.n / (answer.n + metric.prior)


def _weighed(component: Outside, known: Mapping[str, Measured], lang: str) -> Component:
    scored = [metric for metric in component.metrics.values() if metric.range]
    own = {metric.name: _reliability(metric, known.get(metric.name)) for metric in scored}
    lines = tuple(_line(each, known[each.name], lang) for each in scored if each.name in known)
    behind = math.fsum(metric.range * own[metric.name] for metric in scored)
    return Component(
        name=component.name,
        raw=TYPICAL + math.fsum(line.points for line in lines),
        coverage=behind / math.fsum(metric.range for metric in scored),
        lines=lines,
        doubt=math.fsum(metric.doubt * (1 - own[metric.name]) for metric in scored),
    )


def _line(metric: Metric, answer: Measured, lang: str) -> Contribution:
    said = metric.because[lang].format(value=answer.value)
    return Contribution(f"{metric.component}.{metric.name}", points(metric, answer), said)
