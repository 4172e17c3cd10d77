"""Why a customer's score is what it is, without a look at the mail of the others."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlite_utils import Database

from mailhealth import score as scoring
from mailhealth.health import evaluating, weighing
from mailhealth.health.answers import Evidence, Explanation
from mailhealth.health.batches import chunks
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import seconds
from mailhealth.health.outside import beside
from mailhealth.health.weighing import Weighed
from mailhealth.records import Score, SignalValue
from mailhealth.store import results, roomy

if TYPE_CHECKING:
    from mailhealth.score import Beside
    from mailhealth.signals.behind import Ground

Keys = Mapping[str, Sequence[str]]  # by signal, those of messages or events, the newest first

TOGETHER = 200  # customers whose evidence is looked up at once


@dataclass(frozen=True, slots=True)
class AtHand:
    """What whoever is explained next as of a day needs too, while the database is as it was.

    `everybody` is None where the instant was evaluated; elsewhere a rank needs all of them.
    """

    day: str
    lang: str
    state: tuple[int, int]
    ground: "Ground"
    beside: "Beside | None"
    everybody: Mapping[str, Weighed] | None


def at_hand(engine: Engine, day: str, lang: str, before: AtHand | None) -> AtHand:
    """Look up what explaining anybody as of an instant needs; what is at hand serves again."""
    from mailhealth.signals import behind, fits

    if before and (before.day, before.lang, before.state) == (day, lang, _state(engine)):
        return before
    roomy(engine.db())
    evaluated = day in results.evaluated(engine.db(), engine.rules.model)
    everybody = None if evaluated else weighing.weighed(engine, day, lang)
    fit = evaluating.fits(engine, [day])[fits.through(seconds(day))]
    ground = behind.ground(engine.db().conn, fit, seconds(day))
    return AtHand(day, lang, _state(engine), ground, beside(engine.db(), day, lang), everybody)


def _state(engine: Engine) -> tuple[int, int]:
    """Another one when this connection, or any other, has written."""
    others = engine.db().execute("pragma data_version").fetchone()[0]
    return int(others), engine.db().conn.total_changes


def explain(engine: Engine, customer: str, known: AtHand) -> Explanation:
    """Say why one customer's score is what it is."""
    mine = (known.everybody or {}).get(customer) or _alone(engine, customer, known)
    keys = _keys(engine, customer, known)
    return Explanation(mine.score, mine.values, _evidence(engine.db(), keys))


def _alone(engine: Engine, customer: str, known: AtHand) -> Weighed:
    values = weighing.values(engine, known.day, customer)
    return Weighed(_score(engine, values, known), tuple(values))


def _score(engine: Engine, values: Sequence[SignalValue], known: AtHand) -> Score:
    """Weigh one customer's signals; the rank among the others is the kept one."""
    db, model, customer = engine.db(), engine.rules.model, values[0].customer
    (found,) = scoring.scores(
        values,
        engine.rules,
        previous=results.previous(db, known.day, model, customer),
        beside=known.beside,
        lang=known.lang,
    )
    return replace(found, rank=results.rank_of(db, customer, known.day, model))


def _keys(engine: Engine, customer: str, known: AtHand) -> Keys:
    from mailhealth import signals
    from mailhealth.signals import behind

    try:
        return behind.shown(engine.db().conn, engine.rules, customer, known.ground)
    except sqlite3.Error:  # a health.toml of the user's own that speaks as only DuckDB does
        fit = known.ground.fit
        with engine.released():
            found = signals.evidence(
                engine.path, engine.rules, [customer], known.day, fits={fit.through: fit}
            )
        return found[customer]


def explained(engine: Engine, some: Sequence[Weighed]) -> Iterator[Explanation]:
    """Explain customers, many of them at once, in this order."""
    from mailhealth import signals

    for group in chunks(some, TOGETHER):
        names, day = [each.score.customer for each in group], group[0].score.as_of
        known = evaluating.fits(engine, [day])
        with engine.released():
            keys = signals.evidence(engine.path, engine.rules, names, day, fits=known)
        for each in group:
            behind = _evidence(engine.db(), keys[each.score.customer])
            yield Explanation(each.score, each.values, behind)


def _evidence(db: Database, keys: Keys) -> dict[str, tuple[Evidence, ...]]:
    behind = results.evidence(db, {key for each in keys.values() for key in each})
    return {
        signal: tuple(Evidence(**behind[key]) for key in each if key in behind)
        for signal, each in keys.items()
    }
