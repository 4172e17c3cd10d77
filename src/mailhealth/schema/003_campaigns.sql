-- Campaigns: who really opened, who answered, who still wants mail, what surveys say.

alter table skipped add column meant integer not null default 0;  -- 1: left out on purpose

-- Events know more: somebody may want mail again, and five columns.
alter table events rename to events_002;
drop index events_recipient;
create table events (
    event      text primary key,   -- dedupe key: the same row of another export has the same one
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
insert into events
select
    event, source, campaign, recipient, type, at, known_at, bounce, machine, subject, reference,
    url, agent, ip, reason, '', '', '', 1, '', raw
from events_002;
drop table events_002;
create index events_recipient on events (recipient, at);
create index events_alike on events (alike) where alike <> '';

create table verdicts (            -- opens, clicks and unsubscribes that a rule suspects; see judged
    event   text primary key references events,
    machine integer check (machine in (0, 1)),  -- null: suspect, it cannot be told
    hides   integer not null check (hides in (0, 1)),  -- 1: a proxy, behind which nobody is seen
    points  real not null,
    rules   text not null          -- JSON: the names of the rules that fired
) strict, without rowid;

create view judged as              -- every open, click and unsubscribe: was it a person?
select
    events.event, events.source, events.campaign, events.recipient, events.type, events.at,
    iif(verdicts.event is null, 0, verdicts.machine) as machine,  -- null: it cannot be told
    coalesce(verdicts.hides, 0) as hides,
    coalesce(verdicts.rules, '[]') as rules
from events
left join verdicts on verdicts.event = events.event
where events.type in ('opened', 'clicked', 'unsubscribed');

create table campaign_replies (    -- mails from customers that answer a campaign
    message    text primary key references messages,
    campaign   text not null,
    recipient  text not null references addresses,  -- to whom the campaign went
    method     text not null check (method in ('message-id', 'address', 'subject')),
    confidence real not null
) strict, without rowid;

create table answers (             -- surveys, from the exports of their platforms
    answer    text primary key,    -- dedupe key
    source    text not null references sources,
    survey    text not null,
    recipient text not null references addresses,
    kind      text not null check (kind in ('nps', 'csat')),
    at        integer not null,    -- when it was answered; asked, where it was not
    known_at  integer not null,
    asked_at  integer,
    value     real,                -- null: asked, and silent
    scale     integer not null,    -- the highest value that can be given
    comment   text not null,
    read_by   text,                -- the model that has read the comment; null: none yet
    raw       text not null        -- JSON: the row as it was
) strict;
create index answers_recipient on answers (recipient, at);

create view survey_answers as      -- what people answered; of several within 10 s only the last,
select                             -- because programs fetch the links in a mail before it is read
    answer, source, survey, kind, recipient, contact, person, at, asked_at, value, scale, comment
from (
    select
        answers.*, contacts.contact, coalesce(contacts.person, contacts.contact) as person,
        lead(answers.at) over (
            partition by coalesce(contacts.person, contacts.contact), survey, kind
            order by answers.at, answers.rowid
        ) as next_at
    from answers
    join addresses on addresses.address = answers.recipient
    join contacts on contacts.contact = addresses.contact
    where value is not null
)
where next_at is null or next_at - at > 10;

create table answer_annotations (  -- what a model read in an answer's comment
    answer text not null references answers,
    model  text not null,
    task   text not null check (task in ('sentiment', 'intent')),
    label  text not null,
    value  real,
    primary key (answer, model, task, label)
) strict, without rowid;
