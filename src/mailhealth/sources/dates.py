"""When it happened: a date as a platform writes it becomes seconds, and whether they are exact."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 1990, 2100  # outside, a date is a mistake
ISO_DAY = 10  # characters of an ISO date without a time
_TIMES = ("%H", "%I", "%X", "%c")


@dataclass(frozen=True, slots=True)
class Clock:
    """The formats that are tried in turn, and the zone of times that name none."""

    formats: tuple[str, ...]
    zone: ZoneInfo


def instant(text: str, clock: Clock) -> tuple[int, bool] | None:
    """Seconds since 1970 in UTC, and False where only the day is known; None for no date."""
    for each in clock.formats:
        try:
            at = _parsed(text, each)
        except (ValueError, OverflowError, OSError):
            continue
        if FIRST_YEAR <= at.year <= LAST_YEAR:
            local = at if at.tzinfo else at.replace(tzinfo=clock.zone)
            return int(local.timestamp()), _exact(text, each)
    return None


def _parsed(text: str, form: str) -> datetime:
    match form:
        case "iso":
            return datetime.fromisoformat(text)
        case "unix":
            return datetime.fromtimestamp(float(text), UTC)
        case "unix_ms":
            return datetime.fromtimestamp(float(text) / 1_000, UTC)
    return datetime.strptime(text, form)


def _exact(text: str, form: str) -> bool:
    if form == "iso":
        return len(text) > ISO_DAY
    return "%" not in form or any(sign in form for sign in _TIMES)
