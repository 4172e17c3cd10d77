"""The stories of the sample company: what people wrote, read from TOML and checked."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from importlib import resources
from itertools import pairwise
from typing import Any

from mailhealth.errors import BadData

CLIENTS = ("gmail", "outlook", "apple", "becky", "plain")
KINDS = ("human", "auto_reply", "bounce", "calendar", "receipt", "list")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who writes: how the address reads and how the mail program behaves.

    `newsletter` is reader, clicker, apple, sleeper or none; with a month behind it ("bounced
    2026-08", also unsubscribed, sleeper) a reader until then.
    """

    id: str
    name: str
    address: str
    client: str = "gmail"
    html: bool = False
    charset: str = "utf-8"
    newsletter: str = "none"
    signature: str = ""

    @property
    def domain(self) -> str:
        """The part of the address after the @."""
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person wrote to others at one moment, without quotes and signature."""

    at: datetime  # the author's local time with its offset
    author: Person
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation in the order it was written."""

    subject: str
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One customer's year; `customer` is empty for mail that belongs to nobody."""

    customer: str
    name: str
    story: str
    segment: str
    owner: str
    started: date
    renews: date
    people: tuple[Person, ...]
    threads: tuple[Thread, ...]


@dataclass(frozen=True, slots=True)
class Mailing:
    """One newsletter: the day it went out, its channel and its subject in two languages."""

    day: date
    channel: str
    en: str
    ja: str


def load() -> tuple[Story, ...]:
    """Read every story that is shipped, in the order of the file names.

    Files named _acme.toml and _newsletter.toml hold our own people and the mailings. BadData
    when a file has an unknown key, an unknown sender or times that run backwards.
    """
    ours = _people("_acme.toml", _table("_acme.toml")["contact"])
    folder = resources.files("mailhealth") / "stories"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    aside = {"_acme.toml", "_newsletter.toml"}
    return tuple(read(name, _table(name), ours) for name in names if name not in aside)


def mailings() -> tuple[Mailing, ...]:
    """Read the year's newsletters, oldest first."""
    return tuple(Mailing(**mailing) for mailing in _table("_newsletter.toml")["mailing"])


def read(place: str, table: Mapping[str, Any], ours: Iterable[Person]) -> Story:
    """Make a story of one parsed file; `place` names it in errors (BadData)."""
    head = {key: value for key, value in table.items() if key not in ("contact", "thread")}
    people = _people(place, table["contact"])
    threads = tuple(_thread(place, thread, people, tuple(ours)) for thread in table["thread"])
    _check_keys(place, head, {field.name for field in fields(Story)})
    return Story(**head, people=people, threads=threads)


def _table(name: str) -> dict[str, Any]:
    text = (resources.files("mailhealth") / "stories" / name).read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadData(f"stories/{name} is not TOML: {error}.") from None


def _people(place: str, tables: Iterable[Mapping[str, Any]]) -> tuple[Person, ...]:
    people = []
    for table in tables:
        _check_keys(place, table, {field.name for field in fields(Person)})
        person = Person(**{**table, "signature": table.get("signature", "").strip("\n")})
        _check_word(place, person.client, CLIENTS)
        people.append(person)
    return tuple(people)


def _thread(
    place: str, table: Mapping[str, Any], people: tuple[Person, ...], ours: tuple[Person, ...]
) -> Thread:
    """Fill in the recipients that a story leaves out, and check the order of the times."""
    _check_keys(place, table, {"subject", "mail"})
    known = {person.id: person for person in (*people, *ours)}
    letters: list[Letter] = []
    for mail in table["mail"]:
        _check_keys(place, mail, {"at", "from", "to", "cc", "text", "kind"})
        _check_word(place, mail["from"], tuple(known))
        to = mail.get("to") or [_usual_recipient(known[mail["from"]], mail, letters, people)]
        letters.append(_letter(place, mail, to, known))
    for earlier, later in pairwise(letters):
        if later.at <= earlier.at:
            raise BadData(f"stories/{place}: the mail at {later.at} must follow {earlier.at}.")
    return Thread(table["subject"], tuple(letters))


def _usual_recipient(
    author: Person, mail: Mapping[str, Any], before: list[Letter], people: tuple[Person, ...]
) -> str:
    """Whom a mail goes to when the story does not say: support, or who wrote last."""
    others = [letter.author for letter in before if letter.author != author]
    if mail.get("kind", "human") not in ("human", "list") and others:
        return others[-1].id  # machines answer whoever wrote to them
    if author in people:
        return "support"
    wrote = [letter.author for letter in before if letter.author in people]
    return (wrote[-1] if wrote else people[0]).id


def _letter(
    place: str, mail: Mapping[str, Any], to: Iterable[str], known: Mapping[str, Person]
) -> Letter:
    if mail["at"].tzinfo is None:
        raise BadData(f"stories/{place}: {mail['at']} needs an offset such as +09:00.")
    for name in (*to, *mail.get("cc", ())):
        _check_word(place, name, tuple(known))
    kind = mail.get("kind", "human")
    _check_word(place, kind, KINDS)
    return Letter(
        at=mail["at"],
        author=known[mail["from"]],
        to=tuple(known[name] for name in to),
        cc=tuple(known[name] for name in mail.get("cc", ())),
        text=mail["text"].strip("\n"),
        kind=kind,
    )


def _check_keys(place: str, table: Mapping[str, Any], allowed: Iterable[str]) -> None:
    unknown = sorted(set(table) - set(allowed))
    if unknown:
        raise BadData(
            f"stories/{place}: unknown key '{unknown[0]}'; known are {', '.join(sorted(allowed))}."
        )


def _check_word(place: str, word: str, allowed: tuple[str, ...]) -> None:
    if word not in allowed:
        raise BadData(f"stories/{place}: unknown '{word}'; known are {', '.join(allowed)}.")
