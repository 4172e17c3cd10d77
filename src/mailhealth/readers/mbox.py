"""Reads mbox archives: one file, or a folder of them, streamed message by message."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from mailhealth.errors import BadSource
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

SUFFIXES = frozenset({".mbox", ".mbx", ".txt", ""})
LINE = 1024 * 1024  # bytes of one line read at a time
BOM = b"\xef\xbb\xbf"

# The whole shape of a From_ line, so that a sentence that begins with "From " is text:
# "From ann@example.com Mon Jun  1 10:00:00 2015", "From - Mon ...", archives' "ann at example.com".
_FROM_LINE = re.compile(
    rb"From (?:\S+|\S+ at \S+)? {1,3}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,40}\d\d:\d\d.{0,40}\s*$"
    rb"|From -\s*$|From \S+@xxx\b"
)
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
# Headers that open a message even where the blank line before its From_ line got lost.
_OPENING = re.compile(
    rb"(?i)(?:from|to|date|return-path|received|subject|message-id|delivered-to|mime-version"
    rb"|x-[a-z-]{1,40}):"
)
_QUOTED_FROM = re.compile(rb">+From ")


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the messages of `settings["path"]`, an mbox file or a folder of them.

    A file whose size and date are those of its cursor yields nothing. Memory does not grow
    with the file. BadSource where the path is missing, or is one file that is no mbox.
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


def _candidates(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, names in folders_below(path):
        yield from (folder / name for name in names if Path(name).suffix.lower() in SUFFIXES)


def _read_changed(file: Path, cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    where = place(file)
    try:
        cursor = fingerprint(file)
        if cursors.get(where) == cursor:
            return
        if why := _no_mbox(file):
            yield Skipped(where, f"The file {why}.")
            return
        with file.open("rb") as stream:
            yield from messages(stream, where)
    except OSError as error:
        yield unreadable(where, error)
        return
    yield Mark(where, cursor)


def _no_mbox(file: Path) -> str:
    """Say what a file is instead of an mbox; "" where it may be one."""
    try:
        with file.open("rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if start.startswith(b"\x1f\x8b"):
        return "is gzip-compressed: unpack it first"
    if start.startswith(b"PK\x03\x04"):
        return "is a zip archive: unpack it first"
    first = start.removeprefix(BOM).lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    if start and not _FROM_LINE.match(first):
        return 'is no mbox: its first line is not a "From " line'
    return ""


def messages(stream: BinaryIO, where: str) -> Iterator[Raw | Skipped]:
    """Cut a stream of mbox into its messages; each is placed by its byte offset.

    A message begins at a From_ line of full shape between a blank line (or the beginning) and
    a header; without the blank line the header must be one that opens messages. `>From `
    loses one `>`.
    """
    message = bytearray()
    start, offset, size = -1, 0, 0
    for from_line, line in _lines(stream):
        if from_line:
            if start >= 0:
                yield _finished(message, size, f"{where}:{start}")
            message, start, size = bytearray(), offset, 0
        elif start >= 0:
            size += len(line)
            if size <= LARGEST:
                message += line[1:] if _QUOTED_FROM.match(line) else line
        offset += len(line)
    if start >= 0:
        yield _finished(message, size, f"{where}:{start}")


def _lines(stream: BinaryIO) -> Iterator[tuple[bool, bytes]]:
    """Yield each line and whether a message begins with it, which the line below decides."""
    blank, held = True, stream.readline(LINE)
    while held:
        below = stream.readline(LINE)
        yield held.startswith((b"From ", BOM)) and _begins(held, below, blank), held
        blank, held = not held.strip(), below


def _begins(line: bytes, below: bytes, after_blank: bool) -> bool:
    header = _HEADER if after_blank else _OPENING
    return bool(_FROM_LINE.match(line.removeprefix(BOM)) and header.match(below))


def _finished(message: bytearray, size: int, where: str) -> Raw | Skipped:
    if size > LARGEST:
        return Skipped(where, TOO_LARGE)
    return Raw(where, bytes(message))
