"""Conversations: who writes to whom and when, as health lets them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from mailhealth.simulate.calendar import DAY, Calendar, Flags, Floats, Integers
from mailhealth.simulate.life import Life
from mailhealth.simulate.page import Constants
from mailhealth.simulate.people import NEVER, People

OWN, PROBLEM, VENDOR, CANCEL = 0, 1, 2, 3
ORIGINS = ("own", "problem", "vendor", "cancel")  # what a conversation began with
NOBODY = -1


@dataclass(frozen=True, slots=True)
class Mails:
    """One mail a place, oldest first: `at` in seconds, `contact` by place among the customer's.

    `inbound` is mail to us, `asks` ours that waits for an answer, `first` begins a
    conversation, whose number is `thread` and whose origin one of ORIGINS.
    """

    customer: Integers
    contact: Integers
    at: Integers
    inbound: Flags
    asks: Flags
    first: Flags
    thread: Integers
    origin: Integers

    def __len__(self) -> int:
        return len(self.at)

    def only(self, which: Flags | Integers) -> "Mails":
        """Return some of them."""
        return Mails(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Scene:
    """All that mail depends on."""

    constants: Constants
    calendar: Calendar
    people: People
    life: Life


def mails(scene: Scene, rng: np.random.Generator, volume: Floats | float = 1.0) -> Mails:
    """Tell all the mail; `volume` multiplies how often conversations begin."""
    rounds = [_first(scene, rng, volume)]
    for _ in range(scene.constants["mail"]["rounds"]):
        if not len(rounds[-1]):
            break
        rounds.append(_next(scene, rounds[-1], rng))
    told = _joined(rounds)
    return told.only(np.lexsort((told.thread, told.at)))


def _joined(some: list[Mails]) -> Mails:
    columns = (np.concatenate([getattr(each, f.name) for each in some]) for f in fields(Mails))
    return Mails(*columns)


def _first(scene: Scene, rng: np.random.Generator, volume: Floats | float) -> Mails:
    """Begin conversations: of their own accord, about problems, by us, to cancel."""
    begun = [(origin, *_poisson(scene, rate * volume, rng)) for origin, rate in _rates(scene)]
    begun.append((CANCEL, *_cancels(scene, rng)))
    origin = np.concatenate([np.full(len(day), kind) for kind, day, _ in begun])
    day = np.concatenate([day for _, day, _ in begun])
    customer = np.concatenate([customer for _, _, customer in begun])
    inbound = origin != VENDOR
    found = Mails(
        customer=customer,
        contact=np.full(len(day), NOBODY),
        at=scene.calendar.during(day, scene.people.country[customer], rng),
        inbound=inbound,
        asks=~inbound & (rng.random(len(day)) < scene.constants["mail"]["ask"]),
        first=np.ones(len(day), dtype=bool),
        thread=np.arange(len(day)),
        origin=origin,
    )
    return _real(scene, found, rng)


def _rates(scene: Scene) -> Iterator[tuple[int, Floats]]:
    """Yield each origin's rate by day and customer, but for the volume."""
    mail, after, people = scene.constants["mail"], scene.constants["after"], scene.people
    health, gone = scene.life.shown, _decided(scene)
    yield OWN, people.own * np.exp(mail["own_slope"] * health) * np.where(gone, after["own"], 1.0)
    problem = people.problem * np.exp(mail["problem_slope"] * health)
    yield PROBLEM, problem * np.where(gone, after["problem"], 1.0)
    yield VENDOR, np.broadcast_to(people.vendor, health.shape)


def _decided(scene: Scene) -> Flags:
    """Say of each day and customer whether the decision to leave is taken."""
    found: Flags = np.arange(scene.calendar.days)[:, None] >= scene.life.decided
    return found


def _poisson(scene: Scene, rate: Floats, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Draw the days and customers of events with a rate, as busy as the calendar is."""
    days = np.arange(scene.calendar.days)
    busy = scene.calendar.activity[days][:, scene.people.country]
    alive = (days[:, None] >= scene.people.started) & (days[:, None] < scene.life.ended)
    count = rng.poisson(rate * busy * alive)
    day, customer = np.nonzero(count)
    times = count[day, customer]
    return np.repeat(day, times), np.repeat(customer, times)


def _cancels(scene: Scene, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Some of those who have decided to leave write so, before the formal end."""
    after, life = scene.constants["after"], scene.life
    share = rng.random(len(scene.people)) * after["cancel_by"]
    speaks = rng.random(len(scene.people)) < after["cancel"]
    day = life.decided + (share * (life.ended - life.decided)).astype(np.int64)
    customer = np.flatnonzero(speaks & (life.decided < NEVER) & (day < scene.calendar.days))
    return day[customer], customer


def _next(scene: Scene, before: Mails, rng: np.random.Generator) -> Mails:
    """Answer the mails of one turn: we theirs, they those of ours that ask."""
    chance = np.where(before.inbound, scene.constants["mail"]["answered"], 0.0)
    asked = before.asks
    chance[asked] = _reply_chance(scene, before.only(asked))
    answered = before.only(rng.random(len(before)) < chance)
    inbound = ~answered.inbound
    stays = rng.random(len(answered)) < scene.constants["mail"]["addressed"]
    asks = ~inbound & (rng.random(len(answered)) < scene.constants["mail"]["asked_back"])
    found = replace(
        answered,
        contact=np.where(stays | ~inbound, answered.contact, NOBODY),
        at=_reply_times(scene, answered, rng),
        inbound=inbound,
        asks=asks,
        first=np.zeros(len(answered), dtype=bool),
    )
    return _real(scene, found, rng)


def _reply_chance(scene: Scene, asks: Mails) -> Floats:
    """Return the probability that each of our mails is answered."""
    mail, people = scene.constants["mail"], scene.people
    day = scene.calendar.day(asks.at)
    tired = mail["fatigue"] * np.maximum(
        np.log(people.touches / scene.constants["health"]["touches"][1]), 0
    )
    logit = (people.reply - tired)[asks.customer]
    logit = logit + mail["reply_slope"] * scene.life.shown[day, asks.customer]
    gone = day >= scene.life.decided[asks.customer]
    chance: Floats = np.where(gone, scene.constants["after"]["reply"], 1.0) / (1 + np.exp(-logit))
    return chance


def _reply_times(scene: Scene, answered: Mails, rng: np.random.Generator) -> Integers:
    """Log-normal delays in working hours, theirs and ours."""
    mail, people = scene.constants["mail"], scene.people
    normal = rng.normal(size=len(answered))
    shown = scene.life.shown[scene.calendar.day(answered.at), answered.customer]
    theirs = mail["hours"] * people.hours[answered.customer]
    theirs = theirs * np.exp(mail["hours_slope"] * shown + mail["hours_spread"] * normal)
    ours = mail["our_hours"] * np.exp(mail["our_spread"] * normal)
    hours = np.where(answered.inbound, ours, theirs)
    return scene.calendar.later(answered.at, hours, people.country[answered.customer])


def _real(scene: Scene, told: Mails, rng: np.random.Generator) -> Mails:
    """Find out who writes or is written to; nobody there, no mail, and none after the end."""
    told = told.only(told.at < _over(scene)[told.customer])
    told = told.only(told.at >= scene.calendar.start * DAY)
    chances = scene.people.weight[told.customer] * _there(scene, told)
    named = told.contact != NOBODY
    chances[named] *= np.arange(chances.shape[1]) == told.contact[named, None]
    reach = chances.cumsum(axis=1)
    pick = (rng.random(len(told))[:, None] * reach[:, -1:] >= reach).sum(axis=1)
    found = replace(told, contact=pick)
    return found.only(reach[:, -1] > 0)


def _over(scene: Scene) -> Integers:
    """Return, by customer, the first second in which there is no mail any more."""
    ended = (scene.calendar.start + scene.life.ended) * DAY
    return np.minimum(ended, scene.calendar.end)


def _there(scene: Scene, told: Mails) -> Flags:
    """Say which contacts can write each mail, or, present or absent, be written to."""
    day = scene.calendar.day(told.at)
    present = scene.people.present[day, told.customer]
    away = scene.people.away[day, told.customer]
    found: Flags = present & ~(away & told.inbound[:, None])
    return found


def absences(scene: Scene, told: Mails) -> tuple[Integers, Integers]:
    """Find our mails that an out-of-office answers, and the absence (row) that each one tells.

    One answer an absence, as answering machines do.
    """
    people, calendar = scene.people, scene.calendar
    ours = np.flatnonzero(~told.inbound)
    day, customer, contact = calendar.day(told.at[ours]), told.customer[ours], told.contact[ours]
    ours = ours[people.away[day, customer, contact]]
    size: Any = people.weight.shape
    place = np.ravel_multi_index((told.customer[ours], told.contact[ours]), size)
    mine = np.ravel_multi_index((people.absences[:, 0], people.absences[:, 1]), size)
    order = np.lexsort((people.absences[:, 2], mine))
    since = (mine * (calendar.days + 1) + people.absences[:, 2])[order]
    key = place * (calendar.days + 1) + calendar.day(told.at[ours])
    absence = order[np.searchsorted(since, key, "right") - 1]
    told_before_end = np.flatnonzero(people.absences[absence, 3] > calendar.day(told.at[ours]))
    found, first = np.unique(absence[told_before_end], return_index=True)
    return ours[told_before_end[first]], found
