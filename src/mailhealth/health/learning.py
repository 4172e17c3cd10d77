"""What a backtest needs: the days to look back on, their signals, and who left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from sqlite_utils import Database

from mailhealth import learn
from mailhealth.errors import BadData
from mailhealth.health import evaluating
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import moment, seconds
from mailhealth.health.reading import Progress
from mailhealth.records import SignalValue
from mailhealth.rules import toml
from mailhealth.store import results, tenure

if TYPE_CHECKING:
    from mailhealth.learn import Panel, Report

MOST = 36  # landmarks: three years, of which the newest count


def leavers(db: Database, churn: Path, as_of: str) -> dict[str, float]:
    """Read who left, and when they gave notice (seconds); raises BadSource or BadData."""
    return learn.notices(learn.read(churn), tenure.since(db), as_of)


def panel(engine: Engine, left: Mapping[str, float], as_of: str, progress: Progress) -> "Panel":
    """Look back from an instant: one row a customer and landmark."""
    clients = {name: learn.Client(*each) for name, each in tenure.since(engine.db()).items()}
    values = _computed(engine, landmarks(engine, as_of), progress)
    return learn.panel(values, engine.rules, left, clients, until=seconds(as_of))


def landmarks(engine: Engine, as_of: str) -> list[str]:
    """List the instants to look back on, oldest first: every 30 days, with a horizon after each."""
    first = results.first_fact(engine.db())
    if first is None:
        return []
    newest = seconds(as_of) - learn.HORIZON
    days = [newest - i * learn.STEP for i in range(MOST)]
    return [moment(day) for day in reversed(days) if day >= first + learn.TENURE]


def apply(page: Path | None, database: Path, report: "Report") -> Path:
    """Write learnt points into the user's own page, else into a copy of the shipped one.

    The copy is health.toml beside the database. Raises BadData where the gate is closed, or where
    that file is there already: nobody has said that it is the page that was learnt from.
    """
    if not report.gate.open:
        raise BadData(report.gate.sentence())
    own = page or database.with_name("health.toml")
    if page is None and own.exists():
        raise BadData(
            f"{own} is there already and was not learnt from; run it with --rules {own.name}, or"
            " move that file away"
        )
    shipped = files("mailhealth").joinpath("health.toml")
    learn.write(own, report, toml.text(page) if page else shipped.read_text("utf-8"))
    return own


def _computed(engine: Engine, days: Sequence[str], progress: Progress) -> Iterator[SignalValue]:
    """Yield the answers in the windows that are scored; the others teach nothing."""
    page = engine.rules
    signals = tuple(replace(signal, windows=(signal.window,)) for signal in page.signals)
    scored = replace(engine, rules=replace(page, signals=signals, model=f"{page.model}, scored"))
    values = evaluating.computed(scored, days)
    for done, (_, some) in enumerate(groupby(values, key=attrgetter("as_of")), 1):
        yield from some
        progress("scoring", min(done, len(days)), len(days))
