"""The first look at a long history: the gravest alerts open, what is older is passed over."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mailhealth.alerts.course import Sign
from mailhealth.alerts.evidence import YEAR
from mailhealth.alerts.page import SEVERITIES, Severity

FEWEST = 20  # alerts that any first look may open: four for each morning of a week

Over = Mapping[tuple[str, str], Severity]  # by customer and kind


class Looked(NamedTuple):
    """The signs that count, and those that were there before anybody looked."""

    signs: list[Sign]
    over: Over


def first(signs: Sequence[Sign], stakes: Mapping[str, float | None], budget: float) -> Looked:
    """Choose what the first look opens: what is true now, the largest expected loss first.

    `stakes` are a year's expected loss by customer; where none is known the severest come
    first. It opens as many as the budget of false alarms (per customer and year) allows a week.
    """
    most = max(FEWEST, math.ceil(budget * len(stakes) / YEAR))
    opening = sorted((each for each in signs if each.opens), key=lambda each: _order(each, stakes))
    chosen = [each for each in opening if each.keeps][:most]
    told = set(map(_key, chosen))
    over = {_key(each): each.severity for each in opening if _key(each) not in told}
    return Looked(chosen, over)


def later(signs: Iterable[Sign], over: Over) -> Looked:
    """Leave aside what was passed over while it goes on; it counts when it is worse, or new."""
    found: list[Sign] = []
    still: dict[tuple[str, str], Severity] = {}
    for sign in signs:
        before = over.get(_key(sign))
        if before is None or (sign.opens and _rank(sign.severity) > _rank(before)):
            found.append(sign)
        else:
            still[_key(sign)] = before
    return Looked(found, still)


def _key(sign: Sign) -> tuple[str, str]:
    return sign.customer, sign.kind


def _order(sign: Sign, stakes: Mapping[str, float | None]) -> tuple[bool, float, int, str, str]:
    loss = stakes.get(sign.customer)
    return loss is None, -(loss or 0.0), -_rank(sign.severity), *_key(sign)


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)
