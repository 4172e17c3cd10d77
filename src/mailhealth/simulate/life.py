"""The health that nobody sees, and who leaves because of it."""

from dataclasses import dataclass

import numpy as np

from mailhealth.simulate.calendar import Flags, Floats, Integers
from mailhealth.simulate.page import Constants
from mailhealth.simulate.people import NEVER, People

YEAR = 365.0
_BEFORE = 400  # days of shocks before the first one told


@dataclass(frozen=True, slots=True)
class Life:
    """What becomes of each customer; days count from the first told, NEVER has not come.

    `health` (days, customers) decides who leaves, `shown` is what their mail shows of it: the
    same but in a world whose mail tells nothing.
    """

    health: Floats
    shown: Floats
    decided: Integers
    ended: Integers


def live(c: Constants, people: People, days: int, rng: np.random.Generator) -> Life:
    """Let the customers live for so many days."""
    health = _health(c, people, days, rng)
    shown = health if c["health"]["shows"] else _health(c, people, days, rng)
    decided = _decided(c, people, health, rng)
    least, most = c["churn"]["ends_after"]
    lag = rng.integers(least, most + 1, len(people))
    return Life(health, shown, decided, np.where(decided < NEVER, decided + lag, NEVER))


def customer_on(life: Life, people: People, day: Integers | int) -> Flags:
    """Say who is a customer on a day: started, and not ended yet."""
    found: Flags = (people.started <= day) & (life.ended > day)
    return found


def _health(c: Constants, people: People, days: int, rng: np.random.Generator) -> Floats:
    """h = mu + Ornstein-Uhlenbeck + shocks, where mu is less with too many or too few touches."""
    h, count = c["health"], len(people)
    mu = rng.normal(h["mean"], h["spread"], count)
    mu -= h["touch"] * strain(people.touches, h["touches"])
    keeps, heals = 0.5 ** (1 / h["wander_halves"]), 0.5 ** (1 / h["shock_halves"])
    pushes = h["wander"] * np.sqrt(1 - keeps**2)
    wander, hurt = rng.normal(0, h["wander"], count), np.zeros(count)
    health = np.empty((days, count))
    for day in range(-_BEFORE, days):
        struck = rng.random(count) < h["shocks"] / YEAR
        hurt = hurt * heals + struck * (h["shock"] + rng.exponential(h["shock_more"], count))
        if day >= 0:
            wander = wander * keeps + rng.normal(0, pushes, count)
            health[day] = mu + wander - hurt
    return health


def strain(touches: Floats, band: tuple[float, float]) -> Floats:
    """Return 0 inside a band of touches, 1 at four times too many or too few."""
    outside = np.maximum(np.log(band[0] / touches), np.log(touches / band[1]))
    found: Floats = np.clip(outside / np.log(4), 0, 1)
    return found


def _decided(c: Constants, people: People, health: Floats, rng: np.random.Generator) -> Integers:
    """Draw the day on which each customer decides to leave."""
    hazard = c["churn"]["hazard"] * np.exp(-c["churn"]["slope"] * health) + c["churn"]["unseen"]
    leaves = rng.random(health.shape) < -np.expm1(-hazard * people.hazard / YEAR)
    leaves &= np.arange(len(health))[:, None] >= people.started
    return np.where(leaves.any(axis=0), leaves.argmax(axis=0), NEVER)
