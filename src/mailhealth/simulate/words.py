"""What is read in the customers' mails: tone and intents, as well as a model reads them."""

from dataclasses import dataclass

import numpy as np

from mailhealth.simulate.calendar import Flags, Floats, Integers
from mailhealth.simulate.mail import CANCEL, PROBLEM, Mails, Scene

INTENTS = ("cancel", "complaint", "problem", "praise", "question")


@dataclass(frozen=True, slots=True)
class Words:
    """Of some mails (places in `Mails`): the score of their tone, and the intents read in them.

    `intent` is a place in INTENTS for each row of `read` (a place in `mail`), `sure` the
    probability that the model gives.
    """

    mail: Integers
    score: Floats
    read: Integers
    intent: Integers
    sure: Floats


def words(scene: Scene, told: Mails, rng: np.random.Generator) -> Words:
    """Read all mails to us."""
    mine = np.flatnonzero(told.inbound)
    mails = told.only(mine)
    day = scene.calendar.day(mails.at)
    health = scene.life.shown[day, mails.customer]
    gone = day >= scene.life.decided[mails.customer]
    score = _score(scene, mails, health, gone, rng=rng)
    meant = _meant(scene, mails, health, gone, rng=rng)
    read, intent = _read(scene, meant, rng)
    sure = 1 - 0.5 * rng.beta(1, 3, len(read))
    return Words(mine, score, read, intent, sure)


def _score(
    scene: Scene, mails: Mails, health: Floats, gone: Flags, *, rng: np.random.Generator
) -> Floats:
    """Tone = kappa + slope h + what the mail is about + noise + the classifier's error."""
    w, after = scene.constants["words"], scene.constants["after"]
    seen = w["tone_slope"] * np.where(gone, after["tone_seen"], 1.0) * health
    about = w["tone_problem"] * (mails.origin == PROBLEM) + w["cancel_tone"] * _cancels(mails)
    error = rng.normal(0, np.hypot(w["noise"], w["classifier"]), len(mails))
    tone = scene.people.tone[mails.customer] + seen + about + after["tone"] * gone + error
    score: Floats = np.tanh(tone)
    return score


def _meant(
    scene: Scene, mails: Mails, health: Floats, gone: Flags, *, rng: np.random.Generator
) -> Flags:
    """Say what each mail means, a column an intent."""
    w, after = scene.constants["words"], scene.constants["after"]
    problem, cancel = mails.origin == PROBLEM, _cancels(mails)
    complains = w["complaint"] + w["complaint_slope"] * health + after["complaint"] * gone
    draw = rng.random((len(INTENTS), len(mails)))
    return np.stack(
        [
            cancel,
            problem & (draw[1] < _chance(complains)),
            problem & mails.first & (draw[2] < w["problem"]),
            ~problem & ~cancel & (draw[3] < _chance(w["praise"] + w["praise_slope"] * health)),
            ~problem & ~cancel & (draw[4] < w["question"]),
        ],
        axis=1,
    )


def _cancels(mails: Mails) -> Flags:
    found: Flags = (mails.origin == CANCEL) & mails.first
    return found


def _chance(logit: Floats) -> Floats:
    chance: Floats = 1 / (1 + np.exp(-logit))
    return chance


def _read(scene: Scene, meant: Flags, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Find what a model finds: most of what is meant, and now and then what is not."""
    skill = [scene.constants["intent"][name] for name in INTENTS]
    recall = np.array([each["recall"] for each in skill])
    false = np.array([each["false_positive"] for each in skill])
    read, intent = np.nonzero(rng.random(meant.shape) < np.where(meant, recall, false))
    return read, intent
