"""What one customer's numbers stand on: so few rows that SQLite tells it before DuckDB begins.

The facts are the same text (facts.sql); tests hold that both say the same.
"""

import json
import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mailhealth.rules import DAY, Rules, Signal, facts
from mailhealth.signals import tables, timing
from mailhealth.signals.clock import Clock, Office
from mailhealth.signals.engine import CELLS, EVIDENCE, HORIZON
from mailhealth.signals.fits import Fit
from mailhealth.signals.timing import HOME, Clocks

Row = tuple[Any, ...]

# What the store can tell of everybody as fast as of one.
_OF_ALL = ("older", "dead", "left_by_mail", "given")
_MAILS = (
    "customer, message, thread, moment, side, contact, closing, bounced_at, active, worked,"
    " our_worked"
)
_ABSENCES = "customer, message, contact, moment, active, until_active"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the evidence of all customers shares as of `end` (seconds).

    `rows` are those of some tables, by table and customer; those of "" are everybody's. `clocks`
    are those that somebody needed, by zone and country.
    """

    end: int
    fit: Fit
    office: Office
    sent_seen: bool
    rows: Mapping[str, Mapping[str, Sequence[Row]]]
    clocks: dict[tuple[str, str], Clock] = field(default_factory=dict)

    @property
    def span(self) -> tuple[int, int]:
        """From the first moment that is asked for to before the last."""
        return self.fit.through - HORIZON, self.end


def ground(store: sqlite3.Connection, fit: Fit, end: int) -> Ground:
    """Look up what is the same whichever customer is asked for as of `end` (seconds)."""
    names = [row[0] for row in store.execute("select customer from customers")]
    asked = (fit.through - HORIZON, end, json.dumps(names))
    sent = f"select {tables.SENT_SEEN} from (select 'out' as direction) m where ?1 < ?2"
    (seen,) = store.execute(sent, asked[:2]).fetchone()
    rows: dict[str, dict[str, list[Row]]] = {table: {} for table in _OF_ALL}
    for table, mine in rows.items():
        for row in store.execute(tables.TABLES[table][1], asked):
            mine.setdefault(row[0], []).append(row)
    return Ground(end, fit, timing.office(store, fit), bool(seen), rows)


def shown(
    store: sqlite3.Connection, rules: Rules, customer: str, known: Ground
) -> dict[str, tuple[str, ...]]:
    """Return, by signal, the keys of the newest rows behind a customer's number, at most 20.

    Raises sqlite3.Error for SQL that only DuckDB understands.
    """
    with closing(_memory()) as memory:
        _load(store, memory, customer, known)
        clocks = timing.clocks(memory, known.fit, known.office, known.span, made=known.clocks)
        _read_off(memory, clocks, customer)
        _tell(memory, clocks, customer)
        _lay_out(memory, clocks, known, {signal.window for signal in rules.signals})
        columns = {fact: _columns(memory, fact) for fact in {each.from_ for each in rules.signals}}
        return {each.name: _newest(memory, each, columns[each.from_]) for each in rules.signals}


def _memory() -> sqlite3.Connection:
    """Open an empty SQLite in memory that knows what the facts ask of DuckDB.

    Like the engine's it reaches no file: a health.toml from elsewhere may be run in it.
    """
    memory = sqlite3.connect(":memory:")
    memory.execute("pragma case_sensitive_like = on")
    memory.create_function("least", -1, lambda *each: _known(min, each), deterministic=True)
    memory.create_function("greatest", -1, lambda *each: _known(max, each), deterministic=True)
    return memory


def _known(choose: Any, each: Iterable[Any]) -> Any:
    return choose((one for one in each if one is not None), default=None)


def _load(
    store: sqlite3.Connection, memory: sqlite3.Connection, customer: str, known: Ground
) -> None:
    """Copy the customer's rows of the store, and join them, as the engine does."""
    asked = (*known.span, json.dumps([customer]))
    seen = "1" if known.sent_seen else "m.direction = 'in'"
    acts = store.execute(tables.ACTS_JUDGED, asked).fetchall()
    for table, (columns, sql) in tables.TABLES.items():
        if table in _OF_ALL:
            mine = known.rows[table]
            rows = [*mine.get(customer, ()), *mine.get("", ())]
        elif table == "judgements":
            rows = [(row[0], row[-1]) for row in acts if row[-2]]
        else:
            rows = store.execute(sql.replace(tables.SENT_SEEN, seen), asked).fetchall()
        _make(memory, table, columns, rows)
    _make(memory, "acts", tables.ACTS, [row[:-2] for row in acts])
    for sql in tables.JOINED:
        memory.execute(sql)


def _make(memory: sqlite3.Connection, table: str, columns: str, rows: Sequence[Row]) -> None:
    memory.execute(f"create table {table} ({columns})")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        memory.executemany(f"insert into {table} values ({marks})", rows)


def _read_off(memory: sqlite3.Connection, clocks: Clocks, customer: str) -> None:
    """Make the tables customers, mails and absences: what was loaded, with the clocks' readings."""
    number = clocks.numbers[customer]
    there, ours = clocks.clocks[number], clocks.clocks[HOME]
    memory.execute(
        f"create table customers as select customer, started, {number} as zone from clients"
    )
    letters = memory.execute(
        "select customer, message, thread, moment, side, contact, closing, bounced_at from letters"
    ).fetchall()
    at = np.array([row[3] for row in letters], dtype=np.int64)
    read = (clock.tolist() for clock in (there.active(at), there.worked(at), ours.worked(at)))
    _make(
        memory, "mails", _MAILS, [(*row, *told) for row, *told in zip(letters, *read, strict=True)]
    )
    away = memory.execute("select customer, message, contact, moment, until from away").fetchall()
    at = np.array([row[3:] for row in away], dtype=np.int64).reshape(-1, 2)
    read = (there.active(at[:, column]).tolist() for column in (0, 1))
    gone = [(*row[:4], *told) for row, *told in zip(away, *read, strict=True)]
    _make(memory, "absences", _ABSENCES, gone)


def _tell(memory: sqlite3.Connection, clocks: Clocks, customer: str) -> None:
    """Make a table of every fact."""
    views = facts()
    memory.execute(f"create table risk as {views['risk']}")
    since = memory.execute("select since from risk where side = 'in'").fetchall()
    active = clocks.active([customer] * len(since), [row[0] for row in since]).tolist()
    _make(memory, "begun", "customer, active", [(customer, at) for at in active])
    for name, sql in views.items():
        if name != "risk":
            memory.execute(f"create table {name} as {tables.paired(sql)}")


def _lay_out(
    memory: sqlite3.Connection, clocks: Clocks, known: Ground, windows: Iterable[int]
) -> None:
    """Make the table cells, with what each zone's clock shows at their ends."""
    rows = []
    for zone, there in enumerate(clocks.clocks):
        for days in windows:
            edges = (known.end - days * DAY, known.end)
            read = (*there.active(edges).tolist(), *there.worked(edges).tolist())
            rows.append((zone, *edges, days, known.fit.wait, *known.fit.rhythm, *read))
    _make(memory, "cells", ", ".join(CELLS), rows)


def _newest(memory: sqlite3.Connection, signal: Signal, columns: Container[str]) -> tuple[str, ...]:
    fact = signal.from_
    zone = f"{fact}.zone" if "zone" in columns else "0"
    moment = f"{fact}.waits + cell_wait" if "waits" in columns else f"{fact}.moment"
    rows = memory.execute(
        f"select shown from {fact} join cells on cells.zone = {zone} and cell_days = ?"
        f" and {moment} >= cell_start and {moment} < cell_end where ({signal.shows or 'true'})"
        f" group by shown order by max({fact}.moment) desc, shown desc limit ?",
        [signal.window, EVIDENCE],
    )
    return tuple(str(row[0]) for row in rows)


def _columns(memory: sqlite3.Connection, table: str) -> frozenset[str]:
    return frozenset(row[1] for row in memory.execute(f"pragma table_info({table})"))
