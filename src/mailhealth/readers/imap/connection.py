"""The one way to a server: verified, read-only by construction, and come back to after a fault."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import imapclient

from mailhealth.errors import BadSource, LoginRefused
from mailhealth.readers.imap import faults
from mailhealth.readers.imap.account import Account
from mailhealth.readers.imap.login import Way

Answer = TypeVar("Answer")

CONNECT_S = 20.0
SILENCE_S = 60.0  # IMAPClient's own default is to wait for ever
TRIES = 8  # together about a minute and a half

# THE ALLOW-LIST: no command that is not here ever leaves this machine.
ALLOWED = frozenset(
    [
        *("CAPABILITY", "ENABLE", "ID", "LIST", "NAMESPACE", "NOOP", "STATUS"),
        *("STARTTLS", "AUTHENTICATE", "LOGIN", "LOGOUT"),
        *("EXAMINE", "FETCH", "IDLE", "SEARCH", "UNSELECT"),
    ]
)
_COMMAND = re.compile(rb"\S+ (?:UID )?([A-Z]+)( [^\r\n]*)?(?:\r\n)?")
# What may be fetched: a body without PEEK would be marked as seen.
_ITEM = (
    rb"(?:UID|RFC822\.SIZE|INTERNALDATE|BODYSTRUCTURE|X-GM-(?:MSGID|THRID|LABELS)"
    rb"|BODY\.PEEK\[[A-Z0-9. ()-]*\](?:<\d+\.\d+>)?)"
)
_READING = re.compile(rb" [\d,]+ \(%s(?: %s)*\)" % (_ITEM, _ITEM))


class Mailbox:
    """A mailbox on its server: connected when it is first asked, and again after a fault.

    One thread may use it. `close` it at the end.
    """

    def __init__(
        self, account: Account, settings: Mapping[str, str], *, tries: int = TRIES
    ) -> None:
        self.account = account
        self._way = Way(settings)
        self._tries = tries
        self._client: Any = None
        self._opened = ""  # the folder that is open
        self._was_there = False

    def ask(
        self,
        question: Callable[[Any], Answer],
        *,
        folder: tuple[str, int] | None = None,
        tries: int | None = None,
    ) -> Answer:
        """Put a question to the client; after a fault wait, connect again and ask again.

        `folder` (name, UIDVALIDITY) is open, read-only, while it is asked. `tries`: fewer than
        usual, but where the server is only too busy. A server that was never reached is not
        asked twice. Raises what the last try raised.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return question(self._ready(folder))
            except faults.FAULTS as error:
                if faults.broken(error):
                    self.close()
                wait = faults.pause(error, attempt)
                tired = faults.tired(error)
                most = self._tries if tries is None or tired else tries
                if wait is None or attempt >= most or not (self._was_there or tired):
                    raise
                time.sleep(wait)

    def examine(self, name: str) -> Mapping[bytes, Any]:
        """Open a folder read-only, and return what the server tells of it."""
        return self.ask(lambda client: self._examine(client, name))

    def close(self) -> None:
        """Leave the server without a word, which changes nothing there."""
        client, self._client, self._opened = self._client, None, ""
        if client is not None:
            with suppress(OSError):
                client.shutdown()

    def _ready(self, folder: tuple[str, int] | None) -> Any:
        if self._client is None:
            self._client = self._connected()
            self._was_there = True
        if folder and self._opened != folder[0]:
            told = self._examine(self._client, folder[0])
            if told.get(b"UIDVALIDITY", 0) != folder[1]:
                raise BadSource(
                    f"{self.account.server} numbered the folder '{folder[0]}' anew while it was "
                    "read: what was read is kept, the next run goes on"
                )
        return self._client

    def _examine(self, client: Any, name: str) -> Mapping[bytes, Any]:
        self._opened = ""
        told: Mapping[bytes, Any] = client.select_folder(name, readonly=True)
        self._opened = name
        return told

    def _connected(self) -> Any:
        try:
            return self._logged_in(fresh=False)
        except LoginRefused:
            if not self._way.token:  # a wrong password twice locks accounts
                raise
            return self._logged_in(fresh=True)

    def _logged_in(self, *, fresh: bool) -> Any:
        secret = self._way.secret(fresh=fresh)  # asked for first: a person may have to type it
        client = _client(self.account)
        try:
            self._way.log_in(client, secret)
        except BaseException:
            with suppress(OSError):  # else a login that was refused would look like a lost line
                client.shutdown()
            raise
        return client


class _ReadOnly(imapclient.IMAPClient):  # type: ignore[misc]
    """An IMAPClient that refuses to send what could change anything."""

    def _create_IMAP4(self) -> Any:  # noqa: N802
        imap = super()._create_IMAP4()
        send = imap.send
        imap.send = lambda data: send(_allowed(data, imap.tagpre))
        return imap


def _allowed(data: bytes, tag: bytes) -> bytes:
    """Let a line pass that only reads; raises BadSource for any other command."""
    if not data.startswith(tag):  # what belongs to the command before
        return data
    command = _COMMAND.fullmatch(data)
    word, rest = (command[1].decode(), command[2] or b"") if command else ("(none)", b"")
    if word not in ALLOWED or (word == "FETCH" and not _READING.fullmatch(rest)):
        raise BadSource(f"the command {word} could change the mailbox: it was not sent")
    return data


def _client(account: Account) -> Any:
    """Connect, with TLS verified."""
    context = _tls_context(account.ca_file)
    client = _ReadOnly(
        account.host,
        port=account.port,
        ssl=account.tls == "yes",
        ssl_context=context,
        timeout=imapclient.SocketTimeout(CONNECT_S, SILENCE_S),
    )
    client.normalise_times = False  # else the server's date becomes naive local time
    # imaplib sends a command in two pieces, and the second would wait 40 ms for the first.
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if account.tls == "starttls":
        client.starttls(context)
    return client


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise BadSource(
            f"ca_file '{ca_file}' is no certificate file: a file in PEM format would work"
        ) from error
