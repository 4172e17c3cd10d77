"""The IMAP reader and everything that a server can do wrong: no mail lost, none doubled."""

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage, Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailhealth
from mailhealth import health, mime
from mailhealth.errors import BadSource, LoginRefused
from mailhealth.mime import body
from mailhealth.readers import imap
from mailhealth.readers.imap import account, connection, faults, fetching, folders, idle, parts
from mailhealth.readers.imap.connection import ALLOWED, Mailbox
from mailhealth.records import Mail, Mark, Present, Raw, Skipped
from mailhealth.sources.reading import NothingKept
from tests import dovecot, imap_server
from tests.dovecot import Dovecot
from tests.imap_server import (
    ALWAYS,
    BARE,
    GENERAL,
    GOOGLE,
    GREETING,
    LIMIT,
    OVERQUOTA,
    THROTTLED,
    UNAVAILABLE,
    WRONG,
    Fault,
    Folder,
    Provider,
    Server,
    serving,
)

BODIES = "(RFC822.SIZE INTERNALDATE BODY.PEEK[])"
LISTING = "(RFC822.SIZE)"
BYE = b"* BYE Session invalidated - AccessTokenExpired\r\n"


def a_mail(number: int, size: int = 0) -> bytes:
    lines = f"Where is order {number}?\r\n" + ("y" * 70 + "\r\n") * (size // 72)
    header = f"Message-ID: <{number}@hoshino.example>\r\nSubject: Order {number}\r\n\r\n"
    return (header + lines).encode()


def mails(*numbers: int) -> list[bytes]:
    return [a_mail(number) for number in numbers]


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits in these tests; how long they would have is told."""
    told: list[float] = []
    monkeypatch.setattr(connection, "time", SimpleNamespace(sleep=told.append))
    return told


@pytest.fixture
def server() -> Iterator[Server]:
    """Five mails in an INBOX, on a server to which nothing may be sent that changes anything."""
    with serving(Folder("INBOX", validity=7)) as running:
        running.deliver("INBOX", *mails(1, 2, 3, 4, 5))
        yield running
    assert running.forbidden == []


def read(server: Server, cursors: dict[str, str] | None = None, **more: str) -> list[Any]:
    return list(imap.read(server.settings() | more, cursors or {}, NothingKept()))


def bodies(yielded: Sequence[object]) -> list[bytes]:
    return [each.content for each in yielded if isinstance(each, Raw)]


def cursors_of(yielded: Sequence[object]) -> dict[str, str]:
    return {each.place: each.cursor for each in yielded if isinstance(each, Mark)}


def skipped(yielded: Sequence[object]) -> list[int]:
    return [each.spot.uid for each in yielded if isinstance(each, Skipped) and each.spot]


def asked(server: Server, *words: str) -> list[str]:
    return [line for line in server.commands if any(word in line for word in words)]


def until_it_breaks(server: Server, sentence: str, cursors: dict[str, str], **more: str) -> list:
    yielded: list[object] = []
    reading = imap.read(server.settings() | more, cursors, NothingKept())
    with pytest.raises(BadSource, match=sentence):
        yielded.extend(reading)  # a list keeps what came before the end
    return yielded


# What passes: the connection is lost, or the server is busy.


LOSSES: dict[str, dict[str, Any]] = {
    "says goodbye": {"says": BYE, "closes": True},
    "closes": {"closes": True},
    "is silent": {"silent": True},
    "sends a line without end": {"endless": True},
    "sends half a line": {"says": b"* 1 FET", "closes": True},
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize(
    "word", ["LIST", "NAMESPACE", "STATUS", "EXAMINE", "UID SEARCH", LISTING, BODIES]
)
def test_a_lost_connection_costs_no_mail(
    server: Server, monkeypatch: pytest.MonkeyPatch, word: str, loss: dict[str, Any]
) -> None:
    monkeypatch.setattr(connection, "SILENCE_S", 0.2 if "silent" in loss else 9)
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 2)
    server.fail(Fault(word, after=word == BODIES, **loss))

    yielded = read(server)

    assert bodies(yielded) == mails(1, 2, 3, 4, 5)
    assert skipped(yielded) == []
    assert cursors_of(yielded) == {"imap:INBOX": "7:5:5:6"}


@pytest.mark.parametrize("octets", [0, 1, 40, 10_000])
def test_a_cut_inside_a_literal_never_gives_half_a_mail(server: Server, octets: int) -> None:
    server.fail(Fault(BODIES, cut=octets, times=2))

    assert bodies(read(server)) == mails(1, 2, 3, 4, 5)


def test_a_server_that_was_away_while_the_only_mail_came_has_not_damaged_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 1)
    server.fail(Fault(BODIES, closes=True), Fault(GREETING, after=1, times=3, closes=True))

    yielded = read(server)

    assert bodies(yielded) == mails(1, 2, 3, 4, 5)
    assert skipped(yielded) == []


def test_a_greeting_that_says_goodbye_is_waited_for_once_the_server_was_there(
    server: Server,
) -> None:
    server.fail(Fault(BODIES, closes=True))
    server.fail(Fault(GREETING, after=1, times=2, says=b"* BYE shutting down\r\n", closes=True))

    assert bodies(read(server)) == mails(1, 2, 3, 4, 5)


@pytest.mark.parametrize("answer", [LIMIT, UNAVAILABLE, "NO Server Unavailable. 15"])
@pytest.mark.parametrize("word", ["LIST", "STATUS", "EXAMINE", "UID SEARCH", LISTING, BODIES])
def test_a_busy_server_is_waited_for(server: Server, word: str, answer: str) -> None:
    server.fail(Fault(word, answers=answer, times=5))

    yielded = read(server)

    assert bodies(yielded) == mails(1, 2, 3, 4, 5)
    assert skipped(yielded) == []
    assert server.connections == 1


def test_a_hint_how_long_to_wait_is_followed(server: Server, waits: list[float]) -> None:
    server.fail(Fault(BODIES, answers=THROTTLED, times=5))

    assert bodies(read(server)) == mails(1, 2, 3, 4, 5)
    assert waits == [0.3] * 5


@given(st.integers(1, 999_999_999), st.integers(1, 5_000))
def test_a_wait_is_never_longer_than_five_minutes(hint: int, attempt: int) -> None:
    told = faults.pause(OSError("gone"), attempt)
    hinted = faults.pause(OSError(f"Suggested Backoff Time: {hint} milliseconds"), attempt)

    assert told is not None
    assert hinted == min(hint / 1000, 300)
    assert 0 < told <= 300


def test_a_spent_quota_ends_with_a_sentence_and_the_next_run_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 2)
    server.fail(Fault(BODIES, after=1, answers=OVERQUOTA))

    first = until_it_breaks(server, "gives no more today", {})
    rest = read(server, cursors_of(first))

    assert bodies(first) == mails(1, 2)
    assert bodies(rest) == mails(3, 4, 5)
    assert skipped([*first, *rest]) == []


@pytest.mark.parametrize("word", ["STATUS", "EXAMINE"])
def test_a_spent_quota_is_no_folder_that_cannot_be_opened(server: Server, word: str) -> None:
    server.fail(Fault(word, answers=OVERQUOTA))

    assert bodies(until_it_breaks(server, "gives no more today", {})) == []


def test_a_folder_numbered_anew_amid_reading_ends_the_run_and_the_next_reads_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 2)
    server.fail(Fault(BODIES, after=1, meanwhile=lambda: server.renumber("INBOX")))

    first = until_it_breaks(server, "numbered the folder 'INBOX' anew", {})
    rest = read(server, cursors_of(first))

    assert bodies(first) == mails(1, 2)
    assert bodies(rest) == mails(1, 2, 3, 4, 5)
    assert cursors_of(rest) == {"imap:INBOX": "8:5:5:6"}


# Logging in.


@pytest.mark.parametrize(
    ("provider", "word"), [(BARE, "LOGIN"), (GENERAL, "AUTHENTICATE")], ids=["LOGIN", "PLAIN"]
)
@pytest.mark.parametrize("answer", [UNAVAILABLE, LIMIT, THROTTLED])
def test_a_server_busy_at_login_is_not_taken_for_a_wrong_password(
    provider: Provider, word: str, answer: str
) -> None:
    with serving(Folder("INBOX"), provider=provider) as server:
        server.deliver("INBOX", a_mail(1))
        server.fail(Fault(word, answers=answer, times=3))

        assert bodies(read(server)) == mails(1)
        assert len(asked(server, word)) == 4


@pytest.mark.parametrize(
    ("provider", "word"), [(BARE, "LOGIN"), (GENERAL, "AUTHENTICATE")], ids=["LOGIN", "PLAIN"]
)
@pytest.mark.parametrize(
    "answer",
    [
        WRONG,
        f"{WRONG}, please try again later",
        "NO [UNAVAILABLE] too many failed attempts, try again in 5 minutes",
        "NO incorrect password, try again",
    ],
)
def test_a_password_that_is_refused_is_sent_once(
    server: Server, provider: Provider, word: str, answer: str
) -> None:
    server.provider = provider
    server.fail(Fault(word, answers=answer), Fault(word, after=1, answers=answer, times=ALWAYS))
    server.fail(Fault(BODIES, closes=True))

    for logins in (1, 3):  # at first, and when the connection was lost
        with pytest.raises(LoginRefused, match="refused the login"):
            read(server)
        assert len(asked(server, word)) == logins


@pytest.mark.parametrize("user", ["mei hoshino", r"mei@a.example\shared", 'mei "m"', "me(i)", "*"])
def test_any_user_name_can_log_in_where_login_is_all_there_is(user: str) -> None:
    with serving(Folder("INBOX"), provider=BARE) as server:
        server.deliver("INBOX", a_mail(1))
        server.passwords[user] = imap_server.PASSWORD
        settings = server.settings(user)

        assert bodies(list(imap.read(settings, {}, NothingKept()))) == mails(1)


def test_no_command_hides_behind_a_line_break_in_a_user_name() -> None:
    with serving(Folder("INBOX"), provider=BARE) as server:
        settings = server.settings() | {"user": "mei\r\nA1 DELETE INBOX"}

        with pytest.raises(BadSource, match="it was not sent"):
            list(imap.read(settings, {}, NothingKept()))

        assert server.commands == ["CAPABILITY"]


# One message that the server never gives.


DAMAGES: dict[str, dict[str, Any]] = {
    "breaks off": {"closes": True},
    "says no": {"answers": "NO [SERVERBUG] cannot read"},
    "says it is bad": {"answers": "BAD internal error"},
    "talks nonsense": {"says": b"* 3 FETCH (UID\r\n"},
    "talks worse nonsense": {"says": b"\x00\xff{9}\r\n"},
    "cuts it": {"cut": 5},
    "sends a line without end": {"endless": True},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("uid", [1, 3, 5])
def test_a_message_that_never_comes_is_told_and_the_others_are_read(
    server: Server, uid: int, damage: dict[str, Any]
) -> None:
    for uids in ("1,2,3,4,5", str(uid)):
        server.fail(Fault(f"UID FETCH {uids} {BODIES}", times=ALWAYS, **damage))

    yielded = read(server)

    assert bodies(yielded) == mails(*({1, 2, 3, 4, 5} - {uid}))
    assert skipped(yielded) == [uid]
    assert cursors_of(yielded) == {"imap:INBOX": "7:5:5:6"}


@pytest.mark.parametrize("damage", [{"closes": True}, {"answers": "NO [SERVERBUG] cannot read"}])
def test_a_message_whose_size_cannot_be_told_is_read_all_the_same(
    server: Server, damage: dict[str, Any]
) -> None:
    for uids in ("1,2,3,4,5", "3"):
        server.fail(Fault(f"UID FETCH {uids} {LISTING}", times=ALWAYS, **damage))

    assert bodies(read(server)) == mails(1, 2, 3, 4, 5)


def test_a_message_left_out_of_an_answer_is_asked_for_again(server: Server) -> None:
    server.fail(Fault(BODIES, without=(2, 5)))

    assert sorted(bodies(read(server))) == mails(1, 2, 3, 4, 5)


def test_a_message_always_left_out_is_told(server: Server) -> None:
    server.fail(Fault(BODIES, without=(2, 5), times=ALWAYS))

    yielded = read(server)

    assert bodies(yielded) == mails(1, 3, 4)
    assert skipped(yielded) == [2, 5]


def test_a_folder_that_cannot_be_opened_does_not_hold_back_the_next(server: Server) -> None:
    server.folders["Zoe"] = Folder("Zoe")
    server.deliver("Zoe", a_mail(9))
    server.fail(Fault("EXAMINE INBOX", answers="NO [NOPERM] not yours", times=ALWAYS))

    yielded = read(server)

    assert bodies(yielded) == mails(9)
    (told,) = [each for each in yielded if isinstance(each, Skipped)]
    assert told.place == "imap:INBOX"
    assert "the server does not open it" in told.why


# What servers say unasked.


def test_what_is_told_of_flags_meanwhile_is_no_message(server: Server) -> None:
    unasked = b"* 2 FETCH (FLAGS (\\Seen))\r\n* 9 FETCH (UID 99 FLAGS (\\Seen))\r\n* 5 EXISTS\r\n"
    server.fail(Fault("UID FETCH", says=unasked, times=ALWAYS))
    server.fail(Fault("UID SEARCH", says=unasked, times=ALWAYS))

    yielded = read(server)

    assert bodies(yielded) == mails(1, 2, 3, 4, 5)
    assert skipped(yielded) == []


def test_mail_expunged_and_mail_that_came_meanwhile_are_reconciled(server: Server) -> None:
    def meanwhile() -> None:
        server.expunge("INBOX", 4)
        server.deliver("INBOX", a_mail(6))

    server.fail(Fault(BODIES, meanwhile=meanwhile))

    first = read(server)
    rest = read(server, cursors_of(first))

    assert bodies(first) == mails(1, 2, 3, 5)
    assert skipped(first) == [4]
    assert [each.uids for each in first if isinstance(each, Present)] == [((1, 3), (5, 5))]
    assert bodies(rest) == mails(6)


def test_a_quirk_of_searching_above_the_last_number_brings_nothing_twice(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_next_uid(monkeypatch)  # then it is searched every time, and "6:*" finds 5
    first = read(server)

    again = read(server, cursors_of(first))

    assert bodies(first) == mails(1, 2, 3, 4, 5)
    assert bodies(again) == []
    assert asked(server, "UID 6:*")


def _without_next_uid(monkeypatch: pytest.MonkeyPatch) -> None:
    told: Callable[..., folders.Folder] = folders._with
    monkeypatch.setattr(folders, "_with", lambda *words: replace(told(*words), next_uid=0))


def test_a_server_that_does_not_say_which_number_comes_next_is_reconciled_every_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_next_uid(monkeypatch)
    first = read(server)
    server.expunge("INBOX", 2)
    server.deliver("INBOX", a_mail(6))

    rest = read(server, cursors_of(first))

    assert bodies(rest) == mails(6)
    assert [each.uids for each in rest if isinstance(each, Present)] == [((1, 1), (3, 6))]


@pytest.mark.parametrize("told", [True, False])
def test_two_hundred_thousand_numbers_are_searched_in_ranges(
    server: Server, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    inbox, first = server.folders["INBOX"], 1_000_000
    inbox.messages = [imap_server.Message(first + n, 1, b"", 0) for n in range(200_000)]
    inbox.next_uid = first + 200_000
    if not told:
        _without_next_uid(monkeypatch)
    mailbox = Mailbox(account.account(server.settings()), server.settings())
    folder = folders.opened(mailbox, folders.Folder("INBOX"))

    found = list(fetching.uids(mailbox, folder, first + 9))
    mailbox.close()

    assert [uid for some in found for uid in some] == [*range(first + 10, first + 200_000)]
    assert max(map(len, found)) <= fetching.SEARCHED_AT_ONCE
    assert server.connections == 1


# Kinds of servers.


def test_of_gmail_only_the_folder_of_all_mail_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health.Health, "read_texts", lambda *_, **__: 0)
    everything = Folder("[Gmail]/すべてのメール", (r"\All",))
    others = (Folder("INBOX"), Folder("[Gmail]", (r"\Noselect",)), Folder("得意先"))
    bin_ = Folder("[Gmail]/ゴミ箱", (r"\Trash",))
    labels = (r"\Inbox", "R&D", "得意先")
    with serving(*others, everything, bin_, provider=GOOGLE) as server:
        dated = b"Date: Mon, 2 Nov 2026 10:00:00 +0900\r\nFrom: mei@hoshino.example\r\n"
        for name in ("INBOX", everything.name):
            server.deliver(name, dated + a_mail(1), gm_thrid=77, labels=labels)
        server.deliver(everything.name, dated + a_mail(2), gm_thrid=77)
        server.deliver(bin_.name, dated + a_mail(3))
        with mailhealth.open(tmp_path / "acme.db") as acme:
            acme.connect("support", "imap", **server.settings())
            report = acme.sync(as_of="2026-12-01")
            kept = list(acme.db.query("select thread, labels from messages order by subject"))

    assert report.sources[0].error is None
    assert asked(server, "EXAMINE") == ['EXAMINE "[Gmail]/&MFkweTBmMG4w4TD8MOs-"']
    assert len(kept) == 2
    assert kept[0]["thread"] == kept[1]["thread"]
    assert kept[0]["labels"] == '["Inbox", "R&D", "得意先"]'
    assert server.forbidden == []


@pytest.mark.parametrize("told", [b"NIL", b"17", b"(17)", b'("&&" "&AGQ" {1}\r\nx)', b"((a))"])
def test_strange_labels_cost_no_mail(told: bytes) -> None:
    with serving(Folder("All", (r"\All",)), provider=GOOGLE) as server:
        server.deliver("All", a_mail(1))
        extra = b"* 1 FETCH (UID 1 X-GM-LABELS " + told + b" BODY[] {5}\r\nA: b\n)\r\n"
        server.fail(Fault("BODY.PEEK[]", says=extra, answers="OK done", times=ALWAYS))

        (body,) = bodies(read(server))

    assert body.endswith(b"A: b\n")
    assert (b'X-Gmail-Labels: "17"' in body) == (told == b"(17)")


def test_a_server_without_flags_for_folders_is_understood_by_their_names() -> None:
    courier = Provider("IMAP4rev1 UIDPLUS CHILDREN NAMESPACE", "IMAP4rev1 UIDPLUS NAMESPACE")
    names = ("INBOX", "INBOX.Kunden", "INBOX.Trash", "INBOX.Trash.Alt", "INBOX.Sent")
    with serving(*map(Folder, names), provider=courier) as server:
        server.delimiter, server.prefix = ".", "INBOX."
        for number, name in enumerate(names):
            server.deliver(name, a_mail(number))

        yielded = read(server)
        seen = {each.name: each.why for each in imap.look(server.settings())}

    assert bodies(yielded) == mails(0, 4, 1)
    assert seen == {
        **dict.fromkeys(("INBOX", "INBOX.Sent", "INBOX.Kunden"), ""),
        **dict.fromkeys(("INBOX.Trash", "INBOX.Trash.Alt"), "what was thrown away"),
    }


NAMES = ['say "hi"', r"back\slash", "R&D", "a,b", "得意先/東京", "50% (old)", "*", "x{1}", "2024"]


def test_folders_may_be_called_anything() -> None:
    with serving(*map(Folder, NAMES)) as server:
        for number, name in enumerate(NAMES):
            server.deliver(name, a_mail(number))

        first = read(server)
        again = read(server, cursors_of(first))

    assert sorted(bodies(first)) == mails(*range(len(NAMES)))
    assert set(cursors_of(first)) == {f"imap:{name}" for name in NAMES}
    assert again == []
    assert server.forbidden == []


def test_folders_of_other_people_are_left_out() -> None:
    told = b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("&Rm9PFg-/" "/")("" "/"))\r\n'
    with serving(Folder("INBOX"), Folder("Other Users/tom"), Folder("䙯伖/all")) as server:
        for name in server.folders:
            server.deliver(name, a_mail(len(name)))
        server.fail(Fault("NAMESPACE", says=told, answers="OK done", times=ALWAYS))

        assert bodies(read(server)) == mails(len("INBOX"))


# Nothing that could change a mailbox is ever sent.


WORDS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12)
VERBS = st.sampled_from(["SELECT", "STORE", "EXPUNGE", "APPEND", "CLOSE", "COPY", "MOVE", "DELETE"])


@given(VERBS | WORDS, st.sampled_from(["", "UID ", " ", "uid "]), st.sampled_from(["", "\r\n"]))
def test_no_other_command_is_ever_sent(word: str, before: str, end: str) -> None:
    line = f"ABCD12 {before}{word} 1 x{end}".encode()

    if word in ALLOWED - {"FETCH"} and before in ("", "UID "):
        assert connection._allowed(line, b"ABCD") == line
    else:
        with pytest.raises(BadSource, match="it was not sent"):
            connection._allowed(line, b"ABCD")


MARKS = ["BODY[]", "BODY[TEXT]", "RFC822", "RFC822.TEXT", "BINARY[1]", "BODY[]<0.9>", "body[]"]
READS = ["UID", "RFC822.SIZE", "BODY.PEEK[]", "BODY.PEEK[1.MIME]", "BODYSTRUCTURE", "INTERNALDATE"]


@given(st.lists(st.sampled_from(READS)), st.sampled_from(MARKS), st.lists(st.sampled_from(READS)))
def test_no_fetch_that_marks_a_message_is_ever_sent(
    before: list[str], marking: str, after: list[str]
) -> None:
    line = f"ABCD12 UID FETCH 1,2 ({' '.join([*before, marking, *after])})\r\n".encode()

    with pytest.raises(BadSource, match="FETCH could change the mailbox"):
        connection._allowed(line, b"ABCD")


@given(st.lists(st.sampled_from(READS), min_size=1))
def test_a_fetch_that_only_reads_is_sent(items: list[str]) -> None:
    line = f"ABCD12 UID FETCH 1,2 ({' '.join(items)})\r\n".encode()

    assert connection._allowed(line, b"ABCD") == line


@given(st.sampled_from(sorted(ALLOWED)), st.sampled_from(["\r\n", "\n", "\r"]))
def test_no_command_hides_behind_another(word: str, end: str) -> None:
    with pytest.raises(BadSource, match="it was not sent"):
        connection._allowed(f"ABCD12 {word} x{end}ABCD13 DELETE INBOX\r\n".encode(), b"ABCD")


# Waiting for mail.


@dataclass(slots=True)
class Watch:
    """What a thread that waits for mail has told: a moment for each arrival, then its end."""

    stop: threading.Event
    told: "queue.Queue[float | Exception | None]"
    thread: threading.Thread

    def next(self, within: float = 30.0) -> None:
        """Wait for the next arrival; raises what ended the watch."""
        told = self.told.get(timeout=within)
        if isinstance(told, Exception):
            raise told
        assert told is not None

    def silent(self, seconds: float = 0.3) -> bool:
        time.sleep(seconds)
        return self.told.empty()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watch]]:
    """Start to wait for mail in a mailbox; its first arrival, when it is reached, is awaited."""
    monkeypatch.setattr(faults, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(idle, "TICK_S", 0.2)
    running: list[Watch] = []

    def started(settings: dict[str, str], *, wait: bool = True) -> Watch:
        told: queue.Queue[float | Exception | None] = queue.Queue()
        stop = threading.Event()
        thread = threading.Thread(target=_watch, args=(settings, stop, told), daemon=True)
        running.append(Watch(stop, told, thread))
        thread.start()
        if wait:
            running[-1].next()
        return running[-1]

    yield started
    for watch in running:
        watch.stop.set()
        watch.thread.join(3)
        assert not watch.thread.is_alive()


def _watch(settings: dict[str, str], stop: threading.Event, told: "queue.Queue[Any]") -> None:
    try:
        for _ in idle.arrivals(settings, stop):
            told.put(time.monotonic())
    except Exception as error:  # the test's thread is to see it
        told.put(error)
    told.put(None)


Start = Callable[..., Watch]


def test_a_mail_is_told_as_soon_as_it_comes(server: Server, watched: Start) -> None:
    watch = watched(server.settings())
    _until(lambda: "IDLE" in server.commands)

    server.deliver("INBOX", a_mail(6))
    watch.next()
    _until(lambda: server.commands.count("IDLE") == 2)
    server.expunge("INBOX", 1)
    watch.next()
    server.flag("INBOX", 2, "Seen")

    assert watch.silent()


def _until(happens: Callable[[], bool], within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_mail_that_comes_while_another_is_dealt_with_is_told(server: Server) -> None:
    arrivals = idle.arrivals(server.settings(), threading.Event())
    next(arrivals)
    server.deliver("INBOX", a_mail(6))

    next(arrivals)
    server.deliver("INBOX", a_mail(7))
    next(arrivals)

    assert server.connections == 1
    arrivals.close()


def test_news_told_before_the_server_idles_are_not_lost(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "FIRST_WAIT_S", 0.02)
    server.fail(Fault("IDLE", says=b"* 6 EXISTS\r\n"))
    arrivals = idle.arrivals(server.settings(), threading.Event())

    next(arrivals)
    next(arrivals)

    assert server.connections == 2
    arrivals.close()


@pytest.mark.parametrize("says", [b"", b"* BYE Session invalidated"])
def test_a_lost_watch_is_taken_up_again_and_what_came_meanwhile_is_told(
    server: Server, watched: Start, says: bytes
) -> None:
    watch = watched(server.settings())
    _until(lambda: "IDLE" in server.commands)
    server.fail(Fault(GREETING, closes=True, times=3), Fault("EXAMINE", closes=True))

    server.drop(says)
    server.deliver("INBOX", a_mail(6))
    watch.next()
    _until(lambda: server.commands.count("IDLE") == 2)
    server.deliver("INBOX", a_mail(7))
    watch.next()

    assert server.connections == 6


def test_a_server_that_cannot_tell_is_asked(
    server: Server, watched: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "POLL_S", 0.05)
    server.provider = BARE
    watch = watched(server.settings())

    assert watch.silent()
    server.deliver("INBOX", a_mail(6))
    watch.next()

    assert "IDLE" not in server.commands


@pytest.mark.parametrize("at_first", [True, False])
def test_a_watch_whose_login_is_refused_ends_and_never_asks_again(
    server: Server, watched: Start, at_first: bool
) -> None:
    server.fail(Fault("AUTHENTICATE", after=not at_first, answers=WRONG, times=ALWAYS))
    watch = watched(server.settings(), wait=not at_first)
    server.drop()

    with pytest.raises(LoginRefused):
        watch.next()

    watch.thread.join(2)
    assert len(asked(server, "AUTHENTICATE")) == 2 - at_first


@pytest.mark.parametrize(
    "fault",
    [
        Fault("DONE", silent=True, times=ALWAYS),
        Fault("EXAMINE", after=1, answers="NO [SERVERBUG] never", times=ALWAYS),
        Fault("EXAMINE", after=1, answers=THROTTLED.replace("300", "300000"), times=ALWAYS),
    ],
    ids=["deaf", "refuses", "busy"],
)
def test_a_watch_stops_within_three_seconds(server: Server, watched: Start, fault: Fault) -> None:
    server.fail(fault)
    watch = watched(server.settings())
    time.sleep(0.3)

    begun = time.monotonic()
    watch.stop.set()
    watch.thread.join(5)

    assert time.monotonic() - begun < 3


def test_a_mail_on_a_real_server_is_told_within_two_seconds(real: Dovecot, watched: Start) -> None:
    real.deliver("watched", "INBOX", a_mail(1))
    watch = watched(real.settings("watched"))
    time.sleep(0.5)  # it begins to idle

    real.deliver("watched", "INBOX", a_mail(2))
    watch.next(within=2)
    real.admin("kick", "watched")
    watch.next()
    time.sleep(0.5)
    real.expunge("watched", 1)
    watch.next()

    assert watch.silent()


# Not more than a day's measure.


def test_a_days_measure_is_kept_over_several_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_BYTES", 700_000)
    large = [a_mail(number, 600_000) for number in range(6, 10)]
    server.deliver("INBOX", *large)
    sentence = r"today's 1 MB are read.*tomorrow's run goes on"
    measure = {"daily_megabytes": "1"}

    first = until_it_breaks(server, sentence, {}, **measure)
    at_once = len(server.commands)
    second = until_it_breaks(server, sentence, cursors_of(first), **measure)
    after = len(server.commands)
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    third = until_it_breaks(
        server, sentence, cursors_of(first) | {imap.TODAY: f"{yesterday}:1200000"}, **measure
    )

    assert bodies(first) == [*mails(1, 2, 3, 4, 5), *large[:2]]
    assert (second, after) == ([], at_once)
    assert bodies(third) == large[2:]


# A message too large to carry whole, on a real server.


@pytest.fixture(scope="module")
def real() -> Iterator[Dovecot]:
    if dovecot.PROGRAM is None:
        pytest.skip("no Dovecot here (Debian: apt install dovecot-imapd)")
    with dovecot.running() as running:
        yield running


def a_letter(text: str = "拝啓 Where is order 7?") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Mei Hoshino <mei@hoshino.example>", "support@example.com"
    mail["Subject"], mail["Message-ID"] = "納期の件", "<7@hoshino.example>"
    mail.set_content(text)
    return mail


def with_alternative_and_attachments() -> Message:
    mail = a_letter()
    mail.add_alternative("<p>拝啓 Where is <b>order 7</b>?</p>", subtype="html")
    mail.add_attachment(
        b"\x00%PDF" * 6_000, maintype="application", subtype="pdf", filename="見.pdf"
    )
    mail.add_attachment("a;b\n" * 5_000, subtype="csv", filename="orders.csv")
    mail.add_attachment("not to be read\n" * 2_000, filename="notes.txt")
    return mail


def with_a_forwarded_mail() -> Message:
    mail, inner = a_letter(), a_letter("the older words\n" * 2_000)
    inner.replace_header("Subject", "the older subject")
    mail.add_attachment(inner)
    return mail


def of_one_pdf() -> Message:
    mail = a_letter()
    mail.set_content(b"%PDF" * 9_000, maintype="application", subtype="pdf", filename="a.pdf")
    return mail


def of_one_text(encoding: str) -> Callable[[], Message]:
    def made() -> Message:
        mail = a_letter()
        words = "".join(f"{n} 注文はどこですか? 50% = half\n" for n in range(2_000))
        mail.set_content(words, cte=encoding)
        return mail

    return made


def of_plain_words_alone() -> Message:
    mail = a_letter("Where is order 7?\n" * 4_000)
    for name in ("MIME-Version", "Content-Type", "Content-Transfer-Encoding"):
        del mail[name]
    return mail


LARGE = {
    "several": with_alternative_and_attachments,
    "forwarded": with_a_forwarded_mail,
    "pdf": of_one_pdf,
    "base64": of_one_text("base64"),
    "quoted": of_one_text("quoted-printable"),
    "8bit": of_one_text("8bit"),
    "words": of_plain_words_alone,
}


@pytest.mark.parametrize("user", LARGE)
def test_of_a_large_message_the_same_words_are_read(
    real: Dovecot, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    monkeypatch.setattr(fetching, "GROUP_BYTES", 9_000)
    monkeypatch.setattr(fetching, "LARGE", 10_000)
    monkeypatch.setattr(parts, "ENOUGH", 20_000)
    monkeypatch.setattr(parts, "SLICE", 9_999)
    monkeypatch.setattr(body, "LARGEST_PART", 20_000)
    content = re.sub(rb"\r?\n", b"\r\n", LARGE[user]().as_bytes())
    real.deliver(user, "INBOX", content)

    (read,) = (
        each
        for each in imap.read(real.settings(user), {}, NothingKept())
        if isinstance(each, (Raw, Skipped))
    )

    whole, rebuilt = mime.parse(content), mime.parse(read.content)
    assert (rebuilt.text, rebuilt.subject) == (whole.text, whole.subject)
    assert (rebuilt.message_id, rebuilt.parts) == (whole.message_id, whole.parts)
    assert [each.name for each in rebuilt.attachments] == [each.name for each in whole.attachments]
    assert _sizes(rebuilt) == pytest.approx(_sizes(whole), rel=0.03)
    assert len(read.content) < len(content)


def _sizes(mail: Mail) -> list[int]:
    return [each.size for each in mail.attachments]


@pytest.mark.parametrize(
    "told",
    [
        b"NIL",
        b"()",
        b'(() "mixed")',
        b'(("text" "plain" NIL NIL NIL "7bit" 9 1))',
        b'("text" "plain")',
        b"17",
    ],
)
def test_a_large_message_that_is_not_described_gives_its_headers(
    server: Server, monkeypatch: pytest.MonkeyPatch, told: bytes
) -> None:
    monkeypatch.setattr(fetching, "GROUP_BYTES", 9_000)
    monkeypatch.setattr(fetching, "LARGE", 10_000)
    server.deliver("INBOX", a_mail(6, 30_000))
    header = a_mail(6).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    answer = b"* 6 FETCH (UID 6 BODYSTRUCTURE %s BODY[HEADER] {%d}\r\n%s)\r\n"
    answer %= (told, len(header), header)
    server.fail(Fault("BODYSTRUCTURE", says=answer, answers="OK done", times=ALWAYS))

    yielded = read(server)

    assert bodies(yielded)[:5] == mails(1, 2, 3, 4, 5)
    assert b"Message-ID: <6@hoshino.example>" in bodies(yielded)[5]
    assert cursors_of(yielded)["imap:INBOX"].startswith("7:6:6:")


def test_a_large_message_whose_words_do_not_come_is_told(
    real: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_BYTES", 9_000)
    monkeypatch.setattr(fetching, "LARGE", 10_000)
    given_: Callable[..., Any] = fetching._given

    def failing(*words: Any) -> Any:
        return {} if "BODY.PEEK[1]<0.1048576>" in words[3] else given_(*words)

    monkeypatch.setattr(fetching, "_given", failing)
    real.deliver("wordless", "INBOX", of_plain_words_alone().as_bytes())

    _, read, note, *_ = imap.read(real.settings("wordless"), {}, NothingKept())

    assert isinstance(read, Raw)
    assert isinstance(note, Skipped)
    assert "only its headers" in note.why
