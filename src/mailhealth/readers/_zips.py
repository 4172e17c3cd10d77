"""Zip archives as folders to read from: nothing is unpacked to disk, what is unsafe is left out."""

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from mailhealth.errors import BadSource
from mailhealth.records import Skipped

BLOCK = 1 << 18
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # with files, and empty
DENSEST = 200  # times; mail packs 2 to 20 times smaller, what is made to fill a disk 1,000
HARMLESS = 100 * 1024 * 1024  # bytes that may come out of anything
BOMB = "It would grow more than 200 times when unpacked, which no mail does."
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError)
_UTF_8 = 0x800  # the flag that a name is UTF-8
_ENCRYPTED = 0x1
_CLIMBS = re.compile(r"(?:^|/)\.\.(?:/|$)|^/|^[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a zip archive: its name as a person would write it, and where it lies."""

    name: str
    info: zipfile.ZipInfo


def is_zip(path: Path) -> bool:
    """Tell by its first bytes whether a file is a zip archive. OSError where it cannot be read."""
    with path.open("rb") as stream:
        return stream.read(4) in ZIP


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive for reading; BadSource where it is damaged or cut short."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise BadSource(
            f"{path} is a damaged or incomplete zip archive ({error}): fetch it again."
        ) from error
    with archive:
        yield archive


def members(
    archive: zipfile.ZipFile, where: str, size: int, *, unlocks: bool = False
) -> Iterator[Member | Skipped]:
    """Yield the files of an archive of `size` bytes; what is not safe to read comes as Skipped.

    Encrypted files are among that, unless the caller `unlocks` them.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    alone = [info for info in infos if not _grows(info.file_size, info.compress_size)]
    if _grows(sum(info.file_size for info in alone), size):
        # Members that share their bytes are each small: only all together they are a bomb.
        yield Skipped(where, BOMB)
        return
    for info in infos:
        if _is_clutter(info.filename):
            continue
        name = _name(info)
        if why := _unsafe(info, name, unlocks):
            yield Skipped(f"{where}/{name}", why)
        else:
            yield Member(name, info)


def _grows(unpacked: int, packed: int) -> bool:
    return unpacked > HARMLESS and unpacked > DENSEST * packed


def _is_clutter(name: str) -> bool:
    """Whether a name is hidden, as in folders: macOS adds a shadow of every file."""
    return any(part.startswith(".") and part != ".." for part in name.split("/"))


def is_locked(info: zipfile.ZipInfo) -> bool:
    """Whether a file in an archive is encrypted."""
    return bool(info.flag_bits & _ENCRYPTED)


def _unsafe(info: zipfile.ZipInfo, name: str, unlocks: bool) -> str:
    if _CLIMBS.search(name.replace("\\", "/")):
        return "Its name climbs out of the archive: the archive was not made by a mail program."
    if is_locked(info) and not unlocks:
        return "It is encrypted: unpack the archive with its password first."
    return BOMB if _grows(info.file_size, info.compress_size) else ""


def _name(info: zipfile.ZipInfo) -> str:
    """The name in its own writing: Japanese Windows writes CP932 where the format says CP437."""
    name = info.filename
    if not info.flag_bits & _UTF_8 and not name.isascii():
        name = _written(name)
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)


def _written(name: str) -> str:
    for coding in ("utf-8", "cp932"):
        try:
            return name.encode("cp437").decode(coding)
        except UnicodeError:
            continue
    return name


def content(archive: zipfile.ZipFile, member: Member) -> BinaryIO:
    """Open one file of an archive; raises one of DAMAGED, or OSError."""
    return buffered(archive.open(member.info))


def buffered(packed: object) -> BinaryIO:
    """Read a packed stream by blocks: line by line it takes twice as long."""
    return io.BufferedReader(cast(io.RawIOBase, packed), BLOCK)
