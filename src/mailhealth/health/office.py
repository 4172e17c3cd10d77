"""Where we work: what working hours are, and whose holidays."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from zoneinfo import available_timezones

from sqlite_utils import Database

from mailhealth.customers.countries import country_code
from mailhealth.errors import BadData, UnknownName

_HOURS = re.compile(r"(\d{1,2})(?::(\d\d))?\s*(?:-|–|to|~|〜)\s*(\d{1,2})(?::(\d\d))?")
_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Office:
    """Our time zone, country (whose holidays are ours) and opening hours, in seconds of a day."""

    zone: str = "UTC"
    country: str = ""
    opens: int = 9 * 3600
    closes: int = 18 * 3600

    def row(self) -> dict[str, str]:
        """Write it as it is told: country, zone, hours."""
        opens, closes = (
            f"{at // 3600:02}:{at % 3600 // 60:02}" for at in (self.opens, self.closes)
        )
        return {"country": self.country, "zone": self.zone, "hours": f"{opens}-{closes}"}


def told(db: Database) -> Office | None:
    """Look up what this company told; None: nothing yet, so its own mail's clocks count."""
    row = db.execute("select value from settings where name = 'office'").fetchone()
    return Office(**json.loads(row[0])) if row else None


def keep(db: Database, given: Mapping[str, str]) -> Office:
    """Remember what is given of zone, country and hours ("9-18", "09:00-17:30").

    A country alone brings the zone of most of its people. Raises UnknownName or BadData.
    """
    known = asdict(told(db) or Office())
    if "country" in given:
        known["country"] = country_code(given["country"])
        known["zone"] = _first_zone(known["country"]) or known["zone"]
    if "zone" in given:
        known["zone"] = _zone(given["zone"])
    if "hours" in given:
        known["opens"], known["closes"] = _hours(given["hours"])
    with db.atomic():
        db.execute(
            "insert or replace into settings (name, value) values ('office', ?)",
            [json.dumps(known)],
        )
    return Office(**known)


def _first_zone(country: str) -> str:
    from mailhealth.signals.clock import zones

    return next(iter(zones().get(country, [])), "")


def _zone(written: str) -> str:
    known = available_timezones()
    if written in known:
        return written
    near = get_close_matches(written, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "write Asia/Tokyo or Europe/Berlin"
    raise UnknownName(f"no time zone '{written}'; {hint}")


def _hours(written: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(written.strip())
    if found:
        opens = int(found[1]) * 3600 + int(found[2] or 0) * 60
        closes = int(found[3]) * 3600 + int(found[4] or 0) * 60
        if 0 <= opens < closes <= _DAY:
            return opens, closes
    raise BadData(f"hours '{written}' are none; write 09:00-18:00")
