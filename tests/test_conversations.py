"""Threads and wording in the store: what late, lost and repeated mail does to what is kept."""

from base64 import b64encode
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from sqlite_utils import Database

import mailhealth
from mailhealth import reply, store, threads
from mailhealth.records import Found, Message
from mailhealth.store import inbox, people, results
from tests.letters import letter

ANN, SUPPORT = "ann@globex.example", "support@acme.example"


@pytest.fixture
def db(tmp_path: Path) -> Database:
    db = store.connect(tmp_path / "acme.db")
    inbox.add_source(db, inbox.Source("support", "mbox", {}))
    people.add_ours(db, ["acme.example"])
    return db


def keep(db: Database, *found: Found) -> None:
    inbox.save(db, "support", found, known_at=0)
    people.assign(db)


def by_message(db: Database, column: str) -> dict[str, str]:
    return dict(db.execute(f"select message, {column} from messages").fetchall())


def together(db: Database, *messages: str) -> bool:
    thread = by_message(db, "thread")
    return len({thread[message] for message in messages}) == 1


@pytest.mark.parametrize(
    ("subject", "topic"),
    [
        ("Re: Invoice 12", "invoice 12"),
        ("AW: WG: Rechnung", "rechnung"),
        ("SV: VS: Faktura", "faktura"),
        ("RE[2]: Invoice", "invoice"),
        ("回复: 转发: 发票", "发票"),
        ("返信：お見積りの件", "お見積りの件"),
        ("답장: 견적", "견적"),
        ("ＲＥ： Hello", "hello"),
        ("[EXT] RE: Hello", "hello"),
        ("Réf : contrat", "contrat"),
        ("Reminder: pay", "reminder: pay"),
        ("Recall of parts", "recall of parts"),
        ("", ""),
    ],
)
def test_a_topic_is_the_subject_without_the_prefixes_of_any_language(
    subject: str, topic: str
) -> None:
    assert threads.topic(subject) == topic


def test_gmails_conversation_decides_against_the_references(db: Database) -> None:
    same = (("x-gm-thrid", "77"),)
    keep(db, letter("a", ANN, SUPPORT, headers=same), letter("b", ANN, SUPPORT, headers=same))
    keep(db, letter("c", ANN, SUPPORT, answers="a", headers=(("x-gm-thrid", "78"),)))

    assert together(db, "a", "b")
    assert not together(db, "a", "c")
    assert by_message(db, "joined_by")["b"] == "gmail"


def test_an_outlook_answer_without_references_is_joined_by_its_thread_index(db: Database) -> None:
    first = b64encode(bytes(range(22))).decode()
    answer = b64encode(bytes(range(27))).decode()
    keep(db, letter("a", ANN, SUPPORT, headers=(("thread-index", first),)))

    keep(db, letter("b", SUPPORT, ANN, headers=(("thread-index", answer),)))

    assert together(db, "a", "b")
    assert by_message(db, "joined_by") == {"a": "first", "b": "thread-index"}


QUESTION = letter("q", ANN, SUPPORT, day=1, subject="Route export")
LOST = letter("l", SUPPORT, ANN, day=3, subject="AW: Route export")


@pytest.mark.parametrize("order", list(permutations([QUESTION, LOST])))
def test_an_answer_that_names_nothing_finds_its_question_by_the_subject(
    db: Database, order: tuple[Found, ...]
) -> None:
    for each in order:
        keep(db, each)

    assert together(db, "q", "l")
    assert by_message(db, "joined_by") == {"q": "first", "l": "subject"}


def test_two_lost_answers_to_one_question_share_its_thread(db: Database) -> None:
    keep(
        db,
        letter("q", ANN, SUPPORT, day=1, subject="Route export"),
        letter("a", SUPPORT, ANN, day=2, subject="Re: Route export"),
        letter("z", SUPPORT, ANN, day=3, subject="AW: Route export"),
    )

    assert together(db, "q", "a", "z")


@pytest.mark.parametrize(
    "other",
    [
        letter("q", "eve@umbra.example", SUPPORT, day=1, subject="Route export"),
        letter("q", ANN, SUPPORT, day=-40, subject="Route export"),
        letter("q", ANN, SUPPORT, day=1, subject="Route import"),
        letter("q", ANN, SUPPORT, day=4, subject="Route export"),
    ],
    ids=["other people", "too long ago", "another subject", "written later"],
)
def test_a_subject_alone_joins_nothing(db: Database, other: Found) -> None:
    keep(db, other, LOST)

    assert not together(db, "q", "l")
    assert by_message(db, "joined_by")["l"] == "lost"


PARENT_TEXT = (
    "Could you please tell us which of the two depots the new routes belong to?\n"
    "The planner shows them under Bristol, but the drivers start in Cardiff every morning."
)


@pytest.mark.parametrize("late", [False, True], ids=["parent first", "parent later"])
def test_what_the_parent_said_is_quoted_whatever_its_marking(db: Database, late: bool) -> None:
    parent = letter("p", SUPPORT, ANN, day=1, text=PARENT_TEXT)
    answer = letter("a", ANN, SUPPORT, day=2, answers="p", text=f"To Cardiff.\n\n{PARENT_TEXT}")

    for each in (answer, parent) if late else (parent, answer):
        keep(db, each)

    assert by_message(db, "new_text")["a"].strip() == "To Cardiff."
    assert "which of the two depots" in by_message(db, "quoted_text")["a"]


SIGNATURE = "Ann Weber\nHead of Dispatch, Globex Freight GmbH\nTel. +49 30 5550101"


def test_an_end_repeated_in_three_mails_is_a_signature_in_all_of_them(db: Database) -> None:
    texts = ("The export works now.", "Where do I find the invoice?", "We have two new drivers.")

    for number, text in enumerate(texts):
        keep(db, letter(f"m{number}", ANN, SUPPORT, day=number, text=f"{text}\n\n{SIGNATURE}"))

    assert [text.strip() for text in by_message(db, "new_text").values()] == list(texts)
    assert all("5550101" in each for each in by_message(db, "signature").values())


def test_a_short_answer_takes_the_language_of_its_conversation(db: Database) -> None:
    keep(
        db,
        letter("q", SUPPORT, ANN, day=1, text="Passt Ihnen der Montag um zehn Uhr?", lang="de"),
        letter("a", ANN, SUPPORT, day=2, answers="q", text="Ja, ok", lang=""),
        letter("x", ANN, SUPPORT, day=2, text="ok", lang=""),
    )

    assert by_message(db, "lang") == {"q": "de", "a": "de", "x": ""}


def test_gmails_labels_are_kept(db: Database) -> None:
    labels = (("x-gmail-labels", 'Inbox,"Orders, big",重要'),)

    keep(db, letter("a", ANN, SUPPORT, headers=labels), letter("b", ANN, SUPPORT))

    assert by_message(db, "labels") == {"a": '["Inbox", "Orders, big", "重要"]', "b": "[]"}


def test_greetings_are_kept_but_not_read_by_the_model(db: Database) -> None:
    text = "Dear Tom,\n\nthe export fails.\n\nBest regards,\nAnn"
    found = letter("g", ANN, SUPPORT, text=text)
    assert isinstance(found.what, Message)
    marked = replace(found.what, courtesies=reply.courtesies(text))
    keep(db, Found("box:g", marked))

    (read,) = next(results.unread(db, "model"))
    assert read.text == "the export fails."
    assert by_message(db, "new_text")["g"] == text


def test_a_store_with_almost_no_sent_mail_says_so_instead_of_a_false_rate(tmp_path: Path) -> None:
    inbox_only = [letter(f"m{n}", ANN, SUPPORT, day=n) for n in range(60)]
    one_sent = letter("s", SUPPORT, ANN, day=3, answers="m2")
    as_of = "2026-03-05T00:00:00Z"

    with mailhealth.open(tmp_path / "half.db") as health:
        health.us("acme.example")
        inbox.add_source(health.db, inbox.Source("support", "mbox", {}))
        keep(health.db, *inbox_only, one_sent)
        health.evaluate([as_of])
        frame = health.signals(as_of=as_of).set_index(["signal", "window_days"])
        warnings = health.warnings()

    assert warnings == [
        "sent mail missing: 1 of 61 mails are ours, so reply rates and response times are unknown;"
        " connect the folder of sent mail too"
    ]
    assert frame.loc[("inbound_volume", 90), "k"] == 60
    for signal in ("reply_rate", "our_reply_rate", "our_response_hours", "outbound_volume"):
        assert frame.loc[(signal, 90), "value"] != frame.loc[(signal, 90), "value"], signal
