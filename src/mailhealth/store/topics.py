"""What mails are about: the topics found, the words to look at."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from mailhealth.records import Text
from mailhealth.store import insert
from mailhealth.store.annotations import CHUNK
from mailhealth.store.results import matter

_OURS = "m.direction = 'in' and m.kind = 'human'"


@dataclass(frozen=True, slots=True)
class Window:
    """A window [start, end) and the one before it, [before, start), in seconds."""

    before: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Count:
    """In how many mails of a window, and of the one before it, a topic was found."""

    topic: str
    mails: int
    mails_before: int


@dataclass(frozen=True, slots=True)
class Letter:
    """The own words of one inbound mail, and whose they are."""

    text: Text
    customer: str


def unread(db: Database, version: str) -> Iterator[list[Text]]:
    """Yield, in chunks, the customers' own words in which this taxonomy's topics are not found yet.

    Save each chunk's topics before taking the next.
    """
    last = 0
    while rows := db.execute(
        "select m.rowid, m.message, m.new_text, m.subject, m.lang, m.courtesies from messages m"
        f" where m.rowid > ? and {_OURS} and m.topics_by is not ? order by m.rowid limit ?",
        [last, version, CHUNK],
    ).fetchall():
        yield [_text(row[1:]) for row in rows]
        last = rows[-1][0]


def _text(row: tuple[str, str, str, str, str]) -> Text:
    message, said, subject, lang, courtesies = row
    return Text(message, matter(said, json.loads(courtesies)), subject, lang)


def save(db: Database, version: str, found: Iterable[tuple[str, Mapping[str, int]]]) -> None:
    """Keep the topics of some messages, by message, in place of an older taxonomy's."""
    counts = dict(found)
    rows = (
        {"message": message, "model": version, "task": "topic", "label": topic, "value": mentions}
        for message, topics in counts.items()
        for topic, mentions in topics.items()
    )
    with db.atomic():
        db.conn.executemany(
            "delete from annotations where message = ? and task = 'topic'",
            [(message,) for message in counts],
        )
        insert(db, "annotations", rows, known="replace")
        db.conn.executemany(
            "update messages set topics_by = ? where message = ?",
            [(version, message) for message in counts],
        )


def totals(db: Database, window: Window, customer: str | None) -> tuple[int, int]:
    """Count the mails of a window and of the one before it."""
    row = db.execute(
        "select count(distinct iif(m.at >= :start, m.message, null)),"
        f" count(distinct iif(m.at < :start, m.message, null)) {_mails(customer)}",
        _given(window, customer),
    ).fetchone()
    return int(row[0]), int(row[1])


def counts(db: Database, window: Window, customer: str | None) -> list[Count]:
    """Count the mails of a window in which each topic was found, and of the one before it."""
    rows = db.execute(
        "select n.label, count(distinct iif(m.at >= :start, m.message, null)),"
        f" count(distinct iif(m.at < :start, m.message, null)) {_mails(customer, topics=True)}"
        " group by n.label order by 2 desc, 3 desc, 1",
        _given(window, customer),
    ).fetchall()
    return [Count(*row) for row in rows]


def _mails(customer: str | None, *, topics: bool = False) -> str:
    found = (
        " join annotations n on n.message = m.message and n.model = m.topics_by"
        " and n.task = 'topic'"
    )
    whose = " join message_customers c on c.message = m.message and c.customer = :customer"
    return (
        f"from messages m{found if topics else ''}{whose if customer else ''}"
        f" where {_OURS} and m.at >= :before and m.at < :end"
    )


def _given(window: Window, customer: str | None) -> dict[str, int | str | None]:
    times = {"before": window.before, "start": window.start, "end": window.end}
    return times | {"customer": customer}


def letters(
    db: Database, since: int, until: int, *, customer: str | None, theirs: bool, most: int
) -> list[Letter]:
    """Give the newest own words of [since, until), at most so many; the same words only once.

    `theirs`: of the customer (of all where there is none); else everybody's but the customer's.
    """
    rows = db.execute(
        "select m.message, m.new_text, m.subject, m.lang, m.courtesies,"
        " coalesce(min(c.customer), '')"
        " from messages m left join message_customers c on c.message = m.message"
        f" where {_OURS} and m.at >= :since and m.at < :until"
        " and (:customer is null or :theirs = exists ("
        "  select 1 from message_customers t where t.message = m.message and t.customer = :customer"
        " )) group by m.new_text, m.lang order by m.at desc, m.message limit :most",
        {"since": since, "until": until, "customer": customer, "theirs": theirs, "most": most},
    ).fetchall()
    return [Letter(_text(row[:5]), row[5]) for row in rows]


def names(db: Database, customer: str) -> list[str]:
    """List a customer's own name and its people's: words that are distinctive and say nothing."""
    rows = db.execute(
        "select name || ' ' || contact from contacts where contact in"
        " (select contact from contact_customers where customer = :customer)"
        " union select :customer",
        {"customer": customer},
    ).fetchall()
    return [row[0] for row in rows]
