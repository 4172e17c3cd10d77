"""How campaigns land: rates that can be defended, by campaign, part, comparison and time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from mailhealth.campaigns.numbers import (
    Bounds,
    By,
    Difference,
    Fatigue,
    Landing,
    Rate,
    Report,
    Touched,
    Trend,
)
from mailhealth.errors import BadData, UnknownName

if TYPE_CHECKING:
    from mailhealth.campaigns.engine import Loaded

PAIR = 2

__all__ = [
    "Bounds",
    "By",
    "Difference",
    "Fatigue",
    "Landing",
    "Rate",
    "Report",
    "Touched",
    "Trend",
    "report",
]


def report(
    db: Path,
    as_of: str,
    *,
    name: str | None = None,
    by: Sequence[By] = (),
    compare: tuple[str, str] | None = None,
) -> Report:
    """Say how the campaigns in a store landed, as of an ISO instant; nothing after it is read.

    `name` asks for one campaign, `by` for the parts to count too. `compare` names two variants
    of that campaign, or two campaigns; without it the two variants of a campaign are compared,
    where there are two. Raises UnknownName for a campaign, a variant or a part that is not
    there, BadSource for a file that is no store and BadData for an instant that is none.
    """
    from mailhealth.campaigns import engine
    from mailhealth.campaigns.trend import trends

    if strange := [each for each in by if each not in get_args(By)]:
        raise UnknownName(f"no part '{strange[0]}'; there are {', '.join(get_args(By))}")
    with engine.loaded(db, _moment(as_of)) as loaded:
        everything = engine.landings(loaded)
        chosen = everything if name is None else (_named(everything, name),)
        return Report(
            as_of=as_of,
            campaigns=chosen,
            parts={each: _parts(loaded, chosen, each) for each in by},
            differences=_differences(loaded, chosen, compare, within=name is not None),
            trends=trends(everything),
            fatigue=engine.tiredness(loaded),
        )


def _parts(loaded: "Loaded", chosen: Sequence[Landing], by: By) -> tuple[Landing, ...]:
    from mailhealth.campaigns import engine

    place = {landing.campaign: i for i, landing in enumerate(chosen)}
    found = engine.links(loaded, chosen) if by == "link" else engine.parts(loaded, by)
    mine = (part for part in found if part.campaign in place)
    return tuple(sorted(mine, key=lambda part: place[part.campaign]))


def _differences(
    loaded: "Loaded",
    chosen: Sequence[Landing],
    compare: tuple[str, str] | None,
    *,
    within: bool,
) -> tuple[Difference, ...]:
    """Compare two campaigns, two variants `within` the chosen one, or every pair of variants."""
    from mailhealth.campaigns.compare import differences

    if compare is not None and not within:
        return differences(*(_named(chosen, each) for each in compare))
    variants: dict[str, list[Landing]] = {}
    for part in _parts(loaded, chosen, "variant"):
        variants.setdefault(part.campaign, []).append(part)
    if compare is not None:
        (there,) = variants.values()
        return differences(*(_named(there, each, "variant") for each in compare))
    pairs = ([part for part in parts if part.part] for parts in variants.values())
    return tuple(told for pair in pairs if len(pair) == PAIR for told in differences(*pair))


def _named(landings: Sequence[Landing], name: str, what: str = "campaign") -> Landing:
    there = {each.part if what == "variant" else each.campaign: each for each in landings}
    if name in there:
        return there[name]
    near = get_close_matches(name, there, n=3) or list(there)[:5]
    known = ", ".join(f"'{each}'" for each in near) or "none yet; 'mailhealth sync' reads send logs"
    raise UnknownName(f"no {what} '{name}'; there are {known}")


def _moment(as_of: str) -> int:
    try:
        moment = datetime.fromisoformat(as_of)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise BadData(f"as_of: {as_of!r} is no moment; write 2026-11-01T00:00:00Z") from error
