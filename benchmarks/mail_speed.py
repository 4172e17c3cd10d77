"""How fast mail is read and how much memory that takes; each measured in processes of its own."""

import base64
import multiprocessing
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path

Content = tuple[str, bytes]

MB = 1_000_000
TIMES = 3
ATTACHMENT = 75_000  # bytes; with its text and base64 a mail has about 100 kB
TEXT = """Hello,

the export of {number} is not what we ordered. Could you look into it until {day}?

Kind regards
Ann

> On {day} you wrote that the export of {number} would be ready.
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """Messages a second: by the busiest process's CPU time, and by the clock on the wall."""

    per_cpu: float
    per_wall: float


def best_speed(files: list[Path], cores: int) -> Speed:
    """Measure some times and keep the best: what else the machine does only ever slows down."""
    return max((_speed(files, cores) for _ in range(TIMES)), key=lambda found: found.per_cpu)


def _speed(files: list[Path], cores: int) -> Speed:
    """Parse, take apart, class and thread all files in as many processes; reading not counted.

    CPU time is what to compare, because other work may hold the cores: with several
    processes that of the busiest one, which the wall follows on an idle machine. Every file
    is read, and the code loaded, before the time begins.
    """
    shares = [[str(file) for file in files[core::cores]] for core in range(cores)]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(cores)
    with context.Pool(cores, initializer=_keep_barrier, initargs=(barrier,)) as pool:
        told = pool.map(_work, shares, chunksize=1)
    start = time.process_time()
    _join([ids for _, _, found in told for ids in found])
    joined = time.process_time() - start
    cpu, wall = max(cpu for cpu, _, _ in told), max(wall for _, wall, _ in told)
    return Speed(len(files) / (cpu + joined), len(files) / (wall + joined))


_barriers: list[Barrier] = []  # of this process, which the pool's initializer fills


def _keep_barrier(barrier: Barrier) -> None:
    _barriers.append(barrier)


def _work(names: list[str]) -> tuple[float, float, list[tuple[str, ...]]]:
    """Understand a share of the files; CPU seconds, wall seconds, and the ids to join."""
    from mailhealth.machine import kind
    from mailhealth.mime import parse
    from mailhealth.reply import split
    from mailhealth.threads import identifiers

    contents = [Path(name).read_bytes() for name in names]
    for content in contents[:20]:  # loads what is loaded late
        split(parse(content).text)
    for barrier in _barriers:
        barrier.wait()
    cpu, wall = time.process_time(), time.perf_counter()
    ids = []
    for at, content in enumerate(contents):
        mail = parse(content)
        split(mail.text)
        kind(mail)
        ids.append(identifiers(mail, str(at)))
    return time.process_time() - cpu, time.perf_counter() - wall, ids


def _join(found: list[tuple[str, ...]]) -> None:
    from mailhealth.threads import join

    join(found, {})


def write_mbox(path: Path, size: int) -> int:
    """Write an mbox of invented mails with attachments, `size` bytes or a little more."""
    randomness = random.Random(7)
    written = count = 0
    with path.open("wb") as stream:
        for mail in _mails(randomness):
            if written >= size:
                return count
            written += stream.write(mail)
            count += 1
    return count


def _mails(randomness: random.Random) -> Iterator[bytes]:
    number, begin = 0, datetime(2020, 1, 1, tzinfo=UTC)
    while True:
        number += 1
        day = begin + timedelta(minutes=5 * number)
        blob = base64.encodebytes(randomness.randbytes(ATTACHMENT))
        head = (
            f"From ann@customer.example {day:%a %b %d %H:%M:%S %Y}\n"
            f"From: Ann <ann{number % 500}@customer.example>\nTo: support@example.com\n"
            f"Date: {format_datetime(day)}\nMessage-ID: <{number}@customer.example>\n"
            f"Subject: Export {number}\nMIME-Version: 1.0\n"
            "Content-Type: multipart/mixed; boundary=cut\n\n"
            f"--cut\nContent-Type: text/plain; charset=utf-8\n\n"
            f"{TEXT.format(number=number, day=f'{day:%d/%m/%Y}')}\n"
            "--cut\nContent-Type: application/pdf; name=export.pdf\n"
            "Content-Transfer-Encoding: base64\n\n"
        )
        yield head.encode() + blob + b"\n--cut--\n\n"


def memory(path: Path) -> tuple[int, int]:
    """Read an mbox in a process of its own; how many mails, and the peak in bytes."""
    done = subprocess.run(
        [sys.executable, __file__, str(path)], stdout=subprocess.PIPE, check=True, text=True
    )
    count, peak = done.stdout.split()
    return int(count), int(peak)


def _read_mbox(path: str) -> int:
    from mailhealth import sources
    from mailhealth.records import Found

    read = sources.read(sources.connector("mbox"), {"path": path}, {})
    return sum(isinstance(item, Found) for item in read)


def _peak() -> int:
    """The peak of this process in bytes: getrusage would count that of its parent, too."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(re.findall(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[0]) * 1024


if __name__ == "__main__":
    print(_read_mbox(sys.argv[1]), _peak())
