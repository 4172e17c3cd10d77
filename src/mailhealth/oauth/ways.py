"""The ways into a mailbox that ways.toml lists, and what a source says of its own."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from mailhealth.errors import BadSource

PASSWORD = "password"  # the setting auth of a source that has a password, or none at all
PROOFS = ("client_secret_env", "client_secret_command", "certificate_file")  # of an app itself


@cache
def page() -> dict[str, Any]:
    """The whole of ways.toml."""
    text = (resources.files("mailhealth.oauth") / "ways.toml").read_text("utf-8")
    return tomllib.loads(text)


def way(settings: Mapping[str, str]) -> dict[str, Any]:
    """How this source is logged in to; raises BadSource where no way has that name."""
    known = {name: each for name, each in page().items() if name != "refused"}
    name = settings.get("auth", PASSWORD)
    if name not in known:
        names = "', '".join((PASSWORD, *known))
        raise BadSource(f"the setting auth = '{name}' must be '{names}'")
    return dict(known[name])


def check(settings: Mapping[str, str]) -> None:
    """Make sure that a token could be asked for; raises BadSource naming what is missing."""
    auth, chosen = settings.get("auth"), way(settings)
    if "client_secret" in settings:
        raise BadSource(
            "a client secret is never kept in the settings: use client_secret_env, "
            "client_secret_command or certificate_file"
        )
    for key in ("user", *chosen["needs"]):
        if not settings.get(key):
            raise BadSource(f"auth = '{auth}' needs the setting '{key}'")
    if auth == "microsoft-app" and not any(settings.get(key) for key in PROOFS):
        raise BadSource(f"auth = '{auth}' needs one of the settings {', '.join(PROOFS)}")
    if not settings.get("authority", "https://").startswith("https://"):
        raise BadSource("the setting 'authority' must begin with https://")


def who(settings: Mapping[str, str]) -> str:
    """Who consents: with a shared mailbox it is not the mailbox itself."""
    return settings.get("login") or settings["user"]


def again(settings: Mapping[str, str]) -> str:
    """The command that logs in; a reader may know what its source is called."""
    return f"'mailhealth login {settings.get('source', 'SOURCE')}'"
