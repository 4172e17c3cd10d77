"""Threads in the store: kept, joined by late messages, found by their subject."""

import json
from collections.abc import Sequence

from sqlite_utils import Database

from mailhealth import threads
from mailhealth.records import Message
from mailhealth.store import insert

DAYS = 30  # an answer that names nothing is looked for that far back

# The nearest earlier mail on the same topic between the same two: who answers it was written
# to, and writes to who wrote it.
PARENTS = f"""
select l.message, (
    select e.message from messages e
    where e.topic = l.topic and e.at <= l.at and e.at > l.at - {DAYS * 86_400}
        and e.message <> l.message and e.kind = 'human'
        and exists (select 1 from recipients r where r.message = e.message and r.address = l.sender)
        and exists (select 1 from recipients r where r.message = l.message and r.address = e.sender)
    order by e.at desc, e.message limit 1
) as parent
from messages l
where l.joined_by = 'lost' and l.topic in (select value from json_each(?)) and l.topic <> ''
"""


def join(db: Database, messages: Sequence[Message]) -> dict[str, str]:
    """Find each new message's thread, and give threads that it proves one their common name."""
    named = [threads.identifiers(message.mail, message.key) for message in messages]
    ids = {i for each in named for i in each}
    met = dict(
        db.execute(
            "select message_id, thread from thread_ids"
            " where message_id in (select value from json_each(?))",
            [json.dumps(sorted(ids))],
        ).fetchall()
    )
    thread = threads.join(named, met)
    for old in set(met.values()):
        _rename(db, old, thread[old])
    insert(db, "thread_ids", ({"message_id": i, "thread": thread[i]} for i in ids - met.keys()))
    return thread


def find_lost(db: Database, messages: Sequence[Message]) -> None:
    """Join answers that name nothing to what they answer, whichever of the two came first.

    An answer keeps the first parent that was found for it, even if a nearer one is read later.
    """
    topics = sorted({threads.topic(message.mail.subject) for message in messages})
    for message, parent in db.execute(PARENTS, [json.dumps(topics)]).fetchall():
        if parent is None:
            continue
        # Asked one pair at a time, because the pair before may have renamed their threads.
        first, other = sorted((_thread(db, message), _thread(db, parent)))
        _rename(db, other, first)
        db.execute("update messages set joined_by = 'subject' where message = ?", [message])


def _thread(db: Database, message: str) -> str:
    row = db.execute("select thread from messages where message = ?", [message]).fetchone()
    return str(row[0])


def _rename(db: Database, old: str, new: str) -> None:
    if old != new:
        for table in ("thread_ids", "messages"):
            db.execute(f"update {table} set thread = ? where thread = ?", [new, old])
