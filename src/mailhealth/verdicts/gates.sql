-- What became of the mails, day by day: of those a gate got, and of those a recipient got.
--
-- A gate is what stands before a mailbox: its domain, or the mailbox itself where the domain is
-- free mail. A mail: it was handed over, and had not been in the day before (sent and delivered
-- are one).
create or replace temporary table mails as
select pair, gate, who, moment
from handed_here
qualify coalesce(moment - lag(moment) over (partition by pair order by moment) > 86400, true);

-- Clicked: within half an hour, by whomever. Hurried: two different links within 3 seconds, or
-- three at all (not where all stands on whole minutes, as in a log without seconds).
insert into gate_days
with clicks as (
    select
        mails.pair, mails.moment, acts_here.link, acts_here.moment - mails.moment as delay,
        acts_here.moment % 60 > 0 or mails.moment % 60 > 0 as seconds,
        acts_here.moment - lag(acts_here.moment) over next <= 3
        and acts_here.link <> lag(acts_here.link) over next as at_once
    from acts_here
    asof join mails on mails.pair = acts_here.pair and mails.moment <= acts_here.moment
    where acts_here.type = 'clicked' and acts_here.exact
        and acts_here.moment - mails.moment <= 1800
    window next as (
        partition by mails.pair, mails.moment
        order by acts_here.link is null, acts_here.moment, acts_here.link
    )
),
clicked as (
    select
        pair, moment,
        bool_or(seconds) and (coalesce(bool_or(at_once), false) or count(distinct link) > 2)
            as hurried,
        min(delay) as wait
    from clicks
    group by pair, moment
)
select
    gate, moment // 86400 as day, count(*) as mails, count(wait) as clicked,
    count(*) filter (hurried) as hurried, coalesce(sum(wait) filter (hurried), 0) as waited
from mails
left join clicked using (pair, moment)
group by gate, day;

-- Opened: within a day, and the log tells neither an agent nor what it takes it for. Soon: within
-- six hours. When a gateway is done with it, which takes a quarter of an hour: again: more than
-- once, a minute or more apart; read: no more than ten minutes before a click.
insert into habit_days
with acts as (
    select
        mails.pair, mails.moment, acts_here.type, acts_here.moment - mails.moment as delay,
        acts_here.type = 'clicked'
        and acts_here.moment - max(acts_here.moment) filter (acts_here.type = 'opened') over before
            <= 600 as read
    from acts_here
    asof join mails on mails.pair = acts_here.pair and mails.moment <= acts_here.moment
    where acts_here.type <> 'unsubscribed' and acts_here.exact
        and (acts_here.type = 'clicked' or not acts_here.told)
        and acts_here.moment - mails.moment <= 86400
    window before as (partition by mails.pair, mails.moment order by acts_here.moment)
),
opened as (
    select
        pair, moment, min(delay) filter (type = 'opened') as delay,
        max(delay) filter (type = 'opened')
            - min(delay) filter (type = 'opened' and delay > 900) >= 60 as again,
        bool_or(read and delay > 900) as read
    from acts
    group by pair, moment
)
select
    who, moment // 86400 as day, count(*) as mails, count(delay) as opened,
    count(*) filter (delay <= 21600) as soon, count(*) filter (again) as again,
    count(*) filter (read) as read
from mails
left join opened using (pair, moment)
group by who, day;

drop table mails;
