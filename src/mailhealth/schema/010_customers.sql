-- What a customer is worth, where they are, and how far they have come, as the customer file tells.

alter table customers add column country text;   -- ISO 3166-1 alpha-2
alter table customers add column revenue real;   -- a year, in the one currency of the file
alter table customers add column stage   text;   -- onboarding, adoption, established, renewal, or the user's own word
