"""How often the same thing was met in one file of any length, in flat memory."""

import sqlite3
from typing import Self

RECENT = 200_000  # keys in memory before they go to disk
BITS = 1 << 27  # 16 MB that tell most keys which were never met


class Repeats:
    """Numbers what looks alike in one file: 0 for the first time, then 1, 2 and so on.

    Two clicks in one second are two rows that say the same, and two events; in an export that
    overlaps this one they are again the first and the second. Keys are hashes of 64 bits,
    which tell a hundred million rows apart. What was met longer ago lies in a temporary
    SQLite database, because files are not sorted.
    """

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        self._met = bytearray()
        self._db = sqlite3.connect("", isolation_level=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def number(self, key: int) -> int:
        """How often this was met before."""
        times = self._last(key) + 1
        self._put(key, times)
        return times

    def same(self, key: int, row: int) -> int:
        """The number of this row among the different rows with this key."""
        if (known := self._last(row)) >= 0:
            return known
        times = self.number(key)
        self._put(row, times)
        return times

    def _last(self, key: int) -> int:
        """The last number of a key, -1 where it was not met."""
        if (known := self._recent.get(key)) is not None:
            return known
        if not self._met or not self._met[(key % BITS) >> 3] & (1 << (key & 7)):
            return -1
        found = self._db.execute("select number from met where key = ?", (key,)).fetchone()
        return -1 if found is None else int(found[0])

    def _put(self, key: int, number: int) -> None:
        self._recent[key] = number
        if len(self._recent) >= RECENT:
            self._spill()

    def _spill(self) -> None:
        if not self._met:
            self._met = bytearray(BITS >> 3)
            self._db.executescript(
                "pragma synchronous = off; pragma journal_mode = off; pragma cache_size = -32000;"
                "create table met (key integer primary key, number integer)"
            )
        self._db.execute("begin")
        self._db.executemany(
            "insert or replace into met values (?, ?)", sorted(self._recent.items())
        )
        self._db.execute("commit")
        for key in self._recent:
            self._met[(key % BITS) >> 3] |= 1 << (key & 7)
        self._recent.clear()
