"""From the store (SQLite) into DuckDB, where columns are counted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import adbc_driver_sqlite
import duckdb
import pyarrow
from adbc_driver_sqlite import dbapi

from mailhealth.errors import BadSource

Store = dbapi.Connection
Memory = duckdb.DuckDBPyConnection

_ROWS_AT_ONCE = "65536"
_CACHE = 65536  # KiB of the file at hand: rows that are looked up lie far apart


@contextmanager
def opened(db: Path) -> Iterator[Store]:
    """Open the store for reading; raises BadSource for a file that is none.

    Nobody in this process may hold the same file open by another copy of SQLite meanwhile
    (docs/decisions/006).
    """
    if not db.is_file():
        raise BadSource(f"{db.name}: there is no such file; sync first, or name another")
    try:
        with dbapi.connect(f"{db.absolute().as_uri()}?mode=ro", autocommit=True) as connection:
            with connection.cursor() as cursor:
                cursor.execute(f"pragma cache_size = -{_CACHE}")
            yield connection
    except dbapi.Error as error:
        why = str(error).splitlines()[0]
        raise BadSource(f"{db.name}: it is no store of mailhealth ({why})") from error


@contextmanager
def memory() -> Iterator[Memory]:
    """Open an empty DuckDB in memory; it reaches no file and no network, whatever SQL it runs."""
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        yield connection


def copy(  # noqa: PLR0917 - from, to and what, in this order everywhere
    store: Store,
    memory: Memory,
    table: str,
    columns: str,
    sql: str,
    asked: Sequence[object] = (),
    *,
    taking: str = "*",
    joined: str = "",
) -> None:
    """Make a table of what a query of the store answers.

    `columns` is its definition ("customer varchar, moment bigint"), `asked` the values of the
    query's ?1, ?2 ..., `taking` what DuckDB keeps of the query's columns while they stream by, and
    `joined` what it joins them with (they are called `incoming`).
    Raises BadSource where the store cannot be read to its end.
    """
    memory.execute(f"create table {table} ({columns})")
    with store.cursor() as cursor:
        rows = adbc_driver_sqlite.StatementOptions.BATCH_ROWS.value
        cursor.adbc_statement.set_options(**{rows: _ROWS_AT_ONCE})
        cursor.execute(sql, asked)
        try:
            _insert(memory, table, cursor.fetch_record_batch(), f"{taking} from incoming {joined}")
        except (duckdb.Error, pyarrow.ArrowException, OSError) as error:
            why = str(error).splitlines()[0]
            raise BadSource(f"{table}: the store cannot be read to its end ({why})") from error


def _insert(memory: Memory, table: str, rows: pyarrow.RecordBatchReader, kept: str) -> None:
    # A query that answers nothing has columns of no type, on which `kept` would stumble.
    first = next(rows, None)
    if first is None or not first.num_rows:
        return
    incoming = pyarrow.RecordBatchReader.from_batches(rows.schema, chain([first], rows))
    memory.register("incoming", incoming)
    memory.execute(f"insert into {table} select {kept}")
    memory.unregister("incoming")
