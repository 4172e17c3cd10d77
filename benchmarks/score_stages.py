"""One invented world, judged: `python benchmarks/score_stages.py WORLD SEED CUSTOMERS DAYS`.

Prints one JSON object: what the score, the learnt weights and single signals told of who left,
beside the truth that only the world knows. A process of its own, so that memory stays flat.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

import mailhealth
from mailhealth import learn, simulate

END = "2026-11-01"
HORIZON = timedelta(days=90)
TENURE = timedelta(days=60)
# Signals whose more is said to be worse, and those whose less is.
SINGLE = {
    "recency": ("days_silent", 1),
    "volume": ("inbound_volume", -1),
    "opens, raw": ("open_rate_raw", -1),
    "clicks": ("click_rate", -1),
}


def main() -> None:
    """Make the world, let the product look back on it, and print the figures."""
    name, seed, customers, days = sys.argv[1], *map(int, sys.argv[2:5])
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        world = simulate.world(name, customers=customers, days=days, seed=seed, end=END)
        simulate.write(Path(folder) / "world.db", world)
        churn = Path(folder) / "churn.csv"
        left = simulate.churned(world)
        _write(churn, simulate.CHURNED, left)
        with mailhealth.open(Path(folder) / "world.db") as health:
            report = health.backtest(churn, as_of=END, seed=seed)
    found = figures(report) | {"oracle": oracle(world, left, report)}
    print(json.dumps(found | {"cpu": time.process_time() - begun}))


def _write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.DictWriter(file, columns)
        lines.writeheader()
        lines.writerows(rows)


def figures(report: learn.Report) -> dict[str, Any]:
    """Tell a report's figures: each model's, the gate, and single signals' AUC."""
    signals = {each.signal: each for each in report.signals}
    single = {what: _auc(signals[signal], sign) for what, (signal, sign) in SINGLE.items()}
    best = max(abs(each.auc.value - 0.5) for each in report.signals if each.auc.value) + 0.5
    return {
        "models": {name: _model(report.model(name)) for name in ("expert", "learnt", "table")},
        "gate": report.gate.open,
        "single": single,
        "best": best,
        "leavers": report.leavers,
    }


def _auc(signal: Any, sign: int) -> float:
    return signal.auc.value if sign > 0 else 1 - signal.auc.value


def _model(model: Any) -> dict[str, Any] | None:
    if model is None:
        return None
    bands = {band.band: (band.share, band.relative) for band in model.bands}
    plain = ("brier_skill", "slope", "in_the_large", "lift")
    return {"auc": model.auc.value, "bands": bands} | {name: getattr(model, name) for name in plain}


def oracle(world: Any, left: list[dict[str, str]], report: learn.Report) -> float:
    """Return the AUC of the true health, on landmarks within the days that were tested."""
    gone = {row["customer"]: date.fromisoformat(row["churned"]) for row in left}
    first, last = (date.fromisoformat(day) for day in (report.test.first, report.test.last))
    since: dict[str, date] = {}
    leaves, ill = [], []
    for row in simulate.healths(world):
        day = date.fromisoformat(row["at"])
        begun = since.setdefault(row["customer"], day)
        end = gone.get(row["customer"], date.max)
        if first <= day <= last and day - begun >= TENURE and end >= day:
            leaves.append(end <= day + HORIZON)
            ill.append(-row["health"])
    return float(roc_auc_score(np.array(leaves), np.array(ill)))


if __name__ == "__main__":
    main()
