"""Whose each contact is and was, and which contacts are one person."""

import json
from collections.abc import Collection

from sqlite_utils import Database

from mailhealth.customers import Rule, history, merged
from mailhealth.store import insert


def assign_contacts(db: Database, ours: Collection[str], *, consumer: bool) -> None:
    """Find the customers, present and past, of the contacts not yet looked at, and their persons.

    `ours` are our own domains and addresses; `consumer` makes one person one customer.
    """
    rules = _rules(db)
    fresh = db.execute("select contact from contacts where why is null").fetchall()
    spans = [
        (contact, span)
        for (contact,) in fresh
        for span in history(contact, rules, ours, consumer=consumer)
    ]
    theirs = [(contact, span, c) for contact, span in spans if (c := span.belonging.customer)]
    named = dict.fromkeys(customer for _, _, customer in theirs)
    insert(db, "customers", ({"customer": customer, "origin": "domain"} for customer in named))
    dated = (
        {"contact": c, "customer": x, "valid_from": s.valid_from, "valid_to": s.valid_to}
        for c, s, x in theirs
    )
    insert(db, "contact_customers", dated, known="replace")
    db.conn.executemany(
        "update contacts set customer = ?, ours = ?, why = ? where contact = ?",
        [(s.belonging.customer, s.belonging.ours, s.belonging.why, c) for c, s in spans],
    )
    _merge_persons(db, named)


def _rules(db: Database) -> dict[str, list[Rule]]:
    rules: dict[str, list[Rule]] = {}
    rows = db.execute("select value, customer, valid_from, valid_to from customer_rules")
    for value, *rule in rows.fetchall():
        rules.setdefault(value, []).append(Rule(*rule))
    return rules


def _merge_persons(db: Database, touched: Collection[str]) -> None:
    """Find anew which contacts of the customers that were touched are one person's."""
    explicit = dict(
        db.execute("select value, person from customer_rules where person <> ''").fetchall()
    )
    people: dict[str, list[tuple[str, str]]] = {}
    for customer, contact, name in db.execute(
        "select customer, contact, name from contacts"
        " where customer in (select value from json_each(?))",
        [json.dumps(list(touched))],
    ).fetchall():
        people.setdefault(customer, []).append((contact, name))
    person = {c: merged(each, explicit) for c, each in people.items() if len(each) > 1}
    db.conn.executemany(
        "update contacts set person = ?1 where contact = ?2 and person is not ?1",
        [
            (person.get(customer, explicit).get(contact), contact)
            for customer, each in people.items()
            for contact, _ in each
        ],
    )
