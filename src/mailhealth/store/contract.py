"""The contract email_signals: its version and schema, its definitions, and what changed in it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from typing import Any

from sqlite_utils import Database

from mailhealth.errors import BadData
from mailhealth.records import SignalValue
from mailhealth.rules import Signal
from mailhealth.store import insert

# A column more: 2.x.0. A column less, or one that means something else: 3.0.0.
CONTRACT = "2.0.0"
WIDE = "email_signals_wide"


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in email_signals after a revision: first delete `removed`, then take `rows`.

    `revision` is where to go on, `definitions` what counts now, by signal. `removed` names a
    customer or an as_of, all of whose older rows are gone.
    """

    revision: int
    definitions: Mapping[str, str]
    removed: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]


def schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of one row of `mailhealth signals --json`."""
    text = files("mailhealth").joinpath("email_signals.schema.json").read_text("utf-8")
    told: dict[str, Any] = json.loads(text)
    return told


def newest_revision(db: Database) -> int:
    """Return the revision of the newest change of email_signals; 0: there was none."""
    row = db.execute(
        "select max(coalesce((select max(revision) from email_signals), 0),"
        " coalesce((select max(revision) from removals), 0))"
    ).fetchone()
    return int(row[0])


def changes(db: Database, since: int) -> Changes:
    """Look up what changed after a revision, the oldest first, definitions of before included.

    Raises BadData for a revision that this database has not come to.
    """
    with db.atomic():  # one state of the database, whoever writes meanwhile
        newest = newest_revision(db)
        if not 0 <= since <= newest:
            raise BadData(
                f"revision {since}: this database has come to revision {newest}; where it was made"
                " anew, read everything: changes since 0"
            )
        rows = db.query(
            "select * from email_signals where revision > ?"
            " order by revision, as_of, customer, signal, window_days, definition",
            [since],
        )
        removed = db.query(
            "select customer, as_of, revision from removals where revision > ?"
            " order by revision, customer, as_of",
            [since],
        )
        return Changes(newest, definitions(db), list(removed), list(rows))


def remove(db: Database, *, customers: Collection[str] = (), as_ofs: Collection[str] = ()) -> None:
    """Delete the rows of these customers, and those as of these instants; leave word of it."""
    with db.atomic():
        revision = newest_revision(db) + 1
        for column, gone in (("customer", customers), ("as_of", as_ofs)):
            for each in sorted(gone):
                done = db.execute(f"delete from email_signals where {column} = ?", [each])
                if done.rowcount:
                    insert(db, "removals", [{column: each, "revision": revision}])


def definitions(db: Database) -> dict[str, str]:
    """Look up the definition of each signal that counts now."""
    rows = db.execute("select signal, definition from definitions where current order by signal")
    return dict(rows.fetchall())


def define(db: Database, signals: Sequence[Signal]) -> None:
    """Remember what counts from now on, and lay out the wide view by it; the old stays known."""
    view = _view(signals)
    with db.atomic():
        laid_out = db.execute("select sql from sqlite_master where name = ?", [WIDE]).fetchone()
        if laid_out and laid_out[0] == view:
            return
        db.execute("update definitions set current = 0")
        insert(db, "definitions", map(_definition, signals), known="replace")
        db.execute(f"drop view if exists {WIDE}")
        db.execute(view)


def wide(values: Iterable[SignalValue], signals: Sequence[Signal]) -> list[dict[str, Any]]:
    """Lay answers out as the wide view does: a row a customer and instant, as they come.

    Of each signal there are the value and its reliability in the window that is scored.
    """
    named = columns(signals)
    scored = {signal.name: signal.window for signal in signals}
    unknown = {name: None for each in named.values() for name in (each, _reliability(each))}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for value in values:
        if scored.get(value.signal) == value.window_days:
            head = {"customer": value.customer, "as_of": value.as_of}
            row = rows.setdefault((value.customer, value.as_of), head | unknown)
            column = named[value.signal]
            row |= {column: value.value, _reliability(column): value.reliability}
    return list(rows.values())


def columns(signals: Iterable[Signal]) -> dict[str, str]:
    """Name each signal's column in the wide form: as the signal, numbered where that is taken."""
    taken = {"customer", "as_of"}
    named: dict[str, str] = {}
    for signal in signals:
        for number in count(1):
            column = signal.name if number == 1 else f"{signal.name}_{number}"
            mine = {column.casefold(), _reliability(column).casefold()}  # SQL knows no capitals
            if not mine & taken:
                break
        taken |= mine
        named[signal.name] = column
    return named


def _definition(signal: Signal) -> dict[str, Any]:
    return {
        "signal": signal.name,
        "definition": signal.definition,
        "asks": signal.asks,
        "component": signal.component,
        "kind": signal.kind,
        "window_days": signal.window,
        "current": 1,
    }


def _view(signals: Sequence[Signal]) -> str:
    """Write the wide view in SQL, where names are data: quoted, never trusted."""
    named = columns(signals)
    cells = [
        f",\n    max(iif({_is(signal)}, {cell}, null)) as {_name(column)}"
        for signal in signals
        for cell, column in (
            ("value", named[signal.name]),
            ("reliability", _reliability(named[signal.name])),
        )
    ]
    counted = ",\n    ".join(
        f"({_text(signal.name)}, {signal.window}, {_text(signal.definition)})" for signal in signals
    )
    return (
        f"CREATE VIEW {WIDE} as  -- a column a signal, laid out anew where health.toml changes\n"
        f"select customer, as_of{''.join(cells)}\nfrom email_signals\n"
        f"where (signal, window_days, definition) in (values\n    {counted})\n"
        "group by customer, as_of"
    )


def _is(signal: Signal) -> str:
    return f"signal = {_text(signal.name)}"


def _reliability(column: str) -> str:
    return f"{column}_reliability"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
