"""What it means: the words to read, the signals, the scores, and the evidence for them."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from sqlite_utils import Database

from mailhealth.records import Contribution, Score, SignalValue, Text
from mailhealth.store import annotations, contract, insert

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


def matter(text: str, courtesies: Sequence[Sequence[int]]) -> str:
    """What a text says between its greetings and closings; one that only thanks says its thanks."""
    said = text
    for start, end in reversed(courtesies):
        said = said[:start] + said[end:]
    return said.strip() or text.strip()


def save_day(
    db: Database, as_of: str, values: Iterable[SignalValue], *, some: bool = False
) -> None:
    """Keep the signals as of an instant: the day's newest evaluation replaces its earlier one.

    Rows of older definitions stay beside the new; a row that says what it said keeps its
    revision. `some` says that not all customers are among `values`: the others stay as they are.
    """
    with db.atomic():
        if not some:
            _clear_day(db, as_of)
        revision = contract.newest_revision(db) + 1
        db.conn.executemany(_SAVE, ((*value, revision) for value in values))


# A replaced row keeps its revision where nothing in it changed.
_COLUMNS = (*SignalValue._fields, "revision")
_SAVE = f"""
insert into email_signals ({", ".join(_COLUMNS)}) values ({", ".join("?" * len(_COLUMNS))})
on conflict do update set
    value = excluded.value, n = excluded.n, k = excluded.k, low = excluded.low,
    high = excluded.high, shrunk = excluded.shrunk, reliability = excluded.reliability,
    change = excluded.change, revision = excluded.revision
where (value, n, k, low, high, shrunk, reliability, change) is not (excluded.value, excluded.n,
    excluded.k, excluded.low, excluded.high, excluded.shrunk, excluded.reliability, excluded.change)
"""


def save_scores(db: Database, scores: Iterable[Score]) -> None:
    """Keep the scores of a day whose signals are kept."""
    scores = list(scores)
    with db.atomic():
        for table in ("contributions", "scores"):
            db.conn.executemany(
                f"delete from {table} where customer = ? and as_of = ? and model = ?",
                [(score.customer, score.as_of, score.model) for score in scores],
            )
        insert(db, "scores", (_score_row(score) for score in scores))
        rows = (
            {
                "customer": score.customer,
                "as_of": score.as_of,
                "model": score.model,
                **{name: getattr(line, name) for name in Contribution.__dataclass_fields__},
            }
            for score in scores
            for line in score.contributions
        )
        insert(db, "contributions", rows)


def _clear_day(db: Database, as_of: str) -> None:
    """Make room for an evaluation: earlier instants of its day go."""
    earlier = "as_of >= ? and as_of <= ? and as_of <> ?"
    day = [as_of[:10], as_of[:10] + "~", as_of]
    for table in ("contributions", "scores"):
        db.execute(f"delete from {table} where {earlier}", day)
    gone = db.execute(f"select distinct as_of from email_signals where {earlier}", day).fetchall()
    contract.remove(db, as_ofs=[row[0] for row in gone])


def _score_row(score: Score) -> dict[str, Any]:
    names = score.__dataclass_fields__.keys() - {"contributions"}
    row = {name: getattr(score, name) for name in names}  # asdict copies them all, and deeply
    return row | {"because": json.dumps(score.because, ensure_ascii=False)}


def signals(
    db: Database, as_of: str, definitions: Iterable[str], customer: str | None = None
) -> list[SignalValue]:
    """Look up the signals as of an instant, by these definitions, of one customer or of all.

    None at all where one of the definitions was not counted then.
    """
    asked = {"as_of": as_of, "definitions": json.dumps(sorted(definitions)), "customer": customer}
    if db.execute(_UNCOUNTED, asked).fetchone():
        return []
    own = "" if customer is None else " and customer = :customer"
    rows = db.execute(
        f"select {', '.join(SignalValue._fields)} from email_signals"
        " where as_of = :as_of and definition in (select value from json_each(:definitions))"
        f"{own} order by customer, signal, window_days",
        asked,
    ).fetchall()
    return list(map(SignalValue._make, rows))


_UNCOUNTED = """
select 1 from json_each(:definitions) asked where not exists (
    select 1 from email_signals where as_of = :as_of and definition = asked.value)"""


def newest(db: Database) -> str | None:
    """Return the newest instant that has scores; None: there is none."""
    row = db.execute("select max(as_of) from scores").fetchone()
    return None if row[0] is None else str(row[0])


def evaluated(db: Database, model: str | None = None) -> list[str]:
    """List the instants that have scores, of this model or of any, oldest first."""
    rows = db.execute(
        "select distinct as_of from scores where ? in (model, '') order by as_of", [model or ""]
    ).fetchall()
    return [row[0] for row in rows]


def scores_of(db: Database, as_ofs: Iterable[str], model: str) -> list[dict[str, Any]]:
    """List the scores as of some instants, customer by customer, oldest first."""
    return list(
        db.query(
            "select customer, as_of, value, band, low, high, coverage from scores"
            " where as_of in (select value from json_each(?)) and model = ?"
            " order by customer, as_of",
            [json.dumps(list(as_ofs)), model],
        )
    )


def previous(
    db: Database, as_of: str, model: str, customer: str | None = None
) -> dict[str, tuple[str, float]]:
    """Look up the band and value of each customer, or one, at the evaluation on the day before."""
    own = "" if customer is None else " and customer = :customer"
    rows = db.execute(
        "select customer, band, value from scores where model = :model and as_of ="
        f" (select max(as_of) from scores where as_of < :day and model = :model){own}",
        {"model": model, "day": as_of[:10], "customer": customer},
    ).fetchall()
    return {customer: (band, value) for customer, band, value in rows}


def history(db: Database, customer: str, model: str) -> list[dict[str, Any]]:
    """List a customer's scores over time, oldest first: by this model, where it was evaluated."""
    return list(
        db.query(
            "select as_of, value, band, low, high from (select *, row_number() over"
            " (partition by as_of order by model = :model desc, model) as place from scores"
            " where customer = :customer) where place = 1 order by as_of",
            {"customer": customer, "model": model},
        )
    )


def complete(db: Database, as_of: str, model: str) -> bool:
    """Tell whether every customer has a score as of an instant."""
    row = db.execute(
        "select count(*) from customers where customer not in"
        " (select customer from scores where as_of = ? and model = ?)",
        [as_of, model],
    ).fetchone()
    return int(row[0]) == 0


def rank(db: Database, as_of: str, model: str) -> None:
    """Rank the scores of an instant anew: the share of the judged ones that stand lower."""
    db.execute(
        "update scores set rank = (select place from (select customer,"
        " (rank() over (order by value) - 1.0) / max(count(*) over () - 1, 1) as place"
        " from scores where as_of = :as_of and model = :model and band <> 'unknown') ranked"
        " where ranked.customer = scores.customer) where as_of = :as_of and model = :model",
        {"as_of": as_of, "model": model},
    )


def rank_of(db: Database, customer: str, as_of: str, model: str) -> float | None:
    """Look up a customer's rank as of an instant; None: the band is unknown, or none is kept."""
    row = db.execute(
        "select rank from scores where customer = ? and as_of = ? and model = ?",
        [customer, as_of, model],
    ).fetchone()
    return None if row is None else row[0]


def fits(db: Database, model: str) -> dict[int, str]:
    """Look up what was fitted, by month, as JSON."""
    rows = db.execute("select month, content from fits where model = ?", [model]).fetchall()
    return {int(month): content for month, content in rows}


def save_fits(db: Database, model: str, contents: Mapping[int, str]) -> None:
    """Keep what was fitted."""
    with db.atomic():
        rows = ({"month": m, "model": model, "content": c} for m, c in contents.items())
        insert(db, "fits", rows, known="replace")


def forget_fits(db: Database, since: int) -> int:
    """Forget what was fitted from facts that have changed, the oldest of them at `since`; count
    what was forgotten."""
    with db.atomic():
        return int(db.execute("delete from fits where month > ?", [since]).rowcount)


def first_fact(db: Database) -> int | None:
    """Find when the first message or campaign event happened, in seconds; None: there is none."""
    row = db.execute(
        "select min(at) from (select min(at) as at from messages"
        " union all select min(at) from events)"
    ).fetchone()
    return None if row[0] is None else int(row[0])


def evidence(db: Database, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Look up messages, events and answers by key: id (Message-ID or key), at, who, what."""
    wanted = [json.dumps(sorted(keys))] * 4
    rows = db.execute(
        "select message, coalesce('<' || message_id || '>', message), at,"
        " coalesce(sender, ''), subject"
        " from messages where message in (select value from json_each(?))"
        " union all select '#' || rowid, event, at, recipient, type || ': ' || campaign"
        " from events where rowid in (select cast(substr(value, 2) as integer)"
        " from json_each(?) where value like '#%')"
        " union all select event, event, at, recipient, type || ': ' || campaign"
        " from events where event in (select value from json_each(?))"
        " union all select answer, answer, at, recipient,"
        " survey || ': ' || format('%g', value) || ' of ' || scale"
        " || iif(comment = '', '', ', ' || comment)"
        " from answers where answer in (select value from json_each(?))",
        wanted,
    ).fetchall()
    return {row[0]: dict(zip(("id", "at", "who", "what"), row[1:], strict=True)) for row in rows}
