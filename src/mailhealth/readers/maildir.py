"""Reads a Maildir and its .Sub folders, without ever writing to it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mailhealth.errors import BadSource
from mailhealth.readers._archives import Listed, arrived, existing_path, listed, unreadable, whole
from mailhealth.readers._files import place
from mailhealth.records import Mark, Raw, Skipped

FLAGS = (":2,", ";2,", "!2,")  # what follows the lasting name; file systems differ in the sign


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Raw | Skipped | Mark]:
    """Yield the messages in new/ and cur/ of the Maildir `settings["path"]` and its folders.

    Places are the folder and the name without flags, so that reading a mail elsewhere does not
    make it another. A folder that is as its cursor says yields nothing. BadSource where the
    path is no Maildir.
    """
    check(settings)
    path = existing_path(settings)
    for folder in [path, *_folders(path)]:
        above = "" if folder == path else f"{place(Path(folder.name))}/"
        cursor = cursors.get(place(folder), "")
        found, after = arrived(_files(folder), cursor)
        for file in found:
            yield _message(file, above + place(Path(file.name)))
        if after != cursor:
            yield Mark(place(folder), after)


def check(settings: Mapping[str, str]) -> None:
    """Make sure that there is something to read, without reading it.

    Raises BadSource for a path that is missing or is no Maildir.
    """
    path = existing_path(settings)
    if not (path / "cur").is_dir() and not (path / "new").is_dir():
        raise BadSource(f"{path} is no Maildir: it has neither a cur nor a new folder.")


def takes(file: Path) -> bool:
    """Whether a file is a Maildir: never, it is a folder."""
    return False


def _folders(path: Path) -> list[Path]:
    return sorted(
        folder
        for folder in path.iterdir()
        if folder.name.startswith(".") and folder.is_dir() and (folder / "cur").is_dir()
    )


def _files(folder: Path) -> list[Listed]:
    found = []
    for part in ("cur", "new"):
        for path in sorted((folder / part).iterdir()) if (folder / part).is_dir() else ():
            if path.name.startswith("."):
                continue
            if file := listed(path, _lasting_name(path.name), contents_may_change=False):
                found.append(file)
    return found


def _lasting_name(name: str) -> str:
    for flags in FLAGS:
        name = name.partition(flags)[0]
    return name


def _message(file: Listed, where: str) -> Raw | Skipped:
    try:
        return whole(file.path, where)
    except FileNotFoundError:
        return _moved(file, where)
    except OSError as error:
        return unreadable(where, error)


def _moved(file: Listed, where: str) -> Raw | Skipped:
    """Look again for a file that a mail program has renamed meanwhile (read, or flagged)."""
    folder = file.path.parent.parent / "cur"
    for path in folder.iterdir() if folder.is_dir() else ():
        if _lasting_name(path.name) == file.name:
            try:
                return whole(path, where)
            except OSError:
                break
    return Skipped(where, "The message was moved away while the folder was being read.")
