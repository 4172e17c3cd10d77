"""Mail providers are data: connectors/<provider>, what a user's own settings do, and the page."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import mailhealth
from docs import printed_imap
from mailhealth import sources
from mailhealth.cli import main
from mailhealth.errors import BadData, BadSource
from mailhealth.health import Health, reading
from mailhealth.oauth import ways
from mailhealth.readers.imap import account as accounts
from mailhealth.readers.imap import connection
from mailhealth.store.inbox import Source
from tests import dovecot
from tests.dovecot import Dovecot
from tests.rewrite import CONNECTORS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "imap.md").read_text("utf-8")
PROVIDERS = ("fastmail", "gmail", "icloud", "microsoft365", "yahoo", "zoho")
USER = "support@acme.example"
USUAL = {"host", "port", "auth"}
KNOWN = {*USUAL, "daily_megabytes", "folders", "tls"}
CLIENT = {"microsoft365": {"client_id": "11111111-2222-3333-4444-555555555555"}}


def connected(folder: Path, *words: str) -> Result:
    """What `mailhealth connect support ...` says in a database of its own."""
    db = str(folder / "mailhealth.db")
    return CliRunner().invoke(main, ["--db", db, "connect", "support", *words])


def account_of(provider: str, **settings: str) -> accounts.Account:
    """The mailbox that a source of this provider comes to."""
    client = CLIENT.get(provider, {})
    merged = {**sources.connector(provider).settings, **client, "user": USER, **settings}
    return accounts.account(merged)


def own(folder: Path, text: str) -> str:
    """A connector of the user's own."""
    (folder / "connector.toml").write_text(f'title = "Ours"\nreader = "imap"\n{text}', "utf-8")
    return str(folder)


def test_the_providers_are_those_that_the_page_tells_of() -> None:
    read = {name for name, each in sources.connectors().items() if "imap" in each.readers}

    assert read == {*PROVIDERS, "imap"}
    assert all(f"| `{name}` |" in PAGE for name in read)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_says_where_it_is_how_to_log_in_and_what_to_mind(name: str) -> None:
    connector = sources.connector(name)

    assert set(connector.settings) >= USUAL
    assert set(connector.settings) <= KNOWN
    assert connector.hints
    assert all(hint.endswith(".") for hint in connector.hints)
    assert connector.settings["auth"] in connector.allows["auth"]
    assert set(connector.allows["auth"]) <= {ways.PASSWORD, *ways.page()} - {"refused"}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_holds_nothing_that_is_secret_or_insecure(name: str) -> None:
    table = tomllib.loads((CONNECTORS / name / "connector.toml").read_text("utf-8"))

    assert not {key for key in table["settings"] if "password" in key or "secret" in key}
    assert account_of(name).tls == "yes"
    assert account_of(name).port == 993


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_mailbox_is_connected_by_its_address_alone(name: str, tmp_path: Path) -> None:
    client = [f"--{key}={value}".replace("_", "-") for key, value in CLIENT.get(name, {}).items()]

    done = connected(tmp_path, name, "--user", USER, *client)

    assert done.exit_code == 0, done.output
    with mailhealth.open(tmp_path / "mailhealth.db") as health:
        (source,) = health.sources()
        assert source.settings["user"] == USER
        assert "host" not in source.settings  # the connector's may change, the source follows
        assert set(health.us()) == {USER, "acme.example"}


def test_of_gmail_no_more_is_read_a_day_than_it_allows() -> None:
    assert account_of("gmail").daily_bytes == 2_000_000_000
    assert account_of("gmail", daily_megabytes="0").daily_bytes == 0
    assert account_of("fastmail").daily_bytes == 0


@given(
    name=st.sampled_from(PROVIDERS),
    host=st.from_regex(r"[a-z]{1,20}\.example", fullmatch=True),
    port=st.integers(1, 65535),
    megabytes=st.integers(0, 9_999_999),
)
def test_what_the_user_says_wins_over_the_provider(
    name: str, host: str, port: int, megabytes: int
) -> None:
    told = account_of(name, host=host, port=str(port), daily_megabytes=str(megabytes))

    assert (told.host, told.port, told.daily_bytes) == (host, port, megabytes * 1_000_000)


@pytest.mark.parametrize(
    ("name", "auth", "told"),
    [
        ("gmail", "microsoft", "gmail takes auth = 'password' or 'google' or 'google-service'"),
        ("gmail", "gogle", "not 'gogle'; did you mean 'google'?"),
        ("microsoft365", "password", "microsoft365 takes auth = 'microsoft' or 'microsoft-app'"),
        ("yahoo", "google", "yahoo takes auth = 'password', not 'google'"),
        ("imap", "kerberos", "auth = 'kerberos' must be 'password', 'google'"),
    ],
)
def test_a_login_that_the_provider_does_not_know_is_refused_in_one_sentence(
    name: str, auth: str, told: str, tmp_path: Path
) -> None:
    done = connected(tmp_path, name, "--host", "h.example", "--user", USER, "--auth", auth)

    assert done.exit_code == 1
    assert told in done.output
    assert len(done.output.splitlines()) == 1
    with mailhealth.open(tmp_path / "mailhealth.db") as health:
        assert health.sources() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("gmail",), "needs the setting 'user'"),
        (("imap", "--user", USER), "needs the setting 'host'"),
        (("microsoft365", "--user", USER), "auth = 'microsoft' needs the setting 'client_id'"),
        (("gmail", "--user", USER, "--auth", "google"), "needs the setting 'client_file'"),
        (("gmail", "--user", USER, "--port", "99999"), "port = '99999' must be a number"),
        (("gmail", "--user", USER, "--tls", "no"), "would send the password readable"),
        (("gmial", "--user", USER), "did you mean 'gmail'?"),
    ],
)
def test_what_cannot_be_connected_says_why(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = connected(tmp_path, *words)

    assert done.exit_code == 1
    assert told in done.output


def test_a_provider_of_ones_own_is_a_folder(tmp_path: Path) -> None:
    folder = own(tmp_path, '[settings]\nhost = "mail.acme.example"\nport = 1993\n')

    connector = sources.connector(folder)
    sources.check(connector, {"user": USER})

    assert connector.settings == {"host": "mail.acme.example", "port": "1993"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hints = [1]\n", "'hints' must be a text, not 1"),
        ("[settings]\nport = 99.3\n", "'port' must be a text, not 99.3"),
        ("[settings]\nport = true\n", "'port' must be a text, not True"),
        ('allows = "password"\n', "'allows' must be a table"),
        ("[allows]\nauth = [1]\n", "[allows]: 'auth' must be a text, not 1"),
        ("[setings]\n", "unknown key 'setings'; did you mean 'settings'?"),
    ],
)
def test_a_provider_that_does_not_hold_together_is_refused(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(BadData, match=re.escape(told)):
        sources.connector(own(tmp_path, text))


def test_only_what_allows_lists_is_allowed(tmp_path: Path) -> None:
    connector = sources.connector(own(tmp_path, '[allows]\ntls = ["yes"]\n'))

    with pytest.raises(BadSource, match="takes tls = 'yes', not 'starttls'"):
        sources.check(connector, {"host": "h.example", "user": USER, "tls": "starttls"})
    sources.check(connector, {"host": "h.example", "user": USER})


def test_every_provider_is_listed_with_its_title() -> None:
    done = CliRunner().invoke(main, ["connectors", "--json"])

    titles = {row["connector"]: row["title"] for row in json.loads(done.output)}
    assert all("(IMAP)" in titles[name] for name in PROVIDERS)


# The page.


def printed(function: str) -> str:
    """What stands on the page between the marks of one call."""
    found = re.search(rf"printed_imap\.{function}\(\).*?\]\]\] -->\n(.*?)<!-- ", PAGE, re.DOTALL)
    assert found, function
    return found[1]


@pytest.mark.parametrize("function", ["providers", "hints", "folders", "allowed"])
def test_what_the_page_prints_is_current(function: str) -> None:
    assert printed(function) == getattr(printed_imap, function)()


def test_the_page_names_every_command_that_may_be_sent_and_no_other() -> None:
    assert set(re.findall(r"`([A-Z]+)`", printed("allowed"))) == connection.ALLOWED


def blocks(language: str) -> list[str]:
    """The blocks of the page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_way_to_connect_on_the_page_works(tmp_path: Path) -> None:
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    ways = [line.split("#")[0] for line in lines if line.startswith("mailhealth connect ")]

    assert len(ways) >= 6
    for number, way in enumerate(ways):
        _, _, name, *words = shlex.split(way)
        folder = tmp_path / str(number)
        folder.mkdir()
        done = CliRunner().invoke(
            main, ["--db", str(folder / "mailhealth.db"), "connect", name, *words]
        )
        assert done.exit_code == 0, f"{way}\n{done.output}"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_unit_and_calls_it_safe(tmp_path: Path) -> None:
    (unit,) = blocks("ini")
    file = tmp_path / "mailhealth.service"
    program = "/opt/mailhealth/bin/mailhealth"
    assert f"ExecStart={program} " in unit
    file.write_text(unit.replace(program, "/bin/true"), encoding="utf-8")

    verified = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False
    )
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    complaints = [line for line in verified.stderr.splitlines() if file.name in line]
    assert complaints == []
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert level, told.stdout + told.stderr
    assert float(level[1]) < 2.0


# The example of `mailhealth check`.


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot.running() as running:
        yield running


def a_mail(number: int, *, ours: bool = False) -> bytes:
    customer = "Mei Hoshino <mei@hoshino.example>"
    mail = EmailMessage()
    mail["From"], mail["To"] = (USER, customer) if ours else (customer, USER)
    mail["Date"] = f"Mon, 0{number} Jun 2026 09:00:00 +0900"
    mail["Subject"] = f"Order {number}"
    mail["Message-ID"] = f"<{number}@hoshino.example>"
    mail.set_content(f"Where is order {number}?\n")
    return mail.as_bytes().replace(b"\n", b"\r\n")


def lay_out(server: Dovecot) -> None:
    """A shared mailbox as it is after a while: two folders of its own, and the usual ones."""
    for folder in ("Orders", "Orders/2025", "Drafts", "Junk", "Trash"):
        server.admin("mailbox", "create", "-u", USER, folder)
    server.deliver(USER, "INBOX", *map(a_mail, (1, 2, 3)))
    server.deliver(USER, '"&kAFP4W4IMH8-"', a_mail(4, ours=True))
    server.deliver(USER, "Orders/2025", a_mail(5), a_mail(6))
    server.deliver(USER, "Junk", a_mail(7))


@pytest.mark.skipif(dovecot.PROGRAM is None, reason="no Dovecot here")
def test_check_shows_what_the_page_shows(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    lay_out(server)
    settings = server.settings(USER)
    db = tmp_path / "mailhealth.db"

    with mailhealth.open(db) as health:
        source = health.connect("support", "imap", **settings)
        sync(health, source)
        server.expunge(USER, 2)
        server.deliver(USER, "INBOX", a_mail(8))
        sync(health, source)
    server.deliver(USER, "INBOX", a_mail(9))
    done = CliRunner().invoke(main, ["--db", str(db), "check", "support"])

    assert done.exit_code == 0, done.output
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert "\n".join(lines).strip("\n") + "\n" in blocks("text")


def sync(health: Health, source: Source) -> None:
    """Only what a sync reads: no model, no scores."""
    (report,) = reading.read(health.db, health.path, [source], lambda *_: None)
    assert report.error is None
