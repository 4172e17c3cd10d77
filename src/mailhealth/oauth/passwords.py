"""Passwords that a person gave once: kept as `user@host` where the tokens are."""

from collections.abc import Callable, Mapping

from mailhealth.errors import BadSource
from mailhealth.oauth import safe


def keep(settings: Mapping[str, str], ask: Callable[[str], str]) -> None:
    """Ask for the password of `user@host` and keep it.

    Raises BadSource for a source that has none, and for an empty one.
    """
    if not (called := name(settings)):
        raise BadSource("this source is no mailbox on a server: there is nothing to log in to")
    if not (password := ask(called)):
        raise BadSource("an empty password was not kept: type the mailbox's password")
    safe.keep(called, password)


def kept(settings: Mapping[str, str]) -> str:
    """The password that was kept, or ""."""
    called = name(settings)
    return (safe.kept(called) or "") if called else ""


def name(settings: Mapping[str, str]) -> str:
    """What a mailbox's password is called, or "" where there is no mailbox."""
    user, host = settings.get("user"), settings.get("host")
    return f"{user}@{host}" if user and host else ""
