"""Whose file is this? Asked when none names a connector, and when one is connected."""

import os
import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from mailhealth.errors import BadSource, NotRecognised
from mailhealth.readers import _files
from mailhealth.sources.border import NEEDED, Columns, Connector, Marks, connectors, folded

ENOUGH = 50  # files of a folder that are looked at
_CAPTURED = re.compile(r"(?:POST|PUT) \S{1,2000} HTTP/")


def recognise(path: str | os.PathLike[str]) -> str:
    """Name the one shipped connector that knows a file or folder by what it holds.

    Raises NotRecognised where there is none or more than one, BadSource where there is no
    such file.
    """
    known = connectors()
    names = _recognised(Path(path), known.values())
    if len(names) == 1:
        return names[0]
    if names:
        raise NotRecognised(
            f"{path}: {' and '.join(names)} recognise it; connect it and name one of them"
        )
    raise NotRecognised(f"{path}: {_unknown(Path(path))}; {_wanted(known.values())}")


def check(connector: Connector, settings: Mapping[str, str]) -> None:
    """Make sure, before anything is stored, that a source can be read by this connector.

    Raises BadSource for a path that is missing, NotRecognised for a file with other columns;
    the message names the connectors that would have worked.
    """
    settings = {**connector.settings, **settings}
    if "path" not in settings and (connector.event or connector.recognises != Marks()):
        raise BadSource(f"{connector.name} reads files; give path= with a file or a folder")
    if connector.event is None:
        _check_mail(connector, settings)
        return
    path = Path(settings["path"])
    files = _found(path)
    complaints = [_complaint(connector, connector.event, file, settings) for file in files]
    if not complaints:
        raise NotRecognised(f"{path}: the folder holds no files to read")
    if all(complaints):
        others = _recognised(path, connectors().values())
        tail = f"; {' or '.join(others)} would work" if others else ""
        raise NotRecognised(f"{files[0]}: {complaints[0]}{tail}")


def _check_mail(connector: Connector, settings: Mapping[str, str]) -> None:
    for name in connector.readers:
        _module(name).check(settings)
    path = Path(settings.get("path", ""))
    if "path" in settings and path.is_file() and not _takes(connector, path):
        known = _recognised(path, connectors().values())
        if known and connector.name not in known:
            raise NotRecognised(
                f"{path}: is nothing that {connector.name} reads; {' or '.join(known)} would work"
            )


def oddity(file: Path) -> str:
    """What a file is that no log reader takes, and what would work; "" for an ordinary text."""
    if kind := _files.packed(file):
        return f"is {kind}; unpack it or save it as CSV"
    head = _files.head(file)
    if _CAPTURED.match(head):
        return "is a captured HTTP request; save the JSON below its headers as a file of its own"
    return "" if head.strip() else "holds no text"


def reader(connector: Connector, file: Path) -> str:
    """The name of the connector's reader that takes a log file, "" for none."""
    return next((name for name in connector.readers if _module(name).takes(file)), "")


def lacking(event: Columns, names: Iterable[str]) -> str:
    """Which column without which there is no event is not among these names, in words.

    >>> lacking(Columns(recipient=("To",), type=("Event",), at=("Date",)), ["to", "event"])
    'no column for at (Date)'
    """
    there = {folded(name) for name in names}
    for ours in NEEDED:
        theirs: tuple[str, ...] = getattr(event, ours)
        if not any(
            folded(name.partition(".")[0]) in there or folded(name) in there for name in theirs
        ):
            return f"no column for {ours} ({', '.join(theirs)})"
    return ""


def _module(name: str) -> Any:
    return import_module(f"mailhealth.readers.{name}")


def _columns(connector: Connector, file: Path, settings: Mapping[str, str]) -> tuple[str, ...]:
    """The columns of a log file as this connector's reader sees them, () where it does not."""
    if not (name := reader(connector, file)):
        return ()
    there = {**settings, "path": str(file), "rows": ",".join(connector.rows)}
    return tuple(_module(name).columns(there))


def _complaint(
    connector: Connector, event: Columns, file: Path, settings: Mapping[str, str]
) -> str:
    if odd := oddity(file):
        return odd
    if not reader(connector, file):
        return f"is nothing that {connector.name} reads ({', '.join(connector.readers)})"
    names = _columns(connector, file, settings)
    if names and (missing := lacking(event, names)):
        return f"{connector.name} finds {missing} among {', '.join(names)[:200]}"
    return ""


def _recognised(path: Path, known: Iterable[Connector]) -> list[str]:
    known = list(known)
    whole = [connector.name for connector in known if _holds(connector, path)]
    found = {name for file in _found(path) for name in _knowing(file, known)} if not whole else ()
    return whole or sorted(found)


def _knowing(file: Path, known: list[Connector]) -> list[str]:
    """The connectors that know a file by how its name ends, else those that know its content.

    A mail saved as .eml may begin with the "From " line of an archive, and is still one mail;
    of a zip, what is in it decides.
    """
    named = [each.name for each in known if _named(each, file) and _takes(each, file)]
    return named or [each.name for each in known if _knows(each, file)]


def _named(connector: Connector, file: Path) -> bool:
    suffixes = connector.recognises.suffixes
    return bool(suffixes) and file.name.lower().endswith(suffixes)


def _takes(connector: Connector, file: Path) -> bool:
    """Whether a reader of this connector's takes a file, by its name and first bytes."""
    try:
        return any(_module(name).takes(file) for name in connector.readers)
    except BadSource:  # a damaged archive is nobody's
        return False


def _holds(connector: Connector, path: Path) -> bool:
    names = connector.recognises.holds
    return bool(names) and all((path / name).is_dir() for name in names)


def _found(path: Path) -> list[Path]:
    """The first files at a path, made sure that they can be opened."""
    files = list(islice(_files.listed(str(path)), ENOUGH))
    for file in files:
        try:
            file.open("rb").close()
        except OSError as error:
            raise BadSource(f"{file}: cannot be read: {error.strerror or error}") from error
    return files


def _knows(connector: Connector, file: Path) -> bool:
    marks = connector.recognises
    if marks.begins and _files.head(file).startswith(marks.begins):
        return True
    if not marks.columns:
        return False
    there = {folded(name) for name in _columns(connector, file, {})}
    return any(there.issuperset(map(folded, names)) for names in marks.columns)


def _unknown(path: Path) -> str:
    if path.is_dir():
        return "no connector recognises what is in this folder"
    start = " ".join(_files.head(path).split())[:60]
    return oddity(path) or f"no connector recognises a file that begins with {start!r}"


def _wanted(known: Iterable[Connector]) -> str:
    logs = [
        f"{connector.name} by {' or '.join(', '.join(names) for names in marks)}"
        for connector in known
        if (marks := connector.recognises.columns)
    ]
    return f"a log is known by its columns: {'; '.join(logs)}"
