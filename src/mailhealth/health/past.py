"""The days of a history."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count, takewhile
from typing import Literal, get_args

from mailhealth.errors import BadData, UnknownName
from mailhealth.health.instants import instant, iso

Every = Literal["day", "week", "month"]
EVERY: tuple[Every, ...] = get_args(Every)

_DAYS = {"day": 1, "week": 7}
_YEAR = 12  # months


def days(start: str, end: str, every: Every) -> list[str]:
    """List the instants from `end` back to `start`, both included, the oldest first.

    A month before the 31st is the last day of the month before. Raises BadData where `start` is
    after `end`, UnknownName for steps of another length.
    """
    if every not in EVERY:
        raise UnknownName(f"no history every '{every}'; there are {', '.join(EVERY)}")
    first, last = (datetime.fromisoformat(instant(each)) for each in (start, end))
    if first > last:
        raise BadData(f"from {iso(first)} to {iso(last)} is no time; give the earlier day first")
    back = takewhile(lambda day: day >= first, _back(last, every))
    return [iso(day) for day in back][::-1]


def weeks(first: int | None, end: str, most: int) -> list[str]:
    """List weekly instants back from `end`, at most so many, after the `first` fact (seconds)."""
    last = datetime.fromisoformat(end)
    days = (last - timedelta(weeks=back) for back in range(most, -1, -1))
    return [iso(day) for day in days if first is not None and day.timestamp() > first]


def _back(last: datetime, every: Every) -> Iterator[datetime]:
    for step in count():
        yield _months(last, step) if every == "month" else last - step * timedelta(_DAYS[every])


def _months(last: datetime, back: int) -> datetime:
    """So many months before: the same day, or the month's last."""
    year, month = divmod(last.year * _YEAR + last.month - 1 - back, _YEAR)
    _, longest = monthrange(year, month + 1)
    return last.replace(year=year, month=month + 1, day=min(last.day, longest))
