"""What alerts look at: everything that is known of each customer as of an instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from mailhealth import alerts, portfolio
from mailhealth.alerts.drops import Drop, drops
from mailhealth.alerts.evidence import Weeks, threshold
from mailhealth.health import weighing
from mailhealth.health.alerting import weeks
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import iso, seconds
from mailhealth.records import Score, SignalValue
from mailhealth.rules.conditions import named
from mailhealth.store import alerts as kept
from mailhealth.store import portfolio as customers

Who = Mapping[str, Any]  # segment, owner and revenue, among others

LATELY = timedelta(days=28)  # from a better band of then somebody comes down
_LADDER = ("healthy", "at risk", "unhealthy")
_NOBODY: Who = {"segment": None, "owner": None, "revenue": None}


@dataclass(frozen=True, slots=True)
class Case:
    """One customer: how they stand, the evidence for a drop, the scores by language, who it is."""

    standing: alerts.Standing
    drop: Drop
    scores: Mapping[str, Score]
    who: Who


def cases(engine: Engine, day: str, page: alerts.Page) -> dict[str, Case]:
    """Put together what is known of every customer as of an instant."""
    values, db = weighing.values(engine, day), engine.db
    scores = {lang: _scores(engine, values, day, lang) for lang in ("en", "ja")}
    names, seen = weeks.read(engine, day)
    fallen = dict(zip(names, drops(seen, threshold(seen, budget=page.budget)), strict=True))
    settled = dict(zip(names, _weeks_known(seen) >= page.young, strict=True))
    signals = named(values, engine.rules)
    bands = kept.bands(db(), engine.rules.model, _back(day), day[:10])
    who = {row["customer"]: row for row in customers.customers(db(), seconds(day))}
    found = {}
    for customer, score in scores["en"].items():
        drop = fallen.get(customer, Drop())
        mine = alerts.Standing(
            customer=customer,
            signals=signals.get(customer, {}),
            band=score.band,
            before=_best(bands.get(customer, set())),
            settled=bool(settled.get(customer, False)),
        )
        found[customer] = Case(
            standing=replace(mine, alarmed=drop.alarmed, gathering=drop.gathering),
            drop=drop,
            scores={lang: each[customer] for lang, each in scores.items()},
            who=who.get(customer, _NOBODY),
        )
    return found


def stakes(cases: Mapping[str, Case], churn: portfolio.Churn) -> dict[str, float | None]:
    """Give each customer's expected loss in a year; None where it is not known."""
    return {customer: _stake(case, churn) for customer, case in cases.items()}


def _stake(case: Case, churn: portfolio.Churn) -> float | None:
    revenue, score = case.who["revenue"], case.scores["en"]
    if revenue is None or score.band == "unknown":
        return None
    return float(revenue) * portfolio.churn_probability(score.value, churn)


def _scores(engine: Engine, values: Sequence[SignalValue], day: str, lang: str) -> dict[str, Score]:
    return {each.customer: each for each in weighing.scores(engine, values, day, lang)}


def _weeks_known(seen: Weeks) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Count the weeks since each customer was first seen."""
    there = seen.exposure > 0
    return np.where(there.any(axis=1), there.shape[1] - np.argmax(there, axis=1), 0)


def _back(day: str) -> str:
    return iso(datetime.fromisoformat(day) - LATELY)


def _best(bands: set[str]) -> str | None:
    return next((band for band in _LADDER if band in bands), None)
