"""Reads mbox archives: files, gzip and zip (Google Takeout), streamed message by message."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from mailhealth.errors import BadSource
from mailhealth.readers import _from_lines, _zips
from mailhealth.readers._archives import (
    existing_path,
    fingerprint,
    folders_below,
    unreadable,
)
from mailhealth.readers._files import place
from mailhealth.records import Mark, Raw, Skipped

SUFFIXES = frozenset({".mbox", ".mbx", ".txt", ""})
PACKED = frozenset({".gz", ".zip"})
MESSAGES = frozenset({".eml", ".emlx"})  # one mail each, even behind a From_ line
GZIP = b"\x1f\x8b"
HEAD = 4_096  # bytes that show what a file is
DAMAGED = (*_zips.DAMAGED, gzip.BadGzipFile)


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the messages of `settings["path"]`, an mbox file, a packed one or a folder of them.

    A zip archive may hold several; a message in it lies at "file.zip/inner.mbox:offset". A file
    whose size and date are those of its cursor yields nothing. Memory does not grow with the
    file. BadSource where the path is missing, or is one file that is no mbox.
    """
    check(settings)
    for file in _candidates(existing_path(settings)):
        yield from _read_changed(file, cursors)


def check(settings: Mapping[str, str]) -> None:
    """Make sure that there is something to read, without reading it.

    Raises BadSource for a path that is missing, or one file that is no mbox.
    """
    path = existing_path(settings)
    if path.is_file() and (why := _no_mbox(path)):
        raise BadSource(f"{path} {why}.")


def takes(file: Path) -> bool:
    """Whether a file is an mbox, plain or gzip-compressed, or a zip archive that holds one."""
    try:
        return not _no_mbox(file)
    except BadSource:
        return False


def _candidates(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, names in folders_below(path):
        for name in names:
            if _may_be_mbox(name, PACKED) or _begins_as_mbox(folder / name):
                yield folder / name


def _may_be_mbox(name: str, packed: frozenset[str]) -> bool:
    *_, before, last = ["", "", *Path(name.lower()).suffixes]
    if last == ".gz" and last in packed:
        return before in SUFFIXES
    return last in SUFFIXES or last in packed


def _begins_as_mbox(file: Path) -> bool:
    """Whether a file of another name is one: a folder called "Orders 2.0" has no suffix."""
    if file.suffix.lower() in MESSAGES:
        return False
    try:
        with file.open("rb") as stream:
            start = stream.read(HEAD)
    except OSError:
        return False
    return bool(start) and not _from_lines.complaint(start)


def _read_changed(file: Path, cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    where = place(file)
    try:
        cursor = fingerprint(file)
        if cursors.get(where) == cursor:
            return
        if why := _no_mbox(file):
            yield Skipped(where, f"The file {why}.")
        elif _zips.is_zip(file):
            yield from _in_zip(file, where)
        else:
            with file.open("rb") as stream:
                yield from _archive(stream, where, file.stat().st_size)
    except BadSource as error:
        yield Skipped(where, str(error))
    except OSError as error:
        yield unreadable(where, error)
        return
    yield Mark(where, cursor)


def _in_zip(file: Path, where: str) -> Iterator[Raw | Skipped]:
    with _zips.opened(file) as archive:
        for member in _zips.members(archive, where, file.stat().st_size):
            if isinstance(member, Skipped):
                yield member
            elif _may_be_mbox(member.name, frozenset({".gz"})):
                inner = f"{where}/{member.name}"
                try:
                    with _zips.content(archive, member) as stream:
                        yield from _archive(stream, inner, member.info.file_size)
                except DAMAGED as error:
                    yield _broken(inner, error)


def _archive(stream: BinaryIO, where: str, size: int) -> Iterator[Raw | Skipped]:
    """Yield the messages of one mbox of `size` bytes, unpacking it where it is gzip."""
    packed = _start(stream).startswith(GZIP)
    try:
        plain = _zips.buffered(gzip.GzipFile(fileobj=stream)) if packed else stream
        if why := _from_lines.complaint(_start(plain)):
            yield Skipped(where, f"The file {why}.")
            return
        most = max(_zips.HARMLESS, _zips.DENSEST * size) if packed else None
        yield from _from_lines.messages(plain, where, most)
    except DAMAGED as error:
        yield _broken(where, error)


def _start(stream: BinaryIO) -> bytes:
    start = stream.read(HEAD)
    stream.seek(0)
    return start


def _broken(where: str, error: Exception) -> Skipped:
    return Skipped(
        where,
        f"The archive is damaged or cut short ({error}): what stands before the damage was read, "
        "fetch it again for the rest.",
    )


def _no_mbox(file: Path) -> str:
    """Say what a file is instead of an mbox; "" where it may be one. BadSource: a damaged zip."""
    try:
        if _zips.is_zip(file):
            return _holds_none(file)
        with file.open("rb") as stream:
            if _start(stream).startswith(GZIP):
                return _from_lines.complaint(gzip.GzipFile(fileobj=stream).read1(HEAD))
            return _from_lines.complaint(_start(stream))
    except DAMAGED as error:
        return f"is damaged ({error}): fetch it again"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"


def _holds_none(file: Path) -> str:
    with _zips.opened(file) as archive:
        if any(_may_be_mbox(name, PACKED) for name in archive.namelist()):
            return ""
    return "is a zip archive that holds no mbox file"
