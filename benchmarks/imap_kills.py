"""Reading is killed again and again; what it kept in the end is compared with the Maildir."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from random import Random

import imap_mail
from imap_runs import Failed, alive, connected, family, measure, stage
from imap_server import Dovecot, fill

USER = "killed"
FOLDERS = "INBOX,Archive"
TWICE = 50  # mails that lie in both folders
SHARE = 0.35  # of an undisturbed read: the longest that one may run
PATIENCE_S = 2.0  # until whatever the killed process had started must have ended, too

COUNTS = (
    "select message_id, count(*) from messages group by message_id",
    "select message_id, count(*) from places join messages using (message) group by message_id",
)

Rows = Mapping[str, Counter[tuple[object, ...]]]


@dataclass(slots=True)
class Found:
    """What came of it; `kept` is how many messages there were at each kill."""

    reads: int = 0
    lost: int = 0
    doubled: int = 0
    left_behind: int = 0
    kept: list[int] = field(default_factory=list)
    different: set[str] = field(default_factory=set)


def kills(server: Dovecot, messages: int, times: int) -> Found:
    """Kill the reading so many times, at moments drawn at random, in as many reads as it takes.

    A killed read is taken up again in the same database until it ends; then nothing may be lost
    or doubled, and every table must hold what an undisturbed read keeps. Raises Failed.
    """
    maildir = fill(server, USER, lambda folder: _write(folder, messages))
    truth = Counter(_message_id(file) for file in maildir.rglob("*.mx,*"))
    found, random = Found(), Random(3)
    with connected(server.plain_port, USER, FOLDERS) as path:
        longest = SHARE * measure(stage("small", path)).told["stage_s"]
        undisturbed = _rows(path)
    while len(found.kept) < times:
        with connected(server.plain_port, USER, FOLDERS) as path:
            _disturb(path, _waits(random, longest, found, times), found)
            measure(stage("small", path))
            _compare(path, truth, undisturbed, found)
    return found


def _waits(random: Random, longest: float, found: Found, times: int) -> Iterator[float]:
    """Draw how long a read may run until the next kill, as long as there are kills left.

    One that got nowhere, because loading took so long, may run longer the next time.
    """
    before, patience = 0, longest
    while len(found.kept) < times:
        yield random.uniform(0, patience)
        got_on = found.kept[-1] > before
        patience = longest if got_on else patience * 1.5
        before = found.kept[-1]


def _disturb(path: Path, waits: Iterator[float], found: Found) -> None:
    """Kill one read again and again, until it ends by itself or the kills are over."""
    for wait in waits:
        if not _killed(path, wait, found):
            return


def _write(maildir: Path, messages: int) -> None:
    archive = maildir / ".Archive"
    imap_mail.write(maildir, messages * 4 // 5)
    imap_mail.write(archive, messages - messages * 4 // 5, seed=2)
    for number, file in enumerate(sorted((maildir / "cur").iterdir())[:TWICE]):
        imap_mail.put(archive, messages + number, file.read_bytes())


def _message_id(file: Path) -> str:
    with file.open("rb") as stream:
        return str(BytesHeaderParser().parse(stream)["Message-ID"]).strip("<>")


def _killed(path: Path, after: float, found: Found) -> bool:
    """Start to read, and kill that after so many seconds; whether it had not ended by itself."""
    with subprocess.Popen(stage("small", path), stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # it tells when it begins
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            started = family(process.pid)[1:]
            process.kill()
            process.wait()
        else:
            if process.returncode:
                raise Failed(f"reading ended with {process.returncode}")
            return False
    found.left_behind += _left_behind(started)
    found.kept.append(_count(path))
    return True


def _left_behind(started: list[int]) -> int:
    end = time.monotonic() + PATIENCE_S
    while (left := [pid for pid in started if alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return len(left)


def _count(path: Path) -> int:
    """Count the messages kept so far, in a copy: the next run finds the file as it was left."""
    copy = path.with_name("copy.db")
    for end in ("", "-wal"):
        Path(f"{copy}{end}").unlink(missing_ok=True)
        if Path(f"{path}{end}").exists():
            shutil.copy(f"{path}{end}", f"{copy}{end}")
    with closing(sqlite3.connect(copy)) as db:
        (state,) = db.execute("pragma quick_check").fetchone()
        if state != "ok":
            raise Failed(f"the database is damaged: {state}")
        return int(db.execute("select count(*) from messages").fetchone()[0])


def _compare(path: Path, truth: Counter[str], undisturbed: Rows, found: Found) -> None:
    with closing(sqlite3.connect(path)) as db:
        kept, places = (Counter(dict(db.execute(count))) for count in COUNTS)
    once = Counter(dict.fromkeys(truth, 1))
    found.reads += 1
    found.lost += (truth - places).total()
    found.doubled += (kept - once).total() + (places - truth).total()
    found.different |= _unlike(undisturbed, _rows(path))


def _unlike(one: Rows, other: Rows) -> set[str]:
    """Name the columns in which two databases differ; the table, where no single column does."""
    names = {name for name in one if one[name] != other.get(name)}
    return {n for n in names if "." in n or not any(m.startswith(f"{n}.") for m in names)}


def _rows(path: Path) -> Rows:
    """All rows of all tables, "table" -> rows, and their values, "table.column" -> values.

    When it was read is left out.
    """
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("select name from pragma_table_list where type = 'table'").fetchall()
        names = [name for (name,) in tables if "sqlite_" not in name]
        return {key: rows for name in names for key, rows in _table(db, name)}


def _table(db: sqlite3.Connection, name: str) -> Iterator[tuple[str, Counter[tuple[object, ...]]]]:
    columns = [row[1] for row in db.execute(f'pragma table_info("{name}")') if row[1] != "known_at"]
    rows = db.execute(f'select {", ".join(columns)} from "{name}"').fetchall()
    yield name, Counter(rows)
    for at, column in enumerate(columns):
        yield f"{name}.{column}", Counter((row[at],) for row in rows)
