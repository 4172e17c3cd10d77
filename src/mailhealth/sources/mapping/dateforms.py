"""In which format are these dates written, and does the month come first?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from mailhealth.sources.dates import Clock, instant
from mailhealth.sources.mapping import vocabulary

MOST_FORMATS = 3  # in one column
ODD = 0.02  # of the values may be no dates at all
LONGEST = 60  # characters of a date
UNIX, UNIX_MS = 10, 13  # digits of the seconds, and milliseconds, since 2001 and until 2286
DAY_FIRST, MONTH_FIRST = "%d{}%m", "%m{}%d"
UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Forms:
    """The formats of a column, the commonest first.

    `others` are those with the other order of day and month, where the values allow both.
    """

    formats: tuple[str, ...]
    others: tuple[str, ...] = ()


def fitting(values: Sequence[str]) -> Forms | None:
    """The formats by which (nearly) all values are dates, or None where they are none."""
    left = [text for text in values if len(text) <= LONGEST and any(map(str.isdigit, text))]
    odd = len(values) - len(left)
    chosen: list[str] = []
    others: list[str] = []
    while left and len(chosen) < MOST_FORMATS and odd <= ODD * len(values):
        best, other, rest = _best(left)
        if not best:
            odd, left = odd + 1, left[1:]
            continue
        chosen.append(best)
        others.append(other or best)
        left = rest
    if not chosen or odd + len(left) > ODD * len(values):
        return None
    return Forms(tuple(chosen), tuple(others) if others != chosen else ())


def _best(values: list[str]) -> tuple[str, str, list[str]]:
    """The format of the first value that fits most, its equal rival, and what fits neither."""
    found = []
    for form in _candidates(values[0]):
        rest = [text for text in values if not _is(text, form)]
        found.append((len(rest), form, rest))
    if not found:
        return "", "", values
    found.sort(key=lambda each: each[0])  # stable: of equals the first one
    count, form, rest = found[0]
    turned = {other for number, other, _ in found[1:] if number == count} & {_turned(form)}
    return form, next(iter(turned), ""), rest


def _candidates(text: str) -> list[str]:
    if text.replace(".", "", 1).isdigit() and len(whole := text.partition(".")[0]) >= UNIX:
        named = {UNIX: "unix", UNIX_MS: "unix_ms"}.get(len(whole))
        forms = [named] if named else _formats()
    else:
        forms = ["iso", *_formats()]
    return [form for form in forms if _is(text, form)]


@lru_cache(maxsize=1)
def _formats() -> list[str]:
    table = vocabulary.dates()
    either = []
    for form in table["either"]:
        sign = form[len("{d}")]  # "/", "-" or "."
        either += [form.replace("{d}", order.format(sign)) for order in (MONTH_FIRST, DAY_FIRST)]
    return [*table["plain"], *either]


def _turned(form: str) -> str:
    """The same format with day and month the other way round, "" where that changes nothing."""
    for sign in "/-.":
        for one, other in ((MONTH_FIRST, DAY_FIRST), (DAY_FIRST, MONTH_FIRST)):
            if form.startswith(one.format(sign)):
                return form.replace(one.format(sign), other.format(sign), 1)
    return ""


def _is(text: str, form: str) -> bool:
    return instant(text, Clock((form,), UTC)) is not None


def names_zone(values: Sequence[str], forms: Sequence[str]) -> bool:
    """Whether each date says its own offset from UTC, or counts from an instant."""
    return all(_says_zone(text, forms) for text in values)


def _says_zone(text: str, forms: Sequence[str]) -> bool:
    form = next((form for form in forms if _is(text, form)), "unix")
    if form == "iso":
        return datetime.fromisoformat(text).tzinfo is not None
    return form.startswith("unix") or form.endswith(("%z", "UTC"))
