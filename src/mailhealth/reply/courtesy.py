"""Marks the greeting a letter opens with and the formula it closes with."""

import re

from mailhealth.reply.names import all_capitals, is_name
from mailhealth.reply.signature import has_contact, is_ornament
from mailhealth.reply.words import Words, words

MOST = 8  # phrases an opening, lines a closing is made of
LONGEST = 160  # characters of a line that are looked at
LETTER = 400  # characters of a text that may be nothing but thanks
ADDRESSED = 40  # characters of the name in a salutation
NAMES = 3  # lines below a closing: name, title, company
SENTENCES = 3  # ends of sentences after which a closing is tried on one line
ABOVE = 3  # lines of company and office above the line that ends in 様

_DELIMITERS = "\n,，、:：!！;"
_BLANK = " \t\r\n　"
_ENDS = ".!?。！？"
_DETAIL = re.compile(r"[@\d]")


def courtesies(text: str) -> tuple[tuple[int, int], ...]:
    """Find the spans (start, end) of the opening and the closing of new text, at most two.

    An opening is a salutation with its name and what is said before saying anything ("I hope
    you are well"); a closing is a formula with the name below it. Thanks are a closing only
    before a name or a comma. A text that is nothing else has none: it is what was said; but one
    that only thanks is a courtesy from end to end.
    """
    start, end = len(text) - len(text.lstrip(_BLANK)), len(text.rstrip(_BLANK))
    opened = _opening(text, start, end)
    closed = _closing(text, opened, end)
    if start < end and _only_thanks(text, opened, closed):
        return ((start, end),)
    if not any(sign.isalnum() for sign in text[opened:closed]):
        return ()
    return tuple(span for span in ((start, opened), (closed, end)) if span[0] < span[1])


def _only_thanks(text: str, opened: int, closed: int) -> bool:
    """Tell whether nothing but thanks stands between the opening and the closing, or in them."""
    if len(text) > LETTER or "?" in text or "？" in text or not words().grateful.search(text):
        return False
    lines = text[opened:closed].strip(_BLANK).split("\n")
    for _ in range(NAMES):
        if len(lines) > 1 and (not lines[-1].strip(_BLANK) or signs(lines[-1])):
            lines.pop()
    said = "\n".join(lines).strip(_BLANK)
    return not any(map(str.isalnum, said)) or bool(words().gratitude.fullmatch(said))


def is_formula(text: str) -> bool:
    """Tell whether a line or sentence is nothing but phrases of politeness, thanks included."""
    line, known = text.strip(_BLANK), words()
    if len(line) > LONGEST:
        return False
    return any(pattern.fullmatch(line) for pattern in (known.opening, known.closing))


def _opening(text: str, start: int, end: int) -> int:
    """Follow the phrases of the opening from `start`; `start` where there are none."""
    at = start
    known = words()
    greeted = False
    for _ in range(MOST):
        while at < end and text[at] in _BLANK:
            at += 1
        line = _line(text, at, end)
        length = _phrase(line, known) or _salutation(line, known) or _address(text, at, end)
        if not length and (introduced := known.introduction.match(line)):
            length = introduced.end() if greeted or "申します" in introduced[0] else 0
        if not length:
            break
        greeted = True
        at += length
    return _without_blank(text[:at]) if greeted else start


def _line(text: str, at: int, end: int) -> str:
    stop = text.find("\n", at, min(end, at + LONGEST))
    return text[at : stop if stop >= 0 else min(end, at + LONGEST)]


def _phrase(line: str, known: Words) -> int:
    """Measure the phrases a line opens with, if they end where a sentence may end."""
    found = known.opening.match(line)
    if not found:
        return 0
    ended = found.end() == len(line) or line[found.end() - 1] in _DELIMITERS + _ENDS + " 　"
    return found.end() if ended else 0


def _salutation(line: str, known: Words) -> int:
    """Measure "Dear Ann Smith," with its comma; 0 where what follows is no name."""
    found = known.salute.match(line)
    if not found:
        return 0
    stop = found.end()
    if line[stop : stop + 1] == ".":
        return stop + 1
    while stop < len(line) and line[stop] not in _DELIMITERS:
        stop += 1
    name = line[found.end() : stop].strip(" \t.-–—")
    if len(name) > ADDRESSED or not _addresses(name, known):
        return 0
    return min(stop + 1, len(line))


def _addresses(name: str, known: Words) -> bool:
    if not name or is_name(name):
        return True
    left = [word for word in name.split() if word.casefold() not in known.addressees]
    return not left or all_capitals(" ".join(left))


def _address(text: str, at: int, end: int) -> int:
    """Measure lines of company, office and name that end in a title: 佐藤様."""
    stop = at
    for _ in range(ABOVE):
        line = _line(text, stop, end)
        if words().address_ending.match(line):
            return stop + len(line) - at
        if not is_name(line):
            break
        stop += len(line) + 1
    return 0


def _closing(text: str, first: int, end: int) -> int:
    """Follow the lines of the closing upwards from `end`; `end` where there are none."""
    start = at = end
    below = 0  # lines of a signature between here and the end or the formula below
    for _ in range(MOST):
        line_start = text.rfind("\n", first, at) + 1 or first
        line = text[line_start:at]
        found = _formula(line, before_name=below > 0)
        if found >= 0:
            start, below = line_start + found, 0
        elif start < end or below == NAMES or not _stands_below(line):
            break
        else:
            below += 1
        at = max(first, _without_blank(text[first:line_start]) + first)
        if found > 0 or at <= first:
            break
    return start


def signs(line: str) -> bool:
    """Tell whether a line is no sentence but a name or a contact detail."""
    if is_name(line):
        return True
    if len(line) > LONGEST or line.rstrip(_BLANK).endswith((*_ENDS, *":：")):
        return False
    return _DETAIL.search(line) is not None and has_contact(line)


def _stands_below(line: str) -> bool:
    """Tell whether a line may stand below a formula: who signs, a drawn line, a last thank-you."""
    thanks = len(line) <= LONGEST and words().thanks.fullmatch(line.strip(_BLANK))
    return bool(thanks) or is_ornament(line) or signs(line)


def _formula(line: str, *, before_name: bool) -> int:
    """Find where in a line the closing begins that ends the line; -1 where none does."""
    first = max(0, len(line) - LONGEST)
    ends = [at + 1 for at in range(first, len(line) - 1) if line[at] in _ENDS]
    starts = ([0] if not first else []) + ends[-SENTENCES:]
    for start in starts:
        begins = start + len(line[start:]) - len(line[start:].lstrip(_BLANK))
        if _closes(line[begins:], before_name=before_name):
            return begins
    return -1


def _closes(line: str, *, before_name: bool) -> bool:
    known = words()
    found = known.closing.match(line)
    if not found:
        return False
    rest = line[found.end() :]
    if rest and not is_name(rest):
        return False
    thanks = known.thanks.match(line)
    if not thanks or thanks.end() < found.end():
        return True
    # Thanks with a full stop are said: "Thank you! Amazing". With a comma they go on to a name.
    sign = found[0].rstrip(_BLANK)[-1]
    return sign not in _ENDS if rest else before_name or sign in ",，、"


def _without_blank(text: str) -> int:
    return len(text.rstrip(_BLANK))
