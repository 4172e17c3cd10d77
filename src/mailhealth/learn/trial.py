"""Learn on the days before a cut, test on those after it, and tell how it went."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import log

import numpy as np

from mailhealth.errors import BadData
from mailhealth.learn.gate import judge
from mailhealth.learn.integers import Table, table
from mailhealth.learn.landmarks import HORIZON, UNIT, Panel
from mailhealth.learn.measures import Predicted, measure, values
from mailhealth.learn.redraws import Redraws
from mailhealth.learn.report import Part, Report, SignalReport
from mailhealth.learn.weights import EXPERT, Fitted, choose, fit

_TRAINED = 0.6  # of the time that the embargo leaves
_LEAST = 2  # customers who left, to learn anything from


@dataclass(frozen=True, slots=True)
class _Model:
    """A way to a score: log-odds by row, and where its points begin."""

    name: str
    fitted: Fitted | None  # None: nobody left to tell how likely it is
    base: float
    table: Table | None = None

    def predict(self, panel: Panel) -> Predicted:
        if self.table:
            panel = _by_table(self.table, panel)
        risk = panel.X @ (self.fitted.weights if self.fitted else panel.terms.expert)
        probability = self.fitted.probability(panel) if self.fitted else None
        return Predicted(risk, values(risk, self.base, panel.cap), probability)


def ready() -> None:
    """Raise BadData where scikit-learn is missing: it comes with the extra mailhealth[learn]."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise BadData(
            "Learning needs scikit-learn; install it with `pip install 'mailhealth[learn]'`."
        )


def backtest(panel: Panel, *, seed: int = 0) -> Report:
    """Learn weights on the days before the cut, and test them with the expert's on those after.

    Train on landmarks up to a horizon before the cut (the embargo: who left was known by then),
    test on those after it. `seed` is the bootstrap's. Raises BadData where there is no row.
    """
    ready()
    if not len(panel.y):
        raise BadData(
            "nothing to backtest: no customer of 60 days or more has mail 90 days before the day"
            " as of which is asked; read older mail, or name a later day"
        )
    cut = _cut(panel)
    train, test = panel.take(panel.at <= cut - HORIZON), panel.take(panel.at > cut)
    redraws = Redraws(test, seed)
    models = list(_models(train, panel))
    told = {model.name: model.predict(test) for model in models}
    learnt = next((model for model in models if model.name == "learnt"), None)
    rated = next((model.table for model in models if model.table), None)
    fitted = learnt.fitted if learnt else None
    return Report(
        customers=len(np.unique(panel.customer)),
        leavers=panel.leavers,
        landmarks=len(np.unique(panel.at)),
        cut=_day(cut),
        train=_part(train) if len(train.y) else None,
        test=_part(test),
        models=tuple(
            measure(name, each, test, redraws=redraws, seed=seed) for name, each in told.items()
        ),
        signals=tuple(_signals(test, redraws, fitted)),
        gate=judge(
            told["expert"],
            told.get("learnt"),
            redraws,
            leavers=train.leavers,
            cut=_day(cut),
        ),
        lam=fitted.lam if fitted else None,
        base=learnt.base if learnt else None,
        weights=_named(panel, fitted),
        reach=_reach(train, fitted),
        table=rated,
        segments=_intercepts(panel, fitted),
    )


def _cut(panel: Panel) -> int:
    """Return the moment between learning and testing; before all rows where time is too short."""
    first, last = int(panel.at.min()), int(panel.at.max())
    cut = first + HORIZON + int(_TRAINED * (last - first - HORIZON))
    return cut if cut < last else first - 1


def _models(train: Panel, panel: Panel) -> Iterator[_Model]:
    """Yield the expert's way to a score and, where enough customers left, the learnt ones."""
    base = panel.terms.base
    if train.leavers < _LEAST:
        yield _Model("expert", None, base)
        return
    yield _Model("expert", fit(train, lam=EXPERT), base)
    learnt = fit(train, lam=choose(train))
    base = _base(learnt, train)
    yield _Model("learnt", learnt, base)
    rated = table(learnt, train, base=base)
    yield _Model("table", fit(_by_table(rated, train), lam=EXPERT), rated.base, rated)


def _base(fitted: Fitted, train: Panel) -> float:
    """Return the score of a customer with no points, so that 70 are the odds of the average."""
    share = float(train.y.mean())
    usual = log(share / (1 - share)) - float(fitted.intercepts[train.segment].mean())
    return 70 + usual / UNIT


def _by_table(rated: Table, panel: Panel) -> Panel:
    """Return a panel whose one column is what the table says, in log-odds."""
    one = np.ones(1)
    terms = replace(panel.terms, names=("table",), expert=one, harmful=one < 1)
    return replace(panel, terms=terms, X=-UNIT * rated.points(panel)[:, None])


def _signals(test: Panel, redraws: Redraws, fitted: Fitted | None) -> Iterator[SignalReport]:
    weights = [None] * test.X.shape[1] if fitted is None else fitted.weights.tolist()
    for j, name in enumerate(test.terms.names):
        known = float((~np.isnan(test.values[:, j])).mean())
        yield SignalReport(name, True, redraws.auc(test.X[:, j]), known=known, weight=weights[j])
    for j, name in enumerate(test.terms.others):
        answers = test.others[:, j]
        there = ~np.isnan(answers)
        # What is unknown stands in the middle, as a signal with points stands at none.
        middle = float(np.median(answers[there])) if there.any() else 0.0
        filled = np.where(there, answers, middle)
        yield SignalReport(name, False, redraws.auc(filled), known=float(there.mean()), weight=None)


def _named(panel: Panel, fitted: Fitted | None) -> dict[str, float]:
    return (
        {} if fitted is None else dict(zip(panel.terms.names, fitted.weights.tolist(), strict=True))
    )


def _reach(train: Panel, fitted: Fitted | None) -> dict[str, tuple[float, float]]:
    if fitted is None:
        return {}
    earned = -train.X * fitted.weights / UNIT
    ends = zip(earned.min(axis=0).tolist(), earned.max(axis=0).tolist(), strict=True)
    return dict(zip(train.terms.names, ends, strict=True))


def _intercepts(panel: Panel, fitted: Fitted | None) -> dict[str, float]:
    if fitted is None or len(panel.segments) < _LEAST:
        return {}
    return dict(zip(panel.segments, fitted.intercepts.tolist(), strict=True))


def _part(panel: Panel) -> Part:
    return Part(
        first=_day(int(panel.at.min())),
        last=_day(int(panel.at.max())),
        landmarks=len(np.unique(panel.at)),
        customers=len(np.unique(panel.customer)),
        rows=len(panel.y),
        leavers=panel.leavers,
    )


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
