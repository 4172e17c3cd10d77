"""Alerts and tasks: what is open, and what became of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class Kept:
    """An alert that opened (`alert` is None), was raised or is open still, as it is now.

    `because` is by language; `changed` says that somebody should be told.
    """

    alert: int | None
    customer: str
    kind: str
    severity: str
    because: Mapping[str, Sequence[str]]
    evidence: Sequence[str]
    changed: bool


def newest(db: Database, as_of: str) -> list[dict[str, Any]]:
    """Look up the newest alert of each customer and kind as it was at an instant.

    `severity` and `fired` are of its last opening or raising, `open` says whether it was open.
    """
    return list(
        db.query(
            """
            with fired as (
                select alert, max(as_of) as fired, severity from alert_changes
                where change in ('opened', 'raised') and as_of <= :as_of group by alert
            )
            select alert, customer, kind, fired.severity, fired,
                cleared is null or cleared > :as_of as open
            from alerts join fired using (alert)
            where alert in (
                select max(alert) from alerts join fired using (alert) group by customer, kind
            )
            order by customer, kind
            """,
            {"as_of": as_of},
        )
    )


def newest_instant(db: Database) -> str:
    """Return the newest instant as of which alerts were kept; "": there was none."""
    row = db.execute("select coalesce(max(as_of), '') from alerts").fetchone()
    return str(row[0])


def bands(db: Database, model: str, since: str, until: str) -> dict[str, set[str]]:
    """Look up the bands that each customer was in, from `since` to before `until` (instants)."""
    rows = db.execute(
        "select distinct customer, band from scores where model = ? and as_of >= ? and as_of < ?",
        [model, since, until],
    ).fetchall()
    found: dict[str, set[str]] = {}
    for customer, band in rows:
        found.setdefault(customer, set()).add(band)
    return found


def save(
    db: Database, as_of: str, kept: Iterable[Kept], cleared: Iterable[int]
) -> dict[tuple[str, str], int]:
    """Keep what became of alerts as of an instant; return their numbers by customer and kind."""
    numbers = {}
    with db.atomic():
        for alert in cleared:
            _clear(db, as_of, alert)
        for each in kept:
            number = _open(db, as_of, each) if each.alert is None else _go_on(db, as_of, each)
            numbers[each.customer, each.kind] = number
            if each.changed:
                change = "opened" if each.alert is None else "raised"
                _change(db, as_of, (number, change, each.severity))
    return numbers


def _open(db: Database, as_of: str, new: Kept) -> int:
    row = db.execute(
        "insert into alerts (customer, kind, severity, state, opened, as_of, because, evidence)"
        " values (?, ?, ?, 'open', ?, ?, ?, ?) returning alert",
        [new.customer, new.kind, new.severity, as_of, as_of, *_told(new)],
    ).fetchone()
    return int(row[0])


def _go_on(db: Database, as_of: str, known: Kept) -> int:
    db.execute(
        "update alerts set severity = ?, as_of = ?, because = ?, evidence = ? where alert = ?",
        [known.severity, as_of, *_told(known), known.alert],
    )
    return known.alert or 0


def _clear(db: Database, as_of: str, alert: int) -> None:
    row = db.execute(
        "update alerts set state = 'cleared', as_of = ?, cleared = ? where alert = ?"
        " returning severity",
        [as_of, as_of, alert],
    ).fetchone()
    _change(db, as_of, (alert, "cleared", row[0]))


def _told(kept: Kept) -> tuple[str, str]:
    return json.dumps(kept.because, ensure_ascii=False), json.dumps(list(kept.evidence))


def _change(db: Database, as_of: str, what: tuple[int, str, str]) -> None:
    # Evaluated twice as of the same instant, the last word counts.
    db.execute(
        "insert or replace into alert_changes (alert, as_of, change, severity) values (?, ?, ?, ?)",
        [what[0], as_of, *what[1:]],
    )


def listing(db: Database, *, among: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """List the open alerts, or those of some numbers; the severest and then the newest first."""
    rows = db.query(
        """
        select * from alerts
        where case when :among is null then state = 'open'
            else alert in (select value from json_each(:among)) end
        order by case severity when 'high' then 0 when 'medium' then 1 else 2 end,
            opened desc, alert
        """,
        {"among": None if among is None else json.dumps(among)},
    )
    return [row | {name: json.loads(row[name]) for name in ("because", "evidence")} for row in rows]


def unsent(db: Database) -> set[int]:
    """Find the open alerts of whose opening or raising nobody was told yet."""
    rows = db.execute(
        "select distinct alert from alert_changes join alerts using (alert)"
        " where sent is null and change in ('opened', 'raised') and state = 'open'"
    ).fetchall()
    return {int(row[0]) for row in rows}


def mark_sent(db: Database, alerts: Iterable[int], now: str) -> None:
    """Remember that somebody was told of alerts."""
    with db.atomic():
        db.conn.executemany(
            "update alert_changes set sent = ? where alert = ? and sent is null",
            [(now, alert) for alert in alerts],
        )


def add_tasks(db: Database, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep tasks (alert, playbook, step, what, owner, due); one that is there stays."""
    with db.atomic():
        db.conn.executemany(
            "insert or ignore into tasks (alert, playbook, step, what, owner, due, state)"
            " values (:alert, :playbook, :step, :what, :owner, :due, 'open')",
            [{**row, "what": json.dumps(row["what"], ensure_ascii=False)} for row in rows],
        )


def tasks(db: Database, *, only_open: bool = True) -> list[dict[str, Any]]:
    """List tasks with their alerts' customer, kind and severity, what is due next first."""
    rows = db.query(
        "select task, due, t.owner, a.customer, t.what, a.kind, a.severity, t.playbook, t.step,"
        " t.state, t.changed, t.alert from tasks t join alerts a using (alert)"
        " where t.state = 'open' or not :open"
        " order by t.state = 'open' desc, t.due, a.customer, t.task",
        {"open": only_open},
    )
    return [row | {"what": json.loads(row["what"])} for row in rows]


def close(db: Database, alert: int, reason: str, now: str) -> bool:
    """Close an open alert by hand; False: none of that number is open.

    It is cleared as of the newest instant at which it was open.
    """
    with db.atomic():
        found = db.execute(
            "update alerts set state = 'cleared', cleared = as_of"
            " where alert = ? and state = 'open'",
            [alert],
        )
        if found.rowcount:
            db.execute("insert into closings values (?, ?, ?)", [alert, now, reason])
    return bool(found.rowcount)


def looked(db: Database) -> bool:
    """Tell whether alerts were ever decided here."""
    row = db.execute(
        "select exists (select 1 from alerts)"
        " or exists (select 1 from settings where name = 'looked')"
    ).fetchone()
    return bool(row[0])


def passed_over(db: Database) -> dict[tuple[str, str], Any]:
    """Look up the severity of what was passed over, by customer and kind."""
    rows = db.execute("select customer, kind, severity from passed_over").fetchall()
    return {(customer, kind): severity for customer, kind, severity in rows}


def pass_over(db: Database, as_of: str, over: Mapping[tuple[str, str], str]) -> None:
    """Remember what is passed over now, and when alerts were decided first."""
    rows = [(*key, severity) for key, severity in over.items()]
    with db.atomic():
        db.execute("insert or ignore into settings (name, value) values ('looked', ?)", [as_of])
        db.execute("delete from passed_over")
        db.conn.executemany("insert into passed_over values (?, ?, ?)", rows)


def close_task(db: Database, task: int, state: Literal["done", "dropped"], now: str) -> bool:
    """Say that a task is done or dropped; False: there is none of that number."""
    with db.atomic():
        found = db.execute(
            "update tasks set state = ?, changed = ? where task = ?", [state, now, task]
        )
    return bool(found.rowcount)


def segments_and_owners(db: Database) -> tuple[set[str], set[str]]:
    """Look up the segments and the owners that customers have."""
    rows = db.execute("select distinct segment, owner from customers").fetchall()
    return {row[0] for row in rows} - {None}, {row[1] for row in rows} - {None}
