"""A world told from its beginning: the scene, then everything that happens in it."""

import math
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from mailhealth.simulate import campaigns as mailings
from mailhealth.simulate.calendar import Floats, calendar
from mailhealth.simulate.life import live
from mailhealth.simulate.mail import Mails, Scene, mails
from mailhealth.simulate.page import changed, constants
from mailhealth.simulate.people import people
from mailhealth.simulate.surveys import Surveys, surveys
from mailhealth.simulate.words import Words, words

# Each part has a stream of chance of its own: more mail does not change who the customers are.
_STREAMS = ("people", "life", "mails", "words", "surveys", "campaigns", "scale")


@dataclass(frozen=True, slots=True)
class World:
    """Everything that happened, as arrays; `scene` has the constants, the people, their life."""

    name: str
    seed: int
    scene: Scene
    mails: Mails
    words: Words
    surveys: Surveys
    campaigns: list[mailings.Campaign]
    events: mailings.Events


def scene(name: str, customers: int, days: int, *, seed: int, end: date) -> Scene:
    """Lay out the calendar, invent the customers, and let them live."""
    c = constants(name)
    when = calendar(c, end, days)
    who = people(c, customers, when, _chance(seed, "people"))
    return Scene(c, when, who, live(c, who, days, _chance(seed, "life")))


def told(
    name: str, where: Scene, seed: int, *, volume: Floats | float = 1.0, frequency: float = 1.0
) -> World:
    """Tell what happens in a scene; `volume` multiplies mail, `frequency` campaigns."""
    written = mails(where, _chance(seed, "mails"), volume)
    planned = mailings.plan(where, frequency)
    return World(
        name,
        seed,
        where,
        written,
        words(where, written, _chance(seed, "words")),
        surveys(where, _chance(seed, "surveys")),
        planned,
        mailings.events(_patient(where, frequency), planned, _chance(seed, "campaigns")),
    )


def scaled(
    name: str, where: Scene, seed: int, *, messages: int | None, events: int | None
) -> World:
    """Tell a world with about so many messages and events; None: as many as there are."""
    volume = 1.0 if messages is None else _zipf(where, seed)
    once = told(name, where, seed, volume=volume)
    more = 1.0 if messages is None else messages / max(len(once.mails), 1)
    often = 1.0 if events is None else events / max(len(once.events), 1)
    return told(name, where, seed, volume=volume * more, frequency=often)


def _zipf(where: Scene, seed: int) -> Floats:
    """Weigh customers by Zipf's law, in an order of chance; the mean is 1."""
    ranks = 1 + _chance(seed, "scale").permutation(len(where.people))
    weight = ranks.astype(np.float64) ** -where.constants["scale"]["zipf"]
    found: Floats = weight / weight.mean()
    return found


def _patient(where: Scene, frequency: float) -> Scene:
    """With more campaigns, people leave lists as often a year as before."""
    rare = ("unsubscribe", "complain")
    campaign = where.constants["campaign"]
    calmer = {key: campaign[key] - math.log(frequency) for key in rare}
    return replace(where, constants=changed(where.constants, {"campaign": calmer}))


def _chance(seed: int, stream: str) -> np.random.Generator:
    return np.random.default_rng([seed, _STREAMS.index(stream)])
