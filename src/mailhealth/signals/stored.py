"""What the signals stand on, read from the store (SQLite) into DuckDB once, for any number of days.

Of many customers the store is read in the order in which it lies, and joined in DuckDB; of a few
their rows are looked up (docs/decisions/037).
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mailhealth import warehouse
from mailhealth.signals.tables import EVENTS, HAPPENED, SCANS, SENT_SEEN, TABLES, Scan
from mailhealth.warehouse import Memory, Store

Span = tuple[int, int]  # the first second, and the second after the last

_FEW = 0.2  # up to this share of the customers, their rows are looked up
_MESSAGES_AT_ONCE = 2_000_000
_PASSING = ("senders", "written", "judgements", "people", "happened")  # needed for joining only

# Names are compared as numbers: an enum keeps their order. Of a few it is not worth the trouble.
_TYPES = {
    "client_text": "select customer from customers union select ''",
    "person_text": "select coalesce(person, contact) from contacts union select ''",
}
_HAPPENING = """
create type happening as enum (
    'sent', 'delivered', 'deferred', 'hard', 'soft', 'lost', 'opened', 'clicked', 'complained',
    'unsubscribed', 'subscribed', 'replied')"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A DuckDB whose schema `stored` holds the rows of some customers in a span."""

    memory: Memory
    store: Store
    customers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Groups:
    """Customers in groups that are read at once; where there is one group only, it stays read."""

    store: Store
    names: Sequence[Sequence[str]]
    span: Span
    only: Stored | None

    def each(self) -> Iterator[Stored]:
        """Go through the groups, one after another."""
        if self.only:
            yield self.only
            return
        for names in self.names:
            with read(self.store, names, self.span) as stored:
                yield stored


@contextmanager
def groups(store: Store, customers: Sequence[str] | None, span: Span) -> Iterator[Groups]:
    """Deal the customers, all or those of `customers` that exist, into groups to read at once."""
    names = buckets(store, customers)
    if len(names) == 1:
        with read(store, names[0], span) as only:
            yield Groups(store, names, span, only)
    else:
        yield Groups(store, names, span, None)


def buckets(store: Store, customers: Sequence[str] | None) -> list[list[str]]:
    """Return the customers, all or those of `customers` that exist, in groups to load at once."""
    names = _everybody(store)
    with store.cursor() as cursor:
        cursor.execute("select coalesce(max(rowid), 0) from messages")  # counting takes long
        messages = cursor.fetchall()[0][0]
    if customers is not None:
        wanted = set(customers)
        names = [name for name in names if name in wanted]
    groups = 1 + messages // _MESSAGES_AT_ONCE
    return [group for i in range(groups) if (group := names[i::groups])]


def _everybody(store: Store) -> list[str]:
    with store.cursor() as cursor:
        cursor.execute("select customer from customers order by customer")
        return [str(row[0]) for row in cursor.fetchall()]


@contextmanager
def read(store: Store, customers: Sequence[str], span: Span) -> Iterator[Stored]:
    """Read these customers' rows of a span into a DuckDB in memory.

    It reaches no file and no network: a health.toml from elsewhere may be run in it.
    """
    names = sorted(customers)
    asked = (*span, json.dumps(names))
    few = len(names) <= _FEW * len(_everybody(store))
    with warehouse.memory() as memory:
        memory.execute("create schema stored; use stored")
        _types(store, memory, few=few)
        for table, scan in _tables(few=few).items():
            warehouse.copy(
                store,
                memory,
                table,
                scan.columns,
                scan.sql.replace(SENT_SEEN, "1"),
                asked,
                taking=scan.taking,
                joined=scan.joined,
            )
        memory.execute(EVENTS)
        for table in _PASSING:
            memory.execute(f"drop table if exists {table}")
        yield Stored(memory, store, names)


def sent_seen(stored: Stored, span: Span) -> bool:
    """Tell whether mail of ours counts as of a span's end; see tables.SENT_SEEN."""
    with stored.store.cursor() as cursor:
        sql = f"select {SENT_SEEN} from (select 'out' as direction) m where ?1 < ?2"
        cursor.execute(sql, span)
        return bool(cursor.fetchall()[0][0])


def _tables(*, few: bool) -> dict[str, Scan]:
    """Return how each table is read: those that are joined with others after these."""
    looked_up = {name: Scan(*table) for name, table in TABLES.items() if name != "judgements"}
    if few:
        return looked_up | {"happened": HAPPENED}
    return {name: scan for name, scan in looked_up.items() if name not in SCANS} | dict(SCANS)


def _types(store: Store, memory: Memory, *, few: bool) -> None:
    memory.execute(_HAPPENING)
    for name, sql in _TYPES.items():
        if few:
            memory.execute(f"create type {name} as varchar")
        else:
            warehouse.copy(store, memory, "names", "name varchar", sql)
            memory.execute(f"create type {name} as enum (select name from names order by name)")
            memory.execute("drop table names")
