"""Reads Outlook's mailbox files (.pst, .ost) by libpff, the extra `mailhealth[pst]`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mailhealth.errors import BadSource
from mailhealth.readers import _letters, _mapi
from mailhealth.readers._archives import (
    LARGEST,
    TOO_LARGE,
    existing_path,
    fingerprint,
    folders_below,
    unreadable,
)
from mailhealth.readers._files import place
from mailhealth.records import Mark, Raw, Skipped

SUFFIXES = frozenset({".pst", ".ost"})
OUTLOOK = b"!BDN"
DEEPEST = 50  # folders within folders
LONG_FILE_NAME, FILE_NAME, MIME_TAG = 0x3707, 0x3704, 0x370E
# What libpff raises is OSError for most damage; others come from values that it cannot convert,
# and where a damaged item comes as an object of another kind.
DAMAGE = (OSError, ValueError, TypeError, AttributeError, OverflowError, MemoryError, SystemError)


@dataclass(frozen=True, slots=True)
class _Mailbox:
    """What is known of one mailbox file: its code page, and the people told of so far."""

    codepage: int
    directory: dict[str, str]  # Exchange address in lower case -> SMTP address


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the mails of `settings["path"]`, a .pst or .ost file or a folder of them.

    A mail lies at "file.pst/Folder/Sub:index" and is written as RFC 5322 from its transport
    headers, which sent mail has none of, and its MAPI properties. Contacts, tasks and
    appointments are left out, counted. A file whose size and date are those of its cursor yields
    nothing. BadSource where the path is missing, is no such file, or libpff is not installed.
    """
    check(settings)
    path = existing_path(settings)
    for file in [path] if path.is_file() else _files(path):
        yield from _read_changed(file, cursors)


def check(settings: Mapping[str, str]) -> None:
    """Make sure that there is something to read, without reading it.

    Raises BadSource for a path that is missing, one file that is no Outlook mailbox, or where
    libpff is not installed.
    """
    path = existing_path(settings)
    if path.is_file() and not takes(path):
        raise BadSource(f"{path} is no Outlook mailbox file: a .pst or .ost would work.")
    if find_spec("pypff") is None:
        raise BadSource(
            "Outlook mailbox files are read by libpff, which is not installed: "
            "pip install 'mailhealth[pst]'."
        )


def takes(file: Path) -> bool:
    """Whether a file is an Outlook mailbox by its first bytes. BadSource: unreadable."""
    try:
        with file.open("rb") as stream:
            return stream.read(4) == OUTLOOK
    except OSError as error:
        raise BadSource(f"{file} cannot be read: {error.strerror or error}.") from error


def _files(path: Path) -> Iterator[Path]:
    for folder, names in folders_below(path):
        yield from (folder / name for name in names if Path(name).suffix.lower() in SUFFIXES)


def _read_changed(file: Path, cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    where = place(file)
    try:
        cursor = fingerprint(file)
        if cursors.get(where) == cursor:
            return
        if not takes(file):
            yield Skipped(where, "The file is no Outlook mailbox.")
            return
        with file.open("rb") as stream:
            yield from _mailbox(stream, where)
    except OSError as error:
        yield unreadable(where, error)
        return
    yield Mark(where, cursor)


def _mailbox(stream: Any, where: str) -> Iterator[Raw | Skipped]:
    opened = import_module("pypff").file()
    try:
        opened.open_file_object(stream)
        mailbox = _Mailbox(_codepage(opened), {})
        top = opened.get_root_folder()
        if top is None:
            raise ValueError("it holds no folders")
    except DAMAGE as error:
        yield Skipped(where, f"The mailbox is damaged or of an unknown make ({_why(error)}).")
        return
    try:
        for folder, path in _folders(top, where):
            if isinstance(folder, Skipped):
                yield folder
            else:
                yield from _folder(folder, path, mailbox)
    finally:
        opened.close()


def _codepage(opened: Any) -> int:
    """The code page of 8-bit texts, which libpff gives as "cp932"."""
    digits = "".join(sign for sign in str(opened.get_ascii_codepage()) if sign.isdecimal())
    return int(digits[:5] or 1252)


def _folders(top: Any, where: str) -> Iterator[tuple[Any, str]]:
    """Yield all folders with their paths, from the top; one that is damaged comes as Skipped."""
    stack = [(top, where, 0)]
    while stack:
        folder, path, depth = stack.pop()
        if folder is None:
            continue
        yield folder, path
        try:
            below = [folder.get_sub_folder(at) for at in range(folder.get_number_of_sub_folders())]
            named = [(each, f"{path}/{_name(each)}", depth + 1) for each in below if each]
        except DAMAGE as error:
            yield Skipped(path, f"Folders in this folder are damaged ({_why(error)})."), path
            continue
        if depth < DEEPEST:
            stack.extend(reversed(named))


def _name(folder: Any) -> str:
    try:
        name = str(folder.get_name() or "")
    except DAMAGE:
        name = ""
    return "".join(sign if sign.isprintable() and sign != "/" else "_" for sign in name) or "_"


def _folder(folder: Any, path: str, mailbox: _Mailbox) -> Iterator[Raw | Skipped]:
    others = 0
    try:
        count = folder.get_number_of_sub_messages()
    except DAMAGE as error:
        yield Skipped(path, f"The folder is damaged ({_why(error)}).")
        return
    for at in range(count):
        found = _message(folder, at, f"{path}:{at}", mailbox)
        if found is None:
            others += 1
        else:
            yield found
    if others:
        yield Skipped(path, f"{others} of its items are no mails (contacts, tasks, notes).")


def _message(folder: Any, at: int, where: str, mailbox: _Mailbox) -> Raw | Skipped | None:
    """Read one mail of a folder; None for an item of another kind."""
    try:
        message = folder.get_sub_message(at)
        if message is None:
            return None
        properties = _properties(message)
        if not _mapi.is_mail(_mapi.Item(properties, codepage=mailbox.codepage)):
            return None
        if sum(len(value) for _, value in properties.values()) > LARGEST:
            return Skipped(where, TOO_LARGE)
        people = tuple(_recipients(message))
        files = tuple(_attachments(message, properties, mailbox.codepage))
    except DAMAGE as error:
        return Skipped(where, f"The mail is damaged ({_why(error)}).")
    item = _mapi.Item(properties, people, files, mailbox.codepage)
    mailbox.directory.update(_mapi.exchange_addresses(item))
    return Raw(
        where, _letters.letter(item, mailbox.directory), _mapi.seconds(item, _mapi.DELIVERY_TIME)
    )


def _properties(item: Any) -> dict[int, tuple[int, bytes]]:
    """The properties of an item or attachment; one that cannot be read is left out alone."""
    found: dict[int, tuple[int, bytes]] = {}
    for at in range(item.get_number_of_record_sets()):
        found.update(_record(item.get_record_set(at)))
    return found


def _record(record: Any) -> dict[int, tuple[int, bytes]]:
    found = {}
    for at in range(record.get_number_of_entries()):
        try:
            entry = record.get_entry(at)
            found[entry.get_entry_type()] = (entry.get_value_type(), bytes(entry.get_data() or b""))
        except DAMAGE:
            continue
    return found


def _recipients(message: Any) -> Iterator[dict[int, tuple[int, bytes]]]:
    try:
        people = message.recipients
        sets = range(people.get_number_of_record_sets()) if people else ()
        for at in sets:
            yield _record(people.get_record_set(at))
    except DAMAGE:
        return


def _attachments(
    message: Any, properties: Mapping[int, tuple[int, bytes]], codepage: int
) -> Iterator[_mapi.File]:
    """Yield the attachments; the content of those beyond 50 MB in all is left out."""
    left = LARGEST
    try:
        count = message.get_number_of_attachments()
    except DAMAGE:
        return
    for at in range(count):
        try:
            attachment = message.get_attachment(at)
            own = _mapi.Item({**properties, **_properties(attachment)}, codepage=codepage)
            size = attachment.get_size()
            content = attachment.read_buffer(size) if 0 < size <= left else b""
        except DAMAGE:
            continue
        left -= len(content)
        name = _mapi.text(own, LONG_FILE_NAME) or _mapi.text(own, FILE_NAME)
        yield _mapi.File(name, _mapi.text(own, MIME_TAG), content)


def _why(error: BaseException) -> str:
    """The last thing libpff says: it tells first where in its source it failed."""
    return " ".join(str(error).split())[-100:]
