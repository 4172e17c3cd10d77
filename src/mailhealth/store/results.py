"""What it means: what the model read, the signals, the scores, and the evidence for them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from mailhealth.records import Annotation, Score, SignalValue, Text
from mailhealth.store import insert

CHUNK = 256  # texts a transaction: an interrupted run repeats at most these


def unread(db: Database, model: str) -> Iterator[list[Text]]:
    """Yield, in chunks, the customers' own words that this model has not read yet.

    Greetings and closings are left out. Save each chunk's annotations before taking the next.
    """
    last = 0
    while rows := db.execute(
        "select rowid, message, new_text, subject, lang, courtesies from messages"
        " where rowid > ? and direction = 'in' and kind = 'human' and read_by is not ?"
        " order by rowid limit ?",
        [last, model, CHUNK],
    ).fetchall():
        yield [Text(r[1], _matter(r[2], json.loads(r[5])), r[3], r[4]) for r in rows]
        last = rows[-1][0]


def _matter(text: str, courtesies: list[list[int]]) -> str:
    """What a text says between its greetings and closings."""
    for start, end in reversed(courtesies):
        text = text[:start] + text[end:]
    return text.strip()


def count_unread(db: Database, model: str) -> int:
    """Count the messages that `unread` would yield."""
    row = db.execute(
        "select count(*) from messages"
        " where direction = 'in' and kind = 'human' and read_by is not ?",
        [model],
    ).fetchone()
    return int(row[0])


def save_annotations(db: Database, annotations: Iterable[Annotation]) -> None:
    """Keep what the model read in some messages, beside what older models read."""
    annotations = list(annotations)
    with db.atomic():
        rows = (row for a in annotations for row in _annotation_rows(a))
        insert(db, "annotations", rows, known="replace")
        db.conn.executemany(
            "update messages set read_by = ? where message = ?",
            [(a.model, a.id) for a in annotations],
        )


def _annotation_rows(read: Annotation) -> Iterator[dict[str, Any]]:
    labels: list[tuple[str, str, float | None]] = [("sentiment", read.sentiment, read.score)]
    labels += [("intent", label, read.intents[label]) for label in read.labels]
    labels += [("nps", "answer", read.nps)] if read.nps is not None else []
    labels += [("csat", "answer", read.csat)] if read.csat is not None else []
    for task, label, value in labels:
        yield {
            "message": read.id,
            "model": read.model,
            "task": task,
            "label": label,
            "value": value,
        }


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
