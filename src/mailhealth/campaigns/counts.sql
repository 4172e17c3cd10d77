-- What happened, in numbers: one row per campaign and part. {by} is a word of ours.
select
    mails.campaign, part,
    min(moment) as started, max(sent_at) as ended, count(*) as contacts, sum(told) as told,
    sum(delivered) as delivered, sum(hard) as hard, sum(blocked) as blocked, sum(soft) as soft,
    sum(unclassed) as unclassed, sum(dropped) as dropped,
    sum(opened_raw) as opened_raw, sum(opened) as opened, sum(hidden) as hidden,
    sum(case when hidden = 1 then opened else 0 end) as hidden_opened,
    sum(clicked) as clicked, sum(click_suspect) as click_suspect,
    sum(click_machine) as click_machine,
    sum(case when hidden = 0 then clicked else 0 end) as clicked_openly,
    sum(unsubscribed) as unsubscribed, sum(leave_suspect) as leave_suspect,
    sum(leave_machine) as leave_machine,
    sum(complained) as complained, sum(replied) as replied
from mails
join parts_{by} as parts on parts.mail = mails.rowid
group by mails.campaign, part
order by mails.campaign, part
