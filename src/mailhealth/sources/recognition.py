"""Whose file is this? Asked when none names a connector, and when one is connected."""

import os
import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

from mailhealth.errors import BadSource, NotRecognised
from mailhealth.readers import _files, _packed
from mailhealth.sources.border import Connector, Marks, connectors
from mailhealth.sources.forms import Columns, Form
from mailhealth.sources.given import clock, given, lacking
from mailhealth.sources.questions import asked
from mailhealth.sources.questions import lacking as unanswerable
from mailhealth.sources.toml import folded, meant

ENOUGH = 50  # files of a folder that are looked into
MOST_FILES = 10_000  # of a folder whose names are looked at
SHOWN_NAMES = 200  # characters of a list of column names in a message
_CAPTURED = re.compile(r"(?:POST|PUT) \S{1,2000} HTTP/")


def recognise(path: str | os.PathLike[str], settings: Mapping[str, str] | None = None) -> str:
    """Name the one shipped connector that knows a file, folder or archive by what it holds.

    `settings` may say where the password of an archive is. Raises NotRecognised where there
    is none or more than one, BadSource where there is no such file or it is damaged.
    """
    known = connectors()
    names = _recognised(Path(path), settings or {})
    if len(names) == 1:
        return names[0]
    if names:
        raise NotRecognised(
            f"{path}: {' and '.join(names)} recognise it; connect it and name one of them"
        )
    raise NotRecognised(f"{path}: {_unknown(Path(path))}; {_wanted(known.values())}")


def check(connector: Connector, settings: Mapping[str, str]) -> None:
    """Make sure, before anything is stored, that a source can be read by this connector.

    Raises BadSource for a path that is missing and for a setting that the connector does not
    allow, NotRecognised for a file with other columns; the message names the connectors that
    would have worked.
    """
    settings = {**connector.settings, **settings}
    _check_allowed(connector, settings)
    if "path" not in settings and (connector.forms or connector.recognises != Marks()):
        raise BadSource(f"{connector.name} reads files; give path= with a file or a folder")
    if not connector.forms:
        _check_mail(connector, settings)
        return
    path = Path(settings["path"])
    complaints = _complaints(connector, path, settings)
    if not complaints:
        raise NotRecognised(f"{path}: the folder holds no files to read")
    if all(why for _, why in complaints):
        file, why = complaints[0]
        others = [name for name in _recognised(path, settings) if name != connector.name]
        tail = f"; {' or '.join(others)} would work" if others else ""
        raise NotRecognised(f"{file}: {why}{tail}")


def _check_allowed(connector: Connector, settings: Mapping[str, str]) -> None:
    for key, allowed in connector.allows.items():
        value = settings.get(key)
        if value is not None and value not in allowed:
            some = "' or '".join(allowed)
            raise BadSource(
                f"{connector.name} takes {key} = '{some}', not '{value}'{meant(value, allowed)}"
            )


def _check_mail(connector: Connector, settings: Mapping[str, str]) -> None:
    for name in connector.readers:
        _module(name).check(settings)
    path = Path(settings.get("path", ""))
    if "path" in settings and path.is_file() and not _takes(connector, path):
        known = _recognised(path, settings)
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
    if _files.kind(head) == "table" and _files.endless(file):
        return "begins with a line of more than 4 MB, which no log does"
    return "" if head.strip() else "holds no text"


def reader(connector: Connector, file: Path) -> str:
    """The name of the connector's reader that takes a log file, "" for none."""
    return next((name for name in connector.readers if _module(name).takes(file)), "")


def form(connector: Connector, file: Path, settings: Mapping[str, str]) -> Form | None:
    """The first of a connector's forms that fits a log file, None where none does.

    A form fits by the end of the file's path, by columns that it has, or by both.
    """
    for each in connector.forms:
        called = not each.files or _called(file, each.files)
        if called and (not each.columns or _has(connector, each, file, settings)):
            return each
    return None


def _called(file: Path, patterns: Iterable[str]) -> bool:
    name = PurePath(str(file).lower())
    return any(name.match(pattern.lower()) for pattern in patterns)


def _has(connector: Connector, form: Form, file: Path, settings: Mapping[str, str]) -> bool:
    there = {folded(name) for name in _columns(connector, form, file, settings)}
    return there.issuperset(map(folded, form.columns))


def _module(name: str) -> Any:
    return import_module(f"mailhealth.readers.{name}")


def _columns(
    connector: Connector, form: Form, file: Path, settings: Mapping[str, str]
) -> tuple[str, ...]:
    """The columns of a log file as this connector's reader sees them, () where it does not."""
    if not (name := reader(connector, file)):
        return ()
    there = {**settings, "path": str(file), "rows": ",".join(form.rows)}
    return tuple(_module(name).columns(there))


def _complaints(
    connector: Connector, path: Path, settings: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The first files at a path, and why each cannot be read, "" for one that can."""
    found = []
    for file in _found(path):
        if not _packed.is_packed(file):
            found.append((str(file), _complaint(connector, file, settings)))
            continue
        with _packed.unpacked(file, settings) as folder:
            found += [
                (_packed.place(str(inner), folder, file), _complaint(connector, inner, settings))
                for inner in _found(folder)
            ]
    return found


def _complaint(connector: Connector, file: Path, settings: Mapping[str, str]) -> str:
    if odd := oddity(file):
        return odd
    fitting = form(connector, file, settings) if reader(connector, file) else None
    if fitting is None:
        return f"is nothing that {connector.name} reads ({', '.join(connector.readers)})"
    given(settings, clock(fitting, settings))
    names = _columns(connector, fitting, file, settings)
    if names and (missing := _missing(fitting, names, settings)):
        return f"{connector.name} finds {missing} among {', '.join(names)[:SHOWN_NAMES]}"
    if fitting.events and not settings.get("campaign") and not any(map(_tells, fitting.events)):
        return f"{connector.name} finds nothing that says the campaign; give campaign="
    return ""


def _missing(form: Form, names: tuple[str, ...], settings: Mapping[str, str]) -> str:
    """What a file lacks for each of the events that a row of it can be; "" where one is whole."""
    if form.questions:
        return unanswerable(asked(form.questions, settings), names, settings)
    complaints = [lacking(columns, names, settings) for columns in form.events]
    return complaints[0] if complaints and all(complaints) else ""


def _tells(columns: Columns) -> bool:
    """Whether rows say what was sent, so that two exports do not look the same."""
    return bool(columns.campaign or columns.reference or columns.subject or columns.id)


def _recognised(path: Path, settings: Mapping[str, str]) -> list[str]:
    """The connectors that know what is at a path; an archive none knows is looked into."""
    known = list(connectors().values())
    if names := _known_there(path, known):
        return names
    if not (path.is_file() and _packed.is_packed(path)):
        return []
    with _packed.unpacked(path, settings) as folder:
        return _known_there(folder, known)


def _known_there(path: Path, known: list[Connector]) -> list[str]:
    whole = [connector.name for connector in known if marked(connector.recognises, path)]
    if whole:
        return whole
    found = {name for file in _found(path) for name in _knowing(file, known)}
    last = {connector.name for connector in known if connector.recognises.last}
    return sorted(found - last or found)


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


def marked(marks: Marks, path: Path) -> bool:
    """Whether a folder shows these marks by the folders or by the files in it."""
    if marks.holds and all((path / name).is_dir() for name in marks.holds):
        return True
    return bool(marks.files) and path.is_dir() and _holds_files(path, marks.files)


def _holds_files(folder: Path, patterns: Iterable[str]) -> bool:
    files = list(islice(_files.listed(str(folder)), MOST_FILES))
    return all(any(_called(file, [pattern]) for file in files) for pattern in patterns)


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
    seen = [
        {folded(name) for name in _columns(connector, form, file, connector.settings)}
        for form in {form.rows: form for form in connector.forms}.values()
    ]
    return any(there.issuperset(map(folded, names)) for there in seen for names in marks.columns)


def _unknown(path: Path) -> str:
    if path.is_dir():
        return "no connector recognises what is in this folder"
    start = " ".join(_files.head(path).split())[:60]
    return oddity(path) or f"no connector recognises a file that begins with {start!r}"


def _wanted(known: Iterable[Connector]) -> str:
    logs = ", ".join(connector.name for connector in known if connector.recognises.columns)
    return f"there are {logs}; 'mailhealth map FILE' makes one for a log of another kind"
