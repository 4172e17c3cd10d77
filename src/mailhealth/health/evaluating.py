"""Signals and scores as of some instants, computed and kept: of everybody, or of the touched."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

from mailhealth.health.batches import chunks
from mailhealth.health.instants import seconds
from mailhealth.health.outside import beside
from mailhealth.health.reading import Progress
from mailhealth.records import Score, SignalValue
from mailhealth.store import contract, results, roomy, touched

if TYPE_CHECKING:
    from mailhealth.rules import Rules
    from mailhealth.signals.fits import Fit

DAYS_AT_ONCE = 8  # instants computed together: one scan, and their signals in memory


@dataclass(frozen=True, slots=True)
class Engine:
    """What an evaluation needs: the database (`released` while the engine reads the file) and the
    rules."""

    db: Callable[[], Database]
    path: Path
    released: Callable[[], AbstractContextManager[None]]
    rules: "Rules"


def evaluate(engine: Engine, days: Sequence[str], progress: Progress) -> int:
    """Compute and keep signals and scores of everybody, oldest day first; count the scores."""
    forget_stale_fits(engine.db())
    kept = 0
    for done, (day, values, scores) in enumerate(_evaluated(engine, days), 1):
        db = engine.db()
        with db.atomic():
            contract.define(db, engine.rules.signals)
            results.save_day(db, day, values)
            results.save_scores(db, scores)
        kept += len(scores)
        progress("scoring", done, len(days))
    touched.mark(engine.db(), days)
    return kept


def update(engine: Engine, day: str, judged: list[int]) -> int | None:
    """Compute and keep anew, as of an instant evaluated before, who was touched since; None: it
    may be anybody, so that everybody must be evaluated.

    `judged` are the events whose verdict changed. What comes out is what a full evaluation
    gives, because everything that customers share is fitted before the month of `day` began.
    """
    from mailhealth import score

    db = engine.db()
    roomy(db)
    names = touched.customers(db, day, judged)
    oldest = touched.oldest(db)
    months = results.fits(db, engine.rules.model)
    if names is None or (oldest is not None and any(month > oldest for month in months)):
        return None
    values = list(computed(engine, [day], names))
    db = engine.db()
    previous = results.previous(db, day, engine.rules.model)
    known = beside(db, day)
    scores = score.scores(values, engine.rules, previous=previous, beside=known)
    with db.atomic():
        results.save_day(db, day, values, some=True)
        results.save_scores(db, scores)
        results.rank(db, day, engine.rules.model)
    touched.mark(db, [day])
    return len(scores)


def _evaluated(
    engine: Engine, days: Sequence[str]
) -> Iterator[tuple[str, list[SignalValue], list[Score]]]:
    from mailhealth import score

    fits(engine, days)  # of all months together the store is read once
    months = (list(each) for _, each in groupby(days, key=lambda day: day[:7]))
    for some in (some for month in months for some in chunks(month, DAYS_AT_ONCE)):
        values: dict[str, list[SignalValue]] = {day: [] for day in some}
        for value in computed(engine, some):
            values[value.as_of].append(value)
        for day in some:
            previous = results.previous(engine.db(), day, engine.rules.model)
            known = beside(engine.db(), day)
            found = score.scores(values[day], engine.rules, previous=previous, beside=known)
            yield day, values[day], found


def computed(
    engine: Engine, days: Sequence[str], customers: Sequence[str] | None = None
) -> Iterator[SignalValue]:
    """Compute signals without keeping them, with the fits that are kept."""
    from mailhealth import signals

    known = fits(engine, days)
    with engine.released():
        yield from signals.compute(engine.path, engine.rules, days, customers=customers, fits=known)


def fits(engine: Engine, days: Sequence[str]) -> "dict[int, Fit]":
    """Look up what was fitted for some days; what is missing is fitted now, and kept."""
    from mailhealth import signals
    from mailhealth.signals.fits import read, through, written

    model = engine.rules.model
    known = {month: read(text) for month, text in results.fits(engine.db(), model).items()}
    missing = sorted({through(seconds(day)) for day in days} - known.keys())
    if missing:
        with engine.released():
            new = signals.fit(engine.path, engine.rules, missing)
        results.save_fits(engine.db(), model, {month: written(fit) for month, fit in new.items()})
        known |= new
    return known


def forget_stale_fits(db: Database) -> None:
    """Forget fits of months before which something came in late, and what was counted by them."""
    oldest = touched.oldest(db)
    if oldest is not None and results.forget_fits(db, oldest):
        touched.forget(db)
