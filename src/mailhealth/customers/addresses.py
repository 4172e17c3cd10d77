"""An address as written -> the contact it names."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from importlib import resources

GMAIL = ("gmail.com", "googlemail.com")  # one mailbox, whatever the dots
LONGEST = 320  # characters of an address: 64 + @ + 255 (RFC 5321 4.5.3.1)
WRAPPINGS = 3  # a forwarded bounce address is wrapped twice; more is somebody's game
A_LABEL = 253  # characters of a domain name

# SRS0=hash=day=domain=local, and SRS1=hash=forwarder==hash=day=domain=local of a second
# forwarding (libsrs2; the first separator may be = + -).
_SRS = re.compile(
    r"srs(?:0[=+-]|1[=+-][^=]+=[^=]*==?)[^=]+=[^=]+=(?P<domain>[^=]+)=(?P<local>.+)", re.IGNORECASE
)
# prvs=tag=local (draft-levine-smtp-batv), msprvs1=tag=local, btv1==tag==local (Barracuda).
_BATV = re.compile(r"(?:(?:ms)?prvs1?=[^=]+=|btv1==[^=]+==)(?P<local>.+)", re.IGNORECASE)
_OLD_BATV = re.compile(r"prvs=(?P<local>[^=/]+)/[0-9a-f]+", re.IGNORECASE)
# bounces+local=domain, news-return-12-local=domain, bounces+123456-ab12-local=domain.
_VERP = re.compile(
    r"(?:[\w.-]{0,60}[._-])?(?:bounces?|returns?|errors?|verp)[+-]"
    r"(?:\d++[-.](?:[0-9a-f]{4}-)?)*+(?P<local>[^=@]+)=(?P<domain>[^=@]+\.[^=@.]+)",
    re.IGNORECASE,
)


def contact_of(address: str) -> str:
    """Name the mailbox behind an address.

    Lower case, wrappings for bounces undone (SRS, BATV, VERP), the +tag folded away, dots
    folded at Gmail, the domain as A-labels (IDNA 2008). What is no address stays as it is.
    """
    local, at, domain = canonical(address).rpartition("@")
    local, domain = _unwrapped(local, domain)
    local = local.split("+", 1)[0] or local
    if domain in GMAIL:
        local, domain = local.replace(".", "") or local, GMAIL[0]
    return f"{local}{at}{domain}"


def canonical(value: str) -> str:
    """Write an address or a domain as it is compared: lower case, half width, A-labels."""
    if value.isascii():
        return value.lower()
    local, at, domain = unicodedata.normalize("NFKC", value).casefold().rpartition("@")
    return f"{local}{at}{_a_labels(domain)}"


def is_role(contact: str) -> bool:
    """Tell whether a mailbox is named for a job and not for a person: info@, sales-jp@."""
    local = re.sub(r"\d", "", contact.rpartition("@")[0].partition("+")[0])
    words = re.split(r"[._-]+", local)
    return any(word in _roles() for word in (words[0], words[-1], "".join(words)))


def has_role_word(words: set[str]) -> bool:
    """Tell whether a display name speaks of a job: Globex Support."""
    return not words.isdisjoint(_roles())


def _unwrapped(local: str, domain: str) -> tuple[str, str]:
    """Undo what forwarders and bounce handling wrote around an address."""
    for _ in range(WRAPPINGS):
        if "=" not in local or len(local) > LONGEST:
            break
        found = next((match for rule in _WRAPPED if (match := rule(local))), None)
        if found is None:
            break
        local, domain = found["local"], found.groupdict().get("domain", domain)
    return local, domain


_WRAPPED: tuple[Callable[[str], re.Match[str] | None], ...] = (
    _SRS.fullmatch,
    _OLD_BATV.fullmatch,
    _BATV.fullmatch,
    _VERP.fullmatch,
)


def _a_labels(domain: str) -> str:
    """Encode each label that is not ASCII; one that cannot be encoded stays."""
    if domain.isascii() or len(domain) > A_LABEL:
        return domain
    import idna

    labels = []
    for label in domain.replace("。", ".").split("."):
        try:
            labels.append(label if label.isascii() else idna.encode(label, uts46=True).decode())
        except UnicodeError:  # idna's errors are UnicodeErrors
            labels.append(label)
    return ".".join(labels)


@cache
def _roles() -> frozenset[str]:
    return lines_of("roles.txt")


def lines_of(name: str) -> frozenset[str]:
    """Read a list of ours: one entry a line, # begins a comment."""
    text = (resources.files("mailhealth") / name).read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
