"""Replies belong to campaigns: which campaign a mail from a customer answers, and how we know.

Everything is matched anew each time, so that the order in which mails and logs came makes no
difference. What the mails name is looked up in the events, never the other way round.
"""

import re
from collections.abc import Iterator

from sqlite_utils import Database

from mailhealth import threads
from mailhealth.store import insert, unsubscribe_mails

DAY = 86_400  # seconds
DAYS = 30  # an answer that names nothing is an answer to a campaign that far back
SOON = 7  # days
SHORT = 13  # bytes: a shorter subject, of 12 letters or 4 signs, is met by chance
TOKEN = 6  # characters of a reference; a shorter one is met by chance
COLLEAGUES = 200  # contacts of a customer; in a larger one, to be a colleague says little
PIECES = 10  # of a local part, more is nobody's token
LONGEST = 320  # characters of an address (RFC 5321 4.5.3.1)

_SEPARATOR = re.compile(r"([-+=._])")

# What may answer a campaign. `follows` is an answer to a person's mail that we hold.
INCOMING = """
create temp table incoming as
select m.message, m.sender, m.at, m.topic, m.in_reply_to, m.thread,
    m.joined_by <> 'first' or m.quoted_text <> '' as answers,
    m.joined_by = 'subject' or exists (
        select 1 from messages p
        where p.message_id = m.in_reply_to and p.kind = 'human' and p.message <> m.message
    ) as follows
from messages m
where m.direction = 'in' and m.sender is not null
    and (m.kind = 'human' or m.message in (select message from unsubscribe_mails))
"""
# What mails name: Message-IDs as they are, their local parts (where many platforms put their own
# id of the mail), and pieces of the addresses they were sent to, in whatever case.
NAMED = (
    "create temp table named (mark text primary key) without rowid",
    "insert or ignore into named select in_reply_to from incoming where in_reply_to is not null",
    """
    insert or ignore into named
    select t.message_id from thread_ids t
    where t.thread in (select thread from incoming where not follows)
    """,
    "create temp table tokens (mark text collate nocase primary key) without rowid",
    f"""
    insert or ignore into tokens
    select substr(mark, 1, instr(mark, '@') - 1) from named where instr(mark, '@') > {TOKEN}
    """,
    "insert or ignore into tokens select mark from pieces",
)
# The mails of campaigns that are named. Some platforms give all recipients one id: then
# `recipient` is null.
KNOWN = (
    """
    create temp table known as
    select 'id' as what, n.mark as mark, min(e.campaign) as campaign,
        iif(min(e.recipient) = max(e.recipient), min(e.recipient), null) as recipient,
        min(e.at) as sent
    from named n cross join events e on e.message_id = n.mark and e.message_id <> ''
    group by n.mark
    """,
    """
    insert into known
    select 'token', lower(t.mark), min(e.campaign),
        iif(min(e.recipient) = max(e.recipient), min(e.recipient), null), min(e.at)
    from events e cross join tokens t on t.mark = e.reference
    group by t.mark
    """,
    "create index temp.known_mark on known (mark)",
)
FOUND = """
create temp table found (
    message text primary key, sender text, campaign text, recipient text, what text, mark text,
    method text, confidence real
) without rowid
"""
# The surest first; a mail that has been found stays. Of several the last one sent is answered.
BY_ID = (
    """
    insert or ignore into found
    select i.message, i.sender, k.campaign, k.recipient, k.what, k.mark, 'message-id', 1.0
    from incoming i join known k on k.mark = i.in_reply_to and k.what = 'id'
    """,
    """
    insert or ignore into found
    select i.message, i.sender, k.campaign, k.recipient, k.what, k.mark, 'message-id', 1.0
    from incoming i join known k
        on k.mark = lower(substr(i.in_reply_to, 1, instr(i.in_reply_to, '@') - 1))
        and k.what = 'token'
    """,
    """
    create temp table told as
    select t.thread, k.* from known k join thread_ids t on t.message_id = k.mark
    where k.what = 'id'
    union all
    select t.thread, k.* from named n join thread_ids t on t.message_id = n.mark
    join known k on k.mark = lower(substr(n.mark, 1, instr(n.mark, '@') - 1)) and k.what = 'token'
    """,
    """
    insert or ignore into found
    select i.message, i.sender, k.campaign, k.recipient, k.what, k.mark, 'message-id', 1.0
    from incoming i join told k on k.thread = i.thread
    where not i.follows and k.sent <= i.at
    order by k.sent desc, k.mark
    """,
    """
    insert or ignore into found
    select i.message, i.sender, k.campaign, k.recipient, k.what, k.mark, 'address', 0.95
    from incoming i join recipients r on r.message = i.message
    join pieces p on p.address = r.address
    join known k on k.mark = lower(p.mark) and k.what = 'token'
    order by length(k.mark) desc, k.mark
    """,
)
# To whom a mail went whose id says it of many: to the sender, to another address of theirs, to a
# colleague who forwarded it; else we only know who answered.
FIRMS = f"""
create temp table firms as
select customer from contact_customers group by customer having count(*) <= {COLLEAGUES}
"""
RECIPIENT = """
update found set recipient = coalesce(
    (select e.recipient from addresses s join addresses mine on mine.contact = s.contact
        cross join events e on e.recipient = mine.address
        and iif(found.what = 'id', e.message_id, lower(e.reference)) = found.mark
     where s.address = found.sender order by e.recipient <> s.address, e.recipient limit 1),
    (select e.recipient from addresses s join contact_customers own on own.contact = s.contact
        join contact_customers peer on peer.customer = own.customer
        join firms on firms.customer = own.customer
        join addresses a on a.contact = peer.contact
        cross join events e on e.recipient = a.address
        and iif(found.what = 'id', e.message_id, lower(e.reference)) = found.mark
     where s.address = found.sender order by e.recipient limit 1),
    sender)
where recipient is null
"""
# By subject, what names nothing: first what the sender got, then what a colleague got.
UNNAMED = """
create temp table unnamed as
select i.* from incoming i
where not i.follows and i.topic in (select topic from subjects)
    and i.message not in (select message from found)
"""
CIRCLES = (  # who the sender may have got it as, and what that takes from the confidence, in tenths
    (
        """
        join contacts me on me.contact = s.contact
        join contacts they on they.contact = me.contact
            or they.person = me.person and they.person is not null
        join addresses mine on mine.contact = they.contact
        """,
        0,
    ),
    (
        """
        join contact_customers own on own.contact = s.contact
        join contact_customers peer on peer.customer = own.customer
        join firms on firms.customer = own.customer
        join addresses mine on mine.contact = peer.contact
        """,
        2,
    ),
)
# Confidence in tenths: 8 within a week, 6 within the month; less for a colleague, a short subject,
# another campaign of the same subject, and a mail that looks like no answer. Below 4 it is none.
BY_SUBJECT = f"""
insert or ignore into found
select message, sender, campaign, recipient, '', '', 'subject', tenths / 10.0
from (
    select *, iif(at - handed <= {SOON * DAY}, 8, 6) - :less
        - iif(length(cast(topic as blob)) < {SHORT}, 2, 0)
        - iif(count(*) over (partition by message, recipient) > 1, 2, 0)
        - iif(answers, 0, 2) as tenths
    from (
        select u.message, u.sender, u.at, u.topic, u.answers, e.campaign, e.recipient,
            coalesce(max(iif(e.type in ('sent', 'delivered'), e.at, null)), max(e.at)) as handed
        from unnamed u
        join addresses s on s.address = u.sender
        {{circle}}
        join subjects t on t.topic = u.topic
        cross join events e on e.recipient = mine.address and e.at < u.at
            and e.campaign = t.campaign and e.subject = t.subject
            and e.type in ('sent', 'delivered', 'opened', 'clicked')
        where u.message not in (select message from found)
        group by u.message, e.campaign, e.recipient
    )
    where at - handed <= {DAYS * DAY}
)
where tenths >= 4
order by handed desc, recipient <> sender, recipient, campaign
"""
KEEP = (
    "delete from campaign_replies",
    """
    insert into campaign_replies
    select message, campaign, recipient, method, confidence from found
    where message not in (select message from unsubscribe_mails where means = 'mailto')
    order by message
    """,
    """
    update unsubscribe_mails set recipient = f.recipient
    from found f where f.message = unsubscribe_mails.message and means = 'mailto'
    """,
)
TEMPORARY = (
    "incoming", "pieces", "named", "tokens", "known", "found", "told", "firms", "subjects",
    "unnamed",
)  # fmt: skip


def find(db: Database) -> int:
    """Find the campaign that each human mail from outside answers; return how many do.

    Directions must have been assigned. By the ids a mail names (confidence 1.0), a token in an
    address it was sent to (0.95), or its subject, its sender and the time (0.4 to 0.8). A mail
    that only asks to unsubscribe is no answer; its token tells who gets no more mail.
    """
    with db.atomic():
        _clear(db)
        unsubscribe_mails.find(db)
        db.execute(INCOMING)
        db.execute(
            "create temp table pieces (address text, mark text, primary key (address, mark))"
        )
        insert(db, "pieces", _pieces(db))
        for statement in (*NAMED, *KNOWN, FOUND, *BY_ID, FIRMS, RECIPIENT):
            db.execute(statement)
        _by_subject(db)
        for statement in KEEP:
            db.execute(statement)
        _clear(db)
    return int(db.execute("select count(*) from campaign_replies").fetchone()[0])


def _clear(db: Database) -> None:
    for table in TEMPORARY:
        db.execute(f"drop table if exists temp.{table}")


def _pieces(db: Database) -> Iterator[dict[str, str]]:
    """What could be a token in the addresses that answers were sent to."""
    rows = db.execute(
        "select distinct r.address from incoming i join recipients r on r.message = i.message"
    ).fetchall()
    return ({"address": address, "mark": mark} for (address,) in rows for mark in tokens(address))


def tokens(address: str) -> set[str]:
    """Name every piece of an address that could be a platform's id of a mail.

    >>> sorted(tokens("reply+a1b2c3@acme.example"))
    ['a1b2c3', 'reply+a1b2c3']
    """
    local = address.rpartition("@")[0]
    if len(local) > LONGEST:
        return set()
    parts = _SEPARATOR.split(local)[: 2 * PIECES]
    spans = (
        "".join(parts[begin : end + 1])
        for begin in range(0, len(parts), 2)
        for end in range(begin, len(parts), 2)
    )
    return {each for each in spans if len(each) >= TOKEN and any(map(str.isdigit, each))}


def _by_subject(db: Database) -> None:
    """Find what names nothing by subjects, which are folded as those of mails are."""
    db.execute("create temp table subjects (topic text, campaign text, subject text)")
    wanted = {
        row[0]
        for row in db.execute(
            "select distinct topic from incoming where not follows and topic <> ''"
            " and message not in (select message from found)"
        ).fetchall()
    }
    sent = db.execute("select distinct campaign, subject from events where subject <> ''")
    folded = ((_topic(subject), campaign, subject) for campaign, subject in sent.fetchall())
    insert(
        db,
        "subjects",
        ({"topic": t, "campaign": c, "subject": s} for t, c, s in folded if t in wanted),
    )
    db.execute(UNNAMED)
    for circle, less in CIRCLES:
        db.execute(BY_SUBJECT.format(circle=circle), {"less": less})


def _topic(subject: str) -> str:
    """Fold a subject; personal ones are as many as recipients, so the plain ones go fast."""
    if subject.isascii() and ":" not in subject and "[" not in subject:
        return " ".join(subject[:1000].split()).casefold()
    return threads.topic(subject)
