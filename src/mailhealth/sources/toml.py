"""What may stand in a TOML file of ours: each wrong key or value is one sentence."""

import difflib
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from mailhealth.errors import BadData


@lru_cache(maxsize=4_096)
def folded(name: str) -> str:
    """Spell a column or word so that case, spaces, "-" and "_" make no difference.

    >>> folded("Event Type") == folded("event_type")
    True
    """
    return "".join(name.split()).replace("_", "").replace("-", "").casefold()


def meant(name: str, known: Collection[str]) -> str:
    """The tail of an error message: the known name that was probably meant, or nothing."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def keys(where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a table that has a key which is not among the known ones."""
    for key in table:
        if key not in known:
            raise BadData(f"{where}: unknown key '{key}'{meant(key, known)}")


def table(where: str, parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The table of this name, empty where there is none."""
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise BadData(f"{where}: '{key}' must be a table, written [{key}]")
    return value


def one(where: str, key: str, value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise BadData(f"{where}: '{key}' must be a text, not {value!r}")
    return value


def many(where: str, key: str, value: object) -> tuple[str, ...]:
    """A text or a list of texts, as a tuple."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(one(where, key, each) for each in values)


def flag(where: str, key: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise BadData(f"{where}: '{key}' must be true or false, not {value!r}")
    return value
