"""Measure the score: `python benchmarks/score.py worlds`, and speed, small or lists FOLDER.

`worlds` makes invented companies whose truth is known, lets the product look back on each, and
compares what it told with who left: the bars of the methodology (7.4), means over several seeds.
`speed` makes a company of a million mails and five million campaign events and times the engine,
with ten of the same signals written plainly in pandas beside it. `small` learns from companies that
lost 20 customers only, `lists` foretells who falls silent on a mailing list. Figures go to
docs/score.toml.
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
    parser.add_argument("part", choices=("worlds", "speed", "small", "lists"))
    parser.add_argument("folder", nargs="?", help="of a mailing list's archives (lists)")
    parser.add_argument("--seeds", type=int, default=4, help="runs to take the mean of")
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--days", type=int, default=760)
    parser.add_argument("--at-once", type=int, default=1, help="runs beside each other")
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=WORLDS)
    parser.add_argument("--draws", type=int, default=24, help="of young companies (small)")
    options = parser.parse_args()
    if options.part == "lists" and not options.folder:
        parser.error("lists: name the folder of a mailing list's archives")
    parts = {"worlds": _worlds, "speed": _speed, "small": _small, "lists": _lists}
    rows = parts[options.part](options)
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


SPEED = (
    ("all signals, all windows, one day: CPU s", "day", ".1f", "<= 10"),
    ("what all customers share, once a month: CPU s", "fit", ".1f", ""),
    ("ten signals, one window, plainly in pandas: CPU s", "pandas", ".1f", ""),
    ("pandas against the engine", "ratio", ".1f", ">= 2.5 times"),
    ("update after 0.1 % new mail: CPU s", "update", ".1f", "<= 3"),
    ("explain one customer: ms", "explain", ".0f", "<= 50"),
    ("peak memory: MB", "peak", ".0f", "<= 2,000"),
)


def _speed(options: argparse.Namespace) -> list[Row]:
    runs = [_timed() for _ in range(options.seeds)]
    made = runs[0]
    size = f"{made['messages']:,} mails, {made['events']:,} events, {made['customers']:,}"
    more = {"day": f"; {size}", "update": f"; {made['touched']} customers"}
    rows = []
    for what, name, form, to in SPEED:
        each = [run[name] for run in runs]
        span = f"{min(each):{form}} to {max(each):{form}} in {len(each)} runs"
        rows.append(Row(what, f"{statistics.fmean(each):{form}}", to, span + more.get(name, "")))
    return rows


def _timed() -> dict[str, Any]:
    told = {part: _stage("score_speed.py", part) for part in ("make", "engine", "pandas")}
    engine, pandas = told["engine"], told["pandas"]["cpu"]
    peak, ratio = engine["peak"] / 1e6, pandas / engine["day"]
    return engine | {"pandas": pandas, "ratio": ratio, "peak": peak}


def _small(options: argparse.Namespace) -> list[Row]:
    """Tell what is in force after the gate where few have left, against the expert (B18)."""
    note = f"{options.seeds} seeds of {options.customers} customers, {options.days} days"
    rows = [Row("drawn from", note, "", f"{options.draws} draws of 20 leavers a seed")]
    for world, to in (("base", ">= -0.03"), ("quiet", ">= +0.03")):
        runs = [
            _stage("score_small.py", world, seed, options.customers, options.days, options.draws)
            for seed in range(1, options.seeds + 1)
        ]
        for way, kept in (("few_leavers", "all who stayed"), ("few_customers", "few who stayed")):
            draws = [draw for run in runs for draw in run[way]]
            rows += _drawn(f"{world}, {kept}", draws, to)
    return rows


def _drawn(what: str, draws: Sequence[dict[str, Any]], to: str) -> list[Row]:
    won = {name: [draw[name] - draw["expert"] for draw in draws] for name in ("learnt", "ridge")}
    force = [gain * draw["open"] for gain, draw in zip(won["learnt"], draws, strict=True)]
    opened = f"the gate opened in {sum(draw['open'] for draw in draws)} of {len(draws)}"
    lam = f"lambda {statistics.median(draw['lam'] for draw in draws):.0f} (median)"
    unseen = statistics.fmean(draw["unseen"] for draw in draws)
    return [
        Row(f"{what}: in force less expert, AUC", f"{statistics.fmean(force):+.3f}", to, opened),
        Row(f"{what}: the worst draw", f"{min(force):+.3f}"),
        Row(f"{what}: on customers the gate did not see", f"{unseen:+.3f}"),
        Row(f"{what}: learnt, no gate", f"{statistics.fmean(won['learnt']):+.3f}", "", lam),
        Row(f"{what}: ridge of 30, no gate", f"{statistics.fmean(won['ridge']):+.3f}"),
    ]


def _lists(options: argparse.Namespace) -> list[Row]:
    """Tell how silence on a mailing list is foretold, against recency (B17)."""
    found = _stage("score_lists.py", options.folder)
    name = Path(options.folder).name
    return [row for told in found["told"] for row in _list(name, told)]


def _list(name: str, told: dict[str, Any]) -> list[Row]:
    what = f"{name}, {told['days']} days, {told['who']}"
    counts = (
        f"{told['rows']:,} rows of {told['people']:,} senders, {told['silent']:.0%} fell silent"
    )
    fitted = told["fitted"]
    rows = [Row(f"{what}: AUC of recency", f"{told['recency']:.3f}", "", counts)]
    for way, to, said in LISTED:
        note = said.format(**told)
        rows.append(Row(f"{what}: {way} less recency", _won(told["less"][way]), to, note))
    if fitted is None:
        return [
            *rows,
            Row(f"{what}: fitted less recency", "-", "", "too short a time to learn from"),
        ]
    enough = ">= +0.02" if fitted["train"] >= 500 else ""
    note = f"{fitted['train']:,} rows learnt from, {fitted['test']:,} tested"
    return [*rows, Row(f"{what}: fitted less recency", _won(fitted["less"]), enough, note)]


LISTED = (
    ("silence", ">= +0.01", "the signal against their own rhythm, known of {rhythm:.0%}"),
    ("silence_ahead", ">= +0.01", "the signal: will they write in 90 days? Known of all"),
    ("fixed", "<= -0.05", "silent for 30 days, or not"),
)


def _won(less: Sequence[float]) -> str:
    return "{:+.3f} ({:+.3f} to {:+.3f})".format(*less)


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
    """Write the rows of a part; other parts, and worlds not measured now, stay as they are."""
    import tomllib

    page = tomllib.loads(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    new = [asdict(row) for row in rows]
    measured = {_about(row) for row in new}
    before = page.get(part, {}).get("row", []) if part == "worlds" else []
    kept = [row for row in before if _about(row) not in measured]
    page[part] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "row": kept + new,
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


def _about(row: dict[str, str]) -> str:
    """The world that a row tells of: "base" of "base, learnt: lift"."""
    return row["what"].split(":")[0].split(",")[0]


if __name__ == "__main__":
    main()
