"""Whose the contacts without a customer could be: guesses with a reason, for people to judge."""

import re

from sqlite_utils import Database

from mailhealth.customers import company_label, is_freemail, is_role, name_key

LONG = 4  # letters of a word that can tell a company

# A conversation with several customers in it says nothing. Each joins on one row a thread, so
# that the largest thread costs no more than its mails.
CONVERSATIONS = """
with strangers as (
    select contact from contacts where customer is null and not ours
        and contact not in (select contact from contact_customers)
),
present as (
    select a.contact, m.thread
    from messages m join addresses a on a.address = m.sender
    where a.contact in (select contact from strangers)
    union
    select a.contact, m.thread
    from recipients r join addresses a using (address) join messages m using (message)
    where a.contact in (select contact from strangers)
),
sole as (
    select m.thread, min(mine.customer) as customer
    from message_customers mine join messages m using (message)
    group by m.thread having min(mine.customer) = max(mine.customer)
)
select contact, customer, count(*) as n
from present join sole using (thread)
group by contact, customer order by n, customer desc
"""


def suggestions(db: Database) -> dict[str, str]:
    """Guess a customer for contacts without one: contact -> the customer, and why in brackets.

    The same full name as a contact of one customer weighs most, then conversations with one
    customer, then a word of the address that is a customer's domain.
    """
    strangers = db.execute(
        "select contact, name from contacts where customer is null and not ours"
    ).fetchall()
    if not strangers:
        return {}
    return _by_domain(db, strangers) | _by_conversation(db) | _by_name(db, strangers)


def _by_name(db: Database, strangers: list[tuple[str, str]]) -> dict[str, str]:
    known: dict[str, dict[str, str]] = {}
    for contact, name, customer in db.execute(
        "select contact, name, coalesce(customer, 'ours') from contacts"
        " where (customer is not null or ours) and name <> '' order by contact desc"
    ).fetchall():
        if (key := name_key(name)) and not is_role(contact):
            known.setdefault(key, {})[customer] = contact
    found = {}
    for contact, name in strangers:
        same = {} if is_role(contact) else known.get(name_key(name), {})
        if len(same) == 1:
            customer, like = next(iter(same.items()))
            found[contact] = f"{customer} (same name as {like})"
    return found


def _by_conversation(db: Database) -> dict[str, str]:
    # The most conversations come last and stay.
    return {
        contact: f"{customer} (in {n} of their conversations)"
        for contact, customer, n in db.execute(CONVERSATIONS).fetchall()
    }


def _by_domain(db: Database, strangers: list[tuple[str, str]]) -> dict[str, str]:
    known = _labels(db)
    found = {}
    for contact, _ in strangers:
        for word in _words(contact):
            if len(known.get(word, ())) == 1:
                found[contact] = f"{next(iter(known[word]))} (the address says {word})"
    return found


def _labels(db: Database) -> dict[str, set[str]]:
    """The words in the domains of customers, and whose they are."""
    known: dict[str, set[str]] = {}
    for customer, domain in db.execute(
        "select customer, substr(contact, instr(contact, '@') + 1) from contact_customers"
        " union select customer, substr(value, instr(value, '@') + 1) from customer_rules"
    ).fetchall():
        label = "" if is_freemail(domain) else company_label(domain)
        if len(label) >= LONG:
            known.setdefault(label, set()).add(customer)
    return known


def _words(contact: str) -> list[str]:
    """The words of an address that could tell a company: at free mail, those before the @."""
    local, _, domain = contact.rpartition("@")
    text = local if is_freemail(domain) else company_label(domain)
    return [text, *re.split(r"[._+-]+", text)]
