-- What each week brought of each customer: the evidence for a drop (evidence.py).
--
-- Over the views of facts.sql, and a table `weeks` that the engine fills: zone, week (Mondays since
-- 5 January 1970, UTC), and what the clock of the zone showed at its two ends (start_active,
-- end_active; 86,400,000 is an average day). Only whole weeks are in it.

with happened as (
    select customer, min(moment) as moment, 1 as days, 0 as complaints, 0 as cancels, null as tone,
        null as answered
    from received
    where shown not in (select shown from readings where coalesce(problem, complaint) is not null)
    group by customer, day
    union all
    select customer, moment, 0,
        case when complaint is not null then 1 else 0 end,
        case when cancel is not null then 1 else 0 end, sentiment, null
    from readings
    union all                       -- an ask counts when its 7 days are over
    select customer, moment + 604800, 0, 0, 0, null, case when wait <= 604800 then 1 else 0 end
    from asks
    where bounced_at >= moment + 604800
),

came as (
    select customer, (moment - 345600) // 604800 as week, sum(days) as days,
        sum(complaints) as complaints, sum(cancels) as cancels, count(tone) as tones,
        sum(tone) as tone, sum(tone * tone) as squares, count(answered) as asks,
        sum(answered) as answered
    from happened
    group by customer, week
),

away as (                           -- activity that was announced as absence
    select rhythm.customer, weeks.week,
        sum(least(end_active, away_until) - greatest(start_active, away_from)) as active
    from rhythm
    join weeks on weeks.zone = rhythm.zone
        and away_until > start_active and away_from < end_active
    group by rhythm.customer, weeks.week
)

select
    customers.customer, weeks.week,
    case when begun.active is null then 0e0 else
        greatest(0e0, end_active - greatest(start_active, begun.active) - coalesce(away.active, 0))
    end / 864e5 as exposure,
    coalesce(days, 0) as days, coalesce(complaints, 0) as complaints,
    coalesce(tones, 0) as tones, coalesce(tone, 0e0) as tone, coalesce(squares, 0e0) as squares,
    coalesce(asks, 0) as asks, coalesce(answered, 0) as answered,
    coalesce(cancels, 0) as cancels
from customers
join weeks on weeks.zone = customers.zone
left join begun on begun.customer = customers.customer
left join came on came.customer = customers.customer and came.week = weeks.week
left join away on away.customer = customers.customer and away.week = weeks.week
order by customers.customer, weeks.week
