"""Reading a source: the connector's readers, joined with what their records mean."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadSource, MailhealthError
from mailhealth.readers import _files, _packed
from mailhealth.records import Found, Item, Kept, Mark, Raw, Skipped
from mailhealth.sources.answers import answers
from mailhealth.sources.border import Connector
from mailhealth.sources.border import connector as named
from mailhealth.sources.events import events
from mailhealth.sources.mails import message
from mailhealth.sources.recognition import form, oddity, reader

if TYPE_CHECKING:
    from threading import Event

    from mailhealth.readers.imap.folders import Folder


SERVER = "imap"  # the reader that is told what is kept, because servers number mail anew


class NothingKept:
    """Of a server that was never read, nothing is kept."""

    def renumbered(self, folder: str, validity: int) -> bool:
        """No folder was numbered before."""
        return False

    def messages(self, fingerprints: Sequence[str]) -> Mapping[str, str]:
        """No message is known."""
        return {}

    def sample(self, folder: str, validity: int) -> Mapping[int, str]:
        """There are none to show."""
        return {}


def read(
    connector: Connector,
    settings: Mapping[str, str],
    cursors: Mapping[str, str],
    kept: Kept | None = None,
) -> Iterator[Item]:
    """Everything new in a source, each with its place, and Marks to go on from.

    `cursors` are the Marks of the last time, place -> cursor; `kept` knows the messages of a
    server that were read before. Raises BadSource where the source cannot be reached at all; what
    cannot be read in it comes as Skipped.
    """
    settings = {**connector.settings, **settings}
    if not connector.forms:
        return _messages(connector, settings, cursors, kept or NothingKept())
    return _logs(connector, settings, cursors)


def look(connector: Connector, settings: Mapping[str, str]) -> "list[Folder]":
    """List the folders of a mailbox on a server, and which are read.

    Raises BadSource where the source is none, or cannot be reached.
    """
    if SERVER not in connector.readers:
        raise BadSource(f"{connector.name} reads files, and no mailbox on a server")
    from mailhealth.readers import imap

    return imap.look({**connector.settings, **settings})


def arrivals(connector: Connector, settings: Mapping[str, str], stop: "Event") -> Iterator[None]:
    """Yield whenever something changed in a mailbox on a server, until `stop` is set.

    Raises LoginRefused where the server says no.
    """
    from mailhealth.readers.imap import idle

    return idle.arrivals({**connector.settings, **settings}, stop)


def on_server(name: str) -> bool:
    """Tell whether a connector reads mailboxes on servers; one that is gone does not."""
    try:
        return SERVER in named(name).readers
    except MailhealthError:
        return False


def _messages(
    connector: Connector, settings: Mapping[str, str], cursors: Mapping[str, str], kept: Kept
) -> Iterator[Item]:
    for name in connector.readers:
        module = import_module(f"mailhealth.readers.{name}")
        more = (kept,) if name == SERVER else ()
        for item in module.read(settings, cursors, *more):
            yield _understood(item) if isinstance(item, Raw) else item


def _understood(raw: Raw) -> Found | Skipped:
    found = message(raw)
    if not found.at:
        why = "no date in the mail and none from where it lay"
        return Skipped(raw.place, why, spot=raw.spot)
    return Found(raw.place, found, raw.spot)


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
