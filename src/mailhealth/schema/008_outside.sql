-- What other systems know of a customer.

create table outside (
    customer  text not null,       -- a customer; '*': all of them together; 'segment:NAME': a segment's
    component text not null,       -- product, billing, support ...: outside/components.toml
    metric    text not null,       -- a metric, or a part of one
    at        integer not null,    -- when it was so
    value     real not null,
    known_at  integer not null,    -- when we read it
    primary key (customer, component, metric, at)
) strict, without rowid;
create index outside_at on outside (at);
