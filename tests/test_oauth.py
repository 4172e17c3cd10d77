"""Logging in with tokens: real libraries, a real Dovecot, token servers played on loopback."""

import base64
import datetime
import hashlib
import json
import logging
import ssl
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

import imapclient
import jwt
import keyring
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.errors import PasswordDeleteError

import mailhealth
from mailhealth import oauth
from mailhealth.cli import main
from mailhealth.errors import BadSource, LoginRefused, MailhealthError
from mailhealth.oauth import safe
from mailhealth.readers import _secrets, imap
from mailhealth.records import Raw
from mailhealth.sources.reading import NothingKept
from tests import dovecot
from tests.dovecot import TOKEN_KEY, Dovecot

USER = "support@acme.example"
TENANT = "acme.example"
REFRESH, ACCESS, SECRET = "1//refresh-never-shown", "ya29.access-never-shown", "s3cret-never-shown"


class Memory(KeyringBackend):
    """A keyring that forgets everything when the test ends."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError


class Small(Memory):
    """A keyring that takes passwords and refuses what is longer, as that of Windows does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password) > 100:
            raise OSError(1783, "The stub received bad data")
        super().set_password(service, username, password)


@pytest.fixture(autouse=True)
def ring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Memory]:
    """A keyring and a configuration folder of the test's own, and no browser."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(safe.KEY_VARIABLE, raising=False)
    monkeypatch.setattr(webbrowser, "get", no_browser)
    before = keyring.get_keyring()
    memory = Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def no_browser(*_: object) -> None:
    raise webbrowser.Error("there is none")


# The token servers.

Answer = tuple[int, dict[str, object]]


@dataclass
class Tokens:
    """Google's and Microsoft's token servers: answers laid out by path, and what was asked."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def says(self, path: str, *answers: Answer) -> None:
        """Answer so, the last of them for ever."""
        self.answers[path] = list(answers)

    def answer(self, path: str, words: dict[str, str]) -> Answer:
        """The next answer that was laid out for a path."""
        self.asked.append((path, words))
        if path.endswith("/.well-known/openid-configuration"):
            return self._discovery(path.removesuffix("/v2.0/.well-known/openid-configuration"))
        left = self.answers.get(path, [(404, {"error": "not_found"})])
        return left.pop(0) if len(left) > 1 else left[0]

    def _discovery(self, tenant: str) -> Answer:
        if tenant == "/nowhere.example":
            return 400, {"error": "invalid_tenant", "error_description": "AADSTS90002: ..."}
        endpoint = f"{self.url}{tenant}/oauth2/v2.0"
        return 200, {
            "issuer": f"{self.url}{tenant}/v2.0",
            "authorization_endpoint": f"{endpoint}/authorize",
            "token_endpoint": f"{endpoint}/token",
            "device_authorization_endpoint": f"{endpoint}/devicecode",
        }

    def sent(self, path: str) -> list[dict[str, str]]:
        """What was sent to a path."""
        return [words for each, words in self.asked if each == path]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    words = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    )
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def tokens(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tokens]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate / "cert.pem"))
    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.tokens = Tokens(f"https://localhost:{server.server_port}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server.tokens  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer({key: values[0] for key, values in parse_qs(body).items()})

    def _answer(self, words: dict[str, str]) -> None:
        status, content = self.server.tokens.answer(urlsplit(self.path).path, words)  # type: ignore[attr-defined]
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def access(value: str = ACCESS, seconds: int = 3600, **more: object) -> Answer:
    told = {"access_token": value, "expires_in": seconds, "token_type": "Bearer"}
    return 200, {**told, **more}


def refusal(error: str, *codes: int) -> Answer:
    """As Microsoft says no; a careless server repeats what it was sent."""
    told = f"AADSTS{codes[0] if codes else ''}: not with {REFRESH} {SECRET}. Trace ID: 1"
    return 400, {"error": error, "error_codes": list(codes), "error_description": told}


def quiet(_: str) -> None:
    """Nobody reads it."""


# Google, a person.


@pytest.fixture
def google(tokens: Tokens, tmp_path: Path) -> dict[str, str]:
    client = {
        "client_id": "acme.apps.googleusercontent.example",
        "client_secret": SECRET,
        "auth_uri": f"{tokens.url}/auth",
        "token_uri": f"{tokens.url}/token",
        "redirect_uris": ["http://localhost"],
    }
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"installed": client}))
    return {"auth": "google", "user": USER, "client_file": str(file), "source": "support"}


def person(**answer: str) -> Callable[[str], None]:
    """Somebody who opens the address that is shown, and answers so."""

    def show(text: str) -> None:
        url = next(line for line in text.splitlines() if line.startswith("https://"))
        asked = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        back = {"state": asked["state"], **answer}
        threading.Thread(target=visit, args=(f"{asked['redirect_uri']}?{urlencode(back)}",)).start()

    return show


def visit(url: str) -> None:
    with urlopen(url, timeout=10) as page:
        page.read()


def granted(**more: object) -> Answer:
    told = {"refresh_token": REFRESH, "scope": "https://mail.google.com/", **more}
    return access(**{key: each for key, each in told.items() if each is not None})


def consented(google: dict[str, str], tokens: Tokens, **more: object) -> None:
    tokens.says("/token", granted(**more))
    oauth.consent(google, show=person(code="4/code"))


def test_a_consent_in_the_browser_is_kept_and_gives_the_token(
    google: dict[str, str], tokens: Tokens, ring: Memory
) -> None:
    shown: list[str] = []
    tokens.says("/token", granted())

    def show(text: str) -> None:
        shown.append(text)
        person(code="4/code")(text)

    oauth.consent(google, show=show)
    found = oauth.token(google)

    assert found.value == ACCESS
    assert found.expires is not None
    assert abs(found.expires - time.time() - 3600) < 10
    assert "login_hint=support%40acme.example" in shown[0]
    assert "access_type=offline" in shown[0]
    (sent,) = tokens.sent("/token")
    assert sent["code"] == "4/code"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest())
    assert challenge.decode().rstrip("=") in shown[0]
    assert list(ring.held) == [("mailhealth", f"google:{USER}")]


def test_a_token_that_has_ended_is_replaced_and_a_good_one_only_when_asked(
    google: dict[str, str], tokens: Tokens
) -> None:
    consented(google, tokens, seconds=30)
    tokens.says("/token", access("second"), access("third"))

    values = [oauth.token(google).value, oauth.token(google).value]
    fresh = oauth.token(google, fresh=True).value

    assert values == ["second", "second"]
    assert fresh == "third"
    assert [each.get("refresh_token") for each in tokens.sent("/token")] == [None, REFRESH, REFRESH]


def test_without_consent_the_sentence_names_the_verb(google: dict[str, str]) -> None:
    with pytest.raises(LoginRefused, match="run 'mailhealth login support'"):
        oauth.token(google)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("invalid_grant", "withdrawn or has expired: run 'mailhealth login support'"),
        ("invalid_client", "download its file anew"),
        ("deleted_client", "was deleted"),
        ("admin_policy_enforced", "administrator must trust the client"),
        ("never_heard_of", r"\(never_heard_of\)"),
    ],
)
def test_what_google_refuses_is_one_sentence(
    google: dict[str, str], tokens: Tokens, error: str, sentence: str
) -> None:
    consented(google, tokens)
    tokens.says("/token", refusal(error))

    with pytest.raises(LoginRefused, match=sentence) as caught:
        oauth.token(google, fresh=True)

    assert_no_secret(caught.value)


@pytest.mark.parametrize(
    ("answer", "given", "sentence"),
    [
        ({"error": "access_denied"}, granted(), "did not consent: run 'mailhealth login support'"),
        ({"code": "4/code", "state": "other"}, granted(), "belongs to another login"),
        ({"code": "4/code"}, granted(scope="openid"), "was not ticked"),
        ({"code": "4/code"}, granted(refresh_token=None), "no lasting permission"),
        ({"code": "4/code"}, refusal("invalid_client"), "download its file anew"),
    ],
)
def test_a_consent_that_fails_says_why_and_keeps_nothing(
    *,
    google: dict[str, str],
    tokens: Tokens,
    ring: Memory,
    answer: dict[str, str],
    given: Answer,
    sentence: str,
) -> None:
    tokens.says("/token", given)

    with pytest.raises(LoginRefused, match=sentence) as caught:
        oauth.consent(google, show=person(**answer))

    assert_no_secret(caught.value)
    assert ring.held == {}


def test_a_port_that_is_taken_is_said(google: dict[str, str], tokens: Tokens) -> None:
    taken = int(tokens.url.rpartition(":")[2])

    with pytest.raises(BadSource, match="give a free --port"):
        oauth.consent(google, show=quiet, port=taken)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("not json", "is no JSON file"),
        ("[1]", "is no JSON file"),
        ('{"web": {}}', "type 'Desktop app'"),
        ('{"installed": {"client_id": "x"}}', "type 'Desktop app'"),
        (None, "cannot be read"),
    ],
)
def test_a_client_file_that_is_none_is_said(
    google: dict[str, str], content: str | None, sentence: str
) -> None:
    file = Path(google["client_file"])
    file.unlink() if content is None else file.write_text(content)

    with pytest.raises(BadSource, match=sentence):
        oauth.consent(google, show=quiet)


def test_without_a_network_nothing_is_said_but_that(google: dict[str, str], tokens: Tokens) -> None:
    consented(google, tokens)
    file = Path(google["client_file"])
    file.write_text(file.read_text().replace(tokens.url, "https://localhost:1"))

    with pytest.raises(BadSource, match=r"Google's token server did not answer") as caught:
        oauth.token(google, fresh=True)

    assert_no_secret(caught.value)


# Google, a service account.


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture
def service(tokens: Tokens, tmp_path: Path, private_key: rsa.RSAPrivateKey) -> dict[str, str]:
    content = {
        "type": "service_account",
        "client_email": "reader@acme.iam.example",
        "private_key": pem(private_key).decode(),
        "private_key_id": "1",
        "token_uri": f"{tokens.url}/token",
    }
    file = tmp_path / "key.json"
    file.write_text(json.dumps(content))
    return {"auth": "google-service", "user": USER, "key_file": str(file), "source": "support"}


def test_a_service_account_asks_in_the_name_of_the_mailbox(
    service: dict[str, str], tokens: Tokens, private_key: rsa.RSAPrivateKey
) -> None:
    tokens.says("/token", access())

    found = oauth.token(service)

    (sent,) = tokens.sent("/token")
    claims = jwt.decode(
        sent["assertion"],
        private_key.public_key(),
        algorithms=["RS256"],
        audience="https://oauth2.googleapis.com/token",
    )
    assert found.value == ACCESS
    assert claims["sub"] == USER
    assert claims["scope"] == "https://www.googleapis.com/auth/gmail.imap_admin"


def test_a_delegation_that_is_missing_names_the_scope_to_allow(
    service: dict[str, str], tokens: Tokens
) -> None:
    tokens.says("/token", refusal("unauthorized_client"))

    with pytest.raises(LoginRefused, match=r"domain-wide delegation") as caught:
        oauth.consent(service, show=quiet)

    assert "https://www.googleapis.com/auth/gmail.imap_admin" in str(caught.value)


def test_a_key_file_that_is_none_is_said(service: dict[str, str]) -> None:
    Path(service["key_file"]).write_text('{"type": "service_account"}')

    with pytest.raises(BadSource, match="not a service account's key"):
        oauth.token(service)


# Microsoft, a person.


@pytest.fixture
def microsoft(tokens: Tokens) -> dict[str, str]:
    return {
        "auth": "microsoft",
        "user": USER,
        "login": "ann@acme.example",
        "client_id": "11111111-2222-3333-4444-555555555555",
        "tenant": TENANT,
        "authority": tokens.url,
        "source": "support",
    }


DEVICE, MS_TOKEN = f"/{TENANT}/oauth2/v2.0/devicecode", f"/{TENANT}/oauth2/v2.0/token"


def a_code() -> Answer:
    return 200, {
        "user_code": "ABCD-1234",
        "device_code": "device",
        "verification_uri": "https://login.example/device",
        "expires_in": 900,
        "interval": 1,
        "message": "not shown",
    }


def ms_granted(value: str = ACCESS, seconds: int = 3600) -> Answer:
    """As Microsoft's server gives them: with who it was."""
    claims = {
        "aud": "11111111-2222-3333-4444-555555555555",
        "iss": "https://login.example",
        "iat": int(time.time()),
        "exp": int(time.time()) + 3600,
        "oid": "ann",
        "tid": TENANT,
        "preferred_username": "ann@acme.onmicrosoft.example",
    }
    info = base64.urlsafe_b64encode(json.dumps({"uid": "ann", "utid": TENANT}).encode())
    return access(
        value,
        seconds,
        refresh_token=REFRESH,
        scope="https://outlook.office.com/IMAP.AccessAsUser.All",
        id_token=jwt.encode(claims, TOKEN_KEY + b"long enough"),
        client_info=info.decode(),
    )


def ms_consented(microsoft: dict[str, str], tokens: Tokens, **more: int) -> None:
    tokens.says(DEVICE, a_code())
    tokens.says(MS_TOKEN, ms_granted(**more))
    oauth.consent(microsoft, show=quiet)


def test_a_code_entered_elsewhere_is_waited_for_and_gives_the_token(
    microsoft: dict[str, str], tokens: Tokens, ring: Memory
) -> None:
    shown: list[str] = []
    tokens.says(DEVICE, a_code())
    tokens.says(MS_TOKEN, refusal("authorization_pending", 70016), ms_granted())

    oauth.consent(microsoft, show=shown.append)
    found = oauth.token(microsoft)

    assert found.value == ACCESS
    assert found.expires is not None
    assert abs(found.expires - time.time() - 3600) < 10
    assert "ABCD-1234" in shown[0]
    assert "log in as ann@acme.example" in shown[0]
    (asked,) = tokens.sent(DEVICE)
    assert "https://outlook.office.com/IMAP.AccessAsUser.All" in asked["scope"].split()
    assert "offline_access" in asked["scope"].split()
    assert list(ring.held) == [("mailhealth", "microsoft:ann@acme.example")]


def test_shared_mailboxes_have_their_person_s_consent_in_common(
    microsoft: dict[str, str], tokens: Tokens
) -> None:
    ms_consented(microsoft, tokens)

    assert oauth.token({**microsoft, "user": "sales@acme.example"}).value == ACCESS
    with pytest.raises(LoginRefused, match=r"bob@acme\.example has not consented"):
        oauth.token({**microsoft, "login": "bob@acme.example"})


def test_microsoft_s_token_is_refreshed_when_it_ends_or_is_asked_to(
    microsoft: dict[str, str], tokens: Tokens
) -> None:
    ms_consented(microsoft, tokens, seconds=30)
    tokens.says(MS_TOKEN, ms_granted("second"), ms_granted("third"))

    values = [oauth.token(microsoft).value, oauth.token(microsoft).value]
    fresh = oauth.token(microsoft, fresh=True).value

    assert values == ["second", "second"]
    assert fresh == "third"
    assert tokens.sent(MS_TOKEN)[-1]["refresh_token"] == REFRESH


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refusal("invalid_grant", 700082), "not used for long: run 'mailhealth login support'"),
        (refusal("invalid_grant", 50173), "password that was changed"),
        (refusal("invalid_grant", 65001), "grant consent"),
        (refusal("invalid_grant"), "withdrawn or has expired"),
        (refusal("interaction_required", 50076), "second factor"),
        (refusal("odd", 99), r"\(99, see https://learn"),
    ],
)
def test_what_microsoft_refuses_is_one_sentence(
    microsoft: dict[str, str], tokens: Tokens, answer: Answer, sentence: str
) -> None:
    ms_consented(microsoft, tokens)
    tokens.says(MS_TOKEN, answer)

    with pytest.raises(LoginRefused, match=sentence) as caught:
        oauth.token(microsoft, fresh=True)

    assert_no_secret(caught.value)


@pytest.mark.parametrize(
    ("code", "answer", "sentence"),
    [
        (refusal("unauthorized_client", 700016), ms_granted(), "no client with this client_id"),
        (a_code(), refusal("invalid_client", 7000218), "Allow public client flows"),
        (a_code(), refusal("authorization_declined"), "did not consent"),
        (a_code(), refusal("expired_token", 70020), "in time: run 'mailhealth login support'"),
        (a_code(), refusal("access_denied", 53003), "conditional access forbids the code"),
        (a_code(), refusal("consent_required", 90094), "grant admin consent"),
    ],
)
def test_a_code_that_leads_nowhere_says_why_and_keeps_nothing(
    *,
    microsoft: dict[str, str],
    tokens: Tokens,
    ring: Memory,
    code: Answer,
    answer: Answer,
    sentence: str,
) -> None:
    tokens.says(DEVICE, code)
    tokens.says(MS_TOKEN, answer)

    with pytest.raises(LoginRefused, match=sentence) as caught:
        oauth.consent(microsoft, show=quiet)

    assert_no_secret(caught.value)
    assert ring.held == {}


def test_a_tenant_that_is_none_and_a_server_that_is_away_are_said(
    microsoft: dict[str, str], tokens: Tokens
) -> None:
    with pytest.raises(BadSource, match=r"knows no tenant 'nowhere\.example'"):
        oauth.consent({**microsoft, "tenant": "nowhere.example"}, show=quiet)
    with pytest.raises(BadSource, match=r"Microsoft's token server did not answer"):
        oauth.consent({**microsoft, "authority": "https://localhost:1"}, show=quiet)
    tokens.says(DEVICE, a_code())
    tokens.says(MS_TOKEN, (503, {}))
    with pytest.raises(BadSource, match=r"Microsoft's token server did not answer"):
        oauth.consent(microsoft, show=quiet)


# Microsoft, an app.


@pytest.fixture
def app(microsoft: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("ACME_SECRET", SECRET)
    return {**microsoft, "auth": "microsoft-app", "client_secret_env": "ACME_SECRET"}


def test_an_app_asks_with_its_secret(app: dict[str, str], tokens: Tokens) -> None:
    tokens.says(MS_TOKEN, access())

    found = oauth.token(app)

    (sent,) = tokens.sent(MS_TOKEN)
    assert found.value == ACCESS
    assert sent["client_secret"] == SECRET
    assert sent["scope"] == "https://outlook.office365.com/.default"


def test_an_app_asks_with_its_certificate(
    app: dict[str, str], tokens: Tokens, tmp_path: Path, private_key: rsa.RSAPrivateKey
) -> None:
    tokens.says(MS_TOKEN, access())
    file = tmp_path / "app.pem"
    file.write_bytes(pem(private_key) + a_certificate(private_key))

    found = oauth.token({**app, "certificate_file": str(file)})

    (sent,) = tokens.sent(MS_TOKEN)
    claims = jwt.decode(
        sent["client_assertion"],
        private_key.public_key(),
        algorithms=["PS256"],
        audience=f"{tokens.url}{MS_TOKEN}",
    )
    assert found.value == ACCESS
    assert claims["iss"] == app["client_id"]


def a_certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mailhealth")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refusal("invalid_client", 7000215), "the secret's value, and not its id"),
        (refusal("invalid_client", 7000222), "has expired: make a new one"),
        (refusal("invalid_grant", 65001), r"IMAP\.AccessAsApp"),
    ],
)
def test_what_an_app_is_refused_is_one_sentence(
    app: dict[str, str], tokens: Tokens, answer: Answer, sentence: str
) -> None:
    tokens.says(MS_TOKEN, answer)

    with pytest.raises(LoginRefused, match=sentence) as caught:
        oauth.consent(app, show=quiet)

    assert_no_secret(caught.value)


def test_a_certificate_file_without_a_key_or_a_certificate_is_said(
    app: dict[str, str], tmp_path: Path, private_key: rsa.RSAPrivateKey
) -> None:
    file = tmp_path / "half.pem"
    for content in (b"", pem(private_key), a_certificate(private_key)):
        file.write_bytes(content)
        with pytest.raises(BadSource, match="must hold a private key"):
            oauth.token({**app, "certificate_file": str(file)})


def test_a_secret_that_is_nowhere_is_said(
    app: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_SECRET")

    with pytest.raises(BadSource, match=r"no client secret for support@acme\.example"):
        oauth.token(app)
    with pytest.raises(BadSource, match="client_secret_command gave no client secret"):
        oauth.token({**app, "client_secret_command": "false"})


# What is told before anybody is asked.


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"auth": "kerberos"}, "must be 'password', 'google', 'google-service'"),
        ({"auth": "google"}, "needs the setting 'user'"),
        ({"auth": "google", "user": USER}, "needs the setting 'client_file'"),
        ({"auth": "google-service", "user": USER}, "needs the setting 'key_file'"),
        ({"auth": "microsoft", "user": USER}, "needs the setting 'client_id'"),
        ({"auth": "microsoft-app", "user": USER, "client_id": "1"}, "the setting 'tenant'"),
        (
            {"auth": "microsoft-app", "user": USER, "client_id": "1", "tenant": "x"},
            "needs one of the settings client_secret_env",
        ),
        ({"auth": "microsoft", "user": USER, "client_secret": "x"}, "never kept in the settings"),
        (
            {"auth": "microsoft", "user": USER, "client_id": "1", "authority": "http://x"},
            "must begin with https",
        ),
    ],
)
def test_settings_that_cannot_be_are_said(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSource, match=sentence):
        oauth.token(settings)


def test_a_source_with_a_password_asks_for_no_token() -> None:
    assert not oauth.asked({"user": USER})
    assert not oauth.asked({"user": USER, "auth": "password"})
    assert oauth.asked({"user": USER, "auth": "microsoft"})


def test_without_the_extra_the_sentence_says_what_to_install(
    google: dict[str, str], app: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for missing in ("msal", "google_auth_oauthlib.flow"):
        monkeypatch.setitem(sys.modules, missing, None)

    for settings in (google, app):
        with pytest.raises(BadSource, match=r"pip install 'mailhealth\[oauth\]'"):
            oauth.consent(settings, show=quiet)


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    heavy = ("google.auth", "msal", "keyring", "cryptography", "requests")
    code = f"import sys, mailhealth.readers.imap; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


# No secret is told.


def assert_no_secret(error: BaseException | None) -> None:
    """Neither the error nor any that it came from repeats one."""
    told = ""
    while error is not None:
        told += f"{error!s} {error!r} " if isinstance(error, MailhealthError) else ""
        error = error.__cause__
    for secret in (REFRESH, ACCESS, SECRET):
        assert secret not in told


def test_no_token_stands_in_a_log_or_a_repr(
    google: dict[str, str],
    microsoft: dict[str, str],
    tokens: Tokens,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    consented(google, tokens, seconds=30)
    found = oauth.token(google)
    ms_consented(microsoft, tokens)
    oauth.token(microsoft, fresh=True)

    assert ACCESS not in repr(found)
    for secret in (REFRESH, ACCESS, SECRET, "4/code"):
        assert secret not in caplog.text


# Where secrets lie.


@pytest.fixture
def no_ring() -> None:
    keyring.set_keyring(fail.Keyring())


def the_file(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "config" / "mailhealth" / "tokens").iterdir()
    return file


@pytest.mark.usefixtures("no_ring")
def test_without_a_keyring_secrets_lie_encrypted_and_for_their_owner_only(tmp_path: Path) -> None:
    safe.keep("a mailbox", SECRET)
    safe.keep("a mailbox", SECRET * 2)

    folder = tmp_path / "config" / "mailhealth"
    assert safe.kept("a mailbox") == SECRET * 2
    assert SECRET.encode() not in the_file(tmp_path).read_bytes()
    assert the_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (safe.drop("a mailbox"), safe.drop("a mailbox")) == (True, False)
    assert safe.kept("a mailbox") is None


def test_without_the_package_keyring_files_do_and_without_both_the_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    safe.keep("a mailbox", SECRET)
    assert safe.kept("a mailbox") == SECRET

    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    assert safe.kept("another") is None
    for ask in (lambda: safe.kept("a mailbox"), lambda: safe.keep("another", SECRET)):
        with pytest.raises(BadSource, match=r"pip install 'mailhealth\[oauth\]'"):
            ask()


@pytest.mark.usefixtures("no_ring")
def test_the_key_may_come_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(safe.KEY_VARIABLE, Fernet.generate_key().decode())
    safe.keep("a mailbox", SECRET)

    assert safe.kept("a mailbox") == SECRET
    assert not (tmp_path / "config" / "mailhealth" / "key").exists()

    monkeypatch.setenv(safe.KEY_VARIABLE, Fernet.generate_key().decode())
    with pytest.raises(BadSource, match="encrypted with another key"):
        safe.kept("a mailbox")
    monkeypatch.setenv(safe.KEY_VARIABLE, "short")
    with pytest.raises(BadSource, match="MAILHEALTH_TOKEN_KEY holds no key"):
        safe.kept("a mailbox")


@pytest.mark.usefixtures("no_ring")
def test_a_key_that_others_can_read_or_that_is_gone_is_refused(tmp_path: Path) -> None:
    safe.keep("a mailbox", SECRET)
    key = tmp_path / "config" / "mailhealth" / "key"

    key.chmod(0o644)
    with pytest.raises(BadSource, match="chmod 600"):
        safe.kept("a mailbox")
    key.unlink()
    with pytest.raises(BadSource, match="cannot be used for secrets"):
        safe.kept("a mailbox")


def test_a_keyring_that_is_off_or_too_small_gives_way_to_a_file(tmp_path: Path) -> None:
    keyring.set_keyring(null.Keyring())
    safe.keep("a mailbox", SECRET)
    assert safe.kept("a mailbox") == SECRET

    small = Small()
    keyring.set_keyring(small)
    safe.keep("a mailbox", SECRET)
    assert not list((tmp_path / "config" / "mailhealth" / "tokens").iterdir())
    safe.keep("a mailbox", SECRET * 100)
    assert safe.kept("a mailbox") == SECRET * 100
    assert small.held == {}


@pytest.mark.usefixtures("no_ring")
def test_programs_that_begin_at_once_agree_on_one_key() -> None:
    def one(number: int) -> None:
        safe.keep(f"mailbox {number}", str(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [safe.kept(f"mailbox {number}") for number in range(16)] == [*map(str, range(16))]


@given(name=st.text(), value=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_from_an_encrypted_file(name: str, value: str) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        safe.keep(name, value)
        assert safe.kept(name) == value
    finally:
        keyring.set_keyring(before)


# Passwords.


def test_a_password_is_looked_for_in_one_order(
    ring: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"user": USER, "host": "mail.example.com"}
    monkeypatch.setenv("DEFAULT", "by default")
    monkeypatch.setenv("NAMED", "by name")
    assert _secrets.password(settings, "DEFAULT") == "by default"

    oauth.passwords.keep(settings, lambda _: "from the keyring")
    assert ring.held == {("mailhealth", f"{USER}@mail.example.com"): "from the keyring"}
    assert _secrets.password(settings, "DEFAULT") == "from the keyring"
    assert _secrets.password({**settings, "password_env": "NAMED"}, "DEFAULT") == "by name"
    command = {"password_env": "NAMED", "password_command": "echo by command"}
    assert _secrets.password({**settings, **command}, "DEFAULT") == "by command"
    assert _secrets.password({**settings, "password_env": "NOT_SET"}) == "from the keyring"
    assert oauth.forget(settings)
    assert _secrets.password({**settings, "password_env": "NOT_SET"}, "DEFAULT") == ""


def test_archives_ask_no_keyring_for_their_password(ring: Memory) -> None:
    ring.held["mailhealth", ""] = "of nobody"

    assert _secrets.password({"path": "mails.zip"}) == ""


# The verbs.


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "acme.db"
    with mailhealth.open(file) as health:
        health.connect("support", "imap", host="mail.example.com", user=USER)
        (tmp_path / "empty.mbox").touch()
        health.connect("archive", "mbox", path=tmp_path / "empty.mbox")
    return file


def run(database: Path, *words: str, answers: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["--db", str(database), *words], input=answers)
    return done.exit_code, done.output


def test_login_asks_for_a_password_and_logout_forgets_it(database: Path, ring: Memory) -> None:
    told = run(database, "login", "support", answers=f"{SECRET}\n")
    held = dict(ring.held)
    out, again = run(database, "logout", "support"), run(database, "logout", "support")

    assert told[0] == 0
    assert f"Password of {USER}@mail.example.com" in told[1]
    assert SECRET not in told[1]
    assert held == {("mailhealth", f"{USER}@mail.example.com"): SECRET}
    assert ring.held == {}
    assert out == (0, "forgotten\n")
    assert again == (0, "nothing was kept of support\n")
    assert SECRET.encode() not in database.read_bytes()


def test_login_consents_where_a_source_takes_tokens(
    database: Path, microsoft: dict[str, str], tokens: Tokens, ring: Memory
) -> None:
    tokens.says(DEVICE, a_code())
    tokens.says(MS_TOKEN, ms_granted())
    put(database, "support", microsoft)

    done = run(database, "login", "support")
    held = dict(ring.held)
    out = run(database, "logout", "support")

    assert done[0] == 0
    assert "ABCD-1234" in done[1]
    assert list(held) == [("mailhealth", "microsoft:ann@acme.example")]
    assert out == (0, "forgotten\n")
    assert ring.held == {}


def put(database: Path, name: str, settings: dict[str, str]) -> None:
    """A source, whatever its reader thinks of it."""
    from mailhealth.store import inbox

    with mailhealth.open(database) as health:
        inbox.add_source(health.db, inbox.Source(name, "imap", settings))


def test_files_are_remembered_by_their_whole_path(
    database: Path, google: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(google["client_file"]).parent)

    with mailhealth.open(database) as health:
        settings = {**google, "client_file": "client.json", "host": "imap.gmail.com"}
        source = health.connect("files", "imap", **settings)

    assert source.settings["client_file"] == google["client_file"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("login", "nobody"), "no source 'nobody'; there are archive, support"),
        (("login", "archive"), "no mailbox on a server"),
        (("logout", "nobody"), "no source 'nobody'"),
    ],
)
def test_a_source_that_cannot_be_logged_in_to_is_said(
    database: Path, words: tuple[str, ...], sentence: str
) -> None:
    code, told = run(database, *words)

    assert code == 1
    assert sentence in told


# The mail server.

needs_dovecot = pytest.mark.skipif(
    dovecot.PROGRAM is None, reason="no Dovecot here (Debian: apt install dovecot-imapd)"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running(oauth=True) as running:
        yield running


def a_token(user: str, *, seconds: int = 600, key: bytes = TOKEN_KEY) -> str:
    now = int(time.time())
    return jwt.encode({"sub": user, "iat": now - 10, "exp": now + seconds}, key.ljust(32, b"."))


def talked(server: Dovecot, user: str, token: str, mechanism: str) -> tuple[bool, oauth.Talk]:
    """Whether the server let the user in, and what was said."""
    talk = oauth.Talk(user, token, mechanism)
    context = ssl.create_default_context(cafile=str(server.folder / "cert.pem"))
    client = imapclient.IMAPClient("localhost", server.tls_port, ssl_context=context)
    try:
        client.sasl_login(mechanism, talk)
    except imapclient.exceptions.LoginError as error:
        assert token not in str(error)
        return False, talk
    else:
        return bool(client.select_folder("INBOX", readonly=True)), talk
    finally:
        client.shutdown()


@needs_dovecot
@pytest.mark.parametrize("mechanism", oauth.MECHANISMS)
def test_a_good_token_lets_its_user_in_and_no_other(server: Dovecot, mechanism: str) -> None:
    user, other = "ann@acme.example", "bob@acme.example"

    assert talked(server, user, a_token(user), mechanism)[0]
    assert not talked(server, user, a_token(other), mechanism)[0]


@needs_dovecot
@pytest.mark.parametrize("mechanism", oauth.MECHANISMS)
@pytest.mark.parametrize("wrong", [{"seconds": -5}, {"key": b"another key"}])
def test_a_token_that_is_expired_or_forged_is_refused_with_a_plain_reason(
    server: Dovecot, mechanism: str, wrong: dict
) -> None:
    entered, talk = talked(
        server, "ann@acme.example", a_token("ann@acme.example", **wrong), mechanism
    )

    assert not entered
    assert talk.reason == "the token is expired, withdrawn, or another user's"


@needs_dovecot
def test_a_mailbox_is_read_with_a_token_and_a_refused_one_is_replaced(
    server: Dovecot, google: dict[str, str], tokens: Tokens
) -> None:
    server.deliver(USER, "INBOX", b"Subject: Hello\r\n\r\nHi\r\n")
    consented(google, tokens, access_token=a_token(USER, seconds=-5))
    tokens.says("/token", access(a_token(USER)))
    where = {key: server.settings(USER)[key] for key in ("host", "port", "ca_file")}

    yielded = list(imap.read({**google, **where}, {}, NothingKept()))

    assert [each.content for each in yielded if isinstance(each, Raw)] == [
        b"Subject: Hello\r\n\r\nHi\r\n"
    ]
    assert len(tokens.sent("/token")) == 2


@needs_dovecot
def test_a_mailbox_that_takes_no_token_says_so_without_it(
    server: Dovecot, google: dict[str, str], tokens: Tokens
) -> None:
    forged = a_token(USER, key=b"another key")
    consented(google, tokens, access_token=forged)
    where = {key: server.settings(USER)[key] for key in ("host", "port", "ca_file")}

    with pytest.raises(LoginRefused, match="mailhealth login") as caught:
        list(imap.read({**google, **where}, {}, NothingKept()))

    assert forged not in str(caught.value)


@given(st.binary(max_size=200))
def test_no_challenge_breaks_the_talk_or_is_repeated(challenge: bytes) -> None:
    talk = oauth.Talk(USER, ACCESS, "XOAUTH2")

    assert ACCESS.encode() in talk(b"")
    assert talk(challenge) == b""
    assert talk(challenge) == b""
    assert talk.reason == ""


@given(user=st.emails(), mechanism=st.sampled_from(oauth.MECHANISMS))
def test_what_is_said_first_names_the_user_and_the_token_once(user: str, mechanism: str) -> None:
    said = oauth.sasl(user, ACCESS, mechanism).decode()

    assert said.endswith(f"auth=Bearer {ACCESS}\x01\x01")
    assert said.count("\x01") == 3
    if mechanism == "OAUTHBEARER":
        name = said.split(",")[1].removeprefix("a=")
        assert name.replace("=2C", ",").replace("=3D", "=") == user


def test_what_to_look_at_names_the_mailbox_and_who_consented(microsoft: dict[str, str]) -> None:
    told = oauth.advice(microsoft)

    assert USER in told
    assert "ann@acme.example" in told
    assert "'mailhealth login support'" in told


def test_every_sentence_of_the_page_can_be_filled() -> None:
    from mailhealth.oauth import refusals, ways

    families = ways.page()["refused"]
    for auth in (name for name in ways.page() if name != "refused"):
        settings = {"auth": auth, "user": USER}
        assert USER in oauth.advice(settings) or auth == "google"
        for codes in families.values():
            for code in codes:
                told = str(refusals.refused(settings, code))
                assert "{" not in told
                assert told.startswith(("Google gives", "Microsoft gives"))
