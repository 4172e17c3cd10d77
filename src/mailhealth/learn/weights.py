"""Weights learnt from those who left: a ridge that pulls towards the expert's points."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np

from mailhealth.learn.landmarks import HORIZON, STEP, Flags, Floats, Panel

EXPERT = inf  # the lambda that keeps the expert's weights
LAMBDAS = (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
CAREFUL = 300.0  # where time is too short to choose

_BLOCKS = 3  # of time, each predicted from what lay an embargo before it
_LANDMARKS = 6  # that it takes to cut three blocks
_PULL = 1200.0  # lambda times leavers at the least: 30 at 40 leavers
_SEGMENT = 4.0  # segments' log-odds are taken to spread by 0.5: 1 / 0.5 ** 2


@dataclass(frozen=True, slots=True)
class Fitted:
    """Log-odds of leaving: a panel's X times `weights`, plus the intercept of its segment."""

    weights: Floats
    intercepts: Floats
    lam: float

    def risk(self, panel: Panel) -> Floats:
        """Return what the signals say, by row: log-odds, 0 for a customer with no points."""
        return panel.X @ self.weights

    def probability(self, panel: Panel) -> Floats:
        """Return the probability of leaving within the horizon, by row."""
        from scipy.special import expit

        odds: Floats = expit(self.risk(panel) + self.intercepts[panel.segment])
        return odds


def fit(panel: Panel, *, lam: float) -> Fitted:
    """Minimise the sum of log-losses + lam / 2 x sum (beta - beta of the expert)^2.

    The betas are of standardised signals. Each segment has an intercept of its own, drawn a
    little towards the common one. A lam of infinity keeps the expert's weights and fits the
    intercepts. Scikit-learn's logistic regression can only be drawn towards 0, so scipy's
    L-BFGS-B does it; its bounds keep `harmful` signals from doing good.
    """
    from scipy.optimize import Bounds, minimize
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(panel.X)
    spread, mean = np.asarray(scaler.scale_), np.asarray(scaler.mean_)
    task = _Task(scaler.transform(panel.X), panel, panel.terms.expert * spread, lam)
    bounds = Bounds(*task.bounds(panel.terms.harmful))
    found = minimize(task.loss, task.start(), jac=True, method="L-BFGS-B", bounds=bounds)
    weights = found.x[task.betas] / spread
    intercepts = found.x[0] + found.x[1 : task.betas.start] - mean @ weights
    return Fitted(weights, intercepts, lam)


def choose(panel: Panel) -> float:
    """Choose lambda by blocked time validation: that of the lowest log-loss.

    The fewer left, the larger the smallest that is tried, which guards few leavers better than
    preferring a larger lambda that is nearly as good (docs/decisions/042). Where there is too
    little time to cut blocks, it is CAREFUL.
    """
    strong = [lam for lam in LAMBDAS if lam * panel.leavers >= _PULL] or LAMBDAS[-1:]
    losses = dict.fromkeys(reversed(strong), 0.0)  # of equal ones the largest
    for train, later in _blocks(panel):
        for lam in losses:
            losses[lam] += float(log_losses(fit(train, lam=lam).probability(later), later.y).sum())
    return min(losses, key=losses.__getitem__) if any(losses.values()) else CAREFUL


def log_losses(probability: Floats, y: Floats) -> Floats:
    """Return the log-loss of each row."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(y * np.log(p) + (1 - y) * np.log1p(-p)))


def _blocks(panel: Panel) -> Iterator[tuple[Panel, Panel]]:
    """Yield blocks of time with what lay before them, an embargo apart, where somebody left."""
    from sklearn.model_selection import TimeSeriesSplit

    days = np.unique(panel.at)
    if len(days) < _LANDMARKS:
        return
    length = max(1, len(days) // (2 * _BLOCKS))
    folds = TimeSeriesSplit(n_splits=_BLOCKS, gap=HORIZON // STEP - 1, test_size=length)
    for before, block in folds.split(days):
        train = panel.take(np.isin(panel.at, days[before]))
        later = panel.take(np.isin(panel.at, days[block]))
        if train.leavers > 1 and later.leavers:
            yield train, later


class _Task:
    """What is minimised over [common intercept, segments' intercepts, betas], and its slope."""

    def __init__(self, z: Floats, panel: Panel, centre: Floats, lam: float) -> None:
        self.z, self.y, self.segment = z, panel.y, panel.segment
        self.centre, self.lam = centre, lam
        self.segments = len(panel.segments)
        self.betas = slice(1 + self.segments, 1 + self.segments + len(centre))

    def start(self) -> Floats:
        """Begin with the base rate and the expert's betas."""
        share = (self.y.sum() + 0.5) / (len(self.y) + 1)
        common = np.log(share / (1 - share))
        return np.concatenate(([common], np.zeros(self.segments), self.centre))

    def bounds(self, harmful: Flags) -> tuple[Floats, Floats]:
        """Keep what is harmful from doing good, and the expert's betas where lambda is infinite."""
        least = np.full(self.betas.stop, -inf)
        most = np.full(self.betas.stop, inf)
        least[self.betas][harmful] = 0.0
        if self.lam == EXPERT:
            least[self.betas] = most[self.betas] = self.centre
        return least, most

    def loss(self, at: Floats) -> tuple[float, Floats]:
        """Return the penalised loss and its gradient."""
        from scipy.special import expit

        own, betas = at[1 : self.betas.start], at[self.betas]
        odds = at[0] + own[self.segment] + self.z @ betas
        away = np.zeros_like(betas) if self.lam == EXPERT else self.lam * (betas - self.centre)
        loss = np.logaddexp(0, odds).sum() - odds @ self.y
        loss += (away @ (betas - self.centre) + _SEGMENT * own @ own) / 2
        wrong = expit(odds) - self.y
        by_segment = np.bincount(self.segment, wrong, self.segments) + _SEGMENT * own
        return float(loss), np.concatenate(([wrong.sum()], by_segment, wrong @ self.z + away))
