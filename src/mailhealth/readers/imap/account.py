"""Whom to ask and how: the settings of a source, made certain."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from mailhealth import oauth
from mailhealth.errors import BadSource

PORTS = range(1, 65536)


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox on a server, as its source's settings tell.

    `folders` are those that the user named (none: the usual ones), `daily_bytes` how much may be
    read a day (0: as much as there is).
    """

    host: str
    port: int
    user: str
    tls: str
    ca_file: str | None
    folders: tuple[str, ...]
    daily_bytes: int

    @property
    def server(self) -> str:
        """The server as errors name it."""
        return f"{self.host}:{self.port}"


def account(settings: Mapping[str, str]) -> Account:
    """Read the settings of a source; raises BadSource for one that is missing or cannot be."""
    for key in ("host", "user"):
        if not settings.get(key):
            raise BadSource(f"an IMAP source needs the setting '{key}'")
    if "password" in settings:
        raise BadSource(
            "a password is never kept in the settings: use password_env or password_command"
        )
    tls = settings.get("tls", "yes")
    if oauth.asked(settings):
        oauth.check(settings)
    named = tuple(name.strip() for name in settings.get("folders", "").split(","))
    return Account(
        host=settings["host"],
        port=_number(settings, "port", "993" if tls == "yes" else "143", PORTS),
        user=settings["user"],
        tls=_tls(settings["host"], tls),
        ca_file=settings.get("ca_file"),
        folders=tuple(name for name in named if name),
        daily_bytes=_number(settings, "daily_megabytes", "0", range(10_000_000)) * 1_000_000,
    )


def _tls(host: str, tls: str) -> str:
    if tls not in ("yes", "starttls", "no"):
        raise BadSource(f"the setting tls = '{tls}' must be 'yes', 'starttls' or 'no'")
    if tls == "no" and not _is_this_machine(host):
        raise BadSource(f"tls = 'no' would send the password readable to {host}: use 'yes'")
    return tls


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _number(settings: Mapping[str, str], key: str, usual: str, within: range) -> int:
    told = settings.get(key) or usual
    if not (told.isascii() and told.isdigit() and int(told) in within):
        raise BadSource(
            f"the setting {key} = '{told}' must be a number from {within[0]} to {within[-1]}"
        )
    return int(told)
