"""Replies belong to campaigns: by what they name, by where they went, by what they are called."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

import mailhealth
from mailhealth import store
from mailhealth.records import Event, EventType, Found, Message, OwnWords
from mailhealth.store import campaign_replies, inbox, people
from tests.letters import DAY, START, letter

ANN, BOB, HANA = "ann@globex.example", "bob@globex.example", "hana@hoshino.example"
US = "news@acme.example"
Row = tuple[str, str, str, str, float]


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return opened(tmp_path / "acme.db")


def opened(path: Path) -> Database:
    db = store.connect(path)
    inbox.add_source(db, inbox.Source("support", "mbox", {"path": "support.mbox"}))
    people.add_ours(db, ["acme.example"])
    return db


def keep(db: Database, *items: Found) -> list[Row]:
    """Save some items as a sync does, and list the replies that are known then."""
    inbox.save(db, "support", items, known_at=0)
    people.assign(db)
    campaign_replies.find(db)
    return db.execute("select * from campaign_replies order by message").fetchall()


def mailed(
    recipient: str,
    campaign: str = "autumn",
    kind: EventType = "delivered",
    *,
    day: float = 1,
    **told: Any,
) -> Found:
    """A row of a send log."""
    at = START + round(day * DAY)
    key = f"{campaign}/{recipient}/{kind}/{at}"
    told = {"subject": "Our plans for the autumn", **told}
    return Found(f"log:{key}", Event(recipient, kind, at, campaign=campaign, identity=key, **told))


def quoting(found: Found, text: str = "Our plans") -> Found:
    """The same letter with a quotation below its own words."""
    message = found.what
    assert isinstance(message, Message)
    return replace(found, what=replace(message, words=OwnWords(message.words.new_text, text, "")))


def referring(found: Found, *ids: str) -> Found:
    """The same letter with a References header."""
    message = found.what
    assert isinstance(message, Message)
    return replace(found, what=replace(message, mail=replace(message.mail, references=ids)))


def test_an_answer_to_the_campaigns_own_message_id_is_certain(db: Database) -> None:
    found = keep(
        db,
        mailed(ANN, message_id="c1@mail.example"),
        mailed(BOB, message_id="c2@mail.example"),
        letter("r", ANN, US, day=2, answers="c1", subject="Another subject"),
    )

    assert found == [("r", "autumn", ANN, "message-id", 1.0)]


def test_references_lead_to_the_campaign_where_in_reply_to_is_unknown(db: Database) -> None:
    forwarded = letter("r", "tom@globex.example", US, day=3, answers="forward", subject="Hello")

    found = keep(
        db,
        mailed(ANN, message_id="c1@mail.example"),
        referring(forwarded, "c1@mail.example", "forward@mail.example"),
    )

    assert found == [("r", "autumn", ANN, "message-id", 1.0)]


def test_an_answer_to_our_answer_is_no_further_answer_to_the_campaign(db: Database) -> None:
    again = letter("r2", ANN, "tom@acme.example", day=4, answers="a")

    found = keep(
        db,
        mailed(ANN, message_id="c1@mail.example"),
        letter("r1", ANN, US, day=2, answers="c1"),
        letter("a", "tom@acme.example", ANN, day=3, answers="r1"),
        referring(again, "c1@mail.example", "r1@mail.example", "a@mail.example"),
    )

    assert [row[0] for row in found] == ["r1"]


def test_the_platforms_id_may_be_the_local_part_of_the_message_id(db: Database) -> None:
    found = keep(
        db,
        mailed(ANN, reference="0100018f-Ab12-000000"),
        letter("r", ANN, US, day=2, answers="0100018f-Ab12-000000", subject="x"),
    )

    assert found == [("r", "autumn", ANN, "message-id", 1.0)]


def test_one_message_id_for_all_recipients_is_told_apart_by_who_answers(db: Database) -> None:
    everybody = [mailed(who, message_id="bulk@mail.example") for who in (ANN, BOB, HANA)]

    found = keep(
        db,
        *everybody,
        letter("by bob", BOB, US, day=2, answers="bulk"),
        letter("by a colleague", "zoe@hoshino.example", US, day=2, answers="bulk"),
        letter("by a stranger", "max@umbra.example", US, day=2, answers="bulk"),
    )

    assert {row[0]: row[2] for row in found} == {
        "by bob": BOB,
        "by a colleague": HANA,
        "by a stranger": "max@umbra.example",
    }


@pytest.mark.parametrize(
    "address",
    [
        "reply+c0ffee42@acme.example",
        "C0FFEE42@reply.acme.example",
        "bounce-c0ffee42-7@acme.example",
    ],
)
def test_a_token_in_the_address_names_the_campaign(db: Database, address: str) -> None:
    found = keep(
        db, mailed(ANN, reference="c0ffee42"), letter("r", "a.private@gmail.com", address, day=2)
    )

    assert found == [("r", "autumn", ANN, "address", 0.95)]


def test_plain_words_and_short_numbers_are_no_tokens() -> None:
    assert campaign_replies.tokens("newsletter+12@acme.example") == {"newsletter+12"}
    assert campaign_replies.tokens("customer-support@acme.example") == set()
    assert campaign_replies.tokens("1" * 4_000 + "@acme.example") == set()
    assert len(campaign_replies.tokens("1-" * 150 + "@acme.example")) < 60


@pytest.mark.parametrize(
    ("days", "subject", "confidence"),
    [
        (2, "Re: Our plans for the autumn", 0.8),
        (8, "AW: [EXT] our PLANS for the autumn", 0.6),
        (2, "Our plans for the autumn", 0.6),
        (8, "Our plans for the autumn", 0.4),
        (2, "返信: 秋の新商品発表会のご案内", 0.8),
        (2, "Re: お知らせ", 0.6),
        (8, "Re: お知らせ", 0.4),
    ],
)
def test_the_subject_is_believed_by_what_speaks_for_it(
    db: Database, days: float, subject: str, confidence: float
) -> None:
    found = keep(
        db,
        mailed(ANN),
        mailed(ANN, "ja", subject="秋の新商品発表会のご案内"),
        mailed(ANN, "short", subject="お知らせ"),
        letter("r", ANN, US, day=1 + days, subject=subject),
    )

    assert [(row[3], row[4]) for row in found] == [("subject", confidence)]


@pytest.mark.parametrize(
    "answer",
    [
        letter("r", ANN, US, day=32, subject="Re: Our plans for the autumn"),
        letter("r", ANN, US, day=0.5, subject="Re: Our plans for the autumn"),
        letter("r", ANN, US, day=10, subject="お知らせ"),
        letter("r", HANA, US, day=2, subject="Re: Our plans for the autumn"),
        letter("r", ANN, US, day=2, subject="Re: Our plans"),
        letter("r", ANN, US, day=2, subject="Re: Our plans for the autumn", kind="auto_reply"),
        letter("r", ANN, US, day=2, subject="Re: Our plans for the autumn", kind="bounce"),
    ],
    ids=["too late", "too early", "too weak", "a stranger", "another", "absent", "bounced"],
)
def test_what_only_looks_like_an_answer_is_none(db: Database, answer: Found) -> None:
    assert keep(db, mailed(ANN), mailed(ANN, "short", subject="お知らせ"), answer) == []


def test_an_out_of_office_is_not_an_answer_even_to_the_message_id(db: Database) -> None:
    absent = letter("r", ANN, US, day=1, answers="c1", kind="auto_reply")

    assert keep(db, mailed(ANN, message_id="c1@mail.example"), absent) == []


def test_a_colleague_answers_for_whom_the_campaign_went_to(db: Database) -> None:
    found = keep(
        db,
        mailed(ANN),
        mailed(HANA),
        letter("r", "zoe@globex.example", US, day=2, subject="Fwd: Our plans for the autumn"),
    )

    assert found == [("r", "autumn", ANN, "subject", 0.6)]


def test_in_a_large_company_a_subject_alone_shows_no_colleague(db: Database) -> None:
    many = [mailed(f"p{i}@globex.example", day=0.5, subject="Other news") for i in range(200)]
    answer = letter("r", "zoe@globex.example", US, day=2, subject="Fwd: Our plans for the autumn")

    assert keep(db, mailed(ANN), answer, *many) == []


def test_the_nearest_of_several_campaigns_of_one_subject_is_answered_with_less_confidence(
    db: Database,
) -> None:
    found = keep(
        db,
        mailed(ANN, "first", day=1),
        mailed(ANN, "second", day=20),
        mailed(ANN, "third", day=25),
        letter("r", ANN, US, day=22, subject="Re: Our plans for the autumn"),
    )

    assert found == [("r", "second", ANN, "subject", 0.6)]


def test_a_campaign_that_is_sent_each_month_counts_from_its_last_time(db: Database) -> None:
    found = keep(
        db,
        mailed(ANN, day=1),
        mailed(ANN, day=60),
        quoting(letter("r", ANN, US, day=62, subject="Our plans for the autumn")),
    )

    assert found == [("r", "autumn", ANN, "subject", 0.8)]


def test_an_answer_to_a_persons_mail_of_the_same_subject_is_not_the_campaigns(
    db: Database,
) -> None:
    found = keep(
        db,
        mailed(ANN),
        letter("m", "tom@acme.example", ANN, day=1.5, subject="Our plans for the autumn"),
        letter("r", ANN, "tom@acme.example", day=2, subject="Re: Our plans for the autumn"),
    )

    assert found == []


def test_who_only_asks_to_unsubscribe_does_not_answer(db: Database) -> None:
    leave = letter("r", ANN, "unsubscribe+c0ffee42@acme.example", day=2, subject="unsubscribe")

    assert keep(db, mailed(HANA, reference="c0ffee42"), leave) == []
    rows = db.execute("select message, recipient, means from unsubscribe_mails").fetchall()
    assert rows == [("r", HANA, "mailto")]


EVERYTHING = (
    mailed(ANN, message_id="c1@mail.example"),
    mailed(BOB, reference="c0ffee42"),
    mailed(HANA, "秋", subject="秋の新商品発表会のご案内"),
    mailed(HANA, "秋 2", subject="秋の新商品発表会のご案内", day=3),
    letter("by id", ANN, US, day=2, answers="c1"),
    letter("ours", "tom@acme.example", ANN, day=3, answers="by id"),
    letter("thanks", ANN, "tom@acme.example", day=4, answers="ours"),
    letter("by token", "b@gmail.com", "reply+c0ffee42@acme.example", day=5),
    letter("by subject", HANA, US, day=4, subject="Re: 秋の新商品発表会のご案内"),
    letter("colleague", "zoe@hoshino.example", US, day=4, subject="Fw: 秋の新商品発表会のご案内"),
    letter("leaves", ANN, US, day=6, text="Please remove me from your mailing list."),
)


@given(
    order=st.permutations(EVERYTHING),
    cuts=st.lists(st.integers(0, len(EVERYTHING)), max_size=4).map(sorted),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_mails_and_events_give_the_same_replies_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[Found], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("orders")
    whole, parts = opened(folder / "whole.db"), opened(folder / "parts.db")

    for begin, end in zip([0, *cuts], [*cuts, len(order)], strict=True):
        keep(parts, *order[begin:end])

    expected = keep(whole, *EVERYTHING)
    assert len(expected) == 4
    assert keep(parts) == expected
    leaving = "select * from unsubscribe_mails"
    assert parts.execute(leaving).fetchall() == whole.execute(leaving).fetchall()
    whole.close()
    parts.close()


def replies(db: Database) -> list[tuple[str, str]]:
    return db.execute("select recipient, method from replies order by 1, 2").fetchall()


def test_the_same_reply_told_by_mailbox_and_platform_counts_once(db: Database) -> None:
    keep(
        db,
        mailed(ANN, message_id="c1@mail.example"),
        letter("r", ANN, US, day=2, answers="c1"),
        mailed(ANN, kind="replied", day=2.5),
        mailed(BOB, kind="replied", day=2.5),
        mailed(ANN, kind="replied", day=9),
    )

    assert replies(db) == [(ANN, "message-id"), (ANN, "platform"), (BOB, "platform")]


def test_a_platforms_reply_that_the_mailbox_knows_to_be_automatic_does_not_count(
    db: Database,
) -> None:
    keep(
        db,
        mailed(ANN, kind="replied", day=2),
        letter("r", ANN, US, day=2.1, kind="auto_reply"),
        mailed(BOB, kind="replied", day=2, machine=True),
    )

    assert replies(db) == []


def test_the_few_events_that_matter_are_found_by_an_index(db: Database) -> None:
    for view in ("replies", "subscriptions"):
        plan = db.execute(f"explain query plan select * from {view}").fetchall()

        assert [row[3] for row in plan if row[3] in ("SCAN e", "SCAN m", "SCAN d")] == []


LOG = """\
email,what,when,campaign,subject,message id
ann@globex.example,delivered,2026-10-01T09:00:00Z,autumn,Our plans for the autumn,c1@mail.example
hana@hoshino.example,delivered,2026-10-01T00:00:00Z,秋,秋の新商品発表会のご案内,
"""
CONNECTOR = """\
title = "A log for this test"
reader = "csv"
dates = ["iso"]
[recognises]
columns = [["email", "what", "when"]]
[event]
recipient = "email"
type = "what"
at = "when"
campaign = "campaign"
subject = "subject"
message_id = "message id"
[types]
delivered = "delivered"
"""
MAILS = {
    "a.eml": """\
From: Ann <ann@globex.example>
To: news@acme.example
Subject: Re: Our plans for the autumn
Date: Fri, 02 Oct 2026 10:00:00 +0000
Message-ID: <r1@globex.example>
In-Reply-To: <c1@mail.example>

Count us in.
""",
    "b.eml": """\
From: =?utf-8?b?5pif6YeO6Iqx?= <hana@hoshino.example>
To: news@acme.example
Subject: =?utf-8?b?UmU6IOeni+OBruaWsOWVhuWTgeeZuuihqOS8muOBruOBlOahiOWGhQ==?=
Date: Mon, 05 Oct 2026 10:00:00 +0900
Message-ID: <r2@hoshino.example>
Content-Type: text/plain; charset=utf-8

参加を希望します。よろしくお願いいたします。
""",
    "c.eml": """\
From: Ann <ann@globex.example>
To: news@acme.example
Subject: Automatic reply: Our plans for the autumn
Date: Thu, 01 Oct 2026 09:00:05 +0000
Message-ID: <r3@globex.example>
In-Reply-To: <c1@mail.example>
Auto-Submitted: auto-replied

I am away until Monday.
""",
}


def test_a_mailbox_and_a_log_are_joined_when_they_are_synced(tmp_path: Path) -> None:
    for folder, files in {
        "mails": MAILS,
        "log": {"log.csv": LOG},
        "connector": {"connector.toml": CONNECTOR},
    }.items():
        (tmp_path / folder).mkdir()
        for name, text in files.items():
            (tmp_path / folder / name).write_text(text, encoding="utf-8")

    with mailhealth.open(tmp_path / "acme.db") as health:
        health.us("acme.example")
        health.connect("support", "eml", path=tmp_path / "mails")
        health.connect("log", str(tmp_path / "connector"), path=tmp_path / "log" / "log.csv")
        report = health.sync(as_of="2026-11-01")
        found = health.db.execute("select * from campaign_replies order by confidence").fetchall()

    assert [source.error for source in report.sources] == [None, None]
    assert [row[1:] for row in found] == [
        ("秋", HANA, "subject", 0.8),
        ("autumn", ANN, "message-id", 1.0),
    ]
