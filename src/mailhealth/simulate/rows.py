"""The rows of a mailhealth database that a world fills, table by table, column by column."""

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

import numpy as np

from mailhealth.customers import CustomerRow
from mailhealth.simulate import campaigns, mail, words
from mailhealth.simulate.calendar import Integers
from mailhealth.simulate.names import Names, day
from mailhealth.simulate.telling import World

# A list for each column of a table, or one value for all its rows.
Columns = Mapping[str, Any]

_AT_ONCE = 100_000  # rows that are in memory as Python has them
_MINUTE = 60


def tables(world: World, names: Names, source: str, read_by: str) -> Iterator[tuple[str, Columns]]:
    """Yield all that a database holds of a world, but for the customers and our own domain."""
    yield from _people(names)
    yield from _mails(world, names, read_by)
    yield from _absences(world, names)
    yield from _words(world, read_by)
    yield from _surveys(world, names, source)
    yield from _events(world, names, source)


def customers(world: World, names: Names) -> list[CustomerRow]:
    """Return what a customer file would say as of the end."""
    people, c = world.scene.people, world.scene.constants
    segments, countries = list(c["segment"]), list(c["country"])
    renewal = _renewals(world)
    return [
        CustomerRow(
            customer=domain,
            values=(domain,),
            segment=segments[people.segment[i]],
            owner=names.owners[people.owner[i]],
            started=day(world.scene, people.started[i]),
            renews=day(world.scene, renewal[i]),
            country=countries[people.country[i]],
            revenue=float(people.revenue[i]),
        )
        for i, domain in enumerate(names.customers)
    ]


def _renewals(world: World) -> Integers:
    """Return the day of each customer's next renewal: contracts begin with their first day."""
    every, started = world.scene.constants["customers"]["renews"], world.scene.people.started
    found: Integers = started + every * ((world.scene.calendar.days - started) // every + 1)
    return found


def _people(names: Names) -> Iterator[tuple[str, Columns]]:
    ours = [address.partition("@")[0].replace(".", " ").title() for address in names.owners]
    addresses = [*names.owners, *(address for _, address in names.contacts)]
    called = [*ours, *(name for name, _ in names.contacts)]
    yield "contacts", {"contact": addresses, "name": called}
    yield "addresses", {"address": addresses, "contact": addresses}


def _mails(world: World, names: Names, read_by: str) -> Iterator[tuple[str, Columns]]:
    for places in _chunks(len(world.mails)):
        told = world.mails.only(places)
        keys = [f"m{place:08}" for place in places]
        theirs = [names.contacts[i][1] for i in names.contact(told.customer, told.contact)]
        ours = [names.owners[i] for i in world.scene.people.owner[told.customer]]
        both = list(zip(told.inbound.tolist(), theirs, ours, strict=True))
        yield (
            "messages",
            {
                **_common(world, told, keys, names),
                **_wording(world, told, names),
                "sender": [their if inbound else our for inbound, their, our in both],
                "kind": "human",
                "direction": ["in" if inbound else "out" for inbound, _, _ in both],
                "read_by": [read_by if inbound else None for inbound, _, _ in both],
            },
        )
        to = [our if inbound else their for inbound, their, our in both]
        yield "recipients", {"message": keys, "role": "to", "address": to}
        mine = [names.customers[i] for i in told.customer]
        yield "message_customers", {"customer": mine, "message": keys}


def _common(world: World, told: mail.Mails, keys: list[str], names: Names) -> Columns:
    """Return the columns that all mails have in common."""
    country = world.scene.people.country[told.customer]
    at = told.at.tolist()
    return {
        "message": keys,
        "thread": [f"t{thread:08}" for thread in told.thread],
        "joined_by": ["first" if first else "references" for first in told.first],
        "at": at,
        "known_at": at,
        "utc_offset": world.scene.calendar.offset(told.at, country).tolist(),
        "lang": [names.langs[i] for i in country],
        "quoted_text": "",
        "signature": "",
        "attachments": "[]",
        "problems": "[]",
    }


def _wording(world: World, told: mail.Mails, names: Names) -> Columns:
    """Return subjects, and texts: nobody reads them any more, but that we ask nothing shows."""
    c = world.scene.constants
    subjects, notes = [], []
    langs = (names.langs[i] for i in world.scene.people.country[told.customer])
    for lang, origin, thread, first, note in zip(
        langs, told.origin, told.thread, told.first, ~(told.inbound | told.asks), strict=True
    ):
        about = c["subject"][lang][mail.ORIGINS[origin]]
        subjects.append(("" if first else "Re: ") + about[thread % len(about)])
        notes.append(c["note"][lang] if note else "")
    spans = [f"[[0, {len(note)}]]" if note else "[]" for note in notes]
    return {"subject": subjects, "new_text": notes, "courtesies": spans}


def _absences(world: World, names: Names) -> Iterator[tuple[str, Columns]]:
    """Yield the answers of out-of-office machines to mails of ours, a minute after each."""
    places, absence = mail.absences(world.scene, world.mails)
    told = world.mails.only(places)
    keys = [f"a{place:08}" for place in places]
    common = dict(_common(world, told, keys, names))
    common["at"] = common["known_at"] = (told.at + _MINUTE).tolist()
    senders = [names.contacts[i][1] for i in names.contact(told.customer, told.contact)]
    yield (
        "messages",
        {
            **common,
            "joined_by": "references",
            "subject": [world.scene.constants["absent"][lang] for lang in common["lang"]],
            "new_text": "",
            "sender": senders,
            "kind": "auto_reply",
            "direction": "in",
        },
    )
    owners = [names.owners[i] for i in world.scene.people.owner[told.customer]]
    yield "recipients", {"message": keys, "role": "to", "address": owners}
    mine = [names.customers[i] for i in told.customer]
    yield "message_customers", {"customer": mine, "message": keys}
    last = [day(world.scene, end - 1) for end in world.scene.people.absences[absence, 3]]
    nothing = dict.fromkeys(("recipient", "code", "reason", "original"), "")
    yield "notices", {"message": keys, "type": "absent", **nothing, "until": last}


def _words(world: World, read_by: str) -> Iterator[tuple[str, Columns]]:
    """Yield what was read in the mails: a tone for each, and the intents."""
    read, edge = world.words, world.scene.constants["words"]["neutral"]
    for places in _chunks(len(read.mail)):
        score = read.score[places]
        labels = np.where(score < -edge, "negative", np.where(score > edge, "positive", "neutral"))
        yield (
            "annotations",
            {
                "message": [f"m{place:08}" for place in read.mail[places]],
                "model": read_by,
                "task": "sentiment",
                "label": labels.tolist(),
                "value": score.tolist(),
            },
        )
    for places in _chunks(len(read.read)):
        yield (
            "annotations",
            {
                "message": [f"m{place:08}" for place in read.mail[read.read[places]]],
                "model": read_by,
                "task": "intent",
                "label": [words.INTENTS[i] for i in read.intent[places]],
                "value": read.sure[places].tolist(),
            },
        )


def _surveys(world: World, names: Names, source: str) -> Iterator[tuple[str, Columns]]:
    told = world.surveys
    at = told.at.tolist()
    main = names.contact(told.customer, np.zeros_like(told.customer))
    yield (
        "answers",
        {
            "answer": [f"s{place:08}" for place in range(len(at))],
            "source": source,
            "survey": "nps",
            "recipient": [names.contacts[i][1] for i in main],
            "kind": "nps",
            "at": at,
            "known_at": at,
            "asked_at": told.asked.tolist(),
            "value": [None if isnan(value) else value for value in told.value.tolist()],
            "scale": 10,
            "comment": "",
            "raw": "{}",
        },
    )


def _events(world: World, names: Names, source: str) -> Iterator[tuple[str, Columns]]:
    lists = list(world.scene.constants["list"])
    called = [f"{lists[each.list]}-{each.number:04}" for each in world.campaigns]
    bounces, domain = (None, "hard", "soft"), world.scene.constants["ours"]["domain"]
    nothing = dict.fromkeys(
        ("reference", "agent", "ip", "reason", "variant", "message_id", "alike"), ""
    )
    for places in _chunks(len(world.events)):
        told = world.events.only(places)
        at, types = told.at.tolist(), told.type.tolist()
        sent = [called[i] for i in told.campaign]
        yield (
            "events",
            {
                "event": [f"e{place:08}" for place in places],
                "source": source,
                "campaign": sent,
                "recipient": [
                    names.contacts[i][1] for i in names.contact(told.customer, told.contact)
                ],
                "type": [campaigns.TYPES[type] for type in types],
                "at": at,
                "known_at": at,
                "bounce": [bounces[i] for i in told.bounce],
                "machine": [1 if machine else None for machine in told.machine],
                "subject": sent,
                "url": [
                    f"https://{domain}/{campaign}/{link}" if type == campaigns.CLICKED else ""
                    for type, campaign, link in zip(types, sent, told.link.tolist(), strict=True)
                ],
                "method": ["POST" if type == campaigns.UNSUBSCRIBED else "" for type in types],
                "exact": 1,
                **nothing,
                "raw": "{}",
            },
        )


def _chunks(count: int) -> Iterator[Integers]:
    """Cut the places of many rows into groups."""
    for begin in range(0, count, _AT_ONCE):
        yield np.arange(begin, min(begin + _AT_ONCE, count))
