"""What was read: sources, cursors, messages, events, and what could not be read."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlite_utils import Database

from mailhealth import threads
from mailhealth.customers import contact_of
from mailhealth.records import Address, Event, Found, Mail, Mark, Message, Skipped
from mailhealth.store import conversations, insert, wording

MACHINE_ONLY = "only machine mail"
EVENT_COLUMNS = tuple(field.name for field in fields(Event) if field.name != "identity")


@dataclass(frozen=True, slots=True)
class Source:
    """One configured mailbox or export; `settings` never holds a secret."""

    name: str
    connector: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Saved:
    """What one transaction brought: new messages and events, and how many were known."""

    new: int
    known: int
    skipped: int


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
    """List everything that could not be read, with its reason."""
    return list(db.query("select source, place, why from skipped order by source, place"))


def sides(db: Database) -> tuple[int, int]:
    """Count the mails by people that came in, and those that went out."""
    row = db.execute(
        "select total(direction = 'in'), total(direction = 'out') from messages"
        " where kind = 'human'"
    ).fetchone()
    return int(row[0]), int(row[1])


def save(
    db: Database, source: str, items: Sequence[Found | Skipped | Mark], *, known_at: int
) -> Saved:
    """Keep what a reader yielded, cursor included, in ONE transaction.

    Reading the same thing twice is harmless: messages are known by their key, events by
    their identity. `known_at` is the time of reading, in seconds.
    """
    found = [item for item in items if isinstance(item, Found)]
    messages = [(f.place, f.what) for f in found if isinstance(f.what, Message)]
    events = [f.what for f in found if isinstance(f.what, Event)]
    misses = [item for item in items if isinstance(item, Skipped)]
    with db.atomic():
        new = _save_messages(db, source, messages, known_at) + _save_events(
            db, source, events, known_at
        )
        insert(db, "skipped", ({"source": source, **asdict(miss)} for miss in misses))
        marks = ({"source": source, **asdict(m)} for m in items if isinstance(m, Mark))
        db.table("cursors").upsert_all(marks, pk=("source", "place"))
    return Saved(new, len(found) - new, len(misses))


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
    by_key = {event.identity: event for event in events}
    known = _known(db, "events", "event", by_key)
    new = [event for key, event in by_key.items() if key not in known]
    _save_people(db, ((Address("", event.recipient), True) for event in new))
    insert(db, "events", (_event_row(event, source, known_at) for event in new))
    return len(new)


def _event_row(event: Event, source: str, known_at: int) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in EVENT_COLUMNS}  # asdict copies, four times slower
    return {"event": event.identity, "source": source, "known_at": known_at, **row}


def _known(db: Database, table: str, column: str, keys: Iterable[str]) -> set[str]:
    rows = db.execute(
        f"select {column} from {table} where {column} in (select value from json_each(?))",
        [json.dumps(list(keys))],
    )
    return {row[0] for row in rows.fetchall()}
