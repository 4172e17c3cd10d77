-- What was said by hand, and what the first look left aside.

create table closings (            -- alerts that somebody closed by hand; their state is cleared
    alert  integer primary key references alerts on delete cascade,
    at     text not null,          -- when it was said
    reason text not null
) strict;

create table passed_over (         -- signs older than the first look; they open when they come anew
    customer text not null references customers on delete cascade,
    kind     text not null,
    severity text not null check (severity in ('low', 'medium', 'high')),
    primary key (customer, kind)
) strict, without rowid;
