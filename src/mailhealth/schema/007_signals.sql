-- What it means, kept whole: every definition's answers beside those of the definitions before.

alter table email_signals rename to email_signals_001;
create table email_signals (       -- THE CONTRACT (version 2): one answer per customer, instant, window, signal and definition
    customer    text not null references customers,
    as_of       text not null,     -- nothing that happened at or after this instant was read
    window_days integer not null,
    signal      text not null,     -- health.toml says what each asks
    value       real,              -- null: unknown, which is never zero
    n           real,              -- how much the value rests on
    k           real,              -- of which counted (rates, counts)
    low         real,              -- 95 % interval
    high        real,
    shrunk      real,              -- the value drawn to its cohort's, by how little it rests on
    reliability real not null,     -- in [0, 1]: how much of shrunk is the customer's own
    change      real,              -- against the customer's own 270 days before the window
    definition  text not null,     -- fingerprint of the signal's table in health.toml
    revision    integer not null,  -- rises with every evaluation that changed the row
    primary key (customer, as_of, window_days, signal, definition)
) strict, without rowid;
insert into email_signals
select
    customer, as_of, window_days, signal, value, n, k, low, high, value, iif(value is null, 0.0, 1.0),
    null, definition, 0
from email_signals_001;
drop table email_signals_001;
create index email_signals_as_of on email_signals (as_of);
create index email_signals_revision on email_signals (revision);

alter table contributions rename to contributions_001;
alter table scores rename to scores_001;
create table scores (
    customer text not null references customers,
    as_of    text not null,
    value    real not null,        -- 0 to 100
    raw      real not null,        -- before caps and clipping
    band     text not null check (band in ('healthy', 'at risk', 'unhealthy', 'unknown')),
    coverage real not null,        -- share of the points with data behind them
    low      real not null,        -- 80 % interval
    high     real not null,
    rank     real,                 -- share of the judged customers that stand lower; null: band unknown
    because  text not null,        -- JSON: the reasons that weigh most, as sentences
    model    text not null,        -- fingerprint of health.toml and its facts
    primary key (customer, as_of, model)
) strict, without rowid;
create table contributions (       -- the lines of a score; base + their sum = value
    customer text not null,
    as_of    text not null,
    model    text not null,
    signal   text not null,
    points   real not null,
    because  text not null,
    primary key (customer, as_of, model, signal),
    foreign key (customer, as_of, model) references scores
) strict, without rowid;
insert into scores
select customer, as_of, value, raw, band, coverage, low, high, null, because, model from scores_001;
insert into contributions
select c.customer, c.as_of, s.model, c.signal, c.points, c.because
from contributions_001 c join scores_001 s on s.customer = c.customer and s.as_of = c.as_of;
drop table contributions_001;
drop table scores_001;
create index scores_as_of on scores (as_of);

create table fits (                -- what all customers share: waits, quiet days, cohorts (JSON)
    month   integer not null,      -- fitted through the beginning of this month, in seconds
    model   text not null,         -- fingerprint of health.toml and its facts
    content text not null,
    primary key (month, model)
) strict, without rowid;

create index messages_sides on messages (direction, at) where kind = 'human';
