"""Measure campaign mail: `python benchmarks/campaigns.py`.

How fast send logs come into the database beside a bare `executemany`, how right the verdicts on
machines are on logs whose truth is known, and whether every connector still reads its sample.
Writes docs/campaigns.toml, from which docs/campaigns.md prints its table (`make docs`).
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import send_logs
from rich.console import Console
from rich.table import Table

STAGES = Path(__file__).with_name("campaign_stages.py")
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "campaigns.toml"
FIRST_SEED = 11  # the rules were tuned while looking at logs of seeds 1 to 3
FORMS = {"neither": "CSV", "agent + ip": "JSON lines"}
PARTS = "speed,verdicts,connectors"
TYPES = ("opened", "clicked", "unsubscribed", "all")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one stage took: events, wall and CPU seconds, peak bytes of its process."""

    events: int
    wall: float
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Quality:
    """How right the verdicts are: shares in [0, 1]; None where there is nothing to share.

    `precision`: of what was called a machine's, `recall`: of what machines did, `kept`: of
    what people did, the share that was not called a machine's.
    """

    precision: float | None
    recall: float | None
    kept: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: what was measured, how it came out, what it had to reach."""

    what: str
    measured: str
    reach: str = ""
    note: str = ""


def main() -> None:
    """Generate, measure, print the tables; write the page where all parts were measured."""
    options = _options()
    parts = options.parts.split(",")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if "speed" in parts:
            rows += _speed(Path(name), options.events)
        if "verdicts" in parts:
            seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
            rows += _judgements(Path(name), options.judged, seeds)
    if "connectors" in parts:
        rows += _connectors()
    if parts == PARTS.split(","):
        PAGE.write_text(_toml(rows), encoding="utf-8")


def _toml(rows: list[Row]) -> str:
    lines = [f'measured = "{date.today()}"', f'python = "{platform.python_version()}"']
    for row in rows:
        pairs = (f"{key} = {json.dumps(value)}" for key, value in asdict(row).items())
        lines += ["", "[[row]]", *pairs]
    return "\n".join(lines) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="to read, in each form")
    parser.add_argument("--judged", type=int, default=60_000, help="events a labelled log")
    parser.add_argument("--seeds", type=int, default=4, help="labelled logs of each kind")
    parser.add_argument("--folder", help="where the temporary files lie")
    parser.add_argument("--parts", default=PARTS)
    return parser.parse_args()


def _speed(folder: Path, events: int) -> Iterator[Row]:
    table = Table("log", "what", "events", "wall s", "CPU s", "events per CPU s", "peak MB")
    for kind, form in FORMS.items():
        path = folder / f"{kind}.{send_logs.suffix(kind)}"
        send_logs.write(kind, path, events, seed=1, recipients=10_000)
        ours = _stage("ours", folder, kind)
        bare = _stage("bare", folder, kind)
        for name, cost in (("read, saved, judged", ours), ("bare executemany", bare)):
            _add_cost(table, form, name, cost)
        table.add_row(
            form, "times", "", f"{ours.wall / bare.wall:.1f}", f"{ours.cpu / bare.cpu:.1f}"
        )
        for file in folder.glob(f"{kind}*"):
            file.unlink()
        yield from _speed_rows(form, ours, bare)
    _show(table)


def _speed_rows(form: str, ours: Cost, bare: Cost) -> Iterator[Row]:
    what = f"{ours.events:,} events from {form} into the database, judged"
    times = f"{ours.cpu / bare.cpu:.1f} times"
    note = f"{ours.cpu:.0f} and {bare.cpu:.0f} CPU s; {ours.wall / bare.wall:.1f} by the clock"
    yield Row(f"{what}, to a bare executemany", times, "<= 4 times", note)
    yield Row(f"{what}, peak memory", f"{ours.memory / 1e6:,.0f} MB")


def _add_cost(table: Table, form: str, name: str, cost: Cost) -> None:
    table.add_row(
        form,
        name,
        f"{cost.events:,}",
        f"{cost.wall:.1f}",
        f"{cost.cpu:.1f}",
        f"{cost.events / cost.cpu:,.0f}",
        f"{cost.memory / 1e6:,.0f}",
    )


def _stage(stage: str, folder: Path, kind: str) -> Cost:
    """Run a stage to its end in a process of its own; the kernel counts its memory (wait4)."""
    process = subprocess.Popen(
        [sys.executable, str(STAGES), stage, str(folder), kind],
        stdout=subprocess.PIPE,
        env={**os.environ, **ONE_THREAD},
        text=True,
    )
    told = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{stage} of {kind} failed")
    events, wall, cpu = told.split()
    return Cost(int(events), float(wall), float(cpu), usage.ru_maxrss * 1024)


def _judgements(folder: Path, events: int, seeds: range) -> Iterator[Row]:
    table = Table("log tells", "events", "truly machines'", "precision", "recall", "people kept")
    for kind in send_logs.KINDS:
        logs = [_judged(folder, kind, events, seed) for seed in seeds]
        for type_ in TYPES:
            counts = [_only(log, type_) for log in logs]
            qualities = [_quality(each) for each in counts]
            machines = sum(n for each in counts for (_, true, _), n in each.items() if true)
            share = machines / max(1, sum(sum(each.values()) for each in counts))
            told = (
                _mean([getattr(quality, name) for quality in qualities])
                for name in ("precision", "recall", "kept")
            )
            precision, recall, kept = told
            table.add_row(kind, type_, f"{share:.0%}", precision, recall, kept)
            what = f"machines found, log tells {kind}, {type_}: precision and recall"
            yield Row(what, f"{precision}, {recall}", ">= .95, >= .90", f"people kept {kept}")
    _show(table)
    print(f"mean (lowest) of {len(seeds)} logs of {events:,} events each")


def _judged(folder: Path, kind: str, events: int, seed: int) -> Counter[tuple[str, bool, bool]]:
    """Count the events of one labelled log by type, truth and verdict."""
    path = folder / f"{kind}.{send_logs.suffix(kind)}"
    truth = send_logs.write(kind, path, events, seed=seed, recipients=800)
    _stage("ours", folder, kind)
    database = folder / f"{kind}.db"
    counts: Counter[tuple[str, bool, bool]] = Counter()
    for type_, number, machine in _verdicts(database):
        counts[type_, truth[number], machine] += 1
    for file in folder.glob(f"{kind}*"):
        file.unlink()
    return counts


def _verdicts(database: Path) -> Iterator[tuple[str, int, bool]]:
    """Every judged event: its type, its number in the log, whether a machine's for sure."""
    db = sqlite3.connect(database)
    rows = db.execute(
        "select judged.type, events.raw, judged.machine from judged join events using (event)"
    )
    for type_, raw, machine in rows:
        yield type_, int(json.loads(raw)[send_logs.NUMBER]), machine == 1
    db.close()


def _only(counts: Counter[tuple[str, bool, bool]], type_: str) -> Counter[tuple[str, bool, bool]]:
    return Counter({key: n for key, n in counts.items() if type_ in (key[0], "all")})


def _quality(counts: Counter[tuple[str, bool, bool]]) -> Quality:
    of: Counter[tuple[bool, bool]] = Counter()
    for (_, true, called), n in counts.items():
        of[true, called] += n
    return Quality(
        precision=_share(of[True, True], of[False, True]),
        recall=_share(of[True, True], of[True, False]),
        kept=_share(of[False, False], of[False, True]),
    )


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{sum(known) / len(known):.3f} ({min(known):.3f})"


def _connectors() -> Iterator[Row]:
    sys.path.insert(0, str(ROOT))
    from tests.rewrite import CONNECTORS, golden, samples

    names = [folder.name for folder in sorted(CONNECTORS.iterdir()) if samples(folder.name)]
    wrong = [
        name
        for name in names
        if golden(name) != (CONNECTORS / name / "expected.jsonl").read_text("utf-8")
    ]
    told = f"{len(names) - len(wrong)} of {len(names)}"
    print(f"{told} connectors read their samples as expected")
    yield Row("connectors that read their samples as expected", told, "all")
    if wrong:
        sys.exit(f"not as expected: {', '.join(wrong)}")


def _show(table: Table) -> None:
    for column in table.columns[2:]:
        column.justify = "right"
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
