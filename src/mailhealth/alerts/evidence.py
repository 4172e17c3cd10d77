"""Has a customer's health dropped? Evidence week by week, against the customer's own past.

A week's evidence is the logarithm of how much likelier it is after a drop than before: half the
days with mail, 2.5 times the complaints, a tone lower by 0.3, answers with 1 less in logits, a
word of cancelling. A CUSUM (Page 1954, Biometrika 41, 100) adds it up, never falls below zero, and
alarms above a threshold. Pure numpy: arrays of customers x weeks, the oldest week first.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

TERMS = ("days", "complaints", "tone", "answers", "cancel")
WARM_UP = 8  # weeks of a customer's own, before any evidence counts
THRESHOLD = 3.2  # while too little is known to choose one: 0.5 false alarms per customer-year
YEAR = 52  # weeks

_FORGETTING = 0.985  # a week: what is a year old counts half
_FEWER, _MORE_COMPLAINTS = 0.5, 2.5
_LOWER_TONE, _TONE_VARIANCE, _TONE_PRIOR = -0.3, 0.3, 3.0
_FEWER_ANSWERS, _ANSWERS_PRIOR = -1.0, 4.0  # logits; asks
_CANCEL = 2.0
_FEWEST_CUSTOMERS, _FEWEST_WEEKS, _FEWEST_TONES = 30, 26, 200
_LATELY = 13  # weeks that show who stayed
_BOOTSTRAPS, _SURELY = 200, 0.9
_LOWEST, _HIGHEST, _EXACT = 0.5, 40.0, 0.01


@dataclass(frozen=True, slots=True)
class Weeks:
    """What whole weeks brought, all arrays of customers x weeks.

    `exposure` is in average days on which the customer could have written: 0 before they were
    seen and while they were away. `days` are those on which they wrote of anything but problems;
    `tone` and `squares` are sums over `tones` readings; `answered` of the `asks` whose 7 days
    ended in that week; `cancels` and `complaints` count mails.
    """

    exposure: Floats
    days: Floats
    complaints: Floats
    tones: Floats
    tone: Floats
    squares: Floats
    asks: Floats
    answered: Floats
    cancels: Floats

    @property
    def counted(self) -> Flags:
        """Whether a week is one of the customer's own after the first eight."""
        seen = np.cumsum(self.exposure > 0, axis=1)
        return seen > WARM_UP


@dataclass(frozen=True, slots=True)
class Course:
    """How a CUSUM went: its level at each week's end (0 after an alarm), and its alarms."""

    level: Floats
    alarms: Flags


def usual(weeks: Weeks) -> Mapping[str, Floats]:
    """Return what each customer's own past let expect of each week, term by term.

    Days, complaints and answers are counts, the tone is a sum over the readings.
    """
    return {
        "days": _expected(weeks.days, weeks.exposure),
        "complaints": _expected(weeks.complaints, weeks.exposure),
        "tone": weeks.tones * _share(weeks.tone, weeks.tones, _TONE_PRIOR),
        "answers": weeks.asks * _share(weeks.answered, weeks.asks, _ANSWERS_PRIOR),
        "cancel": np.zeros_like(weeks.cancels),
    }


def evidence(weeks: Weeks) -> Mapping[str, Floats]:
    """Return each term's evidence for a drop, in natural logarithms; 0 in weeks not counted."""
    own = usual(weeks)
    terms = {
        "days": _counts(weeks.days, own["days"], _FEWER),
        "complaints": _counts(weeks.complaints, own["complaints"], _MORE_COMPLAINTS),
        "tone": _tone(weeks, own["tone"]),
        "answers": _answers(weeks, own["answers"]),
        "cancel": np.where(weeks.cancels > 0, _CANCEL, 0.0),
    }
    return {name: np.where(weeks.counted, term, 0.0) for name, term in terms.items()}


def cusum(evidence: Floats, threshold: float) -> Course:
    """Add evidence up from week to week; an alarm above the threshold starts anew from zero."""
    levels, alarms = np.zeros_like(evidence), np.zeros(evidence.shape, dtype=np.bool_)
    level = np.zeros(len(evidence))
    for week, came in enumerate(evidence.T):
        level = np.maximum(0.0, level + came)
        alarms[:, week] = level > threshold
        level = np.where(alarms[:, week], 0.0, level)
        levels[:, week] = level
    return Course(levels, alarms)


def threshold(weeks: Weeks, *, budget: float = 0.5, seed: int = 0) -> float:
    """Choose the threshold for so many false alarms per customer and year.

    It is the least one that keeps the budget in 9 of 10 bootstraps of the customers who stayed,
    each drawn with all their weeks: a customer's weeks resemble each other. With fewer than 30
    of them, or less than 26 weeks each, the threshold stays 3.2.
    """
    came = sum(evidence(weeks).values(), np.zeros(weeks.exposure.shape))
    stayed = _stayed(weeks)
    if stayed.sum() < _FEWEST_CUSTOMERS:
        return THRESHOLD
    years, drawn = weeks.counted[stayed].sum(axis=1) / YEAR, _drawn(int(stayed.sum()), seed)
    low, high = _LOWEST, _HIGHEST
    while high - low > _EXACT:
        middle = (low + high) / 2
        alarms = cusum(came[stayed], middle).alarms.sum(axis=1)
        rates = alarms[drawn].sum(axis=1) / years[drawn].sum(axis=1)
        low, high = (middle, high) if np.quantile(rates, _SURELY) > budget else (low, middle)
    return high


def _expected(counts: Floats, exposure: Floats) -> Floats:
    """Return the counts to be expected at the customer's own rate, shrunk to everybody's."""
    if not counts.sum() or not exposure.sum():
        return np.zeros_like(counts)
    mean, shape = _gamma(counts.sum(axis=1), exposure.sum(axis=1))
    found: Floats = (_past(counts) + shape) / (_past(exposure) + shape / mean) * exposure
    return found


def _gamma(counts: Floats, exposure: Floats) -> tuple[float, float]:
    """Fit a gamma prior to the customers' rates by moments: its mean, and its shape."""
    mean = counts.sum() / exposure.sum()
    apart = ((counts - mean * exposure) ** 2 - mean * exposure).sum() / (exposure**2).sum()
    if len(counts) < _FEWEST_CUSTOMERS or apart <= 0:
        return float(mean), 1.0
    return float(mean), float(np.clip(mean**2 / apart, 0.3, 10.0))


def _share(sums: Floats, n: Floats, prior: float) -> Floats:
    """Return the customer's own mean so far, shrunk to everybody's."""
    everybody = sums.sum() / max(n.sum(), 1.0)
    found: Floats = (_past(sums) + prior * everybody) / (_past(n) + prior)
    return found


def _counts(counts: Floats, expected: Floats, ratio: float) -> Floats:
    """Weigh counts against what was expected, times a ratio: Poisson."""
    found: Floats = counts * np.log(ratio) + (1 - ratio) * expected
    return found


def _tone(weeks: Weeks, expected: Floats) -> Floats:
    """Weigh the tone against the customer's own: normal, of one variance."""
    shift = _LOWER_TONE
    apart = shift * (weeks.tone - expected) - weeks.tones * shift**2 / 2
    found: Floats = apart / _variance(weeks)
    return found


def _variance(weeks: Weeks) -> float:
    """Return the variance of tones around each customer's own mean."""
    n, total = weeks.tones.sum(axis=1), weeks.tone.sum(axis=1)
    some = n > 1
    freedom = (n[some] - 1).sum()
    if freedom < _FEWEST_TONES:
        return _TONE_VARIANCE
    squares = weeks.squares.sum(axis=1)[some] - total[some] ** 2 / n[some]
    return max(0.05, float(squares.sum() / freedom))


def _answers(weeks: Weeks, expected: Floats) -> Floats:
    """Weigh answers against the customer's own reply rate, lower by 1 in logits."""
    rate = np.clip(expected / np.maximum(weeks.asks, 1.0), 0.02, 0.98)
    lower = 1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + _FEWER_ANSWERS)))
    silent = weeks.asks - weeks.answered
    gone = np.log(lower / rate), np.log((1 - lower) / (1 - rate))
    found: Floats = weeks.answered * gone[0] + silent * gone[1]
    return found


def _past(numbers: Floats) -> Floats:
    """Sum up the weeks before each week, what is older counting less."""
    past = np.zeros_like(numbers)
    for week in range(1, numbers.shape[1]):
        past[:, week] = _FORGETTING * (past[:, week - 1] + numbers[:, week - 1])
    return past


def _stayed(weeks: Weeks) -> Flags:
    """Tell who stayed, and is known long enough: wrote lately, and of no cancelling lately."""
    heard: Flags = weeks.days[:, -_LATELY:].sum(axis=1) > 0
    quiet: Flags = weeks.cancels[:, -_LATELY:].sum(axis=1) == 0
    long: Flags = weeks.counted.sum(axis=1) >= _FEWEST_WEEKS
    return heard & quiet & long


def _drawn(customers: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw customers with replacement, once a row."""
    return np.random.default_rng(seed).integers(customers, size=(_BOOTSTRAPS, customers))
