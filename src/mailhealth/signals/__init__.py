"""Stored facts -> email_signals: DuckDB scans each fact once, Python turns sums into answers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadData
from mailhealth.records import SignalValue
from mailhealth.rules import DAY, Rules, Signal

if TYPE_CHECKING:
    from mailhealth.signals.answers import Answers, Floats
    from mailhealth.signals.engine import Grid, Loaded
    from mailhealth.signals.fits import Fit


def compute(
    db: Path,
    rules: Rules,
    as_ofs: Sequence[str],
    *,
    customers: Sequence[str] | None = None,
    fits: "Mapping[int, Fit] | None" = None,
) -> Iterator[SignalValue]:
    """Yield every signal of every customer, on every one of `as_ofs` and in every window.

    An as_of is an ISO instant in UTC; nothing that happened at or after it is read. Customers
    of whom nothing is known get their rows too, with values of None; a name in `customers`
    that is nobody's is passed over. `fits` are those that are known already, by month
    (`fits.through`); the others are made. Raises BadSource for a
    file that is no store of ours and BadData for an as_of or an SQL text that is wrong.
    """
    from mailhealth import warehouse
    from mailhealth.signals import engine, fitting, stored

    months = _by_month(as_ofs)
    if not months:
        return
    span = (min(months) - engine.HORIZON, max(map(moment, as_ofs)))
    with warehouse.opened(db) as store:
        known_fits = {month: fit for month, fit in (fits or {}).items() if month in months}
        known_fits |= fitting.fit(store, rules, sorted(months.keys() - known_fits.keys()))
        with stored.groups(store, customers, span) as groups:
            for month, days in months.items():
                ends = [moment(day) for day in days]
                for rows in groups.each():
                    with engine.load(rows, ends, known_fits[month]) as known:
                        found = engine.found(known, rules.signals, ends)
                        for day in days:
                            yield from _rows(rules, day, known, found)


def fit(db: Path, rules: Rules, months: Sequence[int]) -> "dict[int, Fit]":
    """Fit what all customers share through the beginnings of months; see `signals.fits`."""
    from mailhealth import warehouse
    from mailhealth.signals import fitting

    with warehouse.opened(db) as store:
        return fitting.fit(store, rules, months)


def _by_month(as_ofs: Sequence[str]) -> dict[int, list[str]]:
    from mailhealth.signals import fits

    months: dict[int, list[str]] = {}
    for as_of in as_ofs:
        months.setdefault(fits.through(moment(as_of)), []).append(as_of)
    return months


def evidence(
    db: Path,
    rules: Rules,
    customers: Sequence[str],
    as_of: str,
    *,
    fits: "Mapping[int, Fit] | None" = None,
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return, by customer and signal, the keys of the messages or events a number stands on.

    Newest first, at most 20, from the window that is scored. Raises as `compute` does.
    """
    from mailhealth import warehouse
    from mailhealth.signals import engine, fitting

    end = moment(as_of)
    behind: dict[str, dict[str, tuple[str, ...]]] = {customer: {} for customer in customers}
    with warehouse.opened(db) as store:
        ((month, _),) = _by_month([as_of]).items()
        known_fit = (fits or {}).get(month) or fitting.fit(store, rules, [month])[month]
        with engine.loaded(store, customers, [end], known_fit) as loaded:
            for signal in rules.signals:
                shown = engine.shown(loaded, signal, (end, signal.window))
                for customer, known in behind.items():
                    known[signal.name] = shown.get(customer, ())
    return behind


def moment(as_of: str) -> int:
    """Read an as_of as seconds since 1970; raises BadData for what is none."""
    try:
        told = datetime.fromisoformat(as_of)
        return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise BadData(f"as_of: {as_of!r} is no moment; write 2026-11-01T00:00:00Z") from error


def _rows(rules: Rules, as_of: str, known: "Loaded", found: "Grid") -> Iterator[SignalValue]:
    """Yield the rows of one as_of, customer after customer."""
    columns = [
        zip(
            known.customers,
            repeat(as_of),
            repeat(days),
            repeat(signal.name),
            *numbers,
            repeat(signal.definition),
            strict=False,
        )
        for signal, days, numbers in _columns(rules, moment(as_of), known, found)
    ]
    return map(SignalValue._make, chain.from_iterable(zip(*columns, strict=True)))


def _columns(
    rules: Rules, end: int, known: "Loaded", found: "Grid"
) -> Iterator[tuple[Signal, int, list[list[float | None]]]]:
    """Yield, for every signal and window, each customer's value, n, k, low, high, shrunk,
    reliability and change."""
    import numpy as np

    from mailhealth.signals import engine
    from mailhealth.signals.answers import PAST, change, compared, measure

    risks, cohorts = engine.Risks(known), engine.cohorts(known, end)
    for signal in rules.signals:
        for days in signal.windows:
            cell = (end, days)
            at_risk = risks.of(signal, cell)
            now = measure(signal, found[signal.name, cell], at_risk)
            moved = None
            if compared(signal, days):
                before = (end - days * DAY, PAST)
                then = risks.of(signal, before)
                past = measure(signal, found[signal.name, before], then)
                both = None if at_risk is None or then is None else (at_risk, then)
                moved = change(signal, now, past, both)
            told = moved if signal.kind == "change" else now
            if told is None:
                raise BadData(f"[signal.{signal.name}]: a window of {days} days has no past")
            shrunk, reliability = _shrunk(signal, days, told, (known.fit, cohorts))
            columns = (told.value, told.n, told.k, told.low, told.high, shrunk, reliability)
            last = np.full(len(cohorts), np.nan) if moved is None else moved.value
            yield signal, days, [_plain(column) for column in (*columns, last)]


def _shrunk(
    signal: Signal,
    days: int,
    told: "Answers",
    fitted: "tuple[Fit, list[tuple[str, str, str]]]",
) -> "tuple[Floats, Floats]":
    """Return each answer drawn to its cohort's, and how much of it is the customer's own."""
    import numpy as np

    from mailhealth.signals import shrink

    (known, cohorts), on_logs = fitted, signal.kind == "median"
    typical = math.log(signal.typical) if on_logs and signal.typical > 0 else signal.typical
    default = (0.0 if signal.kind == "change" else typical, signal.prior)
    mine = known.priors.get(signal.name, {}).get(days, {}) if signal.kind != "change" else {}
    mean, weight = np.array(list(shrink.each_prior(cohorts, mine, default))).reshape(-1, 2).T
    alone = weight <= 0
    total = np.where(alone, 1.0, told.weight + weight)
    share = np.where(alone, 1.0, told.weight / total)
    shrunk = share * told.own + (1 - share) * mean
    unknown = np.isnan(told.value)
    return (
        np.where(unknown, np.nan, np.exp(shrunk) if on_logs else shrunk),
        np.where(unknown, 0.0, share),
    )


def _plain(column: "Floats") -> list[float | None]:
    """Return numbers as Python has them; NaN is None."""
    import numpy as np

    plain: list[float | None] = column.tolist()
    for place in np.flatnonzero(np.isnan(column)).tolist():
        plain[place] = None
    return plain
