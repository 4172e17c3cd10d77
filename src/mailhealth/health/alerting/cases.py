"""What alerts look at: everything that is known of each customer as of an instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from mailhealth import alerts
from mailhealth.alerts.drops import Drop, drops
from mailhealth.alerts.evidence import Weeks, threshold
from mailhealth.health import portfolio as standing
from mailhealth.health.alerting import weeks
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import iso, seconds
from mailhealth.records import Score, SignalValue
from mailhealth.store import alerts as kept
from mailhealth.store import portfolio as customers

Who = Mapping[str, str | None]  # segment and owner, among others

LATELY = timedelta(days=28)  # from a better band of then somebody comes down
_LADDER = ("healthy", "at risk", "unhealthy")
_NOBODY: Who = {"segment": None, "owner": None}


@dataclass(frozen=True, slots=True)
class Weighed:
    """An evaluation: its instant, its scores by language and customer, its signals."""

    day: str
    scores: Mapping[str, Mapping[str, Score]]
    values: Sequence[SignalValue]


@dataclass(frozen=True, slots=True)
class Case:
    """One customer: how they stand, the evidence for a drop, the scores by language, who it is."""

    standing: alerts.Standing
    drop: Drop
    scores: Mapping[str, Score]
    who: Who


def cases(engine: Engine, weighed: Weighed, page: alerts.Page) -> dict[str, Case]:
    """Put together what is known of every customer that was weighed."""
    day, db = weighed.day, engine.db
    names, seen = weeks.read(engine, day)
    fallen = dict(zip(names, drops(seen, threshold(seen, budget=page.budget)), strict=True))
    settled = dict(zip(names, _weeks_known(seen) >= page.young, strict=True))
    signals = standing._named(weighed.values, engine.rules)
    bands = kept.bands(db(), engine.rules.model, _back(day), day[:10])
    who = {row["customer"]: row for row in customers.customers(db(), seconds(day))}
    found = {}
    for customer, score in weighed.scores["en"].items():
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
            scores={lang: scores[customer] for lang, scores in weighed.scores.items()},
            who=who.get(customer, _NOBODY),
        )
    return found


def _weeks_known(seen: Weeks) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Count the weeks since each customer was first seen."""
    there = seen.exposure > 0
    return np.where(there.any(axis=1), there.shape[1] - np.argmax(there, axis=1), 0)


def _back(day: str) -> str:
    return iso(datetime.fromisoformat(day) - LATELY)


def _best(bands: set[str]) -> str | None:
    return next((band for band in _LADDER if band in bands), None)
