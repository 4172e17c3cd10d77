"""What is kept of mailboxes on servers, reconciled with them: through the public face."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailhealth
from mailhealth.health import Health, batches
from mailhealth.readers.imap import faults, fetching
from tests import dovecot
from tests.dovecot import Dovecot
from tests.imap_server import ALWAYS, WRONG, Fault, Folder, Message, Server, serving

BODIES = "(RFC822.SIZE INTERNALDATE BODY.PEEK[])"
AS_OF = "2026-11-01T00:00:00Z"


def a_mail(number: int, words: str = "Where is it?") -> bytes:
    return (
        f"From: Mei Hoshino <mei@hoshino.example>\r\nTo: support@example.com\r\n"
        f"Subject: Order {number}\r\nMessage-ID: <{number}@hoshino.example>\r\n"
        f"Date: Mon, 7 Sep 2026 10:00:00 +0900\r\n\r\n{words}\r\n"
    ).encode()


def mails(*numbers: int) -> list[bytes]:
    return [a_mail(number) for number in numbers]


@pytest.fixture(autouse=True)
def only_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is scored here, and nobody waits."""
    monkeypatch.setattr(Health, "read_texts", lambda *_, **__: 0)
    monkeypatch.setattr(Health, "update", lambda *_, **__: 0)
    monkeypatch.setattr(faults, "FIRST_WAIT_S", 0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Folder("INBOX"), Folder("Orders"), Folder("Zoe")) as running:
        yield running
    assert running.forbidden == []


@contextmanager
def opened(server: Server, folder: Path) -> Iterator[Health]:
    with mailhealth.open(folder / "acme.db") as health:
        health.connect("support", "imap", **server.settings())
        yield health


@pytest.fixture
def acme(server: Server, tmp_path: Path) -> Iterator[Health]:
    with opened(server, tmp_path) as health:
        yield health


def sync(health: Health) -> Any:
    (report,) = health.sync(as_of=AS_OF).sources
    assert report.error is None
    return report


def kept(health: Health) -> list[str]:
    """The Message-IDs of all that is kept, in order, each as often as it is."""
    rows = health.db.query("select message_id from messages order by message_id")
    return [row["message_id"] for row in rows]


def ids(*numbers: int) -> list[str]:
    return sorted(f"{number}@hoshino.example" for number in numbers)


def lies(health: Health, *, gone: bool = False) -> list[tuple[str, int, int]]:
    """What lies on the server as far as is known, or lay there: folder, UIDVALIDITY, UID."""
    rows = health.db.query(
        "select folder, validity, uid from on_server where (gone_at is not null) = ?"
        " order by 1, 2, 3",
        [gone],
    )
    return [(row["folder"], row["validity"], row["uid"]) for row in rows]


def missing(health: Health) -> dict[str, int]:
    return {row["folder"]: row["missing"] for row in health.folders("support") if row["on_server"]}


def fetched(server: Server) -> list[str]:
    return [line for line in server.commands if "BODY.PEEK[]" in line]


# What happens to mail on its server.


def test_what_is_deleted_there_is_noted_and_kept(server: Server, acme: Health) -> None:
    server.deliver("INBOX", *mails(1, 2, 3))
    sync(acme)
    server.expunge("INBOX", 2)

    sync(acme)

    assert kept(acme) == ids(1, 2, 3)
    assert lies(acme) == [("INBOX", 1, 1), ("INBOX", 1, 3)]
    assert lies(acme, gone=True) == [("INBOX", 1, 2)]
    (inbox, *_) = acme.folders("support")
    assert (inbox["on_server"], inbox["stored"], inbox["gone"], inbox["missing"]) == (2, 2, 1, 0)


def test_a_folder_numbered_anew_is_met_again_without_a_body(server: Server, acme: Health) -> None:
    server.deliver("INBOX", *mails(1, 2, 3))
    sync(acme)
    server.expunge("INBOX", 1)
    server.renumber("INBOX")
    server.deliver("INBOX", a_mail(4))
    server.commands.clear()

    report = sync(acme)

    assert (report.new, report.skipped) == (1, 0)
    assert fetched(server) == [f"UID FETCH 3 {BODIES}"]
    assert kept(acme) == ids(1, 2, 3, 4)
    assert lies(acme) == [("INBOX", 2, uid) for uid in (1, 2, 3)]
    assert lies(acme, gone=True) == [("INBOX", 1, 1)]
    assert missing(acme) == {"INBOX": 0}


def test_a_folder_that_is_renamed_keeps_its_cursor(server: Server, acme: Health) -> None:
    server.deliver("Orders", *mails(1, 2, 3))
    sync(acme)
    server.expunge("Orders", 3)  # one of those that would tell it
    server.rename("Orders", "注文")
    server.deliver("注文", a_mail(4))
    server.commands.clear()

    report = sync(acme)

    assert report.new == 1
    assert fetched(server) == [f"UID FETCH 4 {BODIES}"]
    assert lies(acme) == [("注文", 1, uid) for uid in (1, 2, 4)]
    assert lies(acme, gone=True) == [("注文", 1, 3)]
    assert missing(acme) == {"注文": 0}


def test_another_folder_with_the_same_uidvalidity_is_no_renamed_one(
    server: Server, acme: Health
) -> None:
    server.deliver("Orders", *mails(1, 2))
    sync(acme)
    del server.folders["Orders"]
    server.folders["Other"] = Folder("Other")
    server.deliver("Other", *mails(3, 4))

    sync(acme)

    assert kept(acme) == ids(1, 2, 3, 4)
    assert lies(acme) == [("Other", 1, 1), ("Other", 1, 2)]
    assert lies(acme, gone=True) == [("Orders", 1, 1), ("Orders", 1, 2)]


def test_a_folder_that_is_deleted_and_comes_back_is_there_again(
    server: Server, acme: Health
) -> None:
    server.deliver("Orders", *mails(1, 2))
    sync(acme)
    orders = server.folders.pop("Orders")
    sync(acme)
    away = lies(acme)
    sync(acme)
    server.folders["Orders"] = orders

    sync(acme)

    assert (away, kept(acme)) == ([], ids(1, 2))
    assert lies(acme) == [("Orders", 1, 1), ("Orders", 1, 2)]
    assert missing(acme) == {"Orders": 0}


def test_mail_that_is_moved_or_copied_is_one_message(server: Server, acme: Health) -> None:
    server.deliver("INBOX", *mails(1, 2))
    sync(acme)
    server.expunge("INBOX", 1)
    server.deliver("Orders", a_mail(1))
    server.deliver("Zoe", a_mail(2))

    report = sync(acme)

    assert (report.new, report.known) == (0, 2)
    assert kept(acme) == ids(1, 2)
    assert lies(acme) == [("INBOX", 1, 2), ("Orders", 1, 1), ("Zoe", 1, 1)]
    assert set(missing(acme).values()) == {0}


def test_a_message_that_never_comes_is_skipped_and_not_missing(
    server: Server, acme: Health
) -> None:
    server.deliver("INBOX", *mails(1, 2, 3))
    server.fail(Fault("BODY.PEEK[]", without=(2,), times=ALWAYS))

    report = sync(acme)

    assert (report.new, report.skipped) == (2, 1)
    assert missing(acme) == {"INBOX": 0}


def test_mail_expunged_amid_reading_is_not_missing(server: Server, acme: Health) -> None:
    server.deliver("INBOX", *mails(1, 2, 3))
    server.fail(Fault("BODY.PEEK[]", meanwhile=lambda: server.expunge("INBOX", 3)))

    sync(acme)

    assert missing(acme) == {"INBOX": 0}


# A real server.


@pytest.mark.skipif(
    dovecot.PROGRAM is None, reason="no Dovecot here (Debian: apt install dovecot-imapd)"
)
def test_the_same_on_a_real_server(tmp_path: Path) -> None:
    with dovecot.running() as real, mailhealth.open(tmp_path / "acme.db") as health:
        health.connect("support", "imap", **real.settings("mei"))
        real.deliver("mei", "INBOX", *mails(1, 2, 3))
        real.admin("mailbox", "create", "-u", "mei", "Orders", "Twin")
        for name in ("Orders", "Twin"):  # two folders with equal numbers
            real.admin("mailbox", "update", "--uid-validity", "77", "-u", "mei", name)
        real.deliver("mei", "Orders", *mails(4, 5))
        real.deliver("mei", "Twin", *mails(6, 7))
        sync(health)
        at_first = _bodies_sent(real, 1)
        _change(real)

        report = sync(health)

        assert kept(health) == ids(1, 2, 3, 4, 5, 6, 7)
        assert (report.new, report.skipped) == (0, 0)
        assert lies(health, gone=True) == [("INBOX", lies(health, gone=True)[0][1], 2)]
        assert [each for each in lies(health) if each[0] != "INBOX"] == [
            *(("Twin", 77, 1), ("Twin", 77, 2)),
            *(("注文", 77, 1), ("注文", 77, 2)),
        ]
        assert [each[1] for each in lies(health) if each[0] == "INBOX"] == [78, 78]
        assert set(missing(health).values()) == {0}
        assert at_first == _bodies_sent(real, 3) == 7  # the second was folders() itself


def _change(real: Dovecot) -> None:
    real.expunge("mei", 2)
    real.admin("mailbox", "update", "--uid-validity", "78", "-u", "mei", "INBOX")
    real.admin("mailbox", "rename", "-u", "mei", "Orders", "注文")


def _bodies_sent(real: Dovecot, connections: int) -> int:
    """How many bodies left the server, as its own log counts them when a connection ends."""
    for _ in range(100):
        log = (real.folder / "log").read_text()
        told = [int(each.split()[0]) for each in log.split("body_count=")[1:]]
        if len(told) - log.count("Logged out") >= connections:
            break
        time.sleep(0.02)
    return sum(told)


# Whatever happens, in whatever order.


NAMES = ("INBOX", "Orders", "Zoe")
CHANGES = (
    "deliver",
    "deliver",
    "expunge",
    "move",
    "copy",
    "rename",
    "rename",
    "renumber",
    "sync",
    "kill",
)
STORY = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 9), st.integers(0, 9)), max_size=14
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(STORY)
def test_whatever_happens_there_all_that_was_seen_is_kept_once(
    story: list[tuple[str, int, int]],
) -> None:
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        serving(*map(Folder, NAMES)) as server,
        opened(server, Path(folder)) as health,
    ):
        patch.setattr(batches, "CHARACTERS", 1)  # every item is kept by itself
        patch.setattr(fetching, "GROUP_MESSAGES", 2)
        seen = set[str]()
        for number, (change, first, second) in enumerate(story):
            _happens(server, health, (change, number), (first, second))
            seen |= _there(server) if change == "sync" else set()
        sync(health)

        assert set(kept(health)) >= seen | _there(server)
        assert len(kept(health)) == len(set(kept(health)))
        assert lies(health) == sorted(
            (name, each.validity, uid)
            for name, each in server.folders.items()
            for uid in each.uids()
        )
        assert not any(missing(health).values())
    assert server.forbidden == []


def _there(server: Server) -> set[str]:
    contents = [each.content for folder in server.folders.values() for each in folder.messages]
    return {mailhealth.parse(content).mail.message_id or "" for content in contents}


def _happens(
    server: Server, health: Health, change: tuple[str, int], which: tuple[int, int]
) -> None:
    kind, number = change
    name = sorted(server.folders)[which[0] % 3]
    other = sorted(server.folders)[which[1] % 3]
    messages = server.folders[name].messages
    if kind == "deliver":
        server.deliver(name, a_mail(2 * number), a_mail(2 * number + 1))
    elif kind == "rename" and name != "INBOX":
        server.rename(name, f"{which[1]}-{name[-1]}{number}")
    elif kind == "renumber":
        server.renumber(name)
    elif kind == "sync":
        sync(health)
    elif kind == "kill":
        _killed(health, which[1])
    elif messages:
        _wanders(server, kind, (name, messages[which[1] % len(messages)]), other)


def _wanders(server: Server, kind: str, what: tuple[str, Message], other: str) -> None:
    """A message is expunged, moved or copied."""
    name, message = what
    if kind in ("move", "copy"):
        server.deliver(other, message.content, at=message.at)
    if kind in ("move", "expunge"):
        server.expunge(name, message.uid)


def _killed(health: Health, after: int) -> None:
    """Sync, and interrupt that after so many transactions."""
    left = iter(range(after))

    def interrupt(*_: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    with suppress(KeyboardInterrupt):
        health.sync(as_of=AS_OF, progress=interrupt)


# Several mailboxes, and ends in between.


def test_a_mailbox_that_fails_does_not_hold_back_the_others(tmp_path: Path) -> None:
    with serving() as one, serving() as two, serving() as three:
        for number, server in enumerate((one, two, three)):
            server.deliver("INBOX", *mails(number * 2, number * 2 + 1))
        two.fail(Fault("AUTHENTICATE", answers=WRONG))
        with mailhealth.open(tmp_path / "acme.db") as health:
            for name, server in (("one", one), ("two", two), ("three", three)):
                health.connect(name, "imap", **server.settings())
            reports = {each.source: each for each in health.sync(as_of=AS_OF).sources}
            first = kept(health)
            health.sync(as_of=AS_OF)

            assert first == ids(0, 1, 4, 5)
            assert kept(health) == ids(0, 1, 2, 3, 4, 5)
    assert [reports[name].error is None for name in ("one", "two", "three")] == [True, False, True]
    assert "refused the login" in (reports["two"].error or "")


def test_an_interrupted_sync_leaves_a_database_from_which_the_next_completes(
    server: Server, acme: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "CHARACTERS", 1)
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 2)
    server.deliver("INBOX", *mails(*range(9)))
    threads = threading.active_count()

    for after in (0, 1, 4, 6):
        _killed(acme, after)
    sync(acme)

    assert kept(acme) == ids(*range(9))
    assert missing(acme) == {"INBOX": 0}
    assert threading.active_count() <= threads + 4  # they end when they see that nobody listens


KILLED = """
import sys, mailhealth
from mailhealth.health import Health, batches
from mailhealth.readers.imap import fetching
Health.read_texts = Health.update = lambda *_, **__: 0
fetching.GROUP_MESSAGES, batches.CHARACTERS = 5, 20_000
with mailhealth.open(sys.argv[1]) as health:
    health.sync(as_of="2026-11-01T00:00:00Z")
"""


def test_a_process_killed_at_any_moment_loses_and_doubles_nothing(
    server: Server, tmp_path: Path
) -> None:
    server.deliver("INBOX", *mails(*range(100)))
    with opened(server, tmp_path):
        pass
    chance = random.Random(7)
    for _ in range(5):
        command = [sys.executable, "-c", KILLED, str(tmp_path / "acme.db")]
        with subprocess.Popen(command) as process:
            kill = threading.Timer(chance.uniform(0, 0.03), process.kill)
            server.faults.clear()
            server.fail(Fault("BODY.PEEK[]", after=chance.randrange(4), meanwhile=kill.start))
        assert process.returncode == -signal.SIGKILL
    server.faults.clear()

    with opened(server, tmp_path) as health:
        sync(health)

        assert kept(health) == ids(*range(100))
        assert missing(health) == {"INBOX": 0}
        with closing(health.db.conn.execute("pragma integrity_check")) as told:
            assert told.fetchone() == ("ok",)
