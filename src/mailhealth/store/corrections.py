"""What people correct: their word on a mail, and thresholds that follow from many of them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlite_utils import Database

from mailhealth.errors import BadData, UnknownName
from mailhealth.store import insert

PERSON = "correction"  # the "model" whose annotations are a person's
SCORES = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}
ENOUGH = 20  # corrections that a threshold needs
# Precision that a threshold must reach: a false alarm about leaving costs the most trust.
PRECISION = {"cancel": 0.9}
USUAL = 0.8
GRID = [step / 40 for step in range(2, 39)]  # thresholds tried: 0.05 to 0.95


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold of an intent, how many corrections it rests on, and how right it is there.

    `n` are the corrected mails that have the intent or were suspected of it; `value` is None
    where they are too few and the model's own stays. `precision` and `recall` are measured on the
    corrections it was chosen from, so they flatter it.
    """

    intent: str
    n: int
    value: float | None
    precision: float | None
    recall: float | None


def find(db: Database, name: str) -> str:
    """Find a customer's mail by its key or Message-ID; raise UnknownName with the nearest ones."""
    bare = name.strip().removeprefix("<").removesuffix(">")
    rows = db.execute(
        "select message, direction = 'in' and kind = 'human' from messages"
        " where message = ?1 or message_id = ?1 order by 2 desc, at desc limit 1",
        [bare],
    ).fetchall()
    if not rows:
        raise UnknownName(f"no mail '{name}'; {_nearest_mail(db, bare)}")
    if not rows[0][1]:
        raise UnknownName(
            f"mail '{name}' was not written by a customer; only what customers write is read"
        )
    return str(rows[0][0])


def _nearest_mail(db: Database, name: str) -> str:
    half = max(len(name) // 3, 1)  # a slip of the pen leaves one end as it was
    rows = db.execute(
        "select coalesce(message_id, message) from messages where direction = 'in'"
        " and kind = 'human' and (substr(message_id, 1, ?1) = ?2 or substr(message_id, -?1) = ?3"
        " or substr(message, 1, ?1) = ?2) limit 1000",
        [half, name[:half], name[-half:]],
    ).fetchall()
    close = get_close_matches(name, [row[0] for row in rows], n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return "'mailhealth explain CUSTOMER' tells the Message-IDs behind a score"


def check(known: Collection[str], sentiment: str | None, intents: Collection[str] | None) -> None:
    """Raise UnknownName for a sentiment or an intent that is none, with the nearest right word."""
    said = [(sentiment, "sentiment", SCORES)] if sentiment is not None else []
    for word, what, there in [*said, *((each, "intent", known) for each in intents or ())]:
        if word not in there:
            close = get_close_matches(str(word), list(there), n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(there)}"
            raise UnknownName(f"no {what} '{word}'; {hint}")


def correct(
    db: Database,
    message: str,
    *,
    at: int,
    sentiment: str | None = None,
    intents: Collection[str] | None = None,
    note: str = "",
) -> None:
    """Keep a person's word on a mail: it wins over every model; what is None stays as it was."""
    with db.atomic():
        old = db.execute(
            "select sentiment, intents, note from corrections where message = ?", [message]
        ).fetchone() or (None, None, "")
        told = old[1] if intents is None else json.dumps(sorted(set(intents)))
        row = {
            "message": message,
            "at": at,
            "sentiment": sentiment or old[0],
            "intents": told,
            "note": note or old[2],
        }
        insert(db, "corrections", [row], known="replace")
        _annotate(db, row)


def _annotate(db: Database, row: Mapping[str, Any]) -> None:
    message, feeling = row["message"], row["sentiment"]
    _forget(db, message)
    said = [("sentiment", feeling, SCORES[feeling])] if feeling else []
    said += [("intent", label, 1.0) for label in json.loads(row["intents"] or "[]")]
    keys = ("task", "label", "value")
    mark = {"message": message, "model": PERSON}
    insert(db, "annotations", [mark | dict(zip(keys, each, strict=True)) for each in said])


def _forget(db: Database, message: str) -> None:
    db.execute("delete from annotations where message = ? and model = ?", [message, PERSON])


def clear(db: Database, message: str) -> None:
    """Take a correction back: the model's word counts again."""
    with db.atomic():
        db.execute("delete from corrections where message = ?", [message])
        _forget(db, message)


def listing(db: Database) -> list[dict[str, Any]]:
    """List the corrections, the newest first, beside what the newest model had read."""
    return list(
        db.query(
            """
            select coalesce('<' || m.message_id || '>', m.message) as mail,
                datetime(c.at, 'unixepoch') as corrected, c.sentiment,
                (select n.label from annotations n where n.message = m.message
                    and n.model = m.read_by and n.task = 'sentiment') as read_as,
                (select group_concat(value, ', ') from json_each(c.intents)) as intents,
                (select group_concat(n.label, ', ') from annotations n where n.message = m.message
                    and n.model = m.read_by and n.task = 'intent') as intents_read,
                c.note, m.subject
            from corrections c join messages m using (message) order by c.at desc, m.message
            """
        )
    )


def choose(db: Database, model: str, intents: Sequence[str]) -> list[Threshold]:
    """Choose, keep and tell this installation's thresholds for what `model` reads.

    Only corrections that name intents count, of mails that this model has read. An intent with
    fewer than 20 keeps the model's own threshold. People correct what looks wrong to them, so
    mails that were read rightly count only where they were confirmed. Raises BadData where
    there are too few corrections for any intent.
    """
    found = [_threshold(name, _judged(db, model, name)) for name in intents]
    if all(each.value is None for each in found):
        most = max((each.n for each in found), default=0)
        raise BadData(
            f"a threshold needs {ENOUGH} corrected mails that have its intent or were suspected of "
            f"it, and no intent has more than {most}; 'mailhealth correct' adds one"
        )
    with db.atomic():
        shipped(db)
        rows = [
            {"name": f"threshold {model} {each.intent}", "value": str(each.value)}
            for each in found
            if each.value is not None
        ]
        insert(db, "settings", rows, known="replace")
    return found


def shipped(db: Database) -> None:
    """Go back to the thresholds that come with the model."""
    with db.atomic():
        db.execute("delete from settings where name like 'threshold %'")


def _judged(db: Database, model: str, intent: str) -> list[tuple[float, bool]]:
    """What a model thought of an intent (0 below 0.05) and what people said, a mail each."""
    rows = db.execute(
        """
        select coalesce(n.value, 0.0),
            exists (select 1 from json_each(c.intents) said where said.value = ?2)
        from corrections c
        join annotations r
            on r.message = c.message and r.model = ?1 and r.task = 'sentiment'
        left join annotations n on n.message = c.message and n.model = ?1 and n.label = ?2
            and n.task in ('intent', 'doubt')
        where c.intents is not null
        """,
        [model, intent],
    ).fetchall()
    return [(value, bool(said)) for value, said in rows if value or said]


def _threshold(intent: str, judged: Sequence[tuple[float, bool]]) -> Threshold:
    """Precision first: of the thresholds that reach it those with the best recall, their middle."""
    has = sum(said for _, said in judged)
    nothing = Threshold(intent, len(judged), None, None, None)
    if len(judged) < ENOUGH or not has:
        return nothing
    ranks: dict[tuple[bool, float, float], list[float]] = {}
    for value in GRID:
        told = [said for guess, said in judged if guess >= value]
        if any(told):
            precision, recall = sum(told) / len(told), sum(told) / has
            reached = precision >= PRECISION.get(intent, USUAL)
            first, second = (recall, precision) if reached else (precision, recall)
            ranks.setdefault((reached, first, second), []).append(value)
    if not ranks:  # the model suspects it in none of the mails that have it
        return nothing
    best = max(ranks)
    precision, recall = (best[2], best[1]) if best[0] else (best[1], best[2])
    value = ranks[best][len(ranks[best]) // 2]
    return Threshold(intent, len(judged), value, round(precision, 3), round(recall, 3))
