-- Where things come from.

create table sources (            -- one configured mailbox or export
    source    text primary key,
    connector text not null,
    settings  text not null       -- JSON; never a secret
) strict;

create table cursors (            -- how far each file or folder of a source has been read
    source text not null references sources,
    place  text not null,
    cursor text not null,
    primary key (source, place)
) strict, without rowid;

create table skipped (            -- what could not be read, and why
    source text not null references sources,
    place  text not null,
    why    text not null,
    primary key (source, place, why)
) strict, without rowid;

-- Who is who.

create table ours (               -- our own domains and addresses
    value text primary key
) strict, without rowid;

create table customers (          -- a company we serve
    customer text primary key,    -- the name in the customer file, else the company domain
    segment  text,
    owner    text,
    started  text,                -- ISO date
    renews   text,                -- ISO date
    origin   text not null check (origin in ('file', 'domain'))
) strict, without rowid;

create table customer_rules (     -- the customer file's domains and addresses
    value    text primary key,
    customer text not null references customers
) strict, without rowid;

create table contacts (           -- a person: one address with its +tags folded
    contact  text primary key,
    name     text not null,
    ours     integer not null default 0,
    customer text references customers,
    why      text                 -- how the customer was found, or why none was; null: not looked yet
) strict, without rowid;

create table addresses (          -- every address ever seen, as written
    address text primary key,
    contact text not null references contacts
) strict, without rowid;

-- What was written.

create table messages (
    message     text primary key,  -- our own key: a hash, because Message-IDs repeat and go missing
    message_id  text,
    in_reply_to text,
    thread      text not null,
    at          integer not null,  -- when it happened: topmost Received, else the server's date, else Date
    known_at    integer not null,  -- when we read it
    utc_offset  integer,           -- minutes, as the sender's clock claims
    sender      text references addresses,
    subject     text not null,
    kind        text not null check (kind in ('human', 'auto_reply', 'bounce', 'complaint', 'receipt', 'list', 'calendar')),
    lang        text not null,
    new_text    text not null,     -- the author's own words
    quoted_text text not null,
    signature   text not null,
    attachments text not null,     -- JSON: [{name, media_type, size}]
    problems    text not null,     -- JSON: what had to be repaired
    direction   text check (direction in ('in', 'out', 'internal')),  -- null: not looked yet
    read_by     text               -- the model that has read it; null: none yet
) strict;
create index messages_message_id on messages (message_id);
create index messages_thread on messages (thread);
create index messages_direction on messages (direction) where direction is null;

create table places (              -- one mail found in three folders is one message with three places
    message text not null references messages,
    source  text not null references sources,
    place   text not null,
    primary key (message, source, place)
) strict, without rowid;

create table recipients (
    message text not null references messages,
    role    text not null check (role in ('to', 'cc')),
    address text not null references addresses,
    primary key (message, role, address)
) strict, without rowid;

create table thread_ids (          -- every Message-ID written or referred to, and its conversation
    message_id text primary key,
    thread     text not null
) strict, without rowid;
create index thread_ids_thread on thread_ids (thread);

create table message_customers (   -- whose mail it is: the sender's customer, or the recipients'
    customer text not null references customers,
    message  text not null references messages,
    primary key (customer, message)
) strict, without rowid;
create index message_customers_message on message_customers (message);

create table annotations (         -- what a model read in a message's own words
    message text not null references messages,
    model   text not null,
    task    text not null check (task in ('sentiment', 'intent', 'nps', 'csat')),
    label   text not null,         -- sentiment: negative neutral positive unknown; intent: its name; else 'answer'
    value   real,                  -- sentiment: score in [-1, 1]; intent: probability; nps 0-10; csat 1-5
    primary key (message, model, task, label)
) strict, without rowid;

-- How campaigns land.

create table events (
    event     text primary key,    -- dedupe key: the same row of another export has the same one
    source    text not null references sources,
    campaign  text not null,
    recipient text not null references addresses,
    type      text not null check (type in ('sent', 'delivered', 'deferred', 'bounced', 'opened', 'clicked', 'complained', 'unsubscribed', 'replied', 'dropped')),
    at        integer not null,
    known_at  integer not null,
    bounce    text check (bounce in ('hard', 'soft', 'blocked')),
    machine   integer check (machine in (0, 1)),  -- the platform's own verdict; null: it does not say
    subject   text not null,
    reference text not null,       -- the platform's id of the message to this recipient
    url       text not null,
    agent     text not null,
    ip        text not null,
    reason    text not null,
    raw       text not null        -- JSON: the row as it was
) strict;
create index events_recipient on events (recipient, at);

-- What it means.

create table email_signals (       -- THE CONTRACT: one answer per customer, day, window and signal
    customer    text not null references customers,
    as_of       text not null,     -- ISO instant in UTC; nothing at or after it was read
    window_days integer not null,
    signal      text not null,
    value       real,              -- null: unknown, which is never zero
    n           real,              -- how much the value rests on
    k           real,              -- of which counted (rates)
    low         real,              -- 95 % interval
    high        real,
    definition  text not null,     -- fingerprint of the signal's table in health.toml
    primary key (customer, as_of, window_days, signal)
) strict, without rowid;

create table scores (
    customer text not null references customers,
    as_of    text not null,
    value    real not null,        -- 0 to 100
    raw      real not null,        -- before caps and clipping
    band     text not null check (band in ('healthy', 'at risk', 'unhealthy', 'unknown')),
    coverage real not null,        -- share of the points with data behind them
    low      real not null,        -- 80 % interval
    high     real not null,
    because  text not null,        -- JSON: the reasons that weigh most, as sentences
    model    text not null,        -- fingerprint of health.toml
    primary key (customer, as_of)
) strict, without rowid;

create table contributions (       -- the lines of a score; base + their sum = value
    customer text not null,
    as_of    text not null,
    signal   text not null,
    points   real not null,
    because  text not null,
    primary key (customer, as_of, signal),
    foreign key (customer, as_of) references scores
) strict, without rowid;
