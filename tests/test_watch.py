"""Mail as it comes: read, scored and told within seconds, from a real server."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

import pytest

import mailhealth
from mailhealth.errors import BadSource
from mailhealth.health import SyncReport, watching
from mailhealth.health.instants import this_hour
from tests import dovecot
from tests.dovecot import Dovecot
from tests.imap_server import ALWAYS, WRONG, Fault, serving

pytestmark = pytest.mark.skipif(
    dovecot.PROGRAM is None, reason="no Dovecot here (Debian: apt install dovecot-imapd)"
)
CANCELS = "We want to cancel our contract at the end of the month. Please confirm the cancellation."
PATIENCE_S = 60  # of a test on a busy machine; what was promised is 10


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as running:
        yield running


def a_mail(number: int, text: str = "Where is our order?") -> bytes:
    mail = EmailMessage()
    mail["From"] = "Mei Hoshino <mei@hoshino.example>"
    mail["To"] = "support@example.com"
    mail["Subject"] = f"Our order {number}"
    mail["Date"] = formatdate(time.time() - 60)
    mail["Message-ID"] = f"<{number}@hoshino.example>"
    mail.set_content(text)
    return mail.as_bytes().replace(b"\n", b"\r\n")


def connected(db: Path, settings: dict[str, str]) -> None:
    with mailhealth.open(db) as health:
        health.connect("support", "imap", **settings)
        health.us("example.com")


def test_a_cancellation_is_told_seconds_after_it_came(server: Dovecot, tmp_path: Path) -> None:
    server.deliver("told", "INBOX", a_mail(1), at=int(time.time()) - 90_000)
    connected(tmp_path / "acme.db", server.settings("told"))
    program = Path(sys.executable).parent / "mailhealth"
    command = [str(program), "--db", str(tmp_path / "acme.db"), "watch"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
    ) as watch:
        assert watch.stdout
        late = threading.Timer(PATIENCE_S, watch.kill)
        late.start()
        first = watch.stdout.readline()
        server.deliver("told", "INBOX", a_mail(2, CANCELS), at=int(time.time()))
        second, third = watch.stdout.readline(), watch.stdout.readline()
        watch.send_signal(signal.SIGTERM)
        ended = watch.wait()
        late.cancel()

    assert "support: 1 new, 0 known" in first
    assert "support: 1 new, 0 known" in second
    assert "new: hoshino.example: " in third
    assert "cancel" in third
    assert ended == 0


def test_only_who_wrote_is_computed_again(
    server: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = this_hour()
    monkeypatch.setattr(mailhealth.health, "this_hour", lambda: hour)
    now = int(time.time())
    others = a_mail(2).replace(b"hoshino", b"kaede")
    server.deliver("again", "INBOX", a_mail(1), others, at=now)
    connected(tmp_path / "acme.db", server.settings("again"))
    stop = threading.Event()
    reports: list[SyncReport] = []
    with mailhealth.open(tmp_path / "acme.db") as health:
        for report in health.watch(stop=stop):
            assert isinstance(report, SyncReport)
            reports.append(report)
            if report.sources[0].new and len(reports) > 1:
                stop.set()
            elif len(reports) == 1:
                server.deliver("again", "INBOX", a_mail(3), at=now)
        days = {score.as_of for score in health.scores()}

    assert [reports[0].scored, reports[-1].scored] == [2, 1]
    assert days == {hour}


def test_a_mailbox_that_refuses_the_login_is_told_once_and_the_others_go_on(
    server: Dovecot, tmp_path: Path
) -> None:
    server.deliver("other", "INBOX", a_mail(1))
    connected(tmp_path / "acme.db", server.settings("other"))
    stop = threading.Event()
    told: list[object] = []
    with serving() as refusing, mailhealth.open(tmp_path / "acme.db") as health:
        refusing.fail(Fault("AUTHENTICATE", answers=WRONG, times=ALWAYS))
        health.connect("closed", "imap", **refusing.settings())
        for report in health.watch(stop=stop):
            told.append(report)
            if any(isinstance(each, watching.Refused) for each in told) and len(told) > 1:
                stop.set()

    refused = [each for each in told if isinstance(each, watching.Refused)]
    reports = [each for each in told if isinstance(each, SyncReport)]
    assert [each.source for each in refused] == ["closed"]
    assert sum(line.startswith("AUTHENTICATE") for line in refusing.commands) == 1
    assert any(source.new for report in reports for source in report.sources)


def test_without_a_mailbox_there_is_nothing_to_watch(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(a_mail(1))
    with mailhealth.open(tmp_path / "acme.db") as health:
        health.connect("files", "eml", path=tmp_path / "one.eml")

        with pytest.raises(BadSource, match="no mailbox on a server to watch"):
            next(health.watch(stop=threading.Event()))
