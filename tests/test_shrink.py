"""Shrinkage: small numbers are drawn to what is usual, as far as their cohort is alike."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from mailhealth.signals import shrink

Floats = npt.NDArray[np.float64]


def rates(
    seed: int, many: int, most: int, beta: tuple[float, float] = (2.0, 2.0)
) -> tuple[Floats, Floats, Floats]:
    """Draw shares of a beta distribution, and k of n for each; return shares, k and n."""
    chance = np.random.default_rng(seed)
    share = chance.beta(*beta, many)
    n = chance.integers(1, most + 1, many)
    return share, chance.binomial(n, share).astype(float), n.astype(float)


def likeliest_beta(k: Floats, n: Floats) -> tuple[float, float]:
    """Find a and b of the likeliest beta-binomial distribution, by trying."""

    def loss(logs: Floats) -> float:
        return -float(stats.betabinom.logpmf(k, n, *np.exp(logs)).sum())

    found = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"fatol": 1e-10})
    a, b = np.exp(found.x)
    return float(a), float(b)


@pytest.mark.parametrize("beta", [(2, 2), (1.5, 14.5), (0.5, 0.3), (30, 20)])
def test_the_prior_of_shares_is_the_likeliest_one(beta: tuple[float, float]) -> None:
    _, k, n = rates(1, 400, 12, beta)
    best = likeliest_beta(k, n)

    prior = shrink.beta_binomial(k, n)

    assert prior is not None
    mean, weight = prior
    assert mean == pytest.approx(best[0] / sum(best), rel=1e-5)
    assert weight == pytest.approx(sum(best), rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=40))
def test_no_other_prior_of_shares_nearby_is_likelier(pairs: list[tuple[int, int]]) -> None:
    k = np.array([float(hit) for hit, _ in pairs])
    n = np.array([float(hit + miss) for hit, miss in pairs])
    prior = shrink.beta_binomial(k[n > 0], n[n > 0]) if (n > 0).any() else None

    def likelihood(mean: float, weight: float) -> float:
        known = stats.betabinom.logpmf(k, n, mean * weight, (1 - mean) * weight)
        return float(known.sum())

    if prior is None:
        assert k.sum() in (0, n.sum())
        return
    here = likelihood(*prior)
    for factor in (0.8, 1.25):
        if 0.06 < prior[1] * factor < 50:
            assert likelihood(prior[0], prior[1] * factor) <= here + 1e-2
        mean = prior[0] ** factor
        assert likelihood(mean, prior[1]) <= here + 1e-2


def test_where_everybody_or_nobody_answers_no_prior_is_seen() -> None:
    n = np.array([3.0, 5.0])

    assert shrink.beta_binomial(n, n) is None
    assert shrink.beta_binomial(0 * n, n) is None


def test_alike_customers_are_drawn_together_and_unlike_ones_stay_apart() -> None:
    n = np.full(200, 20.0)
    alike = shrink.beta_binomial(np.array([9.0, 10, 10, 11] * 50), n)
    unlike = shrink.beta_binomial(np.array([0.0, 20, 1, 19] * 50), n)

    assert alike is not None
    assert unlike is not None
    assert alike[1] > 1000
    assert unlike[1] < 1


def test_the_error_of_one_to_three_answers_is_at_most_half() -> None:
    share, k, n = rates(2, 3000, 3, (3.0, 3.0))
    prior = shrink.beta_binomial(k, n)
    assert prior is not None

    drawn = (k + prior[0] * prior[1]) / (n + prior[1])

    def error(guess: Floats) -> float:
        return float(np.sqrt(np.mean((guess - share) ** 2)))

    assert error(drawn) <= 0.5 * error(k / n)


def test_the_gamma_behind_counts_is_found_again() -> None:
    chance = np.random.default_rng(3)
    days = chance.uniform(14, 90, 4000)
    a_day = chance.gamma(2.0, 1 / 20, 4000)  # mean 0.1 a day, worth 20 days
    rate = chance.poisson(a_day * days) / days

    prior = shrink.gamma_poisson(rate, days)

    assert prior is not None
    assert prior[0] == pytest.approx(0.1, rel=0.05)
    assert prior[1] == pytest.approx(20, rel=0.15)


def test_counts_that_differ_by_chance_alone_are_all_the_cohorts() -> None:
    chance = np.random.default_rng(4)
    days = np.full(500, 90.0)

    prior = shrink.gamma_poisson(chance.poisson(9, 500) / days, days)

    assert prior is not None
    assert prior[1] > 500
    assert shrink.gamma_poisson(0 * days, days) is None


def test_the_normal_behind_means_is_found_again() -> None:
    chance = np.random.default_rng(5)
    n = chance.integers(1, 12, 4000).astype(float)
    truth = chance.normal(0.1, math.sqrt(0.1), 4000)
    mean = chance.normal(truth, np.sqrt(0.3 / n))
    freedom = np.maximum(n - 1, 1)
    within = np.where(n > 1, 0.3 * chance.chisquare(freedom) / freedom, np.nan)

    prior = shrink.normal(mean, n, within)

    assert prior is not None
    assert prior[0] == pytest.approx(0.1, abs=0.02)
    assert prior[1] == pytest.approx(0.3 / 0.1, rel=0.15)


def test_means_of_single_values_show_no_spread_within() -> None:
    one = np.ones(5)

    assert shrink.normal(one, one, np.full(5, np.nan)) is None


def cohort_of(segment: str, mails: float) -> str:
    return shrink.cohorts([segment], np.array([mails]))[0][0]


def test_cohorts_are_segment_and_size_then_segment_then_everybody() -> None:
    named = shrink.cohorts(["gold", ""], np.array([29.0, 300.0]))

    assert named == [("gold|small", "gold|", ""), ("|large", "|", "")]
    assert cohort_of("gold", 30) == "gold|medium"


def test_a_cohort_below_30_customers_or_200_trials_gives_way_to_the_wider_one() -> None:
    _, k, n = rates(6, 100, 20)
    sizes = np.array([10.0] * 29 + [100.0] * 31 + [500.0] * 40)
    named = shrink.cohorts(["gold"] * 100, sizes)
    n[60:] = 1.0
    k = np.minimum(k, n)

    found = shrink.priors("rate", (k / n, n, np.full(100, np.nan)), named)

    assert set(found) == {"gold|medium", "gold|", ""}
    each = list(shrink.each_prior(named, found, (0.5, 4.0)))
    assert each[0] == found["gold|"]
    assert each[40] == found["gold|medium"]


def test_who_has_no_cohort_is_drawn_to_the_default() -> None:
    assert list(shrink.each_prior([("a|small", "a|", "")], {}, (0.5, 4.0))) == [(0.5, 4.0)]


def test_customers_of_whom_nothing_is_known_make_no_cohort() -> None:
    _, k, n = rates(7, 60, 20)
    x = np.where(np.arange(60) < 31, np.nan, k / n)

    found = shrink.priors("rate", (x, n, x), shrink.cohorts([""] * 60, np.full(60, 40.0)))

    assert found == {}
