"""Mail as it comes: servers say when, and what it changes is computed and told at once."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailhealth.errors import BadSource, MailhealthError
from mailhealth.store import inbox

ROUND_S = 300.0  # no server tells of mail in other folders than the one that is waited for
REACH_S = 10.0  # for servers to answer at all, before what else there is is read
GATHER_S = 0.3  # mail often comes in bunches: one pass for all of it
LOOK_S = 1.0  # until a stop is seen


@dataclass(frozen=True, slots=True)
class Refused:
    """A source that cannot be watched any more, and why."""

    source: str
    why: str


def watched(chosen: Sequence[inbox.Source]) -> list[inbox.Source]:
    """Pick the mailboxes on servers; raises BadSource where there is none."""
    from mailhealth import sources

    found = [each for each in chosen if sources.on_server(each.connector)]
    if not found:
        raise BadSource("there is no mailbox on a server to watch; 'mailhealth connect' adds one")
    return found


def rounds(chosen: Sequence[inbox.Source], stop: threading.Event) -> Iterator[list[str] | Refused]:
    """Yield the names of the sources in which something may be new, until `stop` is set.

    First all of them, once their servers were reached (or are long in answering); then each when
    its server tells of a change, and all every five minutes. A source whose server refuses the
    login comes once as Refused, and never again: nobody shows it the password a second time.
    """
    ready: queue.Queue[str | Refused] = queue.Queue()
    for source in chosen:
        threading.Thread(target=_listen, args=(source, ready, stop), daemon=True).start()
    names = {source.name for source in chosen}
    silent, begun, next_round = set(names), False, time.monotonic() + REACH_S
    while names and not stop.is_set():
        told = _gathered(ready)
        for each in told:
            if isinstance(each, Refused):
                names.discard(each.source)
                yield each
        heard = {each for each in told if isinstance(each, str)}
        silent &= names - heard
        if names and (not (begun or silent) or time.monotonic() >= next_round):
            begun, next_round = True, time.monotonic() + ROUND_S
            yield sorted(names)
        elif begun and (due := sorted(names & heard)):
            yield due


def _listen(
    source: inbox.Source, ready: "queue.Queue[str | Refused]", stop: threading.Event
) -> None:
    from mailhealth import sources

    try:
        for _ in sources.arrivals(sources.connector(source.connector), source.named, stop):
            ready.put(source.name)
    except MailhealthError as error:
        ready.put(Refused(source.name, str(error)))


def _gathered(ready: "queue.Queue[str | Refused]") -> list[str | Refused]:
    """Wait a little for news, and take all there is."""
    told: list[str | Refused] = []
    wait = LOOK_S
    while True:
        try:
            told.append(ready.get(timeout=wait))
        except queue.Empty:
            return told
        wait = GATHER_S
