-- What the signals count: one view per kind of fact, one row per thing that happened.
--
-- The engine fills these tables from the store (times are whole UTC seconds; only mail by people):
--   customers   customer, started (null: unknown), zone (whose clock is theirs)
--   beginnings  customer, side ('in', 'out', 'campaign'), moment: the first ever seen
--   mails       customer, message, thread, moment, side ('in', 'out'), contact, closing (1: nothing
--               but courtesies), bounced_at (253402300800: never), and what clocks showed then:
--               active (the customers' activity, 86,400,000 a day), worked and our_worked (working
--               seconds at the customer's and at our place)
--   begun       customer, active: what the clock showed when their mail could first be seen
--   recipients  customer, message, contact, moment: to whom we wrote
--   absences    customer, message, contact, moment, active, until_active: who told to be away
--   dead        customer, contact, shown, moment: addresses that came back for good
--   left_by_mail customer, contact, shown, moment: who asked for no more mail, or reported spam,
--               by a mail
--   annotations customer, message, thread, moment, task, label, value: what was read in mails to
--               us; an intent has a row only where the model was sure enough
--   given       customer, answer, moment, kind ('nps', 'csat'), value: answers to surveys on their
--               platforms, of csat on a scale to 5, when they are known to be a person's last
--   asked       customer, answer, moment (14 days after a survey was sent), answered (1, 0)
--   events      customer, contact, campaign (a number), event (its row in the store), type (a bounce
--               is hard or soft, a drop lost), moment, by_machine (0 a person, 1 a machine, -1 a
--               suspect)
--
-- Every fact has customer, moment (which decides the cells it belongs to) and shown (the key of the
-- message or event behind it). Nothing in a row may depend on what happened after `moment`, except
-- as a time that the signal compares with cell_end. Of a fact with a zone, a cell also knows what
-- the clock there showed at its two ends: start_active, end_active, start_worked, end_worked. A
-- fact with `waits` belongs to a cell when its time to be answered (cell_wait seconds, as the
-- company's own replies take) is over. Every cell knows how this company's customers write:
-- cell_r, cell_alpha, cell_a, cell_b (rhythm.py).
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
select
    customer, message as shown, contact, moment, moment - moment % 86400 as day, active, since
from mails
join risk using (customer, side)
where side = 'in';

create or replace temporary view sent as
select customer, message as shown, moment
from mails
where side = 'out';

-- The days on which the customer wrote, and the absences of those who wrote at least half of the
-- mail of the year before: a silence that was announced is none. Absences that overlap, such as
-- one that is told again and again, are one: away_from and away_until are its ends so far.
create or replace temporary view rhythm as
select
    received.customer, customers.zone, shown, contact, received.moment, day, received.active,
    since, begun.active as since_active, null as away_from, null as away_until
from received
join customers using (customer)
join begun using (customer)
union all
select
    customer, zone, message as shown, null as contact, moment, null as day, null as active,
    null as since, null as since_active,
    max(case when until_before is null or active > until_before then active end) over so_far
        as away_from,
    max(until_active) over so_far as away_until
from (
    select
        absences.customer, customers.zone, message, moment, active, until_active,
        max(until_active) over (
            partition by absences.customer order by moment, message
            rows between unbounded preceding and 1 preceding
        ) as until_before
    from absences
    join customers using (customer)
    where (
        select 2 * sum(case when mails.contact = absences.contact then 1 else 0 end) >= count(*)
            and count(*) > 0
        from mails
        where mails.customer = absences.customer and mails.side = 'in'
            and mails.moment < absences.moment and mails.moment >= absences.moment - 31536000
    )
) as told
window so_far as (
    partition by customer order by moment, message
    rows between unbounded preceding and current row
);

-- A turn: consecutive mails of one side in a thread with gaps under 24 hours. It begins with
-- the row kept here; whether a mail begins one depends only on the mail before it. `answer` is
-- when the other side wrote next, `answer_worked` what the answering side's clock showed then.
create or replace temporary view turns as
select
    customer, message, thread, side, moment, closing, bounced_at, our_worked,
    case when side_before is null then 1 else 0 end as begins,
    case when side = 'out' then worked else our_worked end as worked,
    case when side = 'out' then in_after else out_after end as answer,
    case when side = 'out' then in_after_worked else out_after_worked end as answer_worked
from (
    select
        customer, message, thread, side, moment, worked, our_worked, closing, bounced_at,
        lag(side) over forward as side_before,
        lag(moment) over forward as at_before,
        min(case when side = 'in' then moment end) over later as in_after,
        min(case when side = 'out' then moment end) over later as out_after,
        min(case when side = 'in' then worked end) over later as in_after_worked,
        min(case when side = 'out' then our_worked end) over later as out_after_worked
    from mails
    window
        forward as (partition by customer, thread order by moment, message),
        later as (
            partition by customer, thread order by moment, message
            rows between 1 following and unbounded following
        )
) as ordered
where side_before is null or side_before <> side or moment - at_before >= 86400;

create or replace temporary view all_turns as
select customer, message as shown, moment, case when side = 'in' then 1 else 0 end as by_them
from turns;

-- Who began each conversation.
create or replace temporary view beginnings_of_threads as
select customer, message as shown, moment, case when side = 'in' then 1 else 0 end as by_them
from turns
where begins = 1;

-- Our turns that ask for an answer: not a mere "thank you", and not those that came back.
create or replace temporary view asks as
select
    customer, message as shown, moment, moment as waits, bounced_at,
    coalesce(answer - moment, 253402300800) as wait,
    greatest(answer_worked - worked, 60) / 3600e0 as hours
from turns
where side = 'out' and closing = 0;

-- The customer's turns, likewise, as far back as this store sees what we wrote. Mere thanks and
-- praise ask for nothing.
create or replace temporary view their_turns as
select
    turns.customer, message as shown, 0 as zone, turns.moment, our_worked,
    coalesce(answer, 253402300800) as answer
from turns
join risk on risk.customer = turns.customer and risk.side = 'out'
left join (
    select
        message,
        max(case when label = 'praise' then 1 else 0 end) as praise,
        max(case when label <> 'praise' then 1 else 0 end) as more
    from annotations
    where task = 'intent'
    group by message
) as said using (message)
where turns.side = 'in' and turns.moment >= risk.since and closing = 0
    and not (coalesce(praise, 0) = 1 and coalesce(more, 0) = 0);

create or replace temporary view their_asks as
select customer, shown, moment, moment as waits, answer - moment as wait
from their_turns;

-- How many working hours of their own the customer took to answer us, an answer outside of them
-- counting from the last one; after 30 days it is no answer any more.
create or replace temporary view answers as
select
    customer, message as shown, answer as moment,
    greatest(answer_worked - worked, 60) / 3600e0 as hours
from turns
where side = 'out' and answer - moment <= 2592000;

create or replace temporary view our_answers as
select
    customer, message as shown, answer as moment,
    greatest(answer_worked - worked, 60) / 3600e0 as hours
from turns
where side = 'in' and answer - moment <= 2592000;

-- What was read in the customer's own words; an intent is its probability, null where it is not
-- there. At most three mails of a thread and day speak for the tone. Tones are kept to 1/65536, so
-- that sums are exact in whatever order they are taken. `again` is 1 for a mail below -0.5 that
-- follows another one in its conversation, or within 7 days.
create or replace temporary view readings as
select
    *,
    case
        when tone < -5e-1 and (
            low_in_thread > 0 or moment - low_before <= 604800
        ) then 1 else 0
    end as again
from (
    select
        *,
        case
            when row_number() over (
                partition by
                    customer, thread, moment - moment % 86400, case when tone is null then 1 else 0 end
                order by moment, shown
            ) <= 3 then tone
        end as sentiment,
        sum(case when tone < -5e-1 then 1 else 0 end) over (
            partition by customer, thread order by moment, shown
            rows between unbounded preceding and 1 preceding
        ) as low_in_thread,
        max(case when tone < -5e-1 then moment end) over (
            partition by customer order by moment, shown
            rows between unbounded preceding and 1 preceding
        ) as low_before
    from (
        select
            customer, message as shown, thread, moment,
            max(case
                when task = 'sentiment' and label <> 'unknown' then round(value * 65536e0) / 65536e0
            end) as tone,
            max(case when task = 'intent' and label = 'cancel' then value end) as cancel,
            max(case when task = 'intent' and label = 'complaint' then value end) as complaint,
            max(case when task = 'intent' and label = 'problem' then value end) as problem,
            max(case when task = 'intent' and label = 'billing' then value end) as billing,
            max(case when task = 'intent' and label = 'question' then value end) as question,
            max(case when task = 'intent' and label = 'praise' then value end) as praise,
            max(case when task = 'intent' and label = 'expansion' then value end) as expansion,
            max(case when task = 'intent' and label = 'unsubscribe' then value end) as unsubscribe,
            max(case when task = 'intent' and label = 'escalation' then value end) as escalation,
            max(case when task = 'intent' and label = 'competitor' then value end) as competitor
        from annotations
        where task in ('sentiment', 'intent')
        group by customer, message, thread, moment
    ) as pivoted
) as in_order;

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

-- Surveys whose 14 days to be answered are over.
create or replace temporary view asked_surveys as
select customer, answer as shown, moment, answered
from asked;

-- Addresses of theirs that are dead, by a campaign or a returned mail; `main` is 1 for whoever
-- wrote at least half of the mail of the year before.
create or replace temporary view dead_addresses as
select
    customer, shown, contact, moment,
    coalesce((
        select max(case when mine.mails * 2 >= mine.every then 1 else 0 end)
        from (
            select
                sum(case when mails.contact = dead.contact then 1 else 0 end) as mails,
                count(*) as every
            from mails
            where mails.customer = dead.customer and mails.side = 'in'
                and mails.moment < dead.moment and mails.moment >= dead.moment - 31536000
        ) as mine
        where mine.every > 0
    ), 0) as main
from dead;

-- One campaign to one contact, with the first time of everything (253402300800: never).
-- The verdict whether an open, a click or an unsubscribe was a person's is certain 60 seconds
-- after it, and so late they count. Whom a rule merely suspects has neither opened nor clicked,
-- but is unsubscribed: so the platform says. A soft bounce is final when nothing has arrived
-- within 3 days. Until a machine (or a suspect) opens it, a mail can tell whether a person
-- does; not at all when machines opened half of the three or more mails of the last 180 days:
-- lately_mailed counts those mails, and a million for each that a machine opened (one sum over a
-- moving window costs half of two).
create or replace temporary view deliveries as
select
    customer, contact, campaign, shown, moment, opened_at, machine_opened_at, clicked_at,
    unsubscribed_at, complained_at, failed_at,
    case
        when lately_mailed % 1000000 >= 3
            and (lately_mailed - lately_mailed % 1000000) / 500000 >= lately_mailed % 1000000
            then 0
        else least(failed_at, machine_opened_at)
    end as telling_until
from (
    select
        *,
        sum(case when machine_opened_at <= moment + 86400 then 1000001 else 1 end) over lately
            as lately_mailed,
        least(
            hard_at,
            case when arrived_at <= soft_at + 259200 then 253402300800 else soft_at + 259200 end
        ) as failed_at
    from (
        select
            customer, contact, campaign,
            min(case
                when type in ('sent', 'delivered', 'deferred', 'hard', 'soft', 'opened', 'clicked')
                then moment
            end) as moment,
            '#' || cast(min_by(event, (moment, event)) as varchar) as shown,
            min(case
                when type = 'hard' then moment
                else 253402300800
            end) as hard_at,
            min(case
                when type in ('lost', 'soft') then moment
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
            min(case when type = 'complained' then moment else 253402300800 end) as complained_at
        from events
        group by customer, contact, campaign
    ) as pairs
    window lately as (
        partition by customer, contact order by moment
        range between 15552000 preceding and 86400 preceding
    )
) as contacts_over_time
where moment is not null;

-- Who gets our campaigns, and who left them, as their platform tells or a mail: back_at is when
-- they subscribed again. A mail of the same second is the later word.
create or replace temporary view subscribers as
select customer, contact, shown, moment, 0 as gone, 253402300800 as back_at from deliveries
union all
select customer, contact, shown, left_at as moment, 1 as gone, back_at
from (
    select
        customer, contact, shown, left_at,
        coalesce(min(back) over (
            partition by customer, contact order by moment desc, event desc
            rows between unbounded preceding and 1 preceding
        ), 253402300800) as back_at
    from (
        select
            customer, contact, '#' || cast(event as varchar) as shown, moment, event,
            case
                when type = 'complained' then moment
                when type = 'unsubscribed' and by_machine <> 1 then moment + 60
            end as left_at,
            case when type = 'subscribed' then moment end as back
        from events
        where type in ('complained', 'unsubscribed', 'subscribed')
        union all
        select
            customer, contact, shown, moment, 2147483647 as event, moment as left_at, null as back
        from left_by_mail
    ) as told
) as changes
where left_at is not null;

-- Every time one of the customer's people was written to, by us or by a campaign.
create or replace temporary view touches as
select customer, contact, message as shown, moment from recipients
union all
select customer, contact, shown, moment from deliveries;
