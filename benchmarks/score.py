"""Measure the score: `python benchmarks/score.py worlds` and `python benchmarks/score.py speed`.

`worlds` makes invented companies whose truth is known, lets the product look back on each, and
compares what it told with who left: the bars of the methodology (7.4), means over several seeds.
`speed` makes a company of a million mails and five million campaign events and times the engine,
with ten of the same signals written plainly in pandas beside it. Figures go to docs/score.toml.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "score.toml"
WORLDS = ("base", "quiet", "loud", "sparse", "segconf", "null")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    reach: str = ""
    note: str = ""


def main() -> None:
    """Measure what is asked, print the table, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("worlds", "speed"))
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--days", type=int, default=760)
    parser.add_argument("--at-once", type=int, default=1, help="runs beside each other")
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=WORLDS)
    options = parser.parse_args()
    rows = _worlds(options) if options.part == "worlds" else _speed()
    _print(rows)
    _write(options.part, rows)


def _worlds(options: argparse.Namespace) -> list[Row]:
    runs = [(world, seed) for world in options.worlds for seed in range(1, options.seeds + 1)]

    def measured(run: tuple[str, int]) -> tuple[str, dict[str, Any]]:
        told = _stage("score_stages.py", *run, options.customers, options.days)
        expert = told["models"]["expert"]["auc"]
        print(*run, f"expert {expert:.3f}, {told['cpu']:.0f} s", file=sys.stderr, flush=True)
        return run[0], told

    found: dict[str, list[dict[str, Any]]] = {}
    with ThreadPoolExecutor(options.at_once) as pool:
        for world, told in pool.map(measured, runs):
            found.setdefault(world, []).append(told)
    note = f"{options.seeds} seeds of {options.customers} customers, {options.days} days"
    rows = [row for world, runs in found.items() for row in _world(world, runs, note)]
    if "base" in found:
        rows += _shape(found["base"])
    return rows


def _world(world: str, runs: Sequence[dict[str, Any]], note: str) -> list[Row]:
    """Tell how well who left was told in one world."""
    oracle = _mean(runs, lambda run: run["oracle"])
    rows = []
    for model in ("expert", "learnt", "table"):
        auc = _mean(runs, lambda run, model=model: _of(run, model, "auc"))
        lift = _mean(runs, lambda run, model=model: _of(run, model, "lift"))
        said = f"{auc:.3f}" if auc is not None else "-"
        extra = f"lift {lift:.2f}" if lift is not None else ""
        rows.append(Row(f"{world}: AUC of {model}", said, REACH.get((world, model), ""), extra))
    single = {
        name: _mean(runs, lambda run, name=name: run["single"][name]) for name in runs[0]["single"]
    }
    told = ", ".join(f"{name} {auc:.3f}" for name, auc in single.items())
    opened = sum(run["gate"] for run in runs)
    rows.append(Row(f"{world}: AUC of the true health", f"{oracle:.3f}", "", note))
    rows.append(Row(f"{world}: single signals", told))
    rows.append(Row(f"{world}: the gate opened", f"{opened} of {len(runs)}", GATE.get(world, "")))
    return rows


# What the methodology asks of each world (7.4: B1 to B5).
REACH = {
    ("base", "expert"): ">= 0.69",
    ("base", "learnt"): ">= 0.70",
    ("base", "table"): "at most 0.015 under learnt",
    ("quiet", "learnt"): ">= 0.76",
    ("loud", "expert"): ">= 0.69",
    ("loud", "learnt"): ">= 0.69",
    ("sparse", "learnt"): ">= 0.67",
    ("segconf", "learnt"): ">= 0.67",
    ("null", "expert"): "0.47 to 0.53",
    ("null", "learnt"): "0.47 to 0.53",
}
GATE = {"null": "0"}


def _shape(runs: Sequence[dict[str, Any]]) -> list[Row]:
    """Tell calibration, lift and bands in the base world (B6 to B8)."""
    rows = [
        Row(
            f"base, learnt: {what}", f"{_mean(runs, lambda r, n=name: _of(r, 'learnt', n)):.2f}", to
        )
        for what, name, to in (
            ("calibration slope", "slope", "0.85 to 1.15"),
            ("calibration in the large", "in_the_large", "0.85 to 1.15"),
            ("Brier skill", "brier_skill", "> 0"),
            ("lift in the riskiest tenth", "lift", ">= 2.6"),
        )
    ]
    for model in ("expert", "learnt"):
        for band, to in (("unhealthy", "3 to 10 %, >= 3 times"), ("healthy", "<= 0.6 times")):
            share = _mean(runs, lambda r, m=model, b=band: r["models"][m]["bands"][b][0])
            times = _mean(runs, lambda r, m=model, b=band: r["models"][m]["bands"][b][1])
            said = f"{share:.1%} of customers, leave {times:.2f} times as often"
            rows.append(Row(f"base, {model}: {band}", said, to))
    return rows


def _of(run: dict[str, Any], model: str, name: str) -> float | None:
    told = run["models"][model]
    return None if told is None else told[name]


def _mean(runs: Sequence[dict[str, Any]], take: Callable[[dict[str, Any]], Any]) -> Any:
    found = [value for run in runs if (value := take(run)) is not None]
    return statistics.fmean(found) if found else None


def _speed() -> list[Row]:
    told = {name: _stage("score_speed.py", name) for name in ("make", "engine", "pandas")}
    engine, pandas = told["engine"], told["pandas"]
    size = f"{engine['messages']:,} mails, {engine['events']:,} events, {engine['customers']:,}"
    return [
        Row("all signals, all windows, one day: CPU s", f"{engine['day']:.1f}", "<= 10", size),
        Row("what all customers share, once a month: CPU s", f"{engine['fit']:.1f}"),
        Row("ten signals, one window, plainly in pandas: CPU s", f"{pandas['cpu']:.1f}"),
        Row("pandas against the engine", f"{pandas['cpu'] / engine['day']:.1f}", ">= 2.5 times"),
        Row(
            "update after 0.1 % new mail: CPU s",
            f"{engine['update']:.1f}",
            "<= 3",
            f"{engine['touched']} customers",
        ),
        Row("explain one customer: ms", f"{engine['explain']:.0f}", "<= 50"),
        Row("peak memory: MB", f"{engine['peak'] / 1e6:.0f}", "<= 2,000"),
    ]


def _stage(script: str, *asked: object) -> dict[str, Any]:
    command = [sys.executable, str(FOLDER / script), *map(str, asked)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | ONE_THREAD
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _print(rows: Sequence[Row]) -> None:
    table = Table("what", "measured", "to reach", "note")
    for row in rows:
        table.add_row(row.what, row.measured, row.reach, row.note)
    Console().print(table)


def _write(part: str, rows: Sequence[Row]) -> None:
    """Write the rows of a part, and leave those of the other as they are."""
    import tomllib

    page = tomllib.loads(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    page[part] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "row": [asdict(row) for row in rows],
    }
    lines = ["# Written by benchmarks/score.py."]
    for name, told in page.items():
        lines += [
            f"\n[{name}]",
            *(f"{key} = {json.dumps(told[key])}" for key in ("measured", "python")),
        ]
        for row in told["row"]:
            lines += [f"\n[[{name}.row]]"]
            lines += [
                f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items()
            ]
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
