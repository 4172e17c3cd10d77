"""Who is who: our own addresses, customers, contacts, and whose mail each message is."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlite_utils import Database

from mailhealth.customers import CustomerRow, belonging
from mailhealth.store import insert
from mailhealth.store.inbox import MACHINE_ONLY

# A message's direction follows from whose its sender and its recipients are. Mail of ours
# without any recipient (a list archive) is outbound.
DIRECTION = """
update messages set direction = case
    when not exists (
        select 1 from addresses a join contacts c using (contact)
        where a.address = messages.sender and c.ours
    ) then 'in'
    when exists (select 1 from recipients r where r.message = messages.message)
        and not exists (
        select 1 from recipients r join addresses a using (address) join contacts c using (contact)
        where r.message = messages.message and not c.ours
    ) then 'internal'
    else 'out' end
where direction is null
"""
INBOUND = """
insert or ignore into message_customers (customer, message)
select c.customer, m.message
from messages m join addresses a on a.address = m.sender join contacts c using (contact)
where m.direction = 'in' and c.customer is not null
    and m.message in (select value from json_each(:fresh))
"""
OUTBOUND = """
insert or ignore into message_customers (customer, message)
select distinct c.customer, m.message
from messages m join recipients r using (message) join addresses a using (address)
    join contacts c using (contact)
where m.direction = 'out' and c.customer is not null
    and m.message in (select value from json_each(:fresh))
"""
# Our answer to a list or a role address names no customer: it belongs to the one whose
# mail it answers, else to the one who wrote last in the thread before it.
ANSWERS = """
insert or ignore into message_customers (customer, message)
select customer, message from (
    select m.message, coalesce(
        (select mc.customer from messages p join message_customers mc using (message)
         where p.message_id = m.in_reply_to and p.direction = 'in' limit 1),
        (select mc.customer from messages p join message_customers mc using (message)
         where p.thread = m.thread and p.direction = 'in' and p.at <= m.at
         order by p.at desc, p.message limit 1)
    ) as customer
    from messages m
    where m.direction = 'out'
        and m.message in (select value from json_each(:fresh))
        and not exists (select 1 from message_customers mc where mc.message = m.message)
) where customer is not null
"""
# An answer read before the mail that it answers gets its customer when that mail arrives.
RETRY = """
update messages set direction = null
where direction = 'out'
    and thread in (select thread from messages where direction is null)
    and not exists (select 1 from message_customers mc where mc.message = messages.message)
"""


def add_ours(db: Database, values: Collection[str]) -> None:
    """Remember our own domains and addresses, and look at everybody anew."""
    with db.atomic():
        rows = ({"value": value.strip().lstrip("@").casefold()} for value in values)
        insert(db, "ours", rows)
        _forget_assignments(db)


def ours(db: Database) -> list[str]:
    """List our own domains and addresses."""
    return [row[0] for row in db.execute("select value from ours order by value").fetchall()]


def replace_customers(db: Database, rows: Sequence[CustomerRow]) -> None:
    """Take over a customer file: it replaces the one before it, in one transaction."""
    with db.atomic():
        db.execute("delete from customer_rules")
        db.execute("update customers set origin = 'domain' where origin = 'file'")
        merged: dict[str, dict[str, Any]] = {}
        for row in rows:
            told = {"segment": row.segment, "owner": row.owner}
            told |= {"started": row.started, "renews": row.renews}
            known = merged.setdefault(row.customer, {"customer": row.customer, "origin": "file"})
            known.update({k: v for k, v in told.items() if v or k not in known})
        db.table("customers").upsert_all(merged.values(), pk="customer")
        rules = ({"value": v, "customer": row.customer} for row in rows for v in row.values)
        insert(db, "customer_rules", rules)
        _forget_assignments(db)


def assign(db: Database) -> int:
    """Find the customer of every contact, and whose mail each message is, where not yet known.

    Returns the number of messages looked at.
    """
    with db.atomic():
        _assign_contacts(db)
        db.execute(RETRY)
        rows = db.execute("select message from messages where direction is null").fetchall()
        fresh = {"fresh": json.dumps([row[0] for row in rows])}
        db.execute(DIRECTION)
        for statement in (INBOUND, OUTBOUND, ANSWERS):
            db.execute(statement, fresh)
        _drop_empty_customers(db)
    return len(rows)


def customers(db: Database) -> list[dict[str, Any]]:
    """List the customers with how many contacts, messages and events each has."""
    return list(
        db.query("""
        with people as (select customer, count(*) as n from contacts group by customer),
        mails as (select customer, count(*) as n from message_customers group by customer),
        landed as (
            select c.customer, count(*) as n
            from events e join addresses a on a.address = e.recipient
                join contacts c using (contact)
            group by c.customer
        )
        select customer, segment, owner, started, renews, origin,
            coalesce(people.n, 0) as contacts, coalesce(mails.n, 0) as messages,
            coalesce(landed.n, 0) as events
        from customers left join people using (customer) left join mails using (customer)
            left join landed using (customer)
        order by messages desc, events desc, customer
    """)
    )


def unassigned(db: Database) -> list[dict[str, Any]]:
    """List the contacts without a customer, the most talkative first, with the reason."""
    return list(
        db.query("""
        with written as (
            select a.contact, count(*) as n
            from messages m join addresses a on a.address = m.sender group by a.contact
        )
        select contact, name, why, coalesce(n, 0) as messages
        from contacts left join written using (contact)
        where customer is null and not ours
        order by messages desc, contact
    """)
    )


def _assign_contacts(db: Database) -> None:
    rules = dict(db.execute("select value, customer from customer_rules").fetchall())
    mine = frozenset(ours(db))
    people = db.execute("select contact from contacts where why is null").fetchall()
    found = [(contact, belonging(contact, rules, mine)) for (contact,) in people]
    named = dict.fromkeys(b.customer for _, b in found if b.customer)
    rows = ({"customer": customer, "origin": "domain"} for customer in named)
    insert(db, "customers", rows)
    db.conn.executemany(
        "update contacts set customer = ?, ours = ?, why = ? where contact = ?",
        [(b.customer, b.ours, b.why, contact) for contact, b in found],
    )


def _forget_assignments(db: Database) -> None:
    db.execute(
        "update contacts set customer = null, ours = 0, why = null where why is not ?",
        [MACHINE_ONLY],
    )
    db.execute("update messages set direction = null")
    db.execute("delete from message_customers")


def _drop_empty_customers(db: Database) -> None:
    """A customer made from a domain goes when nobody belongs to it any more."""
    gone = (
        "select customer from customers where origin = 'domain' and customer not in"
        " (select customer from contacts where customer is not null)"
    )
    for table in ("contributions", "scores", "email_signals", "customers"):
        db.execute(f"delete from {table} where customer in ({gone})")
