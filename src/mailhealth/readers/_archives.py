"""What the archive readers share: finding files, and cursors that tell what has come since."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailhealth.errors import BadSource
from mailhealth.records import Raw, Skipped

LARGEST = 50 * 1024 * 1024  # bytes; a larger message is skipped, not loaded
TOO_LARGE = "The message is larger than 50 MB."
SLACK = 3_600  # seconds by which two clocks that stamp one folder may differ


@dataclass(frozen=True, slots=True)
class Listed:
    """A file in a folder: its lasting name, its path, its state, and when it came (seconds)."""

    name: str
    path: Path
    state: str
    changed: int


def existing_path(settings: Mapping[str, str]) -> Path:
    """Give the path a source is configured with; BadSource where nothing is there."""
    written = settings.get("path", "")
    if not written:
        raise BadSource("This source names no path: give it the file or folder to read.")
    path = Path(written).expanduser()
    try:
        there = path.exists()
    except (OSError, ValueError) as error:
        raise BadSource(f"{written!r} cannot be a path: {error}.") from error
    if not there:
        raise BadSource(f"{written} is not there: give the path of an existing file or folder.")
    return path


def folders_below(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield a folder and all in it with their file names, sorted; hidden ones left out."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(where), sorted(name for name in names if not name.startswith("."))


def whole(path: Path, where: str) -> Raw | Skipped:
    """Read the one message a file holds, dated by the file. OSError where it cannot be read."""
    state = path.stat()
    if state.st_size > LARGEST:
        return Skipped(where, TOO_LARGE)
    return Raw(where, path.read_bytes(), int(state.st_mtime))


def unreadable(where: str, error: OSError) -> Skipped:
    """Say why a file was left out."""
    return Skipped(where, f"The file cannot be read: {error.strerror or error}.")


def fingerprint(path: Path) -> str:
    """Tell one state of a file from another: its size and the time of its last change."""
    state = path.stat()
    return f"{state.st_size}:{state.st_mtime_ns}"


def listed(path: Path, name: str, contents_may_change: bool) -> Listed | None:
    """List one file under its lasting name; None where it is gone or no regular file."""
    try:
        state = path.stat()
    except OSError:
        return None
    if not path.is_file():
        return None
    shown = f"{name}:{state.st_size}:{state.st_mtime_ns}" if contents_may_change else name
    return Listed(name, path, shown, int(state.st_ctime))


def arrived(files: list[Listed], cursor: str) -> tuple[list[Listed], str]:
    """Pick the files that may have come since `cursor`, and make the cursor that follows it.

    A cursor is a digest of all files and the newest change seen. The digest tells exactly
    whether anything is new; then the change time of a file (which renaming and copying set,
    whatever date the mail has) tells which, with an hour of slack. A file may so come twice,
    none is left out.
    """
    digest = hashlib.sha256(
        "\n".join(sorted(file.state for file in files)).encode("utf-8", "surrogateescape")
    ).hexdigest()
    newest = max((file.changed for file in files), default=0)
    known, _, since = cursor.partition(":")
    if known == digest:
        return [], cursor
    if since.isdecimal():
        return [file for file in files if file.changed >= int(since) - SLACK], f"{digest}:{newest}"
    return files, f"{digest}:{newest}"
