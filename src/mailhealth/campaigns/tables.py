"""What campaigns read of the store (SQLite), and as what their SQL knows it (DuckDB)."""

from collections.abc import Mapping

# ?1 is the first second that is not read. The verdict on an open, a click or an unsubscribe rests
# on what happened up to a minute later, so it is known a minute late; where only the day is known
# it rests on no times. Text is never null, because the driver takes a column's type from the
# first rows. A campaign without a name goes by its subject.
TABLES: Mapping[str, tuple[str, str]] = {
    "events": (
        "campaign varchar, variant varchar, recipient varchar, source varchar, type varchar,"
        " moment bigint, bounce varchar, machine bigint, hides bigint, url varchar",
        """
        select iif(e.campaign = '', e.subject, e.campaign), e.variant, e.recipient, e.source,
            e.type, e.at, coalesce(e.bounce, ''),
            iif(s.row is null, 0, coalesce(s.machine, -1)), coalesce(s.hides, 0),
            iif(e.type = 'clicked', e.url, '')
        from events e
        left join suspects s using (row)
        where e.at < ?1 and e.type <> 'subscribed'
            and (e.exact = 0 or e.type not in ('opened', 'clicked', 'unsubscribed')
                or e.at + 60 < ?1)
        """,
    ),
    "contacts": (
        "recipient varchar, contact varchar",
        """
        select a.address, coalesce(c.person, c.contact)
        from addresses a
        join contacts c on c.contact = a.contact
        where ?1 is not null
        """,
    ),
    "memberships": (
        "contact varchar, customer varchar, segment varchar, since bigint, until bigint",
        """
        select distinct coalesce(c.person, c.contact), cc.customer, coalesce(cu.segment, ''),
            iif(cc.valid_from = '', 0, cast(strftime('%s', cc.valid_from) as integer)),
            iif(cc.valid_to = '', 253402300800, cast(strftime('%s', cc.valid_to) as integer))
        from contact_customers cc
        join contacts c on c.contact = cc.contact
        join customers cu on cu.customer = cc.customer
        where ?1 is not null
        """,
    ),
    # A reply that only a worn subject speaks for is not counted.
    "replies": (
        "campaign varchar, recipient varchar",
        """
        select distinct r.campaign, r.recipient
        from campaign_replies r
        join messages m on m.message = r.message
        where m.at < ?1 and r.confidence >= 0.5
        """,
    ),
    "letters": (
        "contact varchar, message varchar, moment bigint",
        """
        select distinct coalesce(c.person, c.contact), m.message, m.at
        from messages m
        join recipients r on r.message = m.message
        join addresses a on a.address = r.address
        join contacts c on c.contact = a.contact
        where m.direction = 'out' and m.kind = 'human' and m.at < ?1
        """,
    ),
    # Between which days the mailboxes would have shown an answer.
    "mailbox": (
        "first bigint, last bigint",
        """
        select coalesce(min(at), 0), coalesce(max(at), -1)
        from messages
        where direction = 'in' and kind = 'human' and at < ?1
        """,
    ),
}
