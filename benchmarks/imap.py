"""How fast, how lean and how safely mail is read over IMAP: `python benchmarks/imap.py`.

A real Dovecot on loopback serves an invented mailbox. Reading it (parsed, classified, kept in
SQLite; no model, no score) is measured beside mbsync and OfflineIMAP, which fetch the same mails
into a Maildir: on loopback, and with a round trip of 50 ms. Then: a sync of 100 folders where
nothing is new, the memory with a mail of 60 MB, and `kill -9` at 50 moments. Every run is a
process of its own and writes to the temporary folder (or `--folder`), each program as it comes:
mbsync flushes every mail to the disk, SQLite only what it moves out of its log (`FSync no` beside
it tells what that is worth). The figures go to docs/imap.toml; parts not asked for stay there.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import imap_mail
import imap_peers
from imap_kills import kills
from imap_runs import Failed, Run, connected, measure, stage
from imap_server import Dovecot, away, fill, running
from rich.console import Console
from rich.table import Table

PAGE = Path(__file__).parent.parent / "docs" / "imap.toml"
MAILBOX, PATIENT, LARGE, FOLDERS = "support", "patient", "film", "desk"  # users
PART = 5  # OfflineIMAP, which takes minutes for all, gets one mail in so many
TIMES = 3
ROUND_TRIP_MS = 50
FILM = 60_000_000  # bytes
BOXES = tuple(f"Box{number:03}" for number in range(100))
IN_A_BOX = 5
KILLS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    reach: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every part needs: the server, its mailbox, and how many mails lie there."""

    server: Dovecot
    maildir: Path
    messages: int


def main() -> None:
    """Measure what is asked, print the table, write the page."""
    options = _options()
    tempfile.tempdir = options.folder
    found: dict[str, list[Row]] = {}
    with running() as server:
        maildir = fill(server, MAILBOX, lambda folder: imap_mail.write(folder, options.messages))
        for part in options.only:
            found[part] = list(PARTS[part](Bench(server, maildir, options.messages)))
            _print(part, found[part])
    if options.messages == FULL:
        _write(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--messages",
        type=int,
        default=FULL,
        help="in the mailbox; with another number than %(default)s the page stays as it is",
    )
    parser.add_argument(
        "--folder", default=tempfile.gettempdir(), help="for all that is written: %(default)s"
    )
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=list(PARTS))
    return parser.parse_args()


# How fast.


def _loopback(bench: Bench) -> Iterator[Row]:
    port = bench.server.plain_port
    ours = yield from _beside_mbsync(bench, port, "loopback", ">= 0.5 times")
    name = f"loopback: OfflineIMAP, wall s for {bench.messages // PART:,} mails"
    fill(bench.server, PATIENT, lambda maildir: _link(bench, maildir, bench.messages // PART))
    try:
        run = imap_peers.offlineimap(port, PATIENT, bench.messages // PART)
    except Failed as failure:
        yield Row(name, "-", "", str(failure))
        return
    whole = Run(run.wall * PART, run.cpu * PART)
    yield Row(name, f"{run.wall:.1f}", "", f"CPU {run.cpu:.1f} s, once")
    yield _against("loopback: speed against OfflineIMAP, a mail", whole, ours, ">= 3 times")


def _away(bench: Bench) -> Iterator[Row]:
    with away(bench.server.plain_port, ROUND_TRIP_MS) as port:
        yield from _beside_mbsync(bench, port, f"{ROUND_TRIP_MS} ms", ">= 0.9 times")


def _beside_mbsync(bench: Bench, port: int, where: str, reach: str) -> Generator[Row, None, Run]:
    """Measure ours and mbsync by turns, once also without its flushing; give ours."""
    ours, theirs = [], []
    failure = ""
    for _ in range(TIMES):
        ours.append(_ours(bench, port))
        try:
            theirs.append(imap_peers.mbsync(port, MAILBOX, bench.messages))
        except Failed as failed:
            failure = str(failed)
    told = _median(ours)
    yield _took(f"{where}: mailhealth, wall s", told, bench, _load())
    if failure:
        yield Row(f"{where}: mbsync, wall s", "-", "", failure)
        return told
    peer = _median(theirs)
    bare = imap_peers.mbsync(port, MAILBOX, bench.messages, flush=False)
    yield _took(f"{where}: mbsync, wall s", peer, bench)
    yield _took(f"{where}: mbsync with FSync no, wall s", bare, bench, "once")
    yield _against(f"{where}: speed against mbsync", peer, told, reach)
    yield _against(f"{where}: speed against mbsync with FSync no", bare, told, "")
    return told


def _ours(bench: Bench, port: int) -> Run:
    with connected(port, MAILBOX, "INBOX") as path:
        run = measure(stage("read", path))
    return _all_read(run, bench.messages)


def _all_read(run: Run, messages: int) -> Run:
    if run.told["new"] != messages:
        raise Failed(f"read {run.told['new']} of {messages} mails")
    return run


def _median(runs: Sequence[Run]) -> Run:
    return Run(
        statistics.median(run.wall for run in runs), statistics.median(run.cpu for run in runs)
    )


def _took(what: str, run: Run, bench: Bench, note: str = "") -> Row:
    told = f"CPU {run.cpu:.1f} s, {bench.messages / run.wall:,.0f} mails/s"
    return Row(what, f"{run.wall:.1f}", "", ", ".join(filter(None, (told, note))))


def _against(what: str, peer: Run, ours: Run, reach: str) -> Row:
    note = f"CPU {ours.cpu / peer.cpu:.1f} times as much"
    return Row(what, f"{peer.wall / ours.wall:.2f} times", reach, note)


def _load() -> str:
    where = tempfile.gettempdir()
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, in {where}"


# How often, how lean, how safely.


def _again(bench: Bench) -> Iterator[Row]:
    def write(maildir: Path) -> None:
        for seed, name in enumerate(BOXES):
            imap_mail.write(maildir / f".{name}", IN_A_BOX, seed)

    fill(bench.server, FOLDERS, write)
    port, messages = bench.server.plain_port, len(BOXES) * IN_A_BOX
    with connected(port, FOLDERS, ",".join(BOXES)) as path:
        _all_read(measure(stage("read", path)), messages)
        runs = [_all_read(measure(stage("read", path)), 0) for _ in range(TIMES)]
    took = statistics.median(run.told["stage_s"] for run in runs)
    note = f"with start and end of the program {_median(runs).wall:.2f} s"
    yield Row(f"nothing new in {len(BOXES)} folders: wall s", f"{took:.2f}", "< 1", note)
    try:
        run = imap_peers.mbsync_again(port, FOLDERS, "Box*", messages)
        yield Row("the same by mbsync: wall s", f"{run.wall:.2f}")
    except Failed as failure:
        yield Row("the same by mbsync: wall s", "-", "", str(failure))


def _memory(bench: Bench) -> Iterator[Row]:
    def write(maildir: Path) -> None:
        _link(bench, maildir, bench.messages)
        imap_mail.put(maildir, bench.messages // 2, imap_mail.large(FILM))

    fill(bench.server, LARGE, write)
    with connected(bench.server.plain_port, LARGE, "INBOX") as path:
        run = _all_read(measure(stage("read", path), look=True), bench.messages + 1)
        bare = measure(stage("bare", path)).told["peak"]
    what = f"peak memory, a mail of {FILM // 10**6} MB among {bench.messages:,}: MB"
    note = f"all its processes together {run.memory / 1e6:.0f}"
    yield Row(what, f"{run.told['peak'] / 1e6:.0f}", "<= 150", note)
    yield Row("of that, importing the reader and the store: MB", f"{bare / 1e6:.0f}")


def _link(bench: Bench, maildir: Path, messages: int) -> None:
    """Let another user have the first mails of the mailbox, too."""
    for name in ("cur", "new", "tmp"):
        (maildir / name).mkdir(parents=True)
    for file in sorted((bench.maildir / "cur").iterdir())[:messages]:
        os.link(file, maildir / "cur" / file.name)


def _kills(bench: Bench) -> Iterator[Row]:
    messages = max(bench.messages // 10, 1000)
    found = kills(bench.server, messages, KILLS)
    reads = f"{found.reads} whole reads of {messages:,} mails in 2 folders"
    moments = statistics.quantiles(found.kept, n=4)
    kept = "quarters of the moments: {:.0f}, {:.0f}, {:.0f} mails kept".format(*moments)
    yield Row(f"kill -9 at {len(found.kept)} moments: lost", str(found.lost), "0", reads)
    yield Row("kill -9: doubled", str(found.doubled), "0", kept)
    told = ", ".join(sorted(found.different))
    what = "kill -9: columns unlike an undisturbed read's"
    yield Row(what, str(len(found.different)), "0", told)
    yield Row("kill -9: processes left behind", str(found.left_behind), "0")


FULL = 20_000
PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "loopback": _loopback,
    "away": _away,
    "again": _again,
    "memory": _memory,
    "kills": _kills,
}


# What is told.


def _print(part: str, rows: Sequence[Row]) -> None:
    table = Table("what", "measured", "to reach", "note", title=part)
    for row in rows:
        table.add_row(row.what, row.measured, row.reach, row.note)
    Console().print(table)


def _write(found: dict[str, list[Row]]) -> None:
    """Write the rows of the parts that were measured, and leave the others as they are."""
    import tomlkit

    page = tomlkit.parse(PAGE.read_text("utf-8")) if PAGE.exists() else tomlkit.document()
    if not page.body:
        page.add(tomlkit.comment("Written by benchmarks/imap.py."))
    for part, rows in found.items():
        page[part] = {
            "measured": datetime.now(UTC).date().isoformat(),
            "python": platform.python_version(),
            "row": [asdict(row) for row in rows],
        }
    PAGE.write_text(tomlkit.dumps(page), "utf-8")


if __name__ == "__main__":
    main()
