"""Reads single messages: one .eml file, or all of a folder or zip archive."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

from mailhealth.errors import BadSource
from mailhealth.readers import _zips
from mailhealth.readers._archives import (
    LARGEST,
    TOO_LARGE,
    Listed,
    arrived,
    existing_path,
    fingerprint,
    folders_below,
    listed,
    unreadable,
    whole,
)
from mailhealth.readers._files import place
from mailhealth.records import Mark, Raw, Skipped

SUFFIXES = frozenset({".eml", ".emlx"})
OUTLOOK = b"\xd0\xcf\x11\xe0"
GZIP = b"\x1f\x8b"
_LENGTH = re.compile(rb"\d{1,10}\s*")


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the message of each .eml file at `settings["path"]`: a file, a folder, a zip archive.

    Zip archives in a folder are read too; a message in one lies at "file.zip/folder/name.eml".
    A folder (or single file) that is as its cursor says yields nothing. BadSource where the
    path is missing or the one file is no message.
    """
    check(settings)
    path = existing_path(settings)
    if path.is_file():
        one = _read_zip if _is_zip(path) else _read_one
        yield from one(path, cursors.get(place(path), ""))
        return
    for folder, names in folders_below(path):
        files = [
            file
            for name in names
            if Path(name).suffix.lower() in SUFFIXES
            and (file := listed(folder / name, name, contents_may_change=True))
        ]
        if files:
            yield from _read_folder(folder, files, cursors.get(place(folder), ""))
        for name in names:
            if Path(name).suffix.lower() == ".zip":
                yield from _read_zip(folder / name, cursors.get(place(folder / name), ""))


def check(settings: Mapping[str, str]) -> None:
    """Make sure that there is something to read, without reading it.

    Raises BadSource for a path that is missing, or a zip archive that is damaged or holds no
    messages.
    """
    path = existing_path(settings)
    if path.is_file() and _is_zip(path) and not takes(path):
        raise BadSource(f"{path} is a zip archive that holds no .eml file.")


def takes(file: Path) -> bool:
    """Whether a file is named as a message, or is a zip archive that holds some.

    Raises BadSource for a zip archive that is damaged.
    """
    if not _is_zip(file):
        return file.suffix.lower() in SUFFIXES
    with _zips.opened(file) as archive:
        return any(Path(info.filename).suffix.lower() in SUFFIXES for info in archive.infolist())


def _is_zip(path: Path) -> bool:
    try:
        return _zips.is_zip(path)
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror or error}.") from error


def _read_zip(path: Path, cursor: str) -> Iterator[Raw | Skipped | Mark]:
    where = place(path)
    try:
        after = fingerprint(path)
        if after == cursor:
            return
        with _zips.opened(path) as archive:
            for member in _zips.members(archive, where, path.stat().st_size):
                if isinstance(member, Skipped):
                    yield member
                elif Path(member.name).suffix.lower() in SUFFIXES:
                    yield _packed(archive, member, f"{where}/{member.name}")
    except BadSource as error:
        yield Skipped(where, str(error))
    except OSError as error:
        yield unreadable(where, error)
        return
    yield Mark(where, after)


def _packed(archive: ZipFile, member: _zips.Member, where: str) -> Raw | Skipped:
    if member.info.file_size > LARGEST:
        return Skipped(where, TOO_LARGE)
    try:
        with _zips.content(archive, member) as stream:
            return _unwrapped(Raw(where, stream.read()))
    except _zips.DAMAGED as error:
        return Skipped(where, f"It is damaged in its zip archive ({error}): fetch it again.")


def _read_one(path: Path, cursor: str) -> Iterator[Raw | Mark]:
    file = listed(path, path.name, contents_may_change=True)
    found, after = arrived([file] if file else [], cursor)
    for one in found:
        read_in = _message(one)
        if isinstance(read_in, Skipped):
            raise BadSource(f"{path}: {read_in.why}")
        yield read_in
        yield Mark(place(path), after)


def _read_folder(folder: Path, files: list[Listed], cursor: str) -> Iterator[Raw | Skipped | Mark]:
    found, after = arrived(files, cursor)
    for file in found:
        yield _message(file)
    if after != cursor:
        yield Mark(place(folder), after)


def _message(file: Listed) -> Raw | Skipped:
    where = place(file.path)
    try:
        found = whole(file.path, where)
    except OSError as error:
        return unreadable(where, error)
    return _unwrapped(found) if isinstance(found, Raw) else found


def _unwrapped(raw: Raw) -> Raw | Skipped:
    if Path(raw.place).suffix.lower() == ".emlx":
        raw = replace(raw, content=_apple(raw.content))
    if why := _no_message(raw.content):
        return Skipped(raw.place, why)
    return raw


def _apple(content: bytes) -> bytes:
    """Take the message out of Apple Mail's wrapping: its length before it, a plist after it."""
    length, _, rest = content.partition(b"\n")
    return rest[: int(length)] if _LENGTH.fullmatch(length) else content


def _no_message(content: bytes) -> str:
    if not content.strip():
        return "The file is empty."
    if content.startswith(OUTLOOK):
        return "The file is an Outlook .msg, not RFC 5322: connect it as msg."
    if content.startswith(GZIP):
        return "The file is gzip-compressed: unpack it first."
    return "The file is binary, no e-mail." if b"\x00" in content[:512] else ""
