"""Whose health has dropped lately, by the evidence of the last year, and what it is made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mailhealth.alerts.evidence import TERMS, Floats, Weeks, cusum, evidence, usual

LATELY = 4  # weeks in which an alarm counts: so late may somebody look
_SAID = 3  # terms
_WORTH_SAYING = 0.2  # of evidence

Terms = Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Drop:
    """What the evidence says of a customer: an alarm lately; more that has gathered since.

    `made_of` are the terms that weigh most in the alarm (or in what has gathered): each with what
    was seen and what was usual (counts; of the tone, the means).
    """

    alarmed: bool = False
    gathering: bool = False
    made_of: tuple[tuple[str, float, float], ...] = ()


def drops(weeks: Weeks, threshold: float) -> list[Drop]:
    """Say of every customer what the evidence says."""
    terms, own = evidence(weeks), usual(weeks)
    course = cusum(sum(terms.values(), np.zeros(weeks.exposure.shape)), threshold)
    first = max(0, weeks.exposure.shape[1] - LATELY)
    found = []
    for i, (level, alarms) in enumerate(zip(course.level, course.alarms, strict=True)):
        lately = np.flatnonzero(alarms[first:])
        drop = Drop(bool(lately.size), bool(level[-1:].any()))
        if drop.alarmed or drop.gathering:
            week = first + int(lately[-1]) if drop.alarmed else len(level) - 1
            made_of = _made_of(weeks, terms, own, (i, _gathered(level, week)))
            drop = replace(drop, made_of=tuple(made_of))
        found.append(drop)
    return found


def _gathered(level: Floats, week: int) -> slice:
    """Return the weeks in which the evidence of a week gathered."""
    nothing = np.flatnonzero(level[:week] <= 0)
    return slice(int(nothing[-1]) + 1 if nothing.size else 0, week + 1)


def _made_of(
    weeks: Weeks, terms: Terms, own: Terms, place: tuple[int, slice]
) -> Iterator[tuple[str, float, float]]:
    """Yield the terms that weigh most in some weeks of a customer, with seen and usual."""
    weight = {name: float(terms[name][place].sum()) for name in TERMS}
    seen = {
        "days": weeks.days,
        "complaints": weeks.complaints,
        "tone": weeks.tone,
        "answers": weeks.answered,
        "cancel": weeks.cancels,
    }
    for name in sorted(TERMS, key=lambda name: -weight[name])[:_SAID]:
        if weight[name] >= _WORTH_SAYING:
            n = max(1.0, float(weeks.tones[place].sum())) if name == "tone" else 1.0
            yield name, float(seen[name][place].sum()) / n, float(own[name][place].sum()) / n
