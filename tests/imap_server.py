r"""An IMAP server in a thread that fails when told to: throttling, cuts, silence, changes midway.

    with serving(Folder("INBOX"), Folder("送信済み", (r"\Sent",)), provider=GOOGLE) as server:
        server.deliver("INBOX", b"Subject: one\r\n\r\nHello\r\n")
        server.fail(Fault("UID FETCH", answers=THROTTLED, after=1, times=2))
        ...                                  # a client reads 127.0.0.1 at server.port
        assert server.forbidden == []

Mailboxes can only be read: what would change one is written down and answered NO.
"""

import asyncio
import base64
import imaplib
import math
import re
import threading
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from functools import wraps
from typing import Any

USER, PASSWORD, TOKEN = "mei", "correct-horse", "ya29.token"
ALWAYS = math.inf
GREETING = "(GREETING)"  # what a fault of the connection itself is `on`
JAPAN = timezone(timedelta(hours=9))  # not UTC: a client that forgets the zone is found out
LONGEST_LINE = 8_192  # octets of a command that a server should take (RFC 2683, 3.2.1.5)

THROTTLED = "BAD Request is throttled. Suggested Backoff Time: 300 milliseconds"
LIMIT = "NO [LIMIT] Too many requests"
UNAVAILABLE = "NO [UNAVAILABLE] Temporary system error"
OVERQUOTA = "NO [OVERQUOTA] Account exceeded command or bandwidth limits"
WRONG = "NO [AUTHENTICATIONFAILED] Invalid credentials"
EXPIRED = "NO [EXPIRED] The credentials have expired"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a kind of server can do before and after login, and how it refuses a token.

    `challenge`: what it says first, waiting for an empty line (XOAUTH2) or AQ== (OAUTHBEARER).
    """

    before: str
    after: str
    refusal: str = WRONG
    challenge: bytes | None = None


BARE = Provider("IMAP4rev1", "IMAP4rev1")
_MOST = (
    "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE NAMESPACE UNSELECT CHILDREN LIST-EXTENDED "
    "LIST-STATUS SPECIAL-USE CONDSTORE AUTH=PLAIN AUTH=XOAUTH2 AUTH=OAUTHBEARER"
)
GENERAL = Provider(_MOST, _MOST, challenge=b'{"status":"invalid_token"}')  # RFC 7628, 3.2.2
GOOGLE = Provider(
    "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR "
    "AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER",
    "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE "
    "CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE",
    "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
    b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}',
)
_EXCHANGE = (
    "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE "
    "NAMESPACE LITERAL+"
)
MICROSOFT = Provider(_EXCHANGE, _EXCHANGE, "NO AUTHENTICATE failed.")


@dataclass(slots=True)
class Message:
    """One message as a folder holds it; `at` in unix seconds."""

    uid: int
    modseq: int
    content: bytes
    at: int
    flags: tuple[str, ...] = ()
    gm_msgid: int = 0
    gm_thrid: int = 0
    labels: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Folder:
    r"""A folder with flags such as \Sent, \All or \Noselect; messages in order of UID."""

    name: str
    flags: tuple[str, ...] = ()
    validity: int = 1
    next_uid: int = 1
    modseq: int = 1
    messages: list[Message] = field(default_factory=list)

    def uids(self) -> list[int]:
        """In order; the place in this list, from 1, is the message's sequence number."""
        return [message.uid for message in self.messages]


@dataclass(slots=True)
class Fault:
    """What goes wrong with a command that holds `on`, in this order; the rest is answered well."""

    on: str  # part of a line as Server.commands shows it, but for quotes; or GREETING
    after: int = 0  # so many such commands go well first
    times: float = 1  # so many go wrong then
    pause: float = 0.0  # seconds before each byte of what follows
    says: bytes = b""  # sent as it is: unsolicited or broken lines, each with its CRLF
    endless: bool = False  # a line without end
    silent: bool = False  # nothing more until the client closes
    answers: str = ""  # the tagged answer instead of the real one, such as THROTTLED
    without: tuple[int, ...] = ()  # UIDs left out of a FETCH
    cut: int | None = None  # the connection closes so many bytes into the first literal
    meanwhile: Callable[[], object] | None = None  # called after the answer's first line
    closes: bool = False  # after `answers`; else instead of an answer


WELL = Fault("")


@contextmanager
def serving(*folders: Folder, provider: Provider = GENERAL) -> Iterator["Server"]:
    """Run a server until the block ends; without `folders` it has INBOX and one for sent mail.

    Raises at its end what broke inside the server, or in a fault's `meanwhile`.
    """
    shown = folders or (Folder("INBOX"), Folder("送信済み", (r"\Sent",)))
    server = Server({folder.name: folder for folder in shown}, provider)
    ready: Future[None] = Future()
    thread = threading.Thread(target=asyncio.run, args=(server._serve(ready),), daemon=True)
    thread.start()
    ready.result(timeout=10)
    try:
        yield server
    finally:
        server._loop.call_soon_threadsafe(server._over.set)
        thread.join(timeout=10)
    for error in server._broken:
        raise error


def _in_its_thread(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let a change happen between two lines of answers, never amid one, whoever asks for it."""

    @wraps(change)
    def changed(server: "Server", *words: Any, **more: Any) -> Any:
        async def now() -> Any:
            return change(server, *words, **more)

        if threading.get_ident() == server._thread:  # asked for by a fault
            return change(server, *words, **more)
        return asyncio.run_coroutine_threadsafe(now(), server._loop).result(timeout=10)

    return changed


@dataclass(eq=False)
class Server:
    """A running server, what it was asked, and what a test may do to its mailbox meanwhile.

    `commands`: every line that clients sent, without tag, secrets as ***. `forbidden`: those
    that would change a mailbox (SELECT and FETCH BODY[] without PEEK among them). `passwords`
    and `tokens` by user may be changed at any time, as may `provider`.
    """

    folders: dict[str, Folder]
    provider: Provider
    host: str = "127.0.0.1"
    port: int = 0
    delimiter: str = "/"
    prefix: str = ""
    connections: int = 0
    passwords: dict[str, str] = field(default_factory=lambda: {USER: PASSWORD})
    tokens: dict[str, str] = field(default_factory=lambda: {USER: TOKEN})
    faults: list[Fault] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)

    def settings(self, user: str = USER) -> dict[str, str]:
        """What a source of this mailbox would be set to."""
        return {
            "host": self.host,
            "port": str(self.port),
            "user": user,
            "tls": "no",
            "password_command": f"echo {self.passwords[user]}",
        }

    @_in_its_thread
    def fail(self, *faults: Fault) -> None:
        """From now on; of several that fit a command the first acts, and all count down."""
        self.faults += map(replace, faults)

    @_in_its_thread
    def deliver(self, name: str, *mails: bytes, at: int = 1_700_000_000, **more: Any) -> list[int]:
        """Append mails to a folder, with `more` of what a Message has, and return their UIDs."""
        folder = self.folders[name]
        first = folder.next_uid
        for content in mails:
            folder.modseq += 1
            known = {"gm_msgid": 10**18 + folder.next_uid, "gm_thrid": 10**18 + folder.next_uid}
            message = Message(folder.next_uid, folder.modseq, content, at, **known | more)
            folder.messages.append(message)
            folder.next_uid += 1
        self._tell(folder, b"* %d EXISTS" % len(folder.messages))
        return list(range(first, folder.next_uid))

    @_in_its_thread
    def expunge(self, name: str, *uids: int) -> None:
        """Remove messages from a folder for ever."""
        folder = self.folders[name]
        for uid in uids:
            place = folder.uids().index(uid)
            del folder.messages[place]
            folder.modseq += 1
            self._tell(folder, b"* %d EXPUNGE" % (place + 1))

    @_in_its_thread
    def flag(self, name: str, uid: int, *flags: str) -> None:
        """Set the flags of a message; clients that look on are told by number, without its UID."""
        folder = self.folders[name]
        place = folder.uids().index(uid)
        folder.modseq += 1
        message = folder.messages[place]
        message.flags, message.modseq = flags, folder.modseq
        self._tell(folder, b"* %d FETCH (FLAGS %s)" % (place + 1, _listed(flags)))

    @_in_its_thread
    def rename(self, old: str, new: str) -> None:
        """Rename a folder; its UIDVALIDITY stays, as it does on real servers."""
        folder = self.folders.pop(old)
        folder.name = new
        self.folders[new] = folder

    @_in_its_thread
    def renumber(self, name: str, validity: int | None = None) -> None:
        """Number a folder anew from UID 1; clients that have it open are thrown out."""
        folder = self.folders[name]
        folder.validity = validity or folder.validity + 1
        for uid, message in enumerate(folder.messages, 1):
            message.uid = uid
        folder.next_uid = len(folder.messages) + 1
        self._throw_out(
            [talk for talk in self._talks if talk.folder is folder], b"* BYE renumbered"
        )

    @_in_its_thread
    def drop(self, says: bytes = b"") -> None:
        """Close every connection, after a line such as `* BYE Session invalidated`."""
        self._throw_out(list(self._talks), says)

    def __post_init__(self) -> None:
        self._talks: set[_Talk] = set()
        self._broken: list[Exception] = []

    async def _serve(self, ready: "Future[None]") -> None:
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._over = asyncio.Event()
        listener = await asyncio.start_server(self._welcome, self.host, 0, limit=1 << 20)
        self.port = listener.sockets[0].getsockname()[1]
        ready.set_result(None)
        await self._over.wait()
        listener.close()
        self._throw_out(list(self._talks), b"")

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = _Talk(self, reader, writer)
        self._talks.add(talk)
        self.connections += 1
        try:
            await talk.run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client, a fault or the test's end closed it
        except Exception as error:
            self._broken.append(error)
        finally:
            self._talks.discard(talk)
            writer.close()

    def _tell(self, folder: Folder, news: bytes) -> None:
        for talk in self._talks:
            if talk.folder is folder:
                talk.tell(news)

    def _throw_out(self, talks: Sequence["_Talk"], says: bytes) -> None:
        for talk in talks:
            talk.writer.write(says and says + CRLF)
            talk.writer.close()

    def _next_fault(self, line: str) -> Fault:
        asked = line.replace('"', "").upper()
        for fault in self.faults:
            if fault.on.upper() in asked and fault.times > 0:
                if not fault.after:
                    fault.times -= 1
                    return fault
                fault.after -= 1
        return WELL


# What can be asked: in which state, with which capability, and how it is written.

CRLF = b"\r\n"
ANY, LOGGED_IN, OPENED = range(3)
WORD = r'"(?:[^"\\]|\\.)*"|[^\s()"]+'
END = r"(?:\d+|\*)"
SET = rf"{END}(?::{END})?(?:,{END}(?::{END})?)*"
KEY = rf"(?:ALL|UID {SET}|{SET})"
VERBS: dict[str, tuple[int, str, str]] = {
    GREETING: (ANY, "", ""),
    "CAPABILITY": (ANY, "", ""),
    "NOOP": (ANY, "", ""),
    "LOGOUT": (ANY, "", ""),
    "ID": (ANY, "ID", r"(?P<client>NIL|\(.*\))"),
    "LOGIN": (ANY, "", rf"(?P<user>{WORD}) (?P<password>{WORD})"),
    "AUTHENTICATE": (ANY, "", r"(?P<mechanism>\S+)(?: (?P<response>\S+))?"),
    "ENABLE": (LOGGED_IN, "ENABLE", r"(?P<names>.+)"),
    "NAMESPACE": (LOGGED_IN, "NAMESPACE", ""),
    "LIST": (
        LOGGED_IN,
        "",
        rf"(?:\((?P<only>[^)]*)\) )?(?:{WORD}) (?P<pattern>{WORD})(?: RETURN \((?P<more>.*)\))?",
    ),
    "STATUS": (LOGGED_IN, "", rf"(?P<name>{WORD}) \((?P<items>[A-Z ]+)\)"),
    "EXAMINE": (LOGGED_IN, "", rf"(?P<name>{WORD})(?P<more> \(CONDSTORE\))?"),
    "IDLE": (LOGGED_IN, "IDLE", ""),
    "CLOSE": (OPENED, "", ""),
    "UNSELECT": (OPENED, "UNSELECT", ""),
    "UID SEARCH": (OPENED, "", rf"(?:CHARSET \S+ )?(?P<keys>{KEY}(?: {KEY})*)"),
    "UID FETCH": (
        OPENED,
        "",
        rf"(?P<uids>{SET}) (?P<items>.+?)(?: \(CHANGEDSINCE (?P<since>\d+)\))?",
    ),
}
FORBIDDEN = re.compile(
    "SELECT|(UID )?(STORE|EXPUNGE|COPY|MOVE)|APPEND|CREATE|DELETE|RENAME|(UN)?SUBSCRIBE|SETACL"
)
SECRET = re.compile(r"^((?:LOGIN|AUTHENTICATE) \S+) .+", re.I | re.S)
LITERAL = re.compile(r"\{(\d+)(\+?)\}$")
SASL = {
    "PLAIN": re.compile(r"[^\x00]*\x00(?P<user>[^\x00]+)\x00(?P<secret>.+)"),
    "XOAUTH2": re.compile(r"user=(?P<user>[^\x01]*)\x01auth=Bearer (?P<secret>[^\x01]*)\x01.*\x01"),
    "OAUTHBEARER": re.compile(
        r"n,(?:a=(?P<user>[^,]*))?,\x01(?:.+\x01)?auth=Bearer (?P<secret>[^\x01]*)\x01.*\x01"
    ),
}
COUNTS: dict[str, Callable[[Folder], int]] = {
    "MESSAGES": lambda folder: len(folder.messages),
    "RECENT": lambda folder: 0,
    "UIDNEXT": lambda folder: folder.next_uid,
    "UIDVALIDITY": lambda folder: folder.validity,
    "UNSEEN": lambda folder: sum(r"\Seen" not in each.flags for each in folder.messages),
    "HIGHESTMODSEQ": lambda folder: folder.modseq,
}
# Of the parts of a multipart nothing is known: Dovecot plays those.
SECTION = r"(?:HEADER(?:\.FIELDS \([^)]+\))?|TEXT)?"
ITEM = re.compile(rf"BODY\.PEEK\[({SECTION})\](?:<(\d+)\.(\d+)>)?|([^\s()]+)", re.I)
FIELDS = re.compile(r"HEADER\.FIELDS \(([^)]+)\)", re.I)
VALUES: dict[str, Callable[[Message], bytes]] = {
    "UID": lambda message: b"%d" % message.uid,
    "FLAGS": lambda message: _listed(message.flags),
    "INTERNALDATE": lambda message: _internal_date(message.at),
    "RFC822.SIZE": lambda message: b"%d" % len(message.content),
    "MODSEQ": lambda message: b"(%d)" % message.modseq,
    "X-GM-MSGID": lambda message: b"%d" % message.gm_msgid,
    "X-GM-THRID": lambda message: b"%d" % message.gm_thrid,
    "X-GM-LABELS": lambda message: _listed([_on_the_wire(label) for label in message.labels]),
}
NEEDS = {"MODSEQ": "CONDSTORE"} | dict.fromkeys(
    ("X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS"), "X-GM-EXT-1"
)


Lines = AsyncGenerator[bytes | str, None]


class _Talk:
    """One connection.

    The method of a verb yields untagged lines as bytes, then the tagged one as str, if not OK.
    """

    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.user: str | None = None
        self.folder: Folder | None = None
        self.fault = WELL
        self.meanwhile: Callable[[], object] | None = None
        self.news: list[bytes] = []
        self.idling = False

    async def run(self) -> None:
        """Greet, then answer one command after the other until the connection ends."""
        await self._obey("*", GREETING)
        while True:
            tag, _, line = (await self._command()).partition(" ")
            self._note(SECRET.sub(r"\1 ***", line))
            await self._obey(tag, line)

    def tell(self, news: bytes) -> None:
        """At once where the client waits for it, else with the next answer."""
        self.news.append(news + CRLF)
        if self.idling:
            self._tell_news()

    # Reading and writing.

    async def _line(self) -> str:
        line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise ConnectionAbortedError("the client has gone")
        return line.rstrip(CRLF).decode("utf-8", "backslashreplace")

    async def _command(self) -> str:
        """One command with its literals written as quoted words."""
        line = await self._line()
        while literal := LITERAL.search(line):
            if not literal[2]:
                await self._send(b"+ go on" + CRLF)
            told = (await self.reader.readexactly(int(literal[1]))).decode("utf-8", "replace")
            word = _quoted(told) if told.isprintable() else f'"<{literal[1]} bytes>"'
            line = line[: literal.start()] + word + await self._line()
        return line.rstrip()

    async def _response(self) -> str:
        line = await self._line()
        self._note(line and "***")
        return line

    def _note(self, line: str) -> None:
        self.server.commands.append(line)

    def _tell_news(self) -> None:
        self.writer.write(b"".join(self.news))
        self.news.clear()

    async def _send(self, told: bytes) -> None:
        literal = told.find(b"}" + CRLF)
        cut = None if literal < 0 else self.fault.cut
        told = told if cut is None else told[: literal + 3 + cut]
        if not self.fault.pause:
            self.writer.write(told)
        for octet in told if self.fault.pause else b"":
            await asyncio.sleep(self.fault.pause)
            self.writer.write(bytes([octet]))
            await self.writer.drain()
        await self.writer.drain()
        if cut is not None:
            raise ConnectionAbortedError("cut")

    # Answering.

    async def _obey(self, tag: str, line: str) -> None:
        self.fault = fault = self.server._next_fault(SECRET.sub(r"\1 ***", line))
        self.meanwhile = fault.meanwhile
        await self._send(fault.says)
        while fault.endless:
            await self._send(b"x" * 65_536)
        while fault.silent:
            await self.reader.readexactly(1)
        if fault.answers or not fault.closes:
            await self._answer(tag, line)
        if fault.closes:
            raise ConnectionAbortedError("as told")

    async def _answer(self, tag: str, line: str) -> None:
        tagged = False
        async with aclosing(self._lines(line)) as lines:
            async for each in lines:
                tagged = isinstance(each, str)
                await self._say(tag, each)
        if not tagged:
            await self._say(tag, "OK done")

    async def _say(self, tag: str, told: bytes | str) -> None:
        self._tell_news()
        await self._send((f"{tag} {told}".encode() if isinstance(told, str) else told) + CRLF)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()

    def _lines(self, line: str) -> Lines:
        words = line.split(" ")
        size = 2 if words[0].upper() == "UID" else 1
        verb, rest = " ".join(words[:size]).upper(), " ".join(words[size:])
        refusal = self.fault.answers or self._refusal(verb, line)
        call = None if refusal else re.fullmatch(VERBS[verb][2], rest, re.I)
        if not call:
            return _only(refusal or f"BAD {verb} is not written like this")
        play: Callable[..., Lines] = getattr(self, "_" + verb.strip("()").lower().replace(" ", "_"))
        return play(**{name: _unquoted(each) for name, each in call.groupdict().items()})

    def _refusal(self, verb: str, line: str) -> str | None:
        if len(line) > LONGEST_LINE:
            return "BAD the command line is too long"
        if FORBIDDEN.fullmatch(verb):
            return self._forbid(line)
        state, capability, _ = VERBS.get(verb, (ANY, "(none)", ""))
        if not self._can(capability):
            return f"BAD unknown command {verb}"
        if state > (OPENED if self.folder else LOGGED_IN if self.user else ANY):
            return f"BAD {verb} is not allowed now"
        return None

    def _forbid(self, line: str) -> str:
        self.server.forbidden.append(line)
        return "NO [NOPERM] this mailbox is only to be read"

    def _can(self, capability: str) -> bool:
        provider = self.server.provider
        told = (provider.after if self.user else provider.before).split()
        return not capability or capability in told

    # Any time.

    async def _greeting(self) -> Lines:
        yield "OK ready"

    async def _capability(self) -> Lines:
        provider = self.server.provider
        yield b"* CAPABILITY " + (provider.after if self.user else provider.before).encode()

    async def _noop(self) -> Lines:
        yield "OK done"

    async def _id(self, client: str) -> Lines:
        yield b'* ID ("name" "a server that fails when told to")'

    async def _logout(self) -> Lines:
        yield b"* BYE until next time"
        yield "OK done"
        raise ConnectionAbortedError("logged out")

    # Logging in.

    async def _login(self, user: str, password: str) -> Lines:
        if self._can("LOGINDISABLED"):
            yield "NO [PRIVACYREQUIRED] LOGIN is disabled"
        elif self.server.passwords.get(user) == password:
            yield self._logged_in(user)
        else:
            yield self.server.provider.refusal

    async def _authenticate(self, mechanism: str, response: str | None) -> Lines:
        if mechanism not in SASL or not self._can(f"AUTH={mechanism}"):
            yield f"NO [CANNOT] {mechanism} is not known here"
            return
        if response and not self._can("SASL-IR"):
            yield "BAD a response was not asked for yet"
            return
        if not response:
            yield b"+ "
            response = await self._response()
        if response == "*":
            yield "BAD given up"
            return
        if user := self._proven(mechanism, response):
            yield self._logged_in(user)
            return
        if mechanism != "PLAIN" and self.server.provider.challenge:
            yield b"+ " + base64.b64encode(self.server.provider.challenge)
            await self._response()
        yield self.server.provider.refusal

    def _proven(self, mechanism: str, response: str) -> str | None:
        """The user whose password or token this is, None where it is nobody's."""
        try:
            proof = SASL[mechanism].fullmatch(base64.b64decode(response).decode())
        except ValueError:
            return None
        secrets = self.server.passwords if mechanism == "PLAIN" else self.server.tokens
        return proof["user"] if proof and secrets.get(proof["user"]) == proof["secret"] else None

    def _logged_in(self, user: str) -> bytes:
        self.user = user
        return b"* CAPABILITY " + self.server.provider.after.encode()

    # Folders.

    async def _enable(self, names: str) -> Lines:
        enabled = [name for name in names.split() if self._can(name.upper())]
        yield " ".join(["* ENABLED", *enabled]).encode()

    async def _namespace(self) -> Lines:
        told = f'(("{self.server.prefix}" "{self.server.delimiter}"))'
        yield f"* NAMESPACE {told} NIL NIL".encode()

    async def _list(self, only: str | None, pattern: str, more: str | None) -> Lines:
        status = re.search(r"STATUS \(([^)]*)\)", more or "", re.I)
        needs = (only or more, "LIST-EXTENDED"), (status, "LIST-STATUS")
        if not all(self._can(name) for used, name in needs if used):
            yield "BAD LIST is not written like this"
            return
        if not pattern:
            yield f'* LIST (\\Noselect) "{self.server.delimiter}" ""'.encode()
        for folder in self._like(pattern, bool(only)):
            flags = _listed([*folder.flags, self._children(folder)]).decode()
            name = _on_the_wire(folder.name)
            yield f'* LIST {flags} "{self.server.delimiter}" {name}'.encode()
            if status and r"\Noselect" not in folder.flags:
                yield _status(folder, status[1])

    async def _status(self, name: str, items: str) -> Lines:
        folder = self._named(name)
        if not folder or not set(items.upper().split()) <= set(COUNTS):
            yield f"NO [NONEXISTENT] no folder {name}" if not folder else "BAD unknown item"
            return
        yield _status(folder, items)

    async def _examine(self, name: str, more: str | None) -> Lines:
        self.folder = folder = self._named(name)
        self.news.clear()
        if not folder:
            yield f"NO [NONEXISTENT] no folder {name}"
            return
        yield rb"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)"
        yield b"* OK [PERMANENTFLAGS ()] nothing can be changed"
        yield b"* %d EXISTS" % len(folder.messages)
        yield b"* 0 RECENT"
        yield b"* OK [UIDVALIDITY %d] as long as the UIDs hold" % folder.validity
        yield b"* OK [UIDNEXT %d] comes next" % folder.next_uid
        if self._can("CONDSTORE"):
            yield b"* OK [HIGHESTMODSEQ %d] so far" % folder.modseq
        yield "OK [READ-ONLY] opened"

    async def _close(self) -> Lines:
        self.folder = None
        self.news.clear()
        yield "OK done"

    _unselect = _close

    def _named(self, name: str) -> Folder | None:
        names = {_on_the_wire(folder.name): folder for folder in self.server.folders.values()}
        folder = names.get(_quoted("INBOX" if name.upper() == "INBOX" else name))
        return folder if folder and r"\Noselect" not in folder.flags else None

    def _like(self, pattern: str, special: bool) -> list[Folder]:
        one_level = f"[^{re.escape(self.server.delimiter)}]*"
        like = re.escape(_quoted(pattern)).replace(r"\*", ".*").replace("%", one_level)
        folders = self.server.folders.values()
        found = [each for each in folders if re.fullmatch(like, _on_the_wire(each.name))]
        return [each for each in found if each.flags or not special]

    def _children(self, folder: Folder) -> str:
        above = folder.name + self.server.delimiter
        has = any(name.startswith(above) for name in self.server.folders)
        return r"\HasChildren" if has else r"\HasNoChildren"

    # Messages.

    async def _idle(self) -> Lines:
        yield b"+ idling"
        self.idling = True
        self._tell_news()
        line = await self._line()
        self.idling = False
        self._note(line)
        yield "OK done" if line.upper() == "DONE" else "BAD expected DONE"

    async def _uid_search(self, keys: str) -> Lines:
        uids = self._open().uids()
        found = set(uids)
        for by_uid, named in re.findall(rf"(UID )?({SET})", keys, re.I):
            numbers = uids if by_uid else range(1, len(uids) + 1)
            within = set(_within(numbers, named))
            found &= {uid for number, uid in zip(numbers, uids, strict=True) if number in within}
        yield " ".join(["* SEARCH", *map(str, sorted(found))]).encode()

    async def _uid_fetch(self, uids: str, items: str, since: str | None) -> Lines:
        asked = list(ITEM.finditer(f"UID {items} MODSEQ" if since else f"UID {items}"))
        refusal = self._refused_items(asked, f"UID FETCH {uids} {items}")
        for uid in [] if refusal else _within(self._open().uids(), uids):
            place = self._place_of(uid)
            if place is None or uid in self.fault.without:
                continue
            message = self._open().messages[place]
            if message.modseq > int(since or 0):
                told = dict(_value(message, item) for item in asked)  # an item asked twice, once
                yield b"* %d FETCH (%s)" % (place + 1, b" ".join(map(b" ".join, told.items())))
        yield refusal or "OK done"

    def _refused_items(self, asked: Sequence[re.Match[str]], line: str) -> str | None:
        names = [item[4].upper() for item in asked if item[4]]
        if any(name.startswith("BODY[") or name in {"RFC822", "RFC822.TEXT"} for name in names):
            return self._forbid(line)  # it would mark the message as seen
        wrong = [name for name in names if name not in VALUES or not self._can(NEEDS.get(name, ""))]
        return f"BAD unknown item {wrong[0]}" if wrong else None

    def _open(self) -> Folder:
        assert self.folder is not None
        return self.folder

    def _place_of(self, uid: int) -> int | None:
        """Where the message lies now; None where it was removed a moment ago."""
        messages = self._open().messages
        place = bisect_left(messages, uid, key=lambda message: message.uid)
        return place if place < len(messages) and messages[place].uid == uid else None


# How it is written.


async def _only(told: str) -> Lines:
    yield told


def _unquoted(written: str | None) -> str | None:
    quoted = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', written or "")
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else written


def _quoted(word: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'


def _on_the_wire(name: str) -> str:
    """A name quoted and in modified UTF-7 (RFC 3501, 5.1.3)."""

    def encoded(part: re.Match[str]) -> str:
        letters = base64.b64encode(part[0].encode("utf-16-be")).decode()
        return "&" + letters.rstrip("=").replace("/", ",") + "-"

    return _quoted(re.sub(r"[^\x20-\x7e]+", encoded, name.replace("&", "&-")))


def _listed(words: Sequence[str]) -> bytes:
    return f"({' '.join(words)})".encode()


def _status(folder: Folder, items: str) -> bytes:
    counts = " ".join(f"{item} {COUNTS[item](folder)}" for item in items.upper().split())
    return f"* STATUS {_on_the_wire(folder.name)} ({counts})".encode()


def _internal_date(at: int) -> bytes:
    return imaplib.Time2Internaldate(datetime.fromtimestamp(at, JAPAN)).encode()


def _within(numbers: Sequence[int], named: str) -> list[int]:
    """Those of the ascending numbers that a set names; n:* names the last even if below n."""
    found: set[int] = set()
    for part in named.split(","):
        ends = [max(numbers, default=0) if end == "*" else int(end) for end in part.split(":")]
        found.update(numbers[bisect_left(numbers, min(ends)) : bisect_right(numbers, max(ends))])
    return sorted(found)


def _value(message: Message, item: re.Match[str]) -> tuple[bytes, bytes]:
    section, offset, length, name = item.groups()
    if name:
        return name.upper().encode(), VALUES[name.upper()](message)
    content, label = _section(message.content, section), f"BODY[{section}]"
    if offset:
        content, label = content[int(offset) :][: int(length)], f"{label}<{offset}>"
    return label.encode(), b"{%d}\r\n%s" % (len(content), content)


def _section(content: bytes, section: str) -> bytes:
    head, blank, text = content.partition(CRLF + CRLF)
    fields = FIELDS.fullmatch(section)
    if fields:
        wanted = fields[1].lower().encode().split()
        lines = re.findall(rb"^[^\r\n]+(?:\r\n[ \t][^\r\n]*)*", head, re.M)
        kept = [line for line in lines if line.partition(b":")[0].lower() in wanted]
        return b"".join(line + CRLF for line in kept) + CRLF
    return {"": content, "HEADER": head + blank, "TEXT": text}[section.upper()]
