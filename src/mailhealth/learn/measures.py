"""How well a score tells who leaves: rank, calibration, bands, and how early."""

from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from mailhealth.learn.landmarks import UNIT, Floats, Panel
from mailhealth.learn.redraws import Estimate, Redraws
from mailhealth.learn.weights import log_losses
from mailhealth.rules import DAY

BANDS = ("unhealthy", "at risk", "healthy")

_TOP = 0.1
_BINS = 10


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a model says of the rows of a panel; `probability` is None where nobody left before.

    `risk` is in log-odds, `value` the score from 0 to 100, caps included.
    """

    risk: Floats
    value: Floats
    probability: Floats | None


@dataclass(frozen=True, slots=True)
class Band:
    """A band: its share of the rows, and who left there, as a share and against all."""

    band: str
    share: float
    left: float | None
    relative: float | None


@dataclass(frozen=True, slots=True)
class Lead:
    """How early a band warned: of `of` leavers it stood there when they gave notice for `share`.

    `days` is the median from when it came to stand there until the notice.
    """

    band: str
    of: int
    share: float | None
    days: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One model, out of time.

    `auc_unannounced` leaves out who had said so already. `slope` is 1 and `in_the_large` (who
    left / who was expected to) is 1 for a calibrated model. `brier_skill` is against everybody's
    share. `lift` is how much more often the riskiest tenth left than all. `curve` is the
    reliability: predicted, observed, tenth by tenth. `capped` is like a band: whom a cap alone
    made unhealthy.
    """

    model: str
    auc: Estimate
    auc_unannounced: Estimate
    log_loss: float | None
    brier: float | None
    brier_skill: float | None
    slope: float | None
    in_the_large: float | None
    lift: float | None
    bands: tuple[Band, ...]
    capped: Band
    leads: tuple[Lead, ...]
    curve: tuple[tuple[float, float], ...]


def measure(name: str, told: Predicted, panel: Panel, *, redraws: Redraws, seed: int) -> Measured:
    """Measure what a model says of a panel's rows against who left."""
    quiet = ~panel.announced
    unannounced = Redraws(panel.take(quiet), seed).auc(told.risk[quiet])
    sharp = _Sharp(told.probability, panel.y) if redraws.both else _Sharp(None, panel.y)
    return Measured(
        model=name,
        auc=redraws.auc(told.risk),
        auc_unannounced=unannounced,
        log_loss=sharp.log_loss(),
        brier=sharp.brier(),
        brier_skill=sharp.skill(),
        slope=sharp.slope(),
        in_the_large=sharp.in_the_large(),
        lift=lift(told.risk, panel.y),
        bands=bands(told.value, panel),
        capped=_band("capped", panel.announced & (told.value >= panel.cap), panel.y),
        leads=tuple(lead(told.value, panel, i) for i in (0, 1)),
        curve=sharp.curve(),
    )


def values(risk: Floats, base: float, cap: Floats) -> Floats:
    """Return the score from 0 to 100 that a risk in log-odds makes, caps included."""
    return np.minimum(np.clip(base - risk / UNIT, 0, 100), cap)


def lift(risk: Floats, y: Floats) -> float | None:
    """Return who left in the riskiest tenth against all; rows of equal risk share their places."""
    if not len(y) or not y.sum():
        return None
    places = _TOP * len(y)
    edge = np.sort(risk)[::-1][int(np.ceil(places)) - 1]
    over, even = risk > edge, risk == edge
    caught = y[over].sum() + (places - over.sum()) * y[even].mean()
    return float(caught / places / y.mean())


def bands(value: Floats, panel: Panel) -> tuple[Band, ...]:
    """Return each band's share of the rows, and how many left there."""
    step = _steps(value, panel)
    return tuple(_band(name, step == i, panel.y) for i, name in enumerate(BANDS))


def lead(value: Floats, panel: Panel, worst: int) -> Lead:
    """Tell how long before the notice a leaver stood in a band, or in a worse one, without break.

    Counted from landmark to landmark, among the leavers who were at risk on one within a horizon
    of their notice.
    """
    step = _steps(value, panel)
    days: list[float] = []
    leavers = np.unique(panel.customer[panel.y > 0])
    for customer in leavers:
        rows = np.flatnonzero(panel.customer == customer)
        rows = rows[np.argsort(panel.at[rows])]
        days.append(_warned(step[rows] <= worst, panel.at[rows], panel.left[rows[0]]))
    known = [each for each in days if not isnan(each)]
    return Lead(
        BANDS[worst],
        len(leavers),
        len(known) / len(leavers) if len(leavers) else None,
        float(np.median(known)) if known else None,
    )


def _warned(stood: np.ndarray, at: np.ndarray, left: float) -> float:
    """Return the days from when the last run of warnings began to the notice; NaN: no run."""
    if not stood[-1]:
        return nan
    calm = np.flatnonzero(~stood)
    first = calm[-1] + 1 if len(calm) else 0
    return float(left - at[first]) / DAY


def _steps(value: Floats, panel: Panel) -> np.ndarray:
    return np.digitize(value, panel.terms.edges)


def _band(name: str, there: np.ndarray, y: Floats) -> Band:
    share = float(there.mean()) if len(y) else 0.0
    left = float(y[there].mean()) if there.any() else None
    overall = y.mean() if len(y) else 0.0
    return Band(name, share, left, None if left is None or not overall else left / float(overall))


class _Sharp:
    """What can be said of probabilities, where there are any."""

    def __init__(self, probability: Floats | None, y: Floats) -> None:
        self.p, self.y = probability, y

    def log_loss(self) -> float | None:
        return None if self.p is None else float(log_losses(self.p, self.y).mean())

    def brier(self) -> float | None:
        if self.p is None:
            return None
        from sklearn.metrics import brier_score_loss

        return float(brier_score_loss(self.y, self.p))

    def skill(self) -> float | None:
        brier, share = self.brier(), self.y.mean()
        return None if brier is None else float(1 - brier / (share * (1 - share)))

    def slope(self) -> float | None:
        """The slope of a logistic regression of who left on the log-odds predicted (Cox 1958)."""
        if self.p is None:
            return None
        from scipy.special import logit
        from sklearn.linear_model import LogisticRegression

        odds = logit(np.clip(self.p, 1e-12, 1 - 1e-12))[:, None]
        if np.ptp(odds) == 0:
            return None
        # A trace of ridge: leavers and stayers that a line parts would have no finite slope.
        return float(LogisticRegression(C=1e4).fit(odds, self.y).coef_[0, 0])

    def in_the_large(self) -> float | None:
        return None if self.p is None else float(self.y.sum() / self.p.sum())

    def curve(self) -> tuple[tuple[float, float], ...]:
        if self.p is None:
            return ()
        from sklearn.calibration import calibration_curve

        observed, said = calibration_curve(self.y, self.p, n_bins=_BINS, strategy="quantile")
        return tuple(zip(said.tolist(), observed.tolist(), strict=True))
