"""Surveys: whoever is unhappy answers less often, and worse."""

from dataclasses import dataclass

import numpy as np

from mailhealth.simulate.calendar import DAY, Floats, Integers
from mailhealth.simulate.mail import Scene


@dataclass(frozen=True, slots=True)
class Surveys:
    """One question to the first contact of a customer: when, and what was answered (NaN: not)."""

    customer: Integers
    asked: Integers
    at: Integers
    value: Floats


def surveys(scene: Scene, rng: np.random.Generator) -> Surveys:
    """Ask every customer every so many days."""
    s = scene.constants["survey"]
    day, customer = _asked(scene, rng)
    health = scene.life.shown[day, customer]
    logit = s["answer"] + s["answer_slope"] * health
    answered = rng.random(len(day)) < 1 / (1 + np.exp(-logit))
    country = scene.people.country[customer]
    asked = scene.calendar.during(day, country, rng)
    at = asked + 60 + (rng.exponential(s["delay"], len(day)) * DAY).astype(np.int64)
    answered &= (at < scene.calendar.end) & (scene.calendar.day(at) < scene.life.ended[customer])
    said = np.round(s["nps"] + s["nps_slope"] * health + rng.normal(0, s["nps_spread"], len(day)))
    value = np.where(answered, np.clip(said, 0, 10), np.nan)
    known = asked < scene.calendar.end
    at = np.where(answered, at, asked)
    return Surveys(customer[known], asked[known], at[known], value[known])


def _asked(scene: Scene, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return the days and customers of all questions."""
    every, days = scene.constants["survey"]["every"], scene.calendar.days
    since = rng.integers(0, every, len(scene.people))
    due = since + every * np.arange(days // every + 1)[:, None]
    there = (due < days) & (due >= scene.people.started) & (due < scene.life.ended)
    present = scene.people.present[np.minimum(due, days - 1), np.arange(len(since)), 0]
    turn, customer = np.nonzero(there & present)
    return due[turn, customer], customer
