"""Web server logs: one row for each request line with query parameters."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qsl

from mailhealth.readers import _files
from mailhealth.records import Mark, Row, Skipped

LONGEST_LINE = 1 << 16  # characters; servers refuse longer request lines, the rest is not read
MOST_PARAMETERS = 200
_REQUEST = re.compile(r"\b(?:GET|POST) /[^\s?]*\?(\S+)")


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The query parameters of the requests in a log, or in all changed logs of a folder.

    Some platforms report events as plain GET requests, so the web server's own log is the
    record of them. `settings`: `path`. A line without a query is skipped.
    """
    return _files.unread(settings, cursors, takes, _rows)


def takes(file: Path) -> bool:
    """Whether the first line of a file holds a request with a query."""
    return _files.kind(_files.head(file)) == "requests"


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names of the parameters in the first request of one log (`path`)."""
    rows = islice(_rows(Path(settings["path"])), _files.TRIED)
    return next((tuple(row.fields) for row in rows if isinstance(row, Row)), ())


def _rows(file: Path) -> Iterator[Row | Skipped]:
    place = _files.place(file)
    if kind := _files.packed(file):
        yield Skipped(place, f"is {kind}; unpack it")
        return
    with _files.text(file) as opened:
        for number, line in _files.lines(opened, LONGEST_LINE):
            if line.strip():
                yield _row(f"{place}:{number}", line)


def _row(place: str, line: str) -> Row | Skipped:
    if not (request := _REQUEST.search(line)):
        return Skipped(place, "holds no GET or POST request with a query")
    try:
        fields = dict(parse_qsl(request[1], max_num_fields=MOST_PARAMETERS))
    except ValueError:
        return Skipped(place, f"has more than {MOST_PARAMETERS} parameters")
    return Row(place, fields)
