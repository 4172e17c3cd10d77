"""Archives of logs: checked and unpacked whole before a row is read, and gone afterwards."""

import gzip
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from mailhealth.errors import BadSource
from mailhealth.readers import _files, _secrets, _zips
from mailhealth.records import Found, Mark, Row, Skipped

GZIP = b"\x1f\x8b"
MOST_FILES = 100_000
AES = 99  # the compression method that stands for "encrypted by AES, see the extra field"
_BOMB = "it would grow more than 200 times when unpacked, which no log does"
_TAR_MAGIC = slice(257, 262)
_DAMAGED = (*_zips.DAMAGED, gzip.BadGzipFile)

T = TypeVar("T", Row | Skipped | Mark, Found | Skipped | Mark)


def is_packed(file: Path) -> bool:
    """Tell by its first bytes whether a file is a zip archive or packed by gzip."""
    with file.open("rb") as opened:
        start = opened.read(4)
    return start in _zips.ZIP or start.startswith(GZIP)


def read(
    archive: Path,
    settings: Mapping[str, str],
    cursors: Mapping[str, str],
    reading: Callable[[Path], Iterator[T]],
) -> Iterator[T | Mark]:
    """What `reading` finds in the folder that an archive is unpacked to; nothing if unchanged.

    Places are "archive.zip/member.csv:2", and the last Mark is that of the archive. Raises
    BadSource where the archive as a whole cannot be read: then nothing of it has been.
    """
    cursor = _files.state(archive)
    if cursors.get(_files.place(archive)) == cursor:
        return
    with unpacked(archive, settings) as folder:
        for item in reading(folder):
            yield replace(item, place=place(item.place, folder, archive))
    yield Mark(_files.place(archive), cursor)


@contextmanager
def unpacked(path: Path, settings: Mapping[str, str]) -> Iterator[Path]:
    """A temporary folder of the archive's name that holds its files; any other path as it is.

    Every file is unpacked and its checksum compared first. `settings` may name where the
    password is (`password_env`, `password_command`). Raises BadSource, in one sentence, for an
    archive that is damaged, locked, unsafe, or no archive of logs.
    """
    if not (path.is_file() and is_packed(path)):
        yield path
        return
    with TemporaryDirectory(prefix="mailhealth-") as temporary:
        folder = Path(temporary) / path.name
        try:
            folder.mkdir()
            (_ungzip if _is_gzip(path) else _unzip)(path, folder, settings)
        except OSError as error:
            raise BadSource(f"{path} cannot be unpacked: {error.strerror or error}") from error
        yield folder


def place(text: str, folder: Path, archive: Path) -> str:
    """Where something lies in the archive itself, not in the folder it was unpacked to."""
    return text.replace(_files.place(folder), _files.place(archive), 1)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as opened:
        return opened.read(2) == GZIP


def _ungzip(path: Path, folder: Path, _: Mapping[str, str]) -> None:
    most = max(_zips.HARMLESS, _zips.DENSEST * path.stat().st_size)
    target = folder / (path.stem if path.suffix.lower() == ".gz" else path.name)
    try:
        with gzip.open(path) as packed, target.open("wb") as plain:
            start = packed.read(_zips.BLOCK)
            if start[_TAR_MAGIC] == b"ustar":
                raise BadSource(f"{path} is a tar archive: unpack it and give the folder")
            for block in chain([start], iter(lambda: packed.read(_zips.BLOCK), b"")):
                plain.write(block)
                if plain.tell() > most:
                    raise BadSource(f"{path} is not unpacked: {_BOMB}")
    except _DAMAGED as error:
        raise BadSource(f"{path} is damaged or cut short ({error}): fetch it again") from error


def _unzip(path: Path, folder: Path, settings: Mapping[str, str]) -> None:
    with _zips.opened(path) as archive:
        members = _members(path, archive)
        secret = _secret(path, members, settings)
        if sum(member.info.file_size for member in members) > shutil.disk_usage(folder).free:
            raise BadSource(f"{path} cannot be unpacked: what is in it does not fit on the disk")
        for member in members:
            target = folder / member.name.replace("\\", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(member.info, pwd=secret) as packed, target.open("xb") as plain:
                    shutil.copyfileobj(packed, plain, _zips.BLOCK)
            except _DAMAGED as error:
                raise BadSource(_broken(path, member, error)) from error


def _members(path: Path, archive: zipfile.ZipFile) -> list[_zips.Member]:
    """The files of an archive, or the reason why none of them is touched."""
    infos = archive.infolist()
    if len(infos) > MOST_FILES:
        raise BadSource(f"{path} holds more than {MOST_FILES} files: no export of logs does")
    if "[Content_Types].xml" in archive.NameToInfo:
        raise BadSource(f"{path} is an Excel or Word file: save it as CSV")
    members = []
    for item in _zips.members(archive, str(path), path.stat().st_size, unlocks=True):
        if isinstance(item, Skipped):
            raise BadSource(f"{item.place} is not unpacked, nor is the rest: {item.why}")
        if stat.S_ISLNK(item.info.external_attr >> 16):
            raise BadSource(f"{path}/{item.name} is a link to another file: no export has one")
        members.append(item)
    if not members:
        raise BadSource(f"{path} holds no files")
    return members


def _secret(path: Path, members: list[_zips.Member], settings: Mapping[str, str]) -> bytes | None:
    if any(member.info.compress_type == AES for member in members):
        raise BadSource(f"{path} is encrypted with AES: unpack it and give the folder")
    if not any(_zips.is_locked(member.info) for member in members):
        return None
    if secret := _secrets.password(settings):
        return secret.encode()
    raise BadSource(
        f"{path} is locked with a password: put it in an environment variable and name that "
        "with --password-env (password_env)"
    )


def _broken(path: Path, member: _zips.Member, error: Exception) -> str:
    if _zips.is_locked(member.info):
        return f"{path}/{member.name} cannot be unlocked: the password is wrong, or it is damaged"
    if isinstance(error, NotImplementedError):
        return f"{path}/{member.name} is packed in a way unknown here: unpack it by another program"
    return f"{path}/{member.name} is damaged ({error}): fetch the archive again"
