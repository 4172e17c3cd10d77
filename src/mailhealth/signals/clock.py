"""Clocks of working time: no night, no holiday and no quiet week counts as waiting.

A clock counts two things from any moment to any other: working seconds (Monday to Friday in
office hours, public holidays left out), and activity, in which a day counts by how much mail is
expected on it (operational time; Malmgren et al. 2008, PNAS 105, 18153). Both are whole numbers,
so differences do not depend on where counting began.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

DAY = 86400
ACTIVITY = 1000  # what an average second counts
Integers = npt.NDArray[np.int64]
Holidays = Callable[[date], bool]

_SATURDAY = 5
# A week without figures of its own: hardly any mail on its last two days; the mean is 1.
WEEK = (1.36, 1.36, 1.36, 1.36, 1.36, 0.1, 0.1)
HOLIDAY = 0.1
# Top-level domains that are countries' on paper and everybody's in use.
_ANYBODYS = frozenset(
    ("AC", "AI", "CC", "CO", "FM", "GG", "IM", "IO", "LA", "LY", "ME", "SH", "TO", "TV", "VC", "WS")
)


@dataclass(frozen=True, slots=True)
class Office:
    """Where people work: a time zone, a country for its holidays ('': none), opening hours."""

    zone: str = "UTC"
    country: str = ""
    opens: int = 9 * 3600  # seconds after midnight
    closes: int = 18 * 3600


@dataclass(frozen=True, slots=True)
class Pace:
    """How much mail is expected of a country's customers on a day; an average day is 1.

    `week` has Monday first; `days` what single days before the fit turned out to be.
    """

    week: tuple[float, ...] = WEEK
    days: Mapping[str, float] = field(default_factory=dict)

    def on(self, day: date, holiday: bool) -> float:
        """Return what a day counts."""
        known = self.days.get(day.isoformat(), HOLIDAY if holiday else 1.0)
        return self.week[day.weekday()] * known


@dataclass(frozen=True, slots=True)
class Clock:
    """Working seconds and activity up to each of some rising moments, and their rates after."""

    times: Integers
    seconds: Integers
    open: Integers
    activity: Integers
    pace: Integers

    def worked(self, moments: npt.ArrayLike) -> Integers:
        """Count the working seconds up to each moment."""
        return self._at(moments, self.seconds, self.open)

    def active(self, moments: npt.ArrayLike) -> Integers:
        """Count the activity up to each moment, ACTIVITY to an average second."""
        return self._at(moments, self.activity, self.pace)

    def _at(self, moments: npt.ArrayLike, totals: Integers, rates: Integers) -> Integers:
        asked = np.asarray(moments, dtype=np.int64)
        place = np.clip(np.searchsorted(self.times, asked, "right") - 1, 0, None)
        found: Integers = totals[place] + rates[place] * (asked - self.times[place])
        return found


def clock(office: Office, pace: Pace, start: int, end: int) -> Clock:
    """Build the clock of an office that is right between two moments."""
    holiday = holidays(office.country)
    steps = list(_steps(office, pace, holiday, (start, end)))
    times = np.array([step[0] for step in steps], dtype=np.int64)
    rates = np.array([step[1:] for step in steps], dtype=np.int64)
    passed = np.diff(times, prepend=times[:1])[:, None] * np.roll(rates, 1, axis=0)
    totals = np.cumsum(passed, axis=0)
    return Clock(times, totals[:, 0], rates[:, 0], totals[:, 1], rates[:, 1])


def _steps(
    office: Office, pace: Pace, holiday: Holidays, span: tuple[int, int]
) -> Iterator[tuple[int, int, int]]:
    """Yield each moment at which a rate changes, with the rates from then on."""
    zone = time_zone(office.zone)
    first = datetime.fromtimestamp(span[0] - 2 * DAY, UTC).date()
    days = [first + timedelta(days=i) for i in range((span[1] - span[0]) // DAY + 5)]
    for day, morrow in pairwise(days):
        free = holiday(day)
        rate = round(ACTIVITY * pace.on(day, free))
        end = _moment(morrow, 0, zone)
        yield _moment(day, 0, zone), 0, rate
        if not free and day.weekday() < _SATURDAY:
            yield min(end, _moment(day, office.opens, zone)), 1, rate
            yield min(end, _moment(day, office.closes, zone)), 0, rate


def _moment(day: date, seconds: int, zone: tzinfo) -> int:
    """Return when the clock on the wall shows so many seconds after midnight."""
    shown = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(seconds=seconds)
    return int(shown.timestamp())


@cache
def time_zone(name: str) -> tzinfo:
    """Return a time zone by its IANA name, or by an offset such as +09:00.

    Raises KeyError (ZoneInfoNotFoundError) for a name that is none.
    """
    if name[:1] in "+-":
        hours, minutes = int(name[1:3]), int(name[4:6])
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if name[0] == "-" else offset)
    return ZoneInfo(name)


@cache
def holidays(country: str) -> Holidays:
    """Return a test for a country's public holidays; one whose are not known has none."""
    if not country:
        return lambda _: False
    import holidays as calendars

    try:
        known: Any = calendars.country_holidays(country)
    except NotImplementedError:
        return lambda _: False
    return lambda day: day in known


def zone_of(country: str, offset: int | None, at: int, home: Office) -> str:
    """Name the time zone of people whose mail says `offset` minutes, in a country ('': unknown).

    `at` is when it said so. A country's zones come with the most populous first; where none has
    that offset at that moment, a forwarder's clock was read, and the first one counts.
    """
    there = zones().get(country, [])
    fitting = [name for name in there if offset is not None and _offset(name, at) == offset]
    if there:
        return (fitting or there)[0]
    if offset is None or _offset(home.zone, at) == offset:
        return home.zone
    return written_offset(offset)


def written_offset(minutes: int) -> str:
    """Write an offset from UTC as +09:00."""
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _offset(zone: str, at: int) -> int:
    there = datetime.fromtimestamp(at, time_zone(zone)).utcoffset()
    return int(there.total_seconds()) // 60 if there else 0


def country_of(told: str | None, customer: str) -> str:
    """Return the country of a customer: as the customer file tells it, else by its domain."""
    if told:
        return told
    ending = customer.rpartition(".")[2].upper() if "." in customer else ""
    ending = {"UK": "GB"}.get(ending, ending)
    return ending if ending in zones() and ending not in _ANYBODYS else ""


@cache
def zones() -> Mapping[str, list[str]]:
    """Return the time zones of each country, the most populous first, from the zone database."""
    found: dict[str, list[str]] = {}
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            country, _, name, *_ = line.split("\t")
            found.setdefault(country, []).append(name)
    return found
