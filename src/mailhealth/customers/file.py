"""The customer file: who our customers are, told by their domains and addresses."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mailhealth.customers.addresses import canonical, contact_of
from mailhealth.customers.amounts import amount
from mailhealth.customers.countries import country_code
from mailhealth.errors import BadData, BadSource, UnknownName

DATES = ("started", "renews", "valid_from", "valid_to")
ABOUT = ("segment", "owner", "stage", "country", "revenue")
COLUMNS = ("customer", "domain", "address", *ABOUT, "person", *DATES)
STAGES = ("onboarding", "adoption", "established", "renewal")  # any other word will do, too
END = "~"  # after every ISO date


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One line of the customer file; `values` are its domains and addresses.

    They are the customer's from `valid_from` to before `valid_to` (ISO dates, "" is open). The
    addresses of a `person` are one person's; it is a name, or one of that person's addresses.
    `country` is an ISO 3166-1 alpha-2 code, `revenue` what is paid in a year, in the currency
    that the whole file is written in.
    """

    customer: str
    values: tuple[str, ...]
    segment: str | None
    owner: str | None
    started: str | None
    renews: str | None
    person: str = ""
    valid_from: str = ""
    valid_to: str = ""
    stage: str | None = None
    country: str | None = None
    revenue: float | None = None


def read_file(path: Path) -> list[CustomerRow]:
    """Read a customer file: CSV with the column `customer` and any of the others in COLUMNS.

    A customer may have several lines; `domain` and `address` may hold several values
    separated by spaces. UTF-8 or CP932. Raises BadSource or BadData with file and line.
    """
    lines = csv.DictReader(io.StringIO(_text(path)))
    try:
        names = [name.strip().casefold() for name in lines.fieldnames or ()]
        if "customer" not in names:
            raise BadData(
                f"{path}: a customer file needs the column 'customer' and may have "
                f"{', '.join(COLUMNS[1:])}; this one has {', '.join(names) or 'no header'}"
            )
        lines.fieldnames = names
        rows = [_row(line, f"{path}:{number}") for number, line in enumerate(lines, 2)]
    except csv.Error as error:
        raise BadData(f"{path}:{lines.line_num}: no CSV that can be read ({error})") from error
    _refuse_shared(rows, path)
    _refuse_two_sums(rows, path)
    return rows


def persons(rows: Iterable[CustomerRow]) -> dict[str, str]:
    """Map each address of a person named in the customer file to the contact they go by.

    That is the address given as the person, else the first one of that name at that customer.
    """
    first: dict[tuple[str, str], str] = {}
    named: dict[str, str] = {}
    for row in rows:
        if not row.person:
            continue
        for value in (value for value in row.values if "@" in value):
            if "@" in row.person:
                named[value] = contact_of(row.person)
                named[named[value]] = named[value]
            else:
                named[value] = first.setdefault((row.customer, row.person.casefold()), value)
    return named


def _row(line: Mapping[str, str | None], place: str) -> CustomerRow:
    cell = {name: (line.get(name) or "").strip() for name in COLUMNS}
    if not cell["customer"]:
        raise BadData(f"{place}: the line names no customer")
    cell |= {name: _iso(cell[name], name, place) for name in DATES}
    values = f"{cell['domain']} {cell['address']}".replace("@ ", " ").split()
    row = CustomerRow(
        customer=cell["customer"],
        values=tuple(rule_value(value) for value in values),
        segment=cell["segment"] or None,
        owner=cell["owner"] or None,
        started=cell["started"] or None,
        renews=cell["renews"] or None,
        person=cell["person"],
        valid_from=cell["valid_from"],
        valid_to=cell["valid_to"],
        stage=_stage(cell["stage"]),
        country=_country(cell["country"], place),
        revenue=_revenue(cell["revenue"], place),
    )
    _refuse_loose(row, place)
    return row


def rule_value(value: str) -> str:
    """Write a domain or an address of a list of ours as contacts are compared with it."""
    value = canonical(value).strip().lstrip("@")
    return contact_of(value) if "@" in value else value.strip(".")


def _iso(value: str, name: str, place: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError:
        raise BadData(f"{place}: {name} is '{value}', not a date like 2026-04-01") from None


def _stage(word: str) -> str | None:
    """A stage of ours is written as we write it, a word of the user's own as it stands."""
    plain = word.casefold()
    return (plain if plain in STAGES else word) or None


def _country(written: str, place: str) -> str | None:
    try:
        return country_code(written) if written else None
    except UnknownName as error:
        raise BadData(f"{place}: {error}") from None


def _revenue(written: str, place: str) -> float | None:
    try:
        return amount(written) if written else None
    except BadData as error:
        raise BadData(f"{place}: revenue {error}") from None


def _refuse_loose(row: CustomerRow, place: str) -> None:
    """A person has an address, and dates date something."""
    if row.person and not any("@" in value for value in row.values):
        raise BadData(f"{place}: the person '{row.person}' has no address; name it in 'address'")
    if (row.valid_from or row.valid_to) and not row.values:
        raise BadData(f"{place}: valid_from and valid_to need a domain or an address to date")
    if row.valid_to and row.valid_to <= row.valid_from:
        raise BadData(
            f"{place}: valid_to is {row.valid_to}, which is not after valid_from {row.valid_from}"
        )


def _refuse_shared(rows: list[CustomerRow], path: Path) -> None:
    """One domain or address can belong to one customer only at a time."""
    spans: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows:
        for value in row.values:
            span = (row.valid_from, row.valid_to or END, row.customer)
            spans.setdefault(value, []).append(span)
    for value, each in spans.items():
        until = holder = ""
        for begin, end, customer in sorted(each):
            if begin < until and customer != holder:
                raise BadData(
                    f"{path}: '{value}' belongs to both '{holder}' and '{customer}'; leave it with "
                    "one of them, or give each its valid_from and valid_to"
                )
            until, holder = max((until, holder), (end, customer))


def _refuse_two_sums(rows: list[CustomerRow], path: Path) -> None:
    """A customer with several lines has one revenue: nobody said that they add up."""
    first: dict[str, float] = {}
    for number, row in enumerate(rows, 2):
        if row.revenue is None or first.setdefault(row.customer, row.revenue) == row.revenue:
            continue
        raise BadData(
            f"{path}:{number}: '{row.customer}' has a revenue of {row.revenue:.12g} here and of "
            f"{first[row.customer]:.12g} before; write their sum on one line"
        )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadSource(f"{path}: cannot read the customer file ({error.strerror})") from error
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadData(f"{path}: the customer file is neither UTF-8 nor CP932; save it as UTF-8")
