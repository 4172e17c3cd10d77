"""Signals: the engine against the judge, no look ahead, and unknown is never zero."""

import json
import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from mailhealth import intervals, rules, score, signals
from mailhealth.errors import BadData, BadSource
from mailhealth.signals import behind, engine, fits, stored
from mailhealth.signals.clock import Pace
from tests import company as companies
from tests.company import AS_OF, CUSTOMERS, EARLIER, END, Company, Values
from tests.reference import DAY, Answer, Reference, drawn


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """A company with one customer, seen on both sides for two years."""
    company = companies.small(tmp_path / "acme.db")
    with closing(company.store):
        yield company


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Three customers with a year of everything, and one that never says a word."""
    company = companies.busy(tmp_path_factory.mktemp("busy") / "acme.db")
    with closing(company.store):
        yield company


@pytest.fixture(scope="module")
def known(busy: Company) -> Values:
    """The shipped signals of the busy company, on two days."""
    return busy.values(AS_OF, EARLIER)


@pytest.fixture(scope="module")
def judge(busy: Company, known: Values) -> Reference:
    """The judge of the busy company, whose events the rules have judged."""
    assert known
    return Reference(busy.path)


def _near(found: Answer, expected: Answer) -> bool:
    """Tell whether value, n and k agree to 1e-9; the judge's None for n or k is no opinion."""
    (value, *rests), (wanted, *wanted_rests) = found, expected
    if (value is None) != (wanted is None):
        return False
    pairs = [(value, wanted), *zip(rests, wanted_rests, strict=True)]
    return all(
        math.isclose(one or 0.0, other, rel_tol=1e-9, abs_tol=1e-12)
        for one, other in pairs
        if other is not None
    )


def at(written: str) -> int:
    """Read a moment in UTC."""
    return int(datetime.fromisoformat(written).replace(tzinfo=UTC).timestamp())


ENDS = {AS_OF: END, EARLIER: at("2026-08-15 12:00")}
WINDOWS = (7, 28, 90)


def test_every_shipped_signal_agrees_with_the_judge(known: Values, judge: Reference) -> None:
    seen = set()

    for (customer, as_of, days, name), value in known.items():
        expected = judge.cell(customer, ENDS[as_of], days).answers.get(name)
        if expected is not None:
            found = (value.value, value.n, value.k)
            assert _near(found, expected), (customer, as_of, days, name, found, expected)
            seen |= {name} if expected[0] else set()

    compared = {signal.name for signal in rules.load().signals if signal.kind != "change"}
    assert seen == compared, "a signal was never more than zero in the busy company"


def test_every_change_agrees_with_the_judge(known: Values, judge: Reference) -> None:
    kinds = {signal.name: signal.kind for signal in rules.load().signals}
    judged = {
        (customer, as_of, days): judge.changes(customer, end, days)
        for customer in CUSTOMERS
        for as_of, end in ENDS.items()
        for days in WINDOWS
    }
    seen = set()

    for (customer, as_of, days, name), value in known.items():
        expected, n = judged.get((customer, as_of, days), {}).get(name, (None, 0))
        assert _near((value.change, None, None), (expected, None, None)), (name, value, expected)
        if kinds[name] == "change":
            assert _near((value.value, value.n, None), (expected, n, None)), (name, value)
        seen |= {name} if expected else set()

    asked = {s.name for s in rules.load().signals if s.past and s.measures != "value"}
    assert asked - seen == {"csat", "survey_response", "unsubscribed_contacts"}, (
        "no 90 days' window"
    )


def test_every_value_is_drawn_to_the_typical_one_as_the_judge_draws_it(
    known: Values, judge: Reference
) -> None:
    seen = set()

    for (customer, as_of, days, name), value in known.items():
        hours = judge.cell(customer, ENDS[as_of], days).hours.get(name, ())
        shrunk, own = drawn(name, (value.value, value.n, value.k), hours)
        assert _near((value.shrunk, value.reliability, None), (shrunk, own, None)), (value, shrunk)
        seen |= {name} if shrunk is not None and own < 1 else set()

    priors = {signal.name for signal in rules.load().signals if signal.prior}
    assert seen == priors


def test_small_numbers_of_many_customers_are_drawn_to_what_is_likeliest(tmp_path: Path) -> None:
    company = companies.crowd(tmp_path / "crowd.db")
    values, judge = company.values(), Reference(company.path)
    company.store.close()
    names = sorted({key[0] for key in values})
    answers = {name: judge.cell(name, END, 90).answers for name in names}
    k, n = (np.array([answers[name]["reply_rate"][i] or 0 for name in names]) for i in (2, 1))

    def loss(logs: np.ndarray) -> float:
        return -float(stats.betabinom.logpmf(k, n, *np.exp(logs)).sum())

    a, b = np.exp(optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead").x)

    for name, hits, asks in zip(names, k, n, strict=True):
        value = values[name, AS_OF, 90, "reply_rate"]
        assert value.reliability == pytest.approx(asks / (asks + a + b), rel=1e-3)
        if asks:
            assert value.shrunk == pytest.approx((hits + a) / (asks + a + b), rel=1e-3)


def test_volumes_are_drawn_to_the_gamma_behind_what_a_day_brings(tmp_path: Path) -> None:
    company = companies.crowd(tmp_path / "crowd.db")
    told = company.values(only="inbound_volume")
    company.store.close()
    values = [value for key, value in told.items() if key[2] == 90]
    days = sum(value.n or 0 for value in values)
    a_day = sum(value.k or 0 for value in values) / days
    spread = sum((v.n or 0) * ((v.value or 0) / 30 - a_day) ** 2 for v in values) / days
    worth = a_day / (spread - a_day * len(values) / days)

    for value in values:
        own = (value.n or 0) / ((value.n or 0) + worth)
        assert value.reliability == pytest.approx(own)
        assert value.shrunk == pytest.approx(own * (value.value or 0) + (1 - own) * 30 * a_day)


def _change_the_future(company: Company, since: int) -> None:
    """Delete, move, change and add whatever a store can hold from a moment on."""
    store = company.store
    store.execute("pragma foreign_keys = off")
    for table in ("messages", "events", "answers"):
        store.execute(f"delete from {table} where at >= ? and rowid % 3 = 0", (since,))
        store.execute(f"update {table} set at = at + 5 where at >= ?", (since,))
    later = "(select message from messages where at >= ?)"
    store.execute(f"update annotations set value = -value where message in {later}", (since,))
    store.execute(f"update notices set until = '2026-12-24' where message in {later}", (since,))
    store.execute("update answers set value = 0 where at >= ? and rowid % 2", (since,))
    store.execute("update messages set kind = 'list' where at >= ? and rowid % 2", (since,))
    store.execute("update messages set utc_offset = 720, new_text = 'x' where at >= ?", (since,))
    _write_after(company, since)


def _write_after(company: Company, since: int) -> None:
    before = "where at < ? and direction is not null order by at desc limit 60"
    told = "select direction, thread, message_id, sender from messages " + before
    for i, (direction, thread, original, sender) in enumerate(
        company.store.execute(told, (since,)).fetchall()
    ):
        other = "out" if direction == "in" else "in"
        key = company.mail(CUSTOMERS[i % 3], since + i, other, thread=thread, message=f"0{i}")
        company.read(key, "intent", "cancel", 1.0)
        company.read(key, "nps", "answer", 0)
        person = sender if sender != "us@acme.example" else f"ann@{CUSTOMERS[0]}"
        company.notice("absent", since + i, person, until="2026-12-24")
        company.notice("bounced", since + i, person, bounce="hard", original=original or "")
        company.notice("complained", since + i, person)
        company.leave(person, since + i)
        company.answer(person, since + i, asked_at=since - 9 * DAY, value=0)
    ids = "select distinct campaign, message_id from events where at < ? and message_id <> ''"
    for campaign, message_id in company.store.execute(ids, (since,)).fetchall():
        for person in (f"ann@{CUSTOMERS[0]}", f"bob@{CUSTOMERS[1]}"):
            company.event(person, "sent", since, campaign=campaign, message_id=message_id)
    pairs = "select distinct campaign, recipient from events where at < ?"
    kinds = ("delivered", "opened", "clicked", "bounced", "unsubscribed", "subscribed")
    for campaign, recipient in company.store.execute(pairs, (since,)).fetchall():
        for kind in (*kinds, "complained"):
            company.event(recipient, kind, since, campaign=campaign, bounce="hard", url="z")


def test_nothing_at_or_after_the_as_of_changes_a_bit(
    busy: Company, known: Values, tmp_path: Path
) -> None:
    later = Company.copy(busy, tmp_path / "later.db")
    _change_the_future(later, ENDS[EARLIER])
    late = later.values(EARLIER, AS_OF)
    later.store.close()

    assert _as_of(late, EARLIER) == _as_of(known, EARLIER)
    assert _as_of(late, AS_OF) != _as_of(known, AS_OF)


def _as_of(values: Values, as_of: str) -> Values:
    return {key: value for key, value in values.items() if key[1] == as_of}


# What is honest in a fact, and what would let it know 30 days ahead: of mail that is received,
# of answers to it, of opens.
LEAKS = {
    "received": ("contact, moment,", "contact, moment - 2592000 as moment,"),
    "their_turns": ("coalesce(answer, 253402300800)", "coalesce(answer - 2592000, 253402300800)"),
    "deliveries": ("by_machine = 0 then moment + 60", "by_machine = 0 then moment - 2592000"),
}


@pytest.mark.parametrize("fact", LEAKS)
def test_a_fact_that_looks_30_days_ahead_is_found_out(
    busy: Company, tmp_path: Path, fact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    views, (honest, ahead) = dict(rules.facts()), LEAKS[fact]
    assert honest in views[fact]
    views[fact] = (
        views[fact].replace(honest, ahead).replace("customer, thread, moment\n", "5, 3, 4\n")
    )
    monkeypatch.setattr(engine, "facts", lambda: views)
    groups, cut = stored.groups, engine._cut
    monkeypatch.setattr(stored, "groups", lambda db, names, span: groups(db, names, _ahead(span)))
    monkeypatch.setattr(engine, "_cut", lambda rows, span: cut(rows, _ahead(span)))
    later = Company.copy(busy, tmp_path / "later.db")

    nothing = fits.Fit(fits.through(ENDS[EARLIER]))
    before = later.values(EARLIER, fit=nothing)
    _change_the_future(later, ENDS[EARLIER])
    after = later.values(EARLIER, fit=nothing)
    later.store.close()

    assert after != before


def _ahead(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], span[1] + 30 * DAY


def test_what_is_fitted_for_a_month_is_the_same_whatever_comes_after_it_began(
    busy: Company, tmp_path: Path
) -> None:
    month = fits.through(ENDS[EARLIER])
    before = signals.fit(busy.path, rules.load(), [month])
    later = Company.copy(busy, tmp_path / "later.db")
    _change_the_future(later, month)
    later.judge()
    later.store.close()

    assert signals.fit(later.path, rules.load(), [month]) == before


def test_a_fit_that_was_written_is_read_as_it_was(busy: Company) -> None:
    month = fits.through(ENDS[EARLIER])
    (fit,) = signals.fit(busy.path, rules.load(), [month]).values()

    assert fits.read(fits.written(fit)) == fit


def test_rows_that_came_in_another_order_give_the_same_numbers(
    busy: Company, known: Values, tmp_path: Path
) -> None:
    other = Company.copy(busy, tmp_path / "other.db")
    for table in ("messages", "events", "answers"):
        # A survey's answers of one second keep their order: the later one counts.
        order = "at, answer desc" if table == "answers" else "at desc"
        other.store.execute(f"create table turned as select * from {table} order by {order}")
        other.store.execute(f"delete from {table}")
        other.store.execute(f"insert into {table} select * from turned")
        other.store.execute("drop table turned")

    assert other.values(EARLIER, AS_OF) == known


@pytest.mark.parametrize("customers", [None, CUSTOMERS[1:3]], ids=["all", "some"])
def test_reading_in_order_finds_what_looking_up_finds(
    busy: Company, customers: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = (EARLIER, AS_OF)
    monkeypatch.setattr(stored, "_FEW", 1)
    looked_up = list(signals.compute(busy.path, rules.load(), days, customers=customers))
    monkeypatch.setattr(stored, "_FEW", 0)
    in_order = list(signals.compute(busy.path, rules.load(), days, customers=customers))

    assert in_order == looked_up


def test_one_instant_of_a_month_does_not_see_what_another_sees(company: Company) -> None:
    # The sent folder was connected on the 20th: as of the 15th, our mail was nearly unknown.
    for i in range(100):
        company.mail(CUSTOMERS[0], END - 60 * DAY + i, "in", thread=f"{i}")
    company.mail(CUSTOMERS[0], END - 50 * DAY, "out", thread="stray")
    for i in range(50):
        company.mail(CUSTOMERS[0], END - 11 * DAY + i, "out", thread=f"new {i}")
    days = ("2026-10-15T00:00:00Z", "2026-10-25T00:00:00Z")

    together = company.values(*days, only="outbound_volume")
    alone = company.values(days[0], only="outbound_volume")

    assert alone.items() <= together.items()


DAYS = (EARLIER, "2026-08-31T23:59:59Z")


def test_days_computed_together_are_the_days_computed_alone(busy: Company) -> None:
    together = busy.values(*DAYS)

    alone = [value for day in DAYS for value in busy.values(day).values()]

    assert together == {(v.customer, v.as_of, v.window_days, v.signal): v for v in alone}


def test_one_customer_alone_gets_the_same_numbers(busy: Company, known: Values) -> None:
    alone = list(signals.compute(busy.path, rules.load(), [AS_OF], customers=[CUSTOMERS[1]]))

    assert {value.customer for value in alone} == {CUSTOMERS[1]}
    for value in alone:
        assert value == known[value.customer, AS_OF, value.window_days, value.signal]


@pytest.mark.parametrize("few", [0, 1], ids=["in order", "looked up"])
def test_many_customers_come_in_buckets_with_the_same_numbers(
    busy: Company, known: Values, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "_MESSAGES_AT_ONCE", 300)
    monkeypatch.setattr(stored, "_FEW", few)

    in_buckets = busy.values()

    assert in_buckets == _as_of(known, AS_OF)


def test_a_customer_of_whom_nothing_is_known_gets_rows_that_say_so(known: Values) -> None:
    rows = [value for key, value in known.items() if key[:2] == (CUSTOMERS[3], AS_OF)]

    assert len(rows) == sum(len(signal.windows) for signal in rules.load().signals)
    assert all(value.value is None and value.low is None for value in rows)
    assert all(value.shrunk is None and value.reliability == 0 for value in rows)
    assert all(value.change is None for value in rows)


def test_what_is_known_lies_within_its_interval_and_its_prior(known: Values) -> None:
    told = [value for value in known.values() if value.value is not None]

    for value in told:
        if value.low is not None and value.high is not None:
            assert value.low - 1e-9 <= value.value <= value.high + 1e-9, value
        assert value.shrunk is not None
        assert 0 <= (value.reliability or 0) <= 1
    assert len(told) > 500


def test_no_campaign_mail_is_an_unknown_open_rate_and_twelve_unopened_are_zero(
    company: Company,
) -> None:
    assert company.value("open_rate").value is None

    for i in range(12):
        company.event(f"ann@{CUSTOMERS[0]}", "delivered", END - i * DAY - 60, campaign=f"n{i}")

    rate = company.value("open_rate")
    assert (rate.value, rate.k, rate.n) == (0.0, 0.0, 12.0)
    assert rate.low == 0.0
    assert rate.high == pytest.approx(0.2425, abs=1e-4)


def test_an_out_of_office_is_not_an_answer(company: Company) -> None:
    asked = at("2026-10-12 00:00")
    company.mail(CUSTOMERS[0], asked, "out")
    company.mail(CUSTOMERS[0], asked + 60, "in", kind="auto_reply")

    assert company.value("reply_rate").value == 0.0
    company.mail(CUSTOMERS[0], asked + 4 * DAY, "in")
    assert company.value("reply_rate").value == 1.0
    assert company.value("response_hours").value == 4 * 9


def test_an_ask_counts_when_its_five_days_are_over(company: Company) -> None:
    company.mail(CUSTOMERS[0], END - DAY, "out", thread="yesterday")
    company.mail(CUSTOMERS[0], END - 5 * DAY, "out", thread="young")

    assert company.value("reply_rate").value is None

    company.mail(CUSTOMERS[0], END - 5 * DAY - 1, "out", thread="old")
    assert company.value("reply_rate").n == 1.0


@pytest.mark.parametrize(("days", "wait"), [(0, 2), (3, 3), (20, 7)])
def test_an_ask_waits_as_long_as_95_of_100_answers_took_but_two_to_seven_days(
    company: Company, days: int, wait: int
) -> None:
    for i in range(60):
        company.mail(CUSTOMERS[0], END - 300 * DAY + i * DAY, "out", thread=f"{i}")
        late = days if i >= 56 else 0
        company.mail(CUSTOMERS[0], END - 300 * DAY + (i + late) * DAY + 60, "in", thread=f"{i}")
    company.store.commit()

    (fit,) = signals.fit(company.path, companies.page("reply_rate"), [END]).values()

    assert fit.wait == wait * DAY


def test_an_ask_that_came_back_was_none(company: Company) -> None:
    for thread, original in (("back", "1@acme.example"), ("there", "2@acme.example")):
        company.mail(CUSTOMERS[0], END - 20 * DAY, "out", thread=thread, message_id=original)
    person = f"ann@{CUSTOMERS[0]}"
    company.notice("bounced", END - 19 * DAY, person, bounce="hard", original="1@acme.example")

    assert company.value("reply_rate").n == 1.0
    assert company.value("response_hours_all").n == 1.0
    assert company.value("dead_addresses").value == 1.0


def test_whose_address_died_after_writing_most_was_the_main_contact(company: Company) -> None:
    company.contact(f"bob@{CUSTOMERS[0]}", CUSTOMERS[0])
    for i, person in enumerate(("ann", "ann", "bob")):
        company.mail(CUSTOMERS[0], END - (30 + i) * DAY, "in", person=f"{person}@{CUSTOMERS[0]}")
    company.notice("bounced", END - 9 * DAY, f"bob@{CUSTOMERS[0]}", bounce="hard")

    assert company.value("main_contact_gone").value == 0.0

    company.event(f"ann@{CUSTOMERS[0]}", "bounced", END - 8 * DAY, bounce="hard")
    assert company.value("main_contact_gone").value == 1.0
    assert company.value("dead_addresses").value == 2.0


def test_mere_thanks_are_no_ask_of_anybody(company: Company) -> None:
    thanks = {"new_text": "Dear Ann, many thanks!", "courtesies": "[[0, 22]]"}
    for side in ("in", "out"):
        company.mail(CUSTOMERS[0], END - 20 * DAY, side, thread=f"thanks {side}", **thanks)
    praise = company.mail(CUSTOMERS[0], END - 20 * DAY, "in", thread="praise")
    company.read(praise, "intent", "praise", 0.9)

    assert company.value("reply_rate").n == 0.0
    assert company.value("our_reply_rate").n == 0.0
    assert company.value("open_items").n == 0.0

    company.read(praise, "intent", "question", 0.9)
    assert company.value("open_items").value == 1.0


@pytest.mark.parametrize(
    ("text", "asks"),
    [("OK", 0), ("承知しました。", 0), ("When?", 1), ("いつですか？", 1), ("ご連絡ください。", 1)],
)
def test_a_short_question_is_an_ask(company: Company, text: str, asks: int) -> None:
    company.mail(CUSTOMERS[0], END - 20 * DAY, "out", new_text=text)

    assert company.value("reply_rate").n == asks


def test_an_open_item_grows_old_in_our_working_hours(company: Company) -> None:
    company.mail(CUSTOMERS[0], at("2026-10-29 17:00"), "in", thread="Thursday")
    company.mail(CUSTOMERS[0], at("2026-10-30 17:30"), "in", thread="Friday")

    assert company.value("open_items").value == 2.0
    assert company.value("oldest_open_hours").value == 1 + 9

    company.mail(CUSTOMERS[0], at("2026-10-31 12:00"), "out", thread="Thursday")
    assert company.value("open_items").value == 1.0
    assert company.value("oldest_open_hours").value == 0.5


def test_an_answer_before_the_office_opens_took_a_minute(company: Company) -> None:
    company.mail(CUSTOMERS[0], at("2026-10-12 05:00"), "out")
    company.mail(CUSTOMERS[0], at("2026-10-12 08:59"), "in")

    assert company.value("response_hours").value == 1 / 60


def test_who_answers_works_by_their_own_clock_and_calendar(company: Company) -> None:
    berlin = json.dumps({"zone": "Europe/Berlin", "country": "DE"})
    company.insert("settings", name="office", value=berlin)
    company.store.execute("update customers set country = 'JP'")
    # From Friday 17:30 to 9:30 on the next working day, in Tokyo over Golden Week, in Berlin not.
    company.mail(CUSTOMERS[0], at("2026-05-01 08:30"), "out", thread="a")
    company.mail(CUSTOMERS[0], at("2026-05-07 00:30"), "in", thread="a")
    company.mail(CUSTOMERS[0], at("2026-05-08 15:30"), "in", thread="b")
    company.mail(CUSTOMERS[0], at("2026-05-11 07:30"), "out", thread="b")

    assert company.value("response_hours", as_of="2026-06-01T00:00:00Z").value == 1.0
    assert company.value("our_response_hours", as_of="2026-06-01T00:00:00Z").value == 1.0


def test_in_winter_the_clocks_of_summer_still_tell_where_somebody_is(company: Company) -> None:
    company.store.execute("update customers set country = 'US'")
    for i in range(10):  # Chicago's summer time is New York's winter time
        company.mail(CUSTOMERS[0], at("2026-09-10 15:00") + i * DAY, "in", utc_offset=-300)
    company.mail(CUSTOMERS[0], at("2026-12-07 14:00"), "out", thread="a")
    company.mail(CUSTOMERS[0], at("2026-12-07 16:00"), "in", thread="a")

    assert company.value("response_hours", days=28, as_of="2026-12-15T00:00:00Z").value == 1.0


def test_until_we_tell_where_we_work_our_own_clocks_do(company: Company) -> None:
    for i in range(10):
        company.mail(CUSTOMERS[0], at("2026-09-10 03:00") + i * DAY, "out", utc_offset=540)
    company.mail(CUSTOMERS[0], at("2026-10-13 08:00"), "in", thread="a")  # 17:00 in Tokyo
    company.mail(CUSTOMERS[0], at("2026-10-14 01:00"), "out", thread="a")  # 10:00 the next day
    company.store.commit()

    (fit,) = signals.fit(company.path, companies.page("our_response_hours"), [END]).values()

    assert fit.zone == "+09:00"
    assert company.value("our_response_hours", fit=fit).value == 2.0


def test_customers_of_no_country_keep_our_holidays_and_our_quiet_days(company: Company) -> None:
    company.insert("settings", name="office", value='{"zone": "Asia/Tokyo", "country": "JP"}')
    for i in range(200):
        company.mail(CUSTOMERS[0], END - (i + 1) * DAY, "in")
    company.store.commit()

    (fit,) = signals.fit(company.path, companies.page("inbound_volume"), [END]).values()

    assert set(fit.paces) == {"JP"}


def test_half_of_our_asks_count_the_silent_ones_too(company: Company) -> None:
    for i, hours in enumerate((1, 2, 3, None, None)):
        company.mail(CUSTOMERS[0], at("2026-10-13 09:00"), "out", thread=f"{i}")
        if hours:
            company.mail(CUSTOMERS[0], at(f"2026-10-13 {9 + hours}:00"), "in", thread=f"{i}")

    assert company.value("response_hours").value == 2.0
    assert company.value("response_hours_all").value == 3.0

    company.mail(CUSTOMERS[0], at("2026-10-13 09:00"), "out", thread="silent, too")
    assert company.value("response_hours_all").value is None


def test_a_second_mail_within_a_day_is_the_same_turn(company: Company) -> None:
    for hours in (0, 20, 40, 65):
        company.mail(CUSTOMERS[0], END - 30 * DAY + hours * 3600, "out")

    assert company.value("reply_rate").n == 2.0


def test_without_our_own_mail_our_reply_rate_is_unknown(company: Company) -> None:
    company.store.execute("update messages set direction = null where direction = 'out'")
    company.mail(CUSTOMERS[0], END - 20 * DAY, "in")

    assert company.value("our_reply_rate").value is None
    assert company.value("outbound_volume").value is None
    assert company.value("inbound_volume").value == pytest.approx(1 / 3)


def test_a_customer_of_ten_days_is_too_new_for_a_volume(company: Company) -> None:
    company.customer("new.example", "2026-10-22")
    company.contact("ann@new.example", "new.example")
    company.mail("new.example", END - 3 * DAY, "in")

    volume = company.values(only="inbound_volume")["new.example", AS_OF, 90, "inbound_volume"]

    assert (volume.value, volume.k, volume.n) == (None, 1.0, 10.0)


def test_the_volume_of_a_customer_of_thirty_days_is_per_thirty_days(company: Company) -> None:
    company.customer("new.example", "2026-10-02")
    company.contact("ann@new.example", "new.example")
    for i in range(6):
        company.mail("new.example", END - i * 3 * DAY - 60, "in")

    volume = company.values(only="inbound_volume")["new.example", AS_OF, 90, "inbound_volume"]

    assert volume.value == pytest.approx(6.0)
    assert (volume.low, volume.high) == pytest.approx((2.2019, 13.0594), abs=1e-4)


EVERY_DAY = fits.Fit(END, paces={"": Pace((1.0,) * 7)})


@pytest.mark.parametrize(("written", "gap", "p"), [(26, 14, 0.024), (3, 30, 0.289)])
def test_silence_is_judged_by_the_customers_own_rhythm(
    company: Company, written: int, gap: int, p: float
) -> None:
    last = END - gap * DAY
    began = last - 90 * DAY
    company.store.execute("update customers set started = date(?, 'unixepoch')", (began,))
    company.store.execute("update messages set at = ?", (began,))
    for i in range(written):
        company.mail(CUSTOMERS[0], last - i * 3 * DAY, "in")

    silence = company.value("silence", fit=EVERY_DAY)

    assert silence.value is not None
    assert 10**silence.value == pytest.approx(p, abs=5e-4)


def test_a_weekend_is_no_silence(company: Company) -> None:
    company.mail(CUSTOMERS[0], at("2026-10-30 12:00"), "in")

    def silent(as_of: str) -> float:
        return company.value("workdays_silent", as_of=as_of).value or 0.0

    saturday = silent("2026-10-31T00:00:00Z")
    assert saturday == pytest.approx(0.5, abs=0.02)
    assert silent("2026-11-02T00:00:00Z") == pytest.approx(saturday, abs=0.2)
    assert silent("2026-11-03T00:00:00Z") == pytest.approx(saturday + 1, abs=0.2)


def _silent_since_september(company: Company) -> None:
    for i in range(60):
        company.mail(CUSTOMERS[0], END - (60 + 4 * i) * DAY, "in")


def test_an_announced_absence_stops_the_silence(company: Company) -> None:
    _silent_since_september(company)
    alone = company.value("workdays_silent", fit=EVERY_DAY).value
    company.notice("absent", END - 50 * DAY, f"ann@{CUSTOMERS[0]}", until="2026-10-21")

    assert alone == pytest.approx(60 * 5 / 7)
    # From 50 to 10 days ago they were away.
    assert company.value("workdays_silent", fit=EVERY_DAY).value == pytest.approx(20 * 5 / 7)
    assert company.value("days_silent").value == 60.0


def test_an_absence_that_is_told_again_and_again_is_one(company: Company) -> None:
    _silent_since_september(company)
    for days in (50, 30, 12):
        company.notice("absent", END - days * DAY, f"ann@{CUSTOMERS[0]}", until="2026-10-21")

    assert company.value("workdays_silent", fit=EVERY_DAY).value == pytest.approx(20 * 5 / 7)


def test_an_absence_that_goes_on_stops_the_silence_until_now(company: Company) -> None:
    _silent_since_september(company)
    company.notice("absent", END - 10 * DAY, f"ann@{CUSTOMERS[0]}", until="2027-08-01")

    assert company.value("workdays_silent", fit=EVERY_DAY).value == pytest.approx(50 * 5 / 7)
    assert (company.value("silence").value or 0) < 0


@pytest.mark.parametrize("until", ["", "2026-09-12", "soon"])
def test_an_absence_without_an_end_to_come_stops_nothing(company: Company, until: str) -> None:
    _silent_since_september(company)
    company.notice("absent", END - 50 * DAY, f"ann@{CUSTOMERS[0]}", until=until)

    assert company.value("workdays_silent", fit=EVERY_DAY).value == pytest.approx(60 * 5 / 7)


def test_the_absence_of_somebody_who_hardly_writes_stops_nothing(company: Company) -> None:
    _silent_since_september(company)
    company.contact(f"bob@{CUSTOMERS[0]}", CUSTOMERS[0])
    company.notice("absent", END - 50 * DAY, f"bob@{CUSTOMERS[0]}", until="2026-10-21")

    assert company.value("workdays_silent", fit=EVERY_DAY).value == pytest.approx(60 * 5 / 7)


def test_who_is_away_and_never_wrote_this_year_is_not_silent_for_zero_days(
    company: Company,
) -> None:
    company.mail(CUSTOMERS[0], END - 380 * DAY, "in")
    company.notice("absent", END - 360 * DAY, f"ann@{CUSTOMERS[0]}", until="2025-11-20")

    assert company.value("workdays_silent").value is None


def test_two_days_of_writing_make_no_rhythm(company: Company) -> None:
    for i in (10, 20):
        company.mail(CUSTOMERS[0], END - i * DAY, "in")

    assert company.value("silence").value is None
    assert company.value("days_silent").value == 10.0


def test_who_begins_and_who_writes_most_is_told(company: Company) -> None:
    company.contact(f"bob@{CUSTOMERS[0]}", CUSTOMERS[0])
    for thread, sides in (("a", "in out in"), ("b", "out in"), ("c", "in")):
        for i, side in enumerate(sides.split()):
            person = "bob" if thread == "c" else "ann"
            company.mail(
                CUSTOMERS[0],
                END - 30 * DAY + i * 3600,
                side,
                thread=thread,
                person=f"{person}@{CUSTOMERS[0]}",
            )

    assert company.value("initiation").value == pytest.approx(2 / 3)
    assert company.value("reciprocity").value == pytest.approx(4 / 6)
    assert company.value("top_contact_share").value == pytest.approx(3 / 4)


def test_one_angry_thread_in_a_day_speaks_three_times(company: Company) -> None:
    for i in range(10):
        key = company.mail(CUSTOMERS[0], END - 10 * DAY + i * 60, "in", thread="angry")
        company.read(key, "sentiment", "negative", -1.0)
    key = company.mail(CUSTOMERS[0], END - 9 * DAY, "in", thread="calm")
    company.read(key, "sentiment", "positive", 1.0)

    tone = company.value("sentiment")

    assert (tone.value, tone.n) == (-0.5, 4.0)


def test_a_cancellation_fades_by_half_in_45_days(company: Company) -> None:
    key = company.mail(CUSTOMERS[0], END - 45 * DAY, "in")
    company.read(key, "intent", "cancel", 0.97)

    assert company.value("cancel_intent").value == pytest.approx(0.97 / 2)
    assert company.value("cancel_mails").value == 1.0
    assert company.value("cancel_intent", 28).value is None


def test_one_angry_mail_is_no_episode_and_a_second_within_a_week_is(company: Company) -> None:
    def angry(days: int, thread: str) -> float | None:
        key = company.mail(CUSTOMERS[0], END - days * DAY, "in", thread=thread)
        company.read(key, "sentiment", "negative", -0.8)
        return company.value("negative_episode").value

    assert angry(80, "a") == 0.0
    assert angry(70, "b") == 0.0
    assert angry(64, "c") == 1.0
    assert angry(20, "a") == 2.0


def test_what_an_older_model_read_is_not_counted(company: Company) -> None:
    key = company.mail(CUSTOMERS[0], END - 9 * DAY, "in", read_by="mail@2")
    company.read(key, "intent", "cancel", 0.97)

    assert company.value("cancel_mails").value is None


OPENS: tuple[
    tuple[int, dict[str, Any], float | None], ...
] = (  # seconds after delivery, what the log says, whether a person opened
    (3600, {"agent": "Mozilla/5.0 (Macintosh)"}, 1.0),
    (3600, {}, 1.0),
    (3600, {"agent": "Mozilla/5.0"}, None),
    (3600, {"agent": "Mozilla/5.0", "machine": 0}, 1.0),
    (3600, {"machine": 1}, None),
    (4, {}, None),
    (5, {}, 1.0),
    (3600, {"agent": "HeadlessChrome/129"}, None),
)


def test_an_open_by_a_machine_makes_the_mail_unknown_not_opened(company: Company) -> None:
    sent = END - 10 * DAY
    for i, (wait, says, _) in enumerate(OPENS):
        company.event(company.reader(i), "delivered", sent, campaign=f"{i}")
        company.event(f"ann@reader{i}.example", "opened", sent + wait, campaign=f"{i}", **says)

    values = company.values(fit=fits.Fit(END))

    for i, (wait, says, opened) in enumerate(OPENS):
        cell = (f"reader{i}.example", AS_OF, 90)
        assert values[*cell, "open_rate"].value == opened, (wait, says)
        assert values[*cell, "open_rate_raw"].value == 1.0
        assert values[*cell, "machine_open_share"].value == float(opened is None)


CLICKS = (  # seconds after delivery, on which links, whether a person clicked
    ([(600, "a")], 1.0),
    ([(10, "a")], 0.0),
    ([(600, "a"), (602, "b")], 1.0),
    ([(600, "a"), (601, "b")], 0.0),
    ([(600, "a"), (601, "b"), (603, "c")], 0.0),
    ([(600, "a"), (602, "a")], 1.0),
    ([(600, "a"), (660, "b")], 1.0),
    ([(600, "https://x.example/unsubscribe?u=1")], 0.0),
)


def test_scanners_and_unsubscribe_links_do_not_click(company: Company) -> None:
    sent = END - 10 * DAY
    for i, (clicks, _) in enumerate(CLICKS):
        company.event(company.reader(i), "delivered", sent, campaign=f"{i}")
        for wait, url in clicks:
            words = {"campaign": f"{i}", "url": url}
            company.event(f"ann@reader{i}.example", "clicked", sent + wait, **words)

    values = company.values(only="click_rate", fit=fits.Fit(END))

    for i, (clicks, clicked) in enumerate(CLICKS):
        assert values[f"reader{i}.example", AS_OF, 90, "click_rate"].value == clicked, clicks


def test_somebody_behind_a_proxy_has_no_open_rate_even_when_it_sleeps(company: Company) -> None:
    for i in range(4):
        sent = END - 40 * DAY + i * 7 * DAY
        company.event(f"ann@{CUSTOMERS[0]}", "delivered", sent, campaign=f"n{i}")
        if i < 3:
            company.event(f"ann@{CUSTOMERS[0]}", "opened", sent + 1, campaign=f"n{i}")

    assert company.value("open_rate").value is None
    assert company.value("click_rate").n == 4.0


def test_a_soft_bounce_that_arrives_a_day_later_was_delivered(company: Company) -> None:
    sent, ann = END - 20 * DAY, f"ann@{CUSTOMERS[0]}"
    company.event(ann, "bounced", sent, campaign="late", bounce="soft")
    company.event(ann, "delivered", sent + DAY, campaign="late")
    company.event(ann, "bounced", sent, campaign="lost", bounce="soft")

    assert company.value("bounce_rate").value == 0.5
    assert company.value("campaigns_delivered").value == 1.0


def test_who_merely_fetched_the_link_has_not_unsubscribed(company: Company) -> None:
    person = f"ann@{CUSTOMERS[0]}"
    company.event(person, "delivered", END - 20 * DAY)
    company.event(person, "unsubscribed", END - 19 * DAY, method="GET")

    assert company.value("unsubscribed_contacts").value == 0.0
    assert company.value("unsubscribe_rate").value == 0.0

    company.event(person, "unsubscribed", END - 18 * DAY, method="POST")
    assert company.value("unsubscribed_contacts").value == 1.0
    assert company.value("unsubscribe_rate").value == 1.0


def test_who_subscribes_again_has_not_left(company: Company) -> None:
    person = f"ann@{CUSTOMERS[0]}"
    company.event(person, "delivered", END - 20 * DAY)
    company.event(person, "unsubscribed", END - 19 * DAY)
    company.event(person, "subscribed", END - 10 * DAY)

    assert company.value("unsubscribed_contacts", as_of="2026-10-20T00:00:00Z").value == 1.0
    assert company.value("unsubscribed_contacts").value == 0.0

    company.event(person, "complained", END - 5 * DAY)
    assert company.value("unsubscribed_contacts").value == 1.0


ANN, BOB = f"ann@{CUSTOMERS[0]}", f"bob@{CUSTOMERS[0]}"


def _mailed(company: Company) -> None:
    """Let two of the first customer get a campaign 20 days ago, each with a mail of its own id."""
    company.contact(BOB, CUSTOMERS[0])
    for person in (ANN, BOB):
        company.event(person, "delivered", END - 20 * DAY, message_id=f"{person}.news")


def test_who_asks_for_no_more_mail_by_mail_has_left_and_the_mail_is_shown(
    company: Company,
) -> None:
    _mailed(company)
    asked = company.leave(ANN, END - 10 * DAY)
    company.leave(BOB, END - 9 * DAY, direction="out")  # we wrote of it ourselves

    before = company.value("unsubscribed_contacts", as_of="2026-10-22T00:00:00Z")
    left = company.value("unsubscribed_contacts")
    shown = signals.evidence(company.path, rules.load(), CUSTOMERS[:1], AS_OF)[CUSTOMERS[0]]

    assert (before.k, before.n) == (0, 2)
    assert (left.k, left.n) == (1, 2)
    assert shown["unsubscribed_contacts"] == (asked,)


def test_who_left_without_a_campaign_of_ours_counts_whether_by_mail_or_in_the_log(
    company: Company,
) -> None:
    company.contact(BOB, CUSTOMERS[0])
    assert company.value("unsubscribed_contacts").value is None

    company.leave(ANN, END - 10 * DAY, means="words", kind="human")
    company.event(BOB, "unsubscribed", END - 9 * DAY)

    left = company.value("unsubscribed_contacts")
    assert (left.k, left.n) == (2, 2)


def test_a_report_of_spam_counts_once_though_the_platform_tells_it_too(company: Company) -> None:
    _mailed(company)
    reported = company.notice("complained", END - 10 * DAY, ANN)
    assert company.value("unsubscribed_contacts").k == 1

    company.event(ANN, "complained", END - 10 * DAY + 60)
    company.store.commit()

    left = company.value("unsubscribed_contacts")
    shown = signals.evidence(company.path, rules.load(), CUSTOMERS[:1], AS_OF)[CUSTOMERS[0]]
    assert (left.k, left.n) == (1, 2)
    assert reported in shown["unsubscribed_contacts"]
    assert len(shown["unsubscribed_contacts"]) == 2


def test_a_report_that_hides_who_made_it_names_whose_mail_it_was_until_then(
    company: Company,
) -> None:
    _mailed(company)
    hidden = {"recipient": "", "original": f"{ANN}.news"}
    company.notice("complained", END - 10 * DAY, ANN, **hidden)
    company.event(BOB, "opened", END - 5 * DAY, message_id=f"{ANN}.news")
    assert company.value("unsubscribed_contacts").k == 1

    company.event(BOB, "opened", END - 15 * DAY, message_id=f"{ANN}.news")
    assert company.value("unsubscribed_contacts").k == 0, "an id that two share"


@pytest.mark.parametrize(("later", "gone"), [(-1, 1), (0, 1), (1, 0), (5 * DAY, 0)])
def test_who_left_by_mail_and_subscribes_again_has_left_until_then(
    company: Company, later: int, gone: int
) -> None:
    _mailed(company)
    company.leave(ANN, END - 10 * DAY)
    company.event(ANN, "subscribed", END - 10 * DAY + later)

    assert company.value("unsubscribed_contacts").k == gone
    until_then = datetime.fromtimestamp(END - 10 * DAY + max(later, 1), UTC).isoformat()
    assert company.value("unsubscribed_contacts", as_of=until_then).k == 1


def _scores(company: Company) -> dict[str, float]:
    values = company.values(fit=fits.Fit(END)).values()
    return {each.customer: each.value for each in score.scores(values, companies.page())}


def _largest_move_when_opens_are_hidden(company: Company) -> float:
    before = _scores(company)
    company.store.execute("update events set machine = 1 where type = 'opened'")
    after = _scores(company)
    return max(abs(before[name] - after[name]) for name in before)


def test_no_score_moves_by_more_than_a_point_when_all_mailboxes_begin_to_hide_opens(
    busy: Company, company: Company, tmp_path: Path
) -> None:
    hidden = Company.copy(busy, tmp_path / "hidden.db")
    for i in range(12):  # an eager reader has most to lose
        words = {"campaign": f"eager {i}", "machine": 0}
        company.event(f"ann@{CUSTOMERS[0]}", "delivered", END - (80 - i) * DAY, **words)
        company.event(f"ann@{CUSTOMERS[0]}", "opened", END - (80 - i) * DAY + 5000, **words)

    assert _largest_move_when_opens_are_hidden(hidden) <= 1
    assert 0.9 < _largest_move_when_opens_are_hidden(company) <= 1
    hidden.store.close()


def test_no_score_moves_when_scanners_fetch_the_links_to_unsubscribe(
    busy: Company, tmp_path: Path
) -> None:
    fetched = Company.copy(busy, tmp_path / "fetched.db")
    before = _scores(fetched)
    mailed = "select distinct campaign, reference, recipient, max(at) from events group by 1, 2, 3"
    for campaign, reference, person, last in fetched.store.execute(mailed).fetchall():
        words = {"campaign": campaign, "reference": reference, "method": "GET"}
        fetched.event(person, "unsubscribed", last + 90 * DAY, **words)
        fetched.event(person, "unsubscribed", last + 7200, **words)

    after = _scores(fetched)
    fetched.store.close()

    assert after == before


def test_a_survey_is_unanswered_when_its_14_days_are_over(company: Company) -> None:
    person, asked = f"ann@{CUSTOMERS[0]}", END - 15 * DAY
    company.answer(person, asked, asked_at=asked, value=None)
    company.answer(person, asked + 13 * DAY, asked_at=asked, kind="csat", value=6, scale=7)
    company.answer(person, END - 9 * DAY, asked_at=END - 9 * DAY, value=None, survey="young")

    rate = company.value("survey_response")

    assert (rate.k, rate.n) == (1.0, 2.0)
    assert company.value("csat").value == 1.0
    assert company.value("nps").value is None


def test_the_machine_opens_of_everybody_leave_the_stored_events_alone(company: Company) -> None:
    company.event(f"ann@{CUSTOMERS[0]}", "opened", END - DAY, agent="Mozilla/5.0")
    company.store.commit()
    before = company.store.execute("select * from events").fetchall()

    company.value("open_rate")

    assert company.store.execute("select * from events").fetchall() == before


def test_evidence_are_the_newest_messages_behind_a_number(company: Company) -> None:
    calm = [company.mail(CUSTOMERS[0], END - i * DAY, "in") for i in range(1, 30)]
    for key in calm:
        company.read(key, "sentiment", "neutral", 0.0)
    company.read(calm[4], "intent", "complaint", 0.9)
    opened = company.event(f"ann@{CUSTOMERS[0]}", "delivered", END - DAY)
    company.event(f"ann@{CUSTOMERS[0]}", "clicked", END - DAY + 900)
    company.store.commit()

    found = signals.evidence(company.path, rules.load(), CUSTOMERS, AS_OF)[CUSTOMERS[0]]

    assert found["sentiment"] == tuple(calm[:20])
    assert found["complaint_mails"] == (calm[4],)
    (row,) = company.store.execute("select rowid from events where event = ?", (opened,)).fetchone()
    assert found["click_rate"] == (f"#{row}",)
    assert found["nps"] == ()


@pytest.mark.parametrize("as_of", ENDS)
def test_the_evidence_of_one_customer_is_what_the_engine_shows(busy: Company, as_of: str) -> None:
    month = fits.through(ENDS[as_of])
    busy.judge()
    known = signals.fit(busy.path, rules.load(), [month])
    every = signals.evidence(busy.path, rules.load(), CUSTOMERS, as_of, fits=known)

    ground = behind.ground(busy.store, known[month], ENDS[as_of])
    alone = {name: behind.shown(busy.store, rules.load(), name, ground) for name in CUSTOMERS}

    assert alone == every


def test_what_is_no_store_no_moment_or_no_sql_is_said_in_a_sentence(
    company: Company, tmp_path: Path
) -> None:
    (tmp_path / "junk.db").write_bytes(b"not a database" * 100)
    company.store.commit()
    page = rules.load()
    wrong = tuple(replace(s, k="sum(oops)") if s.name == "csat" else s for s in page.signals)
    reader = tuple(
        replace(s, k="(select max(size) from read_text('/etc/passwd'))") if s.name == "csat" else s
        for s in page.signals
    )

    for db in ("junk.db", "none.db"):
        with pytest.raises(BadSource, match=db):
            list(signals.compute(tmp_path / db, page, [AS_OF]))
    with pytest.raises(BadData, match="'yesterday' is no moment"):
        list(signals.compute(company.path, page, ["yesterday"]))
    for signals_ in (wrong, reader):
        with pytest.raises(BadData, match="the SQL of nps, csat does not run"):
            list(signals.compute(company.path, replace(page, signals=signals_), [AS_OF]))


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(0, 3, 0.0, 0.5615), (8, 10, 0.4902, 0.9433), (5, 500, 0.0043, 0.0232), (3, 3, 0.4385, 1.0)],
)
def test_shares_have_wilsons_interval(k: int, n: int, low: float, high: float) -> None:
    assert intervals.wilson(k, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("k", "low", "high"),
    [
        (0, 0.0, 3.68888),
        (1, 0.025318, 5.571643),
        (10, 4.795389, 18.390356),
        (100, 81.363991, 121.626794),
    ],
)
def test_counts_have_the_exact_interval(k: int, low: float, high: float) -> None:
    assert intervals.poisson(k) == pytest.approx((low, high), rel=1e-5)


@pytest.mark.parametrize(
    ("n", "t"), [(2, 12.706205), (3, 4.302653), (6, 2.570582), (101, 1.983972)]
)
def test_means_have_students_interval(n: int, t: float) -> None:
    low, high = intervals.student(0.0, n**0.5, n)

    assert (low, high) == pytest.approx((-t, t), rel=1e-6)


def test_one_value_has_no_interval() -> None:
    assert intervals.student(0.3, None, 1) == intervals.UNKNOWN
    assert intervals.lognormal(8.0, 1.0, 1) == intervals.UNKNOWN
    assert intervals.wilson(0, 0) == intervals.UNKNOWN


def test_the_change_of_a_share_has_newcombes_interval() -> None:
    now, before = intervals.wilson(56, 70), intervals.wilson(48, 80)

    low, high = intervals.difference(56 / 70, now, 48 / 80, before)

    # Newcombe 1998, method 10, table II, example (a).
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
