"""Verdicts: who was a person, by rules that are data, without a look ahead."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailhealth import store, verdicts, warehouse
from mailhealth.cli import main
from mailhealth.errors import BadData, BadSource
from mailhealth.health import Health
from mailhealth.records import Event, Found
from mailhealth.store import inbox
from mailhealth.verdicts import evidence
from tests.reference import DAY, Suspicion

T0 = 1_790_000_007  # a second in September 2026 on no whole minute
ANN = "ann@globex.example"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
LEAVE = "https://news.acme.example/unsubscribe?u=1"


def act(kind: Any, after: int, **more: Any) -> Event:
    """One event of ann's, so many seconds after T0."""
    identity = f"{kind}{after}{sorted(more.items())}"
    event = Event(ANN, kind, T0 + after, "autumn", identity, agent=CHROME)
    return replace(event, **more)


def links(after: int, *paths: str, every: int = 1, **more: Any) -> list[Event]:
    """Clicks on several links, one `every` so many seconds."""
    return [act("clicked", after + i * every, url=path, **more) for i, path in enumerate(paths)]


def crowd(kind: Any, people: int, **more: Any) -> list[Event]:
    """Events of as many people of one company, within a few seconds an hour after delivery."""
    return [act(kind, 3600 + i, recipient=f"p{i}@globex.example", **more) for i in range(people)]


def gateway(mails: int, wait: int = 300, **more: Any) -> list[Event]:
    """Older campaigns to ann, every one clicked so long after it came."""
    events = []
    for i in range(1, mails + 1):
        name = {"campaign": f"older {i}"} | more
        events += [act("delivered", -i * 5 * DAY, **name)]
        events += [act("clicked", -i * 5 * DAY + wait, url="https://a.example", **name)]
    return events


def scanned(mails: int, wait: int = 300) -> list[Event]:
    """Older campaigns to ann, in each two links clicked within a second, so long after it came."""
    at = [(f"older {i}", -i * 5 * DAY + wait) for i in range(1, mails + 1)]
    more = [e for name, when in at for e in links(when + 1, "b", campaign=name)]
    return [*gateway(mails, wait), *more]


def fetched(mails: int, *after: int) -> list[Event]:
    """Older campaigns to ann, each opened so long after it came, in a log without agents."""
    events = []
    for i in range(1, mails + 1):
        name = {"campaign": f"older {i}", "agent": ""}
        events += [act(kind, -i * 5 * DAY, **name) for kind in ("sent", "delivered")]
        events += [act("opened", -i * 5 * DAY + wait, **name) for wait in after]
    return events


def keep(path: Path, events: Iterable[Event]) -> Path:
    """Write events into a store, as a sync would."""
    with closing(store.connect(path)) as db:
        inbox.add_source(db, inbox.Source("log", "elastic_email", {}))
        inbox.save(db, "log", [Found("", event) for event in events], known_at=T0)
    return path


def judged(db: Path, **more: Any) -> dict[str, tuple[bool | None, list[str]]]:
    """Judge a store: the verdict and the rules that fired, by the event's identity."""
    found = list(verdicts.judge(db, **more))
    with closing(store.connect(db)) as kept:
        names = dict(kept.execute("select rowid, event from events").fetchall())
    return {names[v.row]: (v.machine, json.loads(v.rules)) for v in found}


DELIVERED = act("delivered", 0)
LATE = act("opened", 3000)

CASES: dict[str, tuple[list[Event], bool | None, str]] = {
    "an open an hour later": ([DELIVERED, act("opened", 3600)], False, ""),
    "a click an hour later": ([LATE, *links(3600, "a")], False, ""),
    "an open the platform calls a machine's": (
        [act("opened", 3600, machine=True)],
        True,
        "platform_open",
    ),
    "a click the platform calls a machine's": (
        [act("clicked", 3600, machine=True)],
        True,
        "platform_click",
    ),
    "a quick open the platform calls a person's": (
        [DELIVERED, act("opened", 2, machine=False)],
        False,
        "platform_person_open",
    ),
    "a burst that the platform calls a person's": (
        [LATE, *links(3600, "a", "b", "c", machine=False)],
        True,
        "platform_person",
    ),
    "Apple's proxy": ([act("opened", 3600, agent="Mozilla/5.0")], True, "apple_proxy"),
    "a program": ([act("clicked", 3600, agent="python-requests/2.32")], True, "scanner_agent"),
    "a gateway's network": ([act("clicked", 3600, ip="209.222.82.7")], True, "scanner_network"),
    "just outside that network": ([act("clicked", 3600, ip="209.222.88.7")], False, ""),
    "an open after 4 seconds": ([DELIVERED, act("opened", 4)], True, "open_at_once"),
    "an open before its delivery": ([DELIVERED, act("opened", -3)], True, "open_at_once"),
    "Gmail's proxy after 8 seconds": ([DELIVERED, act("opened", 8, agent=GMAIL)], None, ""),
    "Gmail's proxy after an hour": ([DELIVERED, act("opened", 3600, agent=GMAIL)], False, ""),
    "an eager click after 8 seconds": (
        [DELIVERED, act("opened", 6), *links(8, "a")],
        None,
        "fast_click",
    ),
    "a click after 2 seconds": (
        [DELIVERED, act("opened", 1), *links(2, "a")],
        True,
        "click_at_once",
    ),
    "a click after a minute, never opened": (
        [DELIVERED, act("opened", 20, recipient="b@hooli.example"), *links(60, "a")],
        None,
        "fast_unopened",
    ),
    "a late click, never opened": (
        [DELIVERED, act("opened", 9000, recipient="b@hooli.example"), *links(9300, "a")],
        False,
        "unopened",
    ),
    "two links within some seconds": ([LATE, *links(3600, "a", "b", every=3)], False, ""),
    "two links in a second": ([LATE, *links(3600, "a", "b")], None, "two_links"),
    "one link clicked twice": ([LATE, *links(3600, "a", "a")], False, ""),
    "three links in three seconds": ([LATE, *links(3600, "a", "b", "c")], True, "burst"),
    "all links in a minute": ([LATE, *links(3600, *"abcd", every=20)], True, "sweep"),
    "all three links in a minute": (
        [LATE, *links(3600, *"abc", every=20)],
        None,
        "small_sweep",
    ),
    "three links of ten in a minute": (
        [
            LATE,
            *links(600, *"defghij", every=90, recipient="b@hooli.example"),
            *links(3600, "a", "b", "c", every=20),
        ],
        False,
        "",
    ),
    "all links, slowly": ([LATE, *links(3600, *"abcd", every=100)], None, "crawl"),
    "all links, slowly, never opened": (
        [
            DELIVERED,
            act("opened", 20, recipient="b@hooli.example"),
            *links(3600, *"abcd", every=100),
        ],
        None,
        "crawl",
    ),
    "clicks without links": (
        [LATE, *[act("clicked", 3600, url="", identity=str(i)) for i in range(3)]],
        None,
        "many_clicks",
    ),
    "unsubscribe and another link": (
        [LATE, *links(3600, "a", LEAVE, every=4)],
        None,
        "with_unsubscribe",
    ),
    "unsubscribe alone": ([LATE, *links(3600, LEAVE), act("unsubscribed", 3605)], False, ""),
    "unsubscribed by GET": ([LATE, act("unsubscribed", 3600, method="GET")], None, ""),
    "unsubscribed by POST": ([LATE, act("unsubscribed", 3600, method="POST")], False, ""),
    "unsubscribed by GET at once": (
        [DELIVERED, act("unsubscribed", 6, method="GET")],
        True,
        "get_unsubscribe",
    ),
    "five from one network": (crowd("clicked", 5, ip="198.51.100.7"), None, "neighbours"),
    "four from one network": (crowd("clicked", 4, ip="198.51.100.7"), False, ""),
    "a domain that always clicks": (
        [*gateway(5), DELIVERED, act("opened", 200), *links(300, "a")],
        None,
        "gateway",
    ),
    "a domain that always clicks, a mail that was never opened": (
        [
            *gateway(5),
            DELIVERED,
            act("opened", 20, recipient="b@hooli.example"),
            *links(300, "a"),
        ],
        True,
        "gateway",
    ),
    "a domain that clicked two mails in a hurry": (
        [*scanned(2), DELIVERED, act("opened", 200), *links(300, "a")],
        True,
        "hurried_gateway",
    ),
    "a domain that clicked one mail in a hurry": (
        [*scanned(1), DELIVERED, act("opened", 200), *links(300, "a")],
        False,
        "",
    ),
    "an eager click, before the gateway of its domain comes": (
        [*scanned(2), DELIVERED, act("opened", 20), *links(60, "a")],
        False,
        "",
    ),
    "a late click, after the gateway of its domain came": (
        [*scanned(3), DELIVERED, act("opened", 3000), *links(3600, "a")],
        False,
        "",
    ),
    "an open when the gateway of its domain comes": (
        [*scanned(2), DELIVERED, act("opened", 250)],
        True,
        "gateway_open",
    ),
    "an open before the gateway of its domain comes": (
        [*scanned(2), DELIVERED, act("opened", 60)],
        False,
        "",
    ),
    "every mail fetched once within the hour": (
        [*fetched(3, 1900), DELIVERED, act("opened", 3600, agent="")],
        True,
        "proxy_habit",
    ),
    "every mail fetched once, by a reader with a name": (
        [*fetched(3, 1900), DELIVERED, act("opened", 3600)],
        False,
        "",
    ),
    "every mail fetched once, this one late after one of them": (
        [*fetched(1, 1900), DELIVERED, act("opened", 9000, agent="")],
        False,
        "",
    ),
    "every mail opened twice": (
        [*fetched(3, 1900, 8000), DELIVERED, act("opened", 3600, agent="")],
        False,
        "",
    ),
    "every mail opened the next day": (
        [*fetched(3, 80_000), DELIVERED, act("opened", 3600, agent="")],
        False,
        "",
    ),
    "every mail fetched once, this one clicked": (
        [
            *fetched(3, 1900),
            DELIVERED,
            act("clicked", 3630, url="a", agent=""),
            act("opened", 3600, agent=""),
        ],
        False,
        "",
    ),
    "every mail fetched once, this one opened again": (
        [*fetched(3, 1900), DELIVERED, *[act("opened", t, agent="") for t in (3600, 5000)]],
        False,
        "",
    ),
    "late, from a domain that always clicks": (
        [*gateway(5), DELIVERED, LATE, *links(5000, "a")],
        None,
        "gateway_late",
    ),
    "a domain that clicks late": (
        [*gateway(5, wait=4000), DELIVERED, act("opened", 200), *links(300, "a")],
        False,
        "",
    ),
    "a free mailer, where others always click": (
        [
            *[e for i in range(6) for e in gateway(1, recipient=f"p{i}@gmail.com")],
            act("delivered", 0, recipient="ann@gmail.com"),
            act("clicked", 300, recipient="ann@gmail.com"),
        ],
        False,
        "",
    ),
}


@pytest.fixture(scope="module")
def judged_cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The verdicts of all cases, each a company and campaigns of its own in one store."""
    events = [
        apart(event, number) for number, (log, _, _) in enumerate(CASES.values()) for event in log
    ]
    return judged(keep(tmp_path_factory.mktemp("cases") / "log.db", events))


def apart(event: Event, number: int) -> Event:
    """The same event in a world of its own."""
    who, _, domain = event.recipient.partition("@")
    return replace(
        event,
        recipient=f"{who}{number}@{domain if domain == 'gmail.com' else f'{number}.{domain}'}",
        campaign=f"{event.campaign} {number}",
        identity=f"{event.identity} {number}",
    )


@pytest.mark.parametrize("name", CASES)
def test_the_last_event_of_a_log_is_judged_rightly(name: str, judged_cases: dict[str, Any]) -> None:
    events, machine, rule = CASES[name]
    last = apart(events[-1], list(CASES).index(name))

    verdict, rules = judged_cases.get(last.identity, (False, []))

    assert verdict is machine, rules
    assert not rule or rule in rules


def test_every_shipped_rule_fires_in_some_case_and_says_why_in_two_languages(
    judged_cases: dict[str, Any],
) -> None:
    fired = {name for _, rules in judged_cases.values() for name in rules}

    assert fired == {rule.name for rule in verdicts.load().rules}
    rows = verdicts.table(lang="ja")
    assert [row["rule"] for row in rows] == [rule.name for rule in verdicts.load().rules]
    assert all(row["because"] for row in rows)


def test_a_day_without_a_time_has_no_speed(tmp_path: Path) -> None:
    day = [DELIVERED, act("opened", 0, exact=False), *links(0, *"abcd", every=0, exact=False)]

    assert judged(keep(tmp_path / "log.db", day)) == {}


def test_a_log_without_seconds_has_no_speed(tmp_path: Path) -> None:
    whole = -T0 % 60
    day = [act("delivered", whole), act("opened", whole), *links(whole, *"abcd", every=0)]

    assert judged(keep(tmp_path / "log.db", day)) == {}


def test_only_a_proxy_hides_a_person(tmp_path: Path) -> None:
    events = [act("opened", 3600, agent="Mozilla/5.0"), act("opened", 3600, agent="curl/8")]
    db = keep(tmp_path / "log.db", events)

    assert {v.rules: v.hides for v in verdicts.judge(db)} == {
        '["apple_proxy"]': True,
        '["scanner_agent"]': False,
    }


NEAR = (0, 0, 0, 1, 2, 5, 30, 60, 61, 100, 900, 2000, 2050, 20_000)  # seconds


def some_log(chance: random.Random, size: int = 60) -> list[Event]:
    """A log in which everything happens, close together."""
    people = ("ann@globex.example", "bob@globex.example", "cy@gmail.com", "di@gmail.com")
    events = []
    for number in range(size):
        day = chance.choice((0, 0, 0, 1, 2, 3, 40, 150, 190))
        at = T0 // 60 * 60 + day * DAY + chance.choice(NEAR)
        kind = chance.choice(("sent", "delivered", "opened", "clicked", "clicked", "unsubscribed"))
        events.append(
            Event(
                recipient=chance.choice(people)
                if chance.random() < 0.8
                else f"p{chance.randrange(8)}@globex.example",
                type=kind,
                at=at,
                campaign=chance.choice(("autumn", "winter")),
                identity=f"e{number:04}",
                url=chance.choice(("", "a", "b", "c", "d", LEAVE)) if kind == "clicked" else "",
                agent=chance.choice(("", "", "", CHROME, "Mozilla/5.0", GMAIL, "curl/8")),
                ip=chance.choice(("", "198.51.100.1", "198.51.100.2", "203.0.113.9")),
                machine=chance.choice((None, None, None, True, False)),
                method=chance.choice(("", "GET", "POST")) if kind == "unsubscribed" else "",
                exact=chance.random() < 0.9,
            )
        )
    return events


def habitual_log(chance: random.Random, size: int = 90) -> list[Event]:
    """A log that tells next to no agents, of three people with habits, mail after mail."""
    people = ("ann@globex.example", "bob@globex.example", "cy@gmail.com")
    events: list[Event] = []
    for number in range(size // 3):
        name = {"campaign": f"mail {number % 14}", "recipient": chance.choice(people)}
        day = number % 14 * chance.choice((3, 3, 3, 3, 20)) * DAY
        events += [act("delivered", day, **name)]
        for after in chance.choice(((), (30,), (1800,), (1800, 1830), (1800, 5000), (50_000,))):
            agent = chance.choice(("", "", "", "", CHROME))
            events += [act("opened", day + after, agent=agent, **name)]
            if chance.random() < 0.4:
                wait = after + chance.choice((0, 20, 590, 620))
                paths = chance.choice(("a", "ab", "abc"))
                every = chance.choice((1, 3, 30))
                events += links(day + wait, *paths, every=every, agent="", **name)
    return list({event.identity: event for event in events}.values())


def features(db: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """All features of all acts, as the rules see them."""
    with warehouse.memory() as memory:
        with warehouse.opened(db) as opened:
            evidence.load(opened, memory, verdicts.load(), 0)
        for buckets in evidence.spread(memory):
            evidence.look_at(memory, buckets)
            found = memory.execute("select * from features")
            names = [column[0] for column in found.description]
            for row in found.fetchall():
                yield row[0], dict(zip(names, row, strict=True))


@pytest.mark.parametrize("written", [some_log, habitual_log])
@pytest.mark.parametrize("seed", range(6))
def test_the_features_agree_with_a_slow_count(seed: int, written: Any, tmp_path: Path) -> None:
    db = keep(tmp_path / "log.db", written(random.Random(seed), 150))
    with closing(store.connect(db)) as kept:
        rows = {row["row"]: row for row in kept.query("select * from events")}
    slow = Suspicion(list(rows.values()))

    for row, found in features(db):
        expected = slow.features(rows[row])
        for who, did in (("gate", "clicked"), ("habit", "opened")):
            if not expected[f"{who}_{did}"]:  # who never did it is not counted
                expected = {k: v for k, v in expected.items() if not k.startswith(who)}
        assert {name: found[name] for name in expected} == expected, rows[row]


def test_a_verdict_reads_nothing_later_than_sixty_seconds(tmp_path: Path) -> None:
    for seed in range(4):
        chance = random.Random(seed)
        events = [*some_log(chance), *habitual_log(chance)]
        cut = sorted(event.at for event in events)[2 * len(events) // 3]
        whole = judged(keep(tmp_path / f"whole{seed}.db", events))
        before = judged(keep(tmp_path / f"cut{seed}.db", [e for e in events if e.at <= cut]))
        certain = {event.identity for event in events if event.at <= cut - verdicts.AHEAD}

        assert certain
        assert {k: v for k, v in whole.items() if k in certain} == {
            k: v for k, v in before.items() if k in certain
        }


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), parts=st.integers(2, 4))
def test_judged_bit_by_bit_is_judged_at_once(
    seed: int, parts: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, chance = tmp_path_factory.mktemp("log"), random.Random(seed)
    events = [*some_log(chance), *habitual_log(chance)]
    chance.shuffle(events)

    tables = []
    for name, pieces in (("once", [events]), ("bits", [events[i::parts] for i in range(parts)])):
        for piece in pieces:
            keep(folder / f"{name}.db", piece)
            with Health(folder / f"{name}.db") as health:
                health.judge()
        tables.append(table(folder / f"{name}.db"))

    assert tables[0] == tables[1]


def test_many_campaigns_come_in_buckets_with_the_same_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [
        replace(event, campaign=f"{event.campaign} {i}", identity=f"{event.identity} {i}")
        for i in range(6)
        for event in some_log(random.Random(i))
    ]
    db = keep(tmp_path / "log.db", events)
    at_once = judged(db)
    monkeypatch.setattr(evidence, "ACTS_AT_ONCE", 20)

    assert judged(db) == at_once


def table(db: Path) -> list[tuple[Any, ...]]:
    """The verdicts as they are kept."""
    with closing(store.connect(db)) as kept:
        return list(kept.execute("select * from verdicts order by event").fetchall())


def without(*names: str) -> str:
    """The shipped rules with some switched off."""
    page = verdicts.shipped()
    for name in names:
        page = page.replace(f"[rule.{name}]", f"[rule.{name}]\non = false\n")
    return page


def test_a_rule_switched_off_restores_the_counts_and_the_log_stays_as_it_is(
    tmp_path: Path,
) -> None:
    db = keep(tmp_path / "log.db", some_log(random.Random(3)))
    everything = [rule.name for rule in verdicts.load().rules]

    with Health(db) as health:
        before = health.db.execute("select * from events").fetchall()
        assert health.judge() > 0
        shipped = table(db), health.judged()
        assert health.judge() == 0, "nothing is new"
        health.judge(without("two_links", "unopened"))
        assert table(db) != shipped[0]
        assert not any({"two_links", "unopened"} & set(json.loads(row[4])) for row in table(db))
        health.judge(without(*everything))
        assert table(db) == []
        assert all(row["people"] == row["events"] for row in health.judged())
        health.judge("")

        assert (table(db), health.judged()) == shipped
        assert health.db.execute("select * from events").fetchall() == before


def test_own_rules_go_on_counting_at_the_next_sync(tmp_path: Path) -> None:
    db = keep(tmp_path / "log.db", [act("opened", 3600, agent="curl/8")])
    with Health(db) as health:
        health.judge(without("scanner_agent"))
    keep(db, [act("opened", 7200, agent="curl/8")])

    with Health(db) as health:
        health.evaluate(["2026-12-01T00:00:00Z"])

    assert table(db) == []


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("rule = 3", "rule has the wrong type"),
        ("[rule.x]\npoints = 1", r"\[rule.x\]: types is missing"),
        ("[rule.x]\npoint = 1", "unknown key 'point'; did you mean 'points'"),
        ("no toml at all", "is not TOML"),
        ("[network]\na = ['1.2.3.4/33']\n[rule]", "write IPv4 networks as 17.0.0.0/8"),
        ("[network]\na = ['1.2.3.0/25']\n[rule]", "narrower than /24"),
        ("[agent.a]\nhas = [3]\n[rule]", "has is a list of texts"),
        (verdicts.shipped().replace("links_3s >= 3", "links_5s >= 3"), r"\[rule.burst\]: when"),
        (verdicts.shipped().replace("links_3s >= 3", "(select 1 / 0"), r"\[rule.burst\]: when"),
        (
            verdicts.shipped().replace("links_3s >= 3", "cast(type::varchar as integer) > 0"),
            "does not run",
        ),
        (
            verdicts.shipped().replace(
                "links_3s >= 3", "(select count(*) from read_text('/etc/passwd')) > 0"
            ),
            r"\[rule.burst\]: when",
        ),
        (verdicts.shipped().replace('types = ["opened"]', 'types = ["open"]'), "knows no 'open'"),
    ],
)
def test_rules_that_do_not_hold_together_are_refused_and_leave_the_verdicts(
    page: str, complaint: str, tmp_path: Path
) -> None:
    db = keep(tmp_path / "log.db", [act("opened", 3600, agent="curl/8")])

    with Health(db) as health:
        health.judge()
        kept = table(db)
        with pytest.raises(BadData, match=complaint):
            health.judge(page)
        assert health.judge() == 0

    assert table(db) == kept != []


def test_the_verb_counts_people_and_machines_and_prints_the_rules(tmp_path: Path) -> None:
    db = keep(tmp_path / "log.db", [act("opened", 3600), act("opened", 3600, agent="curl/8")])
    (tmp_path / "mine.toml").write_text(without("scanner_agent"), "utf-8")
    run = CliRunner()

    shipped = run.invoke(main, ["--db", str(db), "judge", "--json"])
    own = run.invoke(
        main, ["--db", str(db), "judge", "--machines", str(tmp_path / "mine.toml"), "--json"]
    )

    assert json.loads(shipped.stdout) == [
        {"type": "opened", "events": 2, "people": 1, "machines": 1, "suspects": 0, "hidden": 0}
    ]
    assert json.loads(own.stdout)[0]["people"] == 2
    assert run.invoke(main, ["judge", "--print"]).stdout == verdicts.shipped()


def test_what_is_no_store_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(b"not a database" * 100)

    for name in ("junk.db", "none.db"):
        with pytest.raises(BadSource, match=name):
            verdicts.judge(tmp_path / name)


def test_hostile_values_break_nothing(tmp_path: Path) -> None:
    odd: Sequence[dict[str, Any]] = (
        {"ip": "999.1.2.3"},
        {"ip": "::1'; drop table acts"},
        {"ip": "."},
        {"agent": "'" * 5000},
        {"url": "\0\ud7ff%00" * 500},
        {"recipient": "@"},
        {"at": -5},
        {"at": 2**62},
        {"campaign": ""},
    )
    events = [act("clicked", i, identity=str(i), **more) for i, more in enumerate(odd)]

    assert judged(keep(tmp_path / "log.db", [DELIVERED, *events])) is not None
