"""Running a program to its end, and what it took."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imap_server import PASSWORD

STAGES = Path(__file__).with_name("imap_stages.py")
LIMIT_S = 300
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """What a program took: seconds on the wall, CPU seconds with its children, bytes at most.

    `memory` is that of all its processes at a time, shared pages counted once, or 0 where nobody
    looked; `told` is what it printed last, as JSON.
    """

    wall: float
    cpu: float
    memory: int = 0
    told: dict[str, Any] = field(default_factory=dict)


class Failed(Exception):
    """A program failed, or did not do all of its work."""


def measure(command: Sequence[str], *, look: bool = False) -> Run:
    """Run a command; `look`: look at its memory ten times a second. Raises Failed."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        late = threading.Timer(LIMIT_S, process.kill)
        late.start()
        memory = _watch(process.pid) if look else 0
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        last = (output.read().decode(errors="replace").strip().splitlines() or [""])[-1]
    if process.returncode:
        raise Failed(f"{Path(command[0]).name} failed: {last}")
    told = json.loads(last) if last.startswith("{") else {}
    if told.get("error"):
        raise Failed(told["error"])
    return Run(wall, usage.ru_utime + usage.ru_stime, memory, told)


def stage(name: str, database: Path) -> list[str]:
    """Tell the command of one stage of ours."""
    return [sys.executable, str(STAGES), name, str(database)]


@contextmanager
def connected(port: int, user: str, folders: str) -> Iterator[Path]:
    """Connect a mailbox to an empty database in a folder that goes afterwards."""
    import mailhealth

    os.environ["MAILHEALTH_PASSWORD"] = PASSWORD
    with empty() as folder:
        path = folder / "mail.db"
        with mailhealth.open(path) as health:
            health.connect(
                "mailbox",
                "imap",
                host="127.0.0.1",
                port=port,
                user=user,
                tls="no",
                folders=folders,
            )
        yield path


@contextmanager
def empty() -> Iterator[Path]:
    """Give an empty folder that goes afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mailhealth-imap-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watch(pid: int) -> int:
    """The most that a process and its descendants held together until it ended, in bytes."""
    most = 0
    while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        most = max(most, sum(_proportional(each) for each in family(pid)))
        time.sleep(LOOK_S)
    return most


def family(pid: int) -> list[int]:
    """List a process and its living descendants."""
    try:
        told = "".join(each.read_text() for each in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    return [pid, *(each for child in told.split() for each in family(int(child)))]


def _proportional(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    sizes = [line.split()[1] for line in told.splitlines() if line.startswith("Pss:")]
    return int(sizes[0]) * 1024 if sizes else 0


def alive(pid: int) -> bool:
    """Tell whether a process is still there, and no mere entry that nobody has asked for."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
