"""Campaigns: bounds that hold whatever the log says, and sentences that claim no more."""

import csv
import io
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailhealth import campaigns, intervals
from mailhealth.campaigns import Fatigue, Landing, Rate, Report, sentences, trend
from mailhealth.campaigns.compare import needed
from mailhealth.campaigns.rates import rate
from mailhealth.cli import campaigns as verb
from mailhealth.cli import main, show
from mailhealth.errors import BadData, BadSource, UnknownName
from mailhealth.web import campaigns as page
from tests.send_log import DAY, START, Happened, SendLog, random_events, recount

LATER = START + 20 * DAY  # after what the random logs call "30 days", half of it is cut off
assert verb.campaigns.name in main.commands


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SendLog]:
    with closing(SendLog(tmp_path / "log.db")) as made:
        yield made


def by_name(report: Report) -> dict[str, Landing]:
    return {landing.campaign: landing for landing in report.campaigns}


def read(log: SendLog, *events: Happened, as_of: int = START + 40 * DAY) -> dict[str, Landing]:
    log.write(events)
    return by_name(campaigns.report(log.path, iso(as_of)))


def sent(campaign: str, *names: str, at: int = START, variant: str = "") -> list[Happened]:
    return [
        Happened(campaign, f"{name}@globex.example", "sent", at, variant=variant) for name in names
    ]


def figures(landing: Landing) -> dict[str, float | None]:
    return {
        "sent": landing.sent,
        "delivered": landing.delivered,
        "opened raw": landing.opened_raw.k,
        "opened low": landing.opened.low.k,
        "opened high": landing.opened.high.k,
        "opened adjusted": landing.opened.adjusted.k,
        "clicked low": landing.clicked.low.k,
        "clicked high": landing.clicked.high.k,
        "unsubscribed low": landing.unsubscribed.low.k,
        "unsubscribed high": landing.unsubscribed.high.k,
        "complained": landing.complained.k,
    }


# The property: 5 x 2,000 = 10,000 random logs, each a campaign of one store.


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_low_is_at_most_adjusted_is_at_most_high_on_10000_random_logs(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)
    events = [event for i in range(2000) for event in random_events(rng, f"c{i}")]
    with closing(SendLog(tmp_path_factory.mktemp("logs") / "log.db")) as log:
        found = read(log, *events)

    assert len(found) == len({event.campaign for event in events})
    for landing in found.values():
        assert_in_order(landing)


def assert_in_order(landing: Landing) -> None:
    for bounds in (landing.opened, landing.clicked, landing.unsubscribed):
        low, adjusted, high = bounds.low.k, bounds.adjusted.k, bounds.high.k
        assert low is not None
        assert high is not None
        assert low <= high
        assert adjusted is None or low <= adjusted <= high
        assert landing.delivered is None or high <= landing.delivered
    for one in (landing.opened_raw, landing.complained, landing.click_to_open):
        assert one.k is not None
        assert one.n is None or one.k <= one.n
        assert one.value is None or one.low is None or one.low <= one.value
    if landing.sent is not None and landing.delivered is not None:
        lost = [count for count in landing.bounces.values() if count is not None]
        assert landing.sent == landing.delivered + sum(lost)


@pytest.mark.parametrize("as_of", [START + 3 * DAY, LATER, START + 31 * DAY])
def test_a_slow_count_from_the_definitions_finds_the_same(log: SendLog, as_of: int) -> None:
    rng = random.Random(as_of)
    events = [event for i in range(300) for event in random_events(rng, f"c{i}")]

    found = read(log, *events, as_of=as_of)

    slow = recount(events, as_of)
    assert found.keys() == slow.keys()
    for name, landing in found.items():
        known = landing.sent is not None
        expected = slow[name] | ({} if known else {"sent": None, "delivered": None})
        assert figures(landing) == pytest.approx(expected, nan_ok=True), name


def test_a_machine_open_more_never_raises_the_lower_bound(tmp_path: Path) -> None:
    rng = random.Random(7)
    logs = {f"c{i}": random_events(rng, f"c{i}") for i in range(500)}
    more = {
        name: [
            *events,
            replace(rng.choice(events), type="opened", bounce=None, url="", machine=1,
                    at=START + rng.choice([1, DAY]), hides=rng.randint(0, 1)),
        ]
        for name, events in logs.items() if events
    }  # fmt: skip
    with closing(SendLog(tmp_path / "a.db")) as one, closing(SendLog(tmp_path / "b.db")) as two:
        before = read(one, *(event for events in logs.values() for event in events))
        after = read(two, *(event for events in more.values() for event in events))

    for name in more:
        lows = [
            (before[name].opened.low.k, after[name].opened.low.k),
            (before[name].clicked.low.k, after[name].clicked.low.k),
        ]
        assert all(was is not None and now is not None and now <= was for was, now in lows)


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    rng = random.Random(11)
    events = [event for i in range(300) for event in random_events(rng, f"c{i}")]
    shuffled = rng.sample(events, len(events))
    reports = []
    for name, rows in (("a", events), ("b", shuffled)):
        with closing(SendLog(tmp_path / f"{name}.db")) as log:
            log.write(rows)
            reports.append(
                campaigns.report(
                    log.path, iso(LATER), by=("variant", "link", "customer", "segment")
                )
            )

    assert reports[0] == reports[1]


def test_nothing_at_or_after_as_of_is_read(log: SendLog) -> None:
    rng = random.Random(3)
    past = [e for i in range(100) for e in random_events(rng, f"c{i}") if e.at < START + DAY]
    log.write(past)
    before = campaigns.report(log.path, iso(START + DAY), by=("variant",))

    log.write(replace(event, at=START + DAY) for event in past)

    assert campaigns.report(log.path, iso(START + DAY), by=("variant",)) == before


# What counts.


def test_an_open_by_a_machine_is_no_open_and_one_behind_a_proxy_is_unknown(log: SendLog) -> None:
    opened = Happened("autumn", "ann@globex.example", "opened", START + 600)

    landing = read(
        log,
        *sent("autumn", "ann", "bo", "cy", "di"),
        opened,
        replace(opened, recipient="bo@globex.example", machine=1),
        replace(opened, recipient="cy@globex.example", machine=1, hides=1),
    )["autumn"]

    assert landing.opened_raw.k == 3
    assert landing.opened.low.k == 1
    assert landing.opened.high.k == 2
    assert landing.opened.adjusted.k == pytest.approx(1 + 1 / 3)
    assert landing.opened_openly.n == 3


def test_where_everybody_is_behind_a_proxy_no_adjusted_rate_is_told(log: SendLog) -> None:
    people = sent("autumn", "ann", "bo")

    landing = read(
        log,
        *people,
        *(replace(e, type="opened", at=START + 9, machine=1, hides=1) for e in people),
    )["autumn"]

    assert landing.opened.low.value == 0
    assert landing.opened.adjusted == Rate()
    assert landing.opened.high.value == 1


def test_clicks_behind_a_proxy_do_not_make_the_others_there_eager(log: SendLog) -> None:
    people = sent("autumn", *(f"p{i}" for i in range(20)))
    proxied = [replace(e, type="opened", at=START + 9, machine=1, hides=1) for e in people[:10]]
    clicks = [replace(e, type="clicked", at=START + 900, url="https://acme.example/a")
              for e in people[:2]]  # fmt: skip
    opens = [replace(e, type="opened", at=START + 900) for e in people[10:13]]

    landing = read(log, *people, *proxied, *clicks, *opens)["autumn"]

    assert landing.opened.low.k == 5
    assert landing.opened.adjusted.value == pytest.approx(0.3)
    assert landing.click_to_open.k == 0
    assert landing.click_to_open.n == 3


def test_a_link_to_unsubscribe_or_to_preferences_is_no_click(log: SendLog) -> None:
    click = Happened("autumn", "ann@globex.example", "clicked", START + 600)
    paths = ("unsubscribe?u=1", "email-preferences", "opt-out", "配信停止", "Preference-Center/7")
    leaving = [replace(click, url=f"https://acme.example/{path}") for path in paths]

    landing = read(log, *sent("autumn", "ann", "bo"), *leaving)["autumn"]

    assert landing.clicked.low.k == 0
    assert landing.clicked.high.k == 0


def test_suspects_are_between_the_bounds_as_persons_are_among_the_judged(log: SendLog) -> None:
    people = sent("autumn", *(f"p{i}" for i in range(10)))
    verdicts: list[int | None] = [0, 0, 0, 1, None, None]
    clicks = [
        replace(event, type="clicked", at=START + 60, url="https://acme.example/", machine=verdict)
        for event, verdict in zip(people, verdicts, strict=False)
    ]

    landing = read(log, *people, *clicks)["autumn"]

    assert landing.clicked.low.k == 3
    assert landing.clicked.high.k == 5
    assert landing.clicked.adjusted.k == pytest.approx(3 + 2 * 3 / 4)


def test_delivered_is_sent_less_what_came_back_for_good(log: SendLog) -> None:
    people = sent("autumn", "hard", "soft", "late", "blocked", "dropped", "unknown", "fine")

    def back(i: int, kind: str, bounce: str | None) -> Happened:
        return replace(people[i], type=kind, at=START + 60, bounce=bounce)

    landing = read(
        log,
        *people,
        back(0, "bounced", "hard"),
        back(1, "bounced", "soft"),
        back(2, "bounced", "soft"),
        replace(people[2], type="delivered", at=START + 2 * DAY),
        back(3, "bounced", "blocked"),
        back(4, "dropped", None),
        back(5, "bounced", None),
    )["autumn"]

    assert (landing.sent, landing.delivered) == (7, 2)
    assert landing.bounces == {"hard": 1, "soft": 1, "blocked": 1, "unclassed": 1, "dropped": 1}


def test_a_soft_bounce_is_not_final_for_three_days(log: SendLog) -> None:
    people = sent("autumn", "ann", "bo")
    soft = replace(people[0], type="bounced", bounce="soft")

    assert read(log, *people, soft, as_of=START + 3 * DAY)["autumn"].delivered == 2
    assert read(log, as_of=START + 3 * DAY + 1)["autumn"].delivered == 1


def test_two_addresses_of_one_person_are_one_recipient(log: SendLog) -> None:
    landing = read(
        log,
        *sent("autumn", "ann", "ann+news"),
        Happened("autumn", "ann+news@globex.example", "bounced", START, bounce="hard"),
    )["autumn"]

    assert (landing.sent, landing.delivered) == (1, 1)


def test_without_sends_no_share_is_known_but_the_counts_are(log: SendLog) -> None:
    opened = Happened("autumn", "ann@globex.example", "opened", START)

    landing = read(log, opened, *sent("winter", "bo"))["autumn"]

    assert landing.sent is None
    assert landing.delivered is None
    assert landing.opened.low == Rate(None, 1, None)
    assert "not sent" in landing.notes


def test_a_log_that_begins_in_the_middle_tells_no_share(log: SendLog) -> None:
    people = sent("autumn", *(f"p{i}" for i in range(10)))
    opens = [replace(event, type="opened", at=START + 600) for event in people]

    landing = read(log, *people[7:], *opens)["autumn"]

    assert landing.opened.low.value is None


def test_what_a_source_never_tells_of_is_unknown_and_not_zero(log: SendLog) -> None:
    landing = read(log, *sent("autumn", "ann"))["autumn"]

    assert landing.delivered == 1
    assert landing.opened_raw == Rate()
    assert landing.clicked.low == Rate()
    assert landing.complained == Rate()
    assert landing.replied == Rate()
    assert set(landing.bounces.values()) == {None}
    assert {"no opens", "no clicks", "no bounces", "no replies"} <= set(landing.notes)


def test_who_leaves_without_a_word_of_any_mail_makes_no_campaign(log: SendLog) -> None:
    left = Happened("", "ann@globex.example", "unsubscribed", START + 60)

    found = read(log, *sent("autumn", "ann"), left, replace(left, type="subscribed"))

    assert list(found) == ["autumn"]
    assert "" in read(log, replace(left, type="sent", at=START))


def test_a_young_campaign_is_still_coming_in(log: SendLog) -> None:
    assert read(log, *sent("autumn", "ann"), as_of=START + 2 * DAY)["autumn"].coming_in
    assert not read(log, as_of=START + 3 * DAY)["autumn"].coming_in


def test_a_verdict_is_known_a_minute_late_but_not_where_only_the_day_is(log: SendLog) -> None:
    opened = Happened("autumn", "ann@globex.example", "opened", START + 600)
    other = replace(opened, recipient="bo@globex.example", exact=0)

    found = read(log, *sent("autumn", "ann", "bo"), opened, other, as_of=START + 660)

    assert found["autumn"].opened.low.k == 1
    assert read(log, as_of=START + 661)["autumn"].opened.low.k == 2


def test_replies_count_once_and_only_known_where_a_mailbox_was_read(log: SendLog) -> None:
    log.write([*sent("autumn", "ann", "bo"), *sent("spring", "ann", at=START - 99 * DAY)])
    for key, at in (("m1", START - DAY), ("m2", START + 900), ("m3", START + DAY)):
        log.db.execute(
            "insert into messages (message, thread, at, known_at, subject, kind, lang, new_text,"
            " quoted_text, signature, attachments, problems, direction)"
            " values (?, 't', ?, ?, '', 'human', 'en', '', '', '', '[]', '[]', 'in')",
            (key, at, at),
        )
    log.db.executemany(
        "insert into campaign_replies values (?, 'autumn', 'ann@globex.example', ?, ?)",
        [("m2", "message-id", 1.0), ("m3", "subject", 0.3)],
    )

    found = read(log)

    assert (found["autumn"].replied.k, found["autumn"].replied.n) == (1, 2)
    assert found["spring"].replied == Rate()


# Parts.


def test_parts_are_counted_by_customer_segment_variant_and_link(log: SendLog) -> None:
    people = [
        *sent("autumn", "ann", "bo", variant="A"),
        Happened("autumn", "cy@hooli.example", "sent", START, variant="B"),
    ]
    clicks = [
        replace(event, type="clicked", at=START + 600, url=f"https://acme.example/{path}",
                variant="")
        for event, path in zip(people, ("offer?id=1", "offer?id=2#x", "terms"), strict=True)
    ]  # fmt: skip
    log.write([*people, *clicks])

    parts = campaigns.report(
        log.path, iso(START + 9 * DAY), by=("customer", "segment", "variant", "link")
    ).parts

    told = {
        by: [(p.part, p.clicked.low.k, p.delivered) for p in each] for by, each in parts.items()
    }
    assert told["customer"] == [("globex.example", 2, 2), ("hooli.example", 1, 1)]
    assert told["segment"] == [("big", 1, 1), ("small", 2, 2)]
    assert told["variant"] == [("A", 2, 2), ("B", 1, 1)]
    assert told["link"] == [
        ("https://acme.example/offer", 2, 3),
        ("https://acme.example/terms", 1, 3),
    ]


def test_a_contact_belongs_to_the_customer_of_the_day_of_the_mail(log: SendLog) -> None:
    log.write([*sent("old", "ann"), *sent("new", "ann", at=START + 10 * DAY)])
    moved = iso(START + 5 * DAY)[:10]
    log.db.execute("update contact_customers set valid_to = ?", (moved,))
    log.db.execute("insert into customers (customer, origin) values ('hooli.example', 'file')")
    log.db.execute(
        "insert into contact_customers values ('ann@globex.example', 'hooli.example', ?, '')",
        (moved,),
    )
    log.db.commit()

    report = campaigns.report(log.path, iso(START + 40 * DAY), by=("customer",))

    assert [(part.campaign, part.part) for part in report.parts["customer"]] == [
        ("new", "hooli.example"),
        ("old", "globex.example"),
    ]


# Comparison.


def two_variants(log: SendLog, *clickers: int, of: int) -> Report:
    for variant, clicked in zip("AB", clickers, strict=True):
        people = sent("autumn", *(f"{variant}{i}" for i in range(of)), variant=variant)
        log.write(people)
        log.write(
            replace(event, type="clicked", at=START + 600, url="https://acme.example/")
            for event in people[:clicked]
        )
    return campaigns.report(log.path, iso(START + 9 * DAY), name="autumn")


def test_a_clear_difference_is_said_with_its_interval(log: SendLog) -> None:
    report = two_variants(log, 48, 80, of=100)

    said = sentences.differences(report.differences, "en")
    assert said == ["B was clicked by 32.0 points more than A (18.9 to 43.6)"]
    assert sentences.differences(report.differences, "ja") == [
        "「B」のクリック率は「A」より32.0ポイント高い（18.9～43.6）"
    ]


def test_a_difference_that_is_not_clear_says_how_many_more_are_needed(log: SendLog) -> None:
    report = two_variants(log, 50, 60, of=100)

    # 387.3 in each group (Fleiss, Levin & Paik 2003, 4.14), of whom 100 are there.
    assert sentences.differences(report.differences, "en") == [
        "no difference in the click rate can be told yet; about 580 more recipients are needed"
    ]
    assert "あと約580人" in sentences.differences(report.differences, "ja")[0]


def test_no_difference_at_all_asks_for_nobody_more(log: SendLog) -> None:
    report = two_variants(log, 50, 50, of=100)

    (said,) = sentences.differences(report.differences, "en")
    assert re.fullmatch(
        r"no difference in the click rate can be told; it is at most 1[34]\.\d points", said
    )


def test_more_recipients_are_needed_the_smaller_the_difference_is() -> None:
    numbers = [needed(rate(100, 1000), rate(100 + k, 1000)) for k in (1, 2, 5, 10, 20)]

    assert all(isinstance(number, int) for number in numbers)
    assert numbers == sorted(numbers, key=lambda number: -(number or 0))
    assert needed(rate(5, 10), rate(5, 10)) is None
    assert needed(rate(0, 10), rate(0, 0)) is None


def test_two_campaigns_are_compared_by_name(log: SendLog) -> None:
    log.write([*sent("autumn", "ann"), *sent("winter", "ann")])
    log.write([replace(sent("autumn", "ann")[0], type="clicked", at=START + 9, url="https://x/")])

    report = campaigns.report(log.path, iso(START + 9 * DAY), compare=("winter", "autumn"))

    clicked = next(each for each in report.differences if each.measure == "clicked")
    assert (clicked.a, clicked.b, clicked.campaign, clicked.value) == ("winter", "autumn", "", 1.0)


def test_a_campaign_or_variant_that_is_not_there_is_named_with_its_neighbours(
    log: SendLog,
) -> None:
    log.write(sent("autumn", "ann", variant="A"))

    for asked in ({"name": "autum"}, {"compare": ("autumn", "wintr")}):
        with pytest.raises(UnknownName, match="'autumn'"):
            campaigns.report(log.path, iso(LATER), **asked)
    with pytest.raises(UnknownName, match="no variant 'C'; there are 'A'"):
        campaigns.report(log.path, iso(LATER), name="autumn", compare=("A", "C"))


def test_a_part_that_is_not_there_is_refused_before_it_is_sql(log: SendLog) -> None:
    with pytest.raises(UnknownName, match="there are customer, segment, variant, link"):
        campaigns.report(log.path, iso(LATER), by=("all; drop table mails",))  # type: ignore[arg-type]


def test_a_wrong_instant_or_file_is_said_in_one_sentence(log: SendLog, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no moment"):
        campaigns.report(log.path, "yesterday")
    with pytest.raises(BadSource, match="no such file"):
        campaigns.report(tmp_path / "none.db", iso(LATER))


# Trend and fatigue.


@pytest.mark.parametrize(
    ("share", "freedom", "quantile"),
    [(0.95, 10, 1.812461), (0.975, 2, 4.302653), (0.95, 1, 6.313752), (0.95, 20_000, 1.644854)],
)
def test_quantiles_of_student_are_those_of_the_tables(
    share: float, freedom: int, quantile: float
) -> None:
    assert intervals.t_quantile(share, freedom) == pytest.approx(quantile, abs=1e-6)


def test_a_slope_is_that_of_least_squares_with_every_weight_equal() -> None:
    points = [(0.0, 0.30, 10.0), (1.0, 0.20, 10.0), (2.0, 0.25, 10.0), (3.0, 0.05, 10.0)]

    found = trend.slope(points)

    assert found is not None
    value, low, high = found
    assert value == pytest.approx(-0.07)
    assert low + high == pytest.approx(2 * value)
    # At least binomial: sqrt(0.2 * 0.8 / (10 * 5)) * 4.3027
    assert high - value == pytest.approx(4.302653 * math.sqrt(0.16 / 50), rel=1e-6)
    assert trend.slope([(1.0, 0.2, 5.0)] * 4) is None


def weekly(log: SendLog, rates: Mapping[int, float], of: int = 400) -> Report:
    for week, share in rates.items():
        people = sent(f"week {week}", *(f"p{i}" for i in range(of)), at=START + week * 7 * DAY)
        log.write(people)
        log.write(
            replace(event, type="clicked", at=event.at + 600, url="https://acme.example/")
            for event in people[: round(share * of)]
        )
    return campaigns.report(log.path, iso(START + 99 * DAY))


def test_a_trend_is_said_only_where_it_is_clear(log: SendLog) -> None:
    report = weekly(log, {week: 0.4 - 0.03 * week for week in range(9)})

    opened, clicked, left = report.trends
    assert clicked.sign == -1
    assert sentences.trend(clicked, "en").startswith("the click rate falls by 12.9 points")
    assert sentences.trend(clicked, "en").endswith("in 30 days (9.9 to 15.8)")
    assert (opened.sign, left.sign) == (0, 0)


def test_a_level_rate_has_no_trend_and_few_campaigns_tell_none(log: SendLog) -> None:
    few = weekly(log, {0: 0.2, 1: 0.3, 2: 0.4}).trends[1]
    level = weekly(log, {3: 0.31, 4: 0.22, 5: 0.4, 6: 0.28}).trends[1]

    assert few.slope is None
    assert level.slope is not None
    assert level.sign == 0


def months(log: SendLog, answers: Mapping[int, float], seed: int) -> Fatigue:
    """Forty people get 1 mail in one month and so many in the other; some answer always."""
    rng = random.Random(seed)
    number = count()
    for month, touches in enumerate(answers):
        for _ in range(touches):
            at = START + month * 30 * DAY + rng.randrange(29 * DAY)
            people = sent(f"c{next(number)}", *(f"p{i}" for i in range(40)), at=at)
            log.write(people)
            log.write(
                replace(event, type="clicked", at=event.at + 600, url="https://acme.example/")
                for i, event in enumerate(people)
                if rng.random() < answers[touches] + (0.3 if i % 4 == 0 else 0)
            )
    report = campaigns.report(log.path, iso(START + len(answers) * 30 * DAY + 4 * DAY))
    return report.fatigue


def test_tiredness_is_told_where_people_answer_less_in_fuller_months(log: SendLog) -> None:
    found = months(log, {2: 0.5, 12: 0.1}, seed=1)

    assert found.sign == -1
    assert found.high is not None
    assert found.high < 0
    assert "fewer are answered" in sentences.fatigue(found, "en")
    assert "下がります" in sentences.fatigue(found, "ja")


def test_the_slope_is_that_of_a_regression_with_a_mean_for_each_contact(log: SendLog) -> None:
    rng = random.Random(5)
    mails = []  # contact, month, answered
    for i in range(90):
        month = rng.choice([0, 0, 1])
        for person in rng.sample(range(15), rng.randint(1, 15)):
            event = Happened(
                f"c{i}", f"p{person}@globex.example", "sent", START + month * 30 * DAY + 60
            )
            answered = rng.random() < 0.2 + person / 30
            log.write([event])
            if answered:
                log.write(
                    [replace(event, type="clicked", at=event.at + 9, url="https://x.example")]
                )
            mails.append((person, month, answered))

    found = campaigns.report(log.path, iso(START + 60 * DAY)).fatigue

    assert (found.slope, found.low, found.high) == pytest.approx(regression(mails))


def regression(mails: list[tuple[int, int, bool]]) -> tuple[float, float, float]:
    """Regress answers on touches and a dummy for each contact; errors clustered by contact."""
    import numpy as np

    touches = Counter((person, month) for person, month, _ in mails)
    people = sorted({person for person, _, _ in mails})
    x = np.array([touches[person, month] for person, month, _ in mails], float)
    y = np.array([answered for _, _, answered in mails], float)
    dummies = np.array([[float(person == each) for each in people] for person, _, _ in mails])
    design = np.column_stack([x, dummies])
    fit = np.linalg.lstsq(design, y, rcond=None)[0]
    rest = y - design @ fit
    inner = sum(
        np.outer(score, score)
        for each in range(len(people))
        for score in [(design * rest[:, None])[dummies[:, each] == 1].sum(axis=0)]
    )
    bread = np.linalg.pinv(design.T @ design)
    number = len(people)
    variance = (bread @ inner @ bread)[0, 0] * number / (number - 1)
    half = intervals.t_quantile(0.95, number - 1) * math.sqrt(variance)
    return float(fit[0]), float(fit[0] - half), float(fit[0] + half)


def test_no_tiredness_is_told_where_there_is_none(log: SendLog) -> None:
    found = months(log, {2: 0.3, 12: 0.3}, seed=2)

    assert found.sign == 0
    assert sum(each.mails for each in found.classes) == 14 * 40
    assert next(each.touches for each in found.classes) in ("1", "2-4")


def test_eager_people_who_get_more_do_not_look_tireless(log: SendLog) -> None:
    for i in range(60):
        eager = i % 2 == 0
        for month in range(2):
            for mail in range((6 if eager else 1) + month):
                at = START + month * 30 * DAY + mail * DAY
                event = Happened(f"c{month}-{mail}", f"p{i}@globex.example", "sent", at)
                log.write([event])
                if eager or (i + mail) % 5 == 0:
                    log.write([replace(event, type="clicked", at=at + 9, url="https://x.example/")])

    found = campaigns.report(log.path, iso(START + 64 * DAY)).fatigue

    rates = {each.touches: each.answered.value for each in found.classes}
    assert (rates["5-8"] or 0) > 0.9
    assert found.sign <= 0


# What is shown.


def run(log: SendLog, *words: str) -> Result:
    words = ("--db", str(log.path), "campaigns", *words, "--as-of", iso(START + 9 * DAY))
    return CliRunner().invoke(main, list(words))


def test_the_verb_tells_bounds_notes_and_the_comparison(log: SendLog) -> None:
    two_variants(log, 48, 80, of=100)

    done = run(log, "autumn")

    assert done.exit_code == 0, done.output
    assert "64.0 %" in done.stdout
    assert "B was clicked by 32.0 points more than A" in done.stderr
    assert "no opens are told of" in done.stderr
    assert "開封の記録がありません" in run(log, "autumn", "--lang", "ja").stderr


def test_without_any_campaign_the_verb_says_what_to_do(log: SendLog) -> None:
    for words in ((), ("--by", "link"), ("--fatigue",)):
        done = run(log, *words)

        assert done.exit_code == 0
        assert "no campaign yet: connect a send log" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--by", "link"),
        ("--by", "customer"),
        ("autumn", "--by", "variant"),
        ("--trend",),
        ("--fatigue",),
        ("autumn", "--compare", "A", "B"),
    ],
)
def test_every_answer_speaks_json_and_csv(log: SendLog, words: tuple[str, ...]) -> None:
    two_variants(log, 48, 80, of=100)

    rows = json.loads(run(log, *words, "--json").stdout)
    lines = list(csv.DictReader(io.StringIO(run(log, *words, "--csv").stdout)))

    assert rows
    assert [list(row) for row in rows] == [list(line) for line in lines]


def test_an_unknown_campaign_is_one_sentence(log: SendLog) -> None:
    done = run(log, "winter")

    assert done.exit_code == 1
    assert "no campaign 'winter'" in done.stderr


def test_a_formula_in_a_cell_of_csv_is_text_and_numbers_stay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "plain", "two\r=1+1"]

    show.rows([{"text": text, "number": -0.5, "count": -3} for text in texts], "csv", empty="")

    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [line["text"] for line in lines] == [
        "'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'\nx", "plain", "two\n=1+1",
    ]  # fmt: skip
    assert {(line["number"], line["count"]) for line in lines} == {("-0.5", "-3")}


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_works_offline_and_escapes_every_name(log: SendLog, lang: str) -> None:
    hostile = '<script>alert("x")</script>'
    for week in range(5):
        people = sent(f"{hostile} {week}", *(f"p{i}" for i in range(30)), variant="<b>A</b>",
                      at=START - week * 7 * DAY)  # fmt: skip
        log.write(people)
        log.write(replace(e, type="opened", at=e.at + 9, machine=1, hides=1) for e in people[:9])
        log.write(
            replace(e, type="clicked", at=e.at + 900, url=f"javascript:alert(1)//{hostile}")
            for e in people[:5]
        )
    file = log.path.parent / "campaigns.html"

    pair = (f"{hostile} 1", f"{hostile} 2")
    done = run(log, "--html", str(file), "--lang", lang, "--compare", *pair)

    assert done.exit_code == 0, done.output
    html = file.read_text("utf-8")
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert html.count("<svg") >= 1
    assert not re.search(r'(?:src|href)="(?!#)', re.sub(r"<svg.*?</svg>", "", html, flags=re.S))
    assert page.WORDS[lang]["title"] in html
    assert page.WORDS[lang]["compared"] in html


def test_both_languages_have_every_word() -> None:
    assert page.WORDS["en"].keys() == page.WORDS["ja"].keys()
