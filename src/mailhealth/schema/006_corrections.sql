-- What people correct, which thresholds they use, and the same words read once.

create table corrections (         -- a person's word on a mail; what it says is in annotations too
    message   text primary key references messages,
    at        integer not null,    -- when it was last said
    sentiment text check (sentiment in ('negative', 'neutral', 'positive')),  -- null: not said
    intents   text,                -- JSON: the intents it has, [] for none; null: not said
    note      text not null
) strict, without rowid;

create table texts (               -- the first mail with these very words that a model has read
    digest  blob not null,         -- of subject, own words and language
    model   text not null,
    message text not null references messages,
    primary key (digest, model)
) strict, without rowid;

-- Renaming the table turns every older view to the name `readings`; then the table comes back.
alter table annotations rename to readings;
create table annotations (         -- what a model or a person read in a message's own words
    message text not null references messages,
    model   text not null,         -- 'correction': a person
    task    text not null check (task in ('sentiment', 'intent', 'doubt', 'topic', 'nps', 'csat')),
    label   text not null,         -- sentiment: negative neutral positive unknown; intent, doubt, topic: its name; else 'answer'
    value   real,                  -- sentiment: score in [-1, 1]; intent, doubt: probability; nps 0-10; csat 1-5
    primary key (message, model, task, label)
) strict, without rowid;           -- doubt: an intent that is likelier than 0.05 and was not told
insert into annotations select message, model, task, label, value from readings;
drop table readings;

-- What counts of a mail: a person's word, else what the newest model told, with the thresholds of
-- this installation (settings: 'threshold MODEL INTENT') where it has chosen some.
create view readings as
select
    n.message, m.read_by as model, iif(n.task = 'doubt', 'intent', n.task) as task, n.label, n.value
from annotations n
join messages m on m.message = n.message
left join corrections c on c.message = n.message
left join settings s
    on n.task in ('intent', 'doubt') and s.name = 'threshold ' || n.model || ' ' || n.label
where n.model = 'correction' or n.model = m.read_by and case n.task
    when 'sentiment' then c.sentiment is null
    when 'intent' then c.intents is null and n.value >= coalesce(cast(s.value as real), 0)
    when 'doubt' then c.intents is null and n.value >= coalesce(cast(s.value as real), 2)
    else 1 end;
