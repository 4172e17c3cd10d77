"""When people of a country work: how busy each day is, and moments in their office hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from mailhealth.simulate.page import Constants

DAY = 86400
MARGIN = 40  # days beyond the end, so that every reply finds its office hours
_WORKING_DAYS = 5

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days are counted from the first one told, `start` (days since 1970); rows are days.

    `activity` is what a day counts in a country (mean 1), `midnight` its first second in UTC,
    `worked` the working seconds before it. `opens` and `closes` are seconds after midnight.
    """

    start: int
    days: int
    activity: Floats
    midnight: Integers
    worked: Integers
    opens: int
    closes: int

    @property
    def end(self) -> int:
        """The first second that is not told any more."""
        return (self.start + self.days) * DAY

    def day(self, at: npt.ArrayLike) -> Integers:
        """Return the day of each moment, the last one for those after it."""
        days = np.asarray(at, dtype=np.int64) // DAY - self.start
        return np.clip(days, 0, self.days - 1)

    def offset(self, at: Integers, country: Integers) -> Integers:
        """Return how many minutes east of Greenwich a country's clocks are at each moment."""
        day = self.day(at)
        shift: Integers = ((self.start + day) * DAY - self.midnight[day, country]) // 60
        return shift

    def during(self, day: Integers, country: Integers, rng: np.random.Generator) -> Integers:
        """Return a moment of each day, most of them in the middle of office hours."""
        hours = rng.beta(2, 2, len(day)) * (self.closes - self.opens + 2 * 3600) - 3600
        found: Integers = self.midnight[day, country] + self.opens + hours.astype(np.int64)
        return found

    def later(self, at: Integers, hours: Floats, country: Integers) -> Integers:
        """Return the moments that come so many working hours after others."""
        found = np.empty(len(at), dtype=np.int64)
        for place in range(self.midnight.shape[1]):
            mine = country == place
            midnight, worked = self.midnight[:, place], self.worked[:, place]
            day = np.clip(np.searchsorted(midnight, at[mine], "right") - 1, 0, None)
            open_for = np.diff(worked, append=worked[-1:])
            passed = np.clip(at[mine] - midnight[day] - self.opens, 0, open_for[day])
            due = worked[day] + passed + np.maximum(hours[mine] * 3600, 60).astype(np.int64)
            then = np.clip(np.searchsorted(worked, due, "left") - 1, 0, len(worked) - 1)
            found[mine] = midnight[then] + self.opens + due - worked[then]
        return found


def calendar(c: Constants, end: date, days: int) -> Calendar:
    """Lay out the days before `end` for the countries of a world."""
    first = end - timedelta(days=days)
    dates = [first + timedelta(days=i) for i in range(days + MARGIN)]
    countries = [c["country"][name] for name in c["country"]]
    activity = np.array([list(_activity(c, name, dates)) for name in c["country"]]).T
    activity /= activity.mean(axis=0)
    midnight = np.array([[_midnight(day, each["zone"]) for each in countries] for day in dates])
    opens, closes = c["mail"]["opens"] * 3600, c["mail"]["closes"] * 3600
    open_for = np.where(activity >= 1, closes - opens, 0)
    worked = np.cumsum(open_for, axis=0) - open_for
    start = (first - date(1970, 1, 1)).days
    return Calendar(start, days, activity, midnight, worked, opens, closes)


def _activity(c: Constants, country: str, dates: list[date]) -> Iterator[float]:
    """Yield how busy each day is, a common working day being c["week"]["working"]."""
    import holidays

    free: Any = holidays.country_holidays(country)
    week = c["week"]
    for day in dates:
        level = week["working"] if day.weekday() < _WORKING_DAYS else week["weekend"]
        yield level * (week["holiday"] if day in free else _dip(c["country"][country], day))


def _dip(country: Constants, day: date) -> float:
    """Return what a custom of the country leaves of a day; 1: there is none."""
    written = f"{day:%m-%d}"
    for dip in country["dips"]:
        begin, end = dip["from"], dip["to"]
        inside = (begin <= written <= end) if begin <= end else not end < written < begin
        if inside:
            return float(dip["activity"])
    return 1.0


def _midnight(day: date, zone: str) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
