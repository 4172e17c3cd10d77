"""Who is who: our own addresses, customers, contacts, and whose mail each message is."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlite_utils import Database

from mailhealth.customers import CustomerRow, persons, rule_value
from mailhealth.store import contract, insert
from mailhealth.store.contacts import assign_contacts
from mailhealth.store.inbox import MACHINE_ONLY
from mailhealth.store.suggestions import suggestions

# What the customer file tells of a customer.
TOLD = ("segment", "owner", "stage", "country", "revenue", "started", "renews")

# Whose a contact (cc) was when something happened; {at} is the moment, in seconds.
THEN = """(cc.valid_from = '' or cc.valid_from <= date({at}, 'unixepoch'))
    and (cc.valid_to = '' or cc.valid_to > date({at}, 'unixepoch'))"""

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
INBOUND = f"""
insert or ignore into message_customers (customer, message)
select cc.customer, m.message
from messages m join addresses a on a.address = m.sender join contact_customers cc using (contact)
where m.direction = 'in' and {THEN.format(at="m.at")}
    and m.message in (select value from json_each(:fresh))
"""
OUTBOUND = f"""
insert or ignore into message_customers (customer, message)
select distinct cc.customer, m.message
from messages m join recipients r using (message) join addresses a using (address)
    join contact_customers cc using (contact)
where m.direction = 'out' and {THEN.format(at="m.at")}
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

# How contacts were met: as senders, as recipients, or by our campaigns.
MET = """
with wrote as (
    select a.contact, count(*) as n
    from messages m join addresses a on a.address = m.sender group by a.contact
),
met as (
    select a.contact, max(r.role = 'to') as addressed
    from recipients r join addresses a using (address) group by a.contact
),
landed as (
    select distinct a.contact from events e join addresses a on a.address = e.recipient
),
seen as (
    select c.*, coalesce(wrote.n, 0) as messages, case
        when wrote.n is not null then 'wrote'
        when met.addressed then 'addressed'
        when landed.contact is not null then 'campaign'
        else 'only in Cc' end as seen
    from contacts c left join wrote using (contact) left join met using (contact)
        left join landed using (contact)
)
"""


def add_ours(db: Database, values: Collection[str]) -> None:
    """Remember our own domains and addresses, and look at everybody anew."""
    with db.atomic():
        rows = ({"value": rule_value(value)} for value in values)
        insert(db, "ours", rows)
        _forget_assignments(db)


def ours(db: Database) -> list[str]:
    """List our own domains and addresses."""
    return [row[0] for row in db.execute("select value from ours order by value").fetchall()]


def set_consumer(db: Database, on: bool) -> None:
    """Say whether our customers are consumers, and look at everybody anew if that changed.

    One person is then one customer, at a free-mail address too, where the customer file says
    nothing else.
    """
    if on != consumer(db):
        with db.atomic():
            row = {"name": "consumer", "value": "yes" if on else "no"}
            insert(db, "settings", [row], known="replace")
            _forget_assignments(db)


def consumer(db: Database) -> bool:
    """Tell whether one person is one customer."""
    row = db.execute("select value = 'yes' from settings where name = 'consumer'").fetchone()
    return bool(row and row[0])


def replace_customers(db: Database, rows: Sequence[CustomerRow]) -> None:
    """Take over a customer file: it replaces the one before it, in one transaction."""
    with db.atomic():
        db.execute("delete from customer_rules")
        nothing = ", ".join(f"{name} = null" for name in TOLD)
        db.execute(f"update customers set origin = 'domain', {nothing} where origin = 'file'")
        merged: dict[str, dict[str, Any]] = {}
        for row in rows:
            told = {name: getattr(row, name) for name in TOLD}
            known = merged.setdefault(row.customer, {"customer": row.customer, "origin": "file"})
            known.update({k: v for k, v in told.items() if v is not None or k not in known})
        db.table("customers").upsert_all(merged.values(), pk="customer")
        insert(db, "customer_rules", _rule_rows(rows))
        _forget_assignments(db)


def assign(db: Database) -> int:
    """Find the customer of every contact, and whose mail each message is, where not yet known.

    Returns the number of messages looked at.
    """
    with db.atomic():
        assign_contacts(db, frozenset(ours(db)), consumer=consumer(db))
        db.execute(RETRY)
        rows = db.execute("select message from messages where direction is null").fetchall()
        fresh = {"fresh": json.dumps([row[0] for row in rows])}
        db.execute(DIRECTION)
        for statement in (INBOUND, OUTBOUND, ANSWERS):
            db.execute(statement, fresh)
        _drop_empty_customers(db)
    return len(rows)


def customers(db: Database) -> list[dict[str, Any]]:
    """List the customers with how many contacts (persons), messages and events each has."""
    return list(
        db.query(f"""
        with people as (
            select cc.customer, count(distinct coalesce(c.person, c.contact)) as n
            from contact_customers cc join contacts c using (contact) group by cc.customer
        ),
        mails as (select customer, count(*) as n from message_customers group by customer),
        landed as (
            select cc.customer, count(*) as n
            from events e join addresses a on a.address = e.recipient
                join contact_customers cc using (contact)
            where {THEN.format(at="e.at")}
            group by cc.customer
        )
        select customer, segment, owner, stage, country, revenue, started, renews, origin,
            coalesce(people.n, 0) as contacts, coalesce(mails.n, 0) as messages,
            coalesce(landed.n, 0) as events
        from customers left join people using (customer) left join mails using (customer)
            left join landed using (customer)
        order by messages desc, events desc, customer
    """)
    )


def known(db: Database, customer: str) -> bool:
    """Tell whether there is a customer of this name."""
    found = db.execute("select 1 from customers where customer = ?", [customer]).fetchone()
    return found is not None


def names(db: Database) -> list[str]:
    """List the customers by name."""
    return [row[0] for row in db.execute("select customer from customers order by 1").fetchall()]


def contacts(db: Database, customer: str | None = None) -> list[dict[str, Any]]:
    """List the contacts, of one customer or of all, ours included.

    `person` is the contact that this address's person goes by, `messages` counts what it wrote,
    `seen` tells the nearest that it came: wrote, addressed, campaign, only in Cc.
    """
    return list(
        db.query(
            f"{MET} select contact, coalesce(person, contact) as person, name, customer, why, seen,"
            " messages from seen where :customer is null or contact in"
            " (select contact from contact_customers where customer = :customer)"
            " order by customer, person, messages desc, contact",
            {"customer": customer},
        )
    )


def unassigned(db: Database) -> list[dict[str, Any]]:
    """List the contacts that never had a customer, the most talkative first.

    With the reason, how they were met (`contacts`), and whose they could be.
    """
    likely = suggestions(db)
    rows = db.query(
        f"{MET} select contact, name, why, seen, messages from seen"
        " where not ours and contact not in (select contact from contact_customers)"
        " order by messages desc, contact"
    )
    return [{**row, "suggestion": likely.get(row["contact"], "")} for row in rows]


def _rule_rows(rows: Sequence[CustomerRow]) -> list[dict[str, str]]:
    named = persons(rows)
    return [
        {
            "value": value,
            "customer": row.customer,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "person": named.get(value, ""),
        }
        for row in rows
        for value in row.values
    ]


def _forget_assignments(db: Database) -> None:
    db.execute(
        "update contacts set customer = null, ours = 0, why = null, person = null"
        " where why is not ?",
        [MACHINE_ONLY],
    )
    db.execute("update messages set direction = null")
    db.execute("delete from message_customers")
    db.execute("delete from contact_customers")


def _drop_empty_customers(db: Database) -> None:
    """A customer made from a domain goes when nobody belongs to it any more."""
    gone = (
        "select customer from customers where origin = 'domain' and customer not in"
        " (select customer from contact_customers)"
    )
    contract.remove(db, customers=[row[0] for row in db.execute(gone).fetchall()])
    for table in ("contributions", "scores", "customers"):
        db.execute(f"delete from {table} where customer in ({gone})")
