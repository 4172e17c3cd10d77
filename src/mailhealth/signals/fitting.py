"""Fitting: waits, quiet days, rhythm and cohorts, from what happened before a month began."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from mailhealth.rules import DAY, Rules, Signal
from mailhealth.signals import engine, rhythm, shrink, stored
from mailhealth.signals.answers import Answers, Floats, measure
from mailhealth.signals.clock import HOLIDAY, WEEK, Holidays, Pace, holidays, written_offset
from mailhealth.signals.engine import HORIZON, Loaded
from mailhealth.signals.fits import WAIT, Fit, Priors
from mailhealth.signals.stored import Groups
from mailhealth.warehouse import Store

_FEWEST_WAITS = 50
_SHORTEST, _LONGEST = 2 * DAY, 7 * DAY
_LATELY = 56  # days, whose level says what a day should have brought
_DOUBT = 10.0  # mails; what is known of a day counts as if so many had come as expected
_WEEK_DOUBT = 200.0  # likewise of the shape of a week
_AHEAD = 100  # days that are expected to be as they were a year before

Cohorts = Sequence[tuple[str, str, str]]  # of each customer, the narrowest first
Daily = Mapping[str, Mapping[date, int]]  # by country: how many customers wrote on a day


@dataclass(frozen=True, slots=True)
class _Column:
    """What was answered for a signal and window, at the end that is fitted."""

    answers: Answers
    spread: Floats
    cohorts: Cohorts


Columns = Mapping[tuple[str, int], _Column]  # by signal and window


def fit(store: Store, rules: Rules, months: Sequence[int]) -> dict[int, Fit]:
    """Fit everything that all customers share, from what happened before each month began."""
    if not months:
        return {}
    with stored.groups(store, None, (min(months) - HORIZON, max(months))) as groups:
        return {month: _fit(groups, rules, month) for month in months}


def _fit(groups: Groups, rules: Rules, through: int) -> Fit:
    seen = Fit(through, zone=_zone(groups.store, through))
    with _all(groups, seen) as loads:
        waits, daily, writing = [np.zeros(0)], [], [np.zeros((0, 4))]
        for known in loads():
            waits.append(_waits(known))
            daily.append(_daily(known))
            writing.append(engine.writing(known, through))
        seen = replace(
            seen,
            wait=_wait(np.concatenate(waits)),
            paces=_paces(daily),
            rhythm=rhythm.fitted(np.concatenate(writing)),  # at the usual pace: theirs is new
        )
        enough = sum(map(len, groups.names)) >= shrink.CUSTOMERS
        parts = [_columns(replace(known, fit=seen), rules) for known in loads() if enough]
    return replace(seen, priors=_priors(rules, parts))


@contextmanager
def _all(groups: Groups, seen: Fit) -> Iterator[Callable[[], Iterator[Loaded]]]:
    """Give a way to go through all customers twice; one group is loaded only once."""
    if groups.only:
        with engine.load(groups.only, [seen.through], seen) as known:
            yield lambda: iter([known])
        return

    def loads() -> Iterator[Loaded]:
        for rows in groups.each():
            with engine.load(rows, [seen.through], seen) as known:
                yield known

    yield loads


def _waits(known: Loaded) -> Floats:
    """Return how long customers took to answer, in seconds."""
    sql = "select wait from asks where wait <= 2592000 order by wait"
    return np.asarray(known.memory.execute(sql).fetchnumpy()["wait"], dtype=np.float64)


def _zone(store: Store, through: int) -> str:
    """Return what most clocks of our own mail said in the year before."""
    sql = (
        "select utc_offset from messages not indexed where direction = 'out' and kind = 'human'"
        " and utc_offset is not null and at >= ?1 and at < ?2"
        " group by utc_offset order by count(*) desc, utc_offset limit 1"
    )
    with store.cursor() as cursor:
        cursor.execute(sql, (through - 365 * DAY, through))
        rows = cursor.fetchall()
    return written_offset(int(rows[0][0])) if rows else "UTC"


def _wait(waits: Floats) -> int:
    """Return the time in which 95 % of the answers came, within 2 to 7 days, in whole hours."""
    if waits.size < _FEWEST_WAITS:
        return WAIT
    hours = round(float(np.quantile(waits, 0.95)) / 3600)
    return min(_LONGEST, max(_SHORTEST, hours * 3600))


def _daily(known: Loaded) -> Daily:
    """Count, by country, how many customers wrote on each day before the fit."""
    countries = known.clocks.countries
    sql = "select customer, day, count(*) from received group by customer, day"
    found: dict[str, dict[date, int]] = {}
    for customer, day, _ in known.memory.execute(sql).fetchall():
        days = found.setdefault(countries[customer], {})
        when = datetime.fromtimestamp(day, UTC).date()
        days[when] = days.get(when, 0) + 1
    return found


def _paces(parts: Sequence[Daily]) -> Mapping[str, Pace]:
    """Fit the pace of every country's customers."""
    total: dict[str, dict[date, int]] = {}
    for part in parts:
        for country, days in part.items():
            mine = total.setdefault(country, {})
            for day, count in days.items():
                mine[day] = mine.get(day, 0) + count
    return {country: _pace(country, days) for country, days in sorted(total.items())}


def _pace(country: str, counts: Mapping[date, int]) -> Pace:
    """Fit the shape of a week, and how quiet single days were against the eight weeks before."""
    holiday = holidays(country)
    week = _week({day: count for day, count in counts.items() if not holiday(day)})
    first, last = min(counts), max(counts)
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    usual = np.array([HOLIDAY if holiday(day) else 1.0 for day in days])
    norms = usual * np.array([week[day.weekday()] for day in days])
    seen = np.array([counts.get(day, 0) for day in days], dtype=np.float64)
    found = {}
    for i, day in enumerate(days):
        span = slice(max(0, i - _LATELY), i)
        level = seen[span].sum() / norms[span].sum() if norms[span].sum() > 0 else 0.0
        share = usual[i] * (seen[i] + _DOUBT) / (level * norms[i] + _DOUBT)
        found[day] = round(min(1.0, float(share)), 3)
    found |= _again(found, holiday, last)
    told = {day: share for day, share in found.items() if share != (HOLIDAY if holiday(day) else 1)}
    return Pace(week, {day.isoformat(): share for day, share in told.items()})


def _again(found: Mapping[date, float], holiday: Holidays, last: date) -> dict[date, float]:
    """Expect days to be as quiet as a year before (Obon, the turn of the year), where neither is
    a holiday."""
    again = {}
    for day in (last + timedelta(days=i) for i in range(1, _AHEAD)):
        before = (day - timedelta(days=day.day - 1)).replace(year=day.year - 1)
        before += timedelta(days=day.day - 1)
        if before in found and not holiday(before) and not holiday(day):
            again[day] = found[before]
    return again


def _week(counts: Mapping[date, int]) -> tuple[float, ...]:
    """Return how much of a week's mail comes on which day, drawn to the usual week."""
    on = np.zeros(7)
    for day, count in counts.items():
        on[day.weekday()] += count
    share = (on + _WEEK_DOUBT * np.array(WEEK) / 7) / (on.sum() + _WEEK_DOUBT)
    return tuple(round(float(each) * 7, 3) for each in share)


def _columns(known: Loaded, rules: Rules) -> Columns:
    """Answer every signal that shrinks, in its windows, as of the fit."""
    end = known.fit.through
    signals = [signal for signal in rules.signals if shrinks(signal)]
    grid = engine.found(known, signals, [end])
    risks = engine.Risks(known)
    cohorts = engine.cohorts(known, end)
    found = {}
    for signal in signals:
        for days in signal.windows:
            sums = grid[signal.name, (end, days)]
            answers = measure(signal, sums, risks.of(signal, (end, days)))
            found[signal.name, days] = _Column(answers, sums[3], cohorts)
    return found


def shrinks(signal: Signal) -> bool:
    """Tell whether a signal's answers are shrunk towards those of a cohort."""
    if signal.kind in ("change", "value"):
        return False
    return signal.kind != "count" or bool(signal.per)


def _priors(rules: Rules, parts: Sequence[Columns]) -> Priors:
    """Fit the prior of every signal, window and cohort from all customers' answers."""
    asked = {signal.name: signal for signal in rules.signals}
    found: dict[str, dict[int, dict[str, tuple[float, float]]]] = {}
    for name, days in parts[0] if parts else ():
        columns = [part[name, days] for part in parts]
        numbers = (
            np.concatenate([column.answers.own for column in columns]),
            np.concatenate([column.answers.weight for column in columns]),
            np.concatenate([column.spread**2 for column in columns]),
        )
        named = [cohort for column in columns for cohort in column.cohorts]
        per = asked[name].per or 1.0  # so many a day at risk is what a gamma stands behind
        fitted = shrink.priors(asked[name].measures, (numbers[0] / per, *numbers[1:]), named)
        if fitted:
            found.setdefault(name, {})[days] = {
                cohort: (mean * per, worth) for cohort, (mean, worth) in fitted.items()
            }
    return found
