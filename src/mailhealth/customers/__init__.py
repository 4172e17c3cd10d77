"""An address -> the contact, the person and the customer it belongs to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mailhealth.customers.addresses import contact_of, is_role
from mailhealth.customers.domains import company_domain, company_label, is_freemail, parents
from mailhealth.customers.file import COLUMNS, CustomerRow, persons, read_file, rule_value
from mailhealth.customers.names import merged, name_key

__all__ = [
    "COLUMNS",
    "Belonging",
    "CustomerRow",
    "Rule",
    "Span",
    "belonging",
    "company_domain",
    "company_label",
    "contact_of",
    "history",
    "is_freemail",
    "is_role",
    "merged",
    "name_key",
    "persons",
    "read_file",
    "rule_value",
]


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose an address is: a customer's, ours, or nobody's, and why."""

    customer: str | None
    ours: bool
    why: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Whose a domain or an address is, from `valid_from` to before `valid_to` (ISO or "")."""

    customer: str
    valid_from: str = ""
    valid_to: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Whose a contact was from `valid_from` to before `valid_to`; "" is ever and for good."""

    valid_from: str
    valid_to: str
    belonging: Belonging


def belonging(
    contact: str, rules: Mapping[str, str], ours: Collection[str], *, consumer: bool = False
) -> Belonging:
    """Find whose a contact is.

    `rules` maps the customer file's domains and addresses to customers, `ours` are our own.
    The exact address decides before the domain, we before the customers, the customer file
    before the company domain; a free-mail domain decides nothing. Where customers are
    consumers, who is in no rule is a customer by themselves, free mail or not.
    """
    domain = contact.rpartition("@")[2]
    if contact in rules:
        return Belonging(rules[contact], False, "address in the customer file")
    if contact in ours or any(parent in ours for parent in parents(domain)):
        why = "our shared mailbox" if is_role(contact) else "our team"
        return Belonging(None, True, why)
    for parent in parents(domain):
        if parent in rules:
            return Belonging(rules[parent], False, "domain in the customer file")
    if consumer and "@" in contact:
        return Belonging(contact, False, "one person is one customer")
    if is_freemail(domain):
        return Belonging(None, False, "free-mail domain")
    company = company_domain(domain)
    return Belonging(company or None, False, "company domain" if company else "no company domain")


def history(
    contact: str,
    rules: Mapping[str, Sequence[Rule]],
    ours: Collection[str],
    *,
    consumer: bool = False,
) -> list[Span]:
    """Find whose a contact was through time: spans without gaps, the last one for good.

    `rules` are dated; between two dates of those that speak of the contact, `belonging` decides.
    """
    values = (contact, *parents(contact.rpartition("@")[2]))
    spoken = {value: rules[value] for value in values if value in rules}
    dates = {date for each in spoken.values() for r in each for date in (r.valid_from, r.valid_to)}
    spans: list[Span] = []
    for begin, end in pairwise(["", *sorted(dates - {""}), ""]):
        valid = {
            value: rule.customer
            for value, each in spoken.items()
            for rule in each
            if rule.valid_from <= begin and (not rule.valid_to or begin < rule.valid_to)
        }
        found = belonging(contact, valid, ours, consumer=consumer)
        same = bool(spans) and spans[-1].belonging == found
        spans.append(Span(spans.pop().valid_from if same else begin, end, found))
    return spans
