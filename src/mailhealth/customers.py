"""An address -> the contact and the customer it belongs to."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadData, BadSource

if TYPE_CHECKING:
    from tldextract import TLDExtract

COLUMNS = ("customer", "domain", "address", "segment", "owner", "started", "renews")
TENANTS = "onmicrosoft.com"  # every company on Microsoft 365 has a domain below this one


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose an address is: a customer's, ours, or nobody's, and why."""

    customer: str | None
    ours: bool
    why: str


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One line of the customer file; `values` are its domains and addresses."""

    customer: str
    values: tuple[str, ...]
    segment: str | None
    owner: str | None
    started: str | None
    renews: str | None


def contact_of(address: str) -> str:
    """Name the person behind an address: lower case, its +tag folded away."""
    local, at, domain = address.casefold().rpartition("@")
    return f"{local.split('+', 1)[0] or local}{at}{domain}"


def company_domain(domain: str) -> str:
    """Shorten a host name to the domain a company registers, or "" where there is none.

    The public suffix list is the packaged snapshot; nothing is fetched. A name under an
    unlisted top-level domain (`.example`, `.local`) keeps its last two labels.
    """
    labels = domain.casefold().strip(".").split(".")
    if len(labels) < 2 or labels[-1].isdigit():  # noqa: PLR2004 - a host name, an IP address
        return ""
    if domain.endswith("." + TENANTS):
        return ".".join(labels[-3:])
    found = _suffixes()(domain.casefold())
    return found.top_domain_under_public_suffix or ("" if found.suffix else ".".join(labels[-2:]))


def belonging(contact: str, rules: Mapping[str, str], ours: Collection[str]) -> Belonging:
    """Find whose a contact is.

    `rules` maps the customer file's domains and addresses to customers, `ours` are our own.
    The exact address decides before the domain, we before the customers, the customer file
    before the company domain; a free-mail domain decides nothing.
    """
    domain = contact.rpartition("@")[2]
    parents = tuple(_parents(domain))
    if contact in rules:
        return Belonging(rules[contact], False, "address in the customer file")
    if contact in ours or any(parent in ours for parent in parents):
        return Belonging(None, True, "ours")
    for parent in parents:
        if parent in rules:
            return Belonging(rules[parent], False, "domain in the customer file")
    if any(parent in _freemail() for parent in parents):
        return Belonging(None, False, "free-mail domain")
    company = company_domain(domain)
    return Belonging(company or None, False, "company domain" if company else "no company domain")


def read_file(path: Path) -> list[CustomerRow]:
    """Read a customer file: CSV with the column `customer` and any of the others in COLUMNS.

    A customer may have several lines; `domain` and `address` may hold several values
    separated by spaces. UTF-8 or CP932. Raises BadSource or BadData with file and line.
    """
    lines = csv.DictReader(io.StringIO(_text(path)))
    names = [name.strip().casefold() for name in lines.fieldnames or ()]
    if "customer" not in names:
        raise BadData(
            f"{path}: a customer file needs the column 'customer' and may have "
            f"{', '.join(COLUMNS[1:])}; this one has {', '.join(names) or 'no header'}"
        )
    lines.fieldnames = names
    rows = [_row(line, f"{path}:{number}") for number, line in enumerate(lines, 2)]
    _refuse_shared(rows, path)
    return rows


def _row(line: Mapping[str, str | None], place: str) -> CustomerRow:
    cell = {name: (line.get(name) or "").strip() for name in COLUMNS}
    if not cell["customer"]:
        raise BadData(f"{place}: the line names no customer")
    for name in ("started", "renews"):
        try:
            if cell[name]:
                date.fromisoformat(cell[name])
        except ValueError:
            raise BadData(
                f"{place}: {name} is '{cell[name]}', not a date like 2026-04-01"
            ) from None
    values = f"{cell['domain']} {cell['address']}".casefold().replace("@ ", " ").split()
    return CustomerRow(
        customer=cell["customer"],
        values=tuple(contact_of(value) if "@" in value else value for value in values),
        segment=cell["segment"] or None,
        owner=cell["owner"] or None,
        started=cell["started"] or None,
        renews=cell["renews"] or None,
    )


def _refuse_shared(rows: list[CustomerRow], path: Path) -> None:
    """One domain or address can belong to one customer only."""
    owner: dict[str, str] = {}
    for row in rows:
        for value in row.values:
            if owner.setdefault(value, row.customer) != row.customer:
                raise BadData(
                    f"{path}: '{value}' belongs to both '{owner[value]}' and '{row.customer}'; "
                    "leave it with one of them"
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


def _parents(domain: str) -> Iterator[str]:
    """A domain and the domains above it: mail.globex.example, globex.example, example."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]


@cache
def _suffixes() -> "TLDExtract":
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)


@cache
def _freemail() -> frozenset[str]:
    text = (resources.files("mailhealth") / "freemail.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
