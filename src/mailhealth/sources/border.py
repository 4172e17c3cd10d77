"""The border: a folder's connector.toml becomes a frozen dataclass, or is refused."""

import pkgutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from mailhealth import readers
from mailhealth.errors import BadData, UnknownName
from mailhealth.sources import forms, toml
from mailhealth.sources.forms import Form, Word
from mailhealth.sources.toml import meant

TOML = "connector.toml"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a file or folder of this kind shows; any one of them is enough.

    `columns` are sets of column names, `begins` first characters, `holds` the names of the
    folders inside a folder, `files` patterns of the files that are all inside a folder,
    `suffixes` the ends of file names. `last` says that all others are asked first.
    """

    columns: tuple[tuple[str, ...], ...] = ()
    begins: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    last: bool = False


@dataclass(frozen=True, slots=True)
class Connector:
    """How to read one kind of source, as its folder says.

    `hints` tell a person what a provider wants. A source's own settings win over `settings`, as
    far as `allows` lists what a setting may be. `forms` are the kinds of log file of this
    platform, and none for mail: the first one that fits a file is taken. The keys of `words`
    (words, or pairs "type/category") and of `machine` (what it says of who opened) are folded.
    """

    name: str
    title: str
    readers: tuple[str, ...]
    hints: tuple[str, ...]
    settings: Mapping[str, str]
    allows: Mapping[str, tuple[str, ...]]
    recognises: Marks
    forms: tuple[Form, ...]
    words: Mapping[str, Word]
    machine: Mapping[str, bool]


def connectors() -> dict[str, Connector]:
    """All connectors that are shipped, by name."""
    return dict(_shipped())


@cache
def _shipped() -> Mapping[str, Connector]:
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


_TOP = (
    *("title", "reader", "hints", "settings", "allows", "recognises"),
    *("event", "types", "machine", "form", "answer"),
    *forms.SHARED,
)


def _opened(folder: Traversable) -> Connector:
    where = f"{folder.name}/{TOML}"
    try:
        table = tomllib.loads(folder.joinpath(TOML).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadData(f"{where} cannot be read: {error}") from error
    toml.keys(where, table, _TOP)
    for needed in ("title", "reader"):
        if needed not in table:
            raise BadData(f"{where}: the key '{needed}' is missing")
    return Connector(
        name=folder.name,
        title=toml.one(where, "title", table["title"]),
        readers=_readers(where, table["reader"]),
        hints=toml.many(where, "hints", table.get("hints", ())),
        settings=_settings(where, toml.table(where, table, "settings")),
        allows=_allows(where, toml.table(where, table, "allows")),
        recognises=_marks(where, toml.table(where, table, "recognises")),
        forms=forms.forms(where, table),
        words=forms.words(f"{where}, [types]", toml.table(where, table, "types")),
        machine=forms.machines(f"{where}, [machine]", toml.table(where, table, "machine")),
    )


def _marks(where: str, table: Mapping[str, Any]) -> Marks:
    where = f"{where}, [recognises]"
    toml.keys(where, table, [field.name for field in fields(Marks)])
    columns = table.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(each, list) for each in columns):
        raise BadData(f"{where}: 'columns' must be a list of lists of column names")
    others = [key for key in table if key not in ("columns", "last")]
    return Marks(
        columns=tuple(toml.many(where, "columns", each) for each in columns),
        last=toml.flag(where, "last", table.get("last", False)),
        **{key: toml.many(where, key, table[key]) for key in others},
    )


def _settings(where: str, table: Mapping[str, Any]) -> dict[str, str]:
    where = f"{where}, [settings]"
    return {key: ",".join(toml.many(where, key, _written(value))) for key, value in table.items()}


def _written(value: object) -> object:
    """Settings are texts; a whole number, such as a port, may stand without quotes."""
    return str(value) if type(value) is int else value


def _allows(where: str, table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    where = f"{where}, [allows]"
    return {key: toml.many(where, key, value) for key, value in table.items()}


def _readers(where: str, value: object) -> tuple[str, ...]:
    known = [module.name for module in pkgutil.iter_modules(readers.__path__)]
    known = [name for name in known if not name.startswith("_")]
    names = toml.many(where, "reader", value)
    for name in names:
        if name not in known:
            there = ", ".join(known)
            raise BadData(f"{where}: no reader '{name}'; there are {there}{meant(name, known)}")
    return names
