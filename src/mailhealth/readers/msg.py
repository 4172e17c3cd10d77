"""Reads mails saved from Outlook as .msg files: one, or all of a folder."""

import struct
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadSource
from mailhealth.readers import _letters, _mapi
from mailhealth.readers._archives import (
    Listed,
    arrived,
    existing_path,
    folders_below,
    listed,
    unreadable,
    whole,
)
from mailhealth.readers._files import place
from mailhealth.records import Mark, Raw, Skipped

if TYPE_CHECKING:
    from oxmsg.storage import Storage

SUFFIX = ".msg"
OUTLOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FIXED = frozenset({0x02, _mapi.INTEGER, 0x0B, 0x14, _mapi.TIME})  # types whose value lies inside
TOP, EMBEDDED, OTHER = 32, 24, 8  # bytes before the properties of a mail, one within, all else
DEEPEST = 5  # mails within mails that are opened
FILE_NAME, LONG_FILE_NAME, MIME_TAG = 0x3704, 0x3707, 0x370E
CONTENT = "__substg1.0_37010102"
MAIL_WITHIN = "__substg1.0_3701000D"


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the mail of each .msg file at `settings["path"]`, a file or a folder.

    A mail is written as RFC 5322 from its transport headers, where it has some, and its MAPI
    properties. A folder (or single file) that is as its cursor says yields nothing. BadSource
    where the path is missing or the one file is no Outlook mail.
    """
    check(settings)
    path = existing_path(settings)
    if path.is_file():
        yield from _read_folder(path, [path], cursors.get(place(path), ""))
        return
    for folder, names in folders_below(path):
        paths = [folder / name for name in names if Path(name).suffix.lower() == SUFFIX]
        yield from _read_folder(folder, paths, cursors.get(place(folder), ""))


def check(settings: Mapping[str, str]) -> None:
    """Make sure that there is something to read, without reading it.

    Raises BadSource for a path that is missing, or one file that Outlook has not written.
    """
    path = existing_path(settings)
    if path.is_file() and not takes(path):
        raise BadSource(f"{path} is no Outlook .msg file: a mail in text form is read by eml.")


def takes(file: Path) -> bool:
    """Whether a file is an Outlook mail by its name and its first bytes. BadSource: unreadable."""
    try:
        with file.open("rb") as stream:
            return file.suffix.lower() == SUFFIX and stream.read(8) == OUTLOOK
    except OSError as error:
        raise BadSource(f"{file} cannot be read: {error.strerror or error}.") from error


def _read_folder(where: Path, paths: list[Path], cursor: str) -> Iterator[Raw | Skipped | Mark]:
    files = [file for path in paths if (file := listed(path, path.name, contents_may_change=True))]
    found, after = arrived(files, cursor)
    for file in found:
        yield _message(file)
    if files and after != cursor:
        yield Mark(place(where), after)


def _message(file: Listed) -> Raw | Skipped:
    where = place(file.path)
    try:
        found = whole(file.path, where)
    except OSError as error:
        return unreadable(where, error)
    return _written(found) if isinstance(found, Raw) else found


def _written(raw: Raw) -> Raw | Skipped:
    if not raw.content.startswith(OUTLOOK):
        return Skipped(
            raw.place, "The file is no Outlook .msg: a mail in text form is read by eml."
        )
    try:
        item = _item(_opened(raw.content), TOP)
        if not _mapi.is_mail(item):
            kind = _mapi.text(item, _mapi.MESSAGE_CLASS)[:60]
            return Skipped(raw.place, f"It is no mail but another Outlook item ({kind!r}).")
        directory = dict(_mapi.exchange_addresses(item))
        received = _mapi.seconds(item, _mapi.DELIVERY_TIME) or raw.received
        return Raw(raw.place, _letters.letter(item, directory), received)
    except Exception as error:  # what a damaged file makes its parser raise is without end
        why = f"{type(error).__name__}: {error}"[:100]
        return Skipped(raw.place, f"The file is a damaged Outlook .msg ({why}): save it again.")


def _opened(content: bytes) -> "Storage":
    from olefile import OleFileIO  # type: ignore[import-untyped]
    from oxmsg.storage import Storage

    with OleFileIO(BytesIO(content)) as file:
        return Storage.from_ole(file)


def _item(storage: "Storage", offset: int, depth: int = 0) -> _mapi.Item:
    item = _mapi.Item(
        _properties(storage, offset),
        tuple(_properties(each, OTHER) for each in storage.iter_recipient_storages()),
    )
    files = tuple(_file(each, item, depth) for each in storage.iter_attachment_storages())
    return _mapi.Item(item.properties, item.recipients, files)


def _properties(storage: "Storage", offset: int) -> dict[int, tuple[int, bytes]]:
    """The properties of a mail, recipient or attachment; the rows of their table are 16 bytes.

    Read here and not by oxmsg, which refuses a whole mail for one text in the wrong code page
    and reads Windows' Japanese and Chinese code pages as their smaller ancestors.
    """
    streams = {stream.name: stream.bytes_ for stream in storage.streams}
    table = streams.get("__properties_version1.0", b"")[offset:]
    found = {}
    for at in range(0, len(table) - 15, 16):
        kind, name = struct.unpack_from("<HH", table, at)
        value = table[at + 8 : at + 16]
        if kind not in FIXED:
            value = streams.get(f"__substg1.0_{name:04X}{kind:04X}", b"")
        found[name] = (kind, value)
    return found


def _file(storage: "Storage", item: _mapi.Item, depth: int) -> _mapi.File:
    # Its texts are in the code pages of the mail that it hangs on.
    own = _mapi.Item({**item.properties, **_properties(storage, OTHER)})
    name = _mapi.text(own, LONG_FILE_NAME) or _mapi.text(own, FILE_NAME)
    for within in storage.storages:
        if within.name == MAIL_WITHIN and depth < DEEPEST:
            inner = _item(within, EMBEDDED, depth + 1)
            content = _letters.letter(inner, dict(_mapi.exchange_addresses(inner)))
            return _mapi.File(name or _mapi.text(inner, _mapi.SUBJECT), "message/rfc822", content)
    content = next((each.bytes_ for each in storage.streams if each.name == CONTENT), b"")
    return _mapi.File(name, _mapi.text(own, MIME_TAG), content)
