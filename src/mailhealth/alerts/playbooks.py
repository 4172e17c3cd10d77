"""playbooks.toml, read; and the tasks that an alert calls for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from mailhealth.alerts.cases import Case, case, meets
from mailhealth.alerts.page import Kind, Words, title
from mailhealth.errors import BadData
from mailhealth.rules import checks, toml
from mailhealth.rules.conditions import Signals

NAME = "playbooks.toml"

_SATURDAY = 5
_MOST_DAYS = 250  # working days: about a year
_PAGE: checks.Keys = {"playbook": dict}
_PLAYBOOK: checks.Keys = {"when": list, "for": dict, "title": dict, "do": list}
_FOR: checks.Keys = {"segment": list, "owner": list}
_STEP: checks.Keys = {"en": str, "ja": str, "owner": str, "due": int}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, and within how many working days; "" is the customer's own owner."""

    words: Words
    owner: str
    due: int


@dataclass(frozen=True, slots=True)
class Playbook:
    """What to do when an alert of a kind opens and a case holds, for whom.

    `when` is what the page says. No segments or owners: for everybody. `alone` says that the case
    itself is the alert.
    """

    name: str
    title: Words
    when: tuple[str, ...]
    alert: str
    case: Case
    alone: bool
    segments: tuple[str, ...]
    owners: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do for an alert: the playbook and the number of its step, by whom, by when."""

    playbook: str
    step: int
    words: Words
    owner: str | None
    due: date


@cache
def shipped() -> str:
    """Return the text of the shipped playbooks.toml."""
    return files("mailhealth.alerts").joinpath(NAME).read_text("utf-8")


def load(
    text: str | None, kinds: Sequence[Kind], names: Collection[str], name: str = NAME
) -> tuple[Playbook, ...]:
    """Read a playbooks.toml, by default the shipped one, for kinds of alerts and signals.

    Of the shipped page only what fits them counts. Raises BadData, naming table and key, for one
    that does not hold together.
    """
    page = toml.loads(shipped() if text is None else text, name)
    checks.keys(page, _PAGE, name)
    tables = checks.tables(page, "playbook", _PLAYBOOK, name) if "playbook" in page else {}
    alerts = {kind.name for kind in kinds}
    found = []
    for key, table in tables.items():
        try:
            found.append(_playbook(key, table, (alerts, names), f"{name}, [playbook.{key}]"))
        except BadData:
            if text is not None:
                raise
    return tuple(found)


def own_kinds(playbooks: Sequence[Playbook]) -> tuple[Kind, ...]:
    """Make kinds of alerts of the playbooks whose conditions stand alone."""
    return tuple(
        Kind(
            name=each.alert,
            watches="signals",
            settled=False,
            severity="low",
            opens=each.case,
            keeps=Case(),
            raises=Case(),
            title=each.title,
            because=each.title,
        )
        for each in playbooks
        if each.alone
    )


def tasks(
    playbooks: Sequence[Playbook],
    alert: tuple[str, date],
    customer: tuple[Signals, str, Mapping[str, str | None]],
    free: Callable[[date], bool],
) -> list[Task]:
    """List what to do for an alert (its kind, the day it opened) of a customer.

    A customer is its signals, its band, and its segment and owner; `free` are public holidays.
    """
    (kind, day), (signals, band, who) = alert, customer
    return [
        Task(each.name, number, step.words, step.owner or who["owner"], due(day, step.due, free))
        for each in playbooks
        if each.alert == kind and _concerns(each, who) and meets(each.case, signals, band)
        for number, step in enumerate(each.steps, 1)
    ]


def due(day: date, working_days: int, free: Callable[[date], bool]) -> date:
    """Return the day that lies so many working days later; 0 is the day itself or the next."""
    while _idle(day, free):
        day += timedelta(days=1)
    for _ in range(working_days):
        day += timedelta(days=1)
        while _idle(day, free):
            day += timedelta(days=1)
    return day


def _idle(day: date, free: Callable[[date], bool]) -> bool:
    return day.weekday() >= _SATURDAY or free(day)


def _concerns(playbook: Playbook, who: Mapping[str, str | None]) -> bool:
    wanted = ((playbook.segments, who["segment"]), (playbook.owners, who["owner"]))
    return all(not some or each in some for some, each in wanted)


def _playbook(
    key: str, table: Mapping[str, Any], known: tuple[Collection[str], Collection[str]], at: str
) -> Playbook:
    (alerts, names), whom = known, table.get("for", {})
    checks.need(table, ("when", "do"), at)
    checks.keys(whom, _FOR, f"{at}: for")
    named = [str(each) for each in table["when"] if str(each) in alerts]
    rest = [each for each in table["when"] if str(each) not in alerts]
    _refuse_typos(rest, alerts, at)
    if len(named) > 1 or not table["when"]:
        raise BadData(f"{at}: when must name one alert, or conditions such as 'nps <= 6'")
    if not named and key in alerts:
        raise BadData(f"{at}: an alert of alerts.toml has this name already; choose another")
    return Playbook(
        name=key,
        title=title(key, table, at),
        when=tuple(str(each) for each in table["when"]),
        alert=named[0] if named else key,
        case=case({"when": rest}, ("when", ""), names, at),
        alone=not named,
        segments=_texts(whom, "segment", at),
        owners=_texts(whom, "owner", at),
        steps=tuple(_step(step, f"{at}: do, step {i}") for i, step in enumerate(table["do"], 1)),
    )


def _refuse_typos(texts: Sequence[object], alerts: Collection[str], at: str) -> None:
    """Refuse a single word: it can only be meant as an alert."""
    for text in texts:
        if str(text).isidentifier():
            near = checks.hint(str(text), set(alerts)) or f"; there are {', '.join(sorted(alerts))}"
            raise BadData(f"{at}: when: no alert {str(text)!r}{near}")


def _texts(table: Mapping[str, Any], key: str, at: str) -> tuple[str, ...]:
    if not all(isinstance(each, str) for each in table.get(key, ())):
        raise BadData(f"{at}: for.{key} must be a list of names")
    return tuple(table.get(key, ()))


def _step(step: object, at: str) -> Step:
    if not isinstance(step, dict):
        raise BadData(f'{at}: write {{ due = 1, en = "...", ja = "..." }}')
    checks.keys(step, _STEP, at)
    if not (step.get("en") or step.get("ja")):
        raise BadData(f"{at}: en or ja must say what to do")
    words = {"en": step.get("en") or step["ja"], "ja": step.get("ja") or step["en"]}
    days = step.get("due", 0)
    if not 0 <= days <= _MOST_DAYS:
        raise BadData(f"{at}: due must be a number of working days from 0 to {_MOST_DAYS}")
    return Step(words, step.get("owner", ""), days)
