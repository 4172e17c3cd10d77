"""A row of a send log becomes an event in our words, as the connector says."""

import hashlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mailhealth.errors import BadSource
from mailhealth.records import Event, Found, Mark, Row, Skipped
from mailhealth.sources.border import NEEDED, Columns, Connector, Word, folded
from mailhealth.sources.recognition import lacking

FIRST_YEAR, LAST_YEAR = 1990, 2100  # outside, a date is a mistake
SHOWN = 60  # characters of a strange value in a message
SHOWN_NAMES = 200  # characters of a list of column names in a message
SHAPES_KEPT = 1_000  # sets of column names remembered in one import
_ADDRESS = re.compile(r"[^\s@<>,;\"()]{1,64}@[^\s@<>,;\"()]{1,255}")
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_YES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_Path = tuple[str, ...]  # the keys that lead to one value
_Shape = dict[str, list[_Path]]  # our column -> where its value may stand


class _Unusable(Exception):
    """A row that is no event; the message says why."""


class _Alike(_Unusable):
    """A reason that many rows of a file share: told once, then counted."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How to read the rows of one import."""

    connector: Connector
    columns: Columns
    dates: tuple[str, ...]
    zone: ZoneInfo
    shapes: dict[tuple[str, ...], _Shape]


def events(
    connector: Connector,
    columns: Columns,
    items: Iterable[Row | Skipped | Mark],
    settings: Mapping[str, str],
) -> Iterator[Found | Skipped | Mark]:
    """Map rows to events; pass on what was skipped and marked.

    `settings` may give this export's `zone` (for times that name none) and date format
    (`dates`). A reason shared by many rows of a file (a missing column, a word left out on
    purpose) is told at its first row and once more, counted, at the end of the file.
    """
    way = _way(connector, columns, settings)
    alike: Counter[str] = Counter()
    file = ""
    with closing(sqlite3.connect("")) as seen:
        for item in items:
            if isinstance(item, Row):
                if file != (file := item.place.rpartition(":")[0]):
                    _forget(seen)
                if found := _found(item, way, seen, alike):
                    yield found
                if len(alike) > SHAPES_KEPT:
                    yield from _counted(file, alike)
                continue
            if isinstance(item, Mark):
                yield from _counted(item.place, alike)
            yield item


def _way(connector: Connector, columns: Columns, settings: Mapping[str, str]) -> _Way:
    dates = (settings["dates"],) if "dates" in settings else connector.dates
    zone = settings.get("zone", connector.zone)
    try:
        return _Way(connector, columns, dates, ZoneInfo(zone), {})
    except (KeyError, OSError, ValueError) as error:
        raise BadSource(f"no time zone '{zone}'; one is 'Asia/Tokyo'") from error


def _found(
    row: Row, way: _Way, seen: sqlite3.Connection, alike: Counter[str]
) -> Found | Skipped | None:
    try:
        return Found(row.place, _event(row, way, seen))
    except _Alike as reason:
        alike[str(reason)] += 1
        return Skipped(row.place, str(reason)) if alike[str(reason)] == 1 else None
    except _Unusable as reason:
        return Skipped(row.place, str(reason))


def _counted(file: str, alike: Counter[str]) -> Iterator[Skipped]:
    for reason, count in alike.items():
        if count > 1:
            yield Skipped(file, f"{count} rows in all: {reason}")
    alike.clear()


def _event(row: Row, way: _Way, seen: sqlite3.Connection) -> Event:
    values = _values(row.fields, way)
    word = _word(way.connector, values["type"], values["category"])
    recipient = _address(values["recipient"])
    at = _instant(values["at"], way)
    if values["id"]:
        identity = f"{way.connector.name}:{values['id']}"
    else:
        of = values["reference"] or values["campaign"]
        what = (way.connector.name, word.type, recipient.lower(), of, at.isoformat(), values["url"])
        identity = _numbered(hashlib.sha256("\0".join(what).encode()), seen)
    return Event(
        recipient=recipient,
        type=word.type,
        at=int(at.timestamp()),
        campaign=values["campaign"],
        identity=identity,
        subject=values["subject"],
        reference=values["reference"],
        url=values["url"],
        bounce=word.bounce,
        machine=_YES.get(values["machine"].lower()),
        agent=values["agent"],
        ip=values["ip"],
        reason=values["reason"],
        raw=_raw(row.fields),
    )


def _forget(seen: sqlite3.Connection) -> None:
    seen.executescript(
        "pragma synchronous = off; pragma journal_mode = off; pragma cache_size = -32000;"
        "drop table if exists seen; create table seen (hash integer primary key, times integer)"
    )


def _numbered(digest: "hashlib._Hash", seen: sqlite3.Connection) -> str:
    """The digest, with a number from its second time in this file on.

    Two clicks in one second are two rows that say the same, and two events; in an export that
    overlaps this one they are again the first and the second. What was seen lies in a
    temporary SQLite database that SQLite keeps on disk beyond 32 MB, because files are not
    sorted and may have any length; 8 bytes tell a hundred million rows apart.
    """
    (times,) = seen.execute(
        "insert into seen values (?, 0) on conflict do update set times = times + 1 "
        "returning times",
        (int.from_bytes(digest.digest()[:8], "big", signed=True),),
    ).fetchone()
    return f"{digest.hexdigest()}#{times}" if times else digest.hexdigest()


def _values(row: Mapping[str, Any], way: _Way) -> dict[str, str]:
    names = tuple(row)
    if (shape := way.shapes.get(names)) is None:
        if len(way.shapes) >= SHAPES_KEPT:
            way.shapes.clear()
        shape = way.shapes[names] = _shape(names, way.columns)
    values = {ours: _first(row, paths) for ours, paths in shape.items()}
    if folded(values["type"]) in way.connector.left_out:
        name = way.connector.name
        raise _Alike(f"'{values['type']}' is left out on purpose: {name} does not count it")
    if not all(shape[needed] for needed in NEEDED):
        known = _text(", ".join(names))[:SHOWN_NAMES]
        raise _Alike(f"{lacking(way.columns, names)} among {known}")
    return values


def _shape(names: tuple[str, ...], columns: Columns) -> _Shape:
    there = {folded(name): name for name in reversed(names)}
    return {
        field.name: [
            path for theirs in getattr(columns, field.name) if (path := _path(theirs, there))
        ]
        for field in fields(Columns)
    }


def _path(theirs: str, there: Mapping[str, str]) -> _Path:
    if (name := there.get(folded(theirs))) is not None:
        return (name,)
    top, *inner = theirs.split(".")
    return (there[folded(top)], *inner) if inner and folded(top) in there else ()


def _first(row: Mapping[str, Any], paths: list[_Path]) -> str:
    for top, *inner in paths:
        value = row[top]
        for key in inner:
            value = value.get(key) if isinstance(value, dict) else None
        if text := _text(value):
            return text
    return ""


def _text(value: object) -> str:
    """A cell as text that SQLite can hold; "" for null and for nested objects."""
    if isinstance(value, str):
        text = value.strip().replace("\0", "")
        return text if text.isascii() else text.encode(errors="replace").decode()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return _text(", ".join(each for each in value if isinstance(each, str)))
    return ""


def _word(connector: Connector, type_: str, category: str) -> Word:
    """Our word: that of the pair first, then that of the type alone."""
    pair = folded(f"{type_}/{category}") if category else ""
    if word := connector.words.get(pair) or connector.words.get(folded(type_)):
        return word
    known = ", ".join(word.theirs for word in connector.words.values() if "/" not in word.theirs)
    raise _Unusable(f"'{type_[:SHOWN]}' is no event that {connector.name} knows; it knows {known}")


def _address(text: str) -> str:
    if not text:
        raise _Unusable("has no recipient")
    if found := _ADDRESS.fullmatch(text[text.rfind("<") + 1 :].rstrip("> ")):
        local, _, domain = found[0].rpartition("@")
        return f"{local}@{domain.lower()}"
    raise _Unusable(f"'{text[:SHOWN]}' is not one e-mail address")


def _instant(text: str, way: _Way) -> datetime:
    for each in way.dates:
        try:
            at = _parsed(text, each)
        except (ValueError, OverflowError, OSError):
            continue
        if FIRST_YEAR <= at.year <= LAST_YEAR:
            return (at if at.tzinfo else at.replace(tzinfo=way.zone)).astimezone(UTC)
    known = ", ".join(way.dates)
    raise _Unusable(f"'{text[:SHOWN]}' is no date; {way.connector.name} knows {known}")


def _parsed(text: str, form: str) -> datetime:
    match form:
        case "iso":
            return datetime.fromisoformat(text)
        case "unix":
            return datetime.fromtimestamp(float(text), UTC)
        case "unix_ms":
            return datetime.fromtimestamp(float(text) / 1_000, UTC)
    return datetime.strptime(text, form)


def _raw(row: Mapping[str, Any]) -> str:
    """The row as JSON that every program can read: no lone surrogates, no NaN."""
    try:
        raw = _JSON.encode(row)
        return raw if raw.isascii() else raw.encode(errors="replace").decode()
    except (ValueError, RecursionError):
        return json.dumps({key: _text(value) for key, value in row.items()})
