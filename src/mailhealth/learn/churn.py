"""The churn file: who left, and when; CSV with customer, churned and perhaps announced."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path

from mailhealth.errors import BadData, BadSource

COLUMNS = ("customer", "churned", "announced")


@dataclass(frozen=True, slots=True)
class Leaver:
    """One line: a customer, when it left and when it had said so (ISO dates, "": not told)."""

    customer: str
    churned: str
    announced: str
    place: str

    @property
    def noticed(self) -> str:
        """The day that counts: the notice where it is known, else the end; "" for who stays."""
        return self.announced or self.churned


def read(path: Path) -> list[Leaver]:
    """Read a churn file, UTF-8 or CP932; one line a customer, no date for who stays.

    Raises BadSource or BadData, with file and line, for a file that is none.
    """
    lines = csv.reader(io.StringIO(_text(path)), strict=True)
    try:
        heads = _heads(next(lines, []), path.name)
        found = [
            _leaver(cells, heads, f"{path.name}:{lines.line_num}")
            for cells in lines
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        place = f"{path.name}:{lines.line_num}"
        raise BadData(f"{place}: no CSV that can be read ({error})") from error
    _refuse_twice(found)
    return found


def notices(leavers: Iterable[Leaver], customers: Iterable[str], until: str) -> dict[str, float]:
    """Return when each leaver gave notice, in seconds; `until` (ISO) is the day of asking.

    Raises BadData for a customer that is nobody's name, and for a notice after that day.
    """
    known = dict.fromkeys(customers)
    told = {}
    for leaver in leavers:
        if leaver.customer not in known:
            raise BadData(
                f"{leaver.place}: no customer '{leaver.customer}'; {_nearest(leaver, known)}"
            )
        if leaver.noticed > until[:10]:
            raise BadData(
                f"{leaver.place}: {leaver.noticed} lies after {until[:10]}, the day as of which "
                "is asked; the day of the notice goes into the column 'announced'"
            )
        if leaver.noticed:
            told[leaver.customer] = _midnight(leaver.noticed)
    return told


def _heads(cells: list[str], name: str) -> list[str]:
    heads = [cell.strip().casefold() for cell in cells]
    wanted = "a churn file has the columns customer, churned and perhaps announced"
    for head in heads:
        if head not in COLUMNS:
            near = get_close_matches(head, COLUMNS, 1)
            hint = f"did you mean '{near[0]}'? {wanted}" if near else wanted
            raise BadData(f"{name}:1: unknown column {head!r}; {hint}")
    if missing := [column for column in COLUMNS[:2] if column not in heads]:
        raise BadData(f"{name}:1: the column '{missing[0]}' is missing; {wanted}")
    if len(set(heads)) < len(heads):
        raise BadData(f"{name}:1: a column stands there twice; {wanted}")
    return heads


def _leaver(cells: list[str], heads: list[str], place: str) -> Leaver:
    if len(cells) != len(heads):
        raise BadData(f"{place}: {len(cells)} cells, but the head has {len(heads)}")
    cell = {"announced": "", **dict(zip(heads, (each.strip() for each in cells), strict=True))}
    if not cell["customer"]:
        raise BadData(f"{place}: the line names no customer")
    for name in COLUMNS[1:]:
        cell[name] = _iso(cell[name], name, place)
    if cell["churned"] and cell["announced"] > cell["churned"]:
        raise BadData(
            f"{place}: announced {cell['announced']} lies after churned {cell['churned']}"
        )
    return Leaver(cell["customer"], cell["churned"], cell["announced"], place)


def _iso(value: str, name: str, place: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError:
        raise BadData(f"{place}: {name} is '{value}', not a date like 2026-04-01") from None


def _refuse_twice(leavers: Iterable[Leaver]) -> None:
    first: dict[str, str] = {}
    for leaver in leavers:
        if leaver.customer in first:
            line = first[leaver.customer].rpartition(":")[2]
            raise BadData(
                f"{leaver.place}: '{leaver.customer}' stands in line {line} already; "
                "a customer has one line, with the day it left for good"
            )
        first[leaver.customer] = leaver.place


def _nearest(leaver: Leaver, known: Mapping[str, None]) -> str:
    if near := get_close_matches(leaver.customer, known, 1):
        return f"did you mean '{near[0]}'?"
    return "'mailhealth customers' lists them"


def _midnight(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSource(f"{path}: cannot read the churn file ({error.strerror})") from error
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadData(f"{path.name}: the churn file is neither UTF-8 nor CP932; save it as UTF-8")
