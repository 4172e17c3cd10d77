"""What was read: sources, cursors, messages, events, answers, and what could not be read."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any

from sqlite_utils import Database

from mailhealth import threads
from mailhealth.customers import contact_of
from mailhealth.records import Address, Answer, Event, Found, Item, Mail, Mark, Message, Skipped
from mailhealth.store import conversations, insert, mailboxes, wording

MACHINE_ONLY = "only machine mail"
EVENT_COLUMNS = tuple(field.name for field in fields(Event) if field.name != "identity")
ANSWER_COLUMNS = tuple(field.name for field in fields(Answer) if field.name != "identity")

UNKNOWN = """
select value from json_each(?) where not exists (
    select 1 from addresses join contacts using (contact)
    where address = value and why is not ?)
"""


def _new(table: str, key: str, columns: Sequence[str]) -> str:
    names = (key, "source", "known_at", *columns)
    marks = ", ".join("?" * len(names))
    return f"insert into {table} ({', '.join(names)}) values ({marks}) on conflict do nothing"


NEW_EVENT = _new("events", "event", EVENT_COLUMNS)
NEW_ANSWER = _new("answers", "answer", ANSWER_COLUMNS)


@dataclass(frozen=True, slots=True)
class Source:
    """One configured mailbox or export; `settings` never holds a secret."""

    name: str
    connector: str
    settings: Mapping[str, str]

    @property
    def named(self) -> dict[str, str]:
        """The settings with the source's name, which errors tell."""
        return {**self.settings, "source": self.name}


@dataclass(frozen=True, slots=True)
class Saved:
    """What one transaction brought: how much was new and how much known, what was skipped.

    `left_out` counts what was told to be left out on purpose.
    """

    new: int
    known: int
    skipped: int
    left_out: int = 0


def add_source(db: Database, source: Source) -> None:
    """Remember a source, or change the settings of the one with this name."""
    row = {
        "source": source.name,
        "connector": source.connector,
        "settings": json.dumps(dict(source.settings), ensure_ascii=False),
    }
    with db.atomic():
        db.table("sources").upsert(row, pk="source")


def sources(db: Database) -> list[Source]:
    """List the sources by name."""
    rows = db.query("select source, connector, settings from sources order by source")
    return [Source(r["source"], r["connector"], json.loads(r["settings"])) for r in rows]


def cursors(db: Database, source: str) -> dict[str, str]:
    """Look up how far each place of a source has been read."""
    rows = db.query("select place, cursor from cursors where source = ?", [source])
    return {row["place"]: row["cursor"] for row in rows}


def skipped(db: Database) -> list[dict[str, str]]:
    """List everything that was not read, with its reason; last what was left out on purpose."""
    return list(
        db.query(
            "select iif(meant, 'left out', 'skipped') as was, source, place, why"
            " from skipped order by meant, source, place"
        )
    )


def sides(db: Database) -> tuple[int, int]:
    """Count the mails by people that came in, and those that went out."""
    row = db.execute(
        "select total(direction = 'in'), total(direction = 'out') from messages"
        " where kind = 'human'"
    ).fetchone()
    return int(row[0]), int(row[1])


def save(db: Database, source: str, items: Sequence[Item], *, known_at: int) -> Saved:
    """Keep what a reader yielded, cursor included, in ONE transaction.

    Reading the same thing twice is harmless: messages are known by their key, events and
    answers by their identity. `known_at` is the time of reading, in seconds.
    """
    found = [item for item in items if isinstance(item, Found)]
    messages = [(f.place, f.what) for f in found if isinstance(f.what, Message)]
    events = [f.what for f in found if isinstance(f.what, Event)]
    answers = [f.what for f in found if isinstance(f.what, Answer)]
    misses = [item for item in items if isinstance(item, Skipped)]
    with db.atomic():
        new = _save_messages(db, source, messages, known_at)
        new += _save_events(db, source, events, known_at)
        new += _save_answers(db, source, answers, known_at)
        insert(db, "skipped", (_skipped_row(source, miss) for miss in misses))
        mailboxes.save(db, source, items, known_at=known_at)
        marks = ({"source": source, **asdict(m)} for m in items if isinstance(m, Mark))
        db.table("cursors").upsert_all(marks, pk=("source", "place"))
    meant = sum(miss.meant for miss in misses)
    return Saved(new, len(found) - new, len(misses) - meant, meant)


def _save_messages(
    db: Database, source: str, placed: Sequence[tuple[str, Message]], known_at: int
) -> int:
    by_key = {message.key: message for _, message in placed}
    known = _known(db, "messages", "message", by_key)
    new = [message for key, message in by_key.items() if key not in known]
    thread = conversations.join(db, new)
    people = [(a, m.kind == "human") for m in new for a in _people(m)]
    _save_people(db, people)
    insert(db, "messages", (_message_row(m, thread, known_at) for m in new))
    insert(db, "recipients", (row for m in new for row in _recipient_rows(m)))
    insert(db, "notices", ({"message": m.key, **asdict(n)} for m in new for n in m.notices))
    places = ({"message": m.key, "source": source, "place": place} for place, m in placed)
    insert(db, "places", places)
    conversations.find_lost(db, new)
    wording.refine(db, new)
    return len(new)


def _skipped_row(source: str, miss: Skipped) -> dict[str, Any]:
    return {"source": source, "place": miss.place, "why": miss.why, "meant": miss.meant}


def _message_row(message: Message, thread: Mapping[str, str], known_at: int) -> dict[str, Any]:
    mail, words = message.mail, message.words
    return {
        "message": message.key,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "thread": thread[threads.identifiers(mail, message.key)[0]],
        "joined_by": threads.joined_by(mail),
        "topic": threads.topic(mail.subject),
        "at": message.at,
        "known_at": known_at,
        "utc_offset": mail.utc_offset,
        "sender": mail.sender.address if mail.sender else None,
        "subject": mail.subject,
        "kind": message.kind,
        "lang": message.lang,
        "new_text": words.new_text,
        "quoted_text": words.quoted_text,
        "signature": words.signature,
        "attachments": json.dumps([asdict(a) for a in mail.attachments], ensure_ascii=False),
        "problems": json.dumps(mail.problems, ensure_ascii=False),
        "courtesies": json.dumps(message.courtesies),
        "labels": json.dumps(_labels(mail), ensure_ascii=False),
    }


def _labels(mail: Mail) -> list[str]:
    """Gmail's labels: a header of Takeout's archives, comma separated, quoted where needed."""
    header = threads.header(mail, "x-gmail-labels")[:10_000]  # csv refuses very long fields
    return [label.strip() for line in csv.reader([header]) for label in line if label.strip()]


def _recipient_rows(message: Message) -> Iterator[dict[str, str]]:
    for role, people in (("to", message.mail.to), ("cc", message.mail.cc)):
        for person in people:
            yield {"message": message.key, "role": role, "address": person.address}


def _people(message: Message) -> tuple[Address, ...]:
    mail = message.mail
    return (*((mail.sender,) if mail.sender else ()), *mail.to, *mail.cc)


def _save_people(db: Database, people: Iterable[tuple[Address, bool]]) -> None:
    """Keep addresses and contacts. A person met only in machine mail is nobody's customer
    until a human mail, or a campaign of ours, shows otherwise."""
    people = list(people)
    by_contact: dict[str, tuple[str, bool]] = {}
    for person, human in people:
        contact = contact_of(person.address)
        name, was_human = by_contact.get(contact, ("", False))
        by_contact[contact] = (name or person.name, was_human or human)
    rows = (
        {"contact": contact, "name": name, "why": None if human else MACHINE_ONLY}
        for contact, (name, human) in by_contact.items()
    )
    insert(db, "contacts", rows)
    # A name that comes later may show a person to be one that is known by another address.
    named = [(name, contact, MACHINE_ONLY) for contact, (name, _) in by_contact.items() if name]
    db.conn.executemany(
        "update contacts set name = ?1, why = iif(why = ?3, why, null)"
        " where contact = ?2 and name = ''",
        named,
    )
    human_now = json.dumps([contact for contact, (_, human) in by_contact.items() if human])
    db.execute(
        "update contacts set why = null"
        " where why = ? and contact in (select value from json_each(?))",
        [MACHINE_ONLY, human_now],
    )
    addresses = dict.fromkeys(person.address for person, _ in people)
    insert(db, "addresses", ({"address": a, "contact": contact_of(a)} for a in addresses))


def _save_events(db: Database, source: str, events: Sequence[Event], known_at: int) -> int:
    """Keep events that are not known yet.

    An event without an id of the platform's own may be known by one with an id that is like
    it, and the other way round.
    """
    _save_recipients(db, (event.recipient for event in events))
    plain = [event for event in events if not event.alike]
    known = _known(db, "events", "alike", [event.identity for event in plain])
    new = _insert_events(db, source, [e for e in plain if e.identity not in known], known_at)
    numbered = [event for event in events if event.alike]
    known = _known(db, "events", "event", [event.alike for event in numbered])
    return new + _insert_events(db, source, [e for e in numbered if e.alike not in known], known_at)


def _insert_events(db: Database, source: str, events: Sequence[Event], known_at: int) -> int:
    values = attrgetter(*EVENT_COLUMNS)
    rows = [(event.identity, source, known_at, *values(event)) for event in events]
    return db.conn.executemany(NEW_EVENT, rows).rowcount if rows else 0


def _save_answers(db: Database, source: str, answers: Sequence[Answer], known_at: int) -> int:
    _save_recipients(db, (answer.recipient for answer in answers))
    values = attrgetter(*ANSWER_COLUMNS)
    rows = [(answer.identity, source, known_at, *values(answer)) for answer in answers]
    return db.conn.executemany(NEW_ANSWER, rows).rowcount if rows else 0


def _save_recipients(db: Database, recipients: Iterable[str]) -> None:
    """Keep those to whom our campaigns and surveys went, and who are not known as people yet."""
    asked = [json.dumps(list(dict.fromkeys(recipients))), MACHINE_ONLY]
    unknown = db.execute(UNKNOWN, asked).fetchall()
    if unknown:
        _save_people(db, ((Address("", address), True) for (address,) in unknown))


def _known(db: Database, table: str, column: str, keys: Iterable[str]) -> set[str]:
    rows = db.execute(
        f"select value from json_each(?) where exists"
        f" (select 1 from {table} where {column} = value and {column} <> '')",
        [json.dumps(list(keys))],
    )
    return {row[0] for row in rows.fetchall()}
