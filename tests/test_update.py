"""After a sync only the touched are computed anew, and nobody could tell."""

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from email.message import EmailMessage
from email.utils import formatdate
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import mailhealth
from mailhealth.health import Health
from mailhealth.health.instants import this_hour
from mailhealth.store import touched
from tests.company import AS_OF, CUSTOMERS, END, Company, correspond
from tests.reference import DAY

BEFORE = "2026-10-24T00:00:00Z"
NOW = "2026-10-25T12:00:00Z"
THEN = END - 7 * DAY + DAY // 2
TABLES = {
    "email_signals": "customer, as_of, window_days, signal, value, n, k, low, high, shrunk,"
    " reliability, change, definition",
    "scores": "*",
    "contributions": "*",
}
Kept = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company evaluated on two days, to be copied."""
    path, chance = tmp_path_factory.mktemp("update") / "acme.db", random.Random(11)
    company = Company(path)
    for name in CUSTOMERS[:3]:
        company.customer(name, "2025-03-01")
        for person in ("ann", "bob", "cy"):
            company.contact(f"{person}@{name}", name)
        correspond(company, chance, name, 60, threads=8)
        for i in range(3):
            at = END - (100 - 15 * i) * DAY
            company.event(f"ann@{name}", "delivered", at, campaign=f"news {i}")
            company.event(f"ann@{name}", "opened", at + 9000, campaign=f"news {i}")
    for key in ("plan1", "plan2"):
        company.mail(CUSTOMERS[0], THEN - 20 * DAY, "out", thread=key, message=key, new_text="Why?")
    # What the store reads after NOW is added by the tests.
    for table in ("messages", "events"):
        company.store.execute(f"update {table} set at = at - ? where at >= ?", (9 * DAY, THEN))
    company.store.execute("update messages set read_by = 'mail@1' where direction = 'in'")
    company.store.commit()
    company.store.close()
    with mailhealth.open(path) as health:
        health.us("acme.example")
        health.evaluate([BEFORE, NOW])
    return path


@pytest.fixture
def company(evaluated: Path, tmp_path: Path) -> Path:
    """A fresh copy of the evaluated company."""
    return Path(shutil.copy(evaluated, tmp_path / "acme.db"))


def kept(path: Path, as_of: str = NOW) -> Kept:
    """Everything that was found as of an instant, but for the revisions."""
    with closing(sqlite3.connect(path)) as store:
        return {
            table: sorted(
                store.execute(f"select {columns} from {table} where as_of = ?", [as_of]), key=repr
            )
            for table, columns in TABLES.items()
        }


def renewed(path: Path) -> set[str]:
    """Whose rows have the newest revision."""
    with closing(sqlite3.connect(path)) as store:
        rows = store.execute(
            "select distinct customer from email_signals"
            " where revision = (select max(revision) from email_signals) and as_of = ?",
            [NOW],
        ).fetchall()
    return {row[0] for row in rows}


def write(path: Path, change: Callable[[Company], object]) -> None:
    """Let something come in."""
    company = Company.of(path)
    with closing(company.store):
        change(company)
        company.store.commit()


def updated(path: Path) -> Kept:
    """Update a company, and find it as a full evaluation of a copy finds it."""
    whole = Path(shutil.copy(path, path.with_name("whole.db")))
    with mailhealth.open(whole) as health:
        touched.everybody(health.db)
        health.evaluate([NOW])
    with mailhealth.open(path) as health:
        health.update(NOW)
    assert kept(path) == kept(whole)
    return kept(path)


def a_mail(company: Company) -> None:
    key = company.mail(CUSTOMERS[0], THEN - DAY, "in", thread=f"{CUSTOMERS[0]}1", read_by="mail@1")
    company.read(key, "sentiment", "negative", -0.75)
    company.read(key, "intent", "complaint", 0.9)


def an_answer_of_ours(company: Company) -> None:
    company.mail(CUSTOMERS[0], THEN - DAY, "out", thread=f"{CUSTOMERS[0]}2")


def events(company: Company) -> None:
    person = f"ann@{CUSTOMERS[0]}"
    company.event(person, "delivered", THEN - 2 * DAY, campaign="new")
    company.event(person, "opened", THEN - 2 * DAY + 3, campaign="new")
    company.event(person, "bounced", THEN - DAY, campaign="newer", bounce="hard")


def survey_answers(company: Company) -> None:
    company.answer(f"ann@{CUSTOMERS[0]}", THEN - DAY, value=3, asked_at=THEN - 15 * DAY)


def a_note_of_absence(company: Company) -> None:
    company.notice("absent", THEN - 3 * DAY, f"ann@{CUSTOMERS[0]}", until="2026-12-01")


def a_mail_that_came_back(company: Company) -> None:
    """The note is in no conversation, and its sender is nobody's."""
    told = "select message_id from messages where direction = 'out' and thread = ? order by at desc"
    row = company.store.execute(told, (f"{CUSTOMERS[0]}3",)).fetchone()
    person = f"bob@{CUSTOMERS[0]}"
    key = company.notice("bounced", THEN - DAY, person, bounce="hard", original=row[0])
    company.store.execute("delete from message_customers where message = ?", (key,))


def a_third_mail_that_ends_alike(company: Company) -> None:
    """An end that turns out to be our signature leaves mails to others as mere thanks."""
    keys = ("plan1", "plan2", company.mail(CUSTOMERS[1], THEN - DAY, "out", thread="new"))
    company.store.executemany("insert into tails values (1, ?)", [(key,) for key in keys])
    company.store.execute(
        "update messages set new_text = 'Dear Ann, thanks', courtesies = '[[0, 16]]'"
        " where message in ('plan1', 'plan2')"
    )


def a_mail_to_unsubscribe_somebody_else(company: Company) -> None:
    """A token in the address it was sent to names whom it is about."""
    company.leave(f"ann@{CUSTOMERS[0]}", THEN - DAY, sender=f"bob@{CUSTOMERS[1]}")


def a_report_of_spam(company: Company) -> None:
    """The note is in no conversation, and hides who made it: the mail's own id tells."""
    company.store.execute(
        "update events set message_id = 'one' where recipient = ? and campaign = 'news 1'",
        [f"ann@{CUSTOMERS[0]}"],
    )
    person = f"ann@{CUSTOMERS[0]}"
    key = company.notice("complained", THEN - DAY, person, recipient="", original="one")
    company.store.execute("delete from message_customers where message = ?", (key,))


NEWS = {
    a_mail: 1,
    an_answer_of_ours: 1,
    events: 1,
    survey_answers: 1,
    a_note_of_absence: 1,
    a_mail_that_came_back: 1,
    a_third_mail_that_ends_alike: 2,
    a_mail_to_unsubscribe_somebody_else: 2,
    a_report_of_spam: 1,
}


@pytest.mark.parametrize("change", NEWS)
def test_news_touch_those_whom_they_concern(
    company: Path, change: Callable[[Company], object]
) -> None:
    write(company, change)

    with mailhealth.open(company) as health:
        names = touched.customers(health.db, NOW, [])

    assert names == sorted(CUSTOMERS[: NEWS[change]])


@pytest.mark.parametrize(
    ("changes", "concerned"),
    [
        ((a_mail, an_answer_of_ours), 1),
        ((events, survey_answers, a_note_of_absence, a_mail_that_came_back), 1),
        ((a_third_mail_that_ends_alike,), 2),
        ((a_report_of_spam,), 1),
    ],
)
def test_an_update_finds_what_a_full_evaluation_finds(
    company: Path, changes: Sequence[Callable[[Company], object]], concerned: int
) -> None:
    before = kept(company)
    for change in changes:
        write(company, change)

    after = updated(company)

    assert after != before
    assert renewed(company) == set(CUSTOMERS[:concerned])


def a_mail_to_unsubscribe(company: Company) -> None:
    company.leave(f"bob@{CUSTOMERS[1]}", THEN - DAY, message="asked")


def a_log_that_names_whom_it_unsubscribes(company: Company) -> None:
    person = f"ann@{CUSTOMERS[0]}"
    company.event(person, "delivered", THEN - 2 * DAY)
    company.store.execute("update unsubscribe_mails set recipient = ?", [person])


def a_log_that_gives_two_mails_one_id(company: Company) -> None:
    company.event(f"cy@{CUSTOMERS[1]}", "delivered", THEN - 2 * DAY, message_id="one")


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (a_mail_to_unsubscribe, a_log_that_names_whom_it_unsubscribes),
        (a_report_of_spam, a_log_that_gives_two_mails_one_id),
    ],
)
def test_a_log_that_tells_later_who_left_touches_who_was_thought_to_have_left(
    company: Path, first: Callable[[Company], object], later: Callable[[Company], object]
) -> None:
    write(company, first)
    before = updated(company)
    write(company, later)

    assert updated(company) != before
    assert renewed(company) == set(CUSTOMERS[:2])


def test_an_update_without_news_changes_nothing_and_nobody(company: Path) -> None:
    before, newest = kept(company), renewed(company)

    with mailhealth.open(company) as health:
        assert health.update(NOW) == 0

    assert kept(company) == before
    assert renewed(company) == newest


def test_what_changes_nothing_keeps_its_revision(company: Path) -> None:
    write(company, lambda store: store.mail(CUSTOMERS[0], THEN + DAY, "in"))
    before = renewed(company)

    assert updated(company) == kept(company)
    assert renewed(company) == before


def late_mail(company: Company) -> None:
    for i in range(5):
        company.mail(CUSTOMERS[0], END - (60 + i) * DAY, "in", thread="late")


def test_what_comes_late_may_concern_everybody(company: Path) -> None:
    before = kept(company)
    write(company, late_mail)

    assert updated(company) != before


def test_the_first_campaign_ever_concerns_everybody(company: Path) -> None:
    """Where no mail of ours is seen, it is since then that anybody is known to be left alone."""

    def nothing_of_ours(company: Company) -> None:
        company.store.execute("delete from events")
        company.store.execute("update messages set direction = 'internal' where direction = 'out'")

    write(company, nothing_of_ours)
    with mailhealth.open(company) as health:
        touched.everybody(health.db)
        health.evaluate([NOW])
    write(company, lambda store: store.event(f"ann@{CUSTOMERS[0]}", "delivered", THEN - 20 * DAY))

    updated(company)

    assert renewed(company) == set(CUSTOMERS[:3])


def correct(health: Health) -> None:
    told = "select message from messages where direction = 'in' and kind = 'human' order by at desc"
    message = health.db.execute(told).fetchone()[0]
    health.correct(message, sentiment="negative", intents=["cancel"])


def tell_who_is_where(health: Health) -> None:
    path = health.path.with_name("customers.csv")
    lines = (f"{name},{name},{'JP' if i else 'US'},gold" for i, name in enumerate(CUSTOMERS[:3]))
    path.write_text("customer,domain,country,segment\n" + "\n".join(lines), "utf-8")
    health.import_customers(path)
    health.office(country="JP")


@pytest.mark.parametrize("change", [correct, tell_who_is_where])
def test_what_people_tell_counts_at_the_next_update(
    company: Path, change: Callable[[Health], None]
) -> None:
    before = kept(company)
    with mailhealth.open(company) as health:
        change(health)

    assert updated(company) != before


def test_events_judged_meanwhile_are_not_overlooked(company: Path) -> None:
    write(company, events)
    with mailhealth.open(company) as health:
        health.judge()

    updated(company)


def test_evaluating_another_day_does_not_count_for_this_one(company: Path) -> None:
    before = kept(company)
    write(company, a_mail)
    with mailhealth.open(company) as health:
        health.evaluate([AS_OF])

    assert updated(company) != before


def test_a_new_definition_stands_beside_the_old_one(company: Path, tmp_path: Path) -> None:
    shipped = files("mailhealth").joinpath("health.toml").read_text("utf-8")
    page = tmp_path / "health.toml"
    page.write_text(shipped.replace("points     = [-12, 12]", "points = [-6, 6]"), "utf-8")
    before = kept(company)

    with mailhealth.open(company, rules=page) as health:
        health.update(NOW)
        model = health.rules.model
    after = kept(company)

    for table in TABLES:
        assert set(before[table]) < set(after[table]), table
    fresh = [row for row in after["email_signals"] if row not in before["email_signals"]]
    assert {row[3] for row in fresh} == {"reply_rate", "reply_rate_change"}
    assert {row[-1] for row in after["scores"] if row not in before["scores"]} == {model}


def test_an_update_before_any_evaluation_is_a_full_one(company: Path) -> None:
    with mailhealth.open(company) as health:
        assert health.update(AS_OF) == len(CUSTOMERS[:3])


LETTERS = b"""\
From us Sat Oct 31 09:00:00 2026
From: Support <support@acme.example>
To: Somebody <lost.soul@globex.example>
Date: Sat, 31 Oct 2026 09:00:00 +0000
Message-ID: <update-1@acme.example>
Subject: Your question

Could you send us the log files, please?

From them Sat Oct 31 11:00:00 2026
From: Somebody <lost.soul@globex.example>
To: support@acme.example
Date: Sat, 31 Oct 2026 11:00:00 +0000
Message-ID: <update-2@globex.example>
In-Reply-To: <update-1@acme.example>
Subject: Re: Your question

This is annoying. It still does not work, and we think about cancelling the contract.

From daemon Sat Oct 31 12:00:00 2026
From: Mail Delivery System <MAILER-DAEMON@mx.umbra.example>
To: support@acme.example
Date: Sat, 31 Oct 2026 12:00:00 +0000
Message-ID: <update-3@mx.umbra.example>
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="x"

--x
Content-Type: text/plain

The mail could not be delivered.

--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.umbra.example

Final-Recipient: rfc822; nobody@umbra.example
Action: failed
Status: 5.1.1

--x--
"""


def test_a_sync_of_a_few_more_mails_finds_what_a_full_evaluation_finds(demo: Path) -> None:
    path = demo / "acme.db"
    box = demo / "more.mbox"
    box.write_bytes(LETTERS)
    with mailhealth.open(path) as health:
        health.update(AS_OF)
        before = kept(path, AS_OF)
        health.connect("more", "mbox", path=box)
        health.sync("more", as_of=AS_OF)
    whole = Path(shutil.copy(path, demo / "whole.db"))
    with mailhealth.open(whole) as health:
        touched.everybody(health.db)
        health.evaluate([AS_OF])

    changed = {row[0] for row in kept(path, AS_OF)["scores"] if row not in before["scores"]}

    assert kept(path, AS_OF) == kept(whole, AS_OF)
    assert "globex.example" in changed


def test_a_second_sync_within_the_hour_computes_only_who_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = this_hour()
    monkeypatch.setattr(mailhealth.health, "this_hour", lambda: hour)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for number, sender in enumerate(("mei@hoshino.example", "ann@kaede.example")):
        (inbox / f"{number}.eml").write_bytes(question_of_today(number, sender))
    with mailhealth.open(tmp_path / "acme.db") as health:
        health.connect("inbox", "eml", path=inbox)
        health.us("example.com")
        first = health.sync()
        (inbox / "2.eml").write_bytes(question_of_today(2, "ann@kaede.example"))
        second = health.sync()
        told = _plain(health)
        health.evaluate([hour])

        assert (first.scored, second.scored, health.sync().scored) == (2, 1, 0)
        assert (first.as_of, second.as_of) == (hour, hour)
        assert told == _plain(health)


def question_of_today(number: int, sender: str) -> bytes:
    """A mail of this minute."""
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, "support@example.com"
    mail["Subject"], mail["Date"] = f"Our order {number}", formatdate(time.time() - 60)
    mail["Message-ID"] = f"<{number}@mail.example>"
    mail.set_content("Where is our order?")
    return mail.as_bytes()


def _plain(health: Health) -> list[tuple[Any, ...]]:
    columns = TABLES["email_signals"]
    rows = health.db.execute(f"select {columns} from email_signals order by 1, 3, 4").fetchall()
    scores = health.db.execute("select customer, value, band from scores order by 1").fetchall()
    return [*rows, *scores]


def test_a_day_that_is_evaluated_is_its_midnight(evaluated: Path, tmp_path: Path) -> None:
    shutil.copy(evaluated, tmp_path / "acme.db")
    with mailhealth.open(tmp_path / "acme.db") as health:
        health.evaluate([BEFORE[:10]])

        assert {score.as_of for score in health.scores(as_of=BEFORE[:10])} == {BEFORE}
        assert health.db.execute(
            "select count(*) from email_signals where as_of = ?", [BEFORE[:10]]
        ).fetchone() == (0,)
