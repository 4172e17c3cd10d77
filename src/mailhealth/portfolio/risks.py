"""Who may leave, what that would cost, and whose contract ends soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mailhealth.portfolio.page import Churn, Page
from mailhealth.portfolio.standing import AT_RISK, Standing

REFERENCE = 70.0  # the score of the reference customer
DOUBLES = 20.0  # so many points less double the odds


@dataclass(frozen=True, slots=True)
class Risk:
    """A customer who may leave: `expected_loss` is a year's revenue x the probability.

    It is None where the revenue is not known; both are where too little is known to judge.
    """

    standing: Standing
    probability: float | None
    expected_loss: float | None


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal due: on which day, and how many days are left."""

    standing: Standing
    renews: date
    left: int


def churn_probability(value: float, churn: Churn) -> float:
    """Return the probability of leaving that a score implies, within `churn.days`.

    The points scale says odds = reference odds x 2 ** ((70 - score) / 20), as credit scores do
    (points to double the odds: 20).
    """
    odds = churn.probability / (1 - churn.probability) * 2 ** ((REFERENCE - value) / DOUBLES)
    return odds / (1 + odds)


def risks(standings: Sequence[Standing], page: Page, *, everyone: bool = False) -> list[Risk]:
    """List who is at risk or unhealthy, the largest expected loss first.

    Whose revenue is not known comes after them, the lowest score first. With `everyone` the
    healthy are listed too, and at the end those of whom too little is known.
    """
    chosen = (each for each in standings if everyone or each.band in AT_RISK)
    return sorted((_risk(each, page.churn) for each in chosen), key=_order)


def _risk(standing: Standing, churn: Churn) -> Risk:
    if standing.value is None:
        return Risk(standing, None, None)
    probability = churn_probability(standing.value, churn)
    revenue = standing.revenue
    return Risk(standing, probability, None if revenue is None else revenue * probability)


def _order(risk: Risk) -> tuple[bool, bool, float, float, str]:
    loss, probability = risk.expected_loss, risk.probability
    untold = probability is None, loss is None
    return *untold, -(loss or 0.0), -(probability or 0.0), risk.standing.customer


def renewals(standings: Sequence[Standing], *, day: date, days: int) -> list[Renewal]:
    """List the renewals due from `day` on within so many days, the next one first."""
    end = day + timedelta(days=days)
    found = [
        Renewal(standing, standing.renews, (standing.renews - day).days)
        for standing in standings
        if standing.renews is not None and day <= standing.renews <= end
    ]
    return sorted(found, key=lambda each: (each.renews, each.standing.customer))
