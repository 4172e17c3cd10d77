"""The SQLite file: nothing lost, nothing twice, whose mail is whose."""

import sqlite3
from itertools import permutations
from pathlib import Path

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from mailhealth import customers, store
from mailhealth.errors import BadSource
from mailhealth.records import Found, Mark, Skipped
from mailhealth.store import inbox, people
from tests.letters import event, letter

QUESTION = letter("q", "ann@globex.example", "support@acme.example", day=1)
ANSWER = letter("a", "tom@acme.example", "ann@globex.example", day=2, answers="q")
THANKS = letter("t", "ann@globex.example", "support@acme.example", day=3, answers="a")


@pytest.fixture
def db(tmp_path: Path) -> Database:
    db = store.connect(tmp_path / "acme.db")
    inbox.add_source(db, inbox.Source("support", "mbox", {"path": "support.mbox"}))
    people.add_ours(db, ["acme.example"])
    return db


def keep(db: Database, *items: Found | Skipped | Mark) -> inbox.Saved:
    saved = inbox.save(db, "support", items, known_at=0)
    people.assign(db)
    return saved


def column(db: Database, sql: str) -> list[object]:
    return [row[0] for row in db.execute(sql).fetchall()]


def test_saving_the_same_mail_twice_changes_nothing(db: Database) -> None:
    keep(db, QUESTION, ANSWER)
    before = list(db.conn.iterdump())

    saved = keep(db, QUESTION, ANSWER)

    assert saved == inbox.Saved(new=0, known=2, skipped=0)
    assert list(db.conn.iterdump()) == before


def test_one_mail_in_two_folders_is_one_message_with_two_places(db: Database) -> None:
    keep(db, QUESTION, Found("archive:7", QUESTION.what))

    assert column(db, "select message from messages") == ["q"]
    assert column(db, "select place from places order by place") == ["archive:7", "box:q"]


def test_message_and_cursor_are_saved_together_or_not_at_all(db: Database) -> None:
    broken = letter("b", "ann@globex.example", "support@acme.example", kind="poem")  # type: ignore[arg-type]

    with pytest.raises(sqlite3.IntegrityError):
        inbox.save(db, "support", [QUESTION, Mark("box", "9"), broken], known_at=0)

    assert column(db, "select message from messages") == []
    assert inbox.cursors(db, "support") == {}


def test_what_could_not_be_read_is_kept_with_its_reason_once(db: Database) -> None:
    miss = Skipped("box:12", "the message has no bytes")

    keep(db, miss)
    keep(db, miss)

    assert [row["why"] for row in inbox.skipped(db)] == ["the message has no bytes"]


def test_mail_to_us_is_in_mail_from_us_is_out_and_among_us_is_internal(db: Database) -> None:
    among_us = letter("i", "tom@acme.example", "mika@acme.example")

    keep(db, QUESTION, ANSWER, among_us)

    assert db.execute("select message, direction from messages order by 1").fetchall() == [
        ("a", "out"),
        ("i", "internal"),
        ("q", "in"),
    ]


def test_our_answer_to_a_list_belongs_to_the_customer_it_answers(db: Database) -> None:
    nobody_named = letter("a", "tom@acme.example", day=2, answers="q")

    keep(db, nobody_named)
    keep(db, QUESTION)

    rows = db.execute("select message, customer from message_customers order by 1").fetchall()
    assert rows == [("a", "globex.example"), ("q", "globex.example")]


@pytest.mark.parametrize("order", list(permutations([QUESTION, ANSWER, THANKS])))
def test_threads_and_customers_do_not_depend_on_the_order_of_arrival(
    db: Database, order: tuple[Found, ...]
) -> None:
    for each in order:
        keep(db, each)

    assert len(set(column(db, "select thread from messages"))) == 1
    assert column(db, "select count(*) from message_customers") == [3]


def test_a_machine_alone_makes_no_customer_until_a_person_writes(db: Database) -> None:
    newsletter = letter("n", "news@vendor.example", "support@acme.example", kind="list")
    keep(db, newsletter)
    assert people.customers(db) == []

    keep(db, letter("p", "news@vendor.example", "support@acme.example"))

    assert [row["customer"] for row in people.customers(db)] == ["vendor.example"]


def test_who_receives_our_campaigns_belongs_to_a_customer(db: Database) -> None:
    keep(db, event("e1", "ann@globex.example", "delivered"))

    assert people.customers(db)[0]["events"] == 1


def test_a_customer_file_regroups_what_was_read_before(db: Database) -> None:
    keep(db, QUESTION, ANSWER)

    row = customers.CustomerRow("Globex", ("globex.example",), "mid", None, None, None)
    people.replace_customers(db, [row])
    people.assign(db)

    assert [(r["customer"], r["messages"]) for r in people.customers(db)] == [("Globex", 2)]


def test_who_belongs_to_nobody_is_listed_with_the_reason(db: Database) -> None:
    keep(db, letter("g", "hanako@gmail.com", "support@acme.example"))

    [row] = people.unassigned(db)
    assert (row["contact"], row["why"], row["messages"]) == (
        "hanako@gmail.com",
        "free-mail domain",
        1,
    )


def test_saying_who_we_are_later_turns_the_mail_around(tmp_path: Path) -> None:
    db = store.connect(tmp_path / "late.db")
    inbox.add_source(db, inbox.Source("support", "mbox", {}))
    keep(db, QUESTION, ANSWER)

    people.add_ours(db, ["@Acme.example"])
    people.assign(db)

    assert column(db, "select direction from messages order by message") == ["out", "in"]
    assert [row["customer"] for row in people.customers(db)] == ["globex.example"]


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear all, this is not a database. " * 40, "utf-8")

    with pytest.raises(BadSource, match="cannot be opened as a mailhealth database"):
        store.connect(file)


def test_a_missing_database_is_not_made_by_asking(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="no such database"):
        store.connect(tmp_path / "typo.db", create=False)

    assert not (tmp_path / "typo.db").exists()


def test_every_table_is_strict_and_foreign_keys_hold(db: Database) -> None:
    loose = column(
        db,
        "select name from pragma_table_list where type = 'table' and not strict"
        " and name not like 'sqlite_%' and name not like '_sqlite_%'",
    )

    assert loose == []
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("insert into cursors values ('nobody', 'x', '1')")


def test_a_file_of_before_keeps_its_verdicts_and_learns_which_mails_ask_for_nothing(
    tmp_path: Path,
) -> None:
    old = Database(tmp_path / "acme.db")
    whole = store._migrations()
    before = Migrations("mailhealth")
    before._migrations = [each for each in whole._migrations if each.name < "014"]
    before.apply(old)
    inbox.add_source(old, inbox.Source("support", "mbox", {}))
    happened = [event(key, "ann@globex.example", "opened") for key in "abc"]
    inbox.save(old, "support", [QUESTION, *happened], known_at=0)
    old.execute("delete from events where event = 'a'")  # so that rows are not counted from 1
    old.execute("insert into verdicts values ('c', 1, 0, 2.0, '[\"burst\"]')")
    words = {"new_text": "Dear Ann, many thanks!", "courtesies": "[[0, 22]]"}
    old.table("messages").update("q", words)
    old.conn.commit()
    rows = old.execute("select rowid, * from events order by rowid").fetchall()
    old.close()

    db = store.connect(tmp_path / "acme.db")

    assert db.execute("select * from events order by row").fetchall() == rows
    assert column(db, "select event from verdicts") == ["c"]
    assert column(db, "select machine from judged order by event") == [0, 1]
    assert column(db, "select closing from messages") == [1]
    assert column(db, "pragma integrity_check") == ["ok"]
    assert column(db, "pragma foreign_key_check") == []


@pytest.mark.parametrize(
    ("text", "courtesies", "closing"),
    [
        ("OK!", "[]", 1),
        ("Dear Ann, many thanks!", "[[0, 22]]", 1),
        ("Thanks, Bo", "[[0, 10]]", 1),
        ("Why?", "[]", 0),
        ("なぜですか？", "[]", 0),
        ("ご確認ください", "[]", 0),
        ("", "[]", 0),
        ("Dear Ann, the invoice of May is wrong.", "[[0, 9]]", 0),
    ],
)
def test_a_mail_that_says_nothing_but_courtesies_is_marked_whenever_its_words_change(
    db: Database, text: str, courtesies: str, closing: int
) -> None:
    keep(db, QUESTION)

    db.table("messages").update("q", {"new_text": text, "courtesies": courtesies})

    assert column(db, "select closing from messages") == [closing]
