"""Reads single messages: one .eml file, or all of a folder and the folders in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from mailhealth.errors import BadSource
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

SUFFIXES = frozenset({".eml", ".emlx"})
OUTLOOK = b"\xd0\xcf\x11\xe0"
GZIP = b"\x1f\x8b"
_LENGTH = re.compile(rb"\d{1,10}\s*")


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the message of each .eml file at `settings["path"]`, a file or a folder.

    A folder (or single file) that is as its cursor says yields nothing. BadSource where the
    path is missing or the one file is no message.
    """
    path = existing_path(settings)
    if path.is_file():
        yield from _read_one(path, cursors.get(place(path), ""))
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


def check(settings: Mapping[str, str]) -> None:
    """Make sure that there is something to read, without reading it.

    Raises BadSource for a path that is missing.
    """
    existing_path(settings)


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
    if isinstance(found, Raw) and file.path.suffix.lower() == ".emlx":
        found = replace(found, content=_apple(found.content))
    if isinstance(found, Raw) and (why := _no_message(found.content)):
        return Skipped(where, why)
    return found


def _apple(content: bytes) -> bytes:
    """Take the message out of Apple Mail's wrapping: its length before it, a plist after it."""
    length, _, rest = content.partition(b"\n")
    return rest[: int(length)] if _LENGTH.fullmatch(length) else content


def _no_message(content: bytes) -> str:
    if not content.strip():
        return "The file is empty."
    if content.startswith(OUTLOOK):
        return "The file is an Outlook .msg, not RFC 5322: save it as .eml."
    if content.startswith(GZIP):
        return "The file is gzip-compressed: unpack it first."
    return "The file is binary, no e-mail." if b"\x00" in content[:512] else ""
