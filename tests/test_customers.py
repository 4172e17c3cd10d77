"""People: an address, its contact, its customer."""

from pathlib import Path

import pytest

from mailhealth import customers
from mailhealth.errors import BadData, BadSource

HEADER = "customer,domain,address,segment,owner,started,renews\n"


@pytest.mark.parametrize(
    ("address", "contact"),
    [
        ("Ann+news@Globex.example", "ann@globex.example"),
        ("taro..yamada.@docomo.ne.jp", "taro..yamada.@docomo.ne.jp"),
        ("+tag@globex.example", "+tag@globex.example"),
        ("nobody", "nobody"),
    ],
)
def test_a_contact_is_its_address_with_the_tag_folded(address: str, contact: str) -> None:
    assert customers.contact_of(address) == contact


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


@pytest.mark.parametrize("domain", ["gmail.com", "docomo.ne.jp", "mail.ocn.ne.jp"])
def test_a_free_mail_domain_never_makes_a_customer(domain: str) -> None:
    belonging = customers.belonging(f"hanako@{domain}", {}, ())

    assert belonging == customers.Belonging(None, False, "free-mail domain")


def test_a_free_mail_address_in_the_customer_file_does_belong() -> None:
    rules = {"hanako@gmail.com": "Hoshino"}

    assert customers.belonging("hanako@gmail.com", rules, ()).customer == "Hoshino"


def test_our_own_domain_and_its_subdomains_are_ours() -> None:
    assert customers.belonging("mika@eu.acme.example", {}, {"acme.example"}).ours
    assert not customers.belonging("mika@notacme.example", {}, {"acme.example"}).ours


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
