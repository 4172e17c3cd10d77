"""What each week brought of each customer, read from the facts."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import repeat

import numpy as np

from mailhealth import alerts, warehouse
from mailhealth.alerts.evidence import YEAR, Weeks
from mailhealth.health import evaluating
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import seconds
from mailhealth.signals import engine as counting
from mailhealth.signals import stored
from mailhealth.signals.engine import Loaded
from mailhealth.signals.fits import through

WEEK = 7 * 86400
MONDAY = 4 * 86400  # the first one was 5 January 1970


def read(engine: Engine, day: str) -> tuple[list[str], Weeks]:
    """Return the customers, and the last 52 whole weeks (from Monday, UTC) before an instant."""
    end = seconds(day)
    fit = evaluating.fits(engine, [day])[through(end)]
    names: list[str] = []
    parts: list[Weeks] = []
    with engine.released(), warehouse.opened(engine.path) as store:
        for some in stored.buckets(store, None):
            with counting.loaded(store, some, [end], fit) as known:
                names += known.customers
                parts.append(_weeks(known, (end - MONDAY) // WEEK))
    return names, _together(parts)


def _weeks(known: Loaded, newest: int) -> Weeks:
    """Ask for the weeks up to the `newest`, which is not over."""
    _lay_out(known, range(newest - YEAR, newest))
    columns = known.memory.execute(alerts.weeks_sql()).fetchnumpy()
    shape = (len(known.customers), YEAR)
    names = [field.name for field in fields(Weeks)]
    return Weeks(*(np.asarray(columns[name], dtype=np.float64).reshape(shape) for name in names))


def _lay_out(known: Loaded, weeks: range) -> None:
    """Make the table weeks: what the clock of each zone showed at their ends."""
    edges = np.array([MONDAY + week * WEEK for week in (*weeks, weeks.stop)], dtype=np.int64)
    known.memory.execute(
        "create table weeks (zone bigint, week bigint, start_active bigint, end_active bigint)"
    )
    rows: list[tuple[int, ...]] = []
    for zone, clock in enumerate(known.clocks.clocks):
        shown = clock.active(edges).tolist()
        rows += zip(repeat(zone), weeks, shown, shown[1:], strict=False)
    known.memory.executemany("insert into weeks values (?, ?, ?, ?)", rows)


def _together(parts: Sequence[Weeks]) -> Weeks:
    names = [field.name for field in fields(Weeks)]
    nobody = [np.zeros((0, YEAR))]
    return Weeks(*(np.concatenate([getattr(p, name) for p in parts] or nobody) for name in names))
