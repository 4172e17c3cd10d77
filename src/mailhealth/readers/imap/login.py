"""How a mailbox is logged in to: with a password, or with a token."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from imapclient import exceptions

from mailhealth import oauth
from mailhealth.errors import LoginRefused
from mailhealth.readers import _secrets
from mailhealth.readers.imap import faults

DEFAULT_VARIABLE = "MAILHEALTH_PASSWORD"
_ATOM = re.compile(r'[^\x00-\x20(){%*"\\\x7f]+')


@dataclass(slots=True)
class Way:
    """The way into the mailbox that `settings` name; a password is asked for once."""

    settings: Mapping[str, str]
    token: bool = field(init=False)
    _password: str = field(init=False, default="", repr=False)

    def __post_init__(self) -> None:
        self.token = oauth.asked(self.settings)

    def secret(self, *, fresh: bool) -> str:
        """The password, or a token; `fresh`: not the one that was refused.

        Raises LoginRefused where there is none.
        """
        if self.token:
            return oauth.token(self.settings, fresh=fresh).value
        self._password = self._password or _password(self.settings)
        return self._password

    def log_in(self, client: Any, secret: str) -> None:
        """Log a connected client in; raises LoginRefused where the server says no."""
        try:
            talk = self._talk(client, secret)
            talk()
        except (exceptions.LoginError, UnicodeEncodeError) as error:
            raise self._refusal(error, secret) from None

    def _talk(self, client: Any, secret: str) -> Callable[[], Any]:
        user = self.settings["user"]
        if self.token:
            return lambda: _with_token(client, user, secret)
        # AUTHENTICATE PLAIN carries any character as UTF-8; LOGIN carries ASCII only.
        plain = client.has_capability("AUTH=PLAIN")
        if plain:
            return lambda: client.plain_login(user, secret)
        return lambda: client.login(_word(user), secret)

    def _refusal(self, error: Exception, secret: str) -> Exception:
        """What a refused login is: a no, or a server that is busy or gone."""
        cause = error.__context__
        if isinstance(cause, exceptions.IMAPClientAbortError):
            broken_off: Exception = cause
            return broken_off
        said = "" if isinstance(error, UnicodeEncodeError) else faults.why(error)
        said = said.replace(secret, "...") or "it takes only ASCII passwords"
        if faults.tired(error) and not faults.wrong(error):
            busy: Exception = exceptions.IMAPClientError(said)
            return busy
        host, user = self.settings["host"], self.settings["user"]
        return LoginRefused(f"{host} refused the login of {user} ({said}): {self._advice()}")

    def _advice(self) -> str:
        if self.token:
            return oauth.advice(self.settings)
        return "check the user and the password; some providers want an app password"


def _word(user: str) -> str:
    """A user's name as LOGIN takes it; imaplib quotes the password alone."""
    if _ATOM.fullmatch(user):
        return user
    return '"' + re.sub(r'(["\\])', r"\\\1", user) + '"'


def _with_token(client: Any, user: str, token: str) -> None:
    mechanism = next(
        (name for name in oauth.MECHANISMS if client.has_capability(f"AUTH={name}")),
        oauth.MECHANISMS[0],
    )
    talk = oauth.Talk(user, token, mechanism)
    try:
        client.sasl_login(mechanism, talk)
    except exceptions.LoginError as error:
        if isinstance(error.__context__, exceptions.IMAPClientAbortError) or not talk.reason:
            raise
        raise exceptions.LoginError(talk.reason) from None


def _password(settings: Mapping[str, str]) -> str:
    password = _secrets.password(settings, DEFAULT_VARIABLE)
    if not password:
        name = settings.get("password_env") or DEFAULT_VARIABLE
        raise LoginRefused(
            f"no password for {settings['user']} at {settings['host']}: set the environment "
            f"variable {name}, name another one in the setting 'password_env', name a command "
            "that prints it in 'password_command', or keep it with 'mailhealth login'"
        )
    return password
