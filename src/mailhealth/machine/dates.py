"""Dates as people write them, English, Japanese and the neighbours of both."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from mailhealth.machine.words import table

PAST = 60  # days: answers are left switched on after the absence


@dataclass(frozen=True, slots=True)
class Dated:
    """A date in a text, where it stands, and whether it is written as the end of a span."""

    day: date
    start: int
    end: int
    closes: bool


@cache
def _pattern() -> re.Pattern[str]:
    names = sorted(_months(), key=len, reverse=True)
    month = rf"(?:{'|'.join(names)})\b\.?"
    nth = r"(?:st|nd|rd|th)?"
    year = r"(?:,?\s?(?:de )?(?P<{0}>20\d\d)(?!\d))?"
    spellings = [
        # 2026-08-16, 2026年8月16日; 8月16日; 16日
        r"(?<!\d)(?P<y1>20\d\d)\s?[-/.年년]\s?(?P<m1>\d{1,2})\s?[-/.月월]\s?(?P<d1>\d{1,2})(?!\d)[日일]?",
        r"(?<!\d)(?P<m2>\d{1,2})\s?[月월]\s?(?P<d2>\d{1,2})\s?[日일]",
        r"(?<!\d)(?P<d3>\d{1,2})\s?[日일](?!間|以内|後|前|目|ほど|程度)",
        # 16th of August 2026; August 10-16, 2026
        r"(?<!\d)(?P<d4>\d{1,2})(?:st|nd|rd|th|er|\.|º)?\s(?:of |de |di )?"
        rf"(?P<n4>{month}){year.format('y4')}",
        rf"\b(?P<n5>{month})\s(?:the )?(?P<d5>\d{{1,2}}){nth}(?![\d:])"
        rf"(?:\s?(?:-|–|—|to|through|until|till)\s?(?P<e5>\d{{1,2}}){nth}(?![\d:]))?"
        rf"{year.format('y5')}",
        # 16.08.2026, 8/16
        r"(?<![\d./-])(?P<a6>\d{1,2})(?P<s6>[./-])(?P<b6>\d{1,2})"
        r"(?:(?P=s6)(?P<y6>20\d\d|\d\d))?(?![\d/%])\.?",
    ]
    return re.compile("|".join(spellings), re.IGNORECASE)


@cache
def _months() -> dict[str, int]:
    months: dict[str, list[str]] = table("absence")["months"]
    return {name: int(number) for number, names in months.items() for name in names}


def dates(text: str, near: date | None) -> Iterator[Dated]:
    """Yield the dates of a text in order.

    Where a year or a month is not written, the one that lies next to `near` is meant, and not
    long before it; without `near` only full dates are read.
    """
    before: date | None = None
    for found in _pattern().finditer(text):
        if day := _read(found.groupdict(), near, before):
            before = day
            yield Dated(day, found.start(), found.end(), found["e5"] is not None)


def _read(part: dict[str, str | None], near: date | None, before: date | None) -> date | None:
    """Read one match; the groups' numbers say which spelling it is."""
    if part["d3"]:
        return _later(int(part["d3"]), before or near)
    if part["a6"]:
        return _numeric(part, near)
    name = part["n4"] or part["n5"]
    month = (
        _months().get(name.lower().rstrip("."), 0) if name else int(part["m1"] or part["m2"] or 0)
    )
    day = part["d1"] or part["d2"] or part["d4"] or part["e5"] or part["d5"]
    return _meant(month, int(day or 0), part["y1"] or part["y4"] or part["y5"], near)


def _numeric(part: dict[str, str | None], near: date | None) -> date | None:
    """Read 16/08 and 8/16; where both orders are dates, the one that comes soonest is meant."""
    first, second, sign = int(part["a6"] or 0), int(part["b6"] or 0), part["s6"]
    year = f"20{part['y6'][-2:]}" if part["y6"] else None
    if sign == "-" and not year:
        return None
    day_first = _meant(second, first, year, near)
    month_first = _meant(first, second, year, near)
    if sign == "." or month_first is None:
        return day_first
    if day_first is None or near is None:
        return month_first
    return min(month_first, day_first, key=lambda day: (day < near, abs(day - near)))


def _meant(month: int, day: int, year: str | None, near: date | None) -> date | None:
    if year:
        return _day(int(year), month, day)
    if near is None:
        return None
    years = (_day(near.year + more, month, day) for more in (-1, 0, 1))
    return next((day for day in years if day and day >= near - timedelta(PAST)), None)


def _later(day: int, base: date | None) -> date | None:
    """Read a day without its month: the first such day from `base` on."""
    if base is None:
        return None
    if day >= base.day:
        return _day(base.year, base.month, day)
    following = base.replace(day=28) + timedelta(4)
    return _day(following.year, following.month, day)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
