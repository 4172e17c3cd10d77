-- What mails are about: topics of a taxonomy, found by rules and kept among the annotations, with
-- the version of the taxonomy as their model and the number of mentions as their value.

-- The version of the taxonomy by which a message's topics were found; null: none yet.
alter table messages add column topics_by text;
