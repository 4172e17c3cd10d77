"""What a portfolio needs of the store: who is a customer, and the scores kept before."""

from typing import Any

from sqlite_utils import Database


def customers(db: Database, end: int) -> list[dict[str, Any]]:
    """List who is a customer at `end` (seconds), with what the customer file tells of them.

    `first_mail` (seconds) is looked up where the file tells no start. One whom the file does not
    name is left out while nothing is seen of them, and one whom it says to start later.
    """
    return list(
        db.query(
            """
            with known as (
                select c.*, case when c.started is null then (
                    select min(m.at)
                    from message_customers mine join messages m on m.message = mine.message
                    where mine.customer = c.customer and m.at < :end
                        and m.kind = 'human' and m.direction in ('in', 'out')
                ) end as first_mail
                from customers c
            )
            select customer, segment, owner, stage, country, revenue, started, renews, first_mail
            from known c
            where coalesce(started, '') <= date(:end, 'unixepoch')
                and (origin = 'file' or first_mail is not null or exists (
                    select 1
                    from contact_customers cc
                    join addresses a on a.contact = cc.contact
                    join events e on e.recipient = a.address
                    where cc.customer = c.customer and e.at < :end
                ))
            order by customer
            """,
            {"end": end},
        )
    )


def scores_before(db: Database, model: str, since: str, until: str) -> dict[str, float]:
    """Look up each customer's newest score after `since` and not after `until` (instants).

    Only scores that the same health.toml (`model`) gave can be compared; one of the band
    unknown is none.
    """
    rows = db.execute(
        "select customer, value, band, max(as_of) from scores"
        " where model = :model and as_of > :since and as_of <= :until group by customer",
        {"model": model, "since": since, "until": until},
    ).fetchall()
    return {customer: value for customer, value, band, _ in rows if band != "unknown"}
