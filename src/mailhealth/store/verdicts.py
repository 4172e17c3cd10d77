"""Who was a person: verdicts on events, and how far they have been judged."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from mailhealth.records import Verdict


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be judged: events from `since` on; the newest of them stands in `row`."""

    since: int
    row: int


def due(db: Database, fingerprint: str) -> Due | None:
    """Say what has come since the last judging; everything, where the rules have changed.

    Events are never changed, and a new one gets a higher row than all before it, so the last
    row judged is all there is to remember.
    """
    newest = int(db.execute("select coalesce(max(row), 0) from events").fetchone()[0])
    rules, _, row = (_setting(db, "judged") or "").partition(" ")
    if rules != fingerprint or int(row) > newest:
        return Due(0, newest)
    if int(row) == newest:
        return None
    oldest = db.execute("select min(at) from events where row > ?", [int(row)]).fetchone()[0]
    return Due(int(oldest), newest)


def save(
    db: Database, verdicts: Iterable[Verdict], fingerprint: str, due: Due, *, ahead: int
) -> int:
    """Replace the verdicts on all events from `ahead` seconds before what was due; count them."""
    rows = ((v.row, v.machine, v.hides, v.points, v.rules) for v in verdicts)
    with db.atomic():
        _forget(db, due.since - ahead)
        # In the order of their keys the rows go in faster than as they come.
        db.execute("create temporary table judging (row integer, machine, hides, points, rules)")
        db.conn.executemany("insert into judging values (?, ?, ?, ?, ?)", rows)
        saved = db.execute("insert into suspects select * from judging order by row").rowcount
        db.execute("drop table judging")
        _set(db, "judged", f"{fingerprint} {due.row}")
    return saved


def standing(db: Database, since: int) -> set[tuple[int, int | None]]:
    """Return the suspected events from `since` on, by row, with what is said of them."""
    rows = db.execute(
        "select row, suspects.machine from suspects join events using (row) where at >= ?", [since]
    )
    return set(rows.fetchall())


def counts(db: Database) -> list[dict[str, Any]]:
    """Count by type whose events they were; `hidden` are the mails fetched by a proxy."""
    return list(
        db.query(
            "select type, count(*) as events, sum(machine = 0) as people,"
            " sum(machine = 1) as machines, sum(machine is null) as suspects,"
            " sum(hides) as hidden from judged group by type order by type"
        )
    )


def _forget(db: Database, since: int) -> None:
    if since <= 0:
        db.execute("delete from suspects")
    else:
        db.execute(
            "delete from suspects where row in (select row from events where at >= ?)", [since]
        )


def _setting(db: Database, name: str) -> str | None:
    row = db.execute("select value from settings where name = ?", [name]).fetchone()
    return None if row is None else str(row[0])


def _set(db: Database, name: str, value: str) -> None:
    db.execute("insert or replace into settings (name, value) values (?, ?)", [name, value])
