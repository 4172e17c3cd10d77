-- What each mail is counted by: nothing (all), variant, customer, segment.
create or replace temporary view parts_all as
select rowid as mail, '' as part from mails;

create or replace temporary view parts_variant as
select rowid as mail, variant as part from mails;

-- Whose the contact was when the mail went out.
create or replace temporary view parts_customer as
select distinct mails.rowid as mail, coalesce(memberships.customer, '') as part
from mails
left join memberships
    on memberships.contact = mails.contact and moment >= since and moment < until;

create or replace temporary view parts_segment as
select distinct mails.rowid as mail, coalesce(memberships.segment, '') as part
from mails
left join memberships
    on memberships.contact = mails.contact and moment >= since and moment < until;
