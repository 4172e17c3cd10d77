-- What each gate did with the mails it got, day by day. A gate is what stands before a mailbox:
-- its domain, or the mailbox itself where the domain is free mail.
--
-- A mail: it was handed over, and had not been in the day before (sent and delivered are one).
-- Clicked: within half an hour, by whomever.
insert into gate_days
with mails as (
    select pair, gate, moment
    from handed_here
    qualify coalesce(moment - lag(moment) over (partition by pair order by moment) > 86400, true)
),
clicked as (
    select distinct mails.pair, mails.moment
    from acts_here
    asof join mails on mails.pair = acts_here.pair and mails.moment <= acts_here.moment
    where acts_here.type = 'clicked' and acts_here.exact
        and acts_here.moment - mails.moment <= 1800
)
select gate, moment // 86400 as day, count(*) as mails, count(clicked.pair) as clicked
from mails
left join clicked using (pair, moment)
group by gate, day;
