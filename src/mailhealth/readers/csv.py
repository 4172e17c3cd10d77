"""Tables in text files: CSV and its relatives with semicolons or tabs."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self, TextIO

from mailhealth.readers import _files
from mailhealth.records import Mark, Row, Skipped

DELIMITERS = ",;\t|"
LONGEST_LINE = 1 << 20  # characters
TOO_LONG = f"a line is longer than {LONGEST_LINE} characters, which no log's is"
_QUOTED = re.compile(r'"[^"]*"')
_LISTED = re.compile(r"\s{0,9}[^\n@]{1,99}\n[^\s@]{1,64}@[^\s@]{1,255}(?:\s|\Z)")
_SEPARATOR = re.compile(r"sep=(.)\s*\Z", re.IGNORECASE)  # the line that Excel writes on top


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The rows of a table, or of all tables in a folder that have changed since their cursor.

    `settings`: `path`, and `encoding` where it cannot be seen from the file. A row whose
    number of cells is not the header's is skipped.
    """
    encoding = settings.get("encoding", "")
    return _files.unread(settings, cursors, takes, lambda file: _rows(file, encoding))


def takes(file: Path) -> bool:
    """Whether a file looks like a table: its first line has a delimiter, or is one name of a
    column and below it stands an address."""
    head = _files.head(file)
    listed = bool(_LISTED.match(head))
    return _files.kind(head) == "table" and (bool(_delimiter(head)) or listed)


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names in the header of one table (`path`), none where there is no header."""
    file = Path(settings["path"])
    if _files.packed(file):
        return ()
    _, header = next(_cells(file, settings.get("encoding", "")), (0, []))
    return () if isinstance(header, str) else tuple(header)


def _rows(file: Path, encoding: str) -> Iterator[Row | Skipped]:
    place = _files.place(file)
    if kind := _files.packed(file):
        yield Skipped(place, f"is {kind}; unpack it or save it as CSV")
        return
    header: list[str] = []
    for line, cells in _cells(file, encoding):
        if isinstance(cells, str):
            yield Skipped(f"{place}:{line}", cells)
            if not header and cells.endswith(TOO_LONG):
                return  # without a header nothing else can be understood
        elif not header:
            header = cells
        else:
            yield _row(f"{place}:{line}", header, cells)


def _row(place: str, header: list[str], cells: list[str]) -> Row | Skipped:
    if len(cells) > len(header) and not any(cells[len(header) :]):
        cells = cells[: len(header)]  # some exports end each row with a delimiter
    if len(cells) != len(header):
        return Skipped(place, f"has {len(cells)} cells where the header has {len(header)}")
    return Row(place, dict(zip(header, cells, strict=True)))


def _cells(file: Path, encoding: str) -> Iterator[tuple[int, list[str] | str]]:
    """Number of its first line and cells of every row that is not empty, the header first.

    A row that the csv module refuses (a quote that is never closed), or in which a line is too
    long, comes as the reason.
    """
    delimiter = _delimiter(_files.head(file)) or ","
    with _files.text(file, encoding) as opened:
        lines = _Lines(opened)
        table = csv.reader(lines, delimiter=delimiter)
        header = True
        while True:
            line = lines.number + 1
            try:
                cells = next(table)
            except StopIteration:
                return
            except csv.Error as error:
                yield line, f"the row that begins here cannot be read: {error}"
                continue
            if header and cells:
                cells[0] = cells[0].lstrip("\ufeff")
            if any(cells) and not (header and _SEPARATOR.match(delimiter.join(cells))):
                yield line, _named(cells) if header else cells
                header = False


class _Lines:
    """The lines of a text and the number of the last one; a longer one than any log has raises
    csv.Error, and costs no memory however long it is."""

    def __init__(self, opened: TextIO) -> None:
        self.number = 0
        self._opened = opened

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._opened.readline(LONGEST_LINE)
        self.number += 1
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            while line and not line.endswith(("\n", "\r")):
                line = self._opened.readline(LONGEST_LINE)
            raise csv.Error(TOO_LONG)
        if not line:
            raise StopIteration
        return line


def _named(cells: list[str]) -> list[str]:
    """Number the columns whose name is taken, so that no cell is lost."""
    taken: set[str] = set()
    names = []
    for number, cell in enumerate(cells, 1):
        name = cell.strip() if cell.strip() not in taken else f"{cell.strip()} ({number})"
        taken.add(name)
        names.append(name)
    return names


def _delimiter(head: str) -> str:
    """The delimiter that the first line states or holds most often, "" where it has none."""
    for line in head.splitlines():
        if stated := _SEPARATOR.match(line):
            return stated[1]
        if bare := _QUOTED.sub("", line).strip(" "):
            best = max(DELIMITERS, key=bare.count)
            return best if best in bare else ""
    return ""
