"""JSON files: an array of objects, an object around one, or an object on each line."""

import json
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from mailhealth.readers import _files
from mailhealth.records import Mark, Row, Skipped

BLOCK = 1 << 16  # characters read at a time
LONGEST_TOKEN = 16  # characters of "-Infinity" or an escaped pair, and some
LONGEST_VALUE = 1 << 24  # characters; no record of a log is longer


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The objects in a JSON file, or in all JSON files of a folder that have changed.

    `settings`: `path`, and `rows`: dotted paths (separated by commas) to an array inside an
    object, where there is one. Arrays of any length are read piece by piece. A file that
    breaks off or breaks the grammar gives what came before, and a Skipped.
    """
    paths = _paths(settings)
    return _files.unread(settings, cursors, takes, lambda file: _rows(file, paths))


def takes(file: Path) -> bool:
    """Whether a file begins as JSON does, with an object or an array."""
    return _files.kind(_files.head(file)) == "json"


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the first row of one file (`path`, `rows`), none where there is no row."""
    rows = islice(_rows(Path(settings["path"]), _paths(settings)), _files.TRIED)
    return next((tuple(row.fields) for row in rows if isinstance(row, Row)), ())


def _paths(settings: Mapping[str, str]) -> list[list[str]]:
    return [path.split(".") for path in settings.get("rows", "").split(",") if path]


def _rows(file: Path, paths: list[list[str]]) -> Iterator[Row | Skipped]:
    place = _files.place(file)
    if kind := _files.packed(file):
        yield Skipped(place, f"is {kind}; unpack it")
        return
    with _files.text(file) as opened:
        scanner = _Scanner(opened)
        while scanner.peek():
            try:
                for line, value in _values(scanner, paths):
                    yield _row(f"{place}:{line}", value)
            except ValueError as error:
                why = f"is no JSON, read on at the next line with '{{': {error}"
                yield Skipped(f"{place}:{scanner.line}", why)
                scanner.leap("{")


def _row(place: str, value: object) -> Row | Skipped:
    if isinstance(value, dict):
        return Row(place, value)
    return Skipped(place, f"is no object but {json.dumps(value)[:60]}")


def _values(scanner: "_Scanner", paths: list[list[str]]) -> Iterator[tuple[int, Any]]:
    """Every value that should be a row: whole files, lines or elements on one of the paths."""
    while sign := scanner.peek():
        if sign == "[":
            yield from _elements(scanner)
        elif sign == "{" and paths:
            line = scanner.line
            rest, found = yield from _members(scanner, paths)
            if not found:
                yield line, rest
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


def _members(
    scanner: "_Scanner", paths: list[list[str]]
) -> Generator[tuple[int, Any], None, tuple[dict[str, Any], bool]]:
    """Walk one object: yield the rows on the paths, return the rest and whether there were any."""
    rest: dict[str, Any] = {}
    found = False
    scanner.expect("{")
    while scanner.peek() != "}":
        key = scanner.value()
        scanner.expect(":")
        inner = [path[1:] for path in paths if path[0] == key]
        if inner and scanner.peek() == "[" and [] in inner:
            found = True
            yield from _elements(scanner)
        elif any(inner) and scanner.peek() == "{":
            rest[key], deeper = yield from _members(scanner, [path for path in inner if path])
            found = found or deeper
        else:
            rest[str(key)] = scanner.value()
        if scanner.peek() != "}":
            scanner.expect(",")
    scanner.expect("}")
    return rest, found


class _Scanner:
    """A place in JSON text that is read as it is needed; knows the line it stands on."""

    def __init__(self, opened: TextIO) -> None:
        self.line = 1
        self._opened = opened
        self._text = ""
        self._at = 0
        self._ended = False
        self._decoder = json.JSONDecoder(parse_constant=str)

    def peek(self) -> str:
        """The next sign that is not white space, "" at the end."""
        while True:
            rest = self._text[self._at : self._at + 1]
            if rest and not rest.isspace() and rest != "\ufeff":
                return rest
            if rest:
                self.line += rest == "\n"
                self._at += 1
            elif not self._more(BLOCK):
                return ""

    def expect(self, sign: str) -> None:
        """Step over this sign. Raises ValueError where another one stands."""
        if (found := self.peek()) != sign:
            raise ValueError(f"'{sign}' is missing before {found!r}")
        self._at += 1

    def value(self) -> Any:
        """Step over one whole value. Raises ValueError where there is none."""
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
            if len(self._text) - self._at > LONGEST_VALUE:
                raise ValueError(f"no value ends within {LONGEST_VALUE} characters")
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
        block = self._opened.read(size)
        self._ended = not block
        self._text = self._text[self._at :] + block
        self._at = 0
        return bool(block)
