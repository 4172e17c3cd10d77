"""Telling people through Apprise: Slack, Teams, mail, webhooks and a hundred more.

Where to is a secret: it comes from a file, a variable or a command of the user's when it is
needed, is never kept, and no error repeats it.
"""

import logging
import os
import shlex
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import charset
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadSource

if TYPE_CHECKING:
    from apprise import Apprise

VARIABLE = "MAILHEALTH_SEND_TO"

_WRITE = "write one a line, such as json://host/path or mailto://user:password@example.com"
_PATIENCE_S = 60  # of a command that prints where to; it may ask somebody


@dataclass(frozen=True, slots=True)
class Place:
    """Where it is said where to: a file, a variable or a command; one of them, or the default."""

    file: Path | None = None
    variable: str = VARIABLE
    command: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many services took the message, and the names of those that did not."""

    took: int
    refused: tuple[str, ...]


def send(place: Place, title: str, body: str) -> Sent:
    """Send a message to every service that is named; raises BadSource where none is."""
    with _silent(), _undisturbed():
        services = _services(place)
        sent = [(each.notify(title=title, body=body), each) for each in services]
    refused = tuple(str(each.service_name) for ok, each in sent if not ok)
    return Sent(len(sent) - len(refused), refused)


def _services(place: Place) -> "Apprise":
    try:
        from apprise import Apprise, AppriseConfig
    except ImportError as error:
        raise BadSource("sending needs Apprise: pip install 'mailhealth[alerts]'") from error
    config, services = AppriseConfig(), Apprise()
    told = _told(place)
    if told.strip():
        config.add_config(told)
        services.add(config)
    lines = [line for line in told.splitlines() if "://" in line and not line.startswith("#")]
    if not lines:
        raise BadSource(f"nowhere to send to: {_named(place)} holds no URL; {_WRITE}")
    if len(services) < len(lines):
        raise BadSource(
            f"{_named(place)} holds {len(lines)} URLs, but Apprise knows only {len(services)} of"
            f" them as a service; {_WRITE}"
        )
    return services


def _told(place: Place) -> str:
    """Read where to; no error repeats it."""
    if place.command:
        return _printed_by(place.command)
    if place.file is None:
        return os.environ.get(place.variable, "")
    try:
        return place.file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(f"{place.file.name}: it cannot be read ({type(error).__name__})") from None


def _printed_by(command: str) -> str:
    """What a command prints; no shell reads it."""
    try:
        words = shlex.split(command)
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=_PATIENCE_S, check=True)
        return done.stdout.decode()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise BadSource(
            f"the command that says where to send to gave nothing ({type(error).__name__}): it"
            " must print URLs and end with status 0"
        ) from None


def _named(place: Place) -> str:
    if place.command:
        return "what the command prints"
    return place.file.name if place.file else f"the variable {place.variable}"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep everybody from logging meanwhile: lines of Apprise and of HTTP hold the addresses."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of its plugins' own imports
            yield
    finally:
        logging.disable(before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep how mail is written and read here: a plugin of Apprise's changes it for everybody."""
    before = dict(charset.CHARSETS)
    try:
        yield
    finally:
        charset.CHARSETS.clear()
        charset.CHARSETS.update(before)
