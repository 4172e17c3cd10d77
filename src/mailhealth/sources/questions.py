"""What a connector.toml says of a survey's export: where its questions and answers stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from mailhealth.errors import BadData, BadSource
from mailhealth.sources import toml
from mailhealth.sources.toml import folded

Kind = Literal["nps", "csat"]
Names = tuple[str, ...]

NPS_SCALE = 10
SCALES = (5, 7, 10, 100)  # of questions about satisfaction: the highest value one can give
FILE = "file"  # "file.name" and "file.folder" are columns that every file has


@dataclass(frozen=True, slots=True)
class Question:
    """One question of an export, and their names for our columns.

    Of several columns the first one with a value counts. `type` is a column that says which
    kind of question a row answers, in the words of `kinds` (folded); a row with another word
    is left out. `values` are answers in words (folded) and what they are worth. `scale` is the
    highest value that can be given; with `type` it is that of questions about satisfaction.
    """

    recipient: Names
    value: Names
    kind: Kind = "nps"
    scale: int = NPS_SCALE
    at: Names = ()
    asked_at: Names = ()
    comment: Names = ()
    id: Names = ()
    survey: Names = ()
    type: Names = ()
    kinds: Mapping[str, str] | None = None
    values: Mapping[str, float] | None = None


_COLUMNS = ("recipient", "value", "at", "asked_at", "comment", "id", "survey", "type")


def questions(where: str, value: object) -> tuple[Question, ...]:
    """The questions of one or several [answer] tables. Raises BadData."""
    tables: list[object] = value if isinstance(value, list) else [value]
    return tuple(_checked(where, each) for each in tables)


def _checked(where: str, table: object) -> Question:
    if not isinstance(table, dict):
        raise BadData(f"{where}, [answer] must be a table of columns")
    return _question(f"{where}, [answer]", table)


def _question(where: str, table: Mapping[str, Any]) -> Question:
    toml.keys(where, table, [field.name for field in fields(Question)])
    for needed in ("recipient", "value"):
        if needed not in table:
            raise BadData(f"{where}: the key '{needed}' is missing")
    if "at" not in table and "asked_at" not in table:
        raise BadData(f"{where}: one of the keys 'at' and 'asked_at' is needed")
    kind = _kind(where, table.get("kind", "nps"))
    return Question(
        **{key: toml.many(where, key, table[key]) for key in _COLUMNS if key in table},
        kind=kind,
        scale=_scale(where, "csat" if "type" in table else kind, table.get("scale")),
        kinds=_kinds(where, table),
        values=_values(where, toml.table(where, table, "values")),
    )


def _kind(where: str, value: object) -> Kind:
    kinds: tuple[Kind, ...] = get_args(Kind)
    for kind in kinds:
        if value == kind:
            return kind
    raise BadData(f"{where}: no such kind {value!r}, there are {', '.join(kinds)}")


def _scale(where: str, kind: Kind, value: object) -> int:
    known = (NPS_SCALE,) if kind == "nps" else SCALES
    for scale in known:
        if value in (scale, None):
            return scale
    there = ", ".join(map(str, known))
    raise BadData(f"{where}: 'scale' of {kind} is one of {there}, not {value!r}")


def _kinds(where: str, table: Mapping[str, Any]) -> dict[str, str] | None:
    if "type" not in table:
        return None
    theirs = toml.table(where, table, "kinds")
    return {folded(word): _kind(where, ours) for word, ours in theirs.items()}


def _values(where: str, table: Mapping[str, Any]) -> dict[str, float]:
    for word, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadData(f"{where}: the value of '{word}' must be a number, not {value!r}")
    return {folded(word): float(value) for word, value in table.items()}


def asked(known: tuple[Question, ...], settings: Mapping[str, str]) -> tuple[Question, ...]:
    """The questions of an export, with what the user says of it on top.

    `value` names the column of the answers, `comment` that of the comments, `kind` says what
    was asked (nps or csat) and `scale` the highest answer. Raises BadSource.
    """
    if not any(settings.get(key) for key in ("value", "comment", "kind", "scale")):
        return known
    try:
        kind = _kind("kind", settings.get("kind") or known[0].kind)
        told = settings.get("scale", "")
        scale = _scale("scale", kind, int(told) if told.isdecimal() else told or None)
    except BadData as error:
        raise BadSource(f"the export's {error}") from error
    alike = next((each for each in known if each.kind == kind), known[0])
    value, comment = (
        (settings[key],) if settings.get(key) else names
        for key, names in (("value", alike.value), ("comment", alike.comment))
    )
    return (replace(alike, kind=kind, scale=scale, kinds=None, value=value, comment=comment),)


def lacking(known: Iterable[Question], names: Iterable[str], settings: Mapping[str, str]) -> str:
    """Which column without which there is no answer is not among these names, in words."""
    there = {FILE, *(folded(name) for name in names)}
    complaints = [_missing(question, there, settings) for question in known]
    return complaints[0] if complaints and all(complaints) else ""


def _missing(question: Question, there: set[str], settings: Mapping[str, str]) -> str:
    needed = {"recipient": question.recipient, "value": question.value}
    if not settings.get("at"):
        needed["at"] = (*question.at, *question.asked_at)
    for ours, theirs in needed.items():
        if not any(folded(x) in there or folded(x.partition(".")[0]) in there for x in theirs):
            tail = "; give value= with the column of the answers" if ours == "value" else ""
            return f"no column for {ours} ({', '.join(theirs)}{tail})"
    return ""
