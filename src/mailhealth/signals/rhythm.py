"""How customers write: at which rates, and how many stop for good.

MBG/NBD (Batislam, Denizel & Filiztekin 2007, International Journal of Research in Marketing 24,
201): on how many days somebody writes who still does is Poisson, with a rate that is gamma(r,
alpha) among customers; after every day of writing one stops for good, with a probability that is
beta(a, b) among them. No label is needed. Of who was seen before the first mail (x = days), that
beginning was no day of writing, so nobody stopped there (BG/NBD: Fader, Hardie & Lee 2005,
Marketing Science 24, 275), and only who wrote at all is among the rows.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mailhealth.signals.fits import USUAL, Rhythm
from mailhealth.signals.shrink import CUSTOMERS

Floats = npt.NDArray[np.float64]
Loss = Callable[[Floats], tuple[float, Floats]]

_DOUBT = 2.0  # how far off, in logarithms, what is usual may well be
_FARTHEST = 7.0  # and how far nothing is followed
_STEPS = 60
_NEAR = 1e-10
_NUDGE = 1e-4
_MOMENT = 1e-3  # average days


def fitted(rows: Floats) -> Rhythm:
    """Return what is likeliest behind the customers' writing; of fewer than 30, what is usual.

    A row a customer: the days of writing after the beginning, all days of writing (1 and more),
    the time from the beginning to the last mail, and to now, in average days. The four numbers
    are drawn to the usual ones a little, for where mail does not tell: r and alpha, or a and b,
    may rise together without end. They have six digits, and rows count in a fixed order, so
    that it does not matter who comes first.
    """
    if len(rows) < CUSTOMERS:
        return USUAL
    each, many = np.unique(rows, axis=0, return_counts=True)
    found = np.exp(_least(lambda logs: _loss(logs, each, many.astype(np.float64))))
    return Rhythm(*(float(f"{number:.6g}") for number in found))


def _least(loss: Loss) -> Floats:
    """Return where a loss is least: Newton's steps from what is usual, shortened until they lead
    down (Levenberg & Marquardt)."""
    usual: Floats = np.log(np.array(USUAL))
    at, (height, slope), damp = usual, loss(usual), 1.0
    for _ in range(_STEPS):
        bends, ways = np.linalg.eigh(_curve(loss, at))
        step = ways @ (ways.T @ slope / (np.abs(bends) + damp))
        ahead = np.clip(at - step, usual - _FARTHEST, usual + _FARTHEST)
        lower, steeper = loss(ahead)
        if np.abs(ahead - at).max() < _NEAR:
            break
        if lower <= height + 1e-12 * abs(height):  # a sum is not known better
            at, height, slope, damp = ahead, lower, steeper, damp / 16
        else:
            damp *= 8
    return at


def _curve(loss: Loss, at: Floats) -> Floats:
    """Return the second derivatives of a loss, by differences of its slopes."""
    nudges = _NUDGE * np.eye(len(at))
    found = np.array([loss(at + nudge)[1] - loss(at - nudge)[1] for nudge in nudges])
    square: Floats = (found + found.T) / (4 * _NUDGE)
    return square


def _loss(logs: Floats, each: Floats, many: Floats) -> tuple[float, Floats]:
    """Return how unlikely the rows are at the logarithms of r, alpha, a, b, and its slopes."""
    r, alpha, a, b = np.exp(logs)
    x, days, last, age = each.T
    wrote, quiet = r + x, np.log((alpha + age) / (alpha + last))
    odds = np.log(a / (b + days - 1)) + wrote * quiet  # that nobody writes any more
    gone = np.exp(-np.logaddexp(0, -odds))
    (rise, by_r), (stay, by_b), (all_, by_all) = _rises(r, x), _rises(b, days), _rises(a + b, days)
    likely = rise + stay - all_ + r * np.log(alpha) - wrote * np.log(alpha + age)
    likely += np.logaddexp(0, odds)
    slopes = np.array(
        [
            by_r - np.log1p(age / alpha) + gone * quiet,
            r / alpha - (wrote - gone * wrote) / (alpha + age) - gone * wrote / (alpha + last),
            gone / a - by_all,
            by_b - by_all - gone / (b + days - 1),
        ]
    )
    heard, by_heard = _heard(r, alpha, np.where(x == days, np.maximum(age, _MOMENT), np.inf))
    slopes[:2] -= by_heard
    far = (logs - np.log(USUAL)) / _DOUBT
    loss = far @ far / 2 - many @ (likely - heard)
    return float(loss), far / _DOUBT - slopes @ many * np.exp(logs)


def _rises(start: float, counts: Floats) -> tuple[Floats, Floats]:
    """Return ln G(start + count) - ln G(start), and its slope: sums, as counts are whole."""
    terms = start + np.arange(counts.max())
    places = counts.astype(np.int64)
    logs, slopes = (np.concatenate(([0.0], np.cumsum(of))) for of in (np.log(terms), 1 / terms))
    return logs[places], slopes[places]


def _heard(r: float, alpha: float, age: Floats) -> tuple[Floats, Floats]:
    """Return ln P(somebody writes at all in this time), and its slopes by r and alpha.

    A time without end (whoever is known by a mail of theirs) tells nothing.
    """
    never = -r * np.log1p(age / alpha)
    turns = np.array([-np.log1p(age / alpha), r / alpha - r / (alpha + age)])
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = -np.nan_to_num(turns / np.expm1(-never))
    return np.log(-np.expm1(never)), slopes
