"""The facts in DuckDB, and the questions that are asked there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from mailhealth.errors import BadData
from mailhealth.rules import DAY, Signal, facts
from mailhealth.signals import shrink, stored, timing
from mailhealth.signals.answers import SUMS, Cell, Risk, cells
from mailhealth.signals.fits import Fit
from mailhealth.signals.stored import Span, Stored
from mailhealth.signals.tables import paired
from mailhealth.signals.timing import Clocks
from mailhealth.warehouse import Memory, Store

Floats = npt.NDArray[np.float64]
Grid = Mapping[tuple[str, Cell], Floats]  # by signal and cell: SUMS rows, a column a customer

# Nothing a window of 365 days asks for is older: a turn and its answer take another 35 days.
HORIZON = 400 * DAY
EVIDENCE = 20
_KEPT = ("turns", "readings", "deliveries")  # what several facts stand on is worked out once
_DATED = (
    *("letters", "away", "dead", "left_by_mail", "recipients", "annotations", "given", "asked"),
    "events",
)
_SIDES = ("in", "out", "touch")
CELLS = (
    *("zone", "cell_start", "cell_end", "cell_days", "cell_wait"),
    *("cell_r", "cell_alpha", "cell_a", "cell_b"),
    *("start_active", "end_active", "start_worked", "end_worked"),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A DuckDB that knows the facts of some customers, and their clocks."""

    memory: Memory
    customers: Sequence[str]
    segments: Sequence[str]
    clocks: Clocks
    fit: Fit


@contextmanager
def loaded(
    store: Store, customers: Sequence[str], ends: Sequence[int], fit: Fit
) -> Iterator[Loaded]:
    """Read these customers' rows, and load the facts of some instants from them; see `load`."""
    with (
        stored.read(store, customers, (fit.through - HORIZON, max(ends))) as rows,
        load(rows, ends, fit) as known,
    ):
        yield known


@contextmanager
def load(rows: Stored, ends: Sequence[int], fit: Fit) -> Iterator[Loaded]:
    """Make the facts of some instants known in the DuckDB that holds the rows.

    Nothing at or after the last of `ends` is in them, and nothing that is older than the fit by
    more than a horizon, so that all instants of a month look back equally far. The rows must
    reach so far.
    """
    memory, span = rows.memory, (fit.through - HORIZON, max(ends))
    memory.execute("create schema told; use told")
    try:
        _cut(rows, span)
        clocks = timing.tell(memory, fit, timing.office(rows.store, fit), span)
        views = facts()
        memory.execute(f"create view risk as {views['risk']}")
        segments = memory.execute("select segment from clients order by customer").fetchall()
        known = Loaded(memory, rows.customers, [row[0] for row in segments], clocks, fit)
        _begin(known)
        for name, sql in views.items():
            if name != "risk":
                kept = "table" if name in _KEPT else "view"
                memory.execute(f"create {kept} {name} as {paired(sql)}")
        yield known
    finally:
        memory.execute("use stored; drop schema told cascade")


def _cut(rows: Stored, span: Span) -> None:
    """Make views of what was stored that show nothing outside of a span, and the beginnings."""
    start, end = span
    seen = "true" if stored.sent_seen(rows, span) else "side <> 'out'"
    rows.memory.execute("create view clients as select * from stored.clients")
    for table in _DATED:
        only = seen if table == "letters" else "true"
        rows.memory.execute(
            f"create view {table} as select * from stored.{table}"
            f" where moment >= {start} and moment < {end} and {only}"
        )
    rows.memory.execute(f"""
        create table beginnings as
        select customer, side, greatest(min(moment), {start - 1}) as moment
        from (
            select customer, side, moment from stored.older where customer <> ''
            union all
            select customer, side, moment from stored.letters
        ) as ever
        where moment < {end} and {seen}
        group by customer, side
        union all
        select customer, side, moment from stored.older
        where customer = '' and moment < {end} and {seen}""")


def _begin(known: Loaded) -> None:
    """Make the table begun: what a customer's clock showed when its mail could first be seen."""
    sql = "select customer, since from risk where side = 'in'"
    rows = known.memory.execute(sql).fetchall()
    names = [row[0] for row in rows]
    active = known.clocks.active(names, [row[1] for row in rows])
    timing.beside(known.memory, "begun", {"customer": names, "active": active})


class Risks:
    """Since when each customer's mail of a side could be seen, and for how long in a cell."""

    def __init__(self, known: Loaded) -> None:
        self.known = known
        places = {name: i for i, name in enumerate(known.customers)}
        self.since = {side: np.full(len(places), np.nan) for side in _SIDES}
        for customer, side, at in known.memory.execute("select * from risk").fetchall():
            self.since[side][places[customer]] = at

    def of(self, signal: Signal, cell: Cell) -> Risk | None:
        """Return the risk of a signal's cell; None: the signal does not ask for it."""
        if not signal.risk:
            return None
        (end, days), since = cell, self.since[signal.risk]
        begin = np.fmax(end - days * DAY, np.nan_to_num(since, nan=end))
        begin = np.minimum(begin, end)
        unseen = np.isnan(since)
        clocks, names = self.known.clocks, self.known.customers
        active = clocks.active(names, np.full(len(names), end)) - clocks.active(names, begin)
        return Risk(np.where(unseen, np.nan, (end - begin) / DAY), np.where(unseen, np.nan, active))


def cohorts(known: Loaded, end: int) -> list[tuple[str, str, str]]:
    """Name the cohorts of each customer as of a moment, the narrowest first."""
    places = {name: i for i, name in enumerate(known.customers)}
    mails = np.zeros(len(places))
    sql = "select customer, count(*) from mails where moment >= ? and moment < ? group by customer"
    for customer, count in known.memory.execute(sql, [end - 365 * DAY, end]).fetchall():
        mails[places[customer]] = count
    return shrink.cohorts(known.segments, mails)


def found(known: Loaded, signals: Sequence[Signal], ends: Sequence[int]) -> Grid:
    """Return the sums of every signal and cell, a column a customer; NaN: nothing there.

    Each fact is scanned once, for all its signals. Raises BadData for SQL that does not run.
    """
    _lay_out(known, {cell for end in ends for signal in signals for cell in cells(signal, end)})
    by_fact: dict[tuple[str, str], list[Signal]] = {}
    for signal in signals:
        by_fact.setdefault((signal.from_, signal.by), []).append(signal)
    grid: dict[tuple[str, Cell], Floats] = {}
    for asked in by_fact.values():
        needed = {cell for end in ends for signal in asked for cell in cells(signal, end)}
        for cell in needed:
            for signal in asked:
                grid[signal.name, cell] = np.full((SUMS, len(known.customers)), np.nan)
        _fill(known, asked, needed, grid)
    return grid


def _fill(
    known: Loaded, asked: Sequence[Signal], needed: set[Cell], grid: Mapping[Any, Floats]
) -> None:
    places = {name: i for i, name in enumerate(known.customers)}
    sql = _largest(known, asked[0], needed) if asked[0].by else _scan(known, asked, needed)
    customers, ends, days, *numbers = _ask(known, sql, asked).values()
    place = np.array([places[customer] for customer in customers], dtype=np.int64)
    sums = np.array(
        [np.ma.filled(np.ma.asarray(each, dtype=np.float64), np.nan) for each in numbers]
    )
    for cell in needed:
        mine = np.flatnonzero((ends == cell[0]) & (days == cell[1]))
        for i, signal in enumerate(asked):
            grid[signal.name, cell][:, place[mine]] = sums[SUMS * i : SUMS * (i + 1), mine]


def _scan(known: Loaded, asked: Sequence[Signal], needed: set[Cell]) -> str:
    every = [column for signal in asked for column in _columns(signal)]
    columns = ", ".join(f"{column} as number_{i}" for i, column in enumerate(every))
    spoken = [name for name in CELLS[1:] if name in columns]  # every key that is compared costs
    alike = ", ".join(dict.fromkeys(("cell_end", "cell_days", *spoken)))
    return f"""
        select {asked[0].from_}.customer, cell_end, cell_days, {columns}
        from {_in_cells(known, asked[0].from_, needed)}
        group by {asked[0].from_}.customer, {alike}
    """


def _largest(known: Loaded, signal: Signal, needed: set[Cell]) -> str:
    """Count by groups, and tell the largest one of all: a share."""
    return f"""
        select customer, cell_end, cell_days, max(mails) as k, sum(mails) as n, null as value,
            null as spread, null as logs
        from (
            select {signal.from_}.customer, cell_end, cell_days, {signal.by}, count(*) as mails
            from {_in_cells(known, signal.from_, needed)}
            group by {signal.from_}.customer, cell_end, cell_days, {signal.by}
        ) as groups
        group by customer, cell_end, cell_days
    """


def _in_cells(known: Loaded, fact: str, needed: Iterable[Cell]) -> str:
    """Join a fact with the cells its rows belong to."""
    columns = {row[0] for row in known.memory.execute(f"describe {fact}").fetchall()}
    wanted = ", ".join(f"({end}, {days})" for end, days in sorted(needed))
    zone = f"{fact}.zone" if "zone" in columns else "0"
    moment = f"{fact}.waits + cell_wait" if "waits" in columns else f"{fact}.moment"
    return f"""{fact} join (
            select * from cells where (cell_end, cell_days) in ({wanted})
        ) as cells on cells.zone = {zone} and {moment} >= cell_start and {moment} < cell_end"""


def _lay_out(known: Loaded, needed: set[Cell]) -> None:
    """Make the table cells, with what each zone's clock shows at their ends."""
    ends = np.array([end for end, _ in sorted(needed)], dtype=np.int64)
    days = np.array([days for _, days in sorted(needed)], dtype=np.int64)
    starts = ends - days * DAY
    columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in CELLS}
    fitted = [np.full(len(ends), number) for number in (known.fit.wait, *known.fit.rhythm)]
    for zone, there in enumerate(known.clocks.clocks):
        shown = (there.active(starts), there.active(ends), there.worked(starts), there.worked(ends))
        same = (np.full(len(ends), zone), starts, ends, days, *fitted)
        for name, column in zip(CELLS, (*same, *shown), strict=True):
            columns[name].append(column)
    known.memory.register("laid", {name: np.concatenate(all_) for name, all_ in columns.items()})
    known.memory.execute("create or replace table cells as select * from laid")
    known.memory.unregister("laid")


def writing(known: Loaded, end: int) -> Floats:
    """Return how everybody wrote in the year before a moment, as `rhythm.fitted` takes it."""
    cell = (end, 365)
    _lay_out(known, {cell})
    sql = f"select {_WRITING} from {_in_cells(known, 'rhythm', [cell])} {_BY_WRITER}"
    return np.array(known.memory.execute(sql).fetchall(), dtype=np.float64).reshape(-1, 4)


# What silence_ahead says of one customer; who never wrote has no rhythm.
_WRITING = """
count(distinct case when day > since then day end), count(distinct day),
(max(active) - greatest(start_active, min(since_active))) / 864e5,
(end_active - greatest(start_active, min(since_active))
    - greatest(0, least(end_active, coalesce(max(away_until), 0))
        - greatest(max(active), coalesce(max(away_from), 0)))) / 864e5"""
_BY_WRITER = "group by rhythm.customer, start_active, end_active having count(day) > 0"


def shown(known: Loaded, signal: Signal, cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return, by customer, the keys of the newest rows behind a signal in a cell, at most 20."""
    _lay_out(known, {cell})
    fact = signal.from_
    sql = f"""
        select {fact}.customer, shown
        from {_in_cells(known, fact, [cell])}
        where {signal.shows or "true"}
        group by {fact}.customer, shown
        window newest as (
            partition by {fact}.customer order by max({fact}.moment) desc, shown desc
        )
        qualify row_number() over newest <= {EVIDENCE}
        order by {fact}.customer, max({fact}.moment) desc, shown desc
    """
    keys: dict[str, list[str]] = {}
    for customer, key in zip(*_ask(known, sql, [signal]).values(), strict=True):
        keys.setdefault(customer, []).append(str(key))
    return {customer: tuple(each) for customer, each in keys.items()}


def _ask(known: Loaded, sql: str, signals: Sequence[Signal]) -> dict[str, Any]:
    """Return the columns that a query answers, in its order."""
    try:
        return known.memory.execute(sql).fetchnumpy()
    except duckdb.Error as error:
        names = ", ".join(signal.name for signal in signals)
        why = str(error).splitlines()[0]
        raise BadData(f"health.toml: the SQL of {names} does not run ({why})") from error


def _columns(signal: Signal) -> tuple[str, str, str, str, str]:
    """Return k, n, value, spread and the mean of the logarithms as SQL, whatever the kind."""
    if not signal.each:
        return (signal.k or "null", signal.n or "null", signal.value or "null", "null", "null")
    each = f"({signal.each})"
    if signal.measures == "mean":
        return ("null", f"count{each}", f"sum{each} / count{each}", _spread(each), "null")
    median = f"percentile_cont(5e-1) within group (order by {each})"
    # Kept to 1/65536 like the tones: sums of such numbers do not depend on their order.
    log = f"(round(ln{each} * 65536e0) / 65536e0)"
    return ("null", f"count{each}", median, _spread(log), f"sum{log} / count{log}")


def _spread(each: str) -> str:
    squares = f"sum({each} * {each}) - sum{each} * sum{each} / count{each}"
    return f"case when count{each} > 1 then sqrt(greatest({squares}, 0e0) / (count{each} - 1)) end"
