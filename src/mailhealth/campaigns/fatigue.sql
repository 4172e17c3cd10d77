-- Does who is written to more often answer less? One row per contact and month of 30 days, counted
-- back from as_of, so that no month is cut short by it. A touch is a campaign's mail or one of
-- ours; only campaign mails old enough to have been answered are asked about.
create or replace temporary table months as
select touched.contact, touched.month, touches, mails, answered
from (
    select contact, month, count(*) as touches
    from (
        select contact, (as_of - 1 - sent_at) // 2592000 as month
        from mails
        cross join asked
        where delivered = 1
        union all
        select contact, (as_of - 1 - moment) // 2592000 as month from letters cross join asked
    ) as each_touch
    group by contact, month
) as touched
join (
    select
        contact, (as_of - 1 - sent_at) // 2592000 as month, count(*) as mails,
        sum(greatest(clicked, replied)) as answered
    from mails
    cross join asked
    join tells using (campaign)
    where delivered = 1 and clicks = 1 and sent_at < as_of - 259200
    group by all
) as asked_for
    on asked_for.contact = touched.contact and asked_for.month = touched.month;

-- By contact: how much the touches vary (spread), and how the answers go with them (together).
create or replace temporary table within as
select
    contact,
    sum(mails * touches * touches) - sum(mails * touches) * sum(mails * touches) / sum(mails)
        as spread,
    sum(answered * touches) - sum(mails * touches) * sum(answered) / sum(mails) as together
from months
group by contact
having min(touches) < max(touches);

create or replace temporary table classes as
select
    class, sum(mails) as mails, sum(answered) as answered, count(*) as contacts,
    sum(answered * answered) as kk, sum(answered * mails) as kn, sum(mails * mails) as nn
from (
    select
        contact,
        case
            when touches <= 1 then 1 when touches <= 4 then 2 when touches <= 8 then 3
            when touches <= 20 then 4 else 5
        end as class,
        sum(mails) as mails, sum(answered) as answered
    from months
    group by all
) as by_contact
group by class
order by class;
