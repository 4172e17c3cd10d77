"""UIDs -> messages: found by search, fetched in groups, and each one told that cannot be."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from mailhealth.readers.imap import faults, parts
from mailhealth.readers.imap.connection import Mailbox
from mailhealth.readers.imap.folders import Folder
from mailhealth.records import Raw, Skipped, Spot

GROUP_BYTES = 2_000_000  # one FETCH lies in memory whole, about three times its size
GROUP_MESSAGES = 250
LISTED_AT_ONCE = 500  # keeps the command line under the 8 kB that servers must accept
# imaplib refuses an answer line of 1,000,000 bytes: 90,000 ten-digit UIDs still fit.
SEARCHED_AT_ONCE = 90_000
UID_RANGE = 50_000
LARGE = 8_000_000  # bytes; of a larger message its attachments are left on the server
GROUP_TRIES = 2  # then each message of the group is asked for alone
BODY = "BODY.PEEK[]"
HEADERS = "BODY.PEEK[HEADER]"
NAMED = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
GMAIL = ("X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS")
_MESSAGE_ID = re.compile(
    rb"^message-id:[ \t]*(?:\r?\n[ \t]+)*([^\r\n]+)", re.IGNORECASE | re.MULTILINE
)

Fields = Mapping[bytes, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """One message before its body is fetched: its UID and size in bytes, and its fingerprint."""

    uid: int
    size: int
    fingerprint: str = ""


def uids(mailbox: Mailbox, folder: Folder, after: int = 0) -> Iterator[list[int]]:
    """Find the UIDs above one, ascending; a large folder is searched in ranges.

    So is every folder of a server that answers of so many messages at once only (RFC 9738).
    """
    most = mailbox.ask(_most)
    low, step = after, min(UID_RANGE, most)
    if folder.messages > min(SEARCHED_AT_ONCE, most):
        last = folder.next_uid or max(_search(mailbox, folder, "*"), default=0)
        while low + step < last:
            yield _above(low, _search(mailbox, folder, f"{low + 1}:{low + step}"))
            low += step
    yield _above(low, _search(mailbox, folder, f"{low + 1}:*"))


def _most(client: Any) -> int:
    """How many messages a command may be about."""
    told = (name.partition(b"=") for name in client.capabilities())
    limits = [int(n) for name, _, n in told if name == b"MESSAGELIMIT" and n.isdigit()]
    return max(1, *limits) if limits else UID_RANGE


def _search(mailbox: Mailbox, folder: Folder, asked: str) -> list[int]:
    found = mailbox.ask(lambda client: client.search(["UID", asked]), folder=_open(folder))
    return list(found)


def _above(uid: int, found: Sequence[int]) -> list[int]:
    # "n:*" names the last message even where its UID is below n (RFC 3501, 6.4.8).
    return sorted(each for each in set(found) if each > uid)


def listed(
    mailbox: Mailbox, folder: Folder, found: Sequence[int], *, named: bool, gmail: bool
) -> Iterator[list[Listed]]:
    """Ask for the sizes of messages, at most 500 at once; `named`: for fingerprints too.

    One whose size the server does not tell counts as a group.
    """
    items = ["RFC822.SIZE", *(("INTERNALDATE", NAMED) if named else ())]
    items += ["X-GM-MSGID"] if named and gmail else []
    for some in chunks(found, LISTED_AT_ONCE):
        told = _given(mailbox, folder, some, items)
        yield [_listed(uid, told.get(uid, {}), named=named) for uid in some]


def _listed(uid: int, fields: Fields, *, named: bool) -> Listed:
    size = fields.get(b"RFC822.SIZE")
    known = size if isinstance(size, int) else GROUP_BYTES
    return Listed(uid, known, _fingerprint(fields, _header(fields)) if named else "")


def groups(messages: Sequence[Listed]) -> Iterator[list[Listed]]:
    """Cut messages into groups of at most 2 MB and 250; a larger one is a group of its own."""
    group: list[Listed] = []
    size = 0
    for message in messages:
        if group and (len(group) >= GROUP_MESSAGES or size + message.size > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(message)
        size += message.size
    if group:
        yield group


def messages(
    mailbox: Mailbox, folder: Folder, group: Sequence[Listed], *, gmail: bool
) -> Iterator[Raw | Skipped]:
    """Fetch the messages of a group; one that the server does not give comes as Skipped."""
    items = ["RFC822.SIZE", "INTERNALDATE", *(GMAIL if gmail else ())]
    large = group[0].size > LARGE  # then it is alone in its group
    asked = [each.uid for each in group]
    told = _given(mailbox, folder, asked, [*items, *(() if large else (BODY,))])
    for uid in asked:
        fields = told.pop(uid, {})  # what is passed on need not be held here
        if large:
            yield from _large(mailbox, folder, uid, fields)
        else:
            yield _message(folder, uid, fields, fields.get(b"BODY[]"))


def _large(mailbox: Mailbox, folder: Folder, uid: int, fields: Fields) -> Iterator[Raw | Skipped]:
    def fetch(*items: str) -> Fields:
        return _given(mailbox, folder, [uid], items).get(uid, {})

    try:
        content = parts.without_attachments(fetch)
    except faults.MALFORMED:  # what the server tells of its parts is no description of a message
        content = None
    if content is not None:
        yield _message(folder, uid, fields, content)
        return
    found = _message(folder, uid, fields, fetch(HEADERS).get(b"BODY[HEADER]"))
    yield found
    if isinstance(found, Raw):
        why = f"larger than {LARGE // 1_000_000} MB: only its headers were read"
        yield Skipped(found.place, why)


def _message(folder: Folder, uid: int, fields: Fields, content: object) -> Raw | Skipped:
    place = folder.spot(uid)
    if not isinstance(content, bytes):
        why = "the server lists this message but does not give it"
        return Skipped(place, why, spot=Spot(folder.name, folder.validity, uid))
    named = _fingerprint(fields, content[: content.find(b"\r\n\r\n") + 1] or content)
    return Raw(
        place,
        _labelled(fields) + content,
        _seconds(fields.get(b"INTERNALDATE")),
        Spot(folder.name, folder.validity, uid, named),
    )


def _given(
    mailbox: Mailbox, folder: Folder, asked: Sequence[int], items: Sequence[str]
) -> dict[int, Fields]:
    """What the server gives of some messages; one that it cannot give is not in it.

    One damaged message must not block its folder, whatever the server does when it meets it:
    refuse, break off, or talk nonsense. So what does not come is asked for alone, and only once
    more after the server has answered something else: it may just have been away.
    """
    told = _tried(mailbox, folder, asked, items)
    for uid in asked:
        for _ in range(2 if len(asked) > 1 else 1):
            if not _complete(told.get(uid, {}), items):
                told |= _tried(mailbox, folder, [uid], items)
    return told


def _tried(
    mailbox: Mailbox, folder: Folder, asked: Sequence[int], items: Sequence[str]
) -> dict[int, Fields]:
    """Ask, and where that fails make sure that it is not the server that fails just now."""
    try:
        return _fetch(mailbox, folder, asked, items, tries=GROUP_TRIES)
    except faults.FAULTS as error:
        if faults.passing(error):
            raise
        _search(mailbox, folder, str(asked[0]))
        return {}


def _complete(fields: Fields, items: Sequence[str]) -> bool:
    return isinstance(fields.get(b"BODY[]"), bytes) if BODY in items else bool(fields)


def _fetch(
    mailbox: Mailbox, folder: Folder, asked: Sequence[int], items: Sequence[str], **tries: int
) -> dict[int, Fields]:
    # A list of UIDs, never "1:*": IMAPClient 4.0 and 4.1 raise on ranges once all has come.
    return dict(
        mailbox.ask(
            lambda client: client.fetch(list(asked), list(items)), folder=_open(folder), **tries
        )
    )


def _open(folder: Folder) -> tuple[str, int]:
    return folder.name, folder.validity


def _fingerprint(fields: Fields, header: bytes) -> str:
    """What a message is known by when its folder is numbered anew; "" where nothing tells.

    Gmail's own number of the message; else its Message-ID, date of arrival and size.
    """
    if isinstance(number := fields.get(b"X-GM-MSGID"), int):
        return f"gmail:{number}"
    named, date = _MESSAGE_ID.search(header), _seconds(fields.get(b"INTERNALDATE"))
    size = fields.get(b"RFC822.SIZE")
    if named is None or date is None or not isinstance(size, int):
        return ""
    told = b"\0".join((named[1].strip(), str(date).encode(), str(size).encode()))
    return hashlib.sha256(told).hexdigest()[:16]


def _header(fields: Fields) -> bytes:
    return next((v for k, v in fields.items() if k.startswith(b"BODY[HEADER") and v), b"")


def _labelled(fields: Fields) -> bytes:
    """Gmail's conversation and labels as headers, as Google's own archives (Takeout) have them."""
    lines = b""
    if isinstance(thread := fields.get(b"X-GM-THRID"), int):
        lines += b"X-GM-THRID: %d\r\n" % thread
    labels = fields.get(b"X-GM-LABELS")
    if labels and isinstance(labels, tuple):
        told = ",".join(f'"{_word(label)}"' for label in labels)
        lines += b"X-Gmail-Labels: " + told.encode() + b"\r\n"
    return lines


def _word(label: object) -> str:
    """A label in letters; IMAPClient reads one of digits as a number."""
    from imapclient import imap_utf7

    written = label if isinstance(label, bytes) else str(label).encode()
    try:
        word = str(imap_utf7.decode(written)).removeprefix("\\")
    except ValueError:
        word = written.decode("ascii", "replace")
    return "".join(each for each in word if each.isprintable() and each != '"')


def _seconds(date: object) -> int | None:
    if not isinstance(date, datetime):
        return None
    try:
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def chunks(items: Sequence[int], size: int) -> Iterator[list[int]]:
    """Cut a sequence into lists of at most a size."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
