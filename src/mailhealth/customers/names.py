"""Display names: when two of them are one person's."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from mailhealth.customers.addresses import has_role_word, is_role
from mailhealth.customers.domains import company_label

LONGEST = 200  # characters of a display name that are looked at
SHORT = 2  # letters; fewer are an initial, which many people share

_ASIDE = re.compile(r"[(\[（【〔][^)\]）】〕]{0,100}[)\]）】〕]|[/|／｜<].*")
_TITLE = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|prof|herr|frau|ing|phd|mba|msc|jr|sr)\b\.?|(?:様|さん|先生|殿|氏)$"
)
_NOT_A_NAME = re.compile(r"[\d@:;&+*#_]|\b(?:via|on behalf of|for|and|und|et)\b")
_COMPANY = re.compile(
    r"株式会社|有限会社|合同会社|事務局|センター|サポート|窓口|担当|運営|\S{2}[部課係室店]"
    r"|\b(?:inc|ltd|llc|gmbh|corp|corporation|company|co|ag|sa|kk|group|team|systems?|solutions?)\b"
)
# A Japanese name is written in short words: 山田 太郎, 山田 さくら. 星野物流 山田 is a company's.
_SHORT_WORD = re.compile(r"[一-鿿々ヶ]{1,3}|[ぁ-ゖー]{2,4}")
_KATAKANA = re.compile(r"[ァ-ヺー・]+")
_UNSPACED = re.compile(r"[一-鿿々ヶ]{2,4}[一-鿿々ぁ-ゖ]{2,3}")
_UNSPACED_LENGTH = range(4, 7)
_HAN = re.compile(r"[一-鿿ぁ-ヺ]")


def name_key(name: str) -> str:
    """Reduce a display name to what two writings of one name share, or "" where it proves nothing.

    Two full words at least, in any order and case: Sato, Hanako is Hanako Sato. A Japanese
    full name of four to six characters may do without its space. Names of jobs, companies
    and machines give "", and so does a lone family name or an initial.
    """
    plain = unicodedata.normalize("NFKC", name[:LONGEST]).casefold()
    plain = _TITLE.sub(" ", _ASIDE.sub(" ", plain).strip())
    if _NOT_A_NAME.search(plain) or _COMPANY.search(plain):
        return ""
    words = [word for word in re.split(r"[\s,.、・\"'’“”]+", plain) if word]
    if has_role_word(set(words)):
        return ""
    return _japanese(words) if _HAN.search(plain) else _latin(words)


def merged(people: Iterable[tuple[str, str]], explicit: Mapping[str, str]) -> dict[str, str]:
    """Find which contacts of ONE customer are the same person: contact -> the one they go by.

    `people` are (contact, display name), `explicit` the persons of the customer file, which
    decide first. After it, the same full name is the same person, except in a mailbox named
    for a job, and where the addresses themselves count homonyms (john.smith2@). Contacts
    that are nobody else stay out.
    """
    groups: dict[str, list[str]] = {}
    named: dict[str, set[str]] = {}
    person: dict[str, str] = {}
    for contact, name in sorted(people):
        key = "" if is_role(contact) else _telling(name, contact)
        if contact in explicit:
            person[contact] = explicit[contact]
            named.setdefault(key, set()).add(explicit[contact])
        elif key:
            groups.setdefault(key, []).append(contact)
    for key, contacts in groups.items():
        known = named.get(key, set())
        if len(known) > 1 or len({_uncounted(c) for c in contacts}) < len(contacts):
            continue
        if known or len(contacts) > 1:
            person |= dict.fromkeys(contacts, next(iter(known), contacts[0]))
    return person


def _telling(name: str, contact: str) -> str:
    """A name's key, unless it holds the company's own name: every scanner there has that."""
    key = name_key(name)
    return "" if company_label(contact.rpartition("@")[2]) in key.split() else key


def _uncounted(contact: str) -> str:
    local, _, domain = contact.rpartition("@")
    return f"{local.rstrip('0123456789._-')}@{domain}"


def _latin(words: list[str]) -> str:
    full = sum(len(word) >= SHORT for word in words)
    return " ".join(sorted(words)) if full > 1 else ""


def _japanese(words: list[str]) -> str:
    """The characters without the space, which one mailer writes and the other does not."""
    joined = "".join(words)
    if len(words) == 1:
        known = _UNSPACED.fullmatch(joined) and len(joined) in _UNSPACED_LENGTH
        return joined if known else ""
    if all(_KATAKANA.fullmatch(word) for word in words):
        return " ".join(sorted(words))
    return joined if all(_SHORT_WORD.fullmatch(word) for word in words) else ""
