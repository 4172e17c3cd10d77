"""A file of figures: a CSV of another system, read whole or not at all."""

import csv
import io
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from unicodedata import normalize

from mailhealth.errors import BadData, BadSource
from mailhealth.outside import lines
from mailhealth.outside.measure import DAY, Figure, impossible
from mailhealth.outside.page import Page, load

COLUMNS = ("customer", "component", "metric", "value", "at")

_SHOWN = 100  # faults that are named: who has more of them has made one in every line


def read_file(
    path: Path,
    customers: Collection[str],
    segments: Collection[str] = (),
    *,
    now: int,
    page: Page | None = None,
) -> list[Figure]:
    """Read a CSV of figures: customer, component, metric, value, at; UTF-8 or CP932.

    Of two lines with one customer, component, metric and time the later counts. `now` in
    seconds is when the future begins. Raises BadSource or BadData, which names every wrong
    line by file and number, with the nearest right word.
    """
    page = page or load()
    known = lines.known(customers, segments, page, now)
    figures: dict[tuple[str, str, str, int], tuple[int, Figure]] = {}
    wrong: list[tuple[int, object]] = []
    for number, line in _lines(path):
        read = [line] if isinstance(line, lines.Wrong) else lines.figure(line, known)
        if isinstance(read, Figure):
            figures[read.customer, read.component, read.metric, read.at] = number, read
        else:
            wrong += [(number, fault) for fault in read]
    if not wrong:
        wrong = _together(list(figures.values()), page)
    _refuse(path, wrong)
    return [figure for _, figure in figures.values()]


def _refuse(path: Path, wrong: list[tuple[int, object]]) -> None:
    if wrong:
        told = [f"{path}:{number}: {why}" for number, why in sorted(wrong[:_SHOWN], key=_place)]
        if more := len(wrong) - _SHOWN:
            told += [f"... and {more} more"] if more > 0 else []
        raise BadData("\n".join([*told, "nothing was changed"]))


def _place(numbered: tuple[int, object]) -> int:
    return numbered[0]


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str] | lines.Wrong]]:
    """The lines below the header, with their numbers: their cells by column."""
    text = _text(path)
    head = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    number = 1
    try:
        header = [lines.fold(name) for name in next(rows, [])]
        _check(header, f"{path}:1")
        for cells in rows:
            first, number = number + 1, rows.line_num
            if any(cell.strip() for cell in cells):
                yield first, _cells(header, cells)
    except csv.Error as error:
        raise BadData(f"{path}:{number + 1}: no CSV that can be read ({error})") from error


def _check(header: list[str], place: str) -> None:
    for column in COLUMNS:
        if header.count(column) != 1:
            problem = "more than one column" if column in header else "no column"
            others = [name for name in header if name not in COLUMNS]
            near = [] if column in header else get_close_matches(column, others, 1)
            told = f" (is it '{near[0]}'?)" if near else ""
            there = ", ".join(name for name in header if name) or "nothing"
            needs = ", ".join(COLUMNS)
            raise BadData(f"{place}: {problem} '{column}'{told}; it needs {needs} and has {there}")


def _cells(header: list[str], cells: list[str]) -> dict[str, str] | lines.Wrong:
    if not any(cells[len(header) :]):  # some programs end each line with a comma
        cells = cells[: len(header)]
    if len(cells) != len(header):
        told = f"has {len(cells)} cells where the header has {len(header)}"
        return lines.Wrong(f"{told}; is there a comma in a number?")
    return {name: normalize("NFKC", cell).strip() for name, cell in zip(header, cells, strict=True)}


def _together(numbered: list[tuple[int, Figure]], page: Page) -> list[tuple[int, object]]:
    """What lines cannot mean together, at the last line of that customer, component and day."""
    last = {
        (each.customer, each.component, each.at // DAY): number
        for number, each in sorted(numbered, key=_place)
    }
    figures = [figure for _, figure in numbered]
    return [(last[key], why) for key, why in impossible(figures, page=page)]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSource(f"{path}: cannot read the file ({error.strerror})") from error
    for encoding in ("utf-8-sig", "cp932"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadData(f"{path}: the file is neither UTF-8 nor CP932; save it as CSV in UTF-8")
