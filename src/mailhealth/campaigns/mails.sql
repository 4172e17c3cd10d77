-- One row per campaign and contact (a person, whatever the address): what became of the mail.
--
-- In come the tables of tables.py and the table asked (as_of). Everything is a count or 0 and 1,
-- so nothing depends on the order of the rows.

-- Who left without a word of any mail, left no campaign.
delete from events
where campaign = '' and not exists (
    select 1 from events
    where campaign = '' and type in ('sent', 'delivered', 'opened', 'clicked')
);

-- A link to unsubscribe or to change what one gets is no click (HubSpot's definition).
create or replace temporary view leaving as
select
    url,
    regexp_matches(
        lower(url),
        'unsub|opt-?out|preference-?_?cent|/preferences|email-?_?preferences'
        || '|manage-?_?subscription|subscription-?_?cent|%e9%85%8d%e4%bf%a1%e5%81%9c%e6%ad%a2'
        || '|%e8%b3%bc%e8%aa%ad%e8%a7%a3%e9%99%a4|配信停止|購読解除|haishin-?_?teishi'
    ) as leaves
from (select distinct url from events where type = 'clicked') as links;

-- What has come from each source at all: a source that never told of opens has none to count.
create or replace temporary table tells as
select
    campaigns.campaign,
    max(case when kinds.type = 'opened' then 1 else 0 end) as opens,
    max(case when kinds.type = 'clicked' then 1 else 0 end) as clicks,
    max(case when kinds.type = 'unsubscribed' then 1 else 0 end) as unsubscribes,
    max(case when kinds.type = 'complained' then 1 else 0 end) as complaints,
    max(case when kinds.type in ('bounced', 'dropped') then 1 else 0 end) as bounces,
    max(case when kinds.type = 'replied' then 1 else 0 end) as replies
from (select distinct campaign, source from events) as campaigns
join (select distinct source, type from events) as kinds on kinds.source = campaigns.source
group by campaigns.campaign;

-- One row per campaign and address.
create or replace temporary table sendings as
select
    events.campaign, events.recipient,
    min(moment) as moment,
    coalesce(min(case when type in ('sent', 'delivered') then moment end), min(moment)) as sent_at,
    coalesce(min(case when variant <> '' then (moment, variant) end), (0, '')) as version,
    max(case
        when type in ('sent', 'delivered', 'deferred', 'bounced', 'dropped') then 1 else 0
    end) as told,
    max(case when type = 'bounced' and bounce = 'hard' then 1 else 0 end) as hard,
    max(case when type = 'bounced' and bounce = 'blocked' then 1 else 0 end) as blocked,
    max(case when type = 'bounced' and bounce = 'soft' then 1 else 0 end) as soft,
    max(case when type = 'bounced' and bounce = '' then 1 else 0 end) as unclassed,
    max(case when type = 'dropped' then 1 else 0 end) as dropped,
    max(case
        when type = 'dropped' or (type = 'bounced' and bounce <> 'hard') then moment
    end) as back_at,
    max(case when type = 'opened' then 1 else 0 end) as opened_raw,
    max(case when type = 'opened' and machine = 0 then 1 else 0 end) as opened,
    max(case
        when type = 'opened' and (machine = -1 or (machine = 1 and hides = 1)) then 1 else 0
    end) as hidden,
    max(case when type = 'clicked' and not leaves and machine = 0 then 1 else 0 end) as clicked,
    max(case
        when type = 'clicked' and not leaves and machine = -1 then 1 else 0
    end) as click_suspect,
    max(case
        when type = 'clicked' and not leaves and machine = 1 then 1 else 0
    end) as click_machine,
    max(case when type = 'unsubscribed' and machine = 0 then 1 else 0 end) as unsubscribed,
    max(case when type = 'unsubscribed' and machine = -1 then 1 else 0 end) as leave_suspect,
    max(case when type = 'unsubscribed' and machine = 1 then 1 else 0 end) as leave_machine,
    max(case when type = 'complained' then 1 else 0 end) as complained,
    max(case when type = 'replied' or replies.recipient is not null then 1 else 0 end) as replied,
    -- Only a person's doing proves, whenever it was, that the mail arrived.
    max(case
        when type in ('opened', 'clicked', 'unsubscribed') and machine = 0 then 1
        when type in ('complained', 'replied') or replies.recipient is not null then 1
        else 0
    end) as proved
from events
left join leaving on leaving.url = events.url and events.type = 'clicked'
left join replies
    on replies.campaign = events.campaign and replies.recipient = events.recipient
group by events.campaign, events.recipient;

-- Addresses whose mail came back for now, and for which nothing arrived in the 3 days after it.
create or replace temporary table returned as
select sendings.campaign, sendings.recipient
from sendings
cross join asked
left join events
    on events.campaign = sendings.campaign and events.recipient = sendings.recipient
    and events.type in ('delivered', 'opened', 'clicked')
    and events.moment between sendings.back_at and sendings.back_at + 259200
where
    sendings.back_at is not null
    and sendings.proved = 0
    and (sendings.dropped = 1 or sendings.back_at + 259200 < asked.as_of)
    and events.moment is null;

create or replace temporary table mails as
select
    campaign, contact, moment, sent_at, variant, told, delivered,
    case when delivered = 0 and hard = 1 then 1 else 0 end as hard,
    case when delivered = 0 and hard < blocked then 1 else 0 end as blocked,
    case when delivered = 0 and greatest(hard, blocked) < soft then 1 else 0 end as soft,
    case
        when delivered = 0 and greatest(hard, blocked, soft) < unclassed then 1 else 0
    end as unclassed,
    case
        when delivered = 0 and greatest(hard, blocked, soft, unclassed) = 0 then 1 else 0
    end as dropped,
    opened_raw * delivered as opened_raw,
    greatest(opened, clicked) * delivered as opened,
    case
        when delivered = 1 and (hidden = 1 or clicked < click_suspect) then 1 else 0
    end as hidden,
    clicked * delivered as clicked,
    case when delivered = 1 and clicked < click_suspect then 1 else 0 end as click_suspect,
    case
        when delivered = 1 and greatest(clicked, click_suspect) < click_machine then 1 else 0
    end as click_machine,
    unsubscribed * delivered as unsubscribed,
    case when delivered = 1 and unsubscribed < leave_suspect then 1 else 0 end as leave_suspect,
    case
        when delivered = 1 and greatest(unsubscribed, leave_suspect) < leave_machine then 1 else 0
    end as leave_machine,
    complained * delivered as complained,
    replied * delivered as replied
from (
    select
        sendings.campaign, coalesce(contacts.contact, sendings.recipient) as contact,
        min(moment) as moment, min(sent_at) as sent_at, max(told) as told,
        coalesce(min(case when version[2] <> '' then version end)[2], '') as variant,
        max(case when hard = 1 or returned.recipient is not null then 0 else 1 end) as delivered,
        max(hard) as hard, max(blocked) as blocked, max(soft) as soft,
        max(unclassed) as unclassed,
        max(opened_raw) as opened_raw, max(opened) as opened, max(hidden) as hidden,
        max(clicked) as clicked, max(click_suspect) as click_suspect,
        max(click_machine) as click_machine, max(unsubscribed) as unsubscribed,
        max(leave_suspect) as leave_suspect, max(leave_machine) as leave_machine,
        max(complained) as complained, max(replied) as replied
    from sendings
    left join contacts on contacts.recipient = sendings.recipient
    left join returned
        on returned.campaign = sendings.campaign and returned.recipient = sendings.recipient
    group by all
) as people;
