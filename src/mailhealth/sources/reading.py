"""Reading a source: the connector's readers, joined with what their records mean."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from mailhealth.errors import BadSource
from mailhealth.readers import _files
from mailhealth.records import Found, Mark, Raw, Row, Skipped
from mailhealth.sources import rows
from mailhealth.sources.border import Connector
from mailhealth.sources.mails import message
from mailhealth.sources.recognition import oddity, reader


def read(
    connector: Connector, settings: Mapping[str, str], cursors: Mapping[str, str]
) -> Iterator[Found | Skipped | Mark]:
    """Everything new in a source, each with its place, and Marks to go on from.

    `cursors` are the Marks of the last time, place -> cursor. Raises BadSource where the
    source cannot be reached at all; what cannot be read in it comes as Skipped.
    """
    settings = {**connector.settings, **settings}
    if connector.event is None:
        return _messages(connector, settings, cursors)
    return rows.events(connector, connector.event, _rows(connector, settings, cursors), settings)


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


def _rows(
    connector: Connector, settings: Mapping[str, str], cursors: Mapping[str, str]
) -> Iterator[Row | Skipped | Mark]:
    if "path" not in settings:
        raise BadSource(f"{connector.name} reads files; give path= with a file or a folder")
    for file in _files.listed(settings["path"]):
        try:
            name = reader(connector, file)
            odd = "" if name else oddity(file)
        except OSError as error:
            yield Skipped(_files.place(file), f"cannot be read: {error.strerror or error}")
            continue
        if name:
            there = {**settings, "path": str(file), "rows": ",".join(connector.rows)}
            yield from import_module(f"mailhealth.readers.{name}").read(there, cursors)
        else:
            readers = ", ".join(connector.readers)
            yield Skipped(
                _files.place(file), odd or f"is nothing that {connector.name} reads ({readers})"
            )
