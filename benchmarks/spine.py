"""Measure the spine on an invented company: `python benchmarks/spine.py`.

Every stage runs in a process of its own, so that its CPU time and its peak of memory are its
own; `notmuch new` reads the same Maildir beside it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import company
from rich.console import Console
from rich.table import Table

STAGES = Path(__file__).with_name("stages.py")
UNITS = {"annotate": "texts", "events": "events", "signals": "customers", "year": "customers"}
# One thread a process: what is measured is work, not how many cores happen to be free.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
NOTMUCH_CONFIG = """
[database]
path={folder}/notmuch
mail_root={folder}/Maildir
[user]
name=Benchmark
primary_email=benchmark@example.com
[new]
tags=new
[maildir]
synchronize_flags=false
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: items done, wall and CPU seconds (children included), peak bytes."""

    items: int
    wall: float
    cpu: float
    memory: int

    def without(self, part: "Cost") -> "Cost":
        """What was left to do beside a part that was measured alone."""
        return Cost(self.items, self.wall - part.wall, self.cpu - part.cpu, self.memory)


def main() -> None:
    """Generate, measure, print the table."""
    options = _options()
    kept = Path(options.folder) if options.folder else None
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _generate(folder, options.messages, options.events)
        (folder / "acme.db").unlink(missing_ok=True)
        stages = [s for s in options.stages.split(",") if s]
        costs = {stage: _stage(stage, folder) for stage in stages}
        _print(costs, _notmuch(folder))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--folder", help="generate into this folder, or use what it holds")
    parser.add_argument(
        "--stages",
        default="files,parse,store,events,annotate,signals,year",
        help="the stages to run, in this order (default: %(default)s)",
    )
    return parser.parse_args()


def _generate(folder: Path, messages: int, events: int) -> None:
    if (folder / "events.csv").exists():
        return
    company.write_maildir(folder / "Maildir", messages)
    company.write_send_log(folder / "events.csv", events)


def _stage(name: str, folder: Path) -> Cost | str:
    return _measure([sys.executable, str(STAGES), name, str(folder)], folder, items=None)


def _notmuch(folder: Path) -> Cost | str:
    program = shutil.which("notmuch")
    if program is None:
        return "not installed (Debian: apt install notmuch)"
    shutil.rmtree(folder / "notmuch", ignore_errors=True)
    (folder / "notmuch").mkdir()
    config = folder / "notmuch-config"
    config.write_text(NOTMUCH_CONFIG.format(folder=folder), encoding="utf-8")
    mails = sum(1 for _ in (folder / "Maildir" / "cur").iterdir())
    return _measure([program, f"--config={config}", "new", "--quiet"], folder, items=mails)


def _measure(command: Sequence[str], folder: Path, *, items: int | None) -> Cost | str:
    """Run a command to its end; the reason, where it fails.

    `items` None: the command prints how many. The kernel counts the memory of the largest
    process and the CPU time of all (wait4).
    """
    told = folder / "told"
    start = time.perf_counter()
    with told.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **ONE_THREAD}
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = told.read_text(encoding="utf-8", errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    if process.returncode:
        return f"failed: {last}"
    done = int(last) if items is None else items
    return Cost(done, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _print(costs: dict[str, Cost | str], notmuch: Cost | str) -> None:
    table = Table("stage", "went through", "wall s", "per s", "CPU s", "per CPU s", "peak MB")
    for column in table.columns[1:]:
        column.justify = "right"
    parse, store = costs.get("parse"), costs.get("store")
    for stage, cost in costs.items():
        _add(table, "parse + store" if stage == "store" else stage, cost)
        if stage == "store" and isinstance(parse, Cost) and isinstance(store, Cost):
            _add(table, "store alone (difference)", store.without(parse))
    _add(table, "notmuch new", notmuch)
    Console(width=100).print(table)
    if isinstance(store, Cost) and isinstance(notmuch, Cost):
        wall, cpu = store.wall / notmuch.wall, store.cpu / notmuch.cpu
        print(f"parse + store takes {wall:.1f} times the wall, {cpu:.1f} times the CPU of notmuch")


def _add(table: Table, name: str, cost: Cost | str) -> None:
    if isinstance(cost, str):
        table.add_row(name)
        print(f"{name}: {cost}")
        return
    rates = [cost.items / seconds if seconds > 0 else 0.0 for seconds in (cost.wall, cost.cpu)]
    table.add_row(
        name,
        f"{cost.items:,} {UNITS.get(name, 'mails')}",
        f"{cost.wall:.1f}",
        f"{rates[0]:,.0f}",
        f"{cost.cpu:.1f}",
        f"{rates[1]:,.0f}",
        f"{cost.memory / 1e6:,.0f}",
    )


if __name__ == "__main__":
    main()
