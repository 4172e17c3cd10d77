"""How far an answer may lie from the truth: intervals and their quantiles."""

import math
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

Interval = tuple[float | None, float | None]

UNKNOWN: Interval = (None, None)
Z = NormalDist().inv_cdf(0.975)

_LARGE = 10_000  # degrees of freedom from which Student's t is the normal distribution
_STEPS = 2000
_TINY = 1e-300


def wilson(k: float, n: float) -> Interval:
    """Return Wilson's score interval of a share `k` of `n` (Brown, Cai & DasGupta 2001)."""
    if n <= 0:
        return UNKNOWN
    share, z2 = k / n, Z * Z
    middle = share + z2 / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    return (
        0.0 if k <= 0 else (middle - half) / scale,
        1.0 if k >= n else (middle + half) / scale,
    )


def net_promoter(promoters: float, detractors: float, n: float) -> Interval:
    """Return the adjusted Wald interval of a Net Promoter Score, in [-1, 1].

    The variance is that of the difference of two shares of a trinomial; three answers are added,
    spread 1:2:1 over promoters, passives and detractors, so that it holds for few answers and
    for scores near the ends of the scale (Rocks 2016, The American Statistician 70, 365-372).
    There it can miss the score itself, and is widened to hold it.
    """
    if n <= 0:
        return UNKNOWN
    total = n + 3
    up, down = (promoters + 0.75) / total, (detractors + 0.75) / total
    middle, score = up - down, (promoters - detractors) / n
    half = Z * math.sqrt((up + down - middle * middle) / total)
    return (max(-1.0, min(middle - half, score)), min(1.0, max(middle + half, score)))


def poisson(k: float) -> tuple[float, float]:
    """Return the exact interval of a Poisson count (Garwood 1936), from gamma quantiles."""
    return (0.0 if k <= 0 else _gamma_quantile(k, 0.025), _gamma_quantile(k + 1, 0.975))


def student(mean: float, spread: float | None, n: float) -> Interval:
    """Return Student's interval of a mean of `n` values with the standard deviation `spread`."""
    if spread is None or n < 2:  # noqa: PLR2004
        return UNKNOWN
    half = t_quantile(0.975, int(n) - 1) * spread / math.sqrt(n)
    return (mean - half, mean + half)


def t_quantile(share: float, freedom: int) -> float:
    """Return the value under which a share (above a half) of Student's t distribution lies."""
    if freedom >= _LARGE:
        return NormalDist().inv_cdf(share)
    return _student_quantile(freedom, share)


def lognormal(median: float, spread: float | None, n: float) -> Interval:
    """Return the interval of a median of `n` values whose logarithms spread by `spread`."""
    low, high = student(math.log(median), spread, n) if median > 0 else UNKNOWN
    if low is None or high is None:
        return UNKNOWN
    return (math.exp(low), math.exp(high))


def difference(now: float, now_in: Interval, before: float, before_in: Interval) -> Interval:
    """Return the interval of `now - before` from theirs (Newcombe 1998, method 10)."""
    low, high = now_in
    low_before, high_before = before_in
    if low is None or high is None or low_before is None or high_before is None:
        return UNKNOWN
    change = now - before
    return (
        change - math.hypot(now - low, high_before - before),
        change + math.hypot(high - now, before - low_before),
    )


def log_ratio(ratio: float, k: float, k_before: float) -> Interval:
    """Return the interval of the logarithm of a ratio of two counts, each with 1.5 added."""
    half = Z * math.sqrt(1 / (k + 1.5) + 1 / (k_before + 1.5))
    return (ratio - half, ratio + half)


@cache
def _gamma_quantile(shape: float, p: float) -> float:
    # Wilson and Hilferty's cube is a start that Newton's steps make exact.
    z = NormalDist().inv_cdf(p)
    start = shape * max(1 - 1 / (9 * shape) + z / (3 * math.sqrt(shape)), 0.01) ** 3

    def density(x: float) -> float:
        return math.exp((shape - 1) * math.log(x) - x - math.lgamma(shape))

    return _solve(lambda x: _gamma_share(shape, x) - p, density, start)


@cache
def _student_quantile(freedom: int, share: float) -> float:
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    scale -= math.log(freedom * math.pi) / 2

    def density(t: float) -> float:
        return math.exp(scale - (freedom + 1) / 2 * math.log1p(t * t / freedom))

    z = NormalDist().inv_cdf(share)
    start = z + (z**3 + z) / (4 * freedom)  # Cornish and Fisher
    return _solve(lambda t: _student_share(freedom, t) - share, density, start)


def _solve(
    rising: Callable[[float], float], slope: Callable[[float], float], start: float
) -> float:
    """Return where a rising function of a positive number crosses zero, by Newton's steps.

    A step that would leave what is known to hold the crossing halves it instead.
    """
    low, high, x = 0.0, math.inf, start
    for _ in range(_STEPS):
        height = rising(x)
        low, high = (x, high) if height < 0 else (low, x)
        step = height / (slope(x) or _TINY)
        x = x - step
        if abs(step) <= 1e-12 * x:  # as near as the shares themselves are
            break
        if not low < x < high:
            x = (low + high) / 2 if high < math.inf else low * 2
    return x


def _gamma_share(shape: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function (DLMF 8.11.4 and 8.9.2)."""
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x >= shape + 1:
        return 1 - front * _continued(
            lambda i: (1.0 if i == 1 else -(i - 1) * (i - 1 - shape), x + 2 * i - 1 - shape)
        )
    term = total = 1 / shape
    for i in range(1, 100_000):
        term *= x / (shape + i)
        total += term
        if term < total * 1e-17:
            break
    return front * total


def _student_share(freedom: int, t: float) -> float:
    """Return P(T <= t) for t > 0, by the incomplete beta function (DLMF 8.17.22)."""
    a, b, x = freedom / 2, 0.5, freedom / (freedom + t * t)
    if x > (a + 1) / (a + b + 2):
        return 0.5 + _beta_share(b, a, 1 - x) / 2
    return 1 - _beta_share(a, b, x) / 2


def _beta_share(a: float, b: float, x: float) -> float:
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x)) / a

    def step(i: int) -> tuple[float, float]:
        if i == 1:
            return 1.0, 1.0
        m, odd = divmod(i - 1, 2)
        if odd:
            return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1.0
        return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1.0

    return front * _continued(step)


def _continued(step: Callable[[int], tuple[float, float]]) -> float:
    """Return a1/(b1 + a2/(b2 + ...)), with step(i) = (ai, bi), by Lentz's algorithm."""
    value, c, d = _TINY, _TINY, 0.0
    for i in range(1, _STEPS):
        a, b = step(i)
        d = 1 / ((b + a * d) or _TINY)
        c = (b + a / c) or _TINY
        value *= c * d
        if abs(c * d - 1) < 1e-16:  # noqa: PLR2004
            break
    return value
