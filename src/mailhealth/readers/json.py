"""JSON files: an array of objects, an object around one, or an object on each line."""

import json
import re
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from mailhealth.readers import _files
from mailhealth.records import Mark, Row, Skipped

Paths = list[list[str]]  # keys that lead to arrays of rows

BLOCK = 1 << 16  # characters read at a time
SMALL = 1 << 20  # characters of an object that is read whole
DEEPEST = 3  # objects inside each other whose keys are told
LONGEST_TOKEN = 16  # characters of "-Infinity" or an escaped pair, and some
FIRST = 1 << 25  # characters that show what a file is
_SPACE = re.compile(r"[\s\ufeff]+")
LONGEST_VALUE = 1 << 24  # characters; no record of a log is longer


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The objects in a JSON file, or in all JSON files of a folder that have changed.

    `settings`: `path`, and `rows`: dotted paths (separated by commas) to the rows inside an
    object. An array on the way gives one row for each of its elements, and a row has the
    texts, numbers and truth values of the objects around it too. Arrays of any length are
    read piece by piece. A file that breaks off gives what came before, and a Skipped.
    """
    paths = _paths(settings)
    return _files.unread(settings, cursors, takes, lambda file: _rows(file, paths))


def takes(file: Path) -> bool:
    """Whether a file begins as JSON does, with an object or an array."""
    return _files.kind(_files.head(file)) == "json"


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the first row of one file (`path`, `rows`), none where there is no row.

    Those inside nested objects come too, with dots: "person", "person.mail".
    """
    rows = islice(_rows(Path(settings["path"]), _paths(settings), FIRST), _files.TRIED)
    first = next((row.fields for row in rows if isinstance(row, Row)), {})
    return tuple(_names(first, DEEPEST))


def _names(row: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in row.items():
        yield name
        if isinstance(value, dict) and depth:
            yield from (f"{name}.{inner}" for inner in _names(value, depth - 1))


def _paths(settings: Mapping[str, str]) -> Paths:
    return [path.split(".") for path in settings.get("rows", "").split(",") if path]


def _rows(file: Path, paths: Paths, most: float = inf) -> Iterator[Row | Skipped]:
    place = _files.place(file)
    if kind := _files.packed(file):
        yield Skipped(place, f"is {kind}; unpack it")
        return
    with _files.text(file) as opened:
        scanner = _Scanner(opened, most)
        before = number = 0
        while scanner.peek():
            try:
                for line, value in _values(scanner, paths):
                    number = number + 1 if line == before else 1
                    before = line
                    yield _row(f"{place}:{line}" + (f"#{number}" if number > 1 else ""), value)
            except ValueError as error:
                why = f"is no JSON, read on at the next line with '{{': {error}"
                yield Skipped(f"{place}:{scanner.line}", why)
                scanner.leap("{")


def _row(place: str, value: object) -> Row | Skipped:
    if isinstance(value, dict):
        return Row(place, value)
    return Skipped(place, f"is no object but {json.dumps(value)[:60]}")


def _values(scanner: "_Scanner", paths: Paths) -> Iterator[tuple[int, Any]]:
    """Every value that should be a row: whole files, lines or elements on one of the paths."""
    while sign := scanner.peek():
        if sign == "[":
            for line, value in _elements(scanner):
                yield from ((line, row) for row in _rows_in(value, paths))
        elif sign == "{" and paths:
            yield from _object(scanner, paths)
        elif sign in ",]":
            scanner.expect(sign)  # what is left of an array that was broken further up
        else:
            yield scanner.line, scanner.value()


def _elements(scanner: "_Scanner") -> Iterator[tuple[int, Any]]:
    scanner.expect("[")
    while scanner.peek() != "]":
        yield scanner.line, scanner.value()
        if scanner.peek() != "]":
            scanner.expect(",")
    scanner.expect("]")


def _rows_in(value: Any, paths: Paths) -> Iterator[Any]:
    """The rows on the paths in a value, the value itself where none of them is there."""
    there = [path for path in paths if _leads(value, path)]
    if not there:
        yield value
    for path in there:
        yield from _at(value, path, {})


def _leads(value: Any, path: list[str]) -> bool:
    for key in path:
        if isinstance(value, list):
            return True
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return isinstance(value, list | dict)


def _at(value: Any, path: list[str], around: Mapping[str, Any]) -> Iterator[Any]:
    """The rows at the end of one path, with the scalars of the objects that it leads through."""
    if isinstance(value, list):
        for each in value:
            yield from _at(each, path, around)
    elif not path:
        yield {**around, **value} if isinstance(value, dict) else value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:], {**around, **_scalars(value)})


def _scalars(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in value.items() if isinstance(each, str | int | float)}


def _object(scanner: "_Scanner", paths: Paths) -> Iterator[tuple[int, Any]]:
    """The rows in one object: a small one is read whole, one that does not fit is streamed.

    Then it is walked through twice, because what stands behind an array belongs to its rows.
    """
    line = scanner.line
    try:
        value = scanner.value(SMALL)
    except ValueError:
        start = scanner.mark()
    else:
        yield from ((line, row) for row in _rows_in(value, paths))
        return
    rest: dict[str, Any] = {}
    found = _walked(_members(scanner, paths, rest, around=({}, {})))
    scanner.reset(start)
    yield from _members(scanner, paths, {}, around=({}, rest))
    if not found:
        yield line, rest


def _walked(members: Generator[Any, None, bool]) -> bool:
    while True:
        try:
            next(members)
        except StopIteration as ended:
            return bool(ended.value)
        except ValueError:  # told on the second walk
            return True


def _members(
    scanner: "_Scanner", paths: Paths, rest: dict[str, Any], around: tuple[Any, Any]
) -> Generator[tuple[int, Any], None, bool]:
    """Walk through one object: yield the rows on the paths, put all else into `rest`.

    `around` are the scalars outside of it, and its own `rest` of an earlier walk. Returns
    whether a path was there.
    """
    found = False
    outer = {**around[0], **_scalars(around[1])}
    scanner.expect("{")
    while scanner.peek() != "}":
        key = str(scanner.value())
        scanner.expect(":")
        inner = [path[1:] for path in paths if path[0] == key]
        if inner and scanner.peek() == "[":
            found = True
            for line, value in _elements(scanner):
                yield from ((line, row) for path in inner for row in _at(value, path, outer))
        elif any(inner) and scanner.peek() == "{":
            deeper = (outer, around[1].get(key, {}))
            paths_there = [path for path in inner if path]
            found |= yield from _members(scanner, paths_there, rest.setdefault(key, {}), deeper)
        else:
            rest[key] = scanner.value()
        if scanner.peek() != "}":
            scanner.expect(",")
    scanner.expect("}")
    return found


class _Place(NamedTuple):
    line: int
    text: str  # read already, and not stepped over
    offset: int
    ended: bool
    left: float


class _Scanner:
    """A place in JSON text that is read as it is needed; knows the line it stands on."""

    def __init__(self, opened: TextIO, most: float) -> None:
        self.line = 1
        self._opened = opened
        self._left = most  # characters that may be read
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder(parse_constant=str)

    def peek(self) -> str:
        """The next sign that is not white space, "" at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            if found:
                self.line += found[0].count("\n")
                self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(BLOCK):
                return ""

    def expect(self, sign: str) -> None:
        """Step over this sign. Raises ValueError where another one stands."""
        if (found := self.peek()) != sign:
            raise ValueError(f"'{sign}' is missing before {found!r}")
        self._at += 1

    def mark(self) -> "_Place":
        """Where this stands, to come back to."""
        text = self._text[self._at :]
        return _Place(self.line, text, self._opened.tell(), self._ended, self._left)

    def reset(self, place: "_Place") -> None:
        """Go back."""
        self.line, self._text, self._at = place.line, place.text, 0
        self._ended, self._left = place.ended, place.left
        self._opened.seek(place.offset)

    def value(self, longest: int = LONGEST_VALUE) -> Any:
        """Step over one whole value. Raises ValueError where there is none, or none so short."""
        self.peek()
        size = BLOCK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    break  # a number at the very end may go on in the next block
            except RecursionError as error:
                raise ValueError("it is nested too deeply") from error
            except json.JSONDecodeError as error:
                if self._ended or not self._cut_off(error):
                    raise ValueError(error.msg) from error
            if len(self._text) - self._at > longest:
                raise ValueError(f"no value ends within {longest} characters")
            self._more(size)
            size *= 2  # so that a long value is not scanned again for every block
        self.line += self._text.count("\n", self._at, end)
        self._at = end
        return value

    def _cut_off(self, error: json.JSONDecodeError) -> bool:
        """Whether an error may only mean that the value goes on in the next block."""
        near = len(self._text) - LONGEST_TOKEN
        return error.pos >= near or error.msg.startswith("Unterminated string")

    def leap(self, sign: str) -> None:
        """Go on at the next line that begins with this sign, or at the end."""
        while True:
            found = self._text.find("\n", self._at)
            self._at = found + 1 if found >= 0 else len(self._text)
            self.line += found >= 0
            if self._at == len(self._text) and not self._more(BLOCK):
                return
            if found >= 0 and self._text.startswith(sign, self._at):
                return

    def _more(self, size: int) -> bool:
        block = self._opened.read(size) if self._left > 0 else ""
        self._left -= len(block)
        self._ended = not block
        self._text = self._text[self._at :] + block
        self._at = 0
        return bool(block)
