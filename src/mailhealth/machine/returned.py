"""The text of a bounce: what the machine says, the mail it returns, the addresses it names."""

import re
from dataclasses import dataclass
from functools import cache

from mailhealth.machine.fields import addresses_in
from mailhealth.machine.words import table

LONGEST = 20_000  # characters of a bounce's text that are read
LINE = 1_000
AFTER = 1_500  # characters after an address that explain it

_ADDRESS = r"[\"'<]{0,2}([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252})"
# An address at the beginning of a line, perhaps behind a bullet or a server's reply.
_AT_START = re.compile(rf"[ \t>*•\"'<-]{{0,40}}{_ADDRESS}")
_AFTER_REPLY = re.compile(rf"[245]\d\d[ -](?:[245]\.\d{{1,3}}\.\d{{1,3}} )?{_ADDRESS}>?\.\.\.")
_REPLY = re.compile(r"[245]\d\d[ -]")
# An address that ends a line, behind a colon: "Mailbox exceeds the allowed size: bo@example.com".
_AT_END = re.compile(
    r"(?!\s*(?:from|sender|reply-to|cc|bcc|subject|contact|postmaster|https?:))"
    rf"[^@\n]{{1,200}}[:：]\s?{_ADDRESS}>?\s*$",
    re.IGNORECASE,
)
_JSON = re.compile(r'"emailAddress"\s*:\s*"([^"\s]{3,320})"([^}]{0,1500})')
_MARKUP = re.compile(r"^[>\"'\s]*(?:<mailto:[^>\n]{0,300}>)?")
_VERP = re.compile(r"[+-]([A-Za-z0-9._+-]{1,64})=([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)@")


@dataclass(frozen=True, slots=True)
class Entry:
    """An address that a bounce names, and the text that follows it."""

    address: str
    after: str


_Place = tuple[int, int, int, str]  # where it starts, ends, where its text must stop; the address


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The line at which the returned mail begins, and the words before a failed address."""
    words = table("bounce")
    originals = "|".join(words["originals"])
    keys = "|".join(words["before_address"])
    return (
        re.compile(rf"^[ \t|]{{0,20}}(?:{originals})", re.IGNORECASE | re.MULTILINE),
        re.compile(rf"(?:{keys})[ \t:]{{0,5}}{_ADDRESS}", re.IGNORECASE),
    )


def cut(text: str) -> tuple[str, str]:
    """Part what the machine says from the mail it returns below."""
    found = _patterns()[0].search(text[:LONGEST])
    at = found.start() if found else LONGEST
    return text[:at], text[at : at + LONGEST]


def entries(said: str) -> list[Entry]:
    """List the addresses that failed.

    They stand at the beginning of a line, else behind words that say so, else at a line's end.
    """
    if '"bounce' in said and (listed := _JSON.findall(said.replace("!\n ", ""))):
        return [Entry(clean, after) for address, after in listed for clean in addresses_in(address)]
    ranks: tuple[list[_Place], list[_Place], list[_Place]] = ([], [], [])
    offset = 0
    for line in said.splitlines(keepends=True):
        if found := _place(line[:LINE]):
            rank, start, end, address = found
            # The line after a server's reply speaks of another address.
            stop = offset + len(line) if _REPLY.match(line) else len(said)
            ranks[rank].append((offset + start, offset + end, stop, address))
        offset += len(line)
    return _split(said, next((places for places in ranks if places), []))


def _place(line: str) -> tuple[int, int, int, str] | None:
    """Find the address in a line: how sure it is (0 the most), start, end, and itself."""
    tries = (_AFTER_REPLY.match(line) or _AT_START.match(line), _patterns()[1].search(line))
    for rank, found in enumerate((*tries, _AT_END.match(line))):
        if found:
            return rank, found.start(), found.end(), found[1]
    return None


def _split(said: str, places: list[_Place]) -> list[Entry]:
    """Give each address the text up to the next other one.

    A reply's code before the address belongs to it; an address may be named again in its text.
    """
    known: list[Entry] = []
    following, of = len(said), ""
    begun = len(said)  # where the address after this one begins
    for start, end, stop, address in reversed(places):
        if address.lower() != of:
            following, of = begun, address.lower()
        begun = start
        reply = _REPLY.match(said, start)
        code = reply[0] if reply else ""
        after = said[end : min(following, stop, end + AFTER)]
        known += [Entry(clean, code + _MARKUP.sub("", after)) for clean in addresses_in(address)]
    return known[::-1]


def verp(value: str) -> str:
    """Read the recipient out of a return path such as bounce+bo=example.org@example.com."""
    found = _VERP.search(value)
    return f"{found[1]}@{found[2].lower()}" if found else ""
