"""A world as a mailhealth database: what sync would have kept of its mail and send logs."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import repeat
from pathlib import Path

from sqlite_utils import Database

from mailhealth import store
from mailhealth.errors import BadSource
from mailhealth.simulate import rows
from mailhealth.simulate.names import names
from mailhealth.simulate.telling import World
from mailhealth.store import people

SOURCE = "simulated"

# The checks of columns take twice the time of the inserting.
_IN_BULK = (
    "journal_mode = off",
    "synchronous = off",
    "foreign_keys = off",
    "ignore_check_constraints = on",
    "cache_size = -200000",
)


def write(path: Path, world: World, *, read_by: str = SOURCE) -> None:
    """Write a world as a new database; `read_by` names the model that is to have read its mail.

    Raises BadSource where there is a file already, or none can be made.
    """
    if path.exists():
        raise BadSource(f"{path}: there is a file already; name another, or remove it first")
    if not path.parent.is_dir():
        raise BadSource(f"{path}: there is no folder {path.parent}; make it first")
    part = path.with_name(f"{path.name}.part")  # half a world is none
    part.unlink(missing_ok=True)
    with closing(store.connect(part)) as db:
        _fill(db, world, read_by)
    with closing(store.connect(part)) as db:
        people.assign(db)
    part.rename(path)


def _fill(db: Database, world: World, read_by: str) -> None:
    called = names(world.scene)
    people.add_ours(db, [world.scene.constants["ours"]["domain"]])
    people.replace_customers(db, rows.customers(world, called))
    told = json.dumps({"world": world.name, "seed": world.seed})
    source = {"source": SOURCE, "connector": SOURCE, "settings": told}
    with _in_bulk(db), db.atomic():
        store.insert(db, "sources", [source])
        for table, columns in rows.tables(world, called, SOURCE, read_by):
            _insert(db, table, columns)


@contextmanager
def _in_bulk(db: Database) -> Iterator[None]:
    """Fill tables first and index them then: nobody reads this file yet, and nobody misses it."""
    for setting in _IN_BULK:
        db.execute(f"pragma {setting}")
    indexes = db.execute(
        "select name, sql from sqlite_master where type = 'index' and sql is not null"
    ).fetchall()
    for name, _ in indexes:
        db.execute(f"drop index {name}")
    yield
    for _, sql in indexes:
        db.execute(sql)


def _insert(db: Database, table: str, columns: rows.Columns) -> None:
    """Insert rows that come as columns: five million of them are not made dictionaries first."""
    size = max(len(column) for column in columns.values() if isinstance(column, list))
    each = (c if isinstance(c, list) else repeat(c, size) for c in columns.values())
    marks = ", ".join("?" * len(columns))
    db.conn.executemany(
        f"insert into {table} ({', '.join(columns)}) values ({marks})", zip(*each, strict=False)
    )
