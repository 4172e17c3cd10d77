"""The stages of the campaigns' benchmark, each in a process of its own: `STAGE FOLDER KIND`.

Prints how many events it went through, and the wall and CPU seconds of the part that counts.
"""

import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import send_logs

ROWS = 10_000  # fetched at once by `bare`, outside the time that counts


def ours(folder: Path, kind: str) -> None:
    """Connect a log, read it, save its events with people and places, judge them."""
    from mailhealth.health import Health

    path = folder / f"{kind}.{send_logs.suffix(kind)}"
    wall, cpu = time.perf_counter(), time.process_time()
    with Health(folder / f"{kind}.db") as health:
        source = health.connect("log", send_logs.connector(kind), path=path)
        report = health._read(source, lambda *_: None)
        health.judge()
    if report.skipped or report.error:
        sys.exit(f"{report.skipped} skipped, {report.error or 'no error'}")
    print(report.new, time.perf_counter() - wall, time.process_time() - cpu)


def bare(folder: Path, kind: str) -> None:
    """Insert the same rows into the same empty table, under the same pragmas, by executemany."""
    from mailhealth import store

    goal = folder / f"{kind}.bare.db"
    for old in folder.glob(f"{kind}.bare.db*"):
        old.unlink()
    with sqlite3.connect(folder / f"{kind}.db") as filled:
        db = store.connect(goal)
        with db.atomic():
            for table in ("sources", "contacts", "addresses"):
                _insert(db.conn, table, filled)
        with db.atomic():
            count, wall, cpu = _insert(db.conn, "events", filled)
            start, cpu_start = time.perf_counter(), time.process_time()
        wall += time.perf_counter() - start
        cpu += time.process_time() - cpu_start
    print(count, wall, cpu)


def _insert(
    db: sqlite3.Connection, table: str, filled: sqlite3.Connection
) -> tuple[int, float, float]:
    """Copy a table; how many rows, and what executemany alone took."""
    rows = filled.execute(
        f"select * from {table} order by rowid" if table == "events" else f"select * from {table}"
    )
    marks = ", ".join("?" * len(rows.description))
    count, wall, cpu = 0, 0.0, 0.0
    while some := rows.fetchmany(ROWS):
        start, cpu_start = time.perf_counter(), time.process_time()
        db.executemany(f"insert into {table} values ({marks})", some)
        wall += time.perf_counter() - start
        cpu += time.process_time() - cpu_start
        count += len(some)
    return count, wall, cpu


STAGES: dict[str, Callable[[Path, str], None]] = {"ours": ours, "bare": bare}

if __name__ == "__main__":
    STAGES[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
