"""Who still wants mail: from every source, at any day, and with what stands behind it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

import mailhealth
from mailhealth import store
from mailhealth.cli import main
from mailhealth.cli import subscriptions as verb
from mailhealth.records import Annotation, Event, EventType, Found, Message, Notice
from mailhealth.store import annotations, campaign_replies, inbox, people, subscriptions
from mailhealth.store.unsubscribe_mails import means
from tests.letters import DAY, START, letter

ANN, BOB, HANA = "ann@globex.example", "bob@globex.example", "hana@hoshino.example"
US = "news@acme.example"
EVER = START + 10_000 * DAY


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return opened(tmp_path / "acme.db")


def opened(path: Path) -> Database:
    db = store.connect(path)
    inbox.add_source(db, inbox.Source("support", "mbox", {"path": "support.mbox"}))
    people.add_ours(db, ["acme.example"])
    return db


def keep(db: Database, *items: Found) -> None:
    inbox.save(db, "support", items, known_at=0)
    people.assign(db)
    campaign_replies.find(db)


def told(recipient: str, kind: EventType = "unsubscribed", *, day: float = 1, **more: Any) -> Found:
    """A row of a send log; its key tells what, who and when."""
    at = START + round(day * DAY)
    key = f"{kind}/{recipient}/{at}"
    return Found(f"log:{key}", Event(recipient, kind, at, campaign="spring", identity=key, **more))


def noticed(found: Found, *notices: Notice) -> Found:
    """The same letter, by a machine that says something of somebody."""
    message = found.what
    assert isinstance(message, Message)
    return replace(found, what=replace(message, notices=notices))


def judge(db: Database, event: str, machine: int | None) -> None:
    db.execute(
        "insert into suspects select row, ?, 0, 1.0, '[]' from events where event = ?",
        [machine, event],
    )
    db.conn.commit()


def states(db: Database, day: float | None = None) -> dict[str, tuple[str, str]]:
    """Each contact's state and by what it is known, at the beginning of a day."""
    before = EVER if day is None else START + round(day * DAY)
    rows = subscriptions.standing(db, before)
    return {row["contact"]: (row["state"], row["means"]) for row in rows}


def test_a_platforms_log_a_one_click_and_a_complaint_unsubscribe(db: Database) -> None:
    keep(db, told(ANN), told(BOB, method="POST"), told(HANA, "complained"))

    assert states(db) == {
        ANN: ("unsubscribed", "log"),
        BOB: ("unsubscribed", "one-click"),
        HANA: ("unsubscribed", "complaint"),
    }


def test_a_link_that_was_only_fetched_makes_a_suspect_until_it_is_confirmed(db: Database) -> None:
    keep(db, told(ANN, method="GET"))
    assert states(db) == {ANN: ("suspect", "link")}

    keep(db, told(ANN, method="POST", day=2))

    assert states(db) == {ANN: ("unsubscribed", "one-click")}
    assert states(db, day=1.5) == {ANN: ("suspect", "link")}


def test_a_later_suspicion_does_not_hide_who_has_unsubscribed(db: Database) -> None:
    keep(db, told(ANN), told(ANN, method="GET", day=2), told(ANN, "bounced", day=3, bounce="hard"))

    assert states(db) == {ANN: ("unsubscribed", "log")}


def test_who_subscribes_again_wants_mail_again(db: Database) -> None:
    keep(db, told(ANN, day=1), told(ANN, "subscribed", day=3), told(BOB, "subscribed", day=1))
    keep(db, told(BOB, day=4))

    assert states(db, 2) == {ANN: ("unsubscribed", "log"), BOB: ("subscribed", "log")}
    assert states(db) == {ANN: ("subscribed", "log"), BOB: ("unsubscribed", "log")}


def test_a_machines_unsubscribe_is_none_and_an_unclear_one_is_suspect(db: Database) -> None:
    keep(db, told(ANN), told(BOB), told(HANA))
    judge(db, f"unsubscribed/{ANN}/{START + DAY}", 1)
    judge(db, f"unsubscribed/{BOB}/{START + DAY}", None)

    assert states(db) == {BOB: ("suspect", "log"), HANA: ("unsubscribed", "log")}


def test_a_hard_bounce_makes_unreachable_until_a_mail_arrives_or_comes(db: Database) -> None:
    keep(
        db,
        *(told(who, "bounced", bounce="hard") for who in (ANN, BOB, HANA)),
        told("max@umbra.example", "bounced", bounce="soft"),
        told(ANN, "delivered", day=5),
        letter("m", BOB, US, day=6),
    )

    assert states(db) == {
        HANA: ("unreachable", "bounce"),
        ANN: ("reachable", "delivery"),
        BOB: ("reachable", "mail"),
    }
    assert states(db, day=5) == dict.fromkeys([ANN, BOB, HANA], ("unreachable", "bounce"))


def test_returned_mails_and_complaint_reports_count_as_a_platforms_word_does(
    db: Database,
) -> None:
    daemon = "mailer-daemon@mx.example"
    keep(
        db,
        told(HANA, "delivered", day=0, message_id="c1@mail.example"),
        noticed(
            letter("b", daemon, US, day=1, kind="bounce"), Notice("bounced", ANN, bounce="hard")
        ),
        noticed(letter("c", daemon, US, day=1, kind="complaint"), Notice("complained", BOB)),
        noticed(
            letter("h", daemon, US, day=1, kind="complaint"),
            Notice("complained", "", original="c1@mail.example"),
        ),
    )

    assert states(db) == {
        ANN: ("unreachable", "bounce"),
        BOB: ("unsubscribed", "complaint"),
        HANA: ("unsubscribed", "complaint"),
    }


def test_a_hidden_complaint_about_an_id_that_many_share_names_nobody(db: Database) -> None:
    report = letter("h", "fbl@mx.example", US, day=1, kind="complaint")
    keep(
        db,
        *(told(who, "delivered", day=0, message_id="c1@mail.example") for who in (ANN, BOB)),
        noticed(report, Notice("complained", "", original="c1@mail.example")),
    )

    assert states(db) == {}


ASKING = [
    ("unsubscribe", "", "mailto"),
    ("Unsubscribe: a1b2c3", "This message was automatically generated by Gmail.", "mailto"),
    ("配信停止", "", "mailto"),
    ("メルマガの配信停止希望", "配信停止をお願いします。", "mailto"),
    ("Re: News", "Hi,\nplease remove me from your\nmailing list. Thanks", "words"),
    ("Re: News", "UNSUBSCRIBE", "words"),
    ("Re: News", "I no longer wish to receive your marketing e-mails.", "words"),
    (
        "Re: ご案内",
        "お世話になっております。\n今後メールの配信を停止していた\nだきたく、お願いします。",
        "words",
    ),
    ("Re: ご案内", "今後、このようなご案内メールは不要です。", "words"),
    ("Re: ご案内", "メルマガの購読を解除してください。", "words"),
]


@pytest.mark.parametrize(("subject", "text", "by"), ASKING)
def test_a_mail_that_asks_for_no_more_mail_is_heard(
    db: Database, subject: str, text: str, by: str
) -> None:
    keep(db, letter("m", ANN, US, subject=subject, text=text))

    assert states(db) == {ANN: ("unsubscribed", by)}


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Help", "How do I unsubscribe a user from our account?"),
        ("unsubscribe", "The button fails with error 500. Can you look into it? " * 5),
        ("Help", "Why did you unsubscribe me?"),
        ("Plan", "Please cancel our subscription to the Pro plan."),
        ("Call", "Please remove me from the meeting."),
        ("質問", "配信停止の方法を教えてください。"),
        ("質問", "配信を停止する機能はありますか？"),
        ("至急", "メールの配信が停止しました。至急ご確認ください。"),
        ("停止", ""),
    ],
)
def test_a_mail_that_only_speaks_of_it_is_not_taken_for_a_wish(
    db: Database, subject: str, text: str
) -> None:
    keep(db, letter("m", ANN, US, subject=subject, text=text))

    assert states(db) == {}


def test_an_address_to_unsubscribe_is_enough_whoever_writes_there(db: Database) -> None:
    keep(db, letter("m", ANN, "unsubscribe+tok@acme.example", text="x", kind="auto_reply"))

    assert states(db) == {ANN: ("unsubscribed", "mailto")}


def test_our_own_mails_and_addresses_are_not_listed(db: Database) -> None:
    keep(
        db,
        told("tom@acme.example"),
        letter("m", "tom@acme.example", ANN, subject="unsubscribe", text=""),
    )

    assert states(db) == {}


def test_words_that_turn_out_to_be_quoted_are_taken_back(db: Database) -> None:
    keep(db, letter("m", ANN, US, text="Please remove me from your mailing list."))
    db.execute("update messages set new_text = 'Thank you.'")

    keep(db)

    assert states(db) == {}


def test_a_models_guess_in_an_answer_to_a_campaign_makes_a_suspect(db: Database) -> None:
    keep(
        db,
        told(ANN, "delivered", day=0, message_id="c@mail.example"),
        letter("r", ANN, US, day=1, answers="c", text="This is too much for us."),
        letter("o", BOB, US, day=1, text="This is too much for us."),
    )
    guess = Annotation("r", "en", "neutral", 0.0, {}, {"unsubscribe": 0.9}, ("unsubscribe",),
        (), None, None, "m1")  # fmt: skip
    annotations.save(db, annotations.MAILS, [guess, replace(guess, id="o")])

    assert states(db) == {ANN: ("suspect", "intent")}


def test_hostile_texts_come_to_an_end() -> None:
    texts = [  # each would keep a pattern that tries everything busy for hours
        "stop sending " * 400,
        "remove me from your the " * 200,
        "配信を" * 2_000,
        "\n" * 5_000,
    ]
    texts += [
        "unsubscribe " * 500,
        "メール" + "今後" * 2_000,
        "a" * 5_000,
        "i no longer wish to " * 250,
    ]

    found = [
        means("human", each[:1_000], each, [each[:300] + "@acme.example"])
        for text in texts
        for each in (text, text.replace(" ", "\n"))
    ]

    assert len(found) == 2 * len(texts)


KINDS: list[EventType] = ["delivered", "bounced", "unsubscribed", "subscribed", "complained"]
ROWS = st.builds(
    lambda who, kind, day, method: told(
        who, kind, day=day, method=method, bounce="hard" if kind == "bounced" else None
    ),
    st.sampled_from([ANN, BOB]),
    st.sampled_from(KINDS),
    st.integers(0, 6),
    st.sampled_from(["", "GET", "POST"]),
)


@given(rows=st.lists(ROWS, max_size=12), day=st.integers(0, 7))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_state_as_of_a_day_is_what_was_known_had_the_log_ended_then(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Found], day: int
) -> None:
    folder = tmp_path_factory.mktemp("days")
    whole, ended = opened(folder / "whole.db"), opened(folder / "ended.db")

    inbox.save(whole, "support", rows, known_at=0)
    early = [row for row in rows if isinstance(row.what, Event) and row.what.at < START + day * DAY]
    inbox.save(ended, "support", early, known_at=0)

    assert states(whole, day=day) == states(ended)
    whole.close()
    ended.close()


ARF = """\
From: feedback@mx.example
To: news@acme.example
Subject: Email Feedback Report
Date: Mon, 05 Oct 2026 10:00:00 +0000
Message-ID: <arf@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1.0
Version: 1
Original-Rcpt-To: <bob@globex.example>
--b--
"""
LEAVE = """\
From: =?utf-8?b?5pif6YeO6Iqx?= <hana@hoshino.example>
To: news@acme.example
Subject: =?utf-8?b?6YWN5L+h5YGc5q2i?=
Date: Tue, 06 Oct 2026 10:00:00 +0900
Message-ID: <leave@hoshino.example>
Content-Type: text/plain; charset=utf-8

"""
LOG = """\
To,EventType,EventDate,Subject,MsgID,MessageCategory
ann@globex.example,Sent,2026-10-01T09:00:00,Our plans,a1,
ann@globex.example,Unsubscribe,2026-10-02T09:00:00,Our plans,a1,
tom@umbra.example,Bounce,2026-10-03T09:00:00,Our plans,a2,NoMailbox
"""


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A mailbox and a log, synced."""
    mails = tmp_path / "mails"
    mails.mkdir()
    (mails / "arf.eml").write_text(ARF, encoding="utf-8")
    (mails / "leave.eml").write_text(LEAVE, encoding="utf-8")
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    with mailhealth.open(tmp_path / "acme.db") as health:
        health.us("acme.example")
        health.connect("support", "eml", path=mails)
        health.connect("log", "elastic_email", path=tmp_path / "log.csv")
        report = health.sync(as_of="2026-11-01")
    assert [source.error for source in report.sources] == [None, None]
    return tmp_path / "acme.db"


def asked(company: Path, *options: str) -> Result:
    assert verb.subscriptions.name in main.commands
    return CliRunner().invoke(main, ["--db", str(company), "subscriptions", *options])


def test_a_mailbox_and_a_log_tell_who_still_wants_mail(company: Path) -> None:
    rows = json.loads(asked(company, "--json").stdout)

    assert [tuple(row.values())[:5] for row in rows] == [
        (ANN, "globex.example", "unsubscribed", "2026-10-02T09:00:00Z", "log"),
        (HANA, "hoshino.example", "unsubscribed", "2026-10-06T01:00:00Z", "mailto"),
        ("tom@umbra.example", "umbra.example", "unreachable", "2026-10-03T09:00:00Z", "bounce"),
        (BOB, "", "unsubscribed", "2026-10-05T10:00:00Z", "complaint"),
    ]
    assert {"<arf@mx.example>", "<leave@hoshino.example>"} <= {row["evidence"] for row in rows}


def test_who_left_by_mail_counts_in_the_score_and_the_mail_is_its_reason(company: Path) -> None:
    with mailhealth.open(company) as health:
        told = health.explain("hoshino.example")
        early = health.explain("hoshino.example", as_of="2026-10-06")

    (left,) = (each for each in told.signals if each.signal == "unsubscribed_contacts")
    assert (left.k, left.n) == (1, 1)
    assert [each.id for each in told.evidence["unsubscribed_contacts"]] == [
        "<leave@hoshino.example>"
    ]
    assert early.evidence["unsubscribed_contacts"] == ()


def test_one_customer_an_earlier_day_and_one_contacts_history_can_be_asked(company: Path) -> None:
    early = asked(company, "--as-of", "2026-10-03T09:00:00Z", "--csv").stdout
    one = json.loads(asked(company, "--customer", "umbra.example", "--json").stdout)
    history = json.loads(asked(company, "--history", "Ann@globex.example", "--json").stdout)

    assert early.count("\n") == 2
    assert [row["contact"] for row in one] == ["tom@umbra.example"]
    assert [(row["at"], row["state"]) for row in history] == [
        ("2026-10-02T09:00:00Z", "unsubscribed")
    ]
    assert "nothing was said" in asked(company, "--history", "max@umbra.example").stderr
