"""What the engine reads of the store (SQLite), and as what the facts know it (DuckDB)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

# SQLite compares no pairs, and DuckDB compares them slowly: both are given one number for each.
_PAIR = re.compile(r"min_by\((\w+), \((\w+), \1\)\)")
_ONE = r"(min(\2 * 2147483648 + \1) % 2147483648)"

# Text is never null, because the driver takes a column's type from the first rows. The
# placeholders are the first second, the second after the last, and the customers as JSON.
#
# A store that holds almost no mail of ours (the sent folder was not connected) knows nothing of
# our mail: what there is by chance would make false reply rates, so it is left out altogether.
# health.warnings says so. Like everything that all customers share, it is settled once a month.
SENT_SEEN = """(m.direction = 'in' or (
    select total(direction = 'out') * 50 >= count(*) from messages
    where kind = 'human' and direction in ('in', 'out')
        and at < unixepoch(?2, 'unixepoch', 'start of month')))"""

# A mail of ours that came back was never there to be answered.
_RETURNED = """(
    select w.message, min(o.at) as at
    from notices n
    join messages o on o.message = n.message
    join messages w on w.message_id = n.original
    where n.type = 'bounced' and n.original <> '' and w.direction = 'out'
    group by w.message)"""

# When mail of a side, or a campaign, was first seen at all.
_FIRST_EVER = f"""
select '' as customer, side.value as side, (
    select m.at from messages m
    where m.kind = 'human' and m.direction = side.value and m.at < ?2 and {SENT_SEEN}
        and exists (select 1 from message_customers mine where mine.message = m.message)
    order by m.at limit 1
) as moment
from json_each('["in", "out"]') side where moment is not null
union all
select '', 'campaign', min((
    select e.at from events e where e.recipient = a.address and e.at < ?2 order by e.at limit 1
)) as moment
from addresses a having moment is not null"""

_AWAY = """
select cc.customer, m.message, coalesce(c.person, c.contact) as contact, m.at as moment,
    min(unixepoch(n.until, '+1 day'), m.at + 60 * 86400) as until
from notices n
join messages m on m.message = n.message
join addresses a on a.address = m.sender
join contacts c on c.contact = a.contact
join contact_customers cc on cc.contact = c.contact
    and (cc.valid_from = '' or cc.valid_from <= date(m.at, 'unixepoch'))
    and (cc.valid_to = '' or cc.valid_to > date(m.at, 'unixepoch'))
where n.type = 'absent' and unixepoch(n.until) > m.at and m.at >= ?1 and m.at < ?2"""

# Who asked for no more mail by mail, or reported it as spam. Where a provider hides who did, the
# mail's own id tells, unless by then it was known to have gone to several.
_LEFT = """
select u.recipient, m.message, m.at
from unsubscribe_mails u cross join messages m on m.message = u.message
where m.direction = 'in'
union all
select n.recipient, m.message, m.at
from notices n cross join messages m on m.message = n.message
where n.type = 'complained' and n.recipient <> ''
union all
select max(e.recipient), m.message, m.at
from notices n cross join messages m on m.message = n.message
cross join events e on e.message_id = n.original and e.message_id <> '' and e.at <= m.at
where n.type = 'complained' and n.recipient = ''
group by m.message, m.at having min(e.recipient) = max(e.recipient)"""

# Of some customers: their rows are looked up, one customer after another.
TABLES: Mapping[str, tuple[str, str]] = {
    "clients": (
        "customer client_text, started bigint, country varchar, segment varchar",
        """
        select customer, unixepoch(started), coalesce(country, ''), coalesce(segment, '')
        from customers
        where ?1 < ?2 and customer in (select value from json_each(?3))
        """,
    ),
    # Who wrote, or was written to, before the horizon; how long before makes no difference. The
    # row of nobody tells when such mail was first seen at all, or a long silence would look like
    # youth.
    "older": (
        "customer client_text, side varchar, moment bigint",
        f"""
        select customer, side.value, ?1 - 1
        from customers cross join json_each('["in", "out"]') side
        where customer in (select value from json_each(?3)) and exists (
            select 1 from message_customers mine
            cross join messages m indexed by messages_facts on m.message = mine.message
            where mine.customer = customers.customer and m.direction = side.value
                and m.kind = 'human' and m.at < ?1 and m.at < ?2 and {SENT_SEEN}
        )
        union all
        {_FIRST_EVER}
        """,
    ),
    "letters": (
        "customer client_text, message varchar, thread varchar, moment bigint, side varchar,"
        " contact person_text, utc_offset bigint, closing bigint, bounced_at bigint",
        f"""
        select mine.customer, m.message, m.thread, m.at, m.direction,
            coalesce(c.person, c.contact, ''), m.utc_offset, m.closing,
            coalesce(b.at, 253402300800)
        from json_each(?3) whose
        cross join message_customers mine on mine.customer = whose.value
        cross join messages m indexed by messages_facts on m.message = mine.message
        left join addresses a on a.address = m.sender
        left join contacts c on c.contact = a.contact
        left join {_RETURNED} b on b.message = m.message
        where m.kind = 'human' and m.direction in ('in', 'out') and m.at >= ?1 and m.at < ?2
            and {SENT_SEEN}
        """,
    ),
    "away": (
        "customer client_text, message varchar, contact person_text, moment bigint, until bigint",
        f"{_AWAY} and cc.customer in (select value from json_each(?3))",
    ),
    "dead": (
        "customer client_text, contact person_text, shown varchar, moment bigint",
        """
        select cc.customer, coalesce(c.person, c.contact), min(b.evidence), b.at
        from hard_bounces b
        join contacts c on c.contact = b.contact
        join contact_customers cc on cc.contact = c.contact
            and (cc.valid_from = '' or cc.valid_from <= date(b.at, 'unixepoch'))
            and (cc.valid_to = '' or cc.valid_to > date(b.at, 'unixepoch'))
        where b.at >= ?1 and b.at < ?2 and cc.customer in (select value from json_each(?3))
        group by cc.customer, coalesce(c.person, c.contact), b.at
        """,
    ),
    # The plus keeps SQLite from looking each of them up under every customer's name.
    "left_by_mail": (
        "customer client_text, contact person_text, shown varchar, moment bigint",
        f"""
        select cc.customer, coalesce(c.person, c.contact), l.message, l.at
        from ({_LEFT}) l
        left join addresses a on a.address = l.recipient
        join contacts c on c.contact = coalesce(a.contact, lower(l.recipient))
        join contact_customers cc on cc.contact = c.contact
            and (cc.valid_from = '' or cc.valid_from <= date(l.at, 'unixepoch'))
            and (cc.valid_to = '' or cc.valid_to > date(l.at, 'unixepoch'))
        where l.at >= ?1 and l.at < ?2 and +cc.customer in (select value from json_each(?3))
        """,
    ),
    "recipients": (
        "customer client_text, message varchar, contact person_text, moment bigint",
        """
        select distinct mine.customer, m.message, coalesce(c.person, c.contact), m.at
        from json_each(?3) whose
        cross join message_customers mine on mine.customer = whose.value
        cross join messages m indexed by messages_facts on m.message = mine.message
        join recipients r on r.message = m.message
        join addresses a on a.address = r.address
        join contacts c on c.contact = a.contact
        join contact_customers cc on cc.contact = c.contact and cc.customer = mine.customer
        where m.kind = 'human' and m.direction = 'out' and m.at >= ?1 and m.at < ?2
        """,
    ),
    "annotations": (
        "customer client_text, message varchar, thread varchar, moment bigint, task varchar,"
        " label varchar, value double",
        """
        select mine.customer, m.message, m.thread, m.at, n.task, n.label, coalesce(n.value, 0.0)
        from json_each(?3) whose
        cross join message_customers mine on mine.customer = whose.value
        cross join messages m indexed by messages_facts on m.message = mine.message
        join readings n on n.message = m.message
        where m.kind = 'human' and m.direction = 'in' and m.at >= ?1 and m.at < ?2
        """,
    ),
    # The last of several answers is known to be it 10 seconds later (the view survey_answers).
    "given": (
        "customer client_text, answer varchar, moment bigint, kind varchar, value double",
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
    # Of a survey that was sent, what is known 14 days later; one that only exists by its answer
    # was not seen being sent.
    "asked": (
        "customer client_text, answer varchar, moment bigint, answered bigint",
        """
        select cc.customer, s.answer, s.asked_at + 1209600,
            iif(s.value is not null and s.at <= s.asked_at + 1209600, 1, 0)
        from answers s
        join addresses a on a.address = s.recipient
        join contact_customers cc on cc.contact = a.contact
            and (cc.valid_from = '' or cc.valid_from <= date(s.asked_at, 'unixepoch'))
            and (cc.valid_to = '' or cc.valid_to > date(s.asked_at, 'unixepoch'))
        where s.asked_at is not null and s.asked_at + 1209600 >= ?1 and s.asked_at + 1209600 < ?2
            and cc.customer in (select value from json_each(?3))
        """,
    ),
    "people": (
        "customer client_text, address varchar, contact person_text, since bigint, until bigint",
        """
        select cc.customer, a.address, coalesce(c.person, c.contact),
            coalesce(unixepoch(nullif(cc.valid_from, '')), -62167219200),
            coalesce(unixepoch(nullif(cc.valid_to, '')), 253402300800)
        from contact_customers cc
        join contacts c on c.contact = cc.contact
        join addresses a on a.contact = c.contact
        where cc.customer in (select value from json_each(?3)) and ?1 < ?2
        """,
    ),
    # by_machine: 1 a machine, -1 a suspect; whoever is not here was a person.
    "judgements": (
        "event bigint, by_machine bigint",
        """
        select row as event, coalesce(machine, -1) as by_machine from suspects
        where machine is not 0 and ?1 < ?2 and ?3 <> ''
        """,
    ),
}

# Events are many: their rows are as narrow as can be, read from an index that holds them, and
# everything is joined in DuckDB. An export without campaign names has references. A link to
# unsubscribe is no click, and to fetch it (GET) unsubscribes nobody: scanners do (RFC 8058).
_ACT = """
select e.row as event, e.recipient, iif(e.campaign = '',
        (select whole.reference from events whole where whole.row = e.row), e.campaign) as campaign,
    e.at as moment, case e.type when 'bounced' then iif(e.bounce is 'hard', 'hard', 'soft')
        when 'dropped' then 'lost' else e.type end as type"""
_NO_OPT_OUT = """not (e.type = 'unsubscribed' and e.method = 'GET') and not (
    e.type = 'clicked' and e.row in (
        select row from events indexed by events_opt_out
        where type = 'clicked' and (url like '%unsubscribe%' or url like '%optout%'
            or url like '%opt-out%')))"""
ACTS = "event bigint, recipient varchar, campaign varchar, moment bigint, type varchar"
# Of a few customers it is quicker to look up the verdict at once.
ACTS_JUDGED = f"""{_ACT}, s.row is not null as judged, coalesce(s.machine, -1) as by_machine
from (
    select distinct a.address
    from json_each(?3) mine
    cross join contact_customers cc on cc.customer = mine.value
    cross join addresses a on a.contact = cc.contact
) mine
cross join events e indexed by events_facts on e.recipient = mine.address
left join suspects s
    on s.row = iif(e.type in ('opened', 'clicked', 'unsubscribed'), e.row, null)
    and s.machine is not 0
where e.at >= ?1 and e.at < ?2 and {_NO_OPT_OUT}"""


class Scan(NamedTuple):
    """A table that is read from its beginning to its end, and joined in DuckDB as it streams by."""

    columns: str
    sql: str
    taking: str = "*"
    joined: str = ""


_HAPPENED = (
    "customer client_text, contact person_text, campaign varchar, event bigint, type happening,"
    " moment bigint, by_machine tinyint"
)
_TAKEN = (
    "people.customer, people.contact, incoming.campaign, incoming.event, incoming.type,"
    " incoming.moment"
)
_WHOSE = """
join people on people.address = incoming.recipient
    and people.since <= incoming.moment and people.until > incoming.moment"""
# Of some customers: what they got is looked up, address after address, with the verdicts.
HAPPENED = Scan(
    _HAPPENED,
    ACTS_JUDGED,
    f"{_TAKEN}, case when judged = 1 then incoming.by_machine else 0 end",
    _WHOSE,
)

# Of all customers: a look-up in SQLite for each of millions of rows is many times dearer than
# reading all rows in the order in which they lie, and joining them where columns are. What stands
# in TABLES under the same name says the same of some customers.
SCANS: Mapping[str, Scan] = {
    "senders": Scan(
        "address varchar, contact person_text",
        """
        select a.address, coalesce(c.person, c.contact) as contact
        from addresses a join contacts c on c.contact = a.contact
        where ?1 < ?2 and ?3 <> ''
        """,
    ),
    "written": Scan(
        "message varchar, thread varchar, moment bigint, side varchar, contact person_text,"
        " utc_offset bigint, closing bigint, bounced_at bigint",
        f"""
        select m.message, m.thread, m.at as moment, m.direction as side,
            coalesce(m.sender, '') as sender, m.utc_offset, m.closing,
            coalesce(b.at, 253402300800) as bounced_at
        from messages m indexed by messages_facts
        left join {_RETURNED} b on b.message = m.message
        where m.kind = 'human' and m.direction in ('in', 'out') and m.at >= ?1 and m.at < ?2
            and ?3 <> ''
        """,
        "message, thread, moment, side, coalesce(contact, ''), utc_offset, closing, bounced_at",
        "left join senders on senders.address = incoming.sender",
    ),
    "letters": Scan(
        TABLES["letters"][0],
        "select customer, message from message_customers where ?1 < ?2 and ?3 <> ''",
        "clients.customer, written.*",
        "join clients using (customer) join written using (message)",
    ),
    "recipients": Scan(
        TABLES["recipients"][0],
        "select message, address from recipients where ?1 < ?2 and ?3 <> ''",
        "distinct letters.customer, letters.message, people.contact, letters.moment",
        """
        join letters on letters.message = incoming.message and letters.side = 'out'
        join people on people.address = incoming.address and people.customer = letters.customer
        """,
    ),
    "annotations": Scan(
        TABLES["annotations"][0],
        """
        select message, task, label, coalesce(value, 0.0) as value from readings
        where ?1 < ?2 and ?3 <> ''
        """,
        "customer, message, thread, moment, task, label, value",
        "join letters using (message) where letters.side = 'in'",
    ),
    "older": Scan(
        TABLES["older"][0],
        f"""
        select mine.customer, m.direction as side, ?1 - 1 as moment
        from messages m indexed by messages_facts
        cross join message_customers mine on mine.message = m.message
        where m.kind = 'human' and m.direction in ('in', 'out') and m.at < ?1 and ?3 <> ''
        group by mine.customer, m.direction
        union all
        {_FIRST_EVER}
        """,
    ),
    "away": Scan(
        TABLES["away"][0],
        f"{_AWAY} and ?3 <> ''",
        "clients.customer, message, contact, moment, until",
        "join clients using (customer)",
    ),
    "judgements": Scan(*TABLES["judgements"]),
    "happened": Scan(
        _HAPPENED,
        f"""
        {_ACT} from events e indexed by events_facts
        where e.at >= ?1 and e.at < ?2 and ?3 <> '' and {_NO_OPT_OUT}
        """,
        f"""{_TAKEN}, case when incoming.type in ('opened', 'clicked', 'unsubscribed')
            then coalesce(judgements.by_machine, 0) else 0 end""",
        _WHOSE + " left join judgements on judgements.event = incoming.event",
    ),
}

# Campaigns go by numbers: names are long, and rows are many.
EVENTS = """
create table events as
select customer, contact, number as campaign, event, type, moment, by_machine
from happened
join (
    select campaign, row_number() over (order by campaign) as number
    from (select distinct campaign from happened) as named
) as campaigns using (campaign)"""


def paired(sql: str) -> str:
    """Return the SQL of a fact with pairs of a moment and an event as one number."""
    return _PAIR.sub(_ONE, sql)


# What is joined after loading.
JOINED = (
    """
    create table beginnings as
    select customer, side, moment from older
    union all
    select customer, side, min(moment) from letters group by customer, side""",
    # Campaigns go by numbers: names are long, and rows are many.
    """
    create table campaigns as
    select campaign, row_number() over (order by campaign) as number
    from (select distinct campaign from acts) as named""",
    """
    create table events as
    select
        people.customer, people.contact, campaigns.number as campaign, acts.event, acts.type,
        acts.moment, coalesce(judgements.by_machine, 0) as by_machine
    from acts
    join people on people.address = acts.recipient
        and people.since <= acts.moment and people.until > acts.moment
    join campaigns on campaigns.campaign = acts.campaign
    left join judgements on judgements.event = acts.event""",
)
