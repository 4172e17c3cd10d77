"""Hard, soft or blocked: what a server's reply means for the address (RFC 3463, RFC 5321)."""

import re
from functools import cache
from typing import Literal, cast

from mailhealth.machine.words import table
from mailhealth.records import Bounce

LONGEST = 4_000  # characters of a reason that are read

_CODE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\w.:\[@-])([45]\d\d)(?=[ :-])")
_RULE = re.compile(r"[-=*_]{5,}")
# RFC 5321 4.2.2: 550 is also for policy, which may pass; to call a good address dead costs more.
_REPLIES: dict[str, Bounce] = {"550": "blocked", "551": "hard", "553": "hard"}
_About = Bounce | Literal["domain"]


def code_in(status: str, reason: str) -> str:
    """Choose the enhanced status code: the report's, or the reply's where it says only x.0.0.

    Of several in a reply the first that is not x.y.0: gateways put their own before it.
    """
    reported = _CODE.search(status)
    found: list[str] = _CODE.findall(reason[:LONGEST])
    if reported and not reported[1].endswith(".0.0"):
        return reported[1]
    codes = found or [reported[1] if reported else ""]
    return next((code for code in codes if not code.endswith(".0")), codes[0])


def reply_in(reason: str) -> str:
    """Give the reason as one line, from the server's reply on where it holds one."""
    line = " ".join(_RULE.sub(" ", reason[:LONGEST]).split())
    found = _REPLY.search(line)
    return line[found.start() :] if found else line.lstrip(":;.,> ")


@cache
def _texts() -> tuple[tuple[_About, re.Pattern[str]], ...]:
    words = table("bounce")["reasons"]
    return tuple((cast(_About, name), _any_of(texts)) for name, texts in words.items())


@cache
def _stages() -> re.Pattern[str]:
    return _any_of(table("bounce")["stages"])


def _any_of(texts: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{text})" for text in texts))


def verdict(action: str, code: str, reason: str) -> Bounce | None:
    """Weigh the words before the numbers, because servers choose numbers freely.

    The server's own reply counts before what a gateway wrote around it, and of several words the
    first: scanners and help texts come last. A reply to what comes before the recipient's address
    cannot be about it. None where nothing is said.
    """
    if action.startswith("delay"):
        return "soft"
    text = " ".join(reason[:LONGEST].lower().replace("’", "'").split())
    reply = reply_in(text)
    said = _by_words(reply) or _by_words(text) or _by_code(code) or _by_reply(reply)
    if said == "domain":
        said = "soft" if _may_pass(code, reply) else "hard"
    return "blocked" if said == "hard" and _stages().search(text) else said


def _by_words(text: str) -> _About | None:
    matches = ((pattern.search(text), about) for about, pattern in _texts())
    said = [(found.start(), about) for found, about in matches if found]
    return min(said)[1] if said else None


def _may_pass(code: str, reply: str) -> bool:
    """Tell class 4, the persistent transient failures of RFC 3463, from class 5."""
    found = _REPLY.match(reply)
    return (code or (found[1] if found else "")).startswith("4")


def _by_code(code: str) -> Bounce | None:
    if not code or code.endswith(".0.0"):
        return None
    codes: dict[str, Bounce] = table("bounce")["codes"]
    known = [beginning for beginning in codes if code.startswith(beginning)]
    return codes[max(known, key=len)] if known else "soft"


def _by_reply(text: str) -> Bounce | None:
    found = _REPLY.match(text)
    if found is None:
        return None
    return _REPLIES.get(found[1], "soft")
