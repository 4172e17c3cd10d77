-- What the signals count: one view per kind of fact, one row per thing that happened.
--
-- The engine fills these tables from the store (times are whole UTC seconds; only mail by people):
--   customers   customer, started (null: unknown)
--   beginnings  customer, side ('in', 'out', 'campaign'), moment: the first ever seen
--   mails       customer, message, thread, moment, side ('in', 'out'), contact
--   recipients  customer, message, contact, moment: to whom we wrote
--   annotations customer, message, thread, moment, task, label, value: what was read in mails to
--               us; an intent has a row only where the model was sure enough
--   given       customer, answer, moment, kind ('nps', 'csat'), value: answers to surveys on their
--               platforms, of csat on a scale to 5, when they are known to be a person's last
--   events      customer, contact, campaign, event, type, moment, bounce, by_machine (0 a person,
--               1 a machine, -1 a suspect)
--
-- Every fact has customer, moment (which decides the cells it belongs to) and shown (the key of the
-- message or event behind it). Nothing in a row may depend on what happened after `moment`, except
-- as a time that the signal compares with cell_end.
--
-- The text runs unchanged on DuckDB and Spark: no FILTER, no lists, 1e0 and not 1.0, a
-- tie-break in every order.

-- Since when could we have seen their mail, our mail, any of our mail? From the day they became
-- a customer (or first wrote or were written to), but not before this store saw such mail at all.
create or replace temporary view risk as
select starts.customer, sides.side, greatest(starts.moment, sides.moment) as since
from (
    select customers.customer, least(min(customers.started), min(beginnings.moment)) as moment
    from customers
    left join beginnings
        on beginnings.customer = customers.customer and beginnings.side in ('in', 'out')
    group by customers.customer
) as starts
cross join (
    select side, min(moment) as moment from beginnings where side in ('in', 'out') group by side
    union all
    select 'touch' as side, min(moment) as moment from beginnings where side in ('out', 'campaign')
) as sides
where starts.moment is not null and sides.moment is not null;

create or replace temporary view received as
select customer, message as shown, contact, moment, moment - moment % 86400 as day, since
from mails
join risk using (customer, side)
where side = 'in';

create or replace temporary view sent as
select customer, message as shown, moment
from mails
where side = 'out';

-- A turn: consecutive mails of one side in a thread with gaps under 24 hours. It begins with
-- the row kept here; whether a mail begins one depends only on the mail before it.
create or replace temporary view turns as
select
    customer, message, thread, side, moment,
    case when side = 'out' then in_after else out_after end as answer
from (
    select
        customer, message, thread, side, moment,
        lag(side) over forward as side_before,
        lag(moment) over forward as at_before,
        min(case when side = 'in' then moment end) over later as in_after,
        min(case when side = 'out' then moment end) over later as out_after
    from mails
    window
        forward as (partition by customer, thread order by moment, message),
        later as (
            partition by customer, thread order by moment desc, message desc
            rows between unbounded preceding and 1 preceding
        )
) as ordered
where side_before is null or side_before <> side or moment - at_before >= 86400;

-- Our turns, at the moment when their 5 days to be answered are over.
create or replace temporary view asks as
select
    customer, message as shown, moment + 432000 as moment,
    case when answer - moment <= 432000 then 1 else 0 end as answered
from turns
where side = 'out';

-- The customer's turns, likewise, as far back as this store sees what we wrote.
create or replace temporary view their_asks as
select
    turns.customer, message as shown, turns.moment + 432000 as moment,
    case when answer - turns.moment <= 432000 then 1 else 0 end as answered
from turns
join risk on risk.customer = turns.customer and risk.side = 'out'
where turns.side = 'in' and turns.moment >= risk.since;

-- How long the customer took to answer us; after 30 days it is no answer any more.
create or replace temporary view answers as
select customer, message as shown, answer as moment, greatest(answer - moment, 60) / 3600e0 as hours
from turns
where side = 'out' and answer - moment <= 2592000;

create or replace temporary view our_answers as
select customer, message as shown, answer as moment, greatest(answer - moment, 60) / 3600e0 as hours
from turns
where side = 'in' and answer - moment <= 2592000;

-- What was read in the customer's own words. At most three mails of a thread and day speak for
-- the tone. Tones are kept to 1/65536, so that sums are exact in whatever order they are taken.
create or replace temporary view readings as
select
    customer, message as shown, moment,
    case
        when row_number() over (
            partition by
                customer, thread, moment - moment % 86400, case when tone is null then 1 else 0 end
            order by moment, message
        ) <= 3 then tone
    end as sentiment,
    cancel, complaint, praise
from (
    select
        customer, message, thread, moment,
        max(case
            when task = 'sentiment' and label <> 'unknown' then round(value * 65536e0) / 65536e0
        end) as tone,
        max(case when task = 'intent' and label = 'cancel' then 1 else 0 end) as cancel,
        max(case when task = 'intent' and label = 'complaint' then 1 else 0 end) as complaint,
        max(case when task = 'intent' and label = 'praise' then 1 else 0 end) as praise
    from annotations
    where task in ('sentiment', 'intent')
    group by customer, message, thread, moment
) as pivoted;

-- Answers to surveys, by mail and through their platforms; two of one second count as their
-- mean.
create or replace temporary view surveys as
select
    customer, max(shown) as shown, moment,
    avg(case when kind = 'nps' then value end) as nps,
    avg(case when kind = 'csat' then value end) as csat
from (
    select customer, message as shown, moment, task as kind, value from annotations
    where task in ('nps', 'csat')
    union all
    select customer, answer as shown, moment, kind, value from given
) as said
group by customer, moment, kind;

-- One campaign to one contact, with the first time of everything (253402300800: never).
-- The verdict whether an open, a click or an unsubscribe was a person's is certain 60 seconds
-- after it, and so late they count. Whom a rule merely suspects has neither opened nor clicked,
-- but is unsubscribed: so the platform says. A soft bounce is final when nothing has arrived
-- within 3 days. Until a machine (or a suspect) opens it, a mail can tell whether a person
-- does; not at all when machines opened half of the three or more mails of the last 180 days.
create or replace temporary view deliveries as
select
    customer, contact, campaign, shown, moment, opened_at, machine_opened_at, clicked_at,
    unsubscribed_at, complained_at, left_at, failed_at,
    case
        when mailed_before >= 3 and 2 * machines_before >= mailed_before then 0
        else least(failed_at, machine_opened_at)
    end as telling_until
from (
    select
        *,
        min(gone_at) over (partition by customer, contact) as left_at,
        count(moment) over lately as mailed_before,
        sum(case when machine_opened_at <= moment + 86400 then 1 else 0 end) over lately
            as machines_before,
        least(
            hard_at,
            case when arrived_at <= soft_at + 259200 then 253402300800 else soft_at + 259200 end
        ) as failed_at
    from (
        select
            customer, contact, campaign,
            min(case
                when type in ('sent', 'delivered', 'deferred', 'bounced', 'opened', 'clicked')
                then moment
            end) as moment,
            max(case when place = 1 then event end) as shown,
            min(case
                when type = 'bounced' and bounce = 'hard' then moment
                else 253402300800
            end) as hard_at,
            min(case
                when type = 'dropped' or (type = 'bounced' and bounce <> 'hard') then moment
                else 253402300800
            end) as soft_at,
            min(case
                when type in ('delivered', 'opened', 'clicked') then moment
                else 253402300800
            end) as arrived_at,
            min(case
                when type in ('opened', 'clicked') and by_machine = 0 then moment + 60
                else 253402300800
            end) as opened_at,
            min(case
                when type = 'opened' and by_machine <> 0 then moment + 60
                else 253402300800
            end) as machine_opened_at,
            min(case
                when type = 'clicked' and by_machine = 0 then moment + 60
                else 253402300800
            end) as clicked_at,
            min(case
                when type = 'unsubscribed' and by_machine <> 1 then moment + 60
                else 253402300800
            end) as unsubscribed_at,
            min(case when type = 'complained' then moment else 253402300800 end) as complained_at,
            min(case
                when type = 'complained' then moment
                when type = 'unsubscribed' and by_machine <> 1 then moment + 60
                else 253402300800
            end) as gone_at
        from (
            select
                *,
                row_number() over (
                    partition by customer, contact, campaign order by moment, event
                ) as place
            from events
        ) as placed
        group by customer, contact, campaign
    ) as pairs
    window lately as (
        partition by customer, contact order by moment
        range between 15552000 preceding and 86400 preceding
    )
) as contacts_over_time
where moment is not null;

-- Every time one of the customer's people was written to, by us or by a campaign.
create or replace temporary view touches as
select customer, contact, message as shown, moment from recipients
union all
select customer, contact, shown, moment from deliveries;
