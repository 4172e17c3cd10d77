"""The learnt points as a table of whole numbers that can be added up by hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import numpy as np

from mailhealth.learn.landmarks import UNIT, Floats, Panel
from mailhealth.learn.weights import Fitted

QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)

_OFTEN = 0.5  # a value that so many have gets a line of its own, as 0 complaints do


@dataclass(frozen=True, slots=True)
class Line:
    """A signal's answers over `low` up to and with `high` (None: open) earn `points`.

    `share` is how many rows it holds. An answer that is unknown earns 0.
    """

    signal: str
    low: float | None
    high: float | None
    points: int
    share: float


@dataclass(frozen=True, slots=True)
class Table:
    """Lines by signal; `base` plus the points of one line a signal is the score."""

    base: int
    lines: tuple[Line, ...]

    def points(self, panel: Panel) -> Floats:
        """Add up each row's points by the lines its answers stand in."""
        total = np.zeros(len(panel.y))
        for line in self.lines:
            values = panel.values[:, panel.terms.names.index(line.signal)]
            low = -inf if line.low is None else line.low
            high = inf if line.high is None else line.high
            total += line.points * ((values > low) & (values <= high))
        return total


def table(fitted: Fitted, panel: Panel, *, base: float) -> Table:
    """Cut each signal's answers at their quantiles, and round the points earned in between.

    After Sullivan, Massaro and D'Agostino (2004, Statistics in Medicine 23, 1631). `base`
    is the score of a customer with no points.
    """
    lines = tuple(line for j in range(len(panel.terms.names)) for line in _lines(fitted, panel, j))
    return Table(round(base), lines)


def _lines(fitted: Fitted, panel: Panel, j: int) -> Iterator[Line]:
    points = -panel.X[:, j] * fitted.weights[j] / UNIT
    values = panel.values[:, j]
    edges = _edges(values[~np.isnan(values)])
    for low, high in zip([-inf, *edges], [*edges, inf], strict=True):
        there = (values > low) & (values <= high)
        if there.any():
            yield Line(
                signal=panel.terms.names[j],
                low=None if low == -inf else float(low),
                high=None if high == inf else float(high),
                points=round(float(points[there].mean())),
                share=float(there.mean()),
            )


def _edges(known: Floats) -> list[float]:
    """Return where to cut: at the quantiles, and around a value that most of them have."""
    if not len(known):
        return []
    values, counts = np.unique(known, return_counts=True)
    place = counts.argmax()
    if counts[place] < _OFTEN * len(known):
        return _cuts(known)
    alone = values[max(0, place - 1) : place + 1].tolist()
    others = known[known != values[place]]
    return sorted({*alone, *(_cuts(others) if len(others) else ())})


def _cuts(known: Floats) -> list[float]:
    return [float(edge) for edge in np.unique(np.quantile(known, QUANTILES))]
