"""What lies where on mail servers: kept beside the messages, and reconciled with the servers."""

import json
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from mailhealth.records import Found, Message, Met, Present, Renamed, Skipped, Spot
from mailhealth.store import insert

SAMPLE = 5

_LAID = """
insert into on_server (source, folder, validity, uid, message, fingerprint)
values (?, ?, ?, ?, ?, ?)
on conflict do update set message = coalesce(excluded.message, message), gone_at = null"""

_MET_AGAIN = """
delete from on_server
where source = :source and folder = :folder and validity <> :now and message in (
    select message from on_server
    where source = :source and folder = :folder and validity = :now
)"""

_COUNTED = """
select folder,
    total(message is not null and gone_at is null) as stored,
    total(message is null and gone_at is null) as skipped,
    total(gone_at is not null) as gone
from on_server where source = ? group by folder"""


@dataclass(frozen=True, slots=True)
class OnServer:
    """What is kept of the messages of a source on its server (`records.Kept`).

    Every question opens the file `path` anew, because a reader asks from its own thread.
    """

    path: Path
    source: str

    def renumbered(self, folder: str, validity: int) -> bool:
        """Whether messages of this folder are kept under another UIDVALIDITY."""
        sql = (
            "select exists (select 1 from on_server"
            " where source = ? and folder = ? and validity <> ? and gone_at is null)"
        )
        return bool(self._rows(sql, self.source, folder, validity)[0][0])

    def messages(self, fingerprints: Sequence[str]) -> Mapping[str, str]:
        """The keys of the messages that are kept, by fingerprint; one that fits two is none."""
        sql = (
            "select fingerprint, min(message) from on_server"
            " where source = ? and fingerprint in (select value from json_each(?))"
            " and fingerprint <> '' and message is not null"
            " group by fingerprint having min(message) = max(message)"
        )
        return dict(self._rows(sql, self.source, json.dumps(list(fingerprints))))

    def sample(self, folder: str, validity: int) -> Mapping[int, str]:
        """The fingerprints of the newest five messages of a folder, by UID."""
        sql = (
            "select uid, fingerprint from on_server where source = ? and folder = ?"
            " and validity = ? and fingerprint <> '' and gone_at is null order by uid desc limit ?"
        )
        return dict(self._rows(sql, self.source, folder, validity, SAMPLE))

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(sql, values).fetchall()


def save(db: Database, source: str, items: Sequence[object], *, known_at: int) -> None:
    """Keep what a reader told of a server, in the transaction of its messages."""
    for item in items:
        if isinstance(item, Renamed):
            _rename(db, source, item)
    db.conn.executemany(_LAID, [row for item in items for row in _laid(source, item)])
    met = [item for item in items if isinstance(item, Met)]
    places = ({"message": m.message, "source": source, "place": m.place} for m in met)
    insert(db, "places", places)
    for item in items:
        if isinstance(item, Present):
            _reconcile(db, source, item, known_at)


def counts(db: Database, source: str) -> dict[str, dict[str, int]]:
    """Count, by folder, what is stored, what was skipped, and what is gone from the server."""
    rows = db.query(_COUNTED, [source])
    return {
        row["folder"]: {name: int(row[name]) for name in ("stored", "skipped", "gone")}
        for row in rows
    }


def _laid(source: str, item: object) -> Iterable[tuple[Any, ...]]:
    if isinstance(item, Met):
        yield _row(source, item.spot, item.message)
    elif isinstance(item, Found) and item.spot and isinstance(item.what, Message):
        yield _row(source, item.spot, item.what.key)
    elif isinstance(item, Skipped) and item.spot:
        yield _row(source, item.spot, None)


def _row(source: str, spot: Spot, message: str | None) -> tuple[Any, ...]:
    return (source, spot.folder, spot.validity, spot.uid, message, spot.fingerprint)


def _rename(db: Database, source: str, renamed: Renamed) -> None:
    names = [renamed.now, source, renamed.was]
    db.execute("update or replace on_server set folder = ? where source = ? and folder = ?", names)
    db.execute(
        "update or replace cursors set place = 'imap:' || ? where source = ?"
        " and place = 'imap:' || ?",
        names,
    )


def _reconcile(db: Database, source: str, present: Present, now: int) -> None:
    """Note what is gone from a folder.

    What was met again under new numbers is forgotten under the older ones.
    """
    there = [now, source, present.folder, present.validity]
    whose = "where source = ? and folder = ? and gone_at is null and"
    db.execute(_MET_AGAIN, {"source": source, "folder": present.folder, "now": present.validity})
    db.execute(f"update on_server set gone_at = ? {whose} validity <> ?", there)
    rows = db.execute(f"select uid from on_server {whose} validity = ?", there[1:]).fetchall()
    firsts = [first for first, _ in present.uids]
    gone = [uid for (uid,) in rows if not _within(uid, firsts, present.uids)]
    sql = f"update on_server set gone_at = ? {whose} validity = ? and uid = ?"
    db.conn.executemany(sql, [(*there, uid) for uid in gone])


def _within(uid: int, firsts: Sequence[int], ranges: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(firsts, uid) - 1
    return place >= 0 and uid <= ranges[place][1]
