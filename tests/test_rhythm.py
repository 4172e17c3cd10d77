"""silence_ahead: how likely nobody writes for 90 days, and the rhythm that customers share."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special

from mailhealth import rules, signals
from mailhealth.signals import fits, rhythm
from mailhealth.signals.clock import Pace
from mailhealth.signals.fits import USUAL, Fit, Rhythm
from tests import company as companies
from tests.company import CUSTOMERS, END, Company
from tests.reference import DAY, Reference

Floats = npt.NDArray[np.float64]

AHEAD = 90.0  # average days
EVERY_DAY = Fit(END, paces={"": Pace((1.0,) * 7)})
COMPANY, COMMUNITY = Rhythm(1.6, 6.9, 0.5, 30), Rhythm(0.6, 5.0, 0.7, 1.0)
(SQL,) = (signal.value for signal in rules.load().signals if signal.name == "silence_ahead")


@dataclass(frozen=True, slots=True)
class Drawn:
    """Customers of a known rhythm: how they wrote up to now, and whether they are silent ahead."""

    rows: Floats
    silent: npt.NDArray[np.bool_]


def drawn(true: Rhythm, many: int, seed: int) -> Drawn:
    """Draw customers: half of them begin with a mail, the others were there a year ago."""
    chance = np.random.default_rng(seed)
    rows, silent = [], []
    while len(rows) < many:
        born = bool(chance.random() < 0.5)
        age = float(chance.uniform(1, 365)) if born else 365.0
        stops, pause = chance.beta(true.a, true.b), true.alpha / chance.gamma(true.r)
        at = _writes(chance, born, stops, (pause, age + AHEAD))
        past = [each for each in at if each < age]
        if past:
            rows.append((len(past) - born, len(past), past[-1], age))
            silent.append(len(past) == len(at))
    return Drawn(np.array(rows), np.array(silent))


def _writes(
    chance: np.random.Generator, born: bool, stops: float, span: tuple[float, float]
) -> list[float]:
    """Return the moments at which somebody writes, a pause apart on average, until they stop."""
    at = [0.0] if born else []
    while not (at and chance.random() < stops):
        at.append((at[-1] if at else 0.0) + float(chance.exponential(span[0])))
        if at[-1] >= span[1]:
            return at[:-1]
    return at


def unlikelihood(logs: Floats, rows: Floats) -> float:
    """Return how unlikely the rows are, straight from the papers' formulas, and how unusual."""
    (r, alpha, a, b), (x, days, last, age) = np.exp(logs), rows.T
    rates = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
    still = special.betaln(a, b + days) - (r + x) * np.log(alpha + age)
    gone = special.betaln(a + 1, b + days - 1) - (r + x) * np.log(alpha + last)
    heard = np.where(x == days, np.log1p(-((alpha / (alpha + age)) ** r)), 0.0)
    likely = rates - special.betaln(a, b) + np.logaddexp(still, gone) - heard
    return float(-likely.sum() + (((logs - np.log(np.array(USUAL))) / 2) ** 2).sum() / 2)


def p_silent(shared: Rhythm, rows: Floats) -> Floats:
    """Return P(silent) by the methodology's formula."""
    (r, alpha, a, b), (x, days, last, age) = shared, rows.T
    with np.errstate(over="ignore"):
        alive = 1 / (1 + a / (b + days - 1) * ((alpha + age) / (alpha + last)) ** (r + x))
    writes = 1 - ((alpha + age) / (alpha + age + AHEAD)) ** (r + x)
    found: Floats = 1 - alive * writes
    return found


@pytest.mark.parametrize("true", [COMPANY, COMMUNITY], ids=["company", "community"])
def test_the_rhythm_is_the_likeliest_one(true: Rhythm) -> None:
    rows = drawn(true, 300, 1).rows
    exact = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 9999, "maxfev": 9999}
    best = optimize.minimize(
        unlikelihood, np.log(np.array(USUAL)), (rows,), method="Nelder-Mead", options=exact
    )

    found = rhythm.fitted(rows)

    assert found == pytest.approx(np.exp(best.x), rel=1e-4)


@pytest.mark.parametrize("true", [COMPANY, COMMUNITY], ids=["company", "community"])
def test_the_rhythm_that_customers_were_drawn_from_is_found_again(true: Rhythm) -> None:
    found = rhythm.fitted(drawn(true, 4000, 2).rows)

    assert (found.r, found.alpha) == pytest.approx((true.r, true.alpha), rel=0.15)
    assert found.a / (found.a + found.b) == pytest.approx(true.a / (true.a + true.b), rel=0.15)


@pytest.mark.parametrize("true", [COMPANY, COMMUNITY], ids=["company", "community"])
def test_as_many_fall_silent_as_was_said(true: Rhythm) -> None:
    shared = rhythm.fitted(drawn(true, 2000, 3).rows)
    later = drawn(true, 4000, 4)

    told = p_silent(shared, later.rows)

    assert told.mean() == pytest.approx(later.silent.mean(), abs=0.02)
    for tenth in np.array_split(np.argsort(told), 10):
        assert told[tenth].mean() == pytest.approx(later.silent[tenth].mean(), abs=0.08)


def test_it_does_not_matter_who_comes_first() -> None:
    rows = drawn(COMPANY, 500, 5).rows

    assert rhythm.fitted(rows[::-1]) == rhythm.fitted(rows)


def test_of_29_customers_the_rhythm_is_the_usual_one() -> None:
    rows = drawn(COMMUNITY, 30, 6).rows

    assert rhythm.fitted(rows[1:]) == USUAL
    assert rhythm.fitted(np.zeros((0, 4))) == USUAL
    assert rhythm.fitted(rows) != USUAL


@st.composite
def customers(draw: st.DrawFn) -> Floats:
    """Customers of all kinds, down to those who all wrote once, or on every day."""
    many = draw(st.integers(30, 60))
    most = draw(st.sampled_from([1, 2, 30, 365]))
    days = draw(arrays(np.int64, many, elements=st.integers(1, most)))
    born = draw(arrays(np.int64, many, elements=st.integers(0, 1)))
    last, gap = draw(arrays(np.float64, (2, many), elements=st.floats(0, 400)))
    return np.column_stack((days - born, days, last, last + gap))


@settings(max_examples=40, deadline=None)
@given(customers())
def test_whoever_the_customers_are_the_rhythm_can_be_reckoned_with(rows: Floats) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = rhythm.fitted(rows)

    assert np.isfinite(found).all()
    assert (np.array(found) > 0).all()
    told = p_silent(found, rows)
    assert ((told >= 0) & (told <= 1)).all()


@pytest.mark.parametrize("days", [1, 2, 200])
def test_customers_who_are_all_alike_give_a_rhythm_too(days: int) -> None:
    still = np.tile([days - 1.0, days, 300.0, 300.0], (2000, 1))
    gone = np.tile([days - 1.0, days, 0.0, 365.0], (2000, 1))

    for rows in (still, gone):
        assert np.isfinite(rhythm.fitted(rows)).all()


Told = tuple[Rhythm, list[int], int, int]


@st.composite
def writings(draw: st.DrawFn) -> Told:
    """A rhythm, the days on which somebody wrote, since when they are known, and the end."""
    size = st.floats(1e-3, 1e3)
    days = sorted(draw(st.sets(st.integers(0, 364), min_size=1, max_size=40)))
    since = draw(st.integers(-200, days[0]))
    return (
        Rhythm(*(draw(size) for _ in range(4))),
        days,
        since,
        draw(st.integers(days[-1] + 1, 365)),
    )


def shipped(told: Told, *, waited: int = 0) -> float:
    """Ask the shipped SQL: a mail a day at noon, every day an average one, a window from day 0."""
    shared, days, since, end = told
    noons = np.array(days) * DAY + DAY // 2
    named = dict(zip(("cell_r", "cell_alpha", "cell_a", "cell_b"), shared, strict=True))
    named |= {"start_active": 0, "end_active": (end + waited) * DAY * 1000}
    clock = ", ".join(f"{number!r} as {name}" for name, number in named.items())
    begun = since * DAY + DAY // 2
    with duckdb.connect() as memory:
        memory.register("wrote", {"day": noons - DAY // 2, "active": noons * 1000})
        row = memory.execute(
            f"select {SQL} from (select *, {clock}, {begun} as since, {begun}000 as since_active,"
            f" null as away_from, null as away_until from wrote) group by {', '.join(named)}"
        ).fetchone()
    assert row
    return float(row[0])


@settings(max_examples=40, deadline=None)
@given(writings())
def test_the_shipped_sql_says_what_the_formula_says(told: Told) -> None:
    shared, days, since, end = told
    begin = max(0.0, since + 0.5)
    writing = [sum(day > since for day in days), len(days), days[-1] + 0.5 - begin, end - begin]

    value = shipped(told)

    assert 0 <= value <= 1
    assert value == pytest.approx(p_silent(shared, np.array([writing], dtype=float))[0], abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(writings(), st.integers(1, 100))
def test_waiting_longer_for_the_same_person_never_makes_silence_less_likely(
    told: Told, more: int
) -> None:
    # With the same days of writing, from the same beginning: a window that moves on may forget
    # both, so it stands still here.
    assert shipped(told, waited=more) >= shipped(told) - 1e-12


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """A company with one customer since 2024, seen on both sides for two years."""
    company = companies.small(tmp_path / "acme.db")
    with closing(company.store):
        yield company


def _ahead(company: Company, fit: Fit = EVERY_DAY) -> float | None:
    return company.value("silence_ahead", fit=fit).value


def test_one_mail_is_enough_and_none_is_not(company: Company) -> None:
    assert _ahead(company) is None

    company.mail(CUSTOMERS[0], END - 100 * DAY, "in")

    (told,) = p_silent(USUAL, np.array([[1.0, 1, 265, 365]]))  # a customer of before the window
    assert _ahead(company) == pytest.approx(told)
    assert company.value("silence").value is None


def test_the_first_mail_of_somebody_new_is_a_beginning_and_no_answer_to_how_often(
    company: Company,
) -> None:
    company.store.execute("update customers set started = null")
    for days in (40, 30, 10):
        company.mail(CUSTOMERS[0], END - days * DAY, "in")
    company.mail(CUSTOMERS[0], END - 40 * DAY + 60, "in")  # twice on the first day

    (told,) = p_silent(USUAL, np.array([[2.0, 3, 30, 40]]))
    assert _ahead(company) == pytest.approx(told)


def test_somebody_we_wrote_to_first_was_observed_from_then_on(company: Company) -> None:
    company.store.execute("update customers set started = null")
    company.mail(CUSTOMERS[0], END - 60 * DAY, "out")
    company.mail(CUSTOMERS[0], END - 40 * DAY, "in")

    (told,) = p_silent(USUAL, np.array([[1.0, 1, 20, 60]]))
    assert _ahead(company) == pytest.approx(told)


def test_an_absence_that_was_announced_makes_silence_less_likely(company: Company) -> None:
    for i in range(20):
        company.mail(CUSTOMERS[0], END - (60 + 4 * i) * DAY, "in")
    alone = _ahead(company)
    company.notice("absent", END - 50 * DAY, f"ann@{CUSTOMERS[0]}", until="2026-10-21")

    (told,) = p_silent(USUAL, np.array([[20.0, 20, 305, 365 - 40]]))
    assert _ahead(company) == pytest.approx(told)
    assert alone is not None
    assert told < alone


def test_what_is_fitted_of_forty_customers_is_what_the_judge_finds(tmp_path: Path) -> None:
    company = companies.crowd(tmp_path / "crowd.db")
    values, judge = company.values(only="silence_ahead"), Reference(company.path)
    ((_, fit),) = signals.fit(company.path, companies.page("silence_ahead"), [END]).items()
    company.store.close()

    assert fit.rhythm != USUAL
    assert fit.rhythm == pytest.approx(judge.shared(END).rhythm, rel=1e-4)
    for (name, _, days, _), value in values.items():
        told, n, _ = judge.cell(name, END, days).answers["silence_ahead"]
        assert value.value == (None if told is None else pytest.approx(told, rel=1e-4))
        assert value.n == n


def test_a_fit_of_before_there_was_a_rhythm_has_the_usual_one() -> None:
    old = fits.written(Fit(END)).replace(f'"rhythm": {list(USUAL)}, ', "")

    assert "rhythm" not in old
    assert fits.read(old) == Fit(END)
