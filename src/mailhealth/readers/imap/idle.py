"""Wait for new mail: the server says when it comes (RFC 2177), or is asked every minute."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from imapclient import exceptions

from mailhealth.errors import BadSource, LoginRefused
from mailhealth.readers.imap import account as accounts
from mailhealth.readers.imap import faults, folders
from mailhealth.readers.imap.connection import Mailbox
from mailhealth.readers.imap.folders import Folder

RESTART_S = 25 * 60  # servers end an IDLE of 30 minutes
TICK_S = 2.0  # how long it takes at most until a stop is seen
POLL_S = 60.0
LASTING_S = 60.0  # a connection that lasted so long was a good one


def arrivals(settings: Mapping[str, str], stop: threading.Event) -> Iterator[None]:
    """Yield whenever something changed in the folder where mail comes in, until `stop` is set.

    The first is told as soon as the server is reached. A lost connection is taken up again for
    ever, and what came meanwhile is told once it is back. Raises LoginRefused: a login that was
    refused is never tried again; BadSource for settings that cannot be.
    """
    account = accounts.account(settings)
    attempt = 0
    while not stop.is_set():
        begun = time.monotonic()
        try:
            # One try each: the waits between them are here, where a stop ends them.
            mailbox = Mailbox(account, settings, tries=1)
            with faults.told_plainly(account.server), closing(mailbox):
                yield from _changes(mailbox, stop)
        except LoginRefused:
            raise
        except BadSource as error:
            attempt = 1 if time.monotonic() - begun > LASTING_S else attempt + 1
            stop.wait(_pause(error, attempt))


def _pause(error: BadSource, attempt: int) -> float:
    cause = error.__cause__
    wait = faults.pause(cause, attempt) if isinstance(cause, Exception) else None
    return faults.LONGEST_WAIT_S if wait is None else wait


def _changes(mailbox: Mailbox, stop: threading.Event) -> Iterator[None]:
    folder = _incoming(mailbox)
    idles = mailbox.ask(lambda client: client.has_capability("IDLE"))
    known = None
    while not stop.is_set():
        now = folders.opened(mailbox, folder)
        if now.why:
            raise BadSource(f"{mailbox.account.server}: '{now.name}' is not read: {now.why}")
        if now != known:  # then it is looked at once more: what was told may have taken a while
            known = now
            yield
        elif idles:
            mailbox.ask(lambda client: _idled(client, stop))
        else:
            stop.wait(POLL_S)


def _incoming(mailbox: Mailbox) -> Folder:
    """The folder of all mail, or the INBOX, or the first that is read."""
    wanted = [folder for folder in folders.listed(mailbox) if not folder.why]
    if not wanted:
        raise BadSource(f"{mailbox.account.server} has no folder to read")
    return next((folder for folder in wanted if folder.role == "all"), wanted[0])


def _idled(client: Any, stop: threading.Event) -> None:
    """Idle until something happens, 25 minutes are over, or a stop is set."""
    end = time.monotonic() + RESTART_S
    client.idle()
    while not stop.is_set() and time.monotonic() < end:
        begun = time.monotonic()
        told = client.idle_check(timeout=TICK_S)
        if any(len(each) > 1 and each[1] in (b"EXISTS", b"EXPUNGE") for each in told):
            break
        if not told and time.monotonic() - begun < TICK_S / 2:
            raise exceptions.IMAPClientAbortError("the server ended the connection")
    if not stop.is_set():  # else the connection is closed at once, whether the server hears or not
        client.idle_done()
