-- What lies where on mail servers.

create table on_server (           -- every message of a folder that was looked at: read, or skipped
    source      text not null references sources,
    folder      text not null,
    validity    integer not null,  -- UIDVALIDITY: a folder that is numbered anew has another one
    uid         integer not null,
    message     text references messages,  -- null: it could not be read; the table skipped says why
    fingerprint text not null,     -- tells the same message under another number; '': nothing does
    gone_at     integer,           -- when it was seen to be gone from there; its message stays
    primary key (source, folder, validity, uid)
) strict, without rowid;
create index on_server_fingerprint on on_server (source, fingerprint) where fingerprint <> '';
