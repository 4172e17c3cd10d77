-- What is counted of a mail, beside its long texts.

-- 1: nothing but greeting, closing and hardly a word (OK, thanks): it asks for nothing. A short
-- question does. It follows from the words, and is kept beside them so that counting need not read
-- them.
alter table messages add column closing integer not null default 0 check (closing in (0, 1));

create trigger messages_closing after update of new_text, courtesies on messages
begin
    update messages set closing = length(new_text) < 400 and new_text <> '' and length(new_text) - (
        select total(json_extract(value, '$[1]') - json_extract(value, '$[0]'))
        from json_each(messages.courtesies)
    ) < 12 and not (
        new_text like '%?%' or new_text like '%？%' or new_text like '%please%'
        or new_text like '%ください%' or new_text like '%下さい%'
    )
    where message = new.message;
end;
create trigger messages_closing_first after insert on messages
when length(new.new_text) < 400 and new.new_text <> ''
begin
    update messages set courtesies = courtesies where message = new.message;
end;
update messages set courtesies = courtesies where length(new_text) < 400 and new_text <> '';

create index messages_facts on messages
    (message, kind, direction, at, thread, sender, utc_offset, closing, read_by);

-- As in 006, but for how a message's model is looked up.
drop view readings;
create view readings as
select
    n.message, m.read_by as model, iif(n.task = 'doubt', 'intent', n.task) as task, n.label, n.value
from annotations n
join messages m indexed by messages_facts on m.message = n.message
left join corrections c on c.message = n.message
left join settings s
    on n.task in ('intent', 'doubt') and s.name = 'threshold ' || n.model || ' ' || n.label
where n.model = 'correction' or n.model = m.read_by and case n.task
    when 'sentiment' then c.sentiment is null
    when 'intent' then c.intents is null and n.value >= coalesce(cast(s.value as real), 0)
    when 'doubt' then c.intents is null and n.value >= coalesce(cast(s.value as real), 2)
    else 1 end;
