-- What the rules of machines.toml can ask of an open, a click or an unsubscribe: view `features`.
--
-- Given (evidence.py): of some campaigns `acts_here`, those events, and `handed_here`, the sent
-- and delivered ones whose second is known; of all campaigns `gates` and `habits`, what became
-- of earlier mails (gates.sql). A `pair` is one campaign to one recipient, `who` the recipient.
-- Names are hashes. Where only the day or the minute is known, nothing is timed.
--
-- Nothing here reads more than 60 seconds ahead of the event, nor more than 183 days back, so that
-- a verdict is the same whenever it is judged.

-- When its mail was handed over: the last time before it (clocks of a log may differ by 10 s).
create or replace temporary table placed as
select
    acts_here.*,
    case when acts_here.moment - handed_here.moment <= 2592000 then handed_here.moment end as handed
from acts_here
asof left join handed_here
    on handed_here.pair = acts_here.pair and acts_here.moment >= handed_here.moment - 10;

-- What stands on a whole minute like its handing over, in a campaign that for 30 days knew no
-- seconds, is of a log without seconds.
create or replace temporary table timed as
with seconds as (
    select distinct campaign, moment // 60 as minute
    from placed
    where exact and moment % 60 <> 0
),
coarse as (
    select placed.row
    from placed
    asof left join seconds
        on seconds.campaign = placed.campaign and seconds.minute <= placed.moment // 60
    where placed.moment % 60 = 0 and coalesce(placed.handed % 60 = 0, true)
        and coalesce(placed.moment // 60 - seconds.minute > 43200, true)
)
select
    placed.* exclude (exact, handed),
    case when exact and coarse.row is null then moment - handed end as delay,
    exact and coarse.row is null as timed
from placed
left join coarse using (row);

drop table placed;

-- The links of a campaign, by the month in which they are first clicked.
create or replace temporary table links as
select
    campaign, month, moment,
    sum(count(*)) over (partition by campaign, month order by moment) as links
from (
    select campaign, moment // 2592000 as month, link, min(moment) as moment
    from timed
    where link is not null
    group by campaign, month, link
) as firsts
group by campaign, month, moment;

-- Clicks in company: of pairs with more than one, which are few. A window of so many seconds
-- that holds the event begins with an event, at most so many seconds before it.
create or replace temporary table bursts as
with company as (
    select row, pair, campaign, moment, type, link, opt_out
    from timed
    where timed.timed and pair in (
        select pair from timed where type <> 'opened' group by pair having count(*) > 1
    )
),
ahead as (
    select
        *,
        count(distinct link) over (w range between current row and 1 following) as ahead_1,
        count(distinct link) over (w range between current row and 3 following) as ahead_3,
        count(distinct link) over (w range between current row and 60 following) as ahead_60,
        count(distinct link) over (w range between 900 preceding and 60 following) as links_15m,
        sum((type = 'clicked')::integer) over (w range between current row and 3 following)
            as clicks_ahead_3,
        max(opt_out) over (w range between 10 preceding and 10 following)
        and max(not opt_out) over (w range between 10 preceding and 10 following)
            as opt_out_among_others
    from company
    window w as (partition by pair order by moment)
),
best as (
    select
        row, campaign, moment, links_15m, opt_out_among_others,
        max(ahead_1) over (w range between 1 preceding and current row) as links_1s,
        max(ahead_3) over (w range between 3 preceding and current row) as links_3s,
        max(ahead_60) over (w range between 60 preceding and current row) as links_60s,
        max(clicks_ahead_3) over (w range between 3 preceding and current row) as clicks_3s
    from ahead
    window w as (partition by pair order by moment)
)
select best.* exclude (campaign, moment), links.links as campaign_links
from best
asof left join links
    on links.campaign = best.campaign and links.month = best.moment // 2592000
    and links.moment <= best.moment + 60;

-- Recipients of a campaign for whom one network clicks within a minute.
create or replace temporary table crowds as
select
    row, max(ahead) over (
        partition by campaign, net order by moment range between 60 preceding and current row
    ) as neighbours
from (
    select
        row, campaign, net, moment,
        count(distinct pair) over (
            partition by campaign, net order by moment range between current row and 60 following
        ) as ahead
    from timed
    where timed and type <> 'opened' and (campaign, net) in (
        select (campaign, net)
        from timed
        where type <> 'opened' and net is not null
        group by campaign, net
        having count(distinct pair) > 4
    )
) as windows;

create or replace temporary table campaign_opens as
select distinct campaign, moment // 60 as minute from timed where type = 'opened';

-- What was before a click or an unsubscribe: opens of the mail.
create or replace temporary table pasts as
with opens as (
    select distinct pair, moment
    from timed
    where type = 'opened' and pair in (select pair from timed where type <> 'opened')
)
select
    acts.row,
    coalesce(acts.moment // 60 - campaign_opens.minute <= 43200, false) as campaign_opened,
    coalesce(acts.moment - opens.moment <= 7776000, false) as opened
from (select row, pair, campaign, moment from timed where type <> 'opened') as acts
asof left join opens on opens.pair = acts.pair and opens.moment <= acts.moment + 60
asof left join campaign_opens
    on campaign_opens.campaign = acts.campaign and campaign_opens.minute <= acts.moment // 60;

-- What gates and recipients are used to do, on the days of the events here. A day's mails count
-- from the day after the next: what may become of them has become by then.
create or replace temporary table gate_habits as
select
    asked.gate, asked.day,
    later.mails - coalesce(sooner.mails, 0) as mails,
    later.clicked - coalesce(sooner.clicked, 0) as clicked,
    later.hurried - coalesce(sooner.hurried, 0) as hurried,
    later.waited - coalesce(sooner.waited, 0) as waited
from (select distinct gate, moment // 86400 as day from timed) as asked
asof join gates as later on later.gate = asked.gate and later.day <= asked.day - 2
asof left join gates as sooner on sooner.gate = asked.gate and sooner.day < asked.day - 181;

create or replace temporary table open_habits as
select
    asked.who, asked.day,
    later.mails - coalesce(sooner.mails, 0) as mails,
    later.opened - coalesce(sooner.opened, 0) as opened,
    later.soon - coalesce(sooner.soon, 0) as soon,
    later.again - coalesce(sooner.again, 0) as again,
    later.read - coalesce(sooner.read, 0) as read
from (
    select distinct who, moment // 86400 as day from timed where type = 'opened' and not told
) as asked
asof join habits as later on later.who = asked.who and later.day <= asked.day - 2
asof left join habits as sooner on sooner.who = asked.who and sooner.day < asked.day - 181;

-- Opens that a person seems to have made, of those that the log tells nothing about.
create or replace temporary table reads as
with opens as (
    select
        row, pair, moment,
        max(moment) filter (delay > 900) over (
            partition by pair order by moment range between 2592000 preceding and 60 preceding
        ) is not null as again
    from timed
    where type = 'opened' and timed and not told
),
clicks as (select pair, moment from timed where type = 'clicked' and timed)
select opens.row, opens.again, coalesce(clicks.moment - opens.moment <= 60, false) as clicked
from opens
asof left join clicks on clicks.pair = opens.pair and clicks.moment >= opens.moment;

create or replace temporary view features as
select
    timed.row,
    timed.moment,
    timed.type,                      -- opened, clicked, unsubscribed
    timed.platform,                  -- its own verdict: machine, person; null: it does not say
    agent_of(timed.agent) as agent,  -- the kind of the user agent (machines.toml); null: of none
    network_of(timed.net) as network,  -- the kind of the network, likewise
    timed.method,                    -- how an unsubscribe was called: GET, POST; null: not told
    timed.link,                      -- null: the platform does not tell which
    timed.delay,                     -- seconds since the mail was handed over
    bursts.links_1s,                 -- different links clicked by this recipient in the best
    bursts.links_3s,                 --   window of 1, 3, 60 seconds around the event
    bursts.links_60s,
    bursts.links_15m,                -- those from 15 minutes before it to a minute after
    bursts.clicks_3s,                -- clicks, on whatever link
    bursts.opt_out_among_others,     -- within 10 s a link to unsubscribe, and another one
    bursts.campaign_links,           -- different links of the campaign this month, as far as seen
    crowds.neighbours,               -- recipients of the campaign clicked by this /24 in a minute
    pasts.campaign_opened,           -- the campaign's opens are told: some in the last 30 days
    pasts.opened,                    -- by this recipient, whoever it was, in the last 90 days
    gate_habits.mails as gate_mails,  -- mails the gate got in 180 days, the last day not counted
    gate_habits.clicked as gate_clicked,  -- of those, clicked within half an hour
    gate_habits.hurried as gate_hurried,  -- of those, two links in 3 seconds, or three links
    gate_habits.waited / nullif(gate_habits.hurried, 0) as gate_wait,  -- s to their first click
    timed.told,                      -- the log tells the agent, or what it takes it for
    -- Of an open that is not told:
    open_habits.mails as habit_mails,  -- mails the recipient got in 180 days, likewise
    open_habits.opened as habit_opened,  -- of those, opened within a day (and not told)
    open_habits.soon as habit_soon,  -- of those, within six hours
    open_habits.again as habit_again,  -- opened again, a minute or more later
    open_habits.read as habit_read,  -- opened shortly before a click
    reads.clicked as read,           -- a click of the mail follows this open within a minute
    reads.again                      -- a quarter of an hour after delivery it was opened before
from timed
left join bursts on bursts.row = timed.row
left join crowds on crowds.row = timed.row
left join pasts on pasts.row = timed.row
left join reads on reads.row = timed.row
left join gate_habits
    on gate_habits.gate = timed.gate and gate_habits.day = timed.moment // 86400
left join open_habits
    on open_habits.who = timed.who and open_habits.day = timed.moment // 86400
    and timed.type = 'opened' and not timed.told;
