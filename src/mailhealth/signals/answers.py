"""Sums over a cell -> answers with what they rest on, how far they may be off, and what remains of
them when they are shrunk. Everything is a column: one number a customer, NaN where unknown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mailhealth import intervals
from mailhealth.intervals import Interval
from mailhealth.rules import DAY, Signal

Floats = npt.NDArray[np.float64]
Cell = tuple[int, int]  # its end, and its length in days

SUMS = 5  # rows of sums: k, n, value, spread, and the mean of the logarithms
PAST = 270  # days of the customer's own past that a window is compared with
_LONGEST = 120  # days of a window whose past is still at hand
_LEAST_RISK = 14  # days; below, a customer is too new for "so many a month" to mean anything


@dataclass(frozen=True, slots=True)
class Risk:
    """The days, and the activity, of a cell in which such mail could have been seen; NaN: never."""

    days: Floats
    active: Floats


@dataclass(frozen=True, slots=True)
class Answers:
    """Values, what they rest on and their 95 % intervals.

    `own` and `weight` are what shrinking mixes: the value on the scale where observations add up
    (logarithms for durations), and how many observations it is worth.
    """

    value: Floats
    n: Floats
    k: Floats
    low: Floats
    high: Floats
    own: Floats
    weight: Floats


def cells(signal: Signal, end: int) -> Iterator[Cell]:
    """Yield the cells a signal needs: its windows, and the past before each."""
    for days in signal.windows:
        yield end, days
        if compared(signal, days):
            yield end - days * DAY, PAST


def compared(signal: Signal, days: int) -> bool:
    """Tell whether a window of a signal is compared with the customer's own past."""
    return signal.past and signal.measures != "value" and days <= _LONGEST


def measure(signal: Signal, sums: Floats, risk: Risk | None) -> Answers:
    """Answer a signal (or the one whose change it is) for one cell, from its sums."""
    k, n, value, spread, logs = sums
    if signal.measures == "rate":
        return _rate(np.nan_to_num(k), np.nan_to_num(n))
    if signal.measures == "count":
        return _count(signal, np.nan_to_num(k), np.nan_to_num(n), risk)
    n = np.nan_to_num(n)
    none = np.full(len(n), np.nan)
    if signal.measures == "mean":
        low, high = _student(value, spread, n)
        return Answers(value, n, none, low, high, value, n)
    if signal.measures == "median":
        with np.errstate(divide="ignore"):
            low, high = np.exp(_student(np.log(value), spread, n))
        return Answers(value, n, none, low, high, logs, n)
    return Answers(value, n, none, none, none, value, n)


def _rate(k: Floats, n: Floats) -> Answers:
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(n > 0, k / n, np.nan)
    low, high = _each(intervals.wilson, k, n)
    return Answers(value, n, k, low, high, value, n)


def _count(signal: Signal, k: Floats, n: Floats, risk: Risk | None) -> Answers:
    """Answer with k, or k per so many days at risk (times the n who share it)."""
    if risk is None:
        known, exposure = n > 0, n
    else:
        known = np.nan_to_num(risk.days) >= _LEAST_RISK
        exposure = np.nan_to_num(risk.days) * np.maximum(1.0, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = signal.per / exposure if signal.per else np.ones(len(k))
        value = np.where(known, k * scale, np.nan)
        low, high = np.where(known, _each(intervals.poisson, k) * scale, np.nan)
    weight = exposure if signal.per else np.zeros(len(k))
    return Answers(value, exposure, k, low, high, value, weight)


def _student(mean: Floats, spread: Floats, n: Floats) -> Floats:
    """Return Student's intervals of means; unknown below two values."""
    several = (n >= 2) & np.isfinite(spread)  # noqa: PLR2004
    sizes, places = np.unique(np.where(several, n, 2).astype(np.int64), return_inverse=True)
    t = np.array([intervals.t_quantile(0.975, int(size) - 1) for size in sizes])[places]
    with np.errstate(invalid="ignore", divide="ignore"):
        half = np.where(several, t * spread / np.sqrt(n), np.nan)
    return np.array([mean - half, mean + half])


def _each(interval: Callable[..., Interval], *columns: Floats) -> Floats:
    """Return low and high of an interval for every row, looked up once for equal rows."""
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    found = {row: interval(*row) for row in set(rows)}
    ends = [found[row] for row in rows]
    return np.array(ends, dtype=np.float64).reshape(-1, 2).T  # None becomes NaN


def change(signal: Signal, now: Answers, past: Answers, risks: tuple[Risk, Risk] | None) -> Answers:
    """Compare a window with the customer's own past: counts by the logarithm of their ratio, the
    rest by difference. `risks` are those of the window and of the past."""
    if signal.measures == "count":
        return _log_ratio(now, past, risks)
    value = now.value - past.value
    with np.errstate(invalid="ignore"):
        low = value - np.hypot(now.value - now.low, past.high - past.value)
        high = value + np.hypot(now.high - now.value, past.value - past.low)
    n = np.where(np.isfinite(value), np.minimum(now.n, past.n), 0.0)
    none = np.full(len(n), np.nan)
    return Answers(value, n, none, low, high, value, n)


def _log_ratio(now: Answers, past: Answers, risks: tuple[Risk, Risk] | None) -> Answers:
    """Compare counts by what was to be expected, from activity and those who share it.

    1.5 on both sides keeps a quiet customer's change from 1 mail to 0 from being a collapse.
    """
    exposed, exposed_past = now.n, past.n
    if risks is not None:  # the activity of the cell in place of its days
        with np.errstate(invalid="ignore", divide="ignore"):
            exposed = now.n / risks[0].days * risks[0].active
            exposed_past = past.n / risks[1].days * risks[1].active
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.log((now.k + 1.5) / (past.k * exposed / exposed_past + 1.5))
        known = np.isfinite(now.value) & np.isfinite(past.value) & np.isfinite(ratio)
        half = intervals.Z * np.sqrt(1 / (now.k + 1.5) + 1 / (past.k + 1.5))
    value = np.where(known, ratio, np.nan)
    n = np.where(known, now.k + past.k, 0.0)
    none = np.full(len(n), np.nan)
    return Answers(value, n, none, value - half, value + half, value, n)
