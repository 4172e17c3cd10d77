"""Signals and scores as of an instant: those that are kept, else computed without being kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from mailhealth import score
from mailhealth.errors import UnknownName
from mailhealth.health import evaluating
from mailhealth.health.evaluating import Engine
from mailhealth.health.outside import beside
from mailhealth.records import Score, SignalValue
from mailhealth.rules import Signal
from mailhealth.store import contract, results

if TYPE_CHECKING:
    import pandas as pd

BANDS = ("unhealthy", "at risk", "healthy", "unknown")


@dataclass(frozen=True, slots=True)
class Weighed:
    """One customer: the score, and the signals that give it."""

    score: Score
    values: tuple[SignalValue, ...]


def values(engine: Engine, day: str, customer: str | None = None) -> list[SignalValue]:
    """Give the signals of all, or of one, as of an instant."""
    definitions = [signal.definition for signal in engine.rules.signals]
    kept = results.signals(engine.db(), day, definitions, customer)
    if kept:
        return kept
    names = None if customer is None else [customer]
    found = evaluating.computed(engine, [day], names)
    return sorted(found, key=attrgetter("customer", "signal", "window_days"))  # as kept


def scores(engine: Engine, values: Iterable[SignalValue], day: str, lang: str) -> list[Score]:
    """Weigh the signals of everybody, beside the scores of the day before."""
    previous = results.previous(engine.db(), day, engine.rules.model)
    known = beside(engine.db(), day, lang)
    return score.scores(values, engine.rules, previous=previous, beside=known, lang=lang)


def weighed(engine: Engine, day: str, lang: str) -> dict[str, Weighed]:
    """Give everybody's signals and scores, by customer."""
    mine: dict[str, list[SignalValue]] = {}
    known = values(engine, day)
    for value in known:
        mine.setdefault(value.customer, []).append(value)
    found = scores(engine, known, day, lang)
    return {each.customer: Weighed(each, tuple(mine[each.customer])) for each in found}


def ranked(scores: Iterable[Score], band: str | None = None) -> list[Score]:
    """Rank scores, of one band or of all, the worst first; the unknown ones stand at the end."""
    if band is not None and band not in BANDS:
        raise UnknownName(f"no band '{band}'; there are {', '.join(BANDS)}")
    found = sorted(scores, key=lambda s: (s.band == "unknown", s.value, s.customer))
    return [score for score in found if band in (None, score.band)]


def frame(
    values: Sequence[SignalValue], signals: Sequence[Signal], *, wide: bool
) -> "pd.DataFrame":
    """Lay out signals as in email_signals or, `wide`, a row a customer."""
    import pandas as pd

    if wide:
        return pd.DataFrame(contract.wide(values, signals))
    return pd.DataFrame(values, columns=pd.Index(SignalValue._fields))
