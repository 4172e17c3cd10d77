"""Klaviyo's pages of events: each event joined with the metric and the profile beside it."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mailhealth.readers import _files, json
from mailhealth.records import Mark, Row, Skipped

_PAGE = re.compile(r'"type"\s*:\s*"event"|"data"\s*:\s*\[\s*\]')


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The events of a page (`path`), or of one page a line, as flat rows.

    What an event is stands apart from it: its metric and its profile are named by ids and lie
    in `included` at the end of the page. A row holds the event's properties, its attributes,
    `id`, `metric` (the metric's name) and `email` (the profile's).
    """
    for item in json.read({**settings, "rows": ""}, cursors):
        if isinstance(item, Row):
            yield from _events(item)
        else:
            yield item


def takes(file: Path) -> bool:
    """Whether a file is JSON that begins like a page of events."""
    return json.takes(file) and bool(_PAGE.search(_files.head(file)))


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names in the first event of a file (`path`), none where there is none."""
    rows = islice(read(settings, {}), _files.TRIED)
    return next((tuple(row.fields) for row in rows if isinstance(row, Row)), ())


def _events(page: Row) -> Iterator[Row | Skipped]:
    events = page.fields.get("data")
    if not isinstance(events, list):
        yield Skipped(page.place, "is no page of events: it has no array 'data'")
        return
    beside = _beside(page.fields.get("included"))
    for number, event in enumerate(events, 1):
        place = f"{page.place}, event {number}"
        if isinstance(event, dict) and isinstance(event.get("attributes"), dict):
            yield Row(place, _row(event, beside))
        else:
            yield Skipped(place, "is no event: it has no 'attributes'")


def _beside(included: object) -> dict[str, Mapping[str, Any]]:
    """The attributes of what is included, by its id."""
    parts = included if isinstance(included, list) else []
    return {
        str(part.get("id")): part["attributes"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("attributes"), dict)
    }


def _row(event: Mapping[str, Any], beside: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    attributes = dict(event["attributes"])
    properties = attributes.pop("event_properties", None)
    return {
        **(properties if isinstance(properties, dict) else {}),
        **attributes,
        "id": event.get("id"),
        "metric": _related(event, "metric", beside).get("name"),
        "email": _related(event, "profile", beside).get("email"),
    }


def _related(
    event: Mapping[str, Any], what: str, beside: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    found: Any = event
    for key in ("relationships", what, "data", "id"):
        found = found.get(key) if isinstance(found, dict) else None
    return beside.get(str(found), {})
