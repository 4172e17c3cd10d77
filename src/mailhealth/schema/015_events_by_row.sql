-- Events and the verdicts on them go by a number: half the size, and found at once.

-- An explicit key: `vacuum` may number rows without one anew. Everything else is as in 003.
create table events_015 (
    row        integer primary key,
    event      text not null unique,  -- dedupe key: the same row of another export has the same one
    source     text not null references sources,
    campaign   text not null,
    recipient  text not null references addresses,
    type       text not null check (type in ('sent', 'delivered', 'deferred', 'bounced', 'opened', 'clicked', 'complained', 'unsubscribed', 'subscribed', 'replied', 'dropped')),
    at         integer not null,
    known_at   integer not null,
    bounce     text check (bounce in ('hard', 'soft', 'blocked')),
    machine    integer check (machine in (0, 1)),  -- the platform's own verdict; null: it does not say
    subject    text not null,
    reference  text not null,      -- the platform's id of the message to this recipient
    url        text not null,
    agent      text not null,
    ip         text not null,
    reason     text not null,
    variant    text not null,      -- the version of the campaign, where two were tried
    message_id text not null,      -- the mail's own Message-ID, where the platform tells it
    method     text not null check (method in ('', 'GET', 'POST')),  -- how a link to unsubscribe was called
    exact      integer not null check (exact in (0, 1)),  -- 0: only the day is known
    alike      text not null,      -- of an event known by the platform's own id: its dedupe key where none is told
    raw        text not null       -- JSON: the row as it was; last, because it is long
) strict;
insert into events_015 select rowid, * from events order by rowid;

create temporary table judged_015 as
select e.rowid as row, v.machine, v.hides, v.points, v.rules
from verdicts v join events e on e.event = v.event order by e.rowid;

-- With older views that name them, tables can only be exchanged in the old way.
pragma legacy_alter_table = on;
drop view judged;
drop view subscription_changes;
drop table verdicts;
drop table events;
alter table events_015 rename to events;
pragma legacy_alter_table = off;

create table suspects (            -- opens, clicks and unsubscribes that a rule suspects; see judged
    row     integer primary key references events,
    machine integer check (machine in (0, 1)),  -- null: suspect, it cannot be told
    hides   integer not null check (hides in (0, 1)),  -- 1: a proxy, behind which nobody is seen
    points  real not null,
    rules   text not null          -- JSON: the names of the rules that fired
) strict;
insert into suspects select * from judged_015;
drop table judged_015;

create index events_facts on events (recipient, at, type, campaign, bounce, method);
create index events_alike on events (alike) where alike <> '';
create index events_message_id on events (message_id) where message_id <> '';
create index events_told on events (type, recipient, at)
    where type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed');
create index events_opt_out on events (row)    -- links to unsubscribe
    where type = 'clicked' and (url like '%unsubscribe%' or url like '%optout%'
        or url like '%opt-out%');

create view verdicts as
select e.event, s.machine, s.hides, s.points, s.rules from suspects s join events e using (row);

create view judged as              -- every open, click and unsubscribe: was it a person?
select
    events.event, events.source, events.campaign, events.recipient, events.type, events.at,
    iif(suspects.row is null, 0, suspects.machine) as machine,  -- null: it cannot be told
    coalesce(suspects.hides, 0) as hides,
    coalesce(suspects.rules, '[]') as rules
from events
left join suspects using (row)
where events.type in ('opened', 'clicked', 'unsubscribed');

-- As in 004, but for how verdicts are looked up (the view `verdicts` would be worked out whole for
-- it) and the next mail of a sender, which was looked for among everybody's.
create view subscription_changes as
select
    a.contact, e.at,
    iif(e.method = 'GET' or iif(s.row is null, 0, s.machine) is null, 'suspect', 'unsubscribed')
        as state,
    case e.method when 'POST' then 'one-click' when 'GET' then 'link' else 'log' end as means,
    e.event as evidence
from events e join addresses a on a.address = e.recipient
left join suspects s using (row)
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed') and e.type = 'unsubscribed'
    and s.machine is not 1
union all
select a.contact, e.at, 'subscribed', 'log', e.event
from events e join addresses a on a.address = e.recipient
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed')
    and e.type = 'subscribed'
union all
select a.contact, e.at, 'unsubscribed', 'complaint', e.event
from events e join addresses a on a.address = e.recipient
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed') and e.type = 'complained'
union all
select coalesce(a.contact, lower(n.recipient)), m.at, 'unsubscribed', 'complaint', n.message
from notices n join messages m on m.message = n.message
left join addresses a on a.address = n.recipient
where n.type = 'complained' and n.recipient <> ''
union all                          -- the provider hid who complained: the mail's own id tells
select distinct a.contact, m.at, 'unsubscribed', 'complaint', n.message
from notices n join messages m on m.message = n.message
cross join events e on e.message_id = n.original and e.message_id <> ''
join addresses a on a.address = e.recipient
where n.type = 'complained' and n.recipient = ''
    and not exists (               -- an id that many recipients share tells nobody
        select 1 from events o
        where o.message_id = n.original and o.message_id <> '' and o.recipient <> e.recipient
    )
union all
select coalesce(a.contact, lower(u.recipient)), m.at, 'unsubscribed', u.means, u.message
from unsubscribe_mails u cross join messages m on m.message = u.message
left join addresses a on a.address = u.recipient
where m.direction = 'in'
union all                          -- only in answers to campaigns, and never alone: models guess
select a.contact, m.at, 'suspect', 'intent', m.message
from campaign_replies r cross join messages m on m.message = r.message
join addresses a on a.address = m.sender
cross join annotations n on n.message = m.message and n.model = m.read_by
where n.task = 'intent' and n.label = 'unsubscribe'
    and m.message not in (select message from unsubscribe_mails)
union all
select contact, at, 'unreachable', 'bounce', evidence from hard_bounces
union                              -- one delivery may come after several bounces
select b.contact, d.at, 'reachable', 'delivery', d.event
from hard_bounces b cross join events d on d.event = (
    select e.event from events e
    where e.recipient = b.recipient and e.at > b.at and e.type = 'delivered'
    order by e.at, e.event limit 1
)
union
select b.contact, m.at, 'reachable', 'mail', m.message
from hard_bounces b cross join messages m on m.message = (
    select w.message from addresses mine
    cross join messages w indexed by messages_sender on w.sender = mine.address
    where mine.contact = b.contact and w.at > b.at and w.kind = 'human' and w.direction = 'in'
    order by w.at, w.message limit 1
);
