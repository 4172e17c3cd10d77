-- Who clicked which link, one row per campaign and link. What stands behind the path is left out:
-- it is often one recipient's own.
select
    campaign, link, sum(person) as clicked, sum(case when person < suspect then 1 else 0 end)
        as click_suspect,
    sum(case when greatest(person, suspect) = 0 then 1 else 0 end) as click_machine
from (
    select
        events.campaign, mails.contact, regexp_replace(events.url, '[?#].*$', '') as link,
        max(case when machine = 0 then 1 else 0 end) as person,
        max(case when machine = -1 then 1 else 0 end) as suspect
    from events
    join leaving on leaving.url = events.url and not leaves
    left join contacts on contacts.recipient = events.recipient
    join mails
        on mails.campaign = events.campaign and mails.delivered = 1
        and mails.contact = coalesce(contacts.contact, events.recipient)
    where events.type = 'clicked'
    group by all
) as clickers
group by campaign, link
order by campaign, sum(person) desc, link
