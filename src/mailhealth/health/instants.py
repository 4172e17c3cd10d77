"""Days and instants, as they are written."""

from datetime import UTC, datetime, timedelta

from mailhealth.errors import BadData


def instant(as_of: str | None) -> str:
    """Write a day or an instant as `2026-11-01T00:00:00Z`; None is now, a day its midnight.

    Raises BadData for anything that is no ISO date.
    """
    if as_of is None:
        return iso(datetime.now(UTC))
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise BadData(f"'{as_of}' is not a day like 2026-11-01 or 2026-11-01T09:00:00Z") from None
    return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def this_hour() -> str:
    """The instant at which this hour ends.

    All that comes within the hour is before it, so that one evaluation is brought up to date and
    only the customers who are concerned are computed again; and no more than an hour is counted
    that is not over yet.
    """
    begun = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return iso(begun + timedelta(hours=1))


def iso(moment: datetime) -> str:
    """Write a moment as an instant in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(since_1970: int) -> str:
    """Write seconds since 1970 as an instant."""
    return iso(datetime.fromtimestamp(since_1970, UTC))


def seconds(written: str) -> int:
    """Read an instant as seconds since 1970."""
    return int(datetime.fromisoformat(written).timestamp())
