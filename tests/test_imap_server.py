"""The IMAP server that fails when told to, as the clients of imaplib and IMAPClient see it."""

import base64
import imaplib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import imapclient
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient import exceptions
from imapclient.imapclient import SENT

from tests import imap_server
from tests.imap_server import (
    ALWAYS,
    BARE,
    EXPIRED,
    GOOGLE,
    GREETING,
    LIMIT,
    MICROSOFT,
    OVERQUOTA,
    PASSWORD,
    THROTTLED,
    TOKEN,
    UNAVAILABLE,
    USER,
    WRONG,
    Fault,
    Folder,
    Server,
    serving,
)

ONE = b"Subject: one\r\nTo: a@example.com,\r\n b@example.com\r\nX-Not: asked\r\n\r\nHello\r\n"
TWO = b"Subject: two\r\n\r\n{3}\r\nworld\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@contextmanager
def client_of(server: Server, login: bool = True) -> Iterator[imapclient.IMAPClient]:
    """An IMAPClient that hangs up without a word, whatever has happened."""
    client = imapclient.IMAPClient(server.host, server.port, ssl=False, timeout=2)
    client.normalise_times = False
    try:
        if login:
            client.login(USER, PASSWORD)
        yield client
    finally:
        client.shutdown()


@contextmanager
def reading(server: Server, folder: str = "INBOX") -> Iterator[imapclient.IMAPClient]:
    with client_of(server) as client:
        client.select_folder(folder, readonly=True)
        yield client


@contextmanager
def plain_client_of(server: Server) -> Iterator[imaplib.IMAP4]:
    client = imaplib.IMAP4(server.host, server.port, timeout=2)
    try:
        yield client
    finally:
        client.shutdown()


# What it answers well.


def test_imaplib_reads_a_mail_byte_for_byte_and_says_goodbye(server: Server) -> None:
    server.deliver("INBOX", ONE, TWO)

    with imaplib.IMAP4(server.host, server.port, timeout=2) as client:
        client.login(USER, PASSWORD)
        opened, exists = client.select("INBOX", readonly=True)
        _, found = client.uid("SEARCH", "ALL")
        _, told = client.uid("FETCH", "1:2", "(BODY.PEEK[])")

    assert (opened, exists, found) == ("OK", [b"2"], [b"1 2"])
    assert [each[1] for each in told if isinstance(each, tuple)] == [ONE, TWO]
    assert server.commands == [
        *("CAPABILITY", f"LOGIN {USER} ***", "EXAMINE INBOX", "UID SEARCH ALL"),
        *("UID FETCH 1:2 (BODY.PEEK[])", "LOGOUT"),
    ]
    assert server.forbidden == []


def test_every_part_of_a_message_can_be_asked_for(server: Server) -> None:
    server.deliver("INBOX", ONE, at=1_700_000_123, flags=(r"\Seen", "$Label"))
    fields = "BODY.PEEK[HEADER.FIELDS (TO SUBJECT)]"
    items = ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "MODSEQ", "BODY.PEEK[HEADER]"]
    items += [fields, "BODY.PEEK[TEXT]", "BODY.PEEK[]<9.3>"]

    with reading(server) as client:
        told = client.fetch([1], items)[1]
        whole = client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"]

    assert told[b"FLAGS"] == (rb"\Seen", b"$Label")
    assert told[b"INTERNALDATE"].astimezone(UTC) == datetime.fromtimestamp(1_700_000_123, UTC)
    assert told[b"INTERNALDATE"].utcoffset().total_seconds() == 9 * 3600
    assert told[b"RFC822.SIZE"] == len(ONE)
    assert told[b"MODSEQ"] == (2,)
    assert told[b"BODY[HEADER]"] + told[b"BODY[TEXT]"] == whole == ONE
    kept = b"Subject: one\r\nTo: a@example.com,\r\n b@example.com\r\n\r\n"
    assert told[b"BODY[HEADER.FIELDS (TO SUBJECT)]"] == kept
    assert told[b"BODY[]<9>"] == b"one"


@given(st.binary(max_size=300), st.integers(0, 320), st.integers(1, 320))
def test_slices_of_a_message_are_those_of_its_bytes(
    content: bytes, offset: int, length: int
) -> None:
    message = imap_server.Message(1, 1, content, 0)
    item = imap_server.ITEM.fullmatch(f"BODY.PEEK[]<{offset}.{length}>")
    told = content[offset : offset + length]

    assert item is not None
    assert imap_server._value(message, item) == (
        b"BODY[]<%d>" % offset,
        b"{%d}\r\n" % len(told) + told,
    )


@given(st.sets(st.integers(1, 50)), st.integers(1, 60))
def test_an_open_range_names_the_last_message_even_below_its_start(
    uids: set[int], start: int
) -> None:
    named = imap_server._within(sorted(uids), f"{start}:*")

    expected = {uid for uid in uids if uid >= start} or {max(uids)} if uids else set()
    assert set(named) == expected


def test_a_search_knows_ranges_and_their_quirk(server: Server) -> None:
    server.deliver("INBOX", ONE, ONE, ONE, ONE)
    server.expunge("INBOX", 2)

    with reading(server) as client:
        assert client.search("ALL") == [1, 3, 4]
        assert client.search(["UID", "2:3"]) == [3]
        assert client.search(["UID", "5000:*"]) == [4]
        assert client.search("2:3") == [3, 4]  # sequence numbers
        assert client.search(["UID", "1,4"]) == [1, 4]


def test_an_empty_folder_is_searched_and_fetched_in_vain(server: Server) -> None:
    with reading(server) as client:
        assert client.search(["UID", "1:*"]) == []
        assert client.fetch([1], ["FLAGS"]) == {}


def test_folders_are_listed_with_flags_and_counts(server: Server) -> None:
    server.deliver("送信済み", ONE)

    with client_of(server) as client:
        listed = client.list_folders()
        sent = client.find_special_folder(SENT)
        counts = client.folder_status("送信済み")
        opened = client.select_folder("送信済み", readonly=True)

    assert [(flags[0], name) for flags, _, name in listed] == [
        (rb"\HasNoChildren", "INBOX"),
        (rb"\Sent", "送信済み"),
    ]
    assert sent == "送信済み"
    assert counts[b"MESSAGES"] == counts[b"UNSEEN"] == 1
    assert (opened[b"EXISTS"], opened[b"UIDNEXT"], opened[b"HIGHESTMODSEQ"]) == (1, 2, 2)
    assert opened[b"READ-ONLY"]


def test_an_extended_list_tells_special_folders_and_their_status(server: Server) -> None:
    server.deliver("INBOX", ONE)

    with plain_client_of(server) as client:
        client.login(USER, PASSWORD)
        client._simple_command("LIST", '(SPECIAL-USE) "" "*"')
        _, special = client.response("LIST")
        client._simple_command("LIST", '"" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))')
        _, counts = client.response("STATUS")

    assert special == [rb'(\Sent \HasNoChildren) "/" "&kAFP4W4IMH8-"']
    assert counts[0] == b'"INBOX" (MESSAGES 1 UIDNEXT 2)'


def test_patterns_children_and_folders_that_cannot_be_opened() -> None:
    shown = (Folder("INBOX"), Folder("Mail", (r"\Noselect",)), Folder("Mail/R&D"))
    with serving(*shown) as server, client_of(server) as client:
        assert [name for *_, name in client.list_folders("", "%")] == ["INBOX", "Mail"]
        assert client.list_folders("", "Mail")[0][0] == (rb"\Noselect", rb"\HasChildren")
        assert client.select_folder("Mail/R&D", readonly=True)[b"EXISTS"] == 0
        assert client.namespace().personal == (("", "/"),)
        with pytest.raises(exceptions.IMAPClientError, match="NONEXISTENT"):
            client.select_folder("Mail", readonly=True)


def test_id_enable_unselect_close_and_noop_are_answered(server: Server) -> None:
    with client_of(server) as client:
        assert client.enable("CONDSTORE") == [b"CONDSTORE"]
        assert client.id_({"name": "reader"})
        client.select_folder("INBOX", readonly=True)
        client.unselect_folder()
        client.select_folder("INBOX", readonly=True)
        client.close_folder()
        assert client.noop() == (b"done", [])


def test_changes_since_a_modseq_are_told_with_it(server: Server) -> None:
    server.deliver("INBOX", ONE, TWO)
    server.flag("INBOX", 1, r"\Seen")

    with reading(server) as client:
        told = client.fetch([1, 2], ["FLAGS"], ["CHANGEDSINCE 3"])

    assert told == {1: {b"SEQ": 1, b"FLAGS": (rb"\Seen",), b"MODSEQ": (4,)}}


def test_gmail_tells_its_own_numbers_and_labels() -> None:
    with serving(Folder("[Gmail]/すべてのメール", (r"\All",)), provider=GOOGLE) as server:
        labelled = {"gm_msgid": 17, "gm_thrid": 18, "labels": (r"\Inbox", "顧客 A")}
        server.deliver("[Gmail]/すべてのメール", ONE, **labelled)
        with reading(server, "[Gmail]/すべてのメール") as client:
            told = client.fetch([1], ["X-GM-MSGID", "X-GM-THRID"])[1]
            labels = client.get_gmail_labels([1])[1]

    assert (told[b"X-GM-MSGID"], told[b"X-GM-THRID"]) == (17, 18)
    assert [label.replace("\\\\", "\\") for label in labels] == [r"\Inbox", "顧客 A"]


def test_what_the_provider_cannot_do_is_answered_bad() -> None:
    with serving(provider=BARE) as server, reading(server) as client:
        for asked in (["MODSEQ"], ["X-GM-MSGID"], ["ENVELOPE"], ["BODY.PEEK[1.MIME]"]):
            with pytest.raises(exceptions.IMAPClientError, match="BAD"):
                client.fetch([1], asked)
        with pytest.raises(exceptions.CapabilityError):
            client.idle()
        assert client.noop() == (b"done", [])


def test_a_client_is_told_by_idle_what_happens(server: Server) -> None:
    server.deliver("INBOX", ONE)

    with reading(server) as client:
        client.idle()
        server.deliver("INBOX", TWO)
        assert client.idle_check(timeout=2) == [(2, b"EXISTS")]
        server.expunge("INBOX", 1)
        assert client.idle_check(timeout=2) == [(1, b"EXPUNGE")]
        assert client.idle_done()[0] == b"done"

    assert server.commands[-2:] == ["IDLE", "DONE"]


def test_other_clients_are_told_with_their_next_answer(server: Server) -> None:
    server.deliver("INBOX", ONE, TWO)

    with reading(server) as client:
        server.expunge("INBOX", 1)
        server.flag("INBOX", 2, r"\Flagged")
        _, told = client.noop()

    assert told == [(1, b"EXPUNGE"), (1, b"FETCH", (b"FLAGS", (rb"\Flagged",)))]


def test_a_renamed_folder_keeps_its_numbers_and_one_numbered_anew_does_not(server: Server) -> None:
    server.deliver("INBOX", ONE, TWO)
    server.expunge("INBOX", 1)
    server.rename("送信済み", "Sent")

    with reading(server, "Sent"):
        pass
    with reading(server) as client:
        server.renumber("INBOX")
        with pytest.raises(exceptions.IMAPClientAbortError, match="renumbered"):
            client.search("ALL")
    with client_of(server) as client:
        opened = client.select_folder("INBOX", readonly=True)
        assert (opened[b"UIDVALIDITY"], client.search("ALL")) == (2, [1])


def test_a_folder_may_be_larger_than_a_line_of_imaplib(server: Server) -> None:
    folder = server.folders["INBOX"]
    folder.next_uid = 1_000_000
    server.deliver("INBOX", *[b"x"] * 150_000)

    with reading(server) as client:
        assert len(client.search(["UID", "1000000:1049999"])) == 50_000
        with pytest.raises(exceptions.IMAPClientError, match="more than 1000000 bytes"):
            client.search("ALL")


# Who may come in.


def test_a_login_may_come_in_literals_and_shows_no_password(server: Server) -> None:
    server.passwords["mei hoshino"] = 'pass"wörd'

    with plain_client_of(server) as client:
        client.send(b'T1 LOGIN "mei hoshino" {10}\r\n')
        assert client.readline().startswith(b"+ ")
        client.send('pass"wörd\r\n'.encode())
        assert client.readline().startswith(b"* CAPABILITY")
        assert client.readline() == b"T1 OK done\r\n"

    assert "rd" not in server.commands[-1]
    assert server.commands[-1].endswith("***")


@pytest.mark.parametrize("mechanism", ["plain", "xoauth2", "oauthbearer"])
def test_each_mechanism_lets_in_who_has_the_secret(server: Server, mechanism: str) -> None:
    with client_of(server, login=False) as client:
        log_in(client, mechanism, PASSWORD if mechanism == "plain" else TOKEN)
        client.list_folders()

    assert server.commands[-3:-1] == [f"AUTHENTICATE {mechanism.upper()}", "***"]


@pytest.mark.parametrize("mechanism", ["plain", "xoauth2", "oauthbearer"])
def test_each_mechanism_refuses_a_wrong_secret(server: Server, mechanism: str) -> None:
    with (
        client_of(server, login=False) as client,
        pytest.raises(exceptions.LoginError, match="AUTHENTICATIONFAILED"),
    ):
        log_in(client, mechanism, "wrong")


def log_in(client: imapclient.IMAPClient, mechanism: str, secret: str) -> None:
    methods = {
        "plain": client.plain_login,
        "xoauth2": client.oauth2_login,
        "oauthbearer": client.oauthbearer_login,
    }
    methods[mechanism](USER, secret)


def test_google_says_why_and_waits_for_an_empty_line() -> None:
    said: list[bytes] = []

    def respond(challenge: bytes) -> bytes:
        said.append(challenge)
        return b"" if len(said) > 1 else f"user={USER}\1auth=Bearer old\1\1".encode()

    with serving(provider=GOOGLE) as server, plain_client_of(server) as client:
        with pytest.raises(imaplib.IMAP4.error, match="Invalid credentials"):
            client.authenticate("XOAUTH2", respond)
        server.tokens[USER] = "old"
        del said[:]
        assert client.authenticate("XOAUTH2", respond)[0] == "OK"

    assert server.commands == [
        *("CAPABILITY", "AUTHENTICATE XOAUTH2", "***", ""),
        *("AUTHENTICATE XOAUTH2", "***"),
    ]


def test_the_challenge_is_json(server: Server) -> None:
    server.provider = GOOGLE

    challenge, refusal = told_by(server, b"T AUTHENTICATE XOAUTH2 dXNlcj1tZWk=\r\n\r\n").split(
        b"T "
    )

    assert json.loads(base64.b64decode(challenge.removeprefix(b"+ ")))["status"] == "400"
    assert refusal.startswith(b"NO")


def test_microsoft_refuses_at_once() -> None:
    with serving(provider=MICROSOFT) as server:
        told = told_by(server, b"T AUTHENTICATE XOAUTH2 dXNlcj1tZWk=\r\n")

    assert told == b"T NO AUTHENTICATE failed.\r\n"


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"T AUTHENTICATE PLAIN AG1laQBjb3JyZWN0LWhvcnNl\r\n", b"T OK done"),  # SASL-IR
        (b"T AUTHENTICATE PLAIN\r\n*\r\n", b"T BAD given up"),
        (b"T AUTHENTICATE PLAIN !\r\n", b"T NO [AUTHENTICATIONFAILED]"),
        (b"T AUTHENTICATE CRAM-MD5\r\n", b"T NO [CANNOT]"),
        (b"T LOGIN mei\r\n", b"T BAD LOGIN is not written like this"),
        (b'T LIST "" "*"\r\n', b"T BAD LIST is not allowed now"),
        (b"T UID SEARCH ALL\r\n", b"T BAD UID SEARCH is not allowed now"),
        (b"T XYZZY\r\n", b"T BAD unknown command XYZZY"),
        (b"T\r\n", b"T BAD unknown command"),
        (b"\x80\xff\r\n", b"BAD unknown command"),
        (b"T NOOP " + b"x" * 9000 + b"\r\n", b"T BAD the command line is too long"),
    ],
)
def test_what_is_asked_out_of_turn_is_answered_so(
    server: Server, asked: bytes, answer: bytes
) -> None:
    assert answer in told_by(server, asked)


def told_by(server: Server, asked: bytes) -> bytes:
    """All that comes after the greeting where these lines are sent at once; then it hangs up."""
    with socket.create_connection((server.host, server.port), timeout=2) as client:
        client.sendall(asked + b"Z LOGOUT\r\n")
        with client.makefile("rb") as lines:
            greeting, *told = lines.read().splitlines(keepends=True)
    assert greeting == b"* OK ready\r\n"
    return b"".join(told).removesuffix(b"* BYE until next time\r\nZ OK done\r\n")


def test_a_response_before_it_is_asked_for_needs_sasl_ir(server: Server) -> None:
    server.provider = imap_server.Provider("IMAP4rev1 AUTH=PLAIN", "IMAP4rev1")

    assert b"T BAD" in told_by(server, b"T AUTHENTICATE PLAIN AG1laQBjb3JyZWN0LWhvcnNl\r\n")


@pytest.mark.parametrize(
    "asked",
    [
        b"SELECT INBOX",
        b"UID STORE 1 +FLAGS (\\Seen)",
        b"APPEND INBOX {5}\r\nabc\r\n",
        b"EXPUNGE",
        b"UID COPY 1 Sent",
        b"UID MOVE 1 Sent",
        b"CREATE x",
        b"DELETE x",
        b"RENAME x y",
        b"SUBSCRIBE x",
        b"UID FETCH 1 (BODY[])",
        b"UID FETCH 1 (FLAGS RFC822)",
        b"UID FETCH 1 BODY[HEADER.FIELDS (TO)]",
    ],
)
def test_what_would_change_a_mailbox_is_refused_and_written_down(
    server: Server, asked: bytes
) -> None:
    login = b"L LOGIN mei " + PASSWORD.encode() + b"\r\nE EXAMINE INBOX\r\n"
    told = told_by(server, login + b"T " + asked + b"\r\n")

    assert b"T NO [NOPERM]" in told
    assert [line.split()[0] for line in server.forbidden] == [asked.split()[0].decode()]


# What fails when told to.


@pytest.mark.parametrize("answer", [THROTTLED, LIMIT, UNAVAILABLE, OVERQUOTA])
def test_a_tagged_refusal_comes_as_often_as_told(server: Server, answer: str) -> None:
    server.deliver("INBOX", ONE)
    server.fail(Fault("UID FETCH", answers=answer, after=1, times=2))

    with reading(server) as client:
        heard = [outcome(client) for _ in range(4)]

    words = answer.partition(" ")[2]
    assert [words in each for each in heard] == [False, True, True, False]
    assert server.faults[0].times == 0


def outcome(client: imapclient.IMAPClient) -> str:
    try:
        return str(client.fetch([1], ["BODY.PEEK[]"]))
    except exceptions.IMAPClientError as error:
        return str(error)


@pytest.mark.parametrize("answer", [WRONG, EXPIRED])
def test_a_login_may_fail_for_a_while(server: Server, answer: str) -> None:
    server.fail(Fault("LOGIN", answers=answer))

    with client_of(server, login=False) as client:
        with pytest.raises(exceptions.LoginError, match=answer.split()[1].strip("[]")):
            client.login(USER, PASSWORD)
        client.login(USER, PASSWORD)


def test_a_fault_fits_a_part_of_a_command_and_may_stay(server: Server) -> None:
    server.fail(Fault("examine inbox", answers=LIMIT, times=ALWAYS))

    with client_of(server) as client:
        for _ in range(3):
            with pytest.raises(exceptions.IMAPClientError, match="LIMIT"):
                client.select_folder("INBOX", readonly=True)
        client.select_folder("送信済み", readonly=True)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("SEARCH", says=b"* BYE Autologout\r\n", closes=True), "Autologout"),
        (Fault("SEARCH", closes=True), "EOF|reset"),
        (Fault("SEARCH", says=b"\x00\xffgarbage\r\n"), "unexpected response"),
        (Fault("SEARCH", says=b"HTTP/1.1 400 Bad\r\n"), "unexpected response"),
        (Fault("SEARCH", says=b"* OK ", endless=True), "more than 1000000 bytes"),
        (Fault("SEARCH", says=b"* OK half a li", closes=True), "EOF|unterminated|unexpected"),
    ],
)
def test_a_connection_ends_in_many_ways(server: Server, fault: Fault, told: str) -> None:
    server.fail(fault)

    with reading(server) as client, pytest.raises(exceptions.IMAPClientError, match=told):
        client.search("ALL")
    with reading(server) as client:
        client.noop()

    assert server.connections == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(GREETING, answers="BYE [UNAVAILABLE] too many connections", closes=True),
        Fault(GREETING, closes=True),
        Fault(GREETING, silent=True),
        Fault(GREETING, says=b"SSH-2.0-x\r\n"),
    ],
)
def test_a_connection_may_fail_with_its_greeting(server: Server, fault: Fault) -> None:
    server.fail(fault)

    with pytest.raises((imaplib.IMAP4.error, OSError)):
        imaplib.IMAP4(server.host, server.port, timeout=0.2)
    with client_of(server):
        pass


@pytest.mark.parametrize("size", [0, 1, len(ONE) - 1])
def test_a_cut_comes_inside_the_literal(server: Server, size: int) -> None:
    server.deliver("INBOX", ONE)
    server.fail(Fault("BODY", cut=size))
    login = b"L LOGIN mei " + PASSWORD.encode() + b"\r\nE EXAMINE INBOX\r\n"

    told = told_by(server, login + b"T UID FETCH 1 (BODY.PEEK[])\r\n")

    assert told.endswith(b"{%d}\r\n" % len(ONE) + ONE[:size])


def test_no_client_takes_a_cut_mail_for_a_whole_one(server: Server) -> None:
    server.deliver("INBOX", ONE)
    server.fail(Fault("BODY", cut=20))

    with reading(server) as client, pytest.raises(exceptions.IMAPClientAbortError):
        client.fetch([1], ["BODY.PEEK[]"])


def test_silence_lasts_until_the_client_hangs_up(server: Server) -> None:
    server.fail(Fault("SEARCH", silent=True))

    with reading(server) as client:
        client.socket().settimeout(0.2)
        with pytest.raises(OSError, match="timed out"):
            client.search("ALL")
    with reading(server) as client:
        assert client.search("ALL") == []


def test_a_trickle_comes_byte_by_byte(server: Server) -> None:
    server.fail(Fault("NOOP", pause=0.01))

    with client_of(server) as client:
        began = time.monotonic()
        assert client.noop() == (b"done", [])

    assert time.monotonic() - began > 0.1


def test_a_message_may_be_left_out_of_an_answer(server: Server) -> None:
    server.deliver("INBOX", ONE, ONE, ONE)
    server.fail(Fault("FETCH", without=(2,)))

    with reading(server) as client:
        assert list(client.fetch([1, 2, 3], ["FLAGS"])) == [1, 3]
        assert list(client.fetch([2], ["FLAGS"])) == [2]


@pytest.mark.parametrize("number", [1, 2])
def test_flags_nobody_asked_for_may_come_before_the_answer(server: Server, number: int) -> None:
    server.deliver("INBOX", ONE, TWO)
    unasked = b"* %d FETCH (UID %d FLAGS (\\Answered))\r\n" % (number, number)
    server.fail(Fault("FETCH", says=unasked))

    with reading(server) as client:
        told = client.fetch([1], ["BODY.PEEK[]"])

    flags = {b"FLAGS": (rb"\Answered",)} if number == 1 else {}
    assert told == {1: {b"SEQ": 1, b"BODY[]": ONE} | flags}


def test_a_message_may_be_removed_amid_a_fetch(server: Server) -> None:
    server.deliver("INBOX", ONE, TWO, ONE, TWO)
    server.fail(Fault("FETCH", meanwhile=lambda: server.expunge("INBOX", 1, 3)))

    with plain_client_of(server) as client:
        client.login(USER, PASSWORD)
        client.select("INBOX", readonly=True)
        _, told = client.uid("FETCH", "1:4", "(RFC822.SIZE)")
        _, removed = client.response("EXPUNGE")

    size = b"RFC822.SIZE %d)"
    assert told == [
        *(b"1 (UID 1 " + size % len(ONE), b"1 (UID 2 " + size % len(TWO)),
        b"2 (UID 4 " + size % len(TWO),
    ]
    assert removed == [b"1", b"2"]


def test_a_folder_may_be_numbered_anew_between_two_connections(server: Server) -> None:
    server.deliver("INBOX", ONE)
    server.fail(Fault(GREETING, after=1, meanwhile=lambda: server.renumber("INBOX", 77)))

    validities = []
    for _ in range(3):
        with client_of(server) as client:
            opened = client.select_folder("INBOX", readonly=True)
            validities.append(opened[b"UIDVALIDITY"])

    assert validities == [1, 77, 77]


def test_all_connections_may_be_thrown_out(server: Server) -> None:
    with reading(server) as client, reading(server) as other:
        other.idle()
        server.drop(b"* BYE Session invalidated - AccessTokenExpired")
        with pytest.raises(exceptions.IMAPClientAbortError, match="AccessTokenExpired"):
            client.search("ALL")
        assert other.idle_check(timeout=2)[0][0] == b"BYE"


def test_what_breaks_inside_is_told_at_the_end() -> None:
    def run() -> Any:
        with serving() as server, client_of(server) as client:
            server.fail(Fault("NOOP", meanwhile=lambda: server.expunge("INBOX", 9)))
            with pytest.raises((exceptions.IMAPClientAbortError, OSError)):
                client.noop()
                client.noop()

    with pytest.raises(ValueError, match="9 is not in list"):
        run()


def test_nothing_is_left_when_it_stops() -> None:
    with serving() as server:
        held = [socket.create_connection((server.host, server.port), timeout=2) for _ in range(3)]
        server.fail(Fault("NOOP", silent=True), Fault("CAPABILITY", endless=True))
        held[0].sendall(b"T NOOP\r\n")
        held[1].sendall(b"T CAPABILITY\r\n")
        began = time.monotonic()
    for each in held:
        each.close()

    assert time.monotonic() - began < 2
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((server.host, server.port), timeout=2)
