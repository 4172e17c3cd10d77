"""Who is who in the store: persons, dates, consumers, and who belongs to nobody."""

import time
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from mailhealth import store
from mailhealth.customers import CustomerRow
from mailhealth.records import Address, Found, Message
from mailhealth.store import inbox, people
from tests.letters import event, letter

ROW = CustomerRow("Globex", (), None, None, None, None)


@pytest.fixture
def db(tmp_path: Path) -> Database:
    db = store.connect(tmp_path / "acme.db")
    inbox.add_source(db, inbox.Source("support", "mbox", {"path": "support.mbox"}))
    people.add_ours(db, ["acme.example"])
    return db


def keep(db: Database, *items: Found) -> None:
    inbox.save(db, "support", items, known_at=0)
    people.assign(db)


def told(db: Database, *rows: CustomerRow) -> None:
    people.replace_customers(db, rows)
    people.assign(db)


def signed(name: str, found: Found) -> Found:
    """The same letter with the sender's name."""
    message = found.what
    assert isinstance(message, Message)
    assert message.mail.sender is not None
    mail = replace(message.mail, sender=Address(name, message.mail.sender.address))
    return replace(found, what=replace(message, mail=mail))


def pairs(db: Database, sql: str) -> dict[str, str | None]:
    return dict(db.execute(sql).fetchall())


def persons(db: Database) -> dict[str, str | None]:
    return pairs(db, "select contact, person from contacts where person is not null")


def whose(db: Database) -> dict[str, str | None]:
    return pairs(db, "select message, customer from message_customers")


HANAKO = (
    signed("Hanako Sato", letter("1", "hanako@globex.example", "support@acme.example")),
    signed("Sato, Hanako", letter("2", "h.sato@mail.globex.example", "support@acme.example")),
    signed("Bob Stone", letter("3", "bob@globex.example", "support@acme.example")),
)


@pytest.mark.parametrize("order", list(permutations(HANAKO)))
def test_one_person_with_two_addresses_is_one_person_in_any_order(
    db: Database, order: tuple[Found, ...]
) -> None:
    for each in order:
        keep(db, each)

    assert persons(db) == dict.fromkeys(
        ["hanako@globex.example", "h.sato@mail.globex.example"], "h.sato@mail.globex.example"
    )
    assert [row["contacts"] for row in people.customers(db)] == [2]


def test_the_same_name_at_two_customers_is_two_persons(db: Database) -> None:
    keep(db, HANAKO[0])
    keep(db, signed("Hanako Sato", letter("4", "hanako@umbra.example", "support@acme.example")))

    assert persons(db) == {}


def test_a_homonym_who_comes_later_takes_persons_apart(db: Database) -> None:
    keep(db, *HANAKO)
    keep(db, signed("Hanako Sato", letter("4", "hanako2@globex.example", "support@acme.example")))

    assert persons(db) == {}


def test_the_customer_file_joins_addresses_that_nothing_else_does(db: Database) -> None:
    keep(db, HANAKO[0], letter("4", "hs@gmail.com", "support@acme.example"))

    values = ("hanako@globex.example", "hs@gmail.com")
    told(db, replace(ROW, values=values, person="佐藤花子"))

    assert persons(db) == dict.fromkeys(values, "hanako@globex.example")
    told(db, replace(ROW, values=values))
    assert persons(db) == {}


def test_a_mail_belongs_to_whom_its_writer_belonged_to_then(db: Database) -> None:
    rows = (
        replace(ROW, values=("ann@gmail.com",), valid_to="2026-02-01"),
        replace(ROW, customer="Initech", values=("ann@gmail.com",), valid_from="2026-02-01"),
    )
    told(db, *rows)

    keep(
        db,
        letter("before", "ann@gmail.com", "support@acme.example", day=30.9),
        letter("after", "ann@gmail.com", "support@acme.example", day=31),
        letter("answer", "tom@acme.example", "ann@gmail.com", day=2),
        event("e1", "ann@gmail.com", "delivered", day=3),
    )

    assert whose(db) == {"before": "Globex", "after": "Initech", "answer": "Globex"}
    assert {row["customer"]: row["events"] for row in people.customers(db)} == {
        "Globex": 1,
        "Initech": 0,
    }
    assert [row["customer"] for row in people.contacts(db, "Globex")] == ["Initech"]


def test_who_was_a_customers_for_a_while_is_nobodys_before_and_after(db: Database) -> None:
    told(
        db, replace(ROW, values=("ann@gmail.com",), valid_from="2026-01-11", valid_to="2026-01-21")
    )

    keep(db, *(letter(str(day), "ann@gmail.com", "x@acme.example", day=day) for day in (5, 15, 25)))

    assert whose(db) == {"15": "Globex"}
    assert people.unassigned(db) == []


def test_a_domain_that_was_bought_moves_on_its_day(db: Database) -> None:
    told(db, replace(ROW, values=("umbra.example",), valid_from="2026-01-11"))

    keep(db, *(letter(str(day), "ann@umbra.example", "x@acme.example", day=day) for day in (5, 15)))

    assert whose(db) == {"5": "umbra.example", "15": "Globex"}


def test_where_customers_are_consumers_a_free_mail_address_is_a_customer(db: Database) -> None:
    keep(db, HANAKO[0], letter("4", "hs@gmail.com", "support@acme.example"))

    people.set_consumer(db, True)
    people.assign(db)

    assert people.consumer(db)
    assert whose(db) == {"1": "hanako@globex.example", "4": "hs@gmail.com"}
    people.set_consumer(db, False)
    people.assign(db)
    assert whose(db) == {"1": "globex.example"}


def test_contacts_only_ever_seen_in_cc_are_found(db: Database) -> None:
    keep(
        db,
        letter("1", "ann@globex.example", "x@acme.example", cc=("boss@globex.example",)),
        letter("2", "x@acme.example", "bob@globex.example"),
        event("e1", "eve@globex.example", "delivered"),
    )

    seen = {row["contact"]: row["seen"] for row in people.contacts(db, "globex.example")}

    assert seen == {
        "ann@globex.example": "wrote",
        "boss@globex.example": "only in Cc",
        "bob@globex.example": "addressed",
        "eve@globex.example": "campaign",
    }


def test_our_team_and_our_shared_mailboxes_are_told_apart(db: Database) -> None:
    keep(db, letter("1", "ann@globex.example", "support@acme.example", "mika@acme.example"))

    assert pairs(db, "select contact, why from contacts where ours") == {
        "support@acme.example": "our shared mailbox",
        "mika@acme.example": "our team",
    }


def suggestions(db: Database) -> dict[str, str]:
    return {row["contact"]: row["suggestion"] for row in people.unassigned(db)}


def test_a_stranger_with_a_contacts_name_could_be_that_contacts_customers(db: Database) -> None:
    keep(
        db,
        HANAKO[0],
        signed("Sato Hanako", letter("4", "hs@gmail.com", "x@acme.example")),
        signed("Mika Mori", letter("5", "mika@acme.example", "hanako@globex.example")),
        signed("Mika Mori", letter("6", "mika@docomo.ne.jp", "x@acme.example")),
    )

    assert suggestions(db) == {
        "hs@gmail.com": "globex.example (same name as hanako@globex.example)",
        "mika@docomo.ne.jp": "ours (same name as mika@acme.example)",
    }


def test_a_stranger_in_a_customers_conversation_could_be_the_customers(db: Database) -> None:
    keep(
        db,
        letter("q", "ann@globex.example", "support@acme.example"),
        letter("a", "hs@gmail.com", "support@acme.example", answers="q", day=1),
        letter("p", "eve@gmail.com", "support@acme.example"),
    )

    assert suggestions(db) == {
        "eve@gmail.com": "",
        "hs@gmail.com": "globex.example (in 1 of their conversations)",
    }


def test_a_stranger_whose_address_names_a_customer_could_be_theirs(db: Database) -> None:
    told(db, replace(ROW, values=("globex.co.jp",)))
    keep(
        db,
        letter("1", "globex.tokyo@ezweb.ne.jp", "x@acme.example"),
        letter("2", "info@globex-mail.example", "x@acme.example", kind="list"),
    )

    assert suggestions(db) == {
        "globex.tokyo@ezweb.ne.jp": "Globex (the address says globex)",
        "info@globex-mail.example": "Globex (the address says globex)",
    }


def test_strangers_come_by_how_much_they_wrote(db: Database) -> None:
    keep(
        db,
        letter("1", "a@gmail.com", "x@acme.example", cc=("c@gmail.com",)),
        *(letter(f"b{n}", "b@gmail.com", "x@acme.example") for n in range(3)),
    )

    rows = [(row["contact"], row["messages"], row["seen"]) for row in people.unassigned(db)]

    assert rows == [
        ("b@gmail.com", 3, "wrote"),
        ("a@gmail.com", 1, "wrote"),
        ("c@gmail.com", 0, "only in Cc"),
    ]


def test_what_we_call_ours_is_compared_like_any_address(db: Database) -> None:
    people.add_ours(db, ["Help.Desk+jp@GoogleMail.com", "@例え.jp"])

    assert people.ours(db) == ["acme.example", "helpdesk@gmail.com", "xn--r8jz45g.jp"]


def test_a_store_of_the_first_schema_keeps_its_customers(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    old = Database(file)
    whole = store._migrations()
    first = Migrations("mailhealth")
    first._migrations = whole._migrations[:1]
    first.apply(old)
    old.execute("insert into customers (customer, origin) values ('Globex', 'file')")
    old.execute("insert into customer_rules values ('globex.example', 'Globex')")
    old.execute(
        "insert into contacts values ('a@globex.example', '', 0, 'Globex', 'domain in the file')"
    )
    old.conn.commit()
    old.close()

    db = store.connect(file)

    assert db.execute("select * from contact_customers").fetchall() == [
        ("a@globex.example", "Globex", "", "")
    ]
    assert db.execute("select * from customer_rules").fetchall() == [
        ("globex.example", "Globex", "", "", "")
    ]


def test_a_crowd_in_one_conversation_is_looked_through_within_seconds(db: Database) -> None:
    crowd = [
        letter(f"m{n}", f"p{n}@gmail.com", "list@acme.example", answers="q") for n in range(3_000)
    ]
    keep(db, letter("q", "ann@globex.example", "list@acme.example"), *crowd)
    begun = time.process_time()

    rows = people.unassigned(db)

    assert len(rows) == 3_000
    assert time.process_time() - begun < 5  # looking at every pair takes minutes
