"""The SQLite file: open, migrate, save, look up.

`inbox` keeps what was read, `people` who is who, `results` what it means. Every value is
bound, never pasted into SQL; every save is one transaction.
"""

import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

# sqlite-utils imports pandas wherever it finds it, to take DataFrames, which it never gets here:
# 65 MB and a third of a second of every command. None makes it look as if there were none.
_HIDDEN = "pandas" not in sys.modules and sys.modules.setdefault("pandas", None) is None  # type: ignore[arg-type]
from sqlite_utils import Database  # noqa: E402
from sqlite_utils.migrations import Migrations  # noqa: E402

if _HIDDEN:
    del sys.modules["pandas"]

from mailhealth.errors import BadSource  # noqa: E402


def connect(path: Path, *, create: bool = True) -> Database:
    """Open a mailhealth file, bring its tables up to the newest schema, and return it.

    Write-ahead logging lets readers work beside the one writer. Raises BadSource when the
    file is missing (and `create` is false), is no SQLite file, or cannot be opened.
    """
    if not create and not path.exists():
        raise BadSource(f"{path}: no such database; 'mailhealth connect' makes one")
    try:
        db = Database(path)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.execute("pragma foreign_keys = on")
        _migrations().apply(db)
    except sqlite3.Error as error:
        raise BadSource(f"{path}: cannot be opened as a mailhealth database ({error})") from error
    return db


def roomy(db: Database) -> None:
    """Let a connection keep 64 MiB of pages: the rows that are looked up here lie far apart."""
    db.execute("pragma cache_size = -65536")


def insert(
    db: Database,
    table: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    known: Literal["ignore", "replace"] = "ignore",
) -> None:
    """Insert rows that all have the same columns; one that is there already stays or yields.

    Plain executemany: sqlite-utils 4.2 asks a single ignored row for its rowid, which a
    table without rowid has not got, and costs twice the time.
    """
    rows = list(rows)
    if rows:
        columns = list(rows[0])
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        db.conn.executemany(f"insert or {known} into {table} ({names}) values ({marks})", rows)


def _migrations() -> Migrations:
    """The numbered scripts in schema/, in order."""
    migrations = Migrations("mailhealth")
    folder = resources.files("mailhealth") / "schema"
    for script in sorted(folder.iterdir(), key=lambda script: script.name):
        if script.name.endswith(".sql"):
            migrations(name=script.name.removesuffix(".sql"))(_running(script.read_text("utf-8")))
    return migrations


def _running(sql: str) -> Callable[[Database], None]:
    # A closure per script, so that each migration runs its own text. The name is given
    # to the migration, not to the function.
    def run(db: Database) -> None:
        for statement in _statements(sql):
            db.execute(statement)

    return run


def _statements(sql: str) -> Iterator[str]:
    """Cut a script into statements: sqlite3's executescript would end the transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
