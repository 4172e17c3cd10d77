"""Campaigns: to whom they went, and what people, proxies and scanners did with them."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from mailhealth.simulate.calendar import DAY, Flags, Floats, Integers
from mailhealth.simulate.mail import Scene

TYPES = ("sent", "delivered", "bounced", "opened", "clicked", "unsubscribed", "complained")
SENT, DELIVERED, BOUNCED, OPENED, CLICKED, UNSUBSCRIBED, COMPLAINED = range(len(TYPES))
HARD, SOFT = 1, 2
_SENDING = 3600  # seconds a campaign takes to go out


class Campaign(NamedTuple):
    """One mailing: which list it goes to, on which day, its number on that list."""

    list: int
    day: int
    number: int


@dataclass(frozen=True, slots=True)
class Events:
    """One event a place: of a campaign (place), at a contact of a customer.

    `machine`: 1 where the platform says so. `bounce`: HARD, SOFT or 0. `link`: of a click, from 0.
    """

    campaign: Integers
    customer: Integers
    contact: Integers
    type: Integers
    at: Integers
    machine: Integers
    bounce: Integers
    link: Integers

    def __len__(self) -> int:
        return len(self.at)

    def only(self, which: Flags | Integers) -> "Events":
        """Return some of them."""
        return Events(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class _Landing:
    """What one campaign meets: the people it is sent to, where they are, when it arrives."""

    scene: Scene
    campaign: int
    customer: Integers
    contact: Integers
    health: Floats
    at: Integers
    rng: np.random.Generator

    def events(self, type: int, which: Flags, at: Integers, **more: int) -> tuple[Integers, ...]:
        """Tell an event of some of the people, `at` being of all of them."""
        places = np.flatnonzero(which)
        full = [np.full(len(places), each) for each in (self.campaign, type)]
        rest = [np.full(len(places), more.get(key, 0)) for key in ("machine", "bounce", "link")]
        return (full[0], self.customer[places], self.contact[places], full[1], at[places], *rest)

    def chance(self, logit: Floats | float) -> Flags:
        """Draw for everybody by the logarithm of the odds."""
        found: Flags = self.rng.random(len(self.at)) < 1 / (1 + np.exp(-logit))
        return found


def plan(scene: Scene, frequency: float = 1.0) -> list[Campaign]:
    """List the campaigns, oldest first; `frequency` multiplies how often they go out."""
    days = scene.calendar.days
    campaigns = [
        Campaign(place, int(day), number)
        for place, each in enumerate(scene.constants["list"].values())
        for number, day in enumerate(np.arange(place + 1, days, each["every"] / frequency))
    ]
    return sorted(campaigns, key=lambda each: (each.day, each.list, each.number))


def events(scene: Scene, campaigns: list[Campaign], rng: np.random.Generator) -> Events:
    """Send the campaigns, one after the other: who has left a list gets no more of them."""
    listed = scene.people.subscribed.copy()
    rows = [
        row for i, each in enumerate(campaigns) for row in _sent(scene, i, each, listed, rng=rng)
    ]
    found = Events(*(np.concatenate(column) for column in zip(*rows, strict=True)))
    ended = (scene.calendar.start + scene.life.ended[found.customer]) * DAY
    told = found.only(found.at < np.minimum(ended, scene.calendar.end))
    return told.only(np.argsort(told.at, kind="stable"))


def _sent(
    scene: Scene, number: int, campaign: Campaign, listed: Flags, *, rng: np.random.Generator
) -> Iterator[tuple[Integers, ...]]:
    """Send one campaign; `listed` loses whoever unsubscribes, complains or is gone."""
    people, day = scene.people, campaign.day
    ours = people.lists[:, campaign.list] & (people.started <= day) & (scene.life.ended > day)
    customer, contact = np.nonzero(listed & ours[:, None] & (people.joins <= day))
    begin = scene.calendar.midnight[day, people.country[customer]] + 8 * 3600
    at = begin + rng.integers(0, _SENDING, len(customer))
    at = np.where(at < scene.calendar.end, at, scene.calendar.end)
    health = scene.life.shown[day, customer]
    landing = _Landing(scene, number, customer, contact, health, at, rng)
    there = people.present[day, customer, contact]
    soft = rng.random(len(at)) < scene.constants["campaign"]["soft"]
    yield landing.events(SENT, np.ones(len(at), dtype=bool), at)
    yield landing.events(BOUNCED, ~there, at + 4, bounce=HARD)
    yield landing.events(BOUNCED, there & soft, at + 4, bounce=SOFT)
    arrived, there = at + rng.integers(2, 30, len(at)), there & ~soft
    yield landing.events(DELIVERED, there, arrived)
    yield from _machines(landing, there, arrived)
    leaves = yield from _read(landing, there, arrived)
    gone = leaves | ~people.present[day, customer, contact]
    listed[customer[gone], contact[gone]] = False


def _machines(landing: _Landing, there: Flags, arrived: Integers) -> Iterator[tuple[Integers, ...]]:
    """Proxies that fetch pictures, and scanners that follow every link within seconds."""
    c, people, rng = landing.scene.constants["campaign"], landing.scene.people, landing.rng
    size = len(arrived)
    apple = people.apple[landing.customer, landing.contact] & there
    fetched = arrived + (rng.lognormal(6, 2, size)).astype(np.int64) % DAY
    yield landing.events(OPENED, apple & (rng.random(size) < c["fetched"]), fetched, machine=1)
    scanned = people.gateway[landing.customer] & there & (rng.random(size) < c["scanned"])
    looked = arrived + rng.integers(1, 6, size)
    for link in range(c["links"]):
        yield landing.events(CLICKED, scanned, looked + link // 2, link=link)


def _read(
    landing: _Landing, there: Flags, arrived: Integers
) -> Generator[tuple[Integers, ...], None, Flags]:
    """People open, click and leave lists; a proxy or blocked pictures hide that they open.

    Returns who gets no more campaigns.
    """
    c, people, rng = landing.scene.constants["campaign"], landing.scene.people, landing.rng
    place = (landing.customer, landing.contact)
    at = _office(landing, arrived)
    opens = there & landing.chance(people.opens[place] + c["open_slope"] * landing.health)
    hidden = people.apple[place] | people.blocked[place]
    yield landing.events(OPENED, opens & ~hidden, at)
    clicks = opens & landing.chance(people.clicks[place] + c["click_slope"] * landing.health)
    clicked = at + rng.integers(20, 300, len(at))
    link = rng.integers(0, c["links"], len(at))
    for each in range(c["links"]):
        yield landing.events(CLICKED, clicks & (link == each), clicked, link=each)
    leaves = there & landing.chance(c["unsubscribe"] + c["unsubscribe_slope"] * landing.health)
    spam = there & ~leaves & landing.chance(c["complain"])
    yield landing.events(UNSUBSCRIBED, leaves, at + 400)
    yield landing.events(COMPLAINED, spam, at + 400)
    return leaves | spam


def _office(landing: _Landing, arrived: Integers) -> Integers:
    """People come to read their campaigns in the working hours after they arrived."""
    country = landing.scene.people.country[landing.customer]
    hours = landing.rng.lognormal(0.5, 1.2, len(arrived))
    return landing.scene.calendar.later(arrived, hours, country)
