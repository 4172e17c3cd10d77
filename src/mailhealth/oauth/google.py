"""Tokens from Google: a person's consent in the browser, or a service account's key.

developers.google.com/workspace/gmail/imap/xoauth2-protocol,
developers.google.com/identity/protocols/oauth2/native-app and .../service-account.
"""

import json
import logging
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailhealth.errors import BadSource
from mailhealth.oauth import refusals, safe, ways
from mailhealth.oauth.tokens import Token

if TYPE_CHECKING:
    from google_auth_oauthlib.flow import InstalledAppFlow

ANSWER_S = 20  # of a token server
BROWSER_S = 300  # of a person in front of it
MARGIN_S = 60  # a token that ends sooner is not worth logging in with
CLIENT_KEYS = {"client_id", "client_secret", "auth_uri", "token_uri"}
CODES = {  # of errors that have none of their own; Warning: oauthlib was granted another scope
    "Warning": "scope_changed",
    "WSGITimeoutError": "timed_out",
}
CHATTY = ("requests_oauthlib", "google_auth_oauthlib")  # they log codes and tokens


def token(settings: Mapping[str, str], *, fresh: bool) -> Token:
    """A token for the mailbox; a kept one where it still holds and `fresh` is not asked for."""
    if settings["auth"] == "google-service":
        return _by_key(settings)
    kept = _kept(settings)
    if not fresh and kept["expires"] > time.time() + MARGIN_S:
        return Token(kept["token"], kept["expires"])
    from google.oauth2.credentials import Credentials

    client = _client(settings)
    with _told(settings):
        credentials = Credentials(
            None,
            refresh_token=kept["refresh_token"],
            token_uri=client["token_uri"],
            client_id=client["client_id"],
            client_secret=client["client_secret"],
        )
        credentials.refresh(_request())
    found = Token(str(credentials.token), _seconds(credentials.expiry))
    _keep(settings, found, credentials.refresh_token)
    return found


def consent(settings: Mapping[str, str], *, show: Callable[[str], None], port: int) -> None:
    """Ask a person in the browser, whose answer comes back to `port` here (0: any free one)."""
    client = _client(settings)
    with _told(settings):
        flow = _flow(client, ways.way(settings)["scope"], show)
        flow.run_local_server(
            port=port,
            authorization_prompt_message=None,
            success_message="mailhealth may read the mailbox now. You may close this window.",
            open_browser=_has_browser(),
            timeout_seconds=BROWSER_S,
            prompt="consent",  # else Google gives a refresh token the first time only
            login_hint=ways.who(settings),
        )
    given = flow.oauth2session.token
    if "refresh_token" not in given:
        raise refusals.refused(settings, "no_refresh")
    found = Token(given["access_token"], int(given["expires_at"]))
    _keep(settings, found, given["refresh_token"])


def name(settings: Mapping[str, str]) -> str:
    """What the consent is called where it is kept."""
    return f"google:{ways.who(settings).casefold()}"


# A person.


def _kept(settings: Mapping[str, str]) -> dict[str, Any]:
    try:
        return dict(json.loads(safe.kept(name(settings)) or ""))
    except ValueError:
        raise refusals.no_consent(settings) from None


def _keep(settings: Mapping[str, str], found: Token, refresh_token: str) -> None:
    row = {"token": found.value, "expires": found.expires or 0, "refresh_token": refresh_token}
    safe.keep(name(settings), json.dumps(row))


def _client(settings: Mapping[str, str]) -> dict[str, str]:
    """What the file of a desktop client says; a web client could not answer to this machine."""
    file = settings["client_file"]
    client = _json(file, "client_file").get("installed")
    if not isinstance(client, dict) or not client.keys() >= CLIENT_KEYS:
        raise BadSource(
            f"client_file '{file}' is not the file of a desktop client: make an OAuth client of "
            "the type 'Desktop app' in the Google Cloud console and download its JSON"
        )
    return client


def _flow(client: Mapping[str, str], scope: str, show: Callable[[str], None]) -> "InstalledAppFlow":
    from google_auth_oauthlib.flow import InstalledAppFlow

    class Flow(InstalledAppFlow):  # type: ignore[misc] # shows the address by our own words
        def authorization_url(self, **words: object) -> tuple[str, str]:
            url, state = super().authorization_url(**words)
            show(f"Open this address in a browser on this machine and allow it:\n\n{url}\n")
            return url, state

    return Flow.from_client_config({"installed": client}, scopes=[scope])


def _has_browser() -> bool:
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


# A service account.


def _by_key(settings: Mapping[str, str]) -> Token:
    from google.oauth2.service_account import Credentials

    file = settings["key_file"]
    content = _json(file, "key_file")
    try:
        credentials = Credentials.from_service_account_info(
            content, scopes=[ways.way(settings)["scope"]], subject=settings["user"]
        )
    except ValueError:
        raise BadSource(
            f"key_file '{file}' is not a service account's key: make a key of the type JSON for "
            "the service account in the Google Cloud console"
        ) from None
    with _told(settings):
        credentials.refresh(_request())
    return Token(str(credentials.token), _seconds(credentials.expiry))


# Both.


def _json(file: str, setting: str) -> dict[str, Any]:
    try:
        content = json.loads(Path(file).expanduser().read_text("utf-8"))
    except OSError as error:
        raise BadSource(f"{setting} '{file}' cannot be read ({error.strerror})") from error
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise BadSource(f"{setting} '{file}' is no JSON file of Google's: download it again")
    return content


def _request() -> Callable[..., Any]:
    from google.auth.transport.requests import Request

    return partial(Request(), timeout=ANSWER_S)


def _seconds(expiry: datetime | None) -> int | None:
    """google-auth tells UTC without saying so."""
    return None if expiry is None else int(expiry.replace(tzinfo=UTC).timestamp())


@contextmanager
def _told(settings: Mapping[str, str]) -> Iterator[None]:
    """Turn what Google's libraries raise into one sentence each."""
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google_auth_oauthlib.flow import WSGITimeoutError
    from oauthlib.oauth2 import OAuth2Error
    from requests import RequestException

    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        yield
    except (TransportError, RequestException) as error:
        raise refusals.unreachable(settings, error.__cause__ or error) from None
    except (GoogleAuthError, OAuth2Error, WSGITimeoutError, Warning) as error:
        raise refusals.refused(settings, _code(error)) from None
    except OSError as error:  # the port to answer to
        raise BadSource(
            f"the browser's answer cannot be taken here ({error.strerror}): give a free --port"
        ) from None


def _code(error: Exception) -> object:
    """What ways.toml calls this refusal."""
    kind = type(error).__name__
    if kind in CODES:
        return CODES[kind]
    answer = error.args[1] if len(error.args) > 1 else None
    if isinstance(answer, dict):
        return answer.get("error")
    if "Reauthentication" in str(error):  # google-auth keeps this one's code to itself
        return "invalid_rapt"
    return getattr(error, "error", None) or kind
