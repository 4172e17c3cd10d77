"""A host name -> the domain that a company registers, and the domains that are nobody's."""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from mailhealth.customers.addresses import lines_of

if TYPE_CHECKING:
    from tldextract import TLDExtract

LONGEST = 253  # characters of a domain name (RFC 1035 2.3.4, without the root)
TENANTS = "onmicrosoft.com"  # every company on Microsoft 365 has a domain below this one


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


def company_label(domain: str) -> str:
    """The word a company is known by in its domain: globex, of mail.globex.co.jp."""
    return company_domain(domain).partition(".")[0]


def is_freemail(domain: str) -> bool:
    """Tell whether anybody can have an address there: free mail, carriers, providers, relays."""
    return not _freemail().isdisjoint(parents(domain))


def parents(domain: str) -> Iterator[str]:
    """A domain and the domains above it: mail.globex.example, globex.example, example."""
    domain = domain[-LONGEST:]  # hostile names have a million labels
    while domain:
        yield domain
        domain = domain.partition(".")[2]


@cache
def _suffixes() -> "TLDExtract":
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)


@cache
def _freemail() -> frozenset[str]:
    return lines_of("freemail.txt")
