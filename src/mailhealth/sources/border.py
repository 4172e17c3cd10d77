"""The border: a folder's connector.toml becomes a frozen dataclass, or is refused."""

import difflib
import pkgutil
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from mailhealth import readers
from mailhealth.errors import BadData, UnknownName
from mailhealth.records import Bounce, EventType

TOML = "connector.toml"
NEEDED = ("recipient", "type", "at")  # without these columns there is no event
NAMED_DATES = ("iso", "unix", "unix_ms")  # everything else is a strptime format


@dataclass(frozen=True, slots=True)
class Marks:
    """What a file or folder of this kind shows; any one of them is enough.

    `columns` are sets of column names, `begins` first characters, `holds` the names of the
    folders inside a folder, `suffixes` the ends of file names.
    """

    columns: tuple[tuple[str, ...], ...] = ()
    begins: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Their names for our columns; of several the first one with a value counts.

    `category` is the second half of a pair of words, `id` the platform's own id of the event.
    A name with dots leads into a nested JSON object.
    """

    recipient: tuple[str, ...]
    type: tuple[str, ...]
    at: tuple[str, ...]
    category: tuple[str, ...] = ()
    campaign: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    url: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One of our words for what happened, and theirs for it."""

    theirs: str
    type: EventType
    bounce: Bounce | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """How to read one kind of source, as its folder says.

    `event` is None for mail. The keys of `words` and of `left_out` are folded
    (`border.folded`); a pair is "type/category". `rows` are dotted paths to the rows in a
    JSON file.
    """

    name: str
    title: str
    readers: tuple[str, ...]
    settings: Mapping[str, str]
    recognises: Marks
    event: Columns | None
    words: Mapping[str, Word]
    left_out: frozenset[str]
    rows: tuple[str, ...]
    dates: tuple[str, ...]
    zone: str


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


def connectors() -> dict[str, Connector]:
    """All connectors that are shipped, by name."""
    folders = sorted(files("mailhealth.connectors").iterdir(), key=lambda folder: folder.name)
    return {folder.name: _opened(folder) for folder in folders if folder.joinpath(TOML).is_file()}


def connector(name: str) -> Connector:
    """The shipped connector of this name, or the one in the folder of this path.

    Raises UnknownName, or BadData when its connector.toml does not hold together.
    """
    shipped = files("mailhealth.connectors").joinpath(name) if name.isidentifier() else None
    if shipped is not None and shipped.joinpath(TOML).is_file():
        return _opened(shipped)
    if (own := Path(name)).joinpath(TOML).is_file():
        return _opened(own.resolve())
    known = connectors()
    raise UnknownName(
        f"no connector '{name}'; there are {', '.join(known)} and folders that hold "
        f"a {TOML}{meant(name, known)}"
    )


def _opened(folder: Traversable) -> Connector:
    where = f"{folder.name}/{TOML}"
    try:
        table = tomllib.loads(folder.joinpath(TOML).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadData(f"{where} cannot be read: {error}") from error
    _keys(where, table, _TOP)
    for needed in ("title", "reader"):
        if needed not in table:
            raise BadData(f"{where}: the key '{needed}' is missing")
    event = _columns(where, table["event"]) if "event" in table else None
    return Connector(
        name=folder.name,
        title=_one(where, "title", table["title"]),
        readers=_readers(where, table["reader"]),
        settings=_settings(where, _table(where, table, "settings")),
        recognises=_marks(where, _table(where, table, "recognises")),
        event=event,
        words=_words(where, _table(where, table, "types")),
        left_out=frozenset(map(folded, _many(where, "left_out", table.get("left_out", ())))),
        rows=_many(where, "rows", table.get("rows", ())),
        dates=_dates(where, table.get("dates", "iso")),
        zone=_zone(where, _one(where, "zone", table.get("zone", "UTC"))),
    )


_TOP = (
    *("title", "reader", "settings", "recognises", "event", "types"),
    *("left_out", "rows", "dates", "zone"),
)


def _keys(where: str, table: Mapping[str, Any], known: Collection[str]) -> None:
    for key in table:
        if key not in known:
            raise BadData(f"{where}: unknown key '{key}'{meant(key, known)}")


def _table(where: str, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise BadData(f"{where}: '{key}' must be a table, written [{key}]")
    return value


def _one(where: str, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadData(f"{where}: '{key}' must be a text, not {value!r}")
    return value


def _many(where: str, key: str, value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(_one(where, key, each) for each in values)


def _columns(where: str, value: object) -> Columns:
    where = f"{where}, [event]"
    if not isinstance(value, dict):
        raise BadData(f"{where} must be a table of columns")
    _keys(where, value, [field.name for field in fields(Columns)])
    for needed in NEEDED:
        if needed not in value:
            raise BadData(f"{where}: the key '{needed}' is missing")
    return Columns(**{key: _many(where, key, names) for key, names in value.items()})


def _marks(where: str, table: Mapping[str, Any]) -> Marks:
    where = f"{where}, [recognises]"
    _keys(where, table, [field.name for field in fields(Marks)])
    columns = table.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(each, list) for each in columns):
        raise BadData(f"{where}: 'columns' must be a list of lists of column names")
    others = {key: _many(where, key, table[key]) for key in table if key != "columns"}
    return Marks(columns=tuple(_many(where, "columns", each) for each in columns), **others)


def _settings(where: str, table: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: ",".join(_many(f"{where}, [settings]", key, value)) for key, value in table.items()
    }


def _words(where: str, table: Mapping[str, Any]) -> dict[str, Word]:
    where = f"{where}, [types]"
    return {
        folded(theirs): _word(where, theirs, _one(where, theirs, ours))
        for theirs, ours in table.items()
    }


def _word(where: str, theirs: str, ours: str) -> Word:
    type_, _, bounce = ours.partition("/")
    types: tuple[EventType, ...] = get_args(EventType)
    bounces: tuple[Bounce, ...] = get_args(Bounce)
    for type_known in types:
        if type_ == type_known and not bounce:
            return Word(theirs, type_known)
    for bounce_known in bounces:
        if ours == f"bounced/{bounce_known}":
            return Word(theirs, "bounced", bounce_known)
    known = [*types, *(f"bounced/{each}" for each in bounces)]
    raise BadData(
        f"{where}, '{theirs}': no such word '{ours}', ours are {_listed(known)}{meant(ours, known)}"
    )


def _readers(where: str, value: object) -> tuple[str, ...]:
    known = [module.name for module in pkgutil.iter_modules(readers.__path__)]
    known = [name for name in known if not name.startswith("_")]
    names = _many(where, "reader", value)
    for name in names:
        if name not in known:
            there = _listed(known)
            raise BadData(f"{where}: no reader '{name}'; there are {there}{meant(name, known)}")
    return names


def _dates(where: str, value: object) -> tuple[str, ...]:
    formats = _many(where, "dates", value)
    for each in formats:
        if each not in NAMED_DATES and "%" not in each:
            raise BadData(
                f"{where}: '{each}' is no date format; give {_listed(NAMED_DATES)} "
                "or one like '%Y/%m/%d %H:%M'"
            )
    return formats


def _zone(where: str, name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # "not found" is a KeyError
        raise BadData(f"{where}: no time zone '{name}'; one is 'Asia/Tokyo'") from error
    return name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
