-- What readers of email_signals need beside it: what each definition asks, and which rows went.

insert or replace into settings (name, value) values ('email_signals', '2.0.0');  -- the contract

-- What was kept before there were revisions is new to every reader.
update email_signals set revision = 1 where revision = 0;

create table definitions (         -- CONTRACT: what the definitions in email_signals ask
    signal      text not null,
    definition  text not null,     -- fingerprint of the signal's table in health.toml
    asks        text not null,     -- the question
    component   text not null,     -- the part of the score it belongs to
    kind        text not null,     -- rate count mean median value change
    window_days integer not null,  -- the window that is scored
    current     integer not null check (current in (0, 1)),  -- 1: the newest evaluation used it
    primary key (signal, definition)
) strict, without rowid;

create table removals (            -- CONTRACT: rows of email_signals that are gone
    revision integer not null,     -- counted together with email_signals.revision
    customer text,                 -- all rows of this customer; null: of everybody
    as_of    text,                 -- all rows as of this instant; null: of every instant
    check ((customer is null) <> (as_of is null))
) strict;
create index removals_revision on removals (revision);

create view email_signals_wide as  -- a column a signal, laid out by the first evaluation
select distinct customer, as_of from email_signals;
