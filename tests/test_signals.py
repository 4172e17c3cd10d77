"""Signals: the engine against the judge, no look ahead, and unknown is never zero."""

import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple, replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from mailhealth import intervals, rules, signals, verdicts
from mailhealth.errors import BadData, BadSource
from mailhealth.records import SignalValue
from mailhealth.signals import engine
from tests.reference import DAY, Answer, Reference

AS_OF = "2026-11-01T00:00:00Z"
EARLIER = "2026-08-15T12:00:00Z"
END = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
EMPTY = (
    *("subject", "reference", "url", "agent", "ip", "reason"),
    *("variant", "message_id", "method", "alike"),
)
CUSTOMERS = ("globex.example", "initech.example", "hooli.example", "quiet.example")


class Company:
    """A store of an invented company, written row by row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.store = sqlite3.connect(path)
        scripts = files("mailhealth").joinpath("schema").iterdir()
        for script in sorted(scripts, key=lambda script: script.name):
            self.store.executescript(script.read_text("utf-8"))
        self.insert("sources", source="test", connector="mbox", settings="{}")
        self.contact("us@acme.example", None)

    @classmethod
    def copy(cls, other: "Company", path: Path) -> "Company":
        """Return a company whose store is a copy of another's."""
        other.store.commit()
        company = cls.__new__(cls)
        company.path, company.rows = path, 100_000
        company.store = sqlite3.connect(path)
        other.store.backup(company.store)
        return company

    def insert(self, table: str, **row: object) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.store.execute(f"insert into {table} ({names}) values ({marks})", tuple(row.values()))

    def customer(self, name: str, started: str | None = None) -> None:
        self.insert("customers", customer=name, started=started, origin="file")

    def contact(self, address: str, customer: str | None) -> None:
        self.insert("contacts", contact=address, name="", ours=0, customer=customer)
        if customer is not None:
            self.insert(
                "contact_customers", contact=address, customer=customer, valid_from="", valid_to=""
            )
        self.insert("addresses", address=address, contact=address)

    def mail(self, customer: str, at: int, direction: str, **more: object) -> str:
        """Write one mail; `more` overrides columns, `person` names the customer's side."""
        self.rows += 1
        key = str(more.pop("message", f"m{self.rows:06}"))
        person = str(more.pop("person", f"ann@{customer}"))
        row = {
            "message": key,
            "thread": "t1",
            "at": at,
            "known_at": at,
            "sender": person if direction == "in" else "us@acme.example",
            "subject": "",
            "kind": "human",
            "lang": "en",
            "new_text": "",
            "quoted_text": "",
            "signature": "",
            "attachments": "[]",
            "problems": "[]",
            "direction": direction,
            "read_by": "mail@1",
        }
        self.insert("messages", **(row | more))
        self.insert("message_customers", customer=customer, message=key)
        if direction == "out":
            self.insert("recipients", message=key, role="to", address=person)
        return key

    def read(self, message: str, task: str, label: str, value: float | None) -> None:
        self.insert(
            "annotations", message=message, model="mail@1", task=task, label=label, value=value
        )

    def event(self, recipient: str, kind: str, at: int, **more: object) -> str:
        self.rows += 1
        row = {
            "event": f"e{self.rows:06}",
            "source": "test",
            "campaign": "news",
            "recipient": recipient,
            "type": kind,
            "at": at,
            "known_at": at,
            "raw": "{}",
            "exact": 1,
        } | dict.fromkeys(EMPTY, "")
        self.insert("events", **(row | more))
        return str((row | more)["event"])

    def judge(self) -> None:
        """Let the shipped rules judge all events."""
        self.store.execute("delete from verdicts")
        self.store.commit()
        self.store.executemany(
            "insert into verdicts (event, machine, hides, points, rules)"
            " select event, ?2, ?3, ?4, ?5 from events where rowid = ?1",
            [astuple(verdict) for verdict in verdicts.judge(self.path)],
        )
        self.store.commit()

    def values(self, *as_ofs: str) -> dict[tuple[str, str, int, str], SignalValue]:
        """Return the shipped signals by customer, as_of, window and name."""
        self.judge()
        return {
            (value.customer, value.as_of, value.window_days, value.signal): value
            for value in signals.compute(self.path, rules.load(), as_ofs or (AS_OF,))
        }

    def value(self, signal: str, days: int = 90) -> SignalValue:
        return self.values()[CUSTOMERS[0], AS_OF, days, signal]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """A company with one customer, seen on both sides for two years."""
    company = Company(tmp_path / "acme.db")
    company.customer(CUSTOMERS[0], "2024-01-15")
    company.contact(f"ann@{CUSTOMERS[0]}", CUSTOMERS[0])
    company.customer("other.example")
    for side in ("in", "out"):
        company.mail("other.example", END - 700 * DAY, side, person="us@acme.example")
    with closing(company.store):
        yield company


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Three customers with a year of everything, and one that never says a word."""
    chance = random.Random(7)
    company = Company(tmp_path_factory.mktemp("busy") / "acme.db")
    for number, name in enumerate(CUSTOMERS):
        company.customer(name, "2025-03-01" if number == 1 else None)
        for person in ("ann", "bob", "cy"):
            company.contact(f"{person}@{name}", name)
    for name in CUSTOMERS[:3]:
        _correspond(company, chance, name)
        _campaigns(company, chance, name)
    with closing(company.store):
        yield company


def _correspond(company: Company, chance: random.Random, name: str) -> None:
    gaps = (600, 7200, 50_000, DAY, 3 * DAY, 6 * DAY)
    for thread in range(40):
        at = END - chance.randrange(380) * DAY - chance.randrange(DAY)
        for _ in range(chance.randint(1, 8)):
            key = company.mail(
                name,
                at,
                chance.choice(("in", "out")),
                thread=f"{name}{thread}",
                person=f"{chance.choice(('ann', 'bob', 'cy'))}@{name}",
                kind=chance.choice(("human",) * 8 + ("auto_reply", "calendar")),
                read_by=chance.choice(("mail@1",) * 6 + (None, "mail@0")),
            )
            at += chance.choice(gaps) + chance.randrange(-300, 300)
            if chance.random() < 0.1:
                at -= 7200
            _annotate(company, chance, key)


def _annotate(company: Company, chance: random.Random, key: str) -> None:
    if chance.random() < 0.1:
        company.read(key, "sentiment", "unknown", None)
    else:
        company.read(key, "sentiment", "neutral", chance.uniform(-1, 1))
    for intent in ("cancel", "complaint", "praise", "question"):
        if chance.random() < 0.2:
            company.read(key, "intent", intent, chance.random())
    if chance.random() < 0.1:
        company.read(key, "nps", "answer", chance.randint(0, 10))
    if chance.random() < 0.1:
        company.read(key, "csat", "answer", chance.randint(1, 5))


def _campaigns(company: Company, chance: random.Random, name: str) -> None:
    for number in range(24):
        for person in ("ann", "bob", "cy"):
            address, at = f"{person}@{name}", END - 370 * DAY + number * 15 * DAY
            at += chance.randrange(3600)
            words = {"campaign": f"news {number}"}
            if number % 7 == 0:
                words = {"campaign": "", "reference": f"r{number}"}
            company.event(address, "sent", at, **words)
            for _ in range(chance.choice((0, 1, 2, 4, 7))):
                company.event(address, at=at + _wait(chance), **words, **_reaction(chance))


def _wait(chance: random.Random) -> int:
    return chance.choice((1, 2, 4, 9, 11, 60, 61, 63, 3600, 2 * DAY, 4 * DAY, 30 * DAY))


def _reaction(chance: random.Random) -> dict[str, object]:
    kinds = ("delivered", "opened", "opened", "clicked", "clicked", "bounced", "dropped")
    rare = ("unsubscribed", "complained", "deferred")
    return {
        "kind": chance.choice(kinds if chance.random() < 0.96 else rare),
        "bounce": chance.choice(("hard", "soft", "blocked", None)),
        "machine": chance.choice((None, None, None, 0, 1)),
        "agent": chance.choice(("", "Mozilla/5.0", "Mozilla/5.0 (X11)")),
        "url": chance.choice(("https://a.example", "https://b.example", "x/Unsubscribe?1")),
    }


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


def test_every_shipped_signal_agrees_with_the_judge(busy: Company) -> None:
    values = busy.values(AS_OF, EARLIER)
    judge = Reference(busy.path)
    ends = {AS_OF: END, EARLIER: int(datetime(2026, 8, 15, 12, tzinfo=UTC).timestamp())}
    seen = set()

    judged = {
        cell: judge.signals(cell[0], ends[cell[1]], cell[2]) for cell in {key[:3] for key in values}
    }
    for (customer, as_of, days, name), value in values.items():
        expected = judged[customer, as_of, days].get(name)
        if expected is not None:
            found = (value.value, value.n, value.k)
            assert _near(found, expected), (customer, as_of, days, name, found, expected)
            seen |= {name} if expected[0] else set()

    compared = {signal.name for signal in rules.load().signals if signal.kind != "change"}
    assert seen == compared, "a signal was never more than zero in the busy company"


def test_a_change_compares_with_the_window_before(busy: Company) -> None:
    values = busy.values(AS_OF)
    judge = Reference(busy.path)
    now = judge.signals(CUSTOMERS[0], END, 28)
    before = judge.signals(CUSTOMERS[0], END - 28 * DAY, 28)

    tone = values[CUSTOMERS[0], AS_OF, 28, "sentiment_change"].value
    volume = values[CUSTOMERS[0], AS_OF, 28, "inbound_change"].value

    assert tone == pytest.approx(now["sentiment"][0] - before["sentiment"][0], abs=1e-12)
    k, k_before = now["inbound_volume"][2], before["inbound_volume"][2]
    assert 1.5 * 2.718281828459045**volume == pytest.approx(1.5 * (k + 1.5) / (k_before + 1.5))


def test_nothing_at_or_after_the_as_of_changes_a_bit(busy: Company, tmp_path: Path) -> None:
    later = Company.copy(busy, tmp_path / "later.db")
    as_of = int(datetime(2026, 8, 15, 12, tzinfo=UTC).timestamp())
    name = CUSTOMERS[0]
    later.store.execute("pragma foreign_keys = off")
    for table in ("messages", "events"):
        later.store.execute(f"delete from {table} where at >= ? and rowid % 3 = 0", (as_of,))
        later.store.execute(f"update {table} set at = at + 5 where at >= ?", (as_of,))
    later.store.execute("update messages set kind = 'list' where at >= ? and rowid % 2", (as_of,))
    for i, (direction, thread) in enumerate(
        later.store.execute(
            "select direction, thread from messages where at < ? order by at desc limit 40",
            (as_of,),
        ).fetchall()
    ):
        other = "out" if direction == "in" else "in"
        key = later.mail(name, as_of + i, other, thread=thread, message=f"0{i}")
        later.read(key, "intent", "cancel", 1.0)
        later.read(key, "nps", "answer", 0)
    for campaign, recipient in later.store.execute(
        "select distinct campaign, recipient from events where at < ?", (as_of,)
    ).fetchall():
        for kind in ("delivered", "opened", "clicked", "bounced", "unsubscribed", "complained"):
            later.event(recipient, kind, as_of, campaign=campaign, bounce="hard", url="z")

    assert later.values(EARLIER) == busy.values(EARLIER)
    assert later.values(AS_OF) != busy.values(AS_OF)


def test_days_computed_together_are_the_days_computed_alone(busy: Company) -> None:
    together = busy.values(EARLIER, AS_OF)

    alone = busy.values(AS_OF) | busy.values(EARLIER)

    assert together == alone


def test_one_customer_alone_gets_the_same_numbers(busy: Company) -> None:
    everybody = busy.values()

    alone = list(signals.compute(busy.path, rules.load(), [AS_OF], customers=[CUSTOMERS[1]]))

    assert {value.customer for value in alone} == {CUSTOMERS[1]}
    for value in alone:
        assert value == everybody[value.customer, AS_OF, value.window_days, value.signal]


def test_many_customers_come_in_buckets_with_the_same_numbers(
    busy: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = busy.values()
    monkeypatch.setattr(engine, "_MESSAGES_AT_ONCE", 200)

    in_buckets = busy.values()

    assert in_buckets == at_once


def test_a_customer_of_whom_nothing_is_known_gets_rows_that_say_so(busy: Company) -> None:
    rows = [value for key, value in busy.values().items() if key[0] == CUSTOMERS[3]]

    assert len(rows) == sum(len(signal.windows) for signal in rules.load().signals)
    assert all(value.value is None and value.low is None for value in rows)


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
    asked = END - 20 * DAY
    company.mail(CUSTOMERS[0], asked, "out")
    company.mail(CUSTOMERS[0], asked + 60, "in", kind="auto_reply")

    assert company.value("reply_rate").value == 0.0
    company.mail(CUSTOMERS[0], asked + 4 * DAY, "in")
    assert company.value("reply_rate").value == 1.0
    assert company.value("response_hours").value == 96.0


def test_an_ask_counts_when_its_five_days_are_over(company: Company) -> None:
    company.mail(CUSTOMERS[0], END - 5 * DAY, "out", thread="young")

    assert company.value("reply_rate").value is None

    company.mail(CUSTOMERS[0], END - 5 * DAY - 1, "out", thread="old")
    assert company.value("reply_rate").n == 1.0


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

    volume = company.values()["new.example", AS_OF, 90, "inbound_volume"]

    assert (volume.value, volume.k, volume.n) == (None, 1.0, 10.0)


def test_the_volume_of_a_customer_of_thirty_days_is_per_thirty_days(company: Company) -> None:
    company.customer("new.example", "2026-10-02")
    company.contact("ann@new.example", "new.example")
    for i in range(6):
        company.mail("new.example", END - i * 3 * DAY - 60, "in")

    volume = company.values()["new.example", AS_OF, 90, "inbound_volume"]

    assert volume.value == pytest.approx(6.0)
    assert (volume.low, volume.high) == pytest.approx((2.2019, 13.0594), abs=1e-4)


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

    silence = company.value("silence", 365)

    assert silence.value is not None
    assert 10**silence.value == pytest.approx(p, abs=5e-4)


def test_two_days_of_writing_make_no_rhythm(company: Company) -> None:
    for i in (10, 20):
        company.mail(CUSTOMERS[0], END - i * DAY, "in")

    assert company.value("silence", 365).value is None
    assert company.value("days_silent", 365).value == 10.0


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

    assert company.value("cancel_intent").value == pytest.approx(0.5)
    assert company.value("cancel_mails").value == 1.0
    assert company.value("cancel_intent", 28).value is None


def test_what_an_older_model_read_is_not_counted(company: Company) -> None:
    key = company.mail(CUSTOMERS[0], END - 9 * DAY, "in", read_by="mail@2")
    company.read(key, "intent", "cancel", 0.97)

    assert company.value("cancel_mails").value is None


@pytest.mark.parametrize(
    ("wait", "says", "opened"),
    [
        (3600, {"agent": "Mozilla/5.0 (Macintosh)"}, 1.0),
        (3600, {}, 1.0),
        (3600, {"agent": "Mozilla/5.0"}, None),
        (3600, {"agent": "Mozilla/5.0", "machine": 0}, 1.0),
        (3600, {"machine": 1}, None),
        (4, {}, None),
        (5, {}, 1.0),
        (3600, {"agent": "HeadlessChrome/129"}, None),
    ],
)
def test_an_open_by_a_machine_makes_the_mail_unknown_not_opened(
    company: Company, wait: int, says: dict[str, object], opened: float | None
) -> None:
    at = END - 10 * DAY
    company.event(f"ann@{CUSTOMERS[0]}", "delivered", at)
    company.event(f"ann@{CUSTOMERS[0]}", "opened", at + wait, **says)

    assert company.value("open_rate").value == opened
    assert company.value("open_rate_raw").value == 1.0
    assert company.value("machine_open_share").value == float(opened is None)


@pytest.mark.parametrize(
    ("clicks", "clicked"),
    [
        ([(600, "a")], 1.0),
        ([(10, "a")], 0.0),
        ([(600, "a"), (602, "b")], 1.0),
        ([(600, "a"), (601, "b")], 0.0),
        ([(600, "a"), (601, "b"), (603, "c")], 0.0),
        ([(600, "a"), (602, "a")], 1.0),
        ([(600, "a"), (660, "b")], 1.0),
        ([(600, "https://x.example/unsubscribe?u=1")], 0.0),
    ],
)
def test_scanners_and_unsubscribe_links_do_not_click(
    company: Company, clicks: list[tuple[int, str]], clicked: float
) -> None:
    at = END - 10 * DAY
    company.event(f"ann@{CUSTOMERS[0]}", "delivered", at)
    for wait, url in clicks:
        company.event(f"ann@{CUSTOMERS[0]}", "clicked", at + wait, url=url)

    assert company.value("click_rate").value == clicked


def test_somebody_behind_a_proxy_has_no_open_rate_even_when_it_sleeps(company: Company) -> None:
    for i in range(4):
        at = END - 40 * DAY + i * 7 * DAY
        company.event(f"ann@{CUSTOMERS[0]}", "delivered", at, campaign=f"n{i}")
        if i < 3:
            company.event(f"ann@{CUSTOMERS[0]}", "opened", at + 1, campaign=f"n{i}")

    assert company.value("open_rate").value is None
    assert company.value("click_rate").n == 4.0


def test_a_soft_bounce_that_arrives_a_day_later_was_delivered(company: Company) -> None:
    at, ann = END - 20 * DAY, f"ann@{CUSTOMERS[0]}"
    company.event(ann, "bounced", at, campaign="late", bounce="soft")
    company.event(ann, "delivered", at + DAY, campaign="late")
    company.event(ann, "bounced", at, campaign="lost", bounce="soft")

    assert company.value("bounce_rate").value == 0.5
    assert company.value("campaigns_delivered").value == 1.0


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
    assert found["click_rate"] == (opened,)
    assert found["nps"] == ()


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
