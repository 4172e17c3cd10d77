"""Finds the line above a quotation ("On Monday Ann wrote:") by weighing evidence."""

import re
from dataclasses import dataclass

from mailhealth.reply.words import Words, words

WINDOW = 5  # lines an attribution may be wrapped over
LONGEST = 400  # characters of a whole attribution
ENOUGH = 6
ENOUGH_BEFORE_A_QUOTE = 5

_DATE = re.compile(
    r"\d{1,4}[-/.]\s?\d{1,2}[-/.]\s?\d{1,4}|\d{1,4}\s?[年년]\s?\d{1,2}\s?[月월]|\d{1,2}\s?月\s?\d{1,2}\s?日"
)
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"\d{1,2}\s?[:.時时h시点]\s?\d{2}")
_ADDRESS = re.compile(r"[^\s<>@]{1,80}(?:@| at )[^\s<>@]{1,80}\.[^\s<>@]{1,20}")
_ENDINGS = (":", "：", "--")
_END = re.compile(r"[:：]\s*$|-{2,}\s*$")
_ADDRESS_END = re.compile(r"(?:>|\)|@\S{1,80})[\"'”]?\s*[:：]\s*$")
_INSIDE = re.compile(
    r"(?<=[^\s-])(\s*-*\s*On (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep"
    r"|Oct|Nov|Dec)|\d)[^\n]{5,150}(?:wrote|sent):?-*\s*)$"
)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The lines `first` to `last` name who wrote what follows."""

    first: int
    last: int


def find_attribution(
    lines: list[str], quoted: list[bool], last: int, before_quote: bool
) -> Attribution | None:
    """Tell whether an attribution ends in line `last`.

    Evidence is counted in points (a verb of writing, a date, an address 2 each, a time, a
    colon, a typical beginning 1 each); of the windows that end here the best is taken, the
    shortest of equals. A few lines are looked at, so a text takes linear time.
    """
    text = lines[last].rstrip()
    if not (before_quote or text.endswith(_ENDINGS)) or len(text) > LONGEST:
        return None
    known = words()
    best, chosen = 0, -1
    for first in _starts(lines, quoted, last):
        joined = " ".join(line.strip() for line in lines[first : last + 1]).casefold()
        if len(joined) > LONGEST:
            break
        points = _points(joined, known, before_quote)
        if points > best:
            best, chosen = points, first
    needed = ENOUGH_BEFORE_A_QUOTE if before_quote else ENOUGH
    return Attribution(chosen, last) if best >= needed else None


def _starts(lines: list[str], quoted: list[bool], last: int) -> list[int]:
    """List the lines an attribution that ends in `last` may begin with, nearest first."""
    found = [last]
    for first in range(last - 1, max(-1, last - WINDOW), -1):
        below = lines[first + 1].strip()
        if quoted[first] or (not lines[first].strip() and below != "<"):
            break
        if lines[first].strip():
            found.append(first)
    return found


def _points(text: str, known: Words, before_quote: bool) -> int:
    text = text.strip("-* \t>")
    verb = known.verb.search(text) is not None
    address = _ADDRESS.search(text) is not None
    begins = _begins(text, known)
    if not (verb or (address and begins)):
        return 0
    ends = _END.search(text + ":" if text.endswith("wrote") else text) is not None
    if not before_quote and not verb and not _ADDRESS_END.search(text):
        return 0
    if not before_quote and not (begins or address):
        return 0
    dated = _DATE.search(text) or (_DIGIT.search(text) and known.month.search(text))
    timed = _TIME.search(text) is not None
    return 2 * (verb + address + bool(dated) + before_quote) + timed + ends + begins


def _begins(text: str, known: Words) -> bool:
    return bool(_DIGIT.match(text) or known.opener.match(text) or known.weekday.match(text))


def cut_shared_line(line: str) -> int:
    """Find where an attribution begins behind a person's words on one line; 0 if nowhere."""
    if len(line) > LONGEST or "On " not in line or line.lstrip().startswith(">"):
        return 0
    found = _INSIDE.search(line)
    return found.start(1) if found else 0
