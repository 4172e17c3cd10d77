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
