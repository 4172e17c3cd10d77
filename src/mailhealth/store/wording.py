"""Own words with a memory: what the parent mail said is quoted, what a sender repeats is signed."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlite_utils import Database

from mailhealth import reply
from mailhealth.records import Message, OwnWords
from mailhealth.store import insert

REPEATED = 3  # mails of a sender that end alike: their end is a signature
SHORT = 25  # characters; a shorter text takes its conversation's language

ANSWERS = """
select c.message, c.new_text, c.quoted_text, c.signature, p.new_text || char(10) || p.quoted_text
from messages c join messages p on p.message_id = c.in_reply_to
where c.kind = 'human' and p.kind = 'human' and c.message <> p.message
    and (c.message in (select value from json_each(:fresh))
        or c.in_reply_to in (select value from json_each(:ids)))
"""
WORDS = """
select message, new_text, quoted_text, signature, sender from messages
where sender is not null and message in (select value from json_each(?))
"""
LANGUAGE = f"""
update messages set lang = coalesce((
    select p.lang from messages p
    where p.thread = messages.thread and p.at < messages.at and p.lang <> ''
        and length(p.new_text) >= {SHORT}
    order by p.at desc, p.message limit 1), lang)
where message in (select value from json_each(?)) and length(new_text) < {SHORT}
"""


class Kept(NamedTuple):
    """A message's words as they are kept."""

    message: str
    new_text: str
    quoted_text: str
    signature: str

    def words(self) -> OwnWords:
        """The words without their message."""
        return OwnWords(self.new_text, self.quoted_text, self.signature)


def refine(db: Database, messages: Sequence[Message]) -> None:
    """Take from new texts what the store shows to be quoted or signature; settle languages.

    `messages` have just been saved. An answer read before its parent is taken up again when
    the parent comes, and all mails of a sender when their common end has come three times.
    """
    people = [message for message in messages if message.kind == "human"]
    fresh = json.dumps([message.key for message in people])
    ids = json.dumps([m.mail.message_id for m in people if m.mail.message_id])
    _rewrite(
        db,
        (
            (kept, reply.without_parent(kept.words(), parent))
            for *row, parent in db.execute(ANSWERS, {"fresh": fresh, "ids": ids}).fetchall()
            for kept in (Kept(*row),)
        ),
    )
    _sign(db, fresh)
    db.execute(LANGUAGE, [fresh])


def _sign(db: Database, fresh: str) -> None:
    """Move the end that a sender's mails have in common to the signature."""
    known: dict[str, set[str]] = {}
    for message, text, _, _, sender in db.execute(WORDS, [fresh]).fetchall():
        for tail in reply.tails(text):
            for each in _meet(db, _fingerprint(sender, tail), message):
                known.setdefault(each, set()).add(tail)
    rows = db.execute(WORDS, [json.dumps(sorted(known))]).fetchall()
    kept = [Kept(*row[:4]) for row in rows]
    _rewrite(db, ((each, reply.without_tail(each.words(), known[each.message])) for each in kept))


def _meet(db: Database, tail: int, message: str) -> tuple[str, ...]:
    """Count a mail that ends so; return the mails whose end is now known to be a signature.

    They are all three when this is the third, later only the mail itself.
    """
    rows = db.execute("select message from tails where tail = ?", [tail]).fetchall()
    met = {row[0] for row in rows} | {message}
    if len(rows) < REPEATED:
        insert(db, "tails", [{"tail": tail, "message": message}])
        return tuple(sorted(met)) if len(met) == REPEATED else ()
    return (message,)


def _fingerprint(sender: str, tail: str) -> int:
    digest = hashlib.sha256(f"{sender}\0{tail}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _rewrite(db: Database, changes: Iterable[tuple[Kept, OwnWords]]) -> None:
    """Keep words that have changed; the model reads them again."""
    db.conn.executemany(
        "update messages set new_text = ?, quoted_text = ?, signature = ?, courtesies = ?,"
        " read_by = null where message = ?",
        [
            (
                words.new_text,
                words.quoted_text,
                words.signature,
                json.dumps(reply.courtesies(words.new_text)),
                kept.message,
            )
            for kept, words in changes
            if words != kept.words()
        ],
    )
