"""Finds header blocks ("From: ... Sent: ...") and separator lines above a quotation."""

import re

from mailhealth.reply.words import words

SEPARATOR_LENGTH = 120
RULE_LENGTH = 3
LABEL_LENGTH = 24
BLOCK_LENGTH = 20  # lines
CONTINUATIONS = 3  # lines a long To may be wrapped over

_RULES = " \t-_=*~>─━―ー－＝＊:：|#+"
_TIME = re.compile(r"\d{1,2}\s?[:：時时시]\s?\d{2}|\d{1,4}[-/.年]\s?\d{1,2}[-/.月]")
_RULE = re.compile(r"\s*[-_=*~─━―－＝＊#+]{2}")


def is_separator(line: str) -> bool:
    """Tell whether a line says that an older message follows ("-----Original Message-----")."""
    if len(line) > SEPARATOR_LENGTH:
        return False
    core = line.strip(_RULES).casefold()
    if not core:
        return False
    known = words()
    return core in known.bare or (_RULE.match(line) is not None and core.startswith(known.phrases))


def is_rule(line: str) -> bool:
    """Tell whether a line is drawn, not written."""
    return len(line.strip()) >= RULE_LENGTH and not line.strip(_RULES)


def label(line: str) -> str | None:
    """Name the header a line begins with: from, date, to, cc, subject, importance or None."""
    head, colon, _ = line[: LABEL_LENGTH + 8].replace("：", ":").partition(":")
    if not colon:
        return None
    return words().labels.get(head.strip(" \t*_　>").casefold())


def block_end(lines: list[str], first: int) -> int:
    """Find the line after the header block that begins at `first`; `first` if none does.

    A block has From and another label, or Date and To, and something only mail has: an
    address, a time, or a subject.
    """
    kinds: dict[str, str] = {}
    at = end = first
    since = 0
    while at < min(len(lines), first + BLOCK_LENGTH):
        kind = label(lines[at])
        since = 0 if kind else since + 1
        if kind:
            kinds.setdefault(kind, lines[at])
            end = at + 1
        elif since > CONTINUATIONS or (not lines[at].strip() and _label_below(lines, at) is None):
            break
        at += 1
    return end if _is_mail(kinds, "\n".join(lines[first:end])) else first


def _label_below(lines: list[str], at: int) -> str | None:
    return label(lines[at + 1]) if at + 1 < len(lines) else None


def _is_mail(kinds: dict[str, str], text: str) -> bool:
    timed = _TIME.search(kinds.get("date", "")) is not None
    found = kinds.keys()
    if "from" not in found:
        return timed and "to" in found and ("@" in text or "subject" in found)
    if "@" in text:
        return len(found) > 1
    return {"subject", "to"} <= found or (timed and bool(found & {"subject", "to", "cc"}))
