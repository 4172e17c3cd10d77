"""What other systems know: taken over from a file, and told as metrics."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from mailhealth import outside
from mailhealth.errors import UnknownName
from mailhealth.health.instants import seconds
from mailhealth.score import Beside
from mailhealth.store import outside as kept
from mailhealth.store import pages, touched


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file brought: how many figures, and which parts no metric can use yet.

    `idle` are, by component and part, the names that must come for the same customer and day.
    """

    figures: kept.Imported
    idle: Mapping[tuple[str, str], frozenset[str]]


def page(db: Database, text: str | None = None) -> outside.Page:
    """Give the components.toml that counts; a `text` counts from now on ("": the shipped one)."""
    read = outside.load(pages.own(db, "outside", text))
    pages.keep(db, "outside", text)
    return read


def take_over(db: Database, path: Path) -> Taken:
    """Keep the figures of a file, all of them or, where one line is wrong, none."""
    touched.everybody(db)
    now = int(time.time())
    customers, segments = kept.names(db)
    known = page(db)
    figures = outside.read_file(path, customers, segments, now=now, page=known)
    saved = kept.save(db, figures, known_at=now)
    brought = {(figure.component, figure.metric) for figure in figures}
    idle = outside.idle(kept.beside(db, figures), page=known)
    return Taken(saved, {key: needs for key, needs in idle.items() if key in brought})


def beside(db: Database, as_of: str, lang: str = "en") -> Beside | None:
    """Return the components that are known of the customers as of an instant; None: of nobody."""
    figures = kept.figures(db, seconds(as_of))
    if not figures:
        return None
    known = page(db)
    found = outside.components(figures, as_of, lang=lang, page=known)
    return Beside(found, outside.configured(found), known)


def listing(db: Database, as_of: str, customer: str | None = None) -> list[dict[str, Any]]:
    """List every metric that can be told as of an instant: all together, segments, customers."""
    known = page(db)
    figures = kept.figures(db, seconds(as_of))
    order = list(known.components)
    found = [
        each
        for each in outside.measured(figures, as_of, page=known)
        if customer in (None, each.customer)
    ]
    found.sort(key=lambda each: (_rank(each.customer), order.index(each.component)))
    columns = ("customer", "component", "metric", "value", "n", "low", "high", "at")
    return [{name: getattr(each, name) for name in columns} for each in found]


def know(db: Database, customer: str | None) -> None:
    """Raise UnknownName for what is no customer, no segment and not all of them together."""
    customers, segments = kept.names(db)
    names = [*customers, *(outside.SEGMENT + name for name in segments), outside.EVERYBODY]
    if customer is not None and customer not in names:
        close = get_close_matches(customer, names, 1)
        told = f"did you mean '{close[0]}'?" if close else "'mailhealth customers' lists them"
        raise UnknownName(f"no customer '{customer}'; {told}")


def catalogue(known: outside.Page) -> list[dict[str, Any]]:
    """List what a file may tell: every metric and its formula, and the parts of formulas."""
    rows = []
    for component in known.components.values():
        for metric in component.metrics.values():
            rows.append((component.name, metric.name, metric.written, metric.asks))
        for name, meaning in component.parts.items():
            rows.append((component.name, name, "", meaning))
    names = ("component", "metric", "formula", "meaning")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _rank(customer: str) -> tuple[int, str]:
    groups = (customer == outside.EVERYBODY, customer.startswith(outside.SEGMENT))
    return (0 if groups[0] else 1 if groups[1] else 2, customer)
