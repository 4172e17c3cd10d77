"""An unknown log, looked at: its columns, and rows from all of its length."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from mailhealth.errors import BadSource
from mailhealth.readers import _files
from mailhealth.records import Row
from mailhealth.sources.mapping import dateforms
from mailhealth.sources.recognition import oddity

READERS = ("json", "csv")
KEPT = 5_000  # rows; of a longer file every second, fourth ... one
LOOKED_AT = 300  # values that show what a column holds
MOSTLY = 0.9  # of its values are what a column holds
MOST_COLUMNS = 500  # JSON may have as many names as rows
DEEPEST = 8  # objects in objects; nothing deeper is looked at
ADDRESS = re.compile(r"(?:[^<>]{0,200}<)?[^\s@<>,;\"()]{1,64}@[^\s@<>,;\"()]{1,255}>?")
_URL = re.compile(r"(?:https?://|mailto:|www\.)\S+", re.IGNORECASE)
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}")
_AGENT = re.compile(r"[\w.-]{2,40}/\d.*", re.DOTALL)
_FLAG = re.compile(r"true|false|yes|no|[01]", re.IGNORECASE)

Kind = Literal["address", "url", "ip", "agent", "flag", "instant", "text", "nothing"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A log file of which nothing is known but the reader that takes it.

    `names` are the columns, with dots where they lie in nested objects; `values` has what
    stands in each of them in the rows that were kept, "" included, `kinds` what that is.
    `encoding` is that of the text, `told_encoding` the user's own word for it or "".
    `array` is the dotted path to the rows in a JSON file, "" where there is none; `total`
    counts the rows.
    """

    file: Path
    reader: str
    encoding: str
    told_encoding: str
    names: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, Kind]
    array: str
    total: int


def look(file: Path, encoding: str = "") -> Sample:
    """Look at a file. Raises BadSource where it is no table and no JSON, or has no header."""
    reader = _reader(file)
    settings = {"path": str(file)} | ({"encoding": encoding} if encoding else {})
    rows = _rows(reader, settings)
    first = next(rows, None)
    if first is None:
        raise BadSource(f"{file}: holds no row under its header")
    array = _array(first)
    rows = _rows(reader, {**settings, "rows": array}) if array else chain([first], rows)
    kept, total = _spread(_flat(row) for row in rows)
    names = tuple(islice(dict.fromkeys(name for row in kept for name in row), MOST_COLUMNS))
    if any(ADDRESS.fullmatch(name) for name in names):
        raise BadSource(f"{file}: its first line is no header; put the names of the columns there")
    with _files.text(file, encoding) as opened:
        coding = opened.encoding
    values = {name: tuple(row.get(name, "") for row in kept) for name in names}
    kinds = {name: _kind(texts) for name, texts in values.items()}
    return Sample(file, reader, coding, encoding, names, values, kinds, array, total)


def _reader(file: Path) -> str:
    if not file.is_file():
        raise BadSource(f"{file}: there is no such file; give one CSV or JSON file")
    try:
        if odd := oddity(file):
            raise BadSource(f"{file}: {odd}")
        for name in READERS:
            if import_module(f"mailhealth.readers.{name}").takes(file):
                return name
    except OSError as error:
        raise BadSource(f"{file}: cannot be read: {error.strerror or error}") from error
    raise BadSource(f"{file}: is neither JSON nor a table with commas, semicolons or tabs")


def _rows(reader: str, settings: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    items = import_module(f"mailhealth.readers.{reader}").read(settings, {})
    return (item.fields for item in items if isinstance(item, Row))


def _spread(rows: Iterator[dict[str, str]]) -> tuple[list[dict[str, str]], int]:
    """Some rows of all the length of a file, and how many it has.

    Logs are sorted by time: their first rows may all be of days below 13, which leaves open
    whether the month comes first.
    """
    kept: list[dict[str, str]] = []
    step, total = 1, 0
    for total, row in enumerate(rows, 1):
        if (total - 1) % step == 0:
            kept.append(row)
        if len(kept) > 2 * KEPT:
            kept, step = kept[::2], step * 2
    return kept, total


def _flat(row: Mapping[str, Any], inside: str = "", depth: int = 0) -> dict[str, str]:
    """The values of a row by their dotted names; what lies too deep is left out."""
    found = {}
    for key, value in row.items():
        if isinstance(value, dict) and depth < DEEPEST:
            found.update(_flat(value, f"{inside}{key}.", depth + 1))
        elif isinstance(value, bool):
            found[inside + key] = str(value).lower()
        elif isinstance(value, list):
            found[inside + key] = ", ".join(each for each in value if isinstance(each, str))
        elif value is None or isinstance(value, str | int | float):
            found[inside + key] = "" if value is None else str(value).strip()
    return found


def _array(row: Mapping[str, Any], inside: str = "", depth: int = 0) -> str:
    """The path to the rows inside an object that has no address itself."""
    if any(ADDRESS.fullmatch(text) for text in _flat(row).values()):
        return ""
    for key, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return f"{inside}{key}"
        deeper = isinstance(value, dict) and depth < DEEPEST
        if deeper and (path := _array(value, f"{inside}{key}.", depth + 1)):
            return path
    return ""


def filled(sample: Sample, name: str) -> list[str]:
    """The values of a column that are not empty."""
    return [text for text in sample.values[name] if text]


def _kind(texts: Sequence[str]) -> Kind:
    values = [text for text in texts if text]
    some = values[:: max(1, len(values) // LOOKED_AT)]
    if not some:
        return "nothing"
    tests: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("address", ADDRESS),
        ("url", _URL),
        ("ip", _IP),
        ("flag", _FLAG),
    )
    for name_, pattern in tests:
        if sum(bool(pattern.fullmatch(text)) for text in some) >= MOSTLY * len(some):
            return name_
    if dateforms.fitting(some):
        return "instant"
    agents = sum(bool(_AGENT.fullmatch(text)) for text in some)
    return "agent" if agents >= MOSTLY * len(some) else "text"
