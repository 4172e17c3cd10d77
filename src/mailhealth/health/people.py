"""Who is who: what is ours, who the customers are, and a name that nobody has."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from sqlite_utils import Database

from mailhealth.customers import read_file
from mailhealth.errors import UnknownName
from mailhealth.store import people, touched


def ours(db: Database, values: Sequence[str]) -> list[str]:
    """Add what is ours; return all that is."""
    if values:
        people.add_ours(db, values)
        _assign(db)
    return people.ours(db)


def take_over(db: Database, path: Path) -> int:
    """Take over a customer file in place of the one before; count its customers."""
    rows = read_file(path)
    people.replace_customers(db, rows)
    _assign(db)
    return len({row.customer for row in rows})


def consumer(db: Database, on: bool | None) -> bool:
    """Say, or with None look up, whether customers are persons."""
    if on is not None:
        people.set_consumer(db, on)
        _assign(db)
    return people.consumer(db)


def know(db: Database, customer: str | None) -> None:
    """Raise UnknownName for what is no customer."""
    if customer and not people.known(db, customer):
        raise UnknownName(f"no customer '{customer}'; {_nearest(customer, people.names(db))}")


def _assign(db: Database) -> None:
    people.assign(db)
    touched.everybody(db)


def _nearest(name: str, names: Iterable[str]) -> str:
    there = list(names)
    close = get_close_matches(name, there, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(there[:5])} ..." if there else "there are none yet"
