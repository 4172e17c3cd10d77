"""What is done in a process of its own: `imap_stages.py read|small|bare DATABASE`; prints JSON."""

import json
import re
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

SMALL = 70  # messages a transaction: one that ends within a group has a cursor before its end
MAIL = b"From: ann@customer.example\n\nCould you tell us when the export will be ready?\n"


def read(path: Path) -> dict[str, Any]:
    """Sync the sources without model and score: what is new is parsed, classified and kept.

    `stage_s` is what the sync took, the program being loaded.
    """
    from mailhealth.health import Health

    class Reading(Health):
        def read_texts(self, **_: object) -> int:
            return 0

        def update(self, *_: object, **__: object) -> int:
            return 0

    _load("mailhealth.readers.imap", "mailhealth.sources")
    with Reading(path) as health:
        print("reading", flush=True)
        start = time.perf_counter()
        (report,) = health.sync().sources
        stage_s = time.perf_counter() - start
    return {"new": report.new, "error": report.error, "stage_s": stage_s, "peak": _peak()}


def small(path: Path) -> dict[str, Any]:
    """Do the same in small transactions, so that an end may come between two and within one."""
    from mailhealth import sources
    from mailhealth.health import batches
    from mailhealth.records import Raw

    sources.message(Raw("", MAIL))  # loads what is loaded late
    assert batches.MESSAGES
    batches.MESSAGES = SMALL
    return read(path)


def bare(_: Path) -> dict[str, Any]:
    """Import what reads and what keeps, and do nothing."""
    _load("mailhealth.readers.imap", "mailhealth.store")
    return {"peak": _peak()}


def _load(*modules: str) -> None:
    for module in modules:
        import_module(module)


def _peak() -> int:
    """The peak of this process in bytes: getrusage would count that of its parent, too."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.findall(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[0]) * 1024


if __name__ == "__main__":
    print(json.dumps({"read": read, "small": small, "bare": bare}[sys.argv[1]](Path(sys.argv[2]))))
