"""Who is away, and until when: what an automatic answer says."""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import cache

from mailhealth.machine.dates import dates
from mailhealth.machine.words import table
from mailhealth.records import Mail, Notice

HEAD = 3_000  # characters of the text in which an absence is told
BEFORE = 60  # characters before a date that may make it the end
AFTER = 30
# Where the mail that is answered begins: its dates are not the absence's.
_QUOTED = re.compile(
    r"^[ \t]*(?:>|-{3,}\s?(?:original|forwarded|urspr|元の)|(?:from|von|de|差出人)\s?[:：][^\n]*@)"
    r"|(?:wrote|schrieb)\s?:$",
    re.IGNORECASE | re.MULTILINE,
)
_APPLE = re.compile(r"endDate=(\d{4}-\d\d-\d\d)")
# What may stand between "until" and the date: a weekday, a time, small words.
_BETWEEN = (
    r"(?:[\s,:(]|\d{1,2}(?::\d\d)?\s?(?:am|pm)\b|\d{1,2}(?:[:.]\d\d)?\s?(?:h|uhr)\b"
    r"|\b(?:end of (?:the )?day|and including|including|the|on|le|el|den|dem|am|dia)\b"
    r"|\b\w{2,10}[,.]|\b\w{3,6}day\b){0,6}$"
)
_BEHIND = r"\s?(?:\([^)]{1,10}\))?\s?(?:\d{1,2}(?::\d\d|時(?:\d\d分)?))?\s?"


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """That somebody is away; the words before the last day; the words after it."""
    words = table("absence")
    return (
        re.compile("|".join(f"(?:{text})" for text in words["away"])),
        re.compile(rf"(?<![a-zà-ÿ])(?:{'|'.join(words['before'])}){_BETWEEN}"),
        re.compile(rf"{_BEHIND}(?:{'|'.join(words['after'])})"),
    )


def absences(mail: Mail) -> tuple[Notice, ...]:
    """Say that the sender is away, and the date that is named as the end of it.

    `until` is the date as it stands, whether "until 4 May" or "back on 5 May"; "" where none is
    named. An automatic answer that speaks of no absence gives nothing.
    """
    own = _QUOTED.split(mail.text[:HEAD], maxsplit=1)[0]
    text = unicodedata.normalize("NFKC", f"{mail.subject}\n{own}").lower()
    text = " ".join(text.split())
    apple = next((_APPLE.search(v) for name, v in mail.headers if name == "x-apple-criteria"), None)
    if not apple and not _patterns()[0].search(text):
        return ()
    until = apple[1] if apple else _until(text, _day_of(mail))
    return (Notice("absent", mail.sender.address if mail.sender else "", until=until),)


def _day_of(mail: Mail) -> date | None:
    """The day on which it was written, by the sender's own clock."""
    if mail.date is None:
        when, offset = mail.received, 0
    else:
        when, offset = mail.date, mail.utc_offset or 0
    if when is None:
        return None
    return (datetime.fromtimestamp(when, UTC) + timedelta(minutes=offset)).date()


def _until(text: str, near: date | None) -> str:
    _, before, after = _patterns()
    for found in dates(text, near):
        told = before.search(text[max(0, found.start - BEFORE) : found.start])
        if told or found.closes or after.match(text[found.end : found.end + AFTER]):
            return found.day.isoformat()
    return ""
