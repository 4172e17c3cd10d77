"""What the verdicts rest on: read from the store (SQLite), kept small in DuckDB.

Campaigns are dealt into buckets, and looked at some buckets at a time, so that memory stays flat.
"""

from importlib.resources import files
from itertools import starmap

from mailhealth.customers.addresses import lines_of
from mailhealth.verdicts.machines import Agent, Machines, Network
from mailhealth.warehouse import Memory, Store, copy

DAY = 86400
BEHIND = 184 * DAY  # seconds: a gate's 180 days, and the day before its first mail
BUCKETS = 64
NONE = (BUCKETS, BUCKETS)  # buckets with nothing in them
ACTS_AT_ONCE = 200_000

_BUCKET = f"hash(campaign) % {BUCKETS}"
# A campaign to a recipient; an export without campaign names has references.
_PAIR = "hash(campaign, recipient)"
_CAMPAIGN = "iif(campaign = '', reference, campaign) as campaign"

_HANDED = f"""
select recipient, {_CAMPAIGN}, at as moment
from events
where at >= ?1 and at <= ?2 and exact = 1 and type in ('sent', 'delivered')
"""
_HANDED_COLUMNS = "bucket utinyint, pair ubigint, gate ubigint, who ubigint, moment uinteger"

_ACTS = f"""
select rowid as row, recipient, {_CAMPAIGN}, type, at as moment, exact,
    coalesce(machine, -1) as machine, url, agent, ip, method
from events
where at >= ?1 and at <= ?2 and type in ('opened', 'clicked', 'unsubscribed')
"""
_ACTS_COLUMNS = """
bucket utinyint, row bigint, pair ubigint, gate ubigint, who ubigint, campaign ubigint,
moment uinteger, exact boolean, told boolean, type enum('opened', 'clicked', 'unsubscribed'),
platform enum('machine', 'person'), link uinteger, opt_out boolean, net uinteger,
method enum('GET', 'POST'), agent utinyint
"""
GATES = "gate ubigint, day bigint, mails bigint, clicked bigint, hurried bigint, waited bigint"
HABITS = (
    "who ubigint, day bigint, mails bigint, opened bigint, soon bigint, again bigint, read bigint"
)
_LATEST = (1 << 32) - 1  # a second of the year 2106; what is later gets no verdict


def _so_far(days: str, key: str, needed: str, columns: str) -> str:
    """Sum up the days of those who ever did what is `needed`, each day with all before it."""
    _, _, *counted = (column.split()[0] for column in columns.split(", "))
    sums = ", ".join(f"sum({name}) over so_far as {name}" for name in counted)
    return f"""
    select {key}, day, {sums}
    from (
        select {key}, day, {", ".join(f"sum({name}) as {name}" for name in counted)}
        from {days}
        where {key} in (select {key} from {days} group by {key} having sum({needed}) > 0)
        group by {key}, day
    ) as days
    window so_far as (partition by {key} order by day)
    """


def load(store: Store, memory: Memory, machines: Machines, since: int) -> None:
    """Copy what the verdicts on events from `since` on rest upon into `handed` and `acts`."""
    _kinds(memory, machines)
    memory.execute("create table freemail (domain varchar)")
    memory.execute("insert into freemail select unnest(?)", [sorted(lines_of("freemail.txt"))])
    asked = (max(0, since - BEHIND), _LATEST)
    handed = f"{_BUCKET}, {_PAIR}, {_gate()}, hash(recipient), moment"
    copy(store, memory, "handed", _HANDED_COLUMNS, _HANDED, asked, taking=handed)
    copy(store, memory, "acts", _ACTS_COLUMNS, _ACTS, asked, taking=_acts(machines))


def spread(memory: Memory) -> list[tuple[int, int]]:
    """Learn what is usual, and return the first and last buckets to look at together."""
    memory.execute(f"create table gate_days ({GATES})")
    memory.execute(f"create table habit_days ({HABITS})")
    together = _together(memory)
    for buckets in together:
        _look_at(memory, buckets)
        memory.execute(_script("gates.sql"))
    for table, days, key, needed, columns in (
        ("gates", "gate_days", "gate", "clicked", GATES),
        ("habits", "habit_days", "who", "opened", HABITS),
    ):
        so_far = _so_far(days, key, needed, columns)
        memory.execute(f"create or replace table {table} as {so_far}")
        memory.execute(f"drop table {days}")
    return together


def _together(memory: Memory) -> list[tuple[int, int]]:
    """Group the buckets, so that no group has many more acts than are looked at together."""
    sizes = memory.execute("select bucket, count(*) from acts group by bucket order by bucket")
    groups, room = [(0, BUCKETS - 1)], ACTS_AT_ONCE
    for bucket, acts in sizes.fetchall():
        first, last = groups[-1]
        if acts > room and bucket > first:
            groups[-1:] = [(first, bucket - 1), (bucket, last)]
            room = ACTS_AT_ONCE
        room -= acts
    return groups


def look_at(memory: Memory, buckets: tuple[int, int]) -> None:
    """Make the features of the events in some buckets."""
    _look_at(memory, buckets)
    memory.execute(_script("features.sql"))


def _look_at(memory: Memory, buckets: tuple[int, int]) -> None:
    first, last = buckets
    for table in ("handed", "acts"):
        memory.execute(
            f"create or replace temporary view {table}_here as"
            " select * exclude (bucket) replace (moment::bigint as moment)"
            f" from {table} where bucket between {first} and {last}"
        )


def _script(name: str) -> str:
    return files("mailhealth.verdicts").joinpath(name).read_text("utf-8")


def _acts(machines: Machines) -> str:
    return f"""
        {_BUCKET}, row, {_PAIR}, {_gate()}, hash(recipient), hash(campaign),
        moment, exact = 1, agent <> '' or machine >= 0,
        type, case machine when 1 then 'machine' when 0 then 'person' end,
        case when type = 'clicked' and url <> '' then hash(url) % 4294967296 end,
        case when type = 'unsubscribed' then true
            when type = 'clicked' and url <> ''
            then regexp_matches(url, '(?i)unsub|opt-?out|haishin-?teishi') end,
        {_net()}, nullif(method, ''),
        case when agent = '' then null {" ".join(starmap(_agent, enumerate(machines.agents)))} end
    """


def _gate() -> str:
    """The recipient's domain; the recipient, where the domain (or the one above) is free mail."""
    domain = "split_part(recipient, '@', -1)"
    above = f"split_part({domain}, '.', 1)"
    parent = f"substr({domain}, length({above}) + 2)"
    free = "in (select domain from freemail)"
    return f"""case
        when {domain} {free} or {parent} {free} then hash(recipient) else hash({domain})
    end"""


def _net() -> str:
    """The /24 of an IPv4 address, as a number; the /48 of an IPv6 address, as a larger one."""
    parts = [f"try_cast(split_part(ip, '.', {n}) as utinyint)::ubigint" for n in (1, 2, 3)]
    return f"""case
        when ip = '' then null
        when contains(ip, ':')
        then hash(array_to_string(string_split(ip, ':')[:3], ':')) % {1 << 31} + {1 << 31}
        else {parts[0]} * 65536 + {parts[1]} * 256 + {parts[2]}
    end"""


def _agent(number: int, agent: Agent) -> str:
    whole = ", ".join(_quoted(text) for text in agent.whole)
    tests = [f"agent in ({whole})"] if whole else []
    if agent.parts:
        tests.append(f"regexp_matches(agent, {_quoted('(?i)' + _either(agent.parts))})")
    return f"when {' or '.join(tests)} then {number}" if tests else ""


def _either(parts: tuple[str, ...]) -> str:
    # RE2 knows no more than these signs, and it knows them all escaped.
    signs = set(r"\.+*?()[]{}|^$")
    return "|".join("".join("\\" + c if c in signs else c for c in part) for part in parts)


def _kinds(memory: Memory, machines: Machines) -> None:
    """Let the features name the kind of an agent by its number, of a network by its own."""
    agents = "".join(f" when {i} then {_quoted(a.kind)}" for i, a in enumerate(machines.agents))
    networks = "".join(
        f" when {_within(nets)} then {_quoted(kind)}"
        for kind, nets in machines.networks.items()
        if nets
    )
    otherwise = " when null then ''"
    memory.execute(f"create temporary macro agent_of(n) as case n{agents or otherwise} end")
    memory.execute(f"create temporary macro network_of(net) as case{networks or otherwise} end")


def _within(networks: tuple[Network, ...]) -> str:
    return " or ".join(f"net between {first >> 8} and {last >> 8}" for first, last in networks)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
