"""Who the invented customers are: their place, size and habits, and the people who write."""

from dataclasses import dataclass

import numpy as np

from mailhealth.simulate.calendar import Calendar, Flags, Floats, Integers
from mailhealth.simulate.page import Constants

NEVER = 10**6  # a day that does not come
MONTH = 30.0


@dataclass(frozen=True, slots=True)
class People:
    """Customers (first axis) and their contacts (second axis); days count from the first told.

    Rates are per day: `own`, `problem` and `vendor` of conversations they or we begin.
    `touches` is what a contact gets of us in 30 days. A contact works there since the day `joins`;
    `present` and `away` say of each day, customer and contact whether they work there, and
    whether they are absent.
    """

    country: Integers
    segment: Integers
    owner: Integers
    revenue: Floats
    started: Integers
    hazard: Floats
    own: Floats
    problem: Floats
    vendor: Floats
    reply: Floats
    hours: Floats
    tone: Floats
    touches: Floats
    lists: Flags  # by customer and list
    gateway: Flags
    weight: Floats  # of each contact in their mail; 0: no such contact
    subscribed: Flags
    apple: Flags
    blocked: Flags
    opens: Floats
    clicks: Floats
    joins: Integers
    present: Flags
    away: Flags
    absences: Integers  # rows: customer, contact, first day, day after the last

    def __len__(self) -> int:
        return len(self.country)


def people(c: Constants, count: int, calendar: Calendar, rng: np.random.Generator) -> People:
    """Invent so many customers."""
    size = (count, c["customers"]["contacts"][1])
    segment = _drawn(c["segment"], count, rng)
    country = _drawn(c["country"], count, rng)
    weight = _weights(c, size, rng)
    lists = np.stack([rng.random(count) < each["share"] for each in c["list"].values()], axis=1)
    subscribed = (rng.random(size) < c["campaign"]["subscribed"]) & (weight > 0)
    rates, campaigns = _rates(c, segment, rng), _campaigns(c, lists, subscribed)
    joins = _joins(c, size, calendar.days, rng)
    present = _present(c, weight, joins, calendar.days, rng=rng)
    absences = _absences(c, weight, calendar.days, rng)
    return People(
        country=country,
        segment=segment,
        owner=rng.integers(len(c["ours"]["owners"]), size=count),
        revenue=_revenue(c, segment, rng),
        started=_started(c, count, calendar.days, rng),
        hazard=_by_segment(c, "hazard")[segment],
        **rates,
        reply=rng.normal(c["mail"]["reply"], c["mail"]["reply_spread"], count),
        hours=np.exp(rng.normal(0, c["mail"]["hours_customer"], count)),
        tone=rng.normal(c["words"]["tone"], c["words"]["tone_spread"], count),
        touches=(rates["vendor"] * MONTH + campaigns) / (weight > 0).sum(axis=1),
        lists=lists,
        gateway=rng.random(count) < c["campaign"]["gateway"],
        weight=weight,
        subscribed=subscribed,
        apple=rng.random(size) < c["campaign"]["apple"],
        blocked=rng.random(size) < c["campaign"]["blocked"],
        opens=rng.normal(c["campaign"]["open"], c["campaign"]["open_spread"], size),
        clicks=rng.normal(c["campaign"]["click"], c["campaign"]["click_spread"], size),
        joins=joins,
        present=present,
        away=_away(absences, present.shape),
        absences=absences,
    )


def _drawn(tables: Constants, count: int, rng: np.random.Generator) -> Integers:
    """Draw tables (segments, countries) by their shares."""
    shares = np.array([table["share"] for table in tables.values()])
    return rng.choice(len(shares), size=count, p=shares / shares.sum())


def _by_segment(c: Constants, key: str) -> Floats:
    return np.array([segment[key] for segment in c["segment"].values()], dtype=np.float64)


def _revenue(c: Constants, segment: Integers, rng: np.random.Generator) -> Floats:
    spread = np.exp(rng.normal(0, c["revenue"]["spread"], len(segment)))
    found: Floats = np.round(_by_segment(c, "revenue")[segment] * spread, -2)
    return found


def _started(c: Constants, count: int, days: int, rng: np.random.Generator) -> Integers:
    """Most were customers before the first day, others come until a tenth before the end."""
    before = -1 - rng.exponential(c["customers"]["tenure"], count).astype(np.int64)
    new = rng.random(count) < c["customers"]["new"]
    return np.where(new, (rng.random(count) * days * 0.9).astype(np.int64), before)


def _rates(c: Constants, segment: Integers, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw how often conversations begin, a day, with customers' own base rates (log-normal)."""
    mail, volume = c["mail"], _by_segment(c, "volume")[segment]
    rates = {}
    for kind in ("own", "problem", "vendor"):
        level = np.exp(rng.normal(0, mail["spread"], len(segment)))
        rates[kind] = mail[kind] / MONTH * level * volume
    return rates


def _weights(c: Constants, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Share a customer's mail among its contacts: Zipf's law over their places."""
    places = np.arange(1, size[1] + 1)
    contacts = rng.integers(c["customers"]["contacts"][0], size[1] + 1, size[0])
    weight = np.where(places <= contacts[:, None], places ** -c["customers"]["contact_share"], 0.0)
    shared: Floats = weight / weight.sum(axis=1, keepdims=True)
    return shared


def _campaigns(c: Constants, lists: Flags, subscribed: Flags) -> Floats:
    """Return how many mails of campaigns a customer's people get in 30 days."""
    every = np.array([each["every"] for each in c["list"].values()])
    campaigns: Floats = (lists * MONTH / every).sum(axis=1) * subscribed.sum(axis=1)
    return campaigns


def _joins(c: Constants, size: tuple[int, int], days: int, rng: np.random.Generator) -> Integers:
    """Say since which day each contact works there; the first two have always been."""
    later = rng.random(size) < c["customers"]["joins"]
    later[:, :2] = False
    return np.where(later, (rng.random(size) * days).astype(np.int64), -1)


def _present(
    c: Constants, weight: Floats, joins: Integers, days: int, *, rng: np.random.Generator
) -> Flags:
    """Say who works there on which day; the second contact stays, so that somebody does."""
    leaves = rng.exponential(365 / c["customers"]["leaves"], weight.shape)
    leaves[:, 1] = NEVER
    day = np.arange(days)[:, None, None]
    found: Flags = (day >= joins) & (day < leaves) & (weight > 0)
    return found


def _absences(c: Constants, weight: Floats, days: int, rng: np.random.Generator) -> Integers:
    """Draw who is absent from when until when."""
    each = rng.poisson(c["customers"]["absences"] * days / 365, weight.shape) * (weight > 0)
    customer, contact = (
        np.repeat(place, each.ravel()) for place in np.indices(each.shape).reshape(2, -1)
    )
    begin = rng.integers(0, days, len(customer))
    least, most = c["customers"]["absent"]
    end = np.minimum(begin + rng.integers(least, most + 1, len(customer)), days)
    return np.stack([customer, contact, begin, end], axis=1)


def _away(absences: Integers, shape: tuple[int, ...]) -> Flags:
    """Mark the days of absences, by day, customer and contact."""
    steps = np.zeros((shape[0] + 1, *shape[1:]), dtype=np.int8)
    customer, contact, begin, end = absences.T
    np.add.at(steps, (begin, customer, contact), 1)
    np.add.at(steps, (end, customer, contact), -1)
    away: Flags = np.cumsum(steps[:-1], axis=0, dtype=np.int8) > 0
    return away
