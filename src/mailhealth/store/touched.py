"""Whose facts are newer than what was computed of them."""

import json
from collections.abc import Iterable

from sqlite_utils import Database

_STEPS = ("messages", "events", "answers")
_MARK = "signals "
_FITS = "fits"

_TOUCHED = """
select customer from message_customers mine join messages m on m.message = mine.message
where m.thread in (select thread from messages where rowid > :messages)
union
select cc.customer from messages m
join addresses a on a.address = m.sender
join contact_customers cc on cc.contact = a.contact
where m.rowid > :messages
union
select cc.customer from messages m
cross join recipients r on r.message = m.message
join addresses a on a.address = r.address
join contact_customers cc on cc.contact = a.contact
where m.rowid > :messages
union                              -- the third mail that ends alike makes that end a signature
select mine.customer from messages m
join tails here on here.message = m.message
join tails there on there.tail = here.tail
join message_customers mine on mine.message = there.message
where m.rowid > :messages
union                              -- mail that came back
select mine.customer from messages m
join notices n on n.message = m.message
join messages ours on ours.message_id = n.original
join message_customers mine on mine.message = ours.message
where m.rowid > :messages and n.original <> ''
union
select cc.customer from messages m
join notices n on n.message = m.message
left join addresses a on a.address = n.recipient
join contact_customers cc on cc.contact = coalesce(a.contact, lower(n.recipient))
where m.rowid > :messages
union                              -- a mail to unsubscribe that names another than its sender
select cc.customer from unsubscribe_mails u
cross join messages m on m.message = u.message
cross join addresses a on a.address in (u.recipient, m.sender)
join contact_customers cc on cc.contact = a.contact
where u.recipient <> m.sender and (
    m.rowid > :messages
    or exists (select 1 from events e where e.recipient = u.recipient and e.row > :events))
union                              -- spam whose reporter only the mail's own id tells, or told
select cc.customer from notices n
cross join messages m on m.message = n.message
cross join events e on e.message_id = n.original and e.message_id <> ''
join addresses a on a.address = e.recipient
join contact_customers cc on cc.contact = a.contact
where n.type = 'complained' and n.recipient = '' and (
    m.rowid > :messages or exists (
        select 1 from events o
        where o.message_id = n.original and o.message_id <> '' and o.row > :events)
) and not exists (
    select 1 from events o
    where o.message_id = n.original and o.message_id <> '' and o.row <= :events
        and o.recipient <> e.recipient)
union
select cc.customer from events e
join addresses a on a.address = e.recipient
join contact_customers cc on cc.contact = a.contact
where e.row > :events
union
select cc.customer from answers s
join addresses a on a.address = s.recipient
join contact_customers cc on cc.contact = a.contact
where s.rowid > :answers
union
select cc.customer from json_each(:judged) j
join events e on e.row = j.value
join addresses a on a.address = e.recipient
join contact_customers cc on cc.contact = a.contact
order by 1"""

# Since when mail of a side can be seen at all concerns everybody (facts.sql, risk).
_FIRST = """
select exists (
    select 1 from (
        select direction, min(at) as at from messages not indexed
        where rowid > :messages and kind = 'human' and direction in ('in', 'out')
        group by direction
    ) as new
    where not exists (
        select 1 from messages m
        where m.rowid <= :messages and m.kind = 'human' and m.direction = new.direction
            and m.at <= new.at
    )
) or exists (
    select 1 from (select min(at) as at from events where rowid > :events) as new
    where new.at is not null
        and not exists (select 1 from events e where e.row <= :events and e.at <= new.at)
)"""

_OLDEST = """
select min(at) from (
    select min(at) as at from messages where rowid > :messages
    union all
    select min(at) from events where rowid > :events
    union all
    select min(at) from answers where rowid > :answers
)"""


def customers(db: Database, day: str, judged: list[int]) -> list[str] | None:
    """List the customers of whom something came in since a day was counted; None: it may be
    anybody.

    `judged` are the rows of the events whose verdict changed meanwhile.
    """
    marks = _marks(db, day)
    if marks is None or db.execute(_FIRST, marks).fetchone()[0]:
        return None
    rows = db.execute(_TOUCHED, {**marks, "judged": json.dumps(judged)}).fetchall()
    return [row[0] for row in rows]


def judged(db: Database, day: str) -> bool:
    """Tell whether events were judged since a day was counted, so that verdicts may differ."""
    marks = _marks(db, day)
    row = db.execute("select value from settings where name = 'judged'").fetchone()
    return marks is None or (row is not None and int(row[0].rpartition(" ")[2]) > marks["events"])


def oldest(db: Database) -> int | None:
    """Find when the oldest fact happened that no fit has seen yet; None: none came, 0: any."""
    marks = _marks(db, _FITS)
    if marks is None:
        return 0
    found = db.execute(_OLDEST, marks).fetchone()[0]
    return None if found is None else int(found)


def by_model(db: Database, model: str) -> None:
    """Note which model's word counts; another one than before concerns everybody."""
    name = _MARK + "model"
    row = db.execute("select value from settings where name = ?", [name]).fetchone()
    if row is None or row[0] != model:
        everybody(db)
        with db.atomic():
            db.execute("insert or replace into settings (name, value) values (?, ?)", [name, model])


def mark(db: Database, days: Iterable[str]) -> None:
    """Remember that everything that is here now was counted as of these days."""
    newest = [
        (step, db.execute(f"select coalesce(max(rowid), 0) from {step}").fetchone()[0])
        for step in _STEPS
    ]
    with db.atomic():
        db.conn.executemany(
            "insert or replace into looked_at (step, until) values (?, ?)",
            [(f"{_MARK}{day} {step}", row) for day in (*days, _FITS) for step, row in newest],
        )


def forget(db: Database) -> None:
    """Forget which days are counted: what all customers share has changed."""
    with db.atomic():
        db.execute("delete from looked_at where step like ?", [_MARK + "%"])


def everybody(db: Database) -> None:
    """Forget what is counted, and what was fitted: something changed that may concern anybody."""
    with db.atomic():
        forget(db)
        db.execute("delete from fits")


def _marks(db: Database, day: str) -> dict[str, int] | None:
    name = f"{_MARK}{day} "
    rows = db.execute(
        "select substr(step, ?), until from looked_at where step like ?",
        [len(name) + 1, name + "%"],
    ).fetchall()
    marks = {step: int(until) for step, until in rows}
    return marks if len(marks) == len(_STEPS) else None
