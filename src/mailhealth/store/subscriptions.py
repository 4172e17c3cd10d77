"""Who still wants mail: the state of each contact on any day, and what changed it."""

from typing import Any

from sqlite_utils import Database

from mailhealth.store.people import THEN

# The id of what is behind a state: the Message-ID of a mail, the key of an event.
ID = """coalesce((select '<' || m.message_id || '>' from messages m where m.message = s.evidence),
    s.evidence)"""
STANDING = f"""
select s.contact, coalesce(
        (select cc.customer from contact_customers cc
         where cc.contact = s.contact and {THEN.format(at="(:before - 1)")} order by 1 limit 1),
        '') as customer,
    s.state, s.since, s.means, {ID} as evidence
from subscriptions s left join contacts c on c.contact = s.contact
where s.since < :before and (s.until is null or s.until >= :before)
    and coalesce(c.ours, 0) = 0
"""


def standing(db: Database, before: int, customer: str | None = None) -> list[dict[str, Any]]:
    """List the state of each contact that anything is known of, from what came before a moment.

    `before` and `since` are seconds; `customer` is whose the contact was then, "" nobody's.
    """
    return list(
        db.query(
            f"select * from ({STANDING}) where :customer is null or customer = :customer"
            " order by state = 'reachable', customer = '', customer, contact",
            {"before": before, "customer": customer},
        )
    )


def changes(db: Database, contact: str, before: int) -> list[dict[str, Any]]:
    """List all that was said of a contact's wish for mail before a moment, oldest first."""
    return list(
        db.query(
            f"select s.contact, s.state, s.at, s.means, {ID} as evidence"
            " from subscription_changes s where s.contact = :contact and s.at < :before"
            " order by s.at, s.state, s.evidence",
            {"contact": contact, "before": before},
        )
    )
