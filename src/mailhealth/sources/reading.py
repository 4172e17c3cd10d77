"""Reading a source: the connector's readers, joined with what their records mean."""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

from mailhealth.errors import BadSource
from mailhealth.readers import _files, _packed
from mailhealth.records import Found, Mark, Raw, Skipped
from mailhealth.sources.answers import answers
from mailhealth.sources.border import Connector
from mailhealth.sources.events import events
from mailhealth.sources.mails import message
from mailhealth.sources.recognition import form, oddity, reader


def read(
    connector: Connector, settings: Mapping[str, str], cursors: Mapping[str, str]
) -> Iterator[Found | Skipped | Mark]:
    """Everything new in a source, each with its place, and Marks to go on from.

    `cursors` are the Marks of the last time, place -> cursor. Raises BadSource where the
    source cannot be reached at all; what cannot be read in it comes as Skipped.
    """
    settings = {**connector.settings, **settings}
    if not connector.forms:
        return _messages(connector, settings, cursors)
    return _logs(connector, settings, cursors)


def _messages(
    connector: Connector, settings: Mapping[str, str], cursors: Mapping[str, str]
) -> Iterator[Found | Skipped | Mark]:
    for name in connector.readers:
        for item in import_module(f"mailhealth.readers.{name}").read(settings, cursors):
            yield _understood(item) if isinstance(item, Raw) else item


def _understood(raw: Raw) -> Found | Skipped:
    found = message(raw)
    if not found.at:
        return Skipped(raw.place, "no date in the mail and none from where it lay")
    return Found(raw.place, found)


def _logs(
    connector: Connector, settings: Mapping[str, str], cursors: Mapping[str, str]
) -> Iterator[Found | Skipped | Mark]:
    if "path" not in settings:
        raise BadSource(f"{connector.name} reads files; give path= with a file or a folder")
    for file in _files.listed(settings["path"]):
        try:
            if _packed.is_packed(file):
                yield from _packed.read(
                    file, settings, cursors, partial(_unpacked, connector, settings)
                )
            else:
                yield from _log(connector, file, settings, cursors)
        except BadSource as error:
            if str(file) == settings["path"]:
                raise
            yield Skipped(_files.place(file), str(error))
        except OSError as error:
            yield Skipped(_files.place(file), f"cannot be read: {error.strerror or error}")


def _unpacked(
    connector: Connector, settings: Mapping[str, str], folder: Path
) -> Iterator[Found | Skipped | Mark]:
    for file in _files.listed(str(folder)):
        yield from _log(connector, file, settings, {})


def _log(
    connector: Connector, file: Path, settings: Mapping[str, str], cursors: Mapping[str, str]
) -> Iterator[Found | Skipped | Mark]:
    name = reader(connector, file)
    fitting = form(connector, file, settings) if name else None
    if fitting is None:
        readers = ", ".join(connector.readers)
        nothing = f"is nothing that {connector.name} reads ({readers})"
        yield Skipped(_files.place(file), ("" if name else oddity(file)) or nothing)
    elif fitting.unread:
        yield Skipped(_files.place(file), f"{connector.name} imports none of it", meant=True)
    else:
        there = {**settings, "path": str(file), "rows": ",".join(fitting.rows)}
        items = import_module(f"mailhealth.readers.{name}").read(there, cursors)
        understood = answers if fitting.questions else events
        yield from understood(connector, fitting, items, file=file, settings=settings)
