"""What the engine reads of the store (SQLite), and as what the facts know it (DuckDB)."""

from collections.abc import Mapping

# Text is never null, because the driver takes a column's type from the first rows. The
# placeholders are the first second, the second after the last, and the customers as JSON.
#
# A store that holds almost no mail of ours (the sent folder was not connected) knows nothing of
# our mail: what there is by chance would make false reply rates, so it is left out altogether.
# health.warnings says so.
_SENT_SEEN = """(m.direction = 'in' or (
    select total(direction = 'out') * 50 >= count(*) from messages
    where kind = 'human' and direction in ('in', 'out') and at < ?2))"""

TABLES: Mapping[str, tuple[str, str]] = {
    "customers": (
        "customer varchar, started bigint",
        """
        select customer, cast(strftime('%s', started) as integer)
        from customers
        where ?1 < ?2 and customer in (select value from json_each(?3))
        """,
    ),
    # Of everybody and of all time, or a long silence would look like youth.
    "beginnings": (
        "customer varchar, side varchar, moment bigint",
        f"""
        select mine.customer, m.direction, min(m.at)
        from message_customers mine
        join messages m on m.message = mine.message
        where m.kind = 'human' and m.direction in ('in', 'out') and m.at < ?2 and {_SENT_SEEN}
        group by mine.customer, m.direction
        union all
        select '', 'campaign', min(at) from events
        where at < ?2 and ?1 < ?2 and ?3 <> '' having count(*) > 0
        """,
    ),
    "mails": (
        "customer varchar, message varchar, thread varchar, moment bigint, side varchar,"
        " contact varchar",
        f"""
        select mine.customer, m.message, m.thread, m.at, m.direction,
            coalesce(c.person, c.contact, '')
        from message_customers mine
        join messages m on m.message = mine.message
        left join addresses a on a.address = m.sender
        left join contacts c on c.contact = a.contact
        where m.kind = 'human' and m.direction in ('in', 'out') and m.at >= ?1 and m.at < ?2
            and {_SENT_SEEN} and mine.customer in (select value from json_each(?3))
        """,
    ),
    "recipients": (
        "customer varchar, message varchar, contact varchar, moment bigint",
        """
        select distinct mine.customer, m.message, coalesce(c.person, c.contact), m.at
        from message_customers mine
        join messages m on m.message = mine.message
        join recipients r on r.message = m.message
        join addresses a on a.address = r.address
        join contacts c on c.contact = a.contact
        join contact_customers cc on cc.contact = c.contact and cc.customer = mine.customer
        where m.kind = 'human' and m.direction = 'out' and m.at >= ?1 and m.at < ?2
            and mine.customer in (select value from json_each(?3))
        """,
    ),
    "annotations": (
        "customer varchar, message varchar, thread varchar, moment bigint, task varchar,"
        " label varchar, value double",
        """
        select mine.customer, m.message, m.thread, m.at, n.task, n.label, coalesce(n.value, 0.0)
        from message_customers mine
        join messages m on m.message = mine.message
        join readings n on n.message = m.message
        where m.kind = 'human' and m.direction = 'in' and m.at >= ?1 and m.at < ?2
            and mine.customer in (select value from json_each(?3))
        """,
    ),
    # The last of several answers is known to be it 10 seconds later (the view survey_answers).
    "given": (
        "customer varchar, answer varchar, moment bigint, kind varchar, value double",
        """
        select cc.customer, s.answer, s.at + 10, s.kind,
            iif(s.kind = 'csat', 5.0 * s.value / s.scale, s.value)
        from survey_answers s
        join contact_customers cc on cc.contact = s.contact
            and (cc.valid_from = '' or cc.valid_from <= date(s.at, 'unixepoch'))
            and (cc.valid_to = '' or cc.valid_to > date(s.at, 'unixepoch'))
        where s.at + 10 >= ?1 and s.at + 10 < ?2
            and cc.customer in (select value from json_each(?3))
        """,
    ),
    # A link to unsubscribe is no click, and an export without campaign names has references.
    # by_machine: 0 a person, 1 a machine, -1 a suspect.
    "events": (
        "customer varchar, contact varchar, campaign varchar, event varchar, type varchar,"
        " moment bigint, bounce varchar, by_machine bigint",
        """
        select cc.customer, coalesce(c.person, c.contact),
            iif(e.campaign = '', e.reference, e.campaign), e.event,
            e.type, e.at, coalesce(e.bounce, ''), iif(v.event is null, 0, coalesce(v.machine, -1))
        from events e
        join addresses a on a.address = e.recipient
        join contacts c on c.contact = a.contact
        join contact_customers cc on cc.contact = c.contact
            and (cc.valid_from = '' or cc.valid_from <= date(e.at, 'unixepoch'))
            and (cc.valid_to = '' or cc.valid_to > date(e.at, 'unixepoch'))
        left join verdicts v
            on v.event = e.event and e.type in ('opened', 'clicked', 'unsubscribed')
        where e.at >= ?1 and e.at < ?2 and cc.customer in (select value from json_each(?3))
            and not (e.type = 'clicked' and (e.url like '%unsubscribe%'
                or e.url like '%optout%' or e.url like '%opt-out%'))
        """,
    ),
}
