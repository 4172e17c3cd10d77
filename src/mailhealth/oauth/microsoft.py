"""Tokens from Microsoft: a person's consent by device code, or an app that acts for itself.

learn.microsoft.com/exchange/client-developer/legacy-protocols/
how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailhealth.errors import BadSource
from mailhealth.oauth import named, refusals, safe, ways
from mailhealth.oauth.tokens import Token

if TYPE_CHECKING:
    from msal import SerializableTokenCache

ANSWER_S = 20  # of a token server


def token(settings: Mapping[str, str], *, fresh: bool) -> Token:
    """A token for the mailbox; a kept one where it still holds and `fresh` is not asked for."""
    with _told(settings):
        if settings["auth"] == "microsoft-app":
            answer = _by_app(settings)
        else:
            answer = _by_consent(settings, fresh)
    if "access_token" not in answer:
        raise _refused(settings, answer)
    seconds = answer.get("expires_in")
    return Token(answer["access_token"], None if seconds is None else int(time.time() + seconds))


def consent(settings: Mapping[str, str], *, show: Callable[[str], None]) -> None:
    """Show a code for a person to enter in any browser, and wait until that is done."""
    from msal import PublicClientApplication, SerializableTokenCache

    cache = SerializableTokenCache()  # a new one: whoever consented before no longer counts
    with _told(settings):
        app = PublicClientApplication(**_app(settings), token_cache=cache)
        flow = app.initiate_device_flow([ways.way(settings)["scope"]])
        if "user_code" not in flow:
            raise _refused(settings, flow)
        show(
            f"Open {flow['verification_uri']} in any browser, enter the code {flow['user_code']}, "
            f"and log in as {ways.who(settings)}"
        )
        answer = app.acquire_token_by_device_flow(flow)
    if "access_token" not in answer:
        raise _refused(settings, answer)
    safe.keep(name(settings), cache.serialize())


def name(settings: Mapping[str, str]) -> str:
    """What the consent is called where it is kept; shared mailboxes have one in common."""
    return f"microsoft:{ways.who(settings).casefold()}"


def _by_consent(settings: Mapping[str, str], fresh: bool) -> dict[str, Any]:
    from msal import PublicClientApplication

    cache = _cache(settings)
    app = PublicClientApplication(**_app(settings), token_cache=cache)
    accounts = app.get_accounts()  # of one login; its name may differ from its mail address
    answer = app.acquire_token_silent_with_error(
        [ways.way(settings)["scope"]], accounts[0] if accounts else None, force_refresh=fresh
    )
    if answer is None:
        raise refusals.no_consent(settings)
    if cache.has_state_changed and "access_token" in answer:
        safe.keep(name(settings), cache.serialize())
    return dict(answer)


def _cache(settings: Mapping[str, str]) -> "SerializableTokenCache":
    from msal import SerializableTokenCache

    if not (text := safe.kept(name(settings))):
        raise refusals.no_consent(settings)
    cache = SerializableTokenCache()
    try:
        cache.deserialize(text)
    except ValueError:  # somebody else's words in the keyring
        raise refusals.no_consent(settings) from None
    return cache


def _by_app(settings: Mapping[str, str]) -> dict[str, Any]:
    from msal import ConfidentialClientApplication

    app = ConfidentialClientApplication(**_app(settings), client_credential=_credential(settings))
    return dict(app.acquire_token_for_client([ways.way(settings)["scope"]]))


def _app(settings: Mapping[str, str]) -> dict[str, Any]:
    chosen = {**ways.way(settings), **settings}
    return {
        "client_id": settings["client_id"],
        "authority": f"{chosen['authority'].rstrip('/')}/{chosen['tenant']}",
        "instance_discovery": False,  # the host is the setting's or ours: nobody need confirm it
        "timeout": ANSWER_S,
        "app_name": "mailhealth",
    }


def _credential(settings: Mapping[str, str]) -> str | dict[str, str]:
    if file := settings.get("certificate_file"):
        return _certificate(file)
    if secret := named.secret(settings, "client_secret"):
        return secret
    raise BadSource(
        f"no client secret for {settings['user']}: set the variable that client_secret_env "
        "names, or name a command that prints it in client_secret_command"
    )


def _certificate(file: str) -> dict[str, str]:
    """A PEM file that holds the private key and the certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        content = Path(file).expanduser().read_bytes()
        load_pem_private_key(content, password=None)
        x509.load_pem_x509_certificate(content)
    except OSError as error:
        raise BadSource(f"certificate_file '{file}' cannot be read ({error.strerror})") from error
    except (ValueError, TypeError):  # TypeError: a key behind a password
        raise BadSource(
            f"certificate_file '{file}' must hold a private key without a password and its "
            "certificate, both in PEM"
        ) from None
    return {"private_key": content.decode(), "public_certificate": content.decode()}


def _refused(settings: Mapping[str, str], answer: Mapping[str, Any]) -> Exception:
    codes = answer.get("error_codes") or []
    return refusals.refused(settings, *codes, answer.get("error"))


@contextmanager
def _told(settings: Mapping[str, str]) -> Iterator[None]:
    """Turn what MSAL raises into one sentence each."""
    from msal.exceptions import MsalError
    from requests import RequestException

    try:
        yield
    except (RequestException, MsalError) as error:
        raise refusals.unreachable(settings, error) from None
    except ValueError:
        chosen = {**ways.way(settings), **settings}
        raise BadSource(
            f"{chosen['authority']} knows no tenant '{chosen['tenant']}': check 'tenant', which is "
            "a domain or an id of your Microsoft 365, and 'authority'"
        ) from None
