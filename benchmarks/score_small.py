"""Young companies: `python benchmarks/score_small.py WORLD SEED CUSTOMERS DAYS DRAWS`.

Where few have left yet, learning from them must not hurt. From the days that one world learns from,
companies are drawn that lost 20 customers; the days it tests on stay whole. Prints one JSON object:
of each draw, what the expert's weights, the learnt ones and a plain ridge told of who left, and
whether the gate opened. A process of its own, so that memory stays flat.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import mailhealth
from mailhealth import learn, simulate
from mailhealth.health import learning
from mailhealth.health.instants import instant, seconds
from mailhealth.learn.gate import judge
from mailhealth.learn.measures import Predicted, values
from mailhealth.learn.redraws import Redraws

END = "2026-11-01"
LEAVERS = 20
RIDGE = 30.0  # the lambda of the methodology's own figures (6.7), which had no gate

Random = np.random.Generator


def main() -> None:
    """Look back on a world once, draw young companies from it, and print what they learn."""
    name, seed, customers, days, draws = sys.argv[1], *map(int, sys.argv[2:6])
    panel = look_back(name, seed, customers, days)
    cut = seconds(instant(learn.backtest(panel).cut))
    known = panel.take(panel.at <= cut - learn.HORIZON)
    test = panel.take(panel.at > cut)
    random = np.random.default_rng(seed)
    told = {
        way.__name__: [tried(way(known, random), test, random) for _ in range(draws)]
        for way in (few_leavers, few_customers)
    }
    print(json.dumps(told | {"leavers": known.leavers, "tested": test.leavers}))


def look_back(name: str, seed: int, customers: int, days: int) -> learn.Panel:
    """Make a world; return its customers on every landmark, with who left after it."""
    world = simulate.world(name, customers=customers, days=days, seed=seed, end=END)
    left = {
        row["customer"]: float(seconds(instant(row["churned"]))) for row in simulate.churned(world)
    }
    with tempfile.TemporaryDirectory() as folder:
        simulate.write(Path(folder) / "world.db", world)
        with mailhealth.open(Path(folder) / "world.db") as health:
            health.judge()
            return learning.panel(health._engine, left, instant(END), lambda *_: None)


def few_leavers(known: learn.Panel, random: Random) -> learn.Panel:
    """Take all leavers but 20 out of what is known; who stayed stays."""
    gone = np.unique(known.customer[known.y > 0])
    others = random.permutation(gone)[LEAVERS:]
    return known.take(~np.isin(known.customer, others))


def few_customers(known: learn.Panel, random: Random) -> learn.Panel:
    """Take out stayers in the same proportion, so that the company is small as well as young."""
    fewer = few_leavers(known, random)
    gone = np.unique(fewer.customer[fewer.y > 0])
    stayed = np.setdiff1d(fewer.customer, gone)
    kept = random.permutation(stayed)[: len(stayed) * LEAVERS // known.leavers]
    return fewer.take(np.isin(fewer.customer, np.concatenate((gone, kept))))


def tried(train: learn.Panel, test: learn.Panel, random: Random) -> dict[str, Any]:
    """Learn from one draw as `learn.backtest` does; tell the AUCs by name, and the gate.

    `unseen` is what was won where the gate could not look: it is judged on half of the customers
    that are tested, and the AUC is that of the other half.
    """
    lam = learn.choose(train)
    fits = {
        name: learn.fit(train, lam=each)
        for name, each in (("expert", learn.EXPERT), ("learnt", lam), ("ridge", RIDGE))
    }
    half = np.isin(test.customer, random.permutation(np.unique(test.customer))[::2])
    looked, unseen = test.take(half), test.take(~half)
    won = _auc(unseen, fits["learnt"]) - _auc(unseen, fits["expert"])
    return {
        **{name: _auc(test, fitted) for name, fitted in fits.items()},
        "lam": lam,
        "open": _opens(fits, train, test),
        "unseen": won if _opens(fits, train, looked) else 0.0,
    }


def _opens(fits: dict[str, learn.Fitted], train: learn.Panel, test: learn.Panel) -> bool:
    expert, learnt = (_predicted(fits[name], test) for name in ("expert", "learnt"))
    return judge(expert, learnt, Redraws(test, 0), leavers=train.leavers, cut="").open


def _predicted(fitted: learn.Fitted, test: learn.Panel) -> Predicted:
    risk = fitted.risk(test)
    return Predicted(risk, values(risk, 70, test.cap), fitted.probability(test))


def _auc(test: learn.Panel, fitted: learn.Fitted) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(test.y, fitted.risk(test)))


if __name__ == "__main__":
    main()
