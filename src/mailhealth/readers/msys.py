"""SparkPost events, as its API lists them or as a webhook wraps them: one row for each."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mailhealth.readers import _files
from mailhealth.readers import json as objects
from mailhealth.records import Mark, Row, Skipped


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The events in the JSON files of a file or folder.

    `settings`: `path` and `rows`, as for JSON. A webhook wraps every event in an object that
    names its family, `{"msys": {"track_event": {...}}}`: the row is the event in it.
    """
    for item in objects.read(settings, cursors):
        yield _unwrapped(item) if isinstance(item, Row) else item


def takes(file: Path) -> bool:
    """Whether a file begins as JSON does."""
    return objects.takes(file)


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the first event of one file (`path`, `rows`)."""
    rows = islice(read(settings, {}), _files.TRIED)
    return next((tuple(row.fields) for row in rows if isinstance(row, Row)), ())


def _unwrapped(row: Row) -> Row | Skipped:
    if "msys" not in row.fields:
        return row
    families = row.fields["msys"]
    if families == {}:
        return Skipped(row.place, "is a test call without an event", meant=True)
    inner = list(families.values()) if isinstance(families, dict) else []
    if len(inner) == 1 and isinstance(inner[0], dict):
        return Row(row.place, inner[0])
    return Skipped(row.place, "wraps no event, or more than one, in its 'msys'")
