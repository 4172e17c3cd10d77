"""Since when each customer is one, as far as it is told or can be seen."""

from sqlite_utils import Database

# As the customer file says, else their first mail of either direction or campaign event.
_SINCE = """
with mailed as (
    select mc.customer, min(m.at) as at
    from message_customers mc join messages m using (message) where m.at > 0 group by mc.customer
),
landed as (
    select cc.customer, min(e.at) as at
    from events e join addresses a on a.address = e.recipient
        join contact_customers cc using (contact)
    where (cc.valid_from = '' or cc.valid_from <= date(e.at, 'unixepoch'))
        and (cc.valid_to = '' or cc.valid_to > date(e.at, 'unixepoch'))
    group by cc.customer
)
select c.customer, coalesce(c.segment, ''), coalesce(
    unixepoch(c.started),
    nullif(min(coalesce(mailed.at, 1e18), coalesce(landed.at, 1e18)), 1e18)
)
from customers c left join mailed using (customer) left join landed using (customer)
order by c.customer
"""


def since(db: Database) -> dict[str, tuple[str, float | None]]:
    """Return each customer's segment, and when it began, in seconds (None: nothing is known)."""
    return {row[0]: (row[1], row[2]) for row in db.execute(_SINCE).fetchall()}
