-- Mail, as it really is: what machines say, who is one person, what joined a thread.

create table notices (             -- what a machine says of another mail, or of its owner
    message   text not null references messages,
    type      text not null check (type in ('bounced', 'complained', 'displayed', 'absent')),
    recipient text not null,       -- the failed address, or who complained; '' where it is not said
    bounce    text check (bounce in ('hard', 'soft', 'blocked')),
    code      text not null,       -- enhanced status, such as 5.1.1
    reason    text not null,
    original  text not null,       -- the Message-ID it speaks of
    until     text not null,       -- ISO date: the end of an absence
    primary key (message, type, recipient)
) strict, without rowid;

create table tails (               -- how senders' mails end: an end met three times is a signature
    tail    integer not null,      -- fingerprint of a sender and some last lines
    message text not null references messages,  -- the first three mails that end so
    primary key (tail, message)
) strict, without rowid;

-- What joined a message to its thread. first: it began it; lost: an answer to nothing we have.
alter table messages add column joined_by text not null default 'first'
    check (joined_by in ('gmail', 'references', 'thread-index', 'subject', 'first', 'lost'));
-- The subject without its prefixes, in lower case; '' where it says nothing.
alter table messages add column topic text not null default '';
-- JSON: spans [start, end] of greetings and closings in new_text.
alter table messages add column courtesies text not null default '[]';
-- JSON: Gmail's labels, as an archive of it tells them.
alter table messages add column labels text not null default '[]';
create index messages_topic on messages (topic, at) where topic <> '';
create index messages_in_reply_to on messages (in_reply_to) where in_reply_to is not null;

-- Several addresses of one person go by one contact's name; null: by their own.
alter table contacts add column person text;

create table contact_customers (   -- whose a contact was, and when
    contact    text not null references contacts,
    customer   text not null references customers,
    valid_from text not null,      -- ISO date, included; '' since ever
    valid_to   text not null,      -- ISO date, excluded; '' for good
    primary key (contact, customer, valid_from)
) strict, without rowid;
create index contact_customers_customer on contact_customers (customer);
insert into contact_customers
select contact, customer, '', '' from contacts where customer is not null;

-- The customer file's rules are dated, and name the persons behind addresses.
alter table customer_rules rename to customer_rules_001;
create table customer_rules (      -- the customer file's domains and addresses
    value      text not null,
    customer   text not null references customers,
    valid_from text not null,      -- ISO date, included; '' since ever
    valid_to   text not null,      -- ISO date, excluded; '' for good
    person     text not null,      -- the contact that an address's person goes by; '' not said
    primary key (value, valid_from)
) strict, without rowid;
insert into customer_rules select value, customer, '', '', '' from customer_rules_001;
drop table customer_rules_001;

create table settings (            -- how this company works: 'consumer' is 'yes' or 'no'
    name  text primary key,
    value text not null
) strict, without rowid;
