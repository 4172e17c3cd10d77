"""Who could buy more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mailhealth.portfolio.page import Page, Sign
from mailhealth.portfolio.standing import AT_RISK, HEALTHY, Standing
from mailhealth.rules.conditions import holds

Advice = Literal["expand", "mend first"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer with signs that they could buy more, the weightiest first.

    The `advice` for one who is at risk or unhealthy is to mend that first.
    """

    standing: Standing
    signs: tuple[Sign, ...]
    advice: Advice


def expansion(standings: Sequence[Standing], page: Page) -> list[Candidate]:
    """List who shows enough signs: the healthy first, then those at risk; most signs first."""
    found = [
        Candidate(standing, signs, "expand" if standing.band == HEALTHY else "mend first")
        for standing in standings
        if standing.band in (HEALTHY, *AT_RISK)
        and (signs := _signs(standing, page))
        and _points(signs) >= page.enough
    ]
    return sorted(found, key=_order)


def _signs(standing: Standing, page: Page) -> tuple[Sign, ...]:
    shown = (sign for sign in page.signs if holds(sign.when, standing.signals))
    return tuple(sorted(shown, key=lambda sign: -sign.points))


def _points(signs: Sequence[Sign]) -> float:
    return sum(sign.points for sign in signs)


def _order(each: Candidate) -> tuple[bool, float, float, str]:
    value = each.standing.value or 0.0
    return each.advice != "expand", -_points(each.signs), -value, each.standing.customer
