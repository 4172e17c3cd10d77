"""Sums over a cell -> an answer with what it rests on and how far it may be off."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mailhealth import intervals
from mailhealth.intervals import Interval
from mailhealth.rules import DAY, Signal

Cell = tuple[int, int]  # its end, and its length in days

# Below this a customer is too new for "so many a month" to mean anything.
_LEAST_RISK = 14


@dataclass(frozen=True, slots=True)
class Sums:
    """What a fact says of one customer in one cell, for one signal."""

    k: float | None = None
    n: float | None = None
    value: float | None = None
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A value, what it rests on, and its 95 % interval; None where nothing is known."""

    value: float | None
    n: float
    k: float | None
    interval: Interval = intervals.UNKNOWN


NOTHING = Sums()


def cells(signal: Signal, end: int) -> Iterator[Cell]:
    """Yield the cells a signal needs: its windows, a change also the window before each."""
    for days in signal.windows:
        yield end, days
        if signal.kind == "change":
            yield end - days * DAY, days


def measure(signal: Signal, sums: Sums, risk: float | None) -> Answer:
    """Answer a signal (or the one whose change it is) for one cell.

    `risk` is the days of the cell in which such mail could have been seen, None for never.
    """
    if signal.measures == "rate":
        return _rate(sums.k or 0.0, sums.n or 0.0)
    if signal.measures == "count":
        return _rhythm(signal, sums, risk) if signal.risk else _count(sums.k or 0.0, sums.n or 0.0)
    n = sums.n or 0.0
    if sums.value is None:
        return Answer(None, n, None)
    if signal.measures == "mean":
        return Answer(sums.value, n, None, intervals.student(sums.value, sums.spread, n))
    if signal.measures == "median":
        return Answer(sums.value, n, None, intervals.lognormal(sums.value, sums.spread, n))
    return Answer(sums.value, n, None)


def change(signal: Signal, now: Answer, before: Answer) -> Answer:
    """Compare two windows: counts by the logarithm of their ratio, the rest by difference."""
    if now.value is None or before.value is None:
        return Answer(None, 0.0, None)
    if signal.measures == "count":
        return _log_ratio(now, before)
    return Answer(
        now.value - before.value,
        min(now.n, before.n),
        None,
        intervals.difference(now.value, now.interval, before.value, before.interval),
    )


def _rate(k: float, n: float) -> Answer:
    return Answer(k / n, n, k, intervals.wilson(k, n)) if n > 0 else Answer(None, 0.0, 0.0)


def _count(k: float, n: float) -> Answer:
    return Answer(k, n, k, intervals.poisson(k)) if n > 0 else Answer(None, 0.0, k)


def _rhythm(signal: Signal, sums: Sums, risk: float | None) -> Answer:
    """Answer with k, or k per so many days at risk (times the n who share it)."""
    k, n = sums.k or 0.0, (risk or 0.0) * max(1.0, sums.n or 1.0)
    if risk is None or risk < _LEAST_RISK:
        return Answer(None, n, k)
    scale = signal.per / n if signal.per else 1.0
    low, high = intervals.poisson(k)
    return Answer(k * scale, n, k, (low * scale, high * scale))


def _log_ratio(now: Answer, before: Answer) -> Answer:
    # 1.5 on both sides keeps a quiet customer's change from 1 mail to 0 from being a collapse.
    k, k_before = now.k or 0.0, before.k or 0.0
    ratio = math.log((k + 1.5) / (k_before * now.n / before.n + 1.5))
    return Answer(ratio, k + k_before, None, intervals.log_ratio(ratio, k, k_before))
