"""A row of a survey's export becomes answers in our words, as the connector says."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mailhealth.records import Answer, Found, Mark, Row, Skipped
from mailhealth.sources import rows
from mailhealth.sources.border import Connector
from mailhealth.sources.dates import Clock, instant
from mailhealth.sources.forms import Form
from mailhealth.sources.given import clock, given
from mailhealth.sources.questions import NPS_SCALE, Kind, Question, asked, lacking
from mailhealth.sources.rows import Alike, Getter, Meant, Unusable
from mailhealth.sources.toml import folded

SHOWN_NAMES = 200  # characters of a list of column names in a message
KEPT = 1_000  # sets of column names remembered in one file
TEXTS = ("recipient", "value", "at", "asked_at", "comment", "id", "survey", "type")
_FORMULAS = ("=", "@")  # a comment may well begin with a dash
# Such as 9, 9/10, 9点, 10 - Extremely likely, 5: とても満足, 4 (Satisfied).
_NUMBER = re.compile(
    r"(\d{1,3}(?:\.\d{1,3})?)(?:\s{0,3}/\s{0,3}(\d{1,3}))?"
    r"(?:点|\s{0,3}[-–—:.].{0,200}|\s{0,3}\(.{0,200}\))?"
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where rows with one set of columns have a question's texts, in the order of TEXTS."""

    question: Question
    texts: tuple[Getter, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """How to read the rows of one file."""

    name: str
    questions: tuple[Question, ...]
    settings: Mapping[str, str]
    clock: Clock
    at: int | None
    file: Mapping[str, str]
    shapes: dict[tuple[str, ...], tuple[_Shape, ...]]


def answers(
    connector: Connector,
    form: Form,
    items: Iterable[Row | Skipped | Mark],
    *,
    file: Path,
    settings: Mapping[str, str],
) -> Iterator[Found | Skipped | Mark]:
    """Map the rows of one file to answers; pass on what was skipped and marked.

    A row answers every question whose column the file has. `settings` may give this export's
    `zone`, `dates` and `at`, `value`, `comment`, `kind` and `scale` (`questions.asked`), and
    the name of the `survey`. Raises BadSource where one of these is none.
    """
    timing = clock(form, settings)
    at = given(settings, timing).at
    known = asked(form.questions, settings)
    way = _Way(
        connector.name, known, settings, timing, at[0] if at else None, rows.called(file), {}
    )
    return rows.told(items, lambda row: _found(row, way))


def _found(row: Row, way: _Way) -> list[Found | Skipped]:
    names = tuple(row.fields)
    if (shapes := way.shapes.get(names)) is None:
        if len(way.shapes) >= KEPT:
            way.shapes.clear()
        shapes = way.shapes[names] = _shapes(names, way)
    if not shapes:
        missing = lacking(way.questions, names, way.settings)
        raise Alike(f"{missing} among {rows.cell(', '.join(names))[:SHOWN_NAMES]}")
    found: list[Answer] = []
    missed: list[Found | Skipped] = []
    for shape in shapes:
        try:
            found.append(_answer(row.fields, shape, way))
        except Alike:
            raise
        except Unusable as reason:  # the other questions of the row may have an answer
            missed.append(Skipped(row.place, str(reason)))
    told = [Found(row.place, answer) for answer in _commented_once(found)]
    return [*told, *dict.fromkeys(missed)]


def _commented_once(found: list[Answer]) -> list[Answer]:
    """The comment of a row belongs to the first of its questions that has an answer."""
    first = next((answer for answer in found if answer.value is not None), None)
    return [
        answer if answer is (first or found[0]) else replace(answer, comment="") for answer in found
    ]


def _shapes(names: tuple[str, ...], way: _Way) -> tuple[_Shape, ...]:
    return tuple(
        _Shape(
            question,
            tuple(rows.getter(getattr(question, ours), names, way.file) for ours in TEXTS),
        )
        for question in way.questions
        if not lacking([question], names, way.settings)
    )


def _answer(row: Mapping[str, Any], shape: _Shape, way: _Way) -> Answer:
    recipient, said, at, asked_at, comment, id_, survey, type_ = (get(row) for get in shape.texts)
    if not (recipient or at or asked_at or id_):
        raise Meant("is a second row of headings")
    kind, scale = _kind(shape.question, type_, way)
    rows.refuse_formulas(("recipient", "survey"), (recipient, survey))
    if comment.startswith(_FORMULAS):
        rows.refuse_formulas(("comment",), (comment,))
    recipient = rows.address(recipient)
    value = _value(said, shape.question, kind, scale)
    asked = _instant(asked_at, way) if asked_at else None
    when = _when(at, asked, answered=value is not None, way=way)
    return Answer(
        recipient=recipient,
        kind=kind,
        at=when,
        survey=way.settings.get("survey") or survey,
        identity=_identity((way.name, kind, id_), (recipient.lower(), when, value, comment)),
        value=value,
        scale=scale,
        asked_at=asked,
        comment=comment,
        raw=rows.raw(row),
    )


def _kind(question: Question, type_: str, way: _Way) -> tuple[Kind, int]:
    if question.kinds is None:
        return question.kind, question.scale
    match question.kinds.get(folded(type_)):
        case "nps":
            return "nps", NPS_SCALE
        case "csat":
            return "csat", question.scale
    raise Meant(f"{rows.shown(type_)} is left out on purpose: {way.name} does not count it")


def _value(text: str, question: Question, kind: Kind, scale: int) -> float | None:
    """The answer as a number, None where there is none.

    What lies outside the scale is no answer: it is refused, and never moved to its end.
    """
    if not text:
        return None
    if (value := (question.values or {}).get(folded(text))) is None:
        found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text))
        value = float(found[1]) if found and found[2] in (None, str(scale)) else None
    lowest = 0 if kind == "nps" or scale > NPS_SCALE else 1
    if value is None or not lowest <= value <= scale or (kind == "nps" and value % 1):
        raise Unusable(f"{rows.shown(text)} is no answer from {lowest} to {scale}")
    return value


def _when(at: str, asked: int | None, *, answered: bool, way: _Way) -> int:
    """When somebody answered; when they were asked, where they are silent."""
    if not answered and asked is not None:
        return asked
    if at:
        return _instant(at, way)
    if way.at is not None:
        return way.at
    raise Unusable("says not when it was answered" if answered else "says not when it was asked")


def _instant(text: str, way: _Way) -> int:
    if found := instant(text, way.clock):
        return found[0]
    known = ", ".join(way.clock.formats)
    raise Unusable(f"{rows.shown(text)} is no date; {way.name} knows {known}")


def _identity(whose: tuple[str, str, str], what: tuple[object, ...]) -> str:
    """What makes an answer the same in another export.

    An answer that is changed, or gets its comment, comes again under the platform's id: both
    are kept, and the later one counts (the view survey_answers).
    """
    digest = hashlib.sha256("\0".join(map(str, (*whose, *what))).encode()).hexdigest()
    name, kind, id_ = whose
    return f"{name}:{kind}:{id_}:{digest[:8]}" if id_ else digest[:32]
