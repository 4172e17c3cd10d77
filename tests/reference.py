"""The judge: every shipped signal computed by loops over plain rows, slowly and obviously.

It shares no code with the engine. A cell is (end, days); all times are whole seconds in UTC.
"""

import json
import math
import sqlite3
import tomllib
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib.resources import files
from pathlib import Path
from statistics import mean, median
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from scipy import optimize

DAY = 86400
NEVER = 10**12
Row = dict[str, Any]
Answer = tuple[float | None, float | None, float | None]  # value, n, k

PAGE = tomllib.loads(files("mailhealth").joinpath("health.toml").read_text("utf-8"))["signal"]
USUAL = (1.6, 6.9, 0.2, 20.0)  # how customers write where few tell: r, alpha, a, b
# Whose mail at risk a count is compared by; the others are compared by their n.
RISKS = {"inbound_volume": "in", "active_days": "in", "outbound_volume": "out"}
RISKS |= {"touch_pressure": "touch"}
INTENTS = (
    *("cancel", "complaint", "praise", "expansion", "question", "billing", "competitor"),
    *("escalation", "unsubscribe", "problem"),
)
# The zones in which the tests' countries have their clocks, the most populous first.
ZONES = {
    "JP": ["Asia/Tokyo"],
    "DE": ["Europe/Berlin"],
    "US": ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"],
}


@dataclass
class Place:
    """Where people work: their clock, their holidays, and how much they write on which day."""

    zone: str
    country: str
    opens: int = 9 * 3600
    closes: int = 18 * 3600
    week: Sequence[float] = (1.36, 1.36, 1.36, 1.36, 1.36, 0.1, 0.1)
    days: dict[date, float] = field(default_factory=dict)

    def worked(self, start: int, end: int) -> int:
        """Return the working seconds from one moment to another."""
        total = 0
        for day in self._days(start, end):
            if day.weekday() < 5 and not is_holiday(self.country, day):
                opened = max(start, self._shown(day, self.opens))
                total += max(0, min(end, self._shown(day, self.closes)) - opened)
        return total

    def active(self, start: int, end: int) -> float:
        """Return the average days from one moment to another, quiet days counting little."""
        total = 0
        for day in self._days(start, end):
            quiet = self.days.get(day, 0.1 if is_holiday(self.country, day) else 1.0)
            rate = round(1000 * (self.week[day.weekday()] * quiet))
            begun = max(start, self._shown(day, 0))
            total += rate * max(0, min(end, self._shown(day + timedelta(days=1), 0)) - begun)
        return total / 86_400_000

    def _days(self, start: int, end: int) -> list[date]:
        first = datetime.fromtimestamp(start, UTC).date() - timedelta(days=1)
        last = datetime.fromtimestamp(end, UTC).date() + timedelta(days=1)
        return [first + timedelta(days=i) for i in range((last - first).days + 1)]

    def _shown(self, day: date, seconds: int) -> int:
        return shown(self.zone, day, seconds)


@cache
def shown(zone: str, day: date, seconds: int) -> int:
    """Return when the clocks of a zone show so many seconds after midnight."""
    day += timedelta(days=seconds // DAY)
    hour, minute = divmod(seconds % DAY // 60, 60)
    there = datetime(day.year, day.month, day.day, hour, minute, tzinfo=tz(zone))
    return int(there.timestamp())


@cache
def tz(zone: str) -> tzinfo:
    """Return a zone by its name or its offset."""
    if zone[0] not in "+-":
        return ZoneInfo(zone)
    return timezone(int(zone[0] + "1") * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:])))


@cache
def is_holiday(country: str, day: date) -> bool:
    """Tell whether a day is a public holiday in a country ('': none is)."""
    return bool(country) and day in holidays.country_holidays(country)


def month(moment: int) -> int:
    """Return when the month of a moment began."""
    day = datetime.fromtimestamp(moment, UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp())


class Store:
    """All rows of a store, as they are."""

    def __init__(self, db: Path) -> None:
        with closing(sqlite3.connect(db)) as store:
            self.customers = _rows(store, "select * from customers order by customer")
            self.mails = _rows(
                store,
                "select * from messages join message_customers using (message)"
                " where kind = 'human' and direction in ('in', 'out') order by at, message",
            )
            self.recipients = _rows(store, "select distinct message, address from recipients")
            self.annotations = defaultdict(list)
            for row in _rows(store, "select * from annotations"):
                self.annotations[row["message"]].append(row)
            self.notices = _rows(
                store, "select notices.*, at, sender from notices join messages using (message)"
            )
            self.leaving = _rows(
                store,
                "select recipient, at from unsubscribe_mails join messages using (message)"
                " where direction = 'in'",
            )
            self.answers = _rows(store, "select *, rowid from answers order by at, rowid")
            self.events = _rows(
                store,
                "select events.*, verdicts.machine as verdict, rules from events"
                " left join verdicts using (event) order by at, event",
            )
            contacts = _rows(store, "select * from contacts left join addresses using (contact)")
            self.persons = {row["contact"]: row["person"] or row["contact"] for row in contacts}
            self.contacts = {row["address"]: row["contact"] for row in contacts}
            self.belongings = _rows(store, "select * from contact_customers")
            settings = _rows(store, "select * from settings where name = 'office'")
            self.office = json.loads(settings[0]["value"]) if settings else None

    def person(self, address: str | None) -> str:
        """Return who is behind an address."""
        return self.persons[self.contacts[address]] if address in self.contacts else ""

    def belongs(self, contact: str | None, customer: str, at: int | None = None) -> bool:
        """Tell whether a contact was a customer's at some moment (None: ever)."""
        day = "" if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()
        return any(
            at is None
            or (row["valid_from"] <= day and (not row["valid_to"] or row["valid_to"] > day))
            for row in self.belongings
            if (row["contact"], row["customer"]) == (contact, customer)
        )


def _rows(store: sqlite3.Connection, sql: str) -> list[Row]:
    cursor = store.execute(sql)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


class Shared:
    """What all customers share in a month, from what had happened before it began."""

    def __init__(self, store: Store, through: int) -> None:
        self.through = through
        seen = [m for m in store.mails if m["at"] < through]
        ours = sum(mail["direction"] == "out" for mail in seen)
        self.sees_us = 50 * ours >= len(seen)
        self.store = store
        self.home = Place(**(store.office or {"zone": self._our_zone(seen), "country": ""}))
        self.places = {row["customer"]: self._place(row) for row in store.customers}
        self.wait = self._wait()
        self.rhythm = USUAL
        self.rhythm = self._rhythm()  # at the usual pace of everybody
        paces = {country: self._pace(country) for country in self._countries()}
        for place in [self.home, *self.places.values()]:
            if place.country in paces:
                place.week, place.days = paces[place.country]

    def mails(self, customer: str, end: int) -> list[Row]:
        """Return a customer's mails up to a moment, of the last 400 days before the month."""
        return [
            mail
            for mail in self.store.mails
            if mail["customer"] == customer
            and self.through - 400 * DAY <= mail["at"] < end
            and (self.sees_us or mail["direction"] == "in")
        ]

    def _our_zone(self, seen: list[Row]) -> str:
        said = Counter(
            mail["utc_offset"]
            for mail in {mail["message"]: mail for mail in seen}.values()
            if mail["direction"] == "out"
            and mail["utc_offset"] is not None
            and mail["at"] >= self.through - 365 * DAY
        )
        return _written(min(said, key=lambda offset: (-said[offset], offset))) if said else "UTC"

    def _place(self, customer: Row) -> Place:
        """Find out where a customer is: by its country and the clocks of its mail."""
        lately = [
            mail
            for mail in self.mails(customer["customer"], self.through)
            if mail["at"] >= self.through - 90 * DAY
            and mail["direction"] == "in"
            and mail["utc_offset"] is not None
        ]
        said = Counter(mail["utc_offset"] for mail in lately)
        offset = min(said, key=lambda each: (-said[each], each)) if said else None
        last = max((m["at"] for m in lately if m["utc_offset"] == offset), default=self.through)
        country = customer["country"] or customer["customer"].rpartition(".")[2].upper()
        there = ZONES.get(country, [])
        agreeing = [zone for zone in there if _offset(zone, last) == offset]
        zone = self.home.zone
        if there:
            zone = (agreeing or there)[0]
        elif offset is not None and _offset(zone, last) != offset:
            zone = _written(offset)
        known = country if there else self.home.country if zone == self.home.zone else ""
        return Place(zone, known, self.home.opens, self.home.closes)

    def _wait(self) -> int:
        """Return the hours in which 95 of 100 answers came, in seconds, within 2 to 7 days."""
        waits = sorted(
            turn.answer - turn.at
            for customer in self.places
            for turn in turns(self.store, self.mails(customer, self.through))
            if turn.side == "out" and not turn.closing and turn.answer - turn.at <= 30 * DAY
        )
        if len(waits) < 50:
            return 5 * DAY
        place = 0.95 * (len(waits) - 1)
        low, high = waits[math.floor(place)], waits[math.ceil(place)]
        hours = round((low + (high - low) * (place - math.floor(place))) / 3600)
        return min(7 * DAY, max(2 * DAY, hours * 3600))

    def _rhythm(self) -> Sequence[float]:
        """Return r, alpha, a and b that are likeliest behind what everybody wrote in a year."""
        if len(self.places) < 30:
            return USUAL
        year = [Cell(self, name, self.through - 365 * DAY, self.through) for name in self.places]
        wrote = [writing for cell in year if (writing := cell.writing())]
        if len(wrote) < 30:
            return USUAL

        def loss(logs: Sequence[float]) -> float:
            off = sum(
                ((log - math.log(usual)) / 2) ** 2 for log, usual in zip(logs, USUAL, strict=True)
            )
            numbers = [math.exp(log) for log in logs]
            return off / 2 - sum(_likelihood(numbers, each) for each in wrote)

        begin = [math.log(usual) for usual in USUAL]
        exact = {"xatol": 1e-9, "fatol": 1e-12, "maxfev": 9999, "maxiter": 9999}
        found = optimize.minimize(loss, begin, method="Nelder-Mead", options=exact)
        return [math.exp(log) for log in found.x]

    def _countries(self) -> set[str]:
        return {place.country for name, place in self.places.items() if self._written_on(name)}

    def _written_on(self, customer: str) -> set[date]:
        return {
            datetime.fromtimestamp(mail["at"], UTC).date()
            for mail in self.mails(customer, self.through)
            if mail["direction"] == "in"
        }

    def _pace(self, country: str) -> tuple[list[float], dict[date, float]]:
        """Return how much is written on each day of the week, and how quiet single days were."""
        counts: Counter[date] = Counter()
        for name, place in self.places.items():
            if place.country == country:
                counts.update(self._written_on(name))
        usual = {day: 0.1 if is_holiday(country, day) else 1.0 for day in _days_of(counts)}
        working = [day for day in counts.elements() if usual[day] == 1.0]
        on = Counter(day.weekday() for day in working)
        week = [
            round(7 * (on[i] + 200 * (1.36 if i < 5 else 0.1) / 7) / (len(working) + 200), 3)
            for i in range(7)
        ]
        found = {}
        for day, share in usual.items():
            before = [day - timedelta(days=back) for back in range(1, 57)]
            before = [other for other in before if other in usual]
            norm = sum(week[other.weekday()] * usual[other] for other in before)
            level = sum(counts[other] for other in before) / norm if norm else 0.0
            expected = level * week[day.weekday()] * share
            found[day] = round(min(1.0, share * (counts[day] + 10) / (expected + 10)), 3)
        for ahead in range(1, 100):
            day = max(counts) + timedelta(days=ahead)
            other = _year_before(day)
            free = is_holiday(country, other) or is_holiday(country, day)
            if other in found and not free:
                found[day] = found[other]
        return week, found


def _likelihood(numbers: Sequence[float], writing: tuple[int, int, float, float]) -> float:
    """Return how likely a customer's writing is, as a logarithm (MBG/NBD; BG/NBD, seen before)."""
    (r, alpha, a, b), (x, days, last, age) = numbers, writing
    rates = math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha)
    still = _beta(a, b + days) - (r + x) * math.log(alpha + age)
    gone = _beta(a + 1, b + days - 1) - (r + x) * math.log(alpha + last)
    seen = -math.expm1(r * math.log(alpha / (alpha + age))) if x == days else 1.0
    return rates - _beta(a, b) + float(np.logaddexp(still, gone)) - math.log(seen)


def _beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _days_of(counts: Counter[date]) -> list[date]:
    first, last = min(counts), max(counts)
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, 3, 1)


def _offset(zone: str, at: int) -> int:
    there = datetime.fromtimestamp(at, tz(zone)).utcoffset()
    assert there is not None
    return int(there.total_seconds() // 60)


def _written(offset: int) -> str:
    return f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"


@dataclass
class Turn:
    """A turn: who began it when, and when the other side wrote next (NEVER: not yet)."""

    side: str
    at: int
    answer: int
    closing: bool
    message: str
    bounced: int


def turns(store: Store, mails: list[Row]) -> list[Turn]:
    """Return the turns of one customer's conversations."""
    threads = defaultdict(list)
    for mail in mails:
        threads[mail["thread"]].append(mail)
    found = []
    for thread in threads.values():
        for i, mail in enumerate(thread):
            side, at = mail["direction"], mail["at"]
            before = thread[i - 1] if i else None
            if before and before["direction"] == side and at - before["at"] < DAY:
                continue
            later = [other["at"] for other in thread[i + 1 :] if other["direction"] != side]
            bounced = [
                notice["at"]
                for notice in store.notices
                if notice["type"] == "bounced"
                and notice["original"]
                and notice["original"] == mail["message_id"]
                and side == "out"
            ]
            answer = later[0] if later else NEVER
            back = min(bounced, default=NEVER)
            found.append(Turn(side, at, answer, _closing(mail), mail["message"], back))
    return found


def _closing(mail: Row) -> bool:
    """Tell whether a mail says nothing but courtesies."""
    text = mail["new_text"]
    polite = sum(end - start for start, end in json.loads(mail["courtesies"]))
    asks = any(word in text.lower() for word in ("?", "？", "please", "ください", "下さい"))
    return bool(text) and not asks and len(text) < 400 and len(text) - polite < 12


class Reference:
    """One store, read whole; it answers for one customer, end and window."""

    def __init__(self, db: Path) -> None:
        self.store = Store(db)
        self._shared: dict[int, Shared] = {}
        self._cells: dict[tuple[int, str, int, int], Cell] = {}

    def shared(self, end: int) -> Shared:
        """Return what all customers share in the month of a moment."""
        through = month(end)
        if through not in self._shared:
            self._shared[through] = Shared(self.store, through)
        return self._shared[through]

    def cell(self, customer: str, end: int, days: int) -> "Cell":
        """Return what is known of a customer in the days before a moment."""
        return self._cell(month(end), customer, end - days * DAY, end)

    def _cell(self, *place: Any) -> "Cell":
        if place not in self._cells:
            self._cells[place] = Cell(self.shared(place[0]), *place[1:])
        return self._cells[place]

    def changes(self, customer: str, end: int, days: int) -> dict[str, tuple[float | None, float]]:
        """Return what has changed against the 270 days before the window, and n."""
        start = end - days * DAY
        now = self.cell(customer, end, days)
        then = self._cell(month(end), customer, start - 270 * DAY, start)
        found = {}
        for name, page in PAGE.items():
            if page["kind"] not in ("change", "value") and page.get("past", True):
                found[name] = _compared(name, now, then)
        of = {name: page["of"] for name, page in PAGE.items() if page["kind"] == "change"}
        return found | {name: found[measured] for name, measured in of.items()}


def _compared(name: str, now: "Cell", then: "Cell") -> tuple[float | None, float]:
    (value, n, k), (past, n_past, k_past) = now.answers[name], then.answers[name]
    if value is None or past is None:
        return None, 0
    if PAGE[name]["kind"] != "count":
        return value - past, min(n or 0, n_past or 0)
    k, k_past = k or 0, k_past or 0
    exposed, exposed_past = now.exposure(name), then.exposure(name)
    if not exposed_past:
        return None, 0
    expected = k_past * exposed / exposed_past
    return math.log((k + 1.5) / (expected + 1.5)), k + k_past


def drawn(name: str, answer: Answer, logs: Sequence[float] = ()) -> tuple[float | None, float]:
    """Return the value drawn to the typical one as its table tells, and how much stayed its own."""
    page, (value, n, _) = PAGE[name], answer
    if value is None:
        return None, 0.0
    prior = page.get("prior", 0)
    typical = 0 if page["kind"] == "change" else page.get("typical", 0)
    if page["kind"] == "median":  # of the logarithms the mean, kept to 1/65536
        value = mean(round(math.log(hours) * 65536) / 65536 for hours in logs)
        typical = math.log(typical) if typical else 0
    n = n or 0
    own = n / (n + prior) if prior else 1.0
    shrunk = own * value + (1 - own) * typical
    return (math.exp(shrunk) if page["kind"] == "median" else shrunk), own


class Cell:
    """One customer from `start` to before `end`, known by nothing that came later."""

    def __init__(self, shared: Shared, customer: str, start: int, end: int) -> None:
        self.shared, self.store = shared, shared.store
        self.customer, self.start, self.end = customer, start, end
        self.place = shared.places[customer]
        self.mails = shared.mails(customer, end)
        self.turns = turns(self.store, self.mails)
        self.hours: dict[str, list[float]] = {}
        self.answers = self.signals()

    def signals(self) -> dict[str, Answer]:
        """Return value, n and k of every signal that does not compare two windows."""
        return {
            **self._rhythm(),
            **self._silence(),
            **self._replies(),
            **self._voice(),
            **self._surveys(),
            **self._campaigns(),
            **self._dead(),
        }

    def exposure(self, name: str) -> float:
        """Return by how much activity, shared by how many, a count may have come about."""
        if name not in RISKS:
            return self.answers[name][1] or 0
        since = self._since(RISKS[name])
        days = self._at_risk(RISKS[name])
        if since is None or not days:
            return 0.0
        shared = (self.answers[name][1] or 0) / days
        return self.place.active(max(self.start, since), self.end) * shared

    def _in(self, moment: int) -> bool:
        return self.start <= moment < self.end

    def _mine(self, side: str) -> list[Row]:
        return [m for m in self.mails if m["direction"] == side and m["at"] >= self.start]

    # rhythm

    def _since(self, side: str) -> int | None:
        (row,) = [row for row in self.store.customers if row["customer"] == self.customer]
        started = [_seconds(row["started"])] if row["started"] else []
        there = [
            mail
            for mail in self.store.mails
            if mail["at"] < self.end and (self.shared.sees_us or mail["direction"] == "in")
        ]
        own = [mail["at"] for mail in there if mail["customer"] == self.customer]
        seen = [mail["at"] for mail in there if mail["direction"] == side]
        if side == "touch":
            seen = [mail["at"] for mail in there if mail["direction"] == "out"]
            seen += [event["at"] for event in self.store.events if event["at"] < self.end]
        if not started + own or not seen:
            return None
        return max(min(started + own), min(seen))

    def _at_risk(self, side: str) -> float | None:
        since = self._since(side)
        return None if since is None else max(0.0, (self.end - max(self.start, since)) / DAY)

    def _per_risk(self, k: int, side: str, per: float, share: int = 1) -> Answer:
        risk = self._at_risk(side)
        n = (risk or 0.0) * max(1, share)
        if risk is None or risk < 14:
            return None, n, k
        return (per * k / n if per else k), n, k

    def _rhythm(self) -> dict[str, Answer]:
        received, sent = self._mine("in"), self._mine("out")
        days = {mail["at"] // DAY for mail in received}
        writers = Counter(self.store.person(mail["sender"]) for mail in received)
        begun = {mail["thread"]: mail for mail in reversed(self.mails)}
        begun_now = [mail for mail in begun.values() if self._in(mail["at"])]
        theirs = sum(mail["direction"] == "in" for mail in begun_now)
        said = [turn.side for turn in self.turns if self._in(turn.at)]
        touched = self._touched(sent)
        return {
            "inbound_volume": self._per_risk(len(received), "in", 30),
            "outbound_volume": self._per_risk(len(sent), "out", 30),
            "active_days": self._per_risk(len(days), "in", 0),
            "contacts_writing": self._per_risk(len(writers), "in", 0),
            "top_contact_share": _share(max(writers.values(), default=0), len(received)),
            "initiation": _share(theirs, len(begun_now)),
            "reciprocity": _share(said.count("in"), len(said)),
            "touch_pressure": self._per_risk(len(touched), "touch", 30, len(set(touched))),
        }

    def _touched(self, sent: list[Row]) -> list[str]:
        """Return whom of theirs we wrote to, as often as we did."""
        reached = set()
        for mail in sent:
            for row in self.store.recipients:
                contact = self.store.contacts.get(row["address"])
                if row["message"] == mail["message"] and self.store.belongs(contact, self.customer):
                    reached.add((mail["message"], self.store.person(row["address"])))
        mailed = [pair["contact"] for pair in self._pairs() if pair["at"] >= self.start]
        return [person for _, person in reached] + mailed

    def _silence(self) -> dict[str, Answer]:
        received = self._mine("in")
        n, days = len(received), len({mail["at"] // DAY for mail in received})
        names = ("days_silent", "workdays_silent", "usual_gap", "silence", "silence_ahead")
        if not received:
            return dict.fromkeys(names, (None, 0, None))
        last, since = received[-1]["at"], self._since("in")
        assert since is not None
        gap = self.place.active(last, self.end) - self._paused(last)
        known = self.place.active(max(self.start, since), last)
        values = [(self.end - last) / DAY, gap * 5 / 7, None, None, self._silent_ahead()]
        if days >= 3:
            values[2] = known * 5 / 7 / (days - 1)
            values[3] = math.log10(((6.9 + known) / (6.9 + known + gap)) ** (1.6 + days))
        counts = (n, n, days, days, days)
        return {
            name: (value, count, None)
            for name, value, count in zip(names, values, counts, strict=True)
        }

    def writing(self) -> tuple[int, int, float, float] | None:
        """Return the days of writing after the beginning, all of them, and from the beginning the
        time to the last mail and to now; None: none came."""
        received, since = self._mine("in"), self._since("in")
        if not received or since is None:
            return None
        days = {mail["at"] // DAY for mail in received}
        begin, last = max(self.start, since), received[-1]["at"]
        known = self.place.active(begin, last)
        age = known + self.place.active(last, self.end) - self._paused(last)
        return len(days - {since // DAY}), len(days), known, age

    def _silent_ahead(self) -> float | None:
        """Return the probability that they write nothing in 90 average days."""
        if not (writing := self.writing()):
            return None
        (r, alpha, a, b), (x, days, last, age) = self.shared.rhythm, writing
        gone = a / (b + days - 1) * ((alpha + age) / (alpha + last)) ** (r + x)
        quiet = ((alpha + age) / (alpha + age + 90)) ** (r + x)
        return gone / (1 + gone) + quiet / (1 + gone)

    def _paused(self, last: int) -> float:
        """Return the activity of the newest absence since the last mail, as far as it has gone."""
        absence: tuple[int, int] | None = None
        for notice in sorted(self.store.notices, key=lambda notice: notice["at"]):
            if not self._tells_absence(notice):
                continue
            at = notice["at"]
            until = min(_seconds(notice["until"]) + DAY, at + 60 * DAY)
            if absence and at <= absence[1]:
                absence = (absence[0], max(absence[1], until))
            else:
                absence = (at, until)
        if absence is None:
            return 0.0
        begun, ended = max(last, absence[0]), min(self.end, absence[1])
        return self.place.active(begun, ended) if ended > begun else 0.0

    def _tells_absence(self, notice: Row) -> bool:
        """Tell whether a notice is a main contact's absence, told in time."""
        at = notice["at"]
        if notice["type"] != "absent" or not notice["until"]:
            return False
        if not self.shared.through - 400 * DAY <= at < self.end or _seconds(notice["until"]) <= at:
            return False
        contact = self.store.contacts.get(notice["sender"])
        theirs = self.store.belongs(contact, self.customer, at)
        return theirs and self._main(self.store.person(notice["sender"]), at)

    def _main(self, person: str, at: int) -> bool:
        """Tell whether somebody wrote half of the mail of the year before."""
        writers = [
            self.store.person(mail["sender"])
            for mail in self.mails
            if mail["direction"] == "in" and at - 365 * DAY <= mail["at"] < at
        ]
        return bool(writers) and 2 * writers.count(person) >= len(writers)

    # replies

    def _replies(self) -> dict[str, Answer]:
        wait, home = self.shared.wait, self.shared.home
        asked = [t for t in self.turns if t.side == "out" and not t.closing]
        asked = [turn for turn in asked if self._in(turn.at + wait)]
        there = [turn for turn in asked if turn.bounced >= self.end]
        sees_us = self._since("out") or NEVER
        theirs = [t for t in self.turns if t.side == "in" and t.at >= sees_us]
        theirs = [turn for turn in theirs if not turn.closing and not self._only_praise(turn)]
        due = [turn for turn in theirs if self._in(turn.at + wait)]
        now = [turn for turn in theirs if self._in(turn.at)]
        waiting = [turn for turn in now if turn.answer >= self.end]
        self.hours = {
            "response_hours": self._hours("out", self.place),
            "our_response_hours": self._hours("in", home),
        }
        waits = [max(60, home.worked(turn.at, self.end)) / 3600 for turn in waiting]
        return {
            "reply_rate": _share(sum(t.answer - t.at <= wait for t in there), len(there)),
            "our_reply_rate": _share(sum(t.answer - t.at <= wait for t in due), len(due)),
            "response_hours": _middle(self.hours["response_hours"]),
            "our_response_hours": _middle(self.hours["our_response_hours"]),
            "response_hours_all": self._half_answered(asked),
            "open_items": _count(len(waiting), len(now)),
            "oldest_open_hours": (max(waits, default=None), len(now), None),
        }

    def _only_praise(self, turn: Turn) -> bool:
        said = {row["label"] for row in self._read(turn.message) if row["task"] == "intent"}
        return said == {"praise"}

    def _read(self, message: str) -> list[Row]:
        """Return what the newest model read in a mail."""
        by = {mail["message"]: mail["read_by"] for mail in self.mails}
        return [row for row in self.store.annotations[message] if row["model"] == by[message]]

    def _hours(self, side: str, place: Place) -> list[float]:
        """Return the working hours that answers took which came in the cell."""
        return [
            max(60, place.worked(turn.at, turn.answer)) / 3600
            for turn in self.turns
            if turn.side == side and turn.answer - turn.at <= 30 * DAY and self._in(turn.answer)
        ]

    def _half_answered(self, asked: list[Turn]) -> Answer:
        """Return the working hours until half of the asks were answered."""
        hours = []
        for turn in asked:
            if turn.answer - turn.at <= self.shared.wait:
                hours.append(max(60, self.place.worked(turn.at, turn.answer)) / 3600)
            elif turn.bounced >= self.end:
                hours.append(math.inf)
        middle = median(hours) if hours else math.inf
        return (middle if middle < math.inf else None), len(hours), None

    # voice

    def _voice(self) -> dict[str, Answer]:
        tones: list[float] = []
        spoken: Counter[tuple[str, int]] = Counter()
        low: list[Row] = []
        read = again = 0
        counts: Counter[str] = Counter()
        surest: dict[str, float] = dict.fromkeys(INTENTS, 0.0)
        for mail in self.mails:
            rows = [r for r in self._read(mail["message"]) if r["task"] in ("sentiment", "intent")]
            if mail["direction"] == "out" or not rows:
                continue
            inside = mail["at"] >= self.start
            read += inside
            for row in rows:
                if row["task"] == "intent" and inside:
                    faded = row["value"] * 0.5 ** ((self.end - mail["at"]) / DAY / 45)
                    counts[row["label"]] += 1
                    surest[row["label"]] = max(surest[row["label"]], faded)
                elif row["task"] == "sentiment" and row["label"] != "unknown":
                    tone = round(row["value"] * 65536) / 65536
                    place = (mail["thread"], mail["at"] // DAY)
                    spoken[place] += 1
                    if spoken[place] <= 3 and inside:
                        tones.append(tone)
                    if tone < -0.5:
                        again += inside and any(
                            one["thread"] == mail["thread"] or mail["at"] - one["at"] <= 7 * DAY
                            for one in low
                        )
                        low.append(mail)
        mails = ("cancel", "complaint", "praise", "problem")
        return {
            "sentiment": (mean(tones) if tones else None, len(tones), None),
            "negative_episode": _count(again, read),
            **{f"{name}_mails": _count(counts[name], read) for name in mails},
            **{
                f"{name}_intent": (surest[name] if read else None, read, None)
                for name in INTENTS
                if name != "problem"
            },
        }

    def _surveys(self) -> dict[str, Answer]:
        said: dict[str, dict[int, list[float]]] = {"nps": {}, "csat": {}}
        for mail in self._mine("in"):
            for row in self._read(mail["message"]):
                if row["task"] in said:
                    said[row["task"]].setdefault(mail["at"], []).append(row["value"])
        for row in self._given():
            value = 5 * row["value"] / row["scale"] if row["kind"] == "csat" else row["value"]
            said[row["kind"]].setdefault(row["at"] + 10, []).append(value)
        nps, csat = said["nps"], [mean(values) for values in said["csat"].values()]
        asked = [
            row["value"] is not None and row["at"] <= row["asked_at"] + 14 * DAY
            for row in self.store.answers
            if row["asked_at"] is not None
            and self._in(row["asked_at"] + 14 * DAY)
            and self._of_mine(row["recipient"], row["asked_at"])
        ]
        return {
            "nps": (mean(nps[max(nps)]) if nps else None, len(nps), None),
            "csat": _share(sum(value >= 4 for value in csat), len(csat)),
            "survey_response": _share(sum(asked), len(asked)),
        }

    def _given(self) -> list[Row]:
        """Return the answers to surveys; of several within 10 seconds the last one."""
        given = [row for row in self.store.answers if row["value"] is not None]

        def again(row: Row, later: Row) -> bool:
            same = all(row[name] == later[name] for name in ("survey", "kind"))
            person = self.store.person(row["recipient"]) == self.store.person(later["recipient"])
            return same and person and later["at"] - row["at"] <= 10

        return [
            row
            for i, row in enumerate(given)
            if self._in(row["at"] + 10)
            and self._of_mine(row["recipient"], row["at"])
            and not any(again(row, later) for later in given[i + 1 :])
        ]

    def _of_mine(self, address: str, at: int) -> bool:
        return self.store.belongs(self.store.contacts.get(address), self.customer, at)

    # campaigns

    def _events(self) -> list[Row]:
        return [
            event
            for event in self.store.events
            if self.shared.through - 400 * DAY <= event["at"] < self.end
            and self._of_mine(event["recipient"], event["at"])
            and not _is_opt_out(event)
        ]

    def _pairs(self) -> list[Row]:
        events = defaultdict(list)
        for event in self._events():
            person = self.store.person(event["recipient"])
            events[person, event["campaign"] or event["reference"]].append(event)
        pairs = [_pair(contact, happened) for (contact, _), happened in events.items()]
        pairs = [pair for pair in pairs if pair["at"] < NEVER]
        for pair in pairs:
            earlier = [
                other
                for other in pairs
                if other["contact"] == pair["contact"]
                and pair["at"] - 180 * DAY <= other["at"] <= pair["at"] - DAY
            ]
            by_machine = sum(other["machine"] <= other["at"] + DAY for other in earlier)
            pair["proxied"] = len(earlier) >= 3 and 2 * by_machine >= len(earlier)
        return pairs

    def _left(self) -> tuple[set[str], set[str]]:
        """Return who left our campaigns in the cell, and who of them has not come back."""
        left, still = set(), set()
        for address, note, at in self._wishes():
            person = self.store.person(address)
            if note == "subscribed":
                still.discard(person)
            elif self._in(at):
                left.add(person)
                still.add(person)
        return left, still

    def _wishes(self) -> list[tuple[str, str, int]]:
        """Return who left or came back, and when, in the order in which it was said."""
        said = [
            (event["at"], (event["recipient"], note, at))
            for event in self._events()
            for note, at in _notes(event)
            if note in ("unsubscribed", "complained", "subscribed")
        ]
        said += [(at, (address, "left by mail", at)) for address, at in self._left_by_mail()]
        return [wish for _, wish in sorted(said, key=lambda each: each[0])]

    def _left_by_mail(self) -> list[tuple[str, int]]:
        """Return who asked for no more mail by mail, or is reported to call it spam, and when."""
        told = [(mail["recipient"], mail["at"]) for mail in self.store.leaving]
        for notice in self.store.notices:
            if notice["type"] == "complained":
                told += [(address, notice["at"]) for address in self._reporters(notice)]
        return [
            (address, at)
            for address, at in told
            if self.shared.through - 400 * DAY <= at < self.end and self._of_mine(address, at)
        ]

    def _reporters(self, notice: Row) -> set[str]:
        """Return who reported a mail as spam; hidden, the only one who had got it by then."""
        if notice["recipient"]:
            return {notice["recipient"]}
        got = {
            event["recipient"]
            for event in self.store.events
            if event["message_id"] and event["message_id"] == notice["original"]
            if event["at"] <= notice["at"]
        }
        return got if len(got) == 1 else set()

    def _campaigns(self) -> dict[str, Answer]:
        end = self.end
        pairs = [pair for pair in self._pairs() if self._in(pair["at"])]
        arrived = [pair for pair in pairs if pair["failed"] >= end]
        plain = [pair for pair in arrived if not pair["proxied"] and pair["machine"] >= end]
        looked = [pair for pair in plain if min(pair["opened"], pair["clicked"]) < end]
        opened = [pair for pair in pairs if min(pair["machine"], pair["opened"]) < end]
        left, still = self._left()
        people = {pair["contact"] for pair in pairs} | left

        def of(name: str, some: list[Row]) -> int:
            return sum(pair[name] < end for pair in some)

        return {
            "campaigns_delivered": _count(len(arrived), len(pairs)),
            "open_rate": _share(of("opened", plain), len(plain)),
            "open_rate_raw": _share(
                sum(min(p["machine"], p["opened"]) < end for p in arrived), len(arrived)
            ),
            "machine_open_share": _share(of("machine", pairs), len(opened)),
            "click_rate": _share(of("clicked", arrived), len(arrived)),
            "click_to_open": _share(of("clicked", looked), len(looked)),
            "unsubscribe_rate": _share(of("unsubscribed", arrived), len(arrived)),
            "unsubscribed_contacts": _share(len(still), len(people)),
            "bounce_rate": _share(of("failed", pairs), len(pairs)),
            "spam_complaints": _count(of("complained", arrived), len(arrived)),
            "complaint_rate": _share(of("complained", arrived), len(arrived)),
        }

    def _dead(self) -> dict[str, Answer]:
        """Return how many addresses came back for good, and whether the main one did."""
        returned = [
            (event["recipient"], event["at"])
            for event in self.store.events
            if event["type"] == "bounced" and event["bounce"] == "hard"
        ]
        returned += [
            (notice["recipient"], notice["at"])
            for notice in self.store.notices
            if notice["type"] == "bounced" and notice["bounce"] == "hard"
        ]
        dead = {
            (self.store.person(address), at)
            for address, at in returned
            if self._in(at) and self._of_mine(address, at)
        }
        main = [self._main(person, at) for person, at in dead]
        return {
            "dead_addresses": _count(len({person for person, _ in dead}), len(dead)),
            "main_contact_gone": (max(main, default=None), len(dead), None),
        }


def _pair(contact: str, happened: list[Row]) -> Row:
    """Return the first times of everything one campaign did at one contact."""
    notes = [note for event in happened for note in _notes(event)]

    def first(name: str) -> int:
        return min((at for noted, at in notes if noted == name), default=NEVER)

    soft, final = first("soft"), NEVER
    if soft < NEVER and first("arrived") > soft + 3 * DAY:
        final = soft + 3 * DAY
    names = ("at", "opened", "machine", "clicked", "unsubscribed", "complained")
    pair: Row = {name: first(name) for name in names}
    return {**pair, "contact": contact, "failed": min(first("hard"), final)}


def _notes(event: Row) -> list[tuple[str, int]]:
    """Return what one event is evidence of, and from when."""
    kind, at = event["type"], event["at"]
    hard = "hard" if event["bounce"] == "hard" else "soft"
    person = event["rules"] is None or event["verdict"] == 0
    return {
        "sent": [("at", at)],
        "deferred": [("at", at)],
        "delivered": [("at", at), ("arrived", at)],
        "bounced": [("at", at), (hard, at)],
        "dropped": [("soft", at)],
        "opened": [("at", at), ("arrived", at), ("opened" if person else "machine", at + 60)],
        "clicked": [("at", at), ("arrived", at)]
        + ([("opened", at + 60), ("clicked", at + 60)] if person else []),
        "unsubscribed": [("unsubscribed", at + 60)] if _wanted(event) else [],
    }.get(kind, [(kind, at)])


def _wanted(event: Row) -> bool:
    return bool(event["verdict"] != 1 and event["method"] != "GET")


def _is_opt_out(event: Row) -> bool:
    words = ("unsubscribe", "optout", "opt-out")
    return event["type"] == "clicked" and any(word in event["url"].lower() for word in words)


def _share(k: float, n: float) -> Answer:
    return (k / n if n else None), n, (k if n else 0)


def _count(k: int, n: int) -> Answer:
    return (k if n else None), n, k


def _middle(values: list[float]) -> Answer:
    return (median(values) if values else None), len(values), None


def _seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


class Suspicion:
    """The features that the rules of machines.toml ask of, by loops over all events."""

    def __init__(self, events: list[Row]) -> None:
        self.acts = [e for e in events if e["type"] in ("opened", "clicked", "unsubscribed")]
        self.handed = [e for e in events if e["exact"] and e["type"] in ("sent", "delivered")]
        self.clicks = [e for e in self.acts if e["type"] == "clicked" and e["url"]]

    def features(self, event: Row) -> Row:
        """Return the features of one act that need more than its own row."""
        at = event["at"]
        if not self._timed(event):
            company = []
        else:
            company = [e for e in self._mates(event) if self._timed(e)]
        if sum(e["type"] != "opened" for e in self._mates(event)) < 2:
            company = []
        return {
            "delay": self._delay(event),
            **{f"links_{s}s": self._best(company, at, s, _links) for s in (1, 3, 60)},
            "clicks_3s": self._best(company, at, 3, _clicks),
            "links_15m": _links(_between(company, at - 900, at + 60)) if company else None,
            "opt_out_among_others": _mixed(_between(company, at - 10, at + 10)),
            "campaign_links": self._campaign_links(event) if company else None,
            "neighbours": self._neighbours(event),
            **self._past(event),
            **self._gate(event),
            **self._habit(event),
            **self._read(event),
            "told": _told(event),
        }

    def _mates(self, event: Row) -> list[Row]:
        return [e for e in self.acts if _pair_of(e) == _pair_of(event)]

    def _handed(self, event: Row) -> int | None:
        before = [
            e for e in self.handed if _pair_of(e) == _pair_of(event) and e["at"] - 10 <= event["at"]
        ]
        last = max(before, key=lambda e: e["at"], default=None)
        near = last and event["at"] - last["at"] <= 30 * DAY
        return last["at"] if last and near else None

    def _timed(self, event: Row) -> bool:
        at, handed = event["at"], self._handed(event)
        if not event["exact"] or at % 60 or (handed is not None and handed % 60):
            return bool(event["exact"])
        return any(
            e["exact"] and e["at"] % 60 and at // 60 - 43200 <= e["at"] // 60 <= at // 60
            for e in self.acts
            if e["campaign"] == event["campaign"]
        )

    def _delay(self, event: Row) -> int | None:
        handed = self._handed(event)
        return event["at"] - handed if handed is not None and self._timed(event) else None

    @staticmethod
    def _best(company: list[Row], at: int, seconds: int, count: Any) -> int | None:
        starts = {e["at"] for e in company if at - seconds <= e["at"] <= at}
        counts = [count(_between(company, start, start + seconds)) for start in starts]
        return max(counts, default=None)

    def _campaign_links(self, event: Row) -> int | None:
        links = {
            e["url"]
            for e in self.clicks
            if e["campaign"] == event["campaign"]
            and e["at"] // (30 * DAY) == event["at"] // (30 * DAY)
            and e["at"] <= event["at"] + 60
        }
        return len(links) or None

    def _neighbours(self, event: Row) -> int | None:
        def near(e: Row) -> bool:
            return (
                e["type"] != "opened"
                and bool(e["ip"])
                and e["campaign"] == event["campaign"]
                and e["ip"].rpartition(".")[0] == event["ip"].rpartition(".")[0]
            )

        ever = [e for e in self.acts if near(e)]
        if not near(event) or not self._timed(event) or len({e["recipient"] for e in ever}) < 5:
            return None
        timed = [e for e in ever if self._timed(e)]
        return self._best(timed, event["at"], 60, lambda some: len({e["recipient"] for e in some}))

    def _past(self, event: Row) -> Row:
        names = ("campaign_opened", "opened")
        if event["type"] == "opened":
            return dict.fromkeys(names)
        at = event["at"]
        opens = [e for e in self.acts if e["type"] == "opened"]
        told = any(
            e["campaign"] == event["campaign"] and at // 60 - 43200 <= e["at"] // 60 <= at // 60
            for e in opens
        )
        opened = any(
            _pair_of(e) == _pair_of(event) and at - 90 * DAY <= e["at"] <= at + 60 for e in opens
        )
        return dict(zip(names, (told, opened), strict=True))

    def _gate(self, event: Row) -> Row:
        mails = self._mails(event, lambda mail: _gate_of(mail) == _gate_of(event))
        clicks = [
            [
                e
                for e in self._mates(mail)
                if e["type"] == "clicked" and e["exact"] and 0 <= e["at"] - mail["at"] <= 1800
            ]
            for mail in mails
        ]
        waits = [
            min(e["at"] for e in some) - mail["at"]
            for mail, some in zip(mails, clicks, strict=True)
            if _hurried(mail, some)
        ]
        return {
            "gate_mails": len(mails),
            "gate_clicked": sum(map(bool, clicks)),
            "gate_hurried": len(waits),
            "gate_wait": sum(waits) / len(waits) if waits else None,
        }

    def _mails(self, event: Row, mine: Any) -> list[Row]:
        """Mails of 180 days, of which all is known on the day of the event."""
        today = event["at"] // DAY
        mails = [
            mail
            for mail in self.handed
            if mine(mail)
            and today - 181 <= mail["at"] // DAY <= today - 2
            and not any(
                _pair_of(e) == _pair_of(mail) and e["at"] < mail["at"] <= e["at"] + DAY
                for e in self.handed
            )
        ]
        return list({(_pair_of(mail), mail["at"]): mail for mail in mails}.values())

    def _habit(self, event: Row) -> Row:
        names = [f"habit_{name}" for name in ("mails", "opened", "soon", "again", "read")]
        if event["type"] != "opened" or _told(event):
            return dict.fromkeys(names)
        counts = [0] * 5
        for mail in self._mails(event, lambda mail: mail["recipient"] == event["recipient"]):
            mates = [
                (e["at"] - mail["at"], e["type"])
                for e in self._mates(mail)
                if e["exact"] and (e["type"] == "clicked" or not _told(e))
            ]
            opens = [after for after, kind in mates if kind == "opened" and 0 <= after <= DAY]
            clicks = [after for after, kind in mates if kind == "clicked" and 900 < after <= DAY]
            late = [after for after in opens if after > 900]
            facts = (
                True,
                bool(opens),
                min(opens, default=DAY) <= 6 * 3600,
                bool(late) and max(late) - min(late) >= 60,
                any(click - 600 <= after <= click for click in clicks for after in opens),
            )
            counts = [count + fact for count, fact in zip(counts, facts, strict=True)]
        return dict(zip(names, counts, strict=True))

    def _read(self, event: Row) -> Row:
        if event["type"] != "opened" or _told(event) or not self._timed(event):
            return {"read": None, "again": None}
        at = event["at"]
        mates = [e for e in self._mates(event) if self._timed(e)]
        opens = [e for e in mates if e["type"] == "opened" and not _told(e)]
        return {
            "read": any(e["type"] == "clicked" and 0 <= e["at"] - at <= 60 for e in mates),
            "again": any(
                60 <= at - e["at"] <= 30 * DAY and (self._delay(e) or 0) > 900 for e in opens
            ),
        }


def _told(event: Row) -> bool:
    return bool(event["agent"]) or event["machine"] is not None


def _hurried(mail: Row, clicks: list[Row]) -> bool:
    links = [(e["at"], e["url"]) for e in clicks if e["url"]]
    seconds = any(e["at"] % 60 or mail["at"] % 60 for e in clicks)
    at_once = any(abs(a - b) <= 3 and one != other for a, one in links for b, other in links)
    return seconds and (at_once or len({url for _, url in links}) > 2)


def _pair_of(event: Row) -> tuple[str, str]:
    return event["campaign"], event["recipient"]


def _gate_of(event: Row) -> str:
    domain = str(event["recipient"]).rpartition("@")[2]
    return str(event["recipient"]) if domain == "gmail.com" else domain


def _between(some: list[Row], first: int, last: int) -> list[Row]:
    return [e for e in some if first <= e["at"] <= last]


def _links(some: list[Row]) -> int:
    return len({e["url"] for e in some if e["type"] == "clicked" and e["url"]})


def _clicks(some: list[Row]) -> int:
    return sum(e["type"] == "clicked" for e in some)


def _mixed(some: list[Row]) -> bool | None:
    known = {
        e["type"] == "unsubscribed" or "unsubscribe" in e["url"]
        for e in some
        if e["type"] == "unsubscribed" or (e["type"] == "clicked" and e["url"])
    }
    return len(known) == 2 if known else None
