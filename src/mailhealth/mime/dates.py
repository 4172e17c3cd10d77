"""Dates of mail headers, repaired where a sender's clock or grammar is off."""

import re
import time
from calendar import timegm
from datetime import UTC, datetime
from email.utils import parsedate_tz

EARLIEST = 631_152_000  # 1990-01-01: before that nobody's customer wrote mail
DAY = 86_400
_ZONES = {
    "JST": "+0900",
    "KST": "+0900",
    "HKT": "+0800",
    "SGT": "+0800",
    "IST": "+0530",
    "MSK": "+0300",
    "CEST": "+0200",
    "EET": "+0200",
    "EEST": "+0300",
    "CET": "+0100",
    "MET": "+0100",
    "BST": "+0100",
    "WET": "+0000",
    "AEST": "+1000",
    "NZST": "+1200",
}
_ZONE = re.compile(r"\b(?:" + "|".join(_ZONES) + r")\b")
_COLON_ZONE = re.compile(r"([+-]\d{2}):(\d{2})\s*$")
_COMMENT = re.compile(r"\([^()]*\)?")
_MIDNIGHT = re.compile(r"\b24:(\d\d)")
_WEEKDAY = re.compile(r"^[^\d,]{1,20},\s*")


def read_date(value: str) -> tuple[int | None, int | None]:
    """Read a header's date as (seconds since 1970 in UTC, minutes east of Greenwich).

    (None, None) where it says nothing or lies outside 1990 .. tomorrow; the offset alone is
    None where the sender does not tell it (`-0000`). A date without a zone is taken as UTC, so
    that a result does not depend on the machine it was read on.
    """
    text = " ".join(_COMMENT.sub(" ", value[:200].replace("=2C", ",")).split())
    known = _zone_written(text)
    when, offset = _iso(text) or _rfc_5322(known)
    if when is None or not EARLIEST <= when <= time.time() + DAY:
        return None, None
    return when, offset


def _zone_written(text: str) -> str:
    text = _WEEKDAY.sub("", text)
    text = _ZONE.sub(lambda zone: _ZONES[zone[0]], text)
    return _COLON_ZONE.sub(r"\1\2", text)


def _rfc_5322(text: str) -> tuple[int | None, int | None]:
    late = _MIDNIGHT.search(text) is not None
    try:
        parts = parsedate_tz(_MIDNIGHT.sub(r"00:\1", text))
        if parts is None:
            return None, None
        when = timegm(parts[:9]) - (parts[9] or 0) + (DAY if late else 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None, None
    offset = parts[9]
    told = offset is not None and abs(offset) <= 14 * 3600 and not text.endswith("-0000")
    return when, offset // 60 if told and offset is not None else None


def _iso(text: str) -> tuple[int | None, int | None] | None:
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        when = datetime.fromisoformat(re.sub(r"\s([+-]\d)", r"\1", text).replace("/", "-"))
        offset = when.utcoffset()
        seconds = int((when if offset is not None else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds, None if offset is None else int(offset.total_seconds()) // 60
