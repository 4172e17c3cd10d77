"""Mautic's webhook calls: one body holds several events, named by its keys."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from mailhealth.readers import _files, json
from mailhealth.records import Mark, Row, Skipped

EVENT = "mautic."  # what the name of every event begins with


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The events in one body (`path`), or in one body a line; `event` is the key it lay under."""
    for item in json.read({**settings, "rows": ""}, cursors):
        if isinstance(item, Row):
            yield from _events(item)
        else:
            yield item


def takes(file: Path) -> bool:
    """Whether a file is JSON that begins with an event of Mautic's."""
    return json.takes(file) and f'"{EVENT}' in _files.head(file)


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names in the first event of a file (`path`), none where there is none."""
    rows = islice(read(settings, {}), _files.TRIED)
    return next((tuple(row.fields) for row in rows if isinstance(row, Row)), ())


def _events(body: Row) -> Iterator[Row | Skipped]:
    found = [
        (name, event)
        for name, events in body.fields.items()
        if name.startswith(EVENT) and isinstance(events, list)
        for event in events
    ]
    if not found:
        yield Skipped(body.place, f"holds no event: no key begins with '{EVENT}'")
    for number, (name, event) in enumerate(found, 1):
        place = f"{body.place}, event {number}"
        if isinstance(event, dict):
            yield Row(place, {"event": name, **event})
        else:
            yield Skipped(place, f"the event under '{name}' is no object")
