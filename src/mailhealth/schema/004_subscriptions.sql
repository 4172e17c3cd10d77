-- Who answered a campaign, and who still wants mail.

create index events_message_id on events (message_id) where message_id <> '';
-- The few events that are looked up by what happened, and not by whom.
create index events_told on events (type, recipient, at)
    where type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed');
create index addresses_contact on addresses (contact);
create index contacts_person on contacts (person) where person is not null;
create index messages_sender on messages (sender, at);
create index campaign_replies_recipient on campaign_replies (recipient);

create table unsubscribe_mails (   -- mails that ask for no more mail
    message   text primary key references messages,
    recipient text not null,       -- who gets no more mail: a token in the address may name another than the sender
    means     text not null check (means in ('mailto', 'words'))
) strict, without rowid;

create table looked_at (           -- how far a step has read a table, where it need not begin anew
    step  text primary key,
    until integer not null         -- the last rowid
) strict, without rowid;

-- Every answer to a campaign, once: what the mailboxes hold, and what a platform tells that they
-- do not hold within a day. A platform takes an automatic answer for one; the mailboxes know it.
create view replies as
select r.campaign, r.recipient, m.at, r.method, r.confidence, r.message as evidence
from campaign_replies r join messages m on m.message = r.message
union all
select e.campaign, e.recipient, e.at, 'platform', 1.0, e.event
from events e join addresses a on a.address = e.recipient
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed') and e.type = 'replied'
    and e.machine is not 1
    and not exists (
        select 1 from campaign_replies r join messages m on m.message = r.message
        where r.recipient = e.recipient and r.campaign = e.campaign
            and m.at between e.at - 86400 and e.at + 86400
    )
    and not exists (
        select 1 from addresses mine join messages m on m.sender = mine.address
        where mine.contact = a.contact and m.at between e.at - 86400 and e.at + 86400
            and m.kind = 'auto_reply'
    );

create view hard_bounces as        -- addresses said to be dead, by a platform or by a returned mail
select a.contact, e.recipient, e.at, e.event as evidence
from events e join addresses a on a.address = e.recipient
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed')
    and e.type = 'bounced' and e.bounce = 'hard'
union all
select coalesce(a.contact, lower(n.recipient)), n.recipient, m.at, n.message
from notices n join messages m on m.message = n.message
left join addresses a on a.address = n.recipient
where n.type = 'bounced' and n.bounce = 'hard' and n.recipient <> '';

-- Everything that says whether somebody wants mail, and whether mail reaches them.
-- state: unsubscribed; suspect (a machine may have done it, or a model read it: a person should
-- look); subscribed (again); unreachable; reachable (again). means: by what it was said.
create view subscription_changes as
select
    a.contact, e.at,
    iif(e.method = 'GET' or iif(v.event is null, 0, v.machine) is null, 'suspect', 'unsubscribed')
        as state,
    case e.method when 'POST' then 'one-click' when 'GET' then 'link' else 'log' end as means,
    e.event as evidence
from events e join addresses a on a.address = e.recipient
left join verdicts v on v.event = e.event
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed') and e.type = 'unsubscribed'
    and v.machine is not 1
union all
select a.contact, e.at, 'subscribed', 'log', e.event
from events e join addresses a on a.address = e.recipient
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed')
    and e.type = 'subscribed'
union all
select a.contact, e.at, 'unsubscribed', 'complaint', e.event
from events e join addresses a on a.address = e.recipient
where e.type in ('bounced', 'complained', 'replied', 'subscribed', 'unsubscribed') and e.type = 'complained'
union all
select coalesce(a.contact, lower(n.recipient)), m.at, 'unsubscribed', 'complaint', n.message
from notices n join messages m on m.message = n.message
left join addresses a on a.address = n.recipient
where n.type = 'complained' and n.recipient <> ''
union all                          -- the provider hid who complained: the mail's own id tells
select distinct a.contact, m.at, 'unsubscribed', 'complaint', n.message
from notices n join messages m on m.message = n.message
cross join events e on e.message_id = n.original and e.message_id <> ''
join addresses a on a.address = e.recipient
where n.type = 'complained' and n.recipient = ''
    and not exists (               -- an id that many recipients share tells nobody
        select 1 from events o
        where o.message_id = n.original and o.message_id <> '' and o.recipient <> e.recipient
    )
union all
select coalesce(a.contact, lower(u.recipient)), m.at, 'unsubscribed', u.means, u.message
from unsubscribe_mails u cross join messages m on m.message = u.message
left join addresses a on a.address = u.recipient
where m.direction = 'in'
union all                          -- only in answers to campaigns, and never alone: models guess
select a.contact, m.at, 'suspect', 'intent', m.message
from campaign_replies r cross join messages m on m.message = r.message
join addresses a on a.address = m.sender
cross join annotations n on n.message = m.message and n.model = m.read_by
where n.task = 'intent' and n.label = 'unsubscribe'
    and m.message not in (select message from unsubscribe_mails)
union all
select contact, at, 'unreachable', 'bounce', evidence from hard_bounces
union                              -- one delivery may come after several bounces
select b.contact, d.at, 'reachable', 'delivery', d.event
from hard_bounces b cross join events d on d.event = (
    select e.event from events e
    where e.recipient = b.recipient and e.at > b.at and e.type = 'delivered'
    order by e.at, e.event limit 1
)
union
select b.contact, m.at, 'reachable', 'mail', m.message
from hard_bounces b cross join messages m on m.message = (
    select w.message from addresses mine join messages w on w.sender = mine.address
    where mine.contact = b.contact and w.at > b.at and w.kind = 'human' and w.direction = 'in'
    order by w.at, w.message limit 1
);

-- The state of each contact over time: from `since` to before `until` (null: still so). It follows
-- from nothing that came later. Unsubscribed lasts until somebody subscribes again, whatever
-- bounces or is suspected after.
create view subscriptions as
with running as (
    select
        contact, at, means, evidence, state as told,
        max(iif(state = 'unsubscribed', at, -1)) over before as gone_at,
        max(iif(state = 'subscribed', at, -1)) over before as back_at,
        max(iif(state = 'unreachable', at, -1)) over before as failed_at,
        max(iif(state = 'reachable', at, -1)) over before as reached_at,
        max(iif(state = 'suspect', at, -1)) over before as doubted_at
    from subscription_changes
    window before as (
        partition by contact order by at, state, evidence
        rows between unbounded preceding and current row
    )
),
standing as (
    select
        contact, at, means, evidence, told,
        case
            when gone_at >= 0 and gone_at >= back_at then 'unsubscribed'
            when failed_at >= 0 and failed_at >= reached_at then 'unreachable'
            when doubted_at > back_at then 'suspect'
            when back_at >= 0 then 'subscribed'
            else 'reachable'
        end as state
    from running
),
changed as (
    select *, lag(state) over (partition by contact order by at, told, evidence) as state_before
    from standing
)
select
    contact, state, at as since,
    lead(at) over (partition by contact order by at, told, evidence) as until,
    means, evidence
from changed
where state_before is not state;
