"""People: an address, its contact, its person, its customer."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhealth import customers
from mailhealth.customers import Rule
from mailhealth.errors import BadData, BadSource

HEADER = "customer,domain,address,segment,owner,started,renews\n"
DATED = "customer,domain,valid_from,valid_to\n"


@pytest.mark.parametrize(
    ("address", "contact"),
    [
        ("Ann+news@Globex.example", "ann@globex.example"),
        ("taro..yamada.@docomo.ne.jp", "taro..yamada.@docomo.ne.jp"),
        ("+tag@globex.example", "+tag@globex.example"),
        ("nobody", "nobody"),
        ("J.Doe+news@GoogleMail.com", "jdoe@gmail.com"),
        ("j.doe@globex.example", "j.doe@globex.example"),
        ("hanako@日本語.jp", "hanako@xn--wgv71a119e.jp"),
        ("bob@Bücher.example", "bob@xn--bcher-kva.example"),
        ("Ｔａｒｏ＠ｄｏｃｏｍｏ．ｎｅ．ｊｐ", "taro@docomo.ne.jp"),
        ("bob@a_b.例え.jp", "bob@a_b.xn--r8jz45g.jp"),
    ],
)
def test_a_contact_is_its_address_as_it_is_compared(address: str, contact: str) -> None:
    assert customers.contact_of(address) == contact


@pytest.mark.parametrize(
    "wrapped",
    [
        "SRS0=Abc1=XY=globex.example=ann@forwarder.example",
        "SRS0+Abc1=XY=globex.example=ann@forwarder.example",
        "SRS1=hh=forwarder.example==Abc1=XY=globex.example=ann@second.example",
        "prvs=1234567890=ann@globex.example",
        "prvs=ann/1234567890@globex.example",
        "msprvs1=17823abc=ann@globex.example",
        "btv1==0123456789abcdef==ann@globex.example",
        "bounces+ann=globex.example@lists.example",
        "news-bounces+ann=globex.example@lists.example",
        "bounces+1234567-ab12-ann=globex.example@em.example",
        "news-return-12-ann=globex.example@lists.example",
        "SRS0=Abc1=XY=globex.example=prvs=123=Ann+x@forwarder.example",
    ],
)
def test_what_forwarders_and_bounce_handling_wrote_around_an_address_is_undone(
    wrapped: str,
) -> None:
    assert customers.contact_of(wrapped) == "ann@globex.example"


@pytest.mark.parametrize(
    ("address", "contact"),
    [
        ("bounces+SRS=44ldt=IX@globex.example", "bounces@globex.example"),
        ("bounces-12345@globex.example", "bounces-12345@globex.example"),
        ("x=y@globex.example", "x=y@globex.example"),
        ("ann+caf_=box=globex.example@gmail.com", "ann@gmail.com"),
    ],
)
def test_what_holds_no_other_address_is_not_unwrapped(address: str, contact: str) -> None:
    assert customers.contact_of(address) == contact


@given(st.text(alphabet=st.sampled_from("ab.1+=-@/_例＠ SRS0prvsbounce"), max_size=80))
def test_any_text_names_a_contact_that_has_a_history(address: str) -> None:
    contact = customers.contact_of(address)

    assert customers.history(contact, {}, ())[-1].valid_to == ""


@pytest.mark.parametrize(
    "hostile",
    [
        "bounces+" + "1111-" * 60 + "@x.example",
        "return-" * 44 + "a=b.c@x.example",
        "a@" + "a." * 200_000 + "example",
        "a" * 1_000_000 + "=b.c@x.example",
        "x@" + "例." * 100_000,
    ],
)
def test_a_hostile_address_costs_no_time(hostile: str) -> None:
    begun = time.process_time()

    customers.history(customers.contact_of(hostile), {}, {"acme.example"})

    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "address",
    ["support@", "info2@", "no-reply@", "sales-jp@", "toiawase@", "eigyo.osaka@", "rechnung@"],
)
def test_a_mailbox_named_for_a_job_is_no_person(address: str) -> None:
    assert customers.is_role(address + "globex.example")
    assert not customers.is_role("hanako.sato@globex.example")


@pytest.mark.parametrize(
    ("domain", "company"),
    [
        ("mail.globex.example", "globex.example"),
        ("sales.globex.co.jp", "globex.co.jp"),
        ("a.city.kawasaki.jp", "city.kawasaki.jp"),
        ("globex.onmicrosoft.com", "globex.onmicrosoft.com"),
        ("co.jp", ""),
        ("localhost", ""),
        ("192.0.2.1", ""),
        ("", ""),
    ],
)
def test_a_company_domain_is_the_one_that_a_company_registers(domain: str, company: str) -> None:
    assert customers.company_domain(domain) == company


def test_the_address_decides_before_the_domain_and_the_file_before_the_company_domain() -> None:
    rules = {"ann@globex.example": "Initech", "globex.example": "Globex"}

    assert customers.belonging("ann@globex.example", rules, ()).customer == "Initech"
    assert customers.belonging("bob@eu.globex.example", rules, ()).customer == "Globex"
    assert customers.belonging("eve@umbra.example", rules, ()).customer == "umbra.example"


MISSING_IN_PUBLIC_LISTS = [
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "au.com",
    "softbank.ne.jp",
    "i.softbank.jp",
    "ymail.ne.jp",
    "nifty.com",
    "biglobe.ne.jp",
    "so-net.ne.jp",
    "ocn.ne.jp",
    "plala.or.jp",
    "goo.jp",
    "ybb.ne.jp",
    "sfr.fr",
    "daum.net",
    "tutanota.com",
    "hey.com",
    "bt.com",
    "privaterelay.appleid.com",
    "mozmail.com",
    "relay.firefox.com",
]


@pytest.mark.parametrize("domain", ["gmail.com", "mail.ocn.ne.jp", *MISSING_IN_PUBLIC_LISTS])
def test_a_free_mail_domain_never_makes_a_customer(domain: str) -> None:
    belonging = customers.belonging(f"hanako@{domain}", {}, ())

    assert belonging == customers.Belonging(None, False, "free-mail domain")


def test_a_free_mail_address_in_the_customer_file_does_belong() -> None:
    rules = {"hanako@gmail.com": "Hoshino"}

    assert customers.belonging("hanako@gmail.com", rules, ()).customer == "Hoshino"


def test_our_own_domain_and_its_subdomains_are_ours() -> None:
    assert customers.belonging("mika@eu.acme.example", {}, {"acme.example"}).ours
    assert not customers.belonging("mika@notacme.example", {}, {"acme.example"}).ours


def test_our_shared_mailboxes_are_told_from_our_team() -> None:
    assert customers.belonging("support@acme.example", {}, {"acme.example"}).why == (
        "our shared mailbox"
    )
    assert customers.belonging("mika@acme.example", {}, {"acme.example"}).why == "our team"


def test_where_customers_are_consumers_one_person_is_one_customer() -> None:
    rules = {"globex.example": "Globex"}

    def customer(contact: str) -> str | None:
        return customers.belonging(contact, rules, {"acme.example"}, consumer=True).customer

    assert customer("hanako@gmail.com") == "hanako@gmail.com"
    assert customer("eve@umbra.example") == "eve@umbra.example"
    assert customer("ann@globex.example") == "Globex"
    assert customer("mika@acme.example") is None
    assert customer("nobody") is None


def test_an_address_that_moved_keeps_both_customers_with_their_dates() -> None:
    rules = {
        "ann@mail.example": [Rule("Globex", "", "2026-01-10"), Rule("Initech", "2026-02-01")],
    }

    spans = customers.history("ann@mail.example", rules, ())

    assert [(s.valid_from, s.valid_to, s.belonging.customer) for s in spans] == [
        ("", "2026-01-10", "Globex"),
        ("2026-01-10", "2026-02-01", "mail.example"),
        ("2026-02-01", "", "Initech"),
    ]


def test_dates_of_others_cut_nothing() -> None:
    rules = {
        "globex.example": [Rule("Globex")],
        "bob@globex.example": [Rule("Umbra", "2026-01-01")],
    }

    assert len(customers.history("ann@globex.example", rules, ())) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hanako Sato", "Sato, Hanako"),
        ("Hanako Sato", "SATO Hanako (Globex)"),
        ("Ann Lee", "'Dr. Ann Lee' | Globex"),
        ("山田 太郎", "山田　太郎様"),
        ("山田 太郎", "山田太郎 / 星野物流"),
        ("服部 さくら", "服部さくら（星野物流）"),
        ("マイケル ブラウン", "ブラウン・マイケル"),
    ],
)
def test_two_writings_of_a_full_name_are_one_name(one: str, other: str) -> None:
    assert customers.name_key(one) == customers.name_key(other) != ""


@pytest.mark.parametrize(
    "name",
    [
        *("", "Ann", "A. Smith", "ann@globex.example", "Globex Support", "Globex Ltd", "Team 12"),
        *("Hanako Sato via Docs", "佐藤", "営業部 山田", "総務部山田", "星野物流 山田"),
        *("グロベックス 山田", "株式会社星野 山田太郎", "カスタマーサポート", "林太郎"),
    ],
)
def test_a_family_name_a_job_or_a_company_proves_nothing(name: str) -> None:
    assert customers.name_key(name) == ""


@given(st.text(max_size=60))
def test_any_display_name_has_a_key(name: str) -> None:
    assert customers.merged([("a@globex.example", name), ("b@globex.example", "")], {}) == {}
    assert len(customers.name_key(name).split("\n")) == 1


def test_addresses_with_the_same_full_name_are_one_person() -> None:
    people = [
        ("hanako.sato@globex.example", "Hanako Sato"),
        ("hsato@globex.co.jp", "Sato, Hanako"),
        ("bob@globex.example", "Bob Stone"),
    ]

    assert customers.merged(people, {}) == dict.fromkeys(
        ["hanako.sato@globex.example", "hsato@globex.co.jp"], "hanako.sato@globex.example"
    )


@pytest.mark.parametrize(
    "people",
    [
        [("support@globex.example", "Ann Lee"), ("ann@globex.example", "Ann Lee")],
        [("john.smith@globex.example", "John Smith"), ("john.smith2@globex.example", "John Smith")],
        [("print@globex.example", "Globex Tokyo"), ("scan3@globex.example", "Globex Tokyo")],
        [("a@globex.example", "Ann"), ("b@globex.example", "Ann")],
    ],
)
def test_jobs_homonyms_and_machines_are_not_merged(people: list[tuple[str, str]]) -> None:
    assert customers.merged(people, {}) == {}


def test_what_the_customer_file_says_of_persons_decides_before_their_names() -> None:
    people = [(f"{each}@globex.example", "Ann Lee") for each in ("ann", "a.lee", "al")]

    assert customers.merged(people, {"al@globex.example": "boss@globex.example"}) == dict.fromkeys(
        [contact for contact, _ in people], "boss@globex.example"
    )
    two = {"al@globex.example": "al@globex.example", "a.lee@globex.example": "a.lee@globex.example"}
    assert customers.merged(people, two) == two


def test_a_person_in_the_customer_file_goes_by_their_first_address(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(
        "customer,address,person\n"
        "Globex,hanako@globex.example hs@gmail.com,佐藤花子\n"
        "Globex,H.Sato@globex.example,佐藤花子\n"
        "Globex,bob@globex.example,Boss@globex.example\n",
        "utf-8",
    )

    assert customers.persons(customers.read_file(file)) == {
        "hanako@globex.example": "hanako@globex.example",
        "hs@gmail.com": "hanako@globex.example",
        "h.sato@globex.example": "hanako@globex.example",
        "bob@globex.example": "boss@globex.example",
        "boss@globex.example": "boss@globex.example",
    }


def test_a_customer_file_may_say_from_when_to_when(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(
        "customer,domain,valid_from,valid_to\n"
        "Globex,umbra.example,,20260401\n"
        "Initech,umbra.example,2026-04-01,\n",
        "utf-8",
    )

    rows = customers.read_file(file)

    assert [(r.valid_from, r.valid_to) for r in rows] == [("", "2026-04-01"), ("2026-04-01", "")]


def test_a_customer_file_may_spread_a_customer_over_lines(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(
        HEADER + "Globex,globex.example globex.co.jp,,enterprise,ann,2024-04-01,2027-04-01\n"
        "Globex,,Boss+x@gmail.com,,,,\n",
        "utf-8",
    )

    rows = customers.read_file(file)

    assert [row.values for row in rows] == [("globex.example", "globex.co.jp"), ("boss@gmail.com",)]


def test_a_japanese_customer_file_in_cp932_is_read(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes((HEADER + "星野物流,hoshino.example,,,,,\n").encode("cp932"))

    assert customers.read_file(file)[0].customer == "星野物流"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name,domain\nGlobex,globex.example\n", "needs the column 'customer'"),
        (HEADER + ",globex.example,,,,,\n", "csv:2: the line names no customer"),
        (HEADER + "Globex,,,,,01/04/2024,\n", "not a date like 2026-04-01"),
        (HEADER + "A,x.example,,,,,\nB,x.example,,,,,\n", "belongs to both 'A' and 'B'"),
        ("", "no header"),
        ("customer,person\nGlobex,Ann Lee\n", "has no address"),
        ("customer,valid_from\nGlobex,2026-01-01\n", "need a domain or an address"),
        (DATED + "A,x.example,2026-02-01,2026-02-01\n", "not after valid_from"),
        (DATED + "A,x.example,,2026-02-02\nB,x.example,2026-02-01,\n", "both 'A' and 'B'"),
        (
            DATED + "A,x.example,,\nA,x.example,2026-02-01,2026-02-02\nB,x.example,2027-02-01,\n",
            "both 'A' and 'B'",
        ),
        ("customer\n" + "x" * 200_000, "no CSV that can be read"),
    ],
)
def test_a_wrong_customer_file_is_refused_in_one_sentence(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(text, "utf-8")

    with pytest.raises(BadData, match=complaint):
        customers.read_file(file)


def test_a_missing_customer_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="cannot read the customer file"):
        customers.read_file(tmp_path / "nowhere.csv")
