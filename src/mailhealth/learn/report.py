"""What a backtest tells: who was there, how well each model did, what each signal knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailhealth.learn.gate import Gate
from mailhealth.learn.integers import Table
from mailhealth.learn.measures import Measured
from mailhealth.learn.redraws import Estimate


@dataclass(frozen=True, slots=True)
class Part:
    """The rows learnt from, or those tested on: from the first landmark to the last (ISO dates).

    `leavers` counts customers, not rows.
    """

    first: str
    last: str
    landmarks: int
    customers: int
    rows: int
    leavers: int


@dataclass(frozen=True, slots=True)
class SignalReport:
    """One signal out of time: its AUC alone, `known` the share of rows with an answer.

    Over 0.5, leavers had less of the points the expert gives or, of a signal that is not
    `scored`, more of the signal itself. `weight` is what the expert's points are multiplied by.
    """

    signal: str
    scored: bool
    auc: Estimate
    known: float
    weight: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """A backtest. `train` is None where the history is too short to learn from.

    `models` are expert, learnt and table, as far as there are any, on the rows of `test`. `cut`
    is the day between: rows up to a horizon before it are learnt from, those after it tested on.
    `base` and `weights` are what the learnt points need: the score of a customer with no points,
    and what each signal's points are multiplied by; `reach` the least and the most that a signal
    earned so on the days learnt from.
    """

    customers: int
    leavers: int
    landmarks: int
    cut: str
    train: Part | None
    test: Part
    models: tuple[Measured, ...]
    signals: tuple[SignalReport, ...]
    gate: Gate
    lam: float | None
    base: float | None
    weights: Mapping[str, float]
    reach: Mapping[str, tuple[float, float]]
    table: Table | None
    segments: Mapping[str, float]

    def model(self, name: str) -> Measured | None:
        """Return one model's measures by name: expert, learnt or table."""
        return next((each for each in self.models if each.model == name), None)
