"""The kinds of file of one platform: which columns say what, and how they write it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args
from zoneinfo import ZoneInfo

from mailhealth.errors import BadData
from mailhealth.records import Bounce, EventType
from mailhealth.sources import toml
from mailhealth.sources.questions import Question, questions
from mailhealth.sources.toml import folded, meant

NAMED_DATES = ("iso", "unix", "unix_ms")  # everything else is a strptime format
BY_MACHINE = "/machine"

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """One of our words for what happened, and theirs for it.

    `machine` is True where their word says that a machine did it.
    """

    theirs: str
    type: EventType
    bounce: Bounce | None = None
    machine: bool | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Their names for our columns; of several the first one with a value counts.

    `word` stands instead of a type where every row is the same ("is"). Of `category` the
    first one counts that makes a known pair of words with the type. `id` is the platform's
    own id of the event: groups of columns, whose values together are the id. A value in
    `void` says that the row is no event. A name with dots leads into a nested JSON object;
    "file.name" and "file.folder" say what the file and its folder are called.
    """

    recipient: Names
    word: Word | None = None
    type: Names = ()
    at: Names = ()
    category: Names = ()
    campaign: Names = ()
    variant: Names = ()
    subject: Names = ()
    reference: Names = ()
    message_id: Names = ()
    id: tuple[Names, ...] = ()
    url: Names = ()
    machine: Names = ()
    method: Names = ()
    agent: Names = ()
    ip: Names = ()
    reason: Names = ()
    void: Names = ()


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of file: how it is known, and what its rows say.

    `files` are patterns for the end of its path, `columns` names that it has; without both it
    is any file. `rows` are dotted paths to the rows in a JSON file. A row is one event for
    each of `events` whose date it has; that of a survey's export answers the `questions`. The
    words in `left_out` are folded. `unread` says that nothing in such a file is imported,
    `replayed` that it is a log of calls, in which a row that repeats another exactly is the
    same event again.
    """

    files: Names = ()
    columns: Names = ()
    events: tuple[Columns, ...] = ()
    questions: tuple[Question, ...] = ()
    rows: Names = ()
    dates: Names = ("iso",)
    zone: str = "UTC"
    left_out: frozenset[str] = frozenset()
    unread: bool = False
    replayed: bool = False


SHARED = ("rows", "dates", "zone", "left_out", "replayed")  # top-level keys that a form replaces
KEYS = (*SHARED, "files", "columns", "event", "answer")


def forms(where: str, top: Mapping[str, Any]) -> tuple[Form, ...]:
    """The forms of a connector.toml in their order, and last what its top level says, if it does.

    Raises BadData.
    """
    event = top.get("event")
    if event is not None and not isinstance(event, dict):
        raise BadData(f"{where}, [event] must be a table of columns")
    tables = top.get("form", [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise BadData(f"{where}: 'form' must be a list of tables, written [[form]]")
    shared = {key: top[key] for key in SHARED if key in top}
    _shared(where, {key: value for key, value in shared.items() if key != "left_out"})
    if not isinstance(shared.get("left_out", []), list | str):
        raise BadData(f"{where}: 'left_out' must be a list of words here")
    found = [
        _form(f"{where}, [[form]] {number}", table, shared, event or {})
        for number, table in enumerate(tables, 1)
    ]
    if event is not None:
        found.append(_top(where, shared, event))
    if "answer" in top:
        found.append(Form(questions=questions(where, top["answer"]), **_shared(where, shared)))
    return tuple(found)


def _form(
    where: str, table: Mapping[str, Any], shared: Mapping[str, Any], event: Mapping[str, Any]
) -> Form:
    toml.keys(where, table, KEYS)
    if not ("files" in table or "columns" in table):
        raise BadData(f"{where}: needs 'files' or 'columns' by which such a file is known")
    unread = table.get("left_out") is True
    said = {**shared, **{key: value for key, value in table.items() if key in SHARED}}
    if isinstance(said.get("left_out"), bool):
        del said["left_out"]
    return Form(
        files=toml.many(where, "files", table.get("files", ())),
        columns=toml.many(where, "columns", table.get("columns", ())),
        events=() if unread or "answer" in table else _events(where, table.get("event", {}), event),
        questions=questions(where, table["answer"]) if "answer" in table else (),
        unread=unread,
        **_shared(where, said),
    )


def _top(where: str, shared: Mapping[str, Any], event: Mapping[str, Any]) -> Form:
    return Form(events=(_columns(f"{where}, [event]", event),), **_shared(where, shared))


def _shared(where: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "rows": toml.many(where, "rows", said.get("rows", ())),
        "dates": dates(where, said.get("dates", "iso")),
        "zone": zone(where, toml.one(where, "zone", said.get("zone", "UTC"))),
        "left_out": frozenset(map(folded, toml.many(where, "left_out", said.get("left_out", ())))),
        "replayed": toml.flag(where, "replayed", said.get("replayed", False)),
    }


def _events(where: str, value: object, event: Mapping[str, Any]) -> tuple[Columns, ...]:
    """The events of one row: each its own keys, and the top level's for the rest."""
    tables: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in tables):
        raise BadData(f"{where}, [form.event] must be a table of columns")
    return tuple(
        _columns(f"{where}, [form.event]", {**_inherited(event, table), **table})
        for table in tables
    )


def _inherited(event: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """What a form takes from the top level: not a type, where it says itself what happened."""
    says = "is" in table or "type" in table
    return {key: value for key, value in event.items() if not (says and key in ("is", "type"))}


def _columns(where: str, table: Mapping[str, Any]) -> Columns:
    known = [field.name for field in fields(Columns) if field.name != "word"]
    toml.keys(where, table, [*known, "is"])
    if "recipient" not in table:
        raise BadData(f"{where}: the key 'recipient' is missing")
    if "is" in table and "type" in table:
        raise BadData(f"{where}: 'is' and 'type' exclude each other")
    names = {
        key: toml.many(where, key, value) for key, value in table.items() if key not in ("is", "id")
    }
    return Columns(
        **names,
        id=_groups(where, table.get("id", ())),
        word=_word(where, "is", table["is"]) if "is" in table else None,
    )


def _groups(where: str, value: object) -> tuple[Names, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(toml.many(where, "id", each) for each in values)


def words(where: str, table: Mapping[str, Any]) -> dict[str, Word]:
    """Their words, or pairs of words, folded -> ours. Raises BadData."""
    return {folded(theirs): _word(where, theirs, ours) for theirs, ours in table.items()}


def machines(where: str, table: Mapping[str, Any]) -> dict[str, bool]:
    """Their words, folded -> whether a machine did it. Raises BadData."""
    return {folded(theirs): toml.flag(where, theirs, says) for theirs, says in table.items()}


def _word(where: str, theirs: str, value: object) -> Word:
    ours = toml.one(where, theirs, value)
    if found := word(ours, theirs):
        return found
    raise BadData(f"{where}, '{theirs}': no such word '{ours}', ours are {known_words(ours)}")


def word(ours: str, theirs: str = "") -> Word | None:
    """One of our words as it is written: "opened", "bounced/hard" or "opened/machine"."""
    name, by_machine, rest = ours.partition(BY_MACHINE)
    bounces: tuple[Bounce, ...] = get_args(Bounce)
    types: tuple[EventType, ...] = get_args(EventType)
    machine = True if by_machine else None
    for known in types:
        if name == known and not rest:
            return Word(theirs or ours, known, None, machine)
    for bounce in bounces:
        if ours == f"bounced/{bounce}":
            return Word(theirs or ours, "bounced", bounce)
    return None


def all_words() -> tuple[str, ...]:
    """All our words, as they are written."""
    return (*get_args(EventType), *(f"bounced/{each}" for each in get_args(Bounce)))


def known_words(ours: str) -> str:
    """All our words in a row, and the one that was probably meant."""
    return f"{listed(all_words())}{meant(ours, all_words())}"


def dates(where: str, value: object) -> Names:
    """Date formats: iso, unix, unix_ms, or as strptime has them. Raises BadData."""
    formats = toml.many(where, "dates", value)
    for each in formats:
        if each not in NAMED_DATES and "%" not in each:
            raise BadData(
                f"{where}: '{each}' is no date format; give {listed(NAMED_DATES)} "
                "or one like '%Y/%m/%d %H:%M'"
            )
    return formats


def zone(where: str, name: str) -> str:
    """The name of a time zone. Raises BadData."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:  # "not found" is a KeyError
        raise BadData(f"{where}: no time zone '{name}'; one is 'Asia/Tokyo'") from error
    return name


def listed(names: Iterable[str]) -> str:
    """Names in a row."""
    return ", ".join(names)
