"""A real mailbox on a real server, through the public face: read whole, twice, without a trace."""

import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

import mailhealth
from tests import dovecot
from tests.dovecot import PASSWORD, Dovecot

pytestmark = pytest.mark.skipif(
    dovecot.PROGRAM is None, reason="no Dovecot here (Debian: apt install dovecot-imapd)"
)
AS_OF = "2026-11-01T00:00:00Z"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    with dovecot.running() as running:
        yield running


def files(maildir: Path) -> dict[Path, bytes]:
    """Every mail file with its name, which holds its flags, and its content."""
    found = [*maildir.glob("**/cur/*"), *maildir.glob("**/new/*")]
    return {file: file.read_bytes() for file in found}


def test_a_mailbox_synced_twice_is_read_whole_once_and_left_untouched(
    server: Dovecot,
    demo_run: tuple[Path, Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = mailbox.mbox(demo_run[0] / "support.mbox")
    mails = [mail.as_bytes() for mail in archive]
    archive.close()
    server.deliver("acme", "INBOX", *mails)
    untouched = files(server.maildir("acme"))
    monkeypatch.setenv("SUPPORT_PASSWORD", PASSWORD)
    settings = {**server.settings("acme"), "password_env": "SUPPORT_PASSWORD"}
    del settings["password_command"]

    with mailhealth.open(tmp_path / "acme.db") as health:
        health.us("acme.example")
        health.connect("support", "imap", **settings)
        first = health.sync(as_of=AS_OF)
        before = list(health.db.conn.iterdump())
        second = health.sync(as_of=AS_OF)
        after = list(health.db.conn.iterdump())
        text = "\n".join(after)

    assert first.sources[0].new == len(mails)
    assert (second.sources[0].new, second.sources[0].known) == (0, 0)
    assert after == before
    assert files(server.maildir("acme")) == untouched
    assert PASSWORD not in text
