"""The clustered bootstrap: the same customers drawn again and again, each with all its rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mailhealth.learn.landmarks import Flags, Floats, Ints, Panel

Weights = npt.NDArray[np.float32]  # whole numbers, exact up to 16 million

DRAWS = 400
_FEW = 5  # leavers
_AT_ONCE = 4_000_000  # weights in memory together


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval; None where hardly anybody is there to tell it from."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN = Estimate(None, None, None)


class Redraws:
    """How often each row of a panel is there, draw by draw; equal seeds give equal draws."""

    def __init__(self, panel: Panel, seed: int, *, draws: int = DRAWS) -> None:
        self.y, self.leavers = panel.y, panel.leavers
        people, self._place = np.unique(panel.customer, return_inverse=True)
        share = np.full(len(people), 1 / max(1, len(people)))
        drawn = np.random.default_rng(seed).multinomial(len(people), share, size=draws)
        self._drawn = drawn.astype(np.float32).T.copy()  # a row a customer

    @cached_property
    def both(self) -> bool:
        """Whether there is somebody who left, and somebody who stayed."""
        return 0 < float(self.y.sum()) < len(self.y)

    def auc(self, risk: Floats) -> Estimate:
        """Return the AUC with its interval; the same few leavers again and again have none."""
        if not self.both:
            return UNKNOWN
        from sklearn.metrics import roc_auc_score

        value = float(roc_auc_score(self.y, risk))
        if self.leavers < _FEW:
            return Estimate(value, None, None)
        low, high = np.nanquantile(self.aucs(risk), (0.025, 0.975))
        return Estimate(value, float(low), float(high))

    def aucs(self, risk: Floats) -> Floats:
        """Return the AUC of each draw: the share of pairs in the right order, ties by half."""
        order = np.argsort(risk, kind="stable")
        ranked, place, left = risk[order], self._place[order], self.y[order] > 0
        under = np.searchsorted(ranked, ranked[left], side="left")
        upto = np.searchsorted(ranked, ranked[left], side="right")
        stayed = np.where(left, np.float32(0), np.float32(1))
        some = max(1, _AT_ONCE // len(risk))
        return np.concatenate(
            [
                _aucs(self._drawn[place, i : i + some], stayed, (left, under, upto))
                for i in range(0, self._drawn.shape[1], some)
            ]
        )

    def sums(self, each: Floats) -> Floats:
        """Return the sum of a row's number over the rows of each draw."""
        by_customer = np.bincount(self._place, each, len(self._drawn))
        return np.asarray(by_customer @ self._drawn, dtype=np.float64)


def _aucs(weights: Weights, stayed: Weights, leavers: tuple[Flags, Ints, Ints]) -> Floats:
    """Count, for each leaver, who stayed with less risk, and half of those with the same."""
    left, under, upto = leavers
    counted = np.zeros((len(stayed) + 1, weights.shape[1]), dtype=np.float32)
    np.cumsum(weights * stayed[:, None], axis=0, out=counted[1:])
    mine = weights[left].astype(np.float64)
    right = (mine * (counted[under] + counted[upto]) / 2).sum(0)
    with np.errstate(invalid="ignore"):  # a draw without leavers has no AUC
        share: Floats = right / (mine.sum(0) * counted[-1])
    return share
