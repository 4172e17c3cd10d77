"""Form posts kept in a log: one URL-encoded body on each line."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qsl

from mailhealth.readers import _files
from mailhealth.records import Mark, Row, Skipped

LONGEST_LINE = 1 << 20  # characters; servers refuse longer bodies of forms
MOST_FIELDS = 1_000
_FIELD = re.compile(r"[^\s={}<>\",;]+=[^\s{}<>\"]*$")


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The fields of the form posts in a log, or in all changed logs of a folder.

    `settings`: `path`. The names of the fields are decoded, brackets stay: "data[email]". Of a
    field that comes twice the last one counts. A line that is no form is skipped.
    """
    return _files.unread(settings, cursors, takes, _rows)


def takes(file: Path) -> bool:
    """Whether a file begins with fields joined by "&", and no white space among them."""
    first, ended, _ = _files.head(file).lstrip().partition("\n")
    fields = first.rstrip().split("&")
    whole = fields if ended else fields[:-1] or fields  # the last one may be cut off
    return len(fields) > 1 and all(_FIELD.match(each) for each in whole)


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the fields in the first form of one log (`path`)."""
    rows = islice(_rows(Path(settings["path"])), _files.TRIED)
    return next((tuple(row.fields) for row in rows if isinstance(row, Row)), ())


def _rows(file: Path) -> Iterator[Row | Skipped]:
    place = _files.place(file)
    with _files.text(file) as opened:
        for number, line in enumerate(_lines(opened), 1):
            if line.strip():
                yield _row(f"{place}:{number}", line.strip())


def _lines(opened: TextIO) -> Iterator[str]:
    """Every line; of one that is too long, its beginning and a character over the limit."""
    while line := opened.readline(LONGEST_LINE + 1):
        rest = line
        while rest and not rest.endswith("\n"):
            rest = opened.readline(LONGEST_LINE)
        yield line


def _row(place: str, line: str) -> Row | Skipped:
    if len(line) > LONGEST_LINE:
        return Skipped(place, f"is longer than {LONGEST_LINE} characters")
    try:
        fields = dict(parse_qsl(line, max_num_fields=MOST_FIELDS))
    except ValueError:
        return Skipped(place, f"has more than {MOST_FIELDS} fields")
    return Row(place, fields) if fields else Skipped(place, "is no form: it has no field=value")
