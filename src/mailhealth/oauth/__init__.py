"""Logging in: tokens in place of passwords, and where both are kept.

No secret is ever in the database, a log, an error or a repr: tokens and passwords lie in the
system's keyring, or encrypted beside the user's configuration (`safe`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from mailhealth.errors import BadSource
from mailhealth.oauth import passwords, refusals, safe, ways
from mailhealth.oauth.named import secret
from mailhealth.oauth.tokens import Token
from mailhealth.oauth.ways import check
from mailhealth.oauth.wire import LAST, Talk, sasl

__all__ = [
    "MECHANISMS",
    "Talk",
    "Token",
    "advice",
    "asked",
    "check",
    "consent",
    "forget",
    "passwords",
    "sasl",
    "secret",
    "token",
]

MECHANISMS = tuple(LAST)  # the one that both Google and Microsoft describe comes first


def asked(settings: Mapping[str, str]) -> bool:
    """Whether a source logs in with a token; raises BadSource for an `auth` that is no way."""
    if settings.get("auth", ways.PASSWORD) == ways.PASSWORD:
        return False
    return bool(ways.way(settings))


def token(settings: Mapping[str, str], *, fresh: bool = False) -> Token:
    """An access token for the mailbox `user`, as `auth` says.

    `settings`: auth = google (client_file), google-service (key_file), microsoft (client_id;
    optional tenant, login) or microsoft-app (client_id, tenant, and client_secret_env,
    client_secret_command or certificate_file). `fresh` ignores the token that is kept, after a
    server has refused it. Raises LoginRefused where the provider gives none, BadSource where it
    cannot be asked.
    """
    check(settings)
    with _installed(settings):
        from mailhealth.oauth import google, microsoft

        if settings["auth"].startswith("google"):
            return google.token(settings, fresh=fresh)
        return microsoft.token(settings, fresh=fresh)


def consent(settings: Mapping[str, str], *, show: Callable[[str], None], port: int = 0) -> None:
    """Let a person consent, once; `show` gets what that person must read.

    `port` is where a browser's answer is taken on this machine (0: any free port). A way that
    needs nobody's consent is tried out. Raises as `token` does.
    """
    check(settings)
    with _installed(settings):
        from mailhealth.oauth import google, microsoft

        if settings["auth"] == "google":
            google.consent(settings, show=show, port=port)
        elif settings["auth"] == "microsoft":
            microsoft.consent(settings, show=show)
        else:
            token(settings)


def forget(settings: Mapping[str, str]) -> bool:
    """Forget the consent or the password of a mailbox; say whether there was one."""
    if not asked(settings):
        called = passwords.name(settings)
        return bool(called) and safe.drop(called)
    from mailhealth.oauth import google, microsoft

    provider = google if settings["auth"].startswith("google") else microsoft
    return safe.drop(provider.name(settings))


def advice(settings: Mapping[str, str]) -> str:
    """What to look at when a mail server refuses a token that its provider gave."""
    return refusals.filled(settings, ways.way(settings)["denied"])


@contextmanager
def _installed(settings: Mapping[str, str]) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise BadSource(
            f"auth = '{settings['auth']}' needs {error.name}: pip install 'mailhealth[oauth]'"
        ) from error
