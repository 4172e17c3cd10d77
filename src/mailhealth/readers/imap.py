"""Read a mailbox over IMAP without leaving a trace in it."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import imapclient
from imapclient import exceptions
from imapclient.imapclient import SENT

from mailhealth.errors import BadSource, LoginRefused
from mailhealth.readers import _secrets
from mailhealth.records import Mark, Raw, Skipped

CONNECT_S = 20.0
SILENCE_S = 60.0  # IMAPClient's own default is to wait for ever
GROUP_BYTES = 8_000_000  # one FETCH lies in memory whole, about three times its size
GROUP_MESSAGES = 50
LISTED_AT_ONCE = 500  # keeps the command line under the 8 kB that servers must accept
# imaplib refuses an answer line of 1,000,000 bytes: 90,000 ten-digit UIDs still fit.
SEARCHED_AT_ONCE = 90_000
UID_RANGE = 50_000
LARGEST = 50_000_000
BODY = "BODY.PEEK[]"
HEADERS = "BODY.PEEK[HEADER]"
PORTS = range(1, 65536)
DEFAULT_VARIABLE = "MAILHEALTH_PASSWORD"

SENTENCES: tuple[tuple[type[Exception], str], ...] = (  # the first that fits
    (
        ssl.SSLCertVerificationError,
        "the certificate of {server} cannot be verified ({why}): use the name that the "
        "certificate is for, or name its issuer's file in the setting 'ca_file'",
    ),
    (
        ssl.SSLError,
        "{server} does not speak TLS as asked ({why}): port 993 with tls = 'yes' or port 143 "
        "with tls = 'starttls' would work on most servers",
    ),
    (TimeoutError, "{server} did not answer in time: check host and port, or try again later"),
    (socket.gaierror, "there is no host {server} ({why}): check the setting 'host'"),
    (
        exceptions.IMAPClientAbortError,
        "the talk with {server} broke off ({why}): what was read is kept, the next run goes on",
    ),
    (exceptions.IMAPClientError, "{server} did not do as asked ({why}): it may work later"),
    (OSError, "no connection to {server} ({why}): check host and port"),
    *(
        (malformed, "{server} cannot be read as an IMAP server: check host and port")
        for malformed in (ValueError, TypeError, LookupError, AttributeError, RecursionError)
    ),
)


@dataclass(frozen=True, slots=True)
class _Account:
    host: str
    port: int
    user: str
    tls: str
    ca_file: str | None
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Folder:
    name: str
    validity: int
    messages: int
    next_uid: int

    def place(self, uid: int) -> str:
        return f"imap:{self.name};uidvalidity={self.validity};uid={uid}"


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield every message that came after the cursors, folder by folder in order of UID.

    `settings`: host, user; optional port, folders (comma separated; else INBOX and the one for
    sent mail), tls (yes, starttls, no), ca_file, password_env, password_command. `cursors`:
    "imap:<folder>" -> "<uidvalidity>:<highest uid read>". Folders are opened read-only and no
    flag changes. A Mark follows every group of at most 8 MB and 50 messages.
    Raises BadSource where the server cannot be read as asked, LoginRefused where it says no.
    """
    account = _account(settings)
    password = _password(settings)
    with _told_plainly(account), _connected(account, password) as client:
        folders = account.folders or _usual_folders(client)
        if len(folders) == 1 and not account.folders:
            why = "the server names no folder for sent mail: name it in the setting 'folders'"
            yield Skipped("(folders)", why)
        for name in folders:
            yield from _read_folder(client, _examine(client, name), cursors.get(f"imap:{name}"))


def check(settings: Mapping[str, str]) -> None:
    """Make sure that a mailbox could be asked for; the server is not contacted.

    Raises BadSource for a setting that is missing or cannot be.
    """
    _account(settings)


# Who asks.


def _account(settings: Mapping[str, str]) -> _Account:
    for key in ("host", "user"):
        if not settings.get(key):
            raise BadSource(f"an IMAP source needs the setting '{key}'")
    if "password" in settings:
        raise BadSource(
            "a password is never kept in the settings: use password_env or password_command"
        )
    host, tls = settings["host"], settings.get("tls", "yes")
    if tls not in ("yes", "starttls", "no"):
        raise BadSource(f"the setting tls = '{tls}' must be 'yes', 'starttls' or 'no'")
    if tls == "no" and not _is_this_machine(host):
        raise BadSource(f"tls = 'no' would send the password readable to {host}: use 'yes'")
    port = settings.get("port") or ("993" if tls == "yes" else "143")
    if not (port.isascii() and port.isdigit() and int(port) in PORTS):
        raise BadSource(f"the setting port = '{port}' must be a number from 1 to 65535")
    folders = (name.strip() for name in settings.get("folders", "").split(","))
    named = tuple(name for name in folders if name)
    return _Account(host, int(port), settings["user"], tls, settings.get("ca_file"), named)


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _password(settings: Mapping[str, str]) -> str:
    password = _secrets.password(settings, DEFAULT_VARIABLE)
    if not password:
        name = settings.get("password_env") or DEFAULT_VARIABLE
        raise BadSource(
            f"no password for {settings['user']} at {settings['host']}: set the environment "
            f"variable {name}, name another one in the setting 'password_env', or name a command "
            "that prints it in 'password_command'"
        )
    return password


# How it is asked.


@contextmanager
def _told_plainly(account: _Account) -> Iterator[None]:
    """Turn what sockets, TLS and IMAP raise into one sentence each."""
    try:
        yield
    except tuple(kind for kind, _ in SENTENCES) as error:
        sentence = next(sentence for kind, sentence in SENTENCES if isinstance(error, kind))
        server = f"{account.host}:{account.port}"
        raise BadSource(sentence.format(server=server, why=_why(error))) from error


def _why(error: Exception) -> str:
    told = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or error
    return " ".join(str(told).split())[:200]


@contextmanager
def _connected(account: _Account, password: str) -> Iterator[Any]:
    context = _tls_context(account.ca_file)
    client = imapclient.IMAPClient(
        account.host,
        port=account.port,
        ssl=account.tls == "yes",
        ssl_context=context,
        timeout=imapclient.SocketTimeout(CONNECT_S, SILENCE_S),
    )
    with client:
        client.normalise_times = False  # else the server's date becomes naive local time
        if account.tls == "starttls":
            client.starttls(context)
        _log_in(client, account, password)
        yield client


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise BadSource(
            f"ca_file '{ca_file}' is no certificate file: a file in PEM format would work"
        ) from error


def _log_in(client: Any, account: _Account, password: str) -> None:
    # AUTHENTICATE PLAIN carries any character as UTF-8; LOGIN carries ASCII only.
    method = client.plain_login if client.has_capability("AUTH=PLAIN") else client.login
    try:
        method(account.user, password)
    except (exceptions.LoginError, UnicodeEncodeError) as error:
        if isinstance(error.__context__, exceptions.IMAPClientAbortError):
            raise error.__context__ from None
        said = "" if isinstance(error, UnicodeEncodeError) else _why(error)
        raise LoginRefused(
            f"{account.host} refused the login of {account.user} "
            f"({said.replace(password, '...') or 'it takes only ASCII passwords'}): check the "
            "user and the password; some providers want an app password"
        ) from None


# What is asked.


def _usual_folders(client: Any) -> tuple[str, ...]:
    sent = client.find_special_folder(SENT)
    return ("INBOX", sent) if sent else ("INBOX",)


def _examine(client: Any, name: str) -> _Folder:
    try:
        told = client.select_folder(name, readonly=True)
    except exceptions.IMAPClientAbortError:
        raise
    except exceptions.IMAPClientError as error:
        names = ", ".join(sorted(str(folder[2]) for folder in client.list_folders())[:30])
        raise BadSource(
            f"the folder '{name}' cannot be opened ({_why(error)}); there are {names}"
        ) from error
    return _Folder(
        name, told.get(b"UIDVALIDITY", 0), told.get(b"EXISTS", 0), told.get(b"UIDNEXT", 0)
    )


def _read_folder(
    client: Any, folder: _Folder, cursor: str | None
) -> Iterator[Raw | Skipped | Mark]:
    for uids in _new_uids(client, folder, _highest_read(folder, cursor)):
        for listed in _chunks(uids, LISTED_AT_ONCE):
            for group in _groups(_sizes(client, listed)):
                yield from _messages(client, folder, group)
                yield Mark(f"imap:{folder.name}", f"{folder.validity}:{max(group)}")


def _highest_read(folder: _Folder, cursor: str | None) -> int:
    """The UID to go on after; 0 where the server has numbered the folder anew."""
    validity, _, highest = (cursor or "").partition(":")
    same = validity == str(folder.validity) and highest.isascii() and highest.isdigit()
    return int(highest) if same else 0


def _new_uids(client: Any, folder: _Folder, after: int) -> Iterator[list[int]]:
    low = after
    if folder.messages > SEARCHED_AT_ONCE:
        while low + UID_RANGE < folder.next_uid:
            yield _search(client, low, str(low + UID_RANGE))
            low += UID_RANGE
    yield _search(client, low, "*")


def _search(client: Any, after: int, last: str) -> list[int]:
    found = client.search(["UID", f"{after + 1}:{last}"])
    # "n:*" names the last message even where its UID is below n (RFC 3501, 6.4.8).
    return sorted(uid for uid in set(found) if uid > after)


def _chunks(uids: Sequence[int], size: int) -> Iterator[list[int]]:
    rest = iter(uids)
    while chunk := list(islice(rest, size)):
        yield chunk


def _sizes(client: Any, uids: list[int]) -> dict[int, int]:
    """The size in bytes of each message; one that the server does not tell counts as a group."""
    told = client.fetch(uids, ["RFC822.SIZE"])
    return {uid: told.get(uid, {}).get(b"RFC822.SIZE", GROUP_BYTES) for uid in uids}


def _groups(sizes: Mapping[int, int]) -> Iterator[dict[int, int]]:
    group: dict[int, int] = {}
    for uid, size in sizes.items():
        if group and (len(group) >= GROUP_MESSAGES or sum(group.values()) + size > GROUP_BYTES):
            yield group
            group = {}
        group[uid] = size
    if group:
        yield group


def _messages(client: Any, folder: _Folder, group: Mapping[int, int]) -> Iterator[Raw | Skipped]:
    large = max(group.values()) > LARGEST  # then it is alone in its group
    item = HEADERS if large else BODY
    told = _fetch(client, list(group), item)
    for uid in group:
        fields = told.get(uid) or _fetch(client, [uid], item).get(uid) or {}
        content = fields.get(item.replace(".PEEK", "").encode())
        if isinstance(content, bytes):
            yield Raw(folder.place(uid), content, _seconds(fields.get(b"INTERNALDATE")))
        else:
            yield Skipped(folder.place(uid), "the server lists this message but does not give it")
        if large:
            why = f"larger than {LARGEST // 1_000_000} MB: only its headers were read"
            yield Skipped(folder.place(uid), why)


def _fetch(client: Any, uids: list[int], item: str) -> dict[int, dict[bytes, object]]:
    """What the server gives of these messages; one that it cannot give is not in it."""
    try:
        return dict(client.fetch(uids, [item, "INTERNALDATE"]))
    except exceptions.IMAPClientAbortError:
        raise
    except exceptions.IMAPClientError:
        # A damaged message must not block its folder, yet a server that refuses everything
        # just now (throttled) must not look like a folder of damaged messages.
        client.fetch(uids, ["RFC822.SIZE"])
        return {}


def _seconds(date: object) -> int | None:
    if not isinstance(date, datetime):
        return None
    try:
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
