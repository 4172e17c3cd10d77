"""Empirical Bayes: how much of an answer is the customer's own, and how much is the cohort's.

Each kind of answer has a conjugate prior, and each prior is two numbers: the cohort's mean m0 and
the observations n0 that it is worth. Then shrunk = (n x + n0 m0) / (n + n0), and the reliability
is n / (n + n0), whatever the kind (method: Efron & Morris 1975; Casella 1985).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mailhealth.signals.fits import Prior

Floats = npt.NDArray[np.float64]

CUSTOMERS = 30  # a cohort with fewer of them, or fewer trials, is pooled with its neighbours
TRIALS = 200
_STEPS = 100
_LEAP = 5.0  # how far, in logarithms, a step may go beyond the last two
_LEAST, _MOST = 0.05, 1e6  # observations that a prior may be worth
_SIZES = ((30, "small"), (300, "medium"), (float("inf"), "large"))  # mails in a year


def cohorts(segments: Sequence[str], mails: Floats) -> list[tuple[str, str, str]]:
    """Name each customer's cohorts, the narrowest first: segment and size, segment, everybody."""
    sizes = [next(name for most, name in _SIZES if count < most) for count in mails]
    return [
        (f"{segment}|{size}", segment + "|", "")
        for segment, size in zip(segments, sizes, strict=True)
    ]


def priors(
    measures: str, numbers: tuple[Floats, Floats, Floats], named: Sequence[tuple[str, str, str]]
) -> Mapping[str, Prior]:
    """Fit the prior of every cohort that is large enough.

    `numbers` are x, n and the variance within a customer (for means), all of one length.
    """
    found: dict[str, Prior] = {}
    for cohort, members in _members(named).items():
        x, n, within = (each[members] for each in numbers)
        known = np.isfinite(x) & (n > 0)
        if known.sum() >= CUSTOMERS and n[known].sum() >= TRIALS:
            prior = _fit(measures, x[known], n[known], within[known])
            if prior is not None:
                found[cohort] = prior
    return found


def _members(named: Sequence[tuple[str, str, str]]) -> Mapping[str, list[int]]:
    members: dict[str, list[int]] = {}
    for i, names in enumerate(named):
        for name in names:
            members.setdefault(name, []).append(i)
    return dict(sorted(members.items()))


def _fit(measures: str, x: Floats, n: Floats, within: Floats) -> Prior | None:
    if measures == "rate":
        return beta_binomial(np.rint(x * n), n)
    if measures == "count":
        return gamma_poisson(x, n)
    return normal(x, n, within)


def beta_binomial(k: Floats, n: Floats) -> Prior | None:
    """Return mean and weight of the beta distribution of shares most likely behind k of n each.

    Maximum likelihood by the fixed point of Minka (2000), Estimating a Dirichlet distribution,
    eq. 55; differences of digamma functions of whole numbers are sums. None: no spread is seen.
    """
    hits, misses, trials = _reached(k), _reached(n - k), _reached(n)
    if not hits.size or not misses.size:
        return None

    def step(logs: Floats) -> Floats:
        a, b = np.exp(logs)
        rises = np.array([_rise(hits, a), _rise(misses, b)])
        closer: Floats = logs + np.log(rises / _rise(trials, a + b))
        return closer

    share = float(np.clip(k.sum() / n.sum(), 1e-6, 1 - 1e-6))
    a, b = np.exp(_settled(step, np.log([2 * share, 2 * (1 - share)])))
    return float(a / (a + b)), float(np.clip(a + b, _LEAST, _MOST))


def _settled(step: Callable[[Floats], Floats], logs: Floats) -> Floats:
    """Repeat a step of a and b (their logarithms) until it leaves them where they are.

    Alike customers would take thousands of steps; so each goes as far as the last two promise
    (SQUAREM, scheme S3: Varadhan & Roland 2008, Scandinavian Journal of Statistics 35, 335).
    """
    for _ in range(_STEPS):
        once = step(logs)
        twice = step(once)
        pace, bend = once - logs, (twice - once) - (once - logs)
        if np.abs(twice - logs).max() < 1e-9 or np.exp(twice).sum() > _MOST:  # noqa: PLR2004
            return twice
        curve = float(np.linalg.norm(bend))
        far = max(1.0, float(np.linalg.norm(pace)) / curve) if curve > 0 else 1.0
        ahead = logs + 2 * far * pace + far * far * bend
        logs = step(np.clip(ahead, twice - _LEAP, twice + _LEAP))
    return logs


def _reached(counts: Floats) -> Floats:
    """Return for i = 0, 1 ...: how many of the counts are more than i."""
    whole = np.rint(counts).astype(np.int64)
    tallies = np.bincount(whole, minlength=1)[::-1].cumsum()[::-1]
    return tallies[1:].astype(np.float64)


def _rise(reached: Floats, start: float) -> float:
    """Return the sum of digamma(start + count) - digamma(start) over the counts."""
    return float((reached / (start + np.arange(reached.size))).sum())


def gamma_poisson(x: Floats, n: Floats) -> Prior | None:
    """Return mean and weight of the gamma distribution behind rates x seen over exposures n.

    By moments (Marshall 1991, Applied Statistics 40, 283). None: nothing was counted.
    """
    mean = float((x * n).sum() / n.sum())
    if mean <= 0:
        return None
    spread = float((n * (x - mean) ** 2).sum() / n.sum()) - mean * len(n) / float(n.sum())
    return mean, float(np.clip(mean / spread if spread > 0 else _MOST, _LEAST, _MOST))


def normal(x: Floats, n: Floats, within: Floats) -> Prior | None:
    """Return mean and weight of the normal distribution behind means x of n values each.

    The variance within customers is pooled; that between them is by moments (DerSimonian &
    Laird 1986). None: nobody has two values.
    """
    several = (n > 1) & np.isfinite(within)
    if not several.any():
        return None
    inside = float(((n - 1) * within)[several].sum() / (n - 1)[several].sum())
    total = float(n.sum())
    mean = float((n * x).sum() / total)
    q = float((n * (x - mean) ** 2).sum())
    between = (q - (len(n) - 1) * inside) / (total - float((n * n).sum()) / total)
    weight = inside / between if between > 0 else _MOST
    return mean, float(np.clip(weight, _LEAST, _MOST))


def each_prior(
    named: Sequence[tuple[str, str, str]], fitted: Mapping[str, Prior], default: Prior
) -> Iterator[Prior]:
    """Return each customer's prior: of its narrowest cohort that has one, else the default."""
    theirs = {
        names: next((fitted[name] for name in names if name in fitted), default)
        for names in set(named)
    }
    return map(theirs.__getitem__, named)
