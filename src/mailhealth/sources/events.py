"""A row of a send log becomes events in our words, as the connector says."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mailhealth.records import Event, Found, Mark, Row, Skipped
from mailhealth.sources import rows
from mailhealth.sources.border import Connector
from mailhealth.sources.dates import Clock, instant
from mailhealth.sources.forms import Columns, Form, Word
from mailhealth.sources.given import Given, clock, given, lacking
from mailhealth.sources.repeats import Repeats
from mailhealth.sources.rows import Alike, Getter, Meant, Unusable
from mailhealth.sources.toml import folded

SHOWN_NAMES = 200  # characters of a list of column names in a message
KEPT = 1_000  # sets of column names, and of words, remembered in one file
_YES = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# Our columns that hold texts, in the order in which they are read.
TEXTS = (
    *("recipient", "type", "at", "campaign", "variant", "subject", "reference", "message_id"),
    *("url", "machine", "method", "agent", "ip", "reason"),
)
AT = TEXTS.index("at")


@dataclass(frozen=True, slots=True)
class Shape:
    """Where rows with one set of columns have our values; `texts` in the order of TEXTS.

    `missing` says which column an event needs and has not.
    """

    columns: Columns
    texts: tuple[Getter, ...]
    categories: tuple[Getter, ...]
    ids: tuple[tuple[Getter, ...], ...]
    void: Getter
    missing: str
    json: str  # see rows.json_shape


@dataclass(frozen=True, slots=True)
class Way:
    """How to read the rows of one file, and what was learnt on the way."""

    connector: Connector
    form: Form
    settings: Mapping[str, str]
    clock: Clock
    given: Given
    file: Mapping[str, str]  # the columns that say what the file is called
    repeats: Repeats
    shapes: dict[tuple[str, ...], tuple[Shape, ...]]
    words: dict[tuple[str, ...], Word]


def events(
    connector: Connector,
    form: Form,
    items: Iterable[Row | Skipped | Mark],
    *,
    file: Path,
    settings: Mapping[str, str],
) -> Iterator[Found | Skipped | Mark]:
    """Map the rows of one file to events; pass on what was skipped and marked.

    `settings` may give this export's `zone` (for times that name none), its date format
    (`dates`), and what no column says: `type`, `campaign`, `at`. Raises BadSource where one
    of these is none.
    """
    timing = clock(form, settings)
    said = given(settings, timing)
    with Repeats() as repeats:
        way = Way(connector, form, settings, timing, said, rows.called(file), repeats, {}, {})
        yield from rows.told(items, lambda row: _found(row, way))


def _found(row: Row, way: Way) -> list[Found]:
    shapes = _shapes(row.fields, way)
    if len(shapes) == 1:
        return [Found(row.place, _event(row.fields, shapes[0], way))]
    dated = [shape for shape in shapes if shape.texts[AT](row.fields)]
    if not dated:
        dates = ", ".join(name for shape in shapes for name in shape.columns.at)
        raise Meant(f"nothing has happened yet ({dates})")
    return _several(row, dated, way)


def _several(row: Row, shapes: Iterable[Shape], way: Way) -> list[Found]:
    """All events of a row; it is left out only where each of them is."""
    found = []
    left_out: Meant | None = None
    for shape in shapes:
        try:
            found.append(Found(row.place, _event(row.fields, shape, way)))
        except Meant as reason:
            left_out = reason
    if left_out and not found:
        raise left_out
    return found


def _shapes(row: Mapping[str, Any], way: Way) -> tuple[Shape, ...]:
    names = tuple(row)
    if (known := way.shapes.get(names)) is None:
        if len(way.shapes) >= KEPT:
            way.shapes.clear()
        known = tuple(_shape(columns, row, way) for columns in way.form.events)
        way.shapes[names] = known
    return known


def _shape(columns: Columns, row: Mapping[str, Any], way: Way) -> Shape:
    names = tuple(row)

    def get(wanted: Iterable[str]) -> Getter:
        return rows.getter(tuple(wanted), names, way.file)

    missing = lacking(columns, names, way.settings)
    if missing:
        missing = f"{missing} among {rows.cell(', '.join(names))[:SHOWN_NAMES]}"
    return Shape(
        columns,
        texts=tuple(get(getattr(columns, ours)) for ours in TEXTS),
        categories=tuple(get([name]) for name in columns.category),
        ids=tuple(tuple(get([name]) for name in group) for group in columns.id),
        void=rows.presence(columns.void, names),
        missing=missing,
        json=rows.json_shape(row),
    )


def _event(row: Mapping[str, Any], shape: Shape, way: Way) -> Event:
    values = [get(row) for get in shape.texts]
    word = _word(row, shape, values[1], way)
    if shape.missing:
        raise Alike(shape.missing)
    rows.refuse_formulas(TEXTS, values)
    recipient, _, when, campaign, variant, subject, reference, message_id, *rest = values
    url, machine, method, agent, ip, reason = rest
    recipient, campaign = rows.address(recipient), campaign or way.given.campaign
    at, exact = _instant(when, way)
    what = (way.connector.name, word.type, recipient.lower(), str(at), campaign)
    text = rows.raw(row, shape.json)
    identity, alike = _identity(
        (*what, url) if not exact else what, _id(row, shape, word, way), text, way
    )
    return Event(
        recipient=recipient,
        type=word.type,
        at=at,
        campaign=campaign,
        identity=identity,
        subject=subject,
        reference=reference,
        url=url,
        bounce=word.bounce,
        machine=word.machine or _machine(machine, way),
        agent=agent,
        ip=ip,
        reason=reason,
        raw=text,
        variant=variant,
        message_id=message_id.strip("<> "),
        method=_method(method),
        exact=exact,
        alike=alike,
    )


def _word(row: Mapping[str, Any], shape: Shape, type_: str, way: Way) -> Word:
    """Our word: that of the first pair that is known, then that of the type alone."""
    if (void := shape.void(row)) and _YES.get(void.lower(), True):
        raise Meant(f"is void: {', '.join(shape.columns.void)} says so")
    if shape.columns.word:
        return shape.columns.word
    said = (type_, *(get(row) for get in shape.categories))
    if (known := way.words.get(said)) is not None:
        return known
    found = _translated(said, shape, way)
    if len(way.words) < KEPT:
        way.words[said] = found
    return found


def _translated(said: tuple[str, ...], shape: Shape, way: Way) -> Word:
    type_, *categories = said
    pairs = [f"{type_}/{category}" for category in categories if category]
    for theirs in (*pairs, type_):
        if folded(theirs) in way.form.left_out:
            raise Meant(
                f"'{theirs}' is left out on purpose: {way.connector.name} does not count it"
            )
        if word := way.connector.words.get(folded(theirs)):
            return word
    if found := shape.columns.word or (way.given.word if not type_ else None):
        return found
    if shape.missing:
        raise Alike(shape.missing)
    known = [word.theirs for word in way.connector.words.values() if "/" not in word.theirs]
    name = way.connector.name
    raise Unusable(
        f"{rows.shown(type_)} is no event that {name} knows; it knows {', '.join(known)}"
    )


def _instant(text: str, way: Way) -> tuple[int, bool]:
    if not text and way.given.at:
        return way.given.at
    if found := instant(text, way.clock):
        return found
    if not text:
        raise Unusable("has no date; at= gives one to all rows")
    known = ", ".join(way.clock.formats)
    raise Unusable(f"{rows.shown(text)} is no date; {way.connector.name} knows {known}")


def _machine(text: str, way: Way) -> bool | None:
    if not text:
        return None
    said = way.connector.machine.get(folded(text))
    return _YES.get(text.lower()) if said is None else said


def _method(text: str) -> Literal["", "GET", "POST"]:
    match text.upper():
        case "GET":
            return "GET"
        case "POST":
            return "POST"
    return ""


def _id(row: Mapping[str, Any], shape: Shape, word: Word, way: Way) -> str:
    """The platform's own id of an event; a row that is several events has one for each."""
    for group in shape.ids:
        if all(parts := [get(row) for get in group]):
            several = f"/{word.type}" if len(way.form.events) > 1 else ""
            return f"{way.connector.name}:{':'.join(parts)}{several}"
    return ""


def _identity(what: tuple[str, ...], id_: str, raw: str, way: Way) -> tuple[str, str]:
    """What makes an event the same in another export, and in another form of log.

    Without an id of the platform's it is a hash of what all forms tell, with a number from
    its second time in this file on.
    """
    name = hashlib.sha256("\0".join(what).encode()).hexdigest()[:32]
    if id_ or way.form.replayed:
        number = way.repeats.same(hash(name), hash((name, id_ or raw)))
    else:
        number = way.repeats.number(hash(name))
    alike = f"{name}#{number}" if number else name
    return (id_, alike) if id_ else (alike, "")
