"""What is new, read: from sources into the database, and by the model in the texts there."""

import ctypes
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from mailhealth.errors import MailhealthError
from mailhealth.health.answers import SourceReport
from mailhealth.health.batches import batches
from mailhealth.records import Item
from mailhealth.store import annotations, answers, inbox, mailboxes, results

Progress = Callable[[str, int, int | None], None]
Batches = Iterator[list[Item]]
Told = list[Item] | BaseException | None  # a batch; last None, or why it broke off
Ready = queue.Queue[tuple["_Tally", Told]]

AHEAD = 1  # batches that mailboxes may be ahead of the database; each is in memory
M_MMAP_THRESHOLD, LARGE_BLOCK = -3, 131_072  # malloc.h; bytes
PATIENCE_S = 0.2  # until a reader that waits sees that nobody will take what it has


def read(
    db: Database, path: Path, chosen: Sequence[inbox.Source], progress: Progress
) -> tuple[SourceReport, ...]:
    """Keep what is new in some sources; where one breaks off, its report says why.

    Mailboxes on servers are read at the same time, a thread each; this one alone writes.
    """
    from mailhealth import sources

    _return_large_blocks()
    tallies = [_Tally(db, source, progress) for source in chosen]
    # A mailbox waits for its server most of the time; files only wait for the processor.
    servers = [each for each in tallies if sources.on_server(each.source.connector)]
    if servers:
        _read_at_once(path, servers)
    for tally in tallies:
        if tally not in servers:
            _read_one(path, tally)
    return tuple(tally.report() for tally in tallies)


def _return_large_blocks() -> None:
    """Let the C library give blocks of 128 kB and more back to the system once they are free.

    glibc raises that size to the largest block that was ever freed (mallopt(3)), which here is the
    language model's: 13 MB of mails long done with stayed in memory.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library than glibc
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)


@dataclass(slots=True, eq=False)
class _Tally:
    """What came from a source so far."""

    db: Database
    source: inbox.Source
    progress: Progress
    new: int = 0
    known: int = 0
    skipped: int = 0
    left_out: int = 0
    error: str | None = None

    def keep(self, batch: Sequence[Item]) -> None:
        name = self.source.name
        saved = inbox.save(self.db, name, batch, known_at=int(time.time()))
        self.new, self.known = self.new + saved.new, self.known + saved.known
        self.skipped += saved.skipped
        self.left_out += saved.left_out
        self.progress(f"reading {name}", self.new + self.known, None)

    def report(self) -> SourceReport:
        counts = (self.new, self.known, self.skipped)
        return SourceReport(self.source.name, *counts, self.error, self.left_out)


def _read_one(path: Path, tally: _Tally) -> None:
    try:
        for batch in _batches(path, tally.db, tally.source):
            tally.keep(batch)
    except MailhealthError as failure:
        tally.error = str(failure)


def _read_at_once(path: Path, tallies: Sequence[_Tally]) -> None:
    stop = threading.Event()
    ready: Ready = queue.Queue(AHEAD)
    for tally in tallies:
        flow = _batches(path, tally.db, tally.source)
        threading.Thread(target=_feed, args=(tally, flow, ready, stop), daemon=True).start()
    waiting = len(tallies)
    try:
        while waiting:
            tally, told = ready.get()
            if isinstance(told, list):
                tally.keep(told)
                continue
            waiting -= 1
            if isinstance(told, MailhealthError):
                tally.error = str(told)
            elif told is not None:
                raise told
    finally:
        stop.set()  # also where somebody interrupts: what is saved is saved, the rest comes again


def _batches(path: Path, db: Database, source: inbox.Source) -> Batches:
    """What is new in a source, a transaction at a time; the database is only asked here."""
    from mailhealth import sources

    cursors = inbox.cursors(db, source.name)
    kept = mailboxes.OnServer(path, source.name)

    def flow() -> Batches:
        connector = sources.connector(source.connector)
        yield from batches(sources.read(connector, source.named, cursors, kept))

    return flow()


def _feed(tally: _Tally, flow: Batches, ready: Ready, stop: threading.Event) -> None:
    """Put every batch of a source where it is taken from, and last None, or why it broke off."""

    def put(told: Told) -> None:
        while not stop.is_set():
            try:
                ready.put((tally, told), timeout=PATIENCE_S)
                return
            except queue.Full:
                continue

    try:
        for batch in flow:
            put(batch)
            if stop.is_set():
                return
        put(None)
    except BaseException as failure:
        put(failure)


def read_texts(db: Database, model: str, progress: Progress) -> int:
    """Let a model read the mails and comments that it has not read; count them."""
    from mailhealth import nlp

    version = nlp.version(model)
    kinds = (
        (annotations.MAILS, results.unread(db, version)),
        (annotations.COMMENTS, answers.unread(db, version)),
    )
    total = sum(annotations.count_unread(db, kind, version) for kind, _ in kinds)
    done = 0
    for kind, unread in kinds:
        for texts in unread:
            annotations.save(db, kind, nlp.annotate(texts, model=model))
            done += len(texts)
            progress("reading texts", done, total)
    return done
