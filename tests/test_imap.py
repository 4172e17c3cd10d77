"""The IMAP reader against a real Dovecot."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailhealth.errors import BadSource, LoginRefused
from mailhealth.readers import imap
from mailhealth.readers.imap import connection, faults, fetching
from mailhealth.records import Mark, Present, Raw, Skipped
from mailhealth.sources.reading import NothingKept
from tests import dovecot
from tests.dovecot import PASSWORD, Dovecot
from tests.imap_server import ALWAYS, GREETING, Fault, Folder, Server, serving

pytestmark = pytest.mark.skipif(
    dovecot.PROGRAM is None, reason="no Dovecot here (Debian: apt install dovecot-imapd)"
)
SENT = '"&kAFP4W4IMH8-"'  # 送信済み in modified UTF-7


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot.running() as running:
        yield running


def a_mail(number: int, size: int = 0) -> bytes:
    mail = EmailMessage()
    mail["From"] = "Mei Hoshino <mei@hoshino.example>"
    mail["To"] = "support@example.com"
    mail["Subject"] = f"納期の件 {number}"
    mail["Message-ID"] = f"<{number}@hoshino.example>"
    mail.set_content(f"Where is order {number}?\n" + ("y" * 70 + "\n") * (size // 71))
    return mail.as_bytes().replace(b"\n", b"\r\n")


def read(settings: dict[str, str], cursors: dict[str, str] | None = None) -> list:
    return list(imap.read(settings, cursors or {}, NothingKept()))


def bodies(yielded: list) -> list[bytes]:
    return [each.content for each in yielded if isinstance(each, Raw)]


def cursors_of(yielded: list) -> dict[str, str]:
    return {each.place: each.cursor for each in yielded if isinstance(each, Mark)}


def test_inbox_and_the_folder_flagged_sent_are_read_byte_for_byte(server: Dovecot) -> None:
    server.deliver("both", "INBOX", a_mail(1), a_mail(2), at=1_700_000_123)
    server.deliver("both", SENT, a_mail(3))

    yielded = read(server.settings("both"))

    assert bodies(yielded) == [a_mail(1), a_mail(2), a_mail(3)]
    assert yielded[1].received == 1_700_000_123
    assert yielded[1].place.startswith("imap:INBOX;uidvalidity=")
    assert yielded[1].place.endswith(";uid=1")
    assert list(cursors_of(yielded)) == ["imap:INBOX", "imap:送信済み"]


def test_a_second_read_yields_nothing_and_a_third_only_what_came_since(server: Dovecot) -> None:
    server.deliver("twice", "INBOX", a_mail(1), a_mail(2))
    cursors = cursors_of(read(server.settings("twice")))

    again = read(server.settings("twice"), cursors)
    server.deliver("twice", "INBOX", a_mail(3))
    later = read(server.settings("twice"), cursors)

    assert again == []
    assert bodies(later) == [a_mail(3)]


def test_reading_leaves_no_flag_and_no_file_name_changed(server: Dovecot) -> None:
    server.deliver("traceless", "INBOX", a_mail(1), a_mail(2))
    put_there_by_the_mail_server = server.maildir("traceless") / "new" / "1700000001.M1P1.mx"
    put_there_by_the_mail_server.write_bytes(a_mail(3))
    put_there_by_the_mail_server.chmod(0o666)
    before = mail_files(server.maildir("traceless"))

    read_bodies = bodies(read(server.settings("traceless")))

    assert len(read_bodies) == 3
    assert mail_files(server.maildir("traceless")) == before


def mail_files(maildir: Path) -> list[Path]:
    return sorted([*maildir.glob("**/cur/*"), *maildir.glob("**/new/*")])


def test_a_folder_numbered_anew_is_read_from_its_start(server: Dovecot) -> None:
    server.deliver("anew", "INBOX", a_mail(1), a_mail(2))
    cursors = cursors_of(read(server.settings("anew")))
    server.admin("mailbox", "update", "--uid-validity", "77", "-u", "anew", "INBOX")

    yielded = read(server.settings("anew"), cursors)

    assert bodies(yielded) == [a_mail(1), a_mail(2)]
    assert cursors_of(yielded)["imap:INBOX"].startswith("77:")


def test_a_cursor_midway_goes_on_where_the_last_group_ended(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 2)
    server.deliver("midway", "INBOX", *map(a_mail, range(1, 6)))
    reading = imap.read(server.settings("midway"), {}, NothingKept())
    first = [next(reading) for _ in range(4)]

    rest = read(server.settings("midway"), cursors_of(first))

    assert bodies(first) + bodies(rest) == [a_mail(n) for n in range(1, 6)]
    assert len(bodies(first)) == 2


def test_groups_end_at_their_byte_budget(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "GROUP_BYTES", 10_000)
    server.deliver("budget", "INBOX", *(a_mail(n, size=4_000) for n in range(1, 6)))

    yielded = read(server.settings("budget"))

    assert [type(each).__name__ for each in yielded] == [
        "Mark",  # the folder is begun
        *("Raw", "Raw", "Mark"),
        *("Raw", "Raw", "Mark"),
        *("Raw", "Mark"),
        *("Mark", "Mark", "Mark"),  # its counts, and those of the other
    ]


def test_of_a_mail_too_large_its_attachment_is_left_on_the_server(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_BYTES", 10_000)
    monkeypatch.setattr(fetching, "LARGE", 20_000)
    mail = EmailMessage()
    mail["Message-ID"] = "<1@hoshino.example>"
    mail.set_content("Where is order 1?")
    mail.add_attachment(b"x" * 30_000, maintype="application", subtype="pdf", filename="a.pdf")
    server.deliver("large", "INBOX", mail.as_bytes().replace(b"\n", b"\r\n"), a_mail(2))

    _, large, _, small, *_ = read(server.settings("large"))

    assert b"<1@hoshino.example>" in large.content
    assert b"Where is order 1?" in large.content
    assert b'filename="a.pdf"\r\nMIME-Version: 1.0\r\nX-Omitted-Octets: 3000' in large.content
    assert small.content == a_mail(2)


def test_a_large_folder_is_searched_in_ranges_of_uids(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SEARCHED_AT_ONCE", 3)
    monkeypatch.setattr(fetching, "UID_RANGE", 2)
    server.deliver("ranges", "INBOX", *map(a_mail, range(1, 8)))
    for uid in (2, 3, 4):
        server.expunge("ranges", uid)

    yielded = read(server.settings("ranges"))

    assert bodies(yielded) == [a_mail(1), a_mail(5), a_mail(6), a_mail(7)]


def test_a_mail_removed_while_reading_is_noted_and_the_rest_is_read(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 1)
    server.deliver("vanished", "INBOX", a_mail(1), a_mail(2), a_mail(3))

    reading = imap.read(server.settings("vanished"), {}, NothingKept())
    _, first = next(reading), next(reading)
    server.expunge("vanished", 2)
    rest = list(reading)

    assert first.content == a_mail(1)
    assert bodies(rest) == [a_mail(3)]
    assert [each.place[-5:] for each in rest if isinstance(each, Skipped)] == ["uid=2"]
    assert [each.uids for each in rest if isinstance(each, Present)] == [((1, 1), (3, 3))]
    assert cursors_of(rest)["imap:INBOX"].endswith(":3:2:4")  # highest, messages, next


def test_a_connection_lost_midway_is_taken_up_again(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(fetching, "GROUP_MESSAGES", 2)
    server.deliver("lost", "INBOX", *map(a_mail, range(1, 6)))

    reading = imap.read(server.settings("lost"), {}, NothingKept())
    first = [next(reading) for _ in range(4)]
    server.admin("kick", "lost")
    rest = list(reading)

    assert bodies(first) + bodies(rest) == [a_mail(n) for n in range(1, 6)]


def test_named_folders_are_read_instead_of_the_usual_ones(server: Dovecot) -> None:
    server.deliver("named", "INBOX", a_mail(1))
    server.deliver("named", SENT, a_mail(2))

    yielded = read(server.settings("named") | {"folders": " 送信済み ,"})

    assert bodies(yielded) == [a_mail(2)]


def test_a_folder_that_is_not_there_is_answered_with_those_that_are(server: Dovecot) -> None:
    told = r"has no folder 'Sentt'; there are INBOX, 送信済み"
    with pytest.raises(BadSource, match=told):
        read(server.settings("absent") | {"folders": "Sentt"})


def test_a_wrong_password_is_one_sentence_without_the_password(server: Dovecot) -> None:
    settings = server.settings("wrong") | {"password_command": "echo hunter2"}

    with pytest.raises(LoginRefused, match="localhost refused the login of wrong") as refused:
        read(settings)

    assert "hunter2" not in str(refused.value)


def test_a_password_may_hold_any_character(server: Dovecot) -> None:
    settings = server.settings("unicode") | {"password_command": "echo パスワード"}

    with pytest.raises(LoginRefused, match="AUTHENTICATIONFAILED"):
        read(settings)


def test_an_unverifiable_certificate_is_refused(server: Dovecot) -> None:
    settings = server.settings("stranger")
    del settings["ca_file"]

    with pytest.raises(BadSource, match=r"certificate of localhost:.* cannot be verified"):
        read(settings)


def test_a_certificate_for_another_name_is_refused(server: Dovecot) -> None:
    with pytest.raises(BadSource, match="use the name that the certificate is for"):
        read(server.settings("misnamed") | {"host": "127.0.0.1"})


def test_starttls_is_verified_and_reads_the_same(server: Dovecot) -> None:
    server.deliver("starttls", "INBOX", a_mail(1))
    settings = server.settings("starttls")
    settings |= {"tls": "starttls", "port": str(server.plain_port)}

    assert bodies(read(settings)) == [a_mail(1)]
    del settings["ca_file"]
    with pytest.raises(BadSource, match="cannot be verified"):
        read(settings)


def test_a_port_without_tls_is_told_apart(server: Dovecot) -> None:
    with pytest.raises(BadSource, match="does not speak TLS as asked"):
        read(server.settings("plain") | {"port": str(server.plain_port)})


def test_a_server_on_this_machine_may_be_read_without_tls(server: Dovecot) -> None:
    server.deliver("here", "INBOX", a_mail(1))
    settings = server.settings("here") | {"tls": "no", "port": str(server.plain_port)}

    assert bodies(read(settings)) == [a_mail(1)]


def test_a_password_never_leaves_the_machine_readable() -> None:
    settings = {"host": "imap.example.com", "user": "support@example.com", "tls": "no"}

    with pytest.raises(BadSource, match="tls = 'no' would send the password readable"):
        read(settings)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"host": ""}, "needs the setting 'host'"),
        ({"user": ""}, "needs the setting 'user'"),
        ({"password": "x"}, "never kept in the settings"),
        ({"tls": "maybe"}, "must be 'yes', 'starttls' or 'no'"),
        ({"port": "imap"}, "number from 1 to 65535"),
        ({"port": "70000"}, "number from 1 to 65535"),
        ({"ca_file": "/nowhere.pem"}, "PEM"),
        ({"password_command": "false"}, "gave no password"),
        ({"password_command": "printf ''"}, "gave no password"),
        ({"password_command": "'unbalanced"}, "gave no password"),
        ({"password_command": "no-such-program-anywhere"}, "gave no password"),
        ({"host": "no-such-host.example"}, "no host no-such-host.example|no connection"),
        ({"host": "a..b"}, "check host"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence(
    settings: dict[str, str], sentence: str
) -> None:
    usual = {"host": "127.0.0.1", "port": "1", "user": "mei", "password_command": "echo x"}

    with pytest.raises(BadSource, match=sentence):
        read(usual | settings)


def test_without_a_password_the_three_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILHEALTH_PASSWORD", raising=False)

    with pytest.raises(BadSource, match=r"MAILHEALTH_PASSWORD.*password_env.*password_command"):
        read({"host": "imap.example.com", "user": "support@example.com"})


def test_a_password_is_taken_from_the_environment(
    server: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = server.settings("environment")
    del settings["password_command"]
    server.deliver("environment", "INBOX", a_mail(1))

    monkeypatch.setenv("SUPPORT_PASSWORD", PASSWORD)
    named = read(settings | {"password_env": "SUPPORT_PASSWORD"})
    monkeypatch.setenv("MAILHEALTH_PASSWORD", PASSWORD)
    usual = read(settings)

    assert bodies(named) == bodies(usual) == [a_mail(1)]


def test_no_shell_reads_the_password_command(tmp_path: Path) -> None:
    command = f"echo x; touch {tmp_path}/made"

    with pytest.raises(BadSource):
        read({"host": "127.0.0.1", "port": "1", "user": "mei", "password_command": command})

    assert not (tmp_path / "made").exists()


def test_a_refused_connection_is_one_sentence() -> None:
    settings = {"host": "127.0.0.1", "port": "1", "user": "mei", "password_command": "echo x"}

    with pytest.raises(BadSource, match=r"no connection to 127\.0\.0\.1:1"):
        read(settings)


# What a real server does not do on demand.


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An INBOX with two mails on a server that fails as told; waits are short."""
    monkeypatch.setattr(connection, "CONNECT_S", 0.5)
    monkeypatch.setattr(connection, "SILENCE_S", 0.5)
    monkeypatch.setattr(faults, "FIRST_WAIT_S", 0.01)
    with serving(Folder("INBOX", validity=7)) as running:
        running.deliver("INBOX", a_mail(1), a_mail(2))
        yield running
    assert running.forbidden == []


def test_a_silent_server_is_not_waited_for(scripted: Server) -> None:
    scripted.fail(Fault("CAPABILITY", silent=True, times=ALWAYS))

    with pytest.raises(BadSource, match="did not answer in time"):
        read(scripted.settings())

    assert scripted.connections == 1


def test_a_server_of_another_kind_is_one_sentence(scripted: Server) -> None:
    scripted.fail(Fault(GREETING, says=b"HTTP/1.1 400 Bad Request\r\n", closes=True, times=ALWAYS))

    with pytest.raises(BadSource, match=r"broke off .*HTTP/1\.1 400"):
        read(scripted.settings())


def test_a_mail_the_server_cannot_give_does_not_block_its_folder(scripted: Server) -> None:
    for uids in ("1,2", "2"):
        fault = Fault(f"UID FETCH {uids} (RFC822.SIZE INTERNALDATE", times=ALWAYS)
        fault.answers = "NO [SERVERBUG] cannot read"
        scripted.fail(fault)

    _, one, two, *marks = read(scripted.settings())

    assert one.content == a_mail(1)
    why = "the server lists this message but does not give it"
    assert (type(two), two.place, two.why) == (Skipped, "imap:INBOX;uidvalidity=7;uid=2", why)
    assert marks == [
        Mark("imap:INBOX", "7:2"),
        Present("INBOX", 7, ((1, 2),)),
        Mark("imap:INBOX", "7:2:2:3"),
    ]


def test_a_server_that_is_tired_for_ever_loses_no_mail(
    scripted: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TRIES", 3)
    scripted.fail(Fault("BODY.PEEK[]", answers="BAD Request is throttled", times=ALWAYS))
    told = []

    with pytest.raises(BadSource, match="Request is throttled"):
        told.extend(imap.read(scripted.settings(), {}, NothingKept()))

    assert [type(each) for each in told] == [Mark]


@pytest.mark.parametrize(
    "answer",
    [
        b"* SEARCH one two\r\n",
        b"* SEARCH 1 (modseq\r\n",
        b"* SEARCH " + b"1" * 5000 + b"\r\n",
        b"* SEARCH 1\r\n* SEARCH 2\r\n",
    ],
)
def test_nonsense_from_a_server_is_one_sentence(scripted: Server, answer: bytes) -> None:
    scripted.fail(Fault("UID SEARCH", says=answer, answers="OK done", times=ALWAYS))

    with pytest.raises(BadSource):
        read(scripted.settings())


@pytest.mark.parametrize("word", ["UID SEARCH", "RFC822.SIZE", "BODY.PEEK[]", "EXAMINE", "STATUS"])
@pytest.mark.parametrize(
    "answer",
    [b"\x00\x01\x02\r\n", b"* SEARCH one\r\n", b"* 1 FETCH (UID\r\n", b"* 1 FETCH\r\n"],
)
def test_nonsense_that_passes_costs_no_mail(scripted: Server, word: str, answer: bytes) -> None:
    scripted.fail(Fault(word, says=answer))

    assert bodies(read(scripted.settings())) == [a_mail(1), a_mail(2)]


def test_a_server_without_a_folder_for_sent_mail_says_so_when_looked_at(scripted: Server) -> None:
    assert bodies(read(scripted.settings())) == [a_mail(1), a_mail(2)]
    assert [(each.name, each.role, each.messages) for each in imap.look(scripted.settings())] == [
        ("INBOX", "inbox", 2)
    ]
