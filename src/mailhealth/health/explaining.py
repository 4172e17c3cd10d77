"""Why one customer's score is what it is, without a look at the mail of the others."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailhealth.health import evaluating
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import seconds
from mailhealth.health.outside import beside
from mailhealth.records import Score, SignalValue
from mailhealth.store import results

if TYPE_CHECKING:
    from mailhealth.score import Beside
    from mailhealth.signals.behind import Ground


@dataclass(frozen=True, slots=True)
class AtHand:
    """What whoever is explained next as of a day needs too, while the database is as it was."""

    day: str
    lang: str
    state: tuple[int, int]
    ground: "Ground"
    beside: "Beside | None"


def at_hand(engine: Engine, day: str, lang: str, before: AtHand | None) -> AtHand:
    """Look up what explaining anybody as of an instant needs; what is at hand serves again."""
    from mailhealth.signals import behind, fits

    if before and (before.day, before.lang, before.state) == (day, lang, _state(engine)):
        return before
    fit = evaluating.fits(engine, [day])[fits.through(seconds(day))]
    ground = behind.ground(engine.db().conn, fit, seconds(day))
    return AtHand(day, lang, _state(engine), ground, beside(engine.db(), day, lang))


def _state(engine: Engine) -> tuple[int, int]:
    """Another one when this connection, or any other, has written."""
    others = engine.db().execute("pragma data_version").fetchone()[0]
    return int(others), engine.db().conn.total_changes


def score(engine: Engine, values: Sequence[SignalValue], known: AtHand) -> Score:
    """Weigh one customer's signals; the rank is the kept one, None where none is kept."""
    from mailhealth import score as scoring

    db, model, customer = engine.db(), engine.rules.model, values[0].customer
    (found,) = scoring.scores(
        values,
        engine.rules,
        previous=results.previous(db, known.day, model, customer),
        beside=known.beside,
        lang=known.lang,
    )
    return replace(found, rank=results.rank_of(db, customer, known.day, model))


def keys(engine: Engine, customer: str, known: AtHand) -> Mapping[str, Sequence[str]]:
    """Return, by signal, the keys of the messages or events a number stands on."""
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
