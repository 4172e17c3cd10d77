"""What a row of a log says in our columns, and why one is not used."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from mailhealth.records import Found, Mark, Row, Skipped
from mailhealth.sources.toml import folded

SHOWN = 60  # characters of a strange value in a message
REASONS_KEPT = 1_000  # reasons that are counted before they are told
ENDINGS = (".csv", ".tsv", ".txt", ".log", ".json", ".jsonl", ".ndjson", ".gz", ".zip")
_ADDRESS = re.compile(r"[^\s@<>,;\"()]{1,64}@[^\s@<>,;\"()]{1,255}")
# A call, or a link to another program (DDE): what a spreadsheet would run on opening.
_FORMULA = re.compile(r"[=@+\-][=@+\-\s\d.]*[A-Za-z_][\w.]*(?:\(|\|[^!\n]{1,300}!)")
_SIGNS = frozenset("=@+-")
# What was read from a file cannot hold itself.
_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False)

Keys = tuple[str, ...]  # the keys that lead to one value
Getter = Callable[[Mapping[str, Any]], str]


class Unusable(Exception):
    """A row that is no event; the message says why."""


class Alike(Unusable):
    """A reason that many rows of a file share: told once, then counted."""


class Meant(Alike):
    """A row that is left out on purpose: counted, and no failure."""


def told(
    items: Iterable[Row | Skipped | Mark], understood: Callable[[Row], Sequence[Found | Skipped]]
) -> Iterator[Found | Skipped | Mark]:
    """What the rows of one file mean; pass on what was skipped and marked.

    A reason shared by many rows (a missing column) is told at its first row and once more,
    counted, at the end; what is left out on purpose is told there only.
    """
    alike: Counter[Skipped] = Counter()
    for item in items:
        if isinstance(item, Row):
            try:
                yield from understood(item)
            except Alike as reason:
                yield from _counting(item.place, reason, alike)
            except Unusable as reason:
                yield Skipped(item.place, str(reason))
        else:
            if isinstance(item, Mark):
                yield from _counted(alike)
            yield item
    yield from _counted(alike)


def _counting(place: str, reason: Alike, alike: Counter[Skipped]) -> Iterator[Skipped]:
    if len(alike) >= REASONS_KEPT:
        yield from _counted(alike)
    shared = Skipped(place.rpartition(":")[0], str(reason), meant=isinstance(reason, Meant))
    alike[shared] += 1
    if alike[shared] == 1 and not shared.meant:
        yield Skipped(place, shared.why)


def _counted(alike: Counter[Skipped]) -> Iterator[Skipped]:
    for shared, count in alike.items():
        rows = "1 row" if count == 1 else f"{count} rows"
        if shared.meant:
            yield Skipped(shared.place, f"{rows}: {shared.why}", meant=True)
        elif count > 1:
            yield Skipped(shared.place, f"{rows} in all: {shared.why}")
    alike.clear()


def called(file: Path) -> dict[str, str]:
    """The columns that every row of a file has: what it and its folder are called."""
    name = file.name
    while name.lower().endswith(ENDINGS) and (stem := name.rpartition(".")[0]):
        name = stem
    return {"file.name": cell(name), "file.folder": cell(file.parent.name)}


def getter(wanted: Sequence[str], names: Iterable[str], known: Mapping[str, str]) -> Getter:
    """How to look up the first value among some columns, where a row has these names.

    `known` are the columns whose value is the same in all rows.
    """
    there = {folded(name): name for name in reversed(tuple(names))}
    found: list[str | Keys] = []
    for each in wanted:
        if each in known:
            found.append(known[each])
        elif path := _path(each, there):
            found.append(path)
    if not found:
        return _nothing
    top = [each[0] for each in found if isinstance(each, tuple) and len(each) == 1]
    if len(top) < len(found):
        return lambda row: _first(row, found)
    if len(top) == 1:
        name = top[0]
        return lambda row: cell(row[name])
    return lambda row: next((text for name in top if (text := cell(row[name]))), "")


def _nothing(_: Mapping[str, Any]) -> str:
    return ""


def _path(theirs: str, there: Mapping[str, str]) -> Keys:
    if (name := there.get(folded(theirs))) is not None:
        return (name,)
    top, *inner = theirs.split(".")
    return (there[folded(top)], *inner) if inner and folded(top) in there else ()


def _first(row: Mapping[str, Any], found: Iterable[str | Keys]) -> str:
    for each in found:
        if text := each if isinstance(each, str) else cell(_inside(row, each)):
            return text
    return ""


def _inside(row: Mapping[str, Any], path: Keys) -> Any:
    value: Any = row
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def presence(wanted: Sequence[str], names: Iterable[str]) -> Getter:
    """Like `getter`, but an object or a list that is not empty is a value too: "true"."""
    there = {folded(name): name for name in names}
    paths = [path for each in wanted if (path := _path(each, there))]
    if not paths:
        return _nothing

    def said(row: Mapping[str, Any]) -> str:
        values = (_inside(row, path) for path in paths)
        return next((cell(value) or "true" for value in values if value), "")

    return said


def cell(value: object) -> str:
    """A cell as text that SQLite can hold; "" for null and for nested objects."""
    if isinstance(value, str):
        text = value.strip()
        if text.isascii():
            return text.replace("\0", "")
        return text.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return cell(", ".join(each for each in value if isinstance(each, str)))
    return ""


def refuse_formulas(names: Sequence[str], texts: Sequence[str]) -> None:
    """Raise Unusable for a text that a spreadsheet would run."""
    if _SIGNS.isdisjoint([text[:1] for text in texts]):
        return
    for name, text in zip(names, texts, strict=True):
        if _FORMULA.match(text):
            raise Unusable(f"{name} holds a formula: {shown(text)}")


def address(text: str) -> str:
    """One e-mail address, its domain in lower case. Raises Unusable."""
    if not text:
        raise Unusable("has no recipient")
    if found := _ADDRESS.fullmatch(text[text.rfind("<") + 1 :].rstrip("> ")):
        local, _, domain = found[0].rpartition("@")
        return f"{local}@{domain.lower()}"
    raise Unusable(f"{shown(text)} is not one e-mail address")


def shown(text: str) -> str:
    """A strange value in quotes, short enough for a message."""
    return f"'{text}'" if len(text) <= SHOWN else f"'{text[:SHOWN]}…'"


def raw(row: Mapping[str, Any], shape: str = "") -> str:
    """The row as JSON that every program can read: no lone surrogates, no NaN.

    `shape` is what `json_shape` gives for its names, where all rows hold texts alone.
    """
    try:
        text = shape % tuple(map(encode_basestring, row.values())) if shape else _JSON.encode(row)
        return text if text.isascii() else text.encode(errors="replace").decode()
    except TypeError:  # not texts alone, as the row was from which the shape is
        return raw(row)
    except (ValueError, RecursionError):
        return json.dumps({key: cell(value) for key, value in row.items()})


def json_shape(row: Mapping[str, Any]) -> str:
    """A row's JSON with a hole for each value, twice as fast as an encoder; "" for nested ones."""
    if not all(isinstance(value, str) for value in row.values()):
        return ""
    names = (encode_basestring(name).replace("%", "%%") for name in row)
    return "{" + ", ".join(f"{name}: %s" for name in names) + "}"
