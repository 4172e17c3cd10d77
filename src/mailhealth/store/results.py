"""What it means: the words to read, the signals, the scores, and the evidence for them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from sqlite_utils import Database

from mailhealth.records import Score, SignalValue, Text
from mailhealth.store import annotations, insert

# Of a mail to read; the last is the mail of ours that began the thread, where a survey may ask.
_READ = """message, new_text, subject, lang, courtesies, coalesce((
    select substr(ours.subject || char(10) || ours.new_text, 1, 2000) from messages ours
    where ours.thread = messages.thread and ours.direction = 'out'
    order by ours.at, ours.message limit 1), '')"""


def unread(db: Database, model: str) -> Iterator[list[Text]]:
    """Yield, in chunks, the customers' own words that this model has not read yet.

    Greetings and closings are left out; the same words are yielded once, and what was read in
    them is copied. Save each chunk's annotations before taking the next.
    """
    for rows in annotations.unread(db, annotations.MAILS, _READ, model):
        texts = [Text(r[0], matter(r[1], json.loads(r[4])), r[2], r[3], r[5]) for r in rows]
        digests = {text.id: _digest(text) for text in texts}
        if new := _new(db, model, texts, digests):
            yield new
        _remember(db, model, {text.id: digests[text.id] for text in new})
        _copy(db, model, {each: digests[each] for each in digests.keys() - {t.id for t in new}})


def _digest(text: Text) -> bytes:
    told = json.dumps([text.subject, text.text, text.lang, text.asked]).encode()
    return blake2b(told, digest_size=16).digest()


def _new(
    db: Database, model: str, texts: Iterable[Text], digests: Mapping[str, bytes]
) -> list[Text]:
    """The texts whose words are new to a model, each once."""
    known = "select 1 from texts where digest = ? and model = ?"
    first: dict[bytes, Text] = {}
    for text in texts:
        digest = digests[text.id]
        if digest not in first and not db.execute(known, [digest, model]).fetchone():
            first[digest] = text
    return list(first.values())


def _remember(db: Database, model: str, read: Mapping[str, bytes]) -> None:
    with db.atomic():
        db.conn.executemany(
            "insert or ignore into texts (digest, model, message)"
            " select ?, read_by, message from messages where message = ? and read_by = ?",
            [(digest, message, model) for message, digest in read.items()],
        )


def _copy(db: Database, model: str, same: Mapping[str, bytes]) -> None:
    """Note for messages what the model read in the same words before."""
    with db.atomic():
        db.conn.executemany(
            "insert or replace into annotations (message, model, task, label, value)"
            " select ?, n.model, n.task, n.label, n.value from texts t"
            " join annotations n on n.message = t.message and n.model = t.model"
            " where t.digest = ? and t.model = ?",
            [(message, digest, model) for message, digest in same.items()],
        )
        db.conn.executemany(
            "update messages set read_by = ?1 where message = ?2"
            " and exists (select 1 from texts where digest = ?3 and model = ?1)",
            [(model, message, digest) for message, digest in same.items()],
        )


def matter(text: str, courtesies: list[list[int]]) -> str:
    """What a text says between its greetings and closings."""
    for start, end in reversed(courtesies):
        text = text[:start] + text[end:]
    return text.strip()


def save_day(db: Database, as_of: str, values: Iterable[SignalValue]) -> None:
    """Keep the signals as of an instant: the day's newest evaluation replaces its earlier one."""
    with db.atomic():
        _clear_day(db, as_of)
        insert(db, "email_signals", (asdict(value) for value in values))


def save_scores(db: Database, scores: Iterable[Score]) -> None:
    """Keep the scores of a day whose signals are kept."""
    scores = list(scores)
    with db.atomic():
        insert(db, "scores", (_score_row(score) for score in scores), known="replace")
        rows = (
            {"customer": score.customer, "as_of": score.as_of, **asdict(line)}
            for score in scores
            for line in score.contributions
        )
        insert(db, "contributions", rows, known="replace")


def _clear_day(db: Database, as_of: str) -> None:
    for table in ("contributions", "scores", "email_signals"):
        db.execute(
            f"delete from {table} where as_of >= ? and as_of <= ?",
            [as_of[:10], as_of[:10] + "~"],
        )


def _score_row(score: Score) -> dict[str, Any]:
    row = asdict(score)
    del row["contributions"]
    return row | {"because": json.dumps(score.because, ensure_ascii=False)}


def signals(db: Database, as_of: str, customer: str | None = None) -> list[SignalValue]:
    """Look up the signals as of an instant, of one customer or of all."""
    rows = db.query(
        "select * from email_signals where as_of = :as_of"
        " and (:customer is null or customer = :customer)"
        " order by customer, signal, window_days",
        {"as_of": as_of, "customer": customer},
    )
    return [SignalValue(**row) for row in rows]


def evaluated(db: Database) -> list[str]:
    """List the instants that have scores, oldest first."""
    rows = db.execute("select distinct as_of from scores order by as_of").fetchall()
    return [row[0] for row in rows]


def previous(db: Database, as_of: str) -> dict[str, tuple[str, float]]:
    """Look up each customer's band and value of the last day evaluated before this one."""
    rows = db.execute(
        "select customer, band, value from scores where as_of ="
        " (select max(as_of) from scores where as_of < ?)",
        [as_of[:10]],
    ).fetchall()
    return {customer: (band, value) for customer, band, value in rows}


def history(db: Database, customer: str) -> list[dict[str, Any]]:
    """List a customer's scores over time, oldest first."""
    return list(
        db.query(
            "select as_of, value, band, low, high from scores where customer = ? order by as_of",
            [customer],
        )
    )


def first_fact(db: Database) -> int | None:
    """Find when the first message or campaign event happened, in seconds; None: there is none."""
    row = db.execute(
        "select min(at) from (select min(at) as at from messages"
        " union all select min(at) from events)"
    ).fetchone()
    return None if row[0] is None else int(row[0])


def evidence(db: Database, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Look up messages, events and answers by key: id (Message-ID or key), at, who, what."""
    wanted = [json.dumps(sorted(keys))] * 3
    rows = db.execute(
        "select message, coalesce('<' || message_id || '>', message), at,"
        " coalesce(sender, ''), subject"
        " from messages where message in (select value from json_each(?))"
        " union all select event, event, at, recipient, type || ': ' || campaign"
        " from events where event in (select value from json_each(?))"
        " union all select answer, answer, at, recipient,"
        " survey || ': ' || format('%g', value) || ' of ' || scale"
        " || iif(comment = '', '', ', ' || comment)"
        " from answers where answer in (select value from json_each(?))",
        wanted,
    ).fetchall()
    return {row[0]: dict(zip(("id", "at", "who", "what"), row[1:], strict=True)) for row in rows}
