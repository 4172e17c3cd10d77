-- Who must be looked at, and what is to be done about it.

create table alerts (              -- one for each time that a kind of alert opened for a customer
    alert    integer primary key,
    customer text not null references customers on delete cascade,
    kind     text not null,        -- as alerts.toml names it; or a playbook, whose case is its own
    severity text not null check (severity in ('low', 'medium', 'high')),
    state    text not null check (state in ('open', 'cleared')),
    opened   text not null,        -- the instant as of which it opened
    as_of    text not null,        -- the newest instant as of which it was open
    cleared  text,                 -- the instant as of which its reason had gone; null: open
    because  text not null,        -- JSON: by language, what it says and the reasons of the score
    evidence text not null         -- JSON: keys of the messages and events behind it
) strict;
create unique index alerts_open on alerts (customer, kind) where state = 'open';
create index alerts_customer on alerts (customer, kind, opened);

create table alert_changes (       -- the history of alerts
    alert    integer not null references alerts on delete cascade,
    as_of    text not null,
    change   text not null check (change in ('opened', 'raised', 'cleared')),
    severity text not null,
    sent     text,                 -- when somebody was told; null: nobody yet
    primary key (alert, as_of)
) strict, without rowid;

create table tasks (               -- what playbooks ask for, once for each alert
    task     integer primary key,
    alert    integer not null references alerts on delete cascade,
    playbook text not null,
    step     integer not null,     -- its number in the playbook
    what     text not null,        -- JSON: the sentence by language
    owner    text,                 -- null: nobody is named
    due      text not null,        -- ISO date
    state    text not null check (state in ('open', 'done', 'dropped')),
    changed  text,                 -- when somebody said that it is done or dropped
    unique (alert, playbook, step)
) strict;
