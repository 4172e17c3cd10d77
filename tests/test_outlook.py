"""What Outlook keeps becomes the mail that it was: headers, people, words, attachments."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhealth import machine, mime
from mailhealth.errors import BadSource
from mailhealth.readers import _rtf, msg, pst
from mailhealth.records import Mail, Mark, Raw, Skipped
from tests.archives import mailbox, outlook, samples
from tests.archives.mailbox import Letter

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail" / "msgreader"
HEAD = rb"{\rtf1\ansi\ansicpg932\deff0{\fonttbl{\f0\fcharset128 Gothic;}{\f1\fcharset204 Cyr;}}"


def letter(tmp_path: Path, properties: dict[int, outlook.Value]) -> Mail:
    """The mail that a .msg file of these properties becomes."""
    return read(tmp_path, outlook.message({0x001A: "IPM.Note", **properties}))


def read(tmp_path: Path, tree: outlook.Tree) -> Mail:
    path = tmp_path / "a.msg"
    path.write_bytes(outlook.saved(tree))
    [found, mark] = msg.read({"path": str(path)}, {})
    assert isinstance(found, Raw)
    assert isinstance(mark, Mark)
    return mime.parse(found.content)


def test_a_received_mail_keeps_the_headers_it_came_with(tmp_path: Path) -> None:
    mail = read(tmp_path, samples.ENGLISH)

    assert mail.sender
    assert mail.sender.address == "pat@initech.example"
    assert mail.received == samples.MONDAY + 4
    assert mail.utc_offset == 60
    assert mail.text == "Hello,\n\nthe export stops at 50 % with “timeout”."
    assert [(each.name, each.size) for each in mail.attachments] == [("export log.txt", 15)]


def test_a_sent_mail_has_its_headers_from_its_properties(tmp_path: Path) -> None:
    mail = read(tmp_path, samples.JAPANESE)

    assert mail.sender
    assert (mail.sender.name, mail.sender.address) == ("鈴木 花子", "hanako@example.com")
    assert [each.address for each in mail.to] == ["ichiro@asahina.example"]
    assert [each.address for each in mail.cc] == ["hanako@example.com"]
    assert (mail.message_id, mail.in_reply_to) == ("o2@example.com", "o0@asahina.example")
    assert (mail.date, mail.utc_offset) == (samples.MONDAY + 3_600, None)


def test_texts_in_windows_code_pages_are_read_with_all_their_characters(tmp_path: Path) -> None:
    mail = read(tmp_path, samples.JAPANESE)

    assert mail.subject == "Re: ①請求書の件（髙橋様）"
    assert mail.text.startswith("髙橋様\n\nお世話になっております。")
    assert [each.name for each in mail.attachments] == ["請求書①.pdf"]


@pytest.mark.parametrize(
    ("codepage", "codec", "text"),
    [
        (936, "gb18030", "镕基先生，您好"),
        (949, "cp949", "안녕하세요 똠방각하"),
        (950, "cp950", "您好，請查收"),
        (1251, "cp1251", "Здравствуйте"),
        (65001, "utf-8", "こんにちは"),
        (28605, "iso8859_15", "prix : 5 €"),
        (99999, "utf-8", "どうも"),
    ],
)
def test_every_code_page_is_read(codepage: int, codec: str, text: str, tmp_path: Path) -> None:
    coded = (text.encode(codec), codec)

    mail = letter(tmp_path, {0x1000: coded, 0x0037: coded, 0x3FFD: codepage})

    assert (mail.text, mail.subject) == (text, text)


def test_html_is_read_where_there_is_no_plain_text(tmp_path: Path) -> None:
    html = '<meta charset="shift_jis"><p>お世話に<br>なります</p>'.encode("cp932")

    assert letter(tmp_path, {0x1013: html}).text == "お世話に\nなります"


def test_a_mail_in_a_mail_is_an_attachment_with_its_name(tmp_path: Path) -> None:
    inner = outlook.message({0x0037: "Inner", 0x1000: "secret"}, header=24)

    mail = read(tmp_path, outlook.message({0x1000: "See below"}, attachments=[{0x3701: inner}]))

    assert mail.text == "See below"
    assert [(each.name, each.media_type) for each in mail.attachments] == [
        ("Inner", "message/rfc822")
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("IPM.Note", "human"),
        ("IPM.Note.Rules.OofTemplate.Microsoft", "auto_reply"),
        ("IPM.Schedule.Meeting.Request", "calendar"),
        ("IPM.Schedule.Meeting.Resp.Pos", "calendar"),
        ("REPORT.IPM.Note.NDR", "bounce"),
        ("REPORT.IPM.Note.IPNRN", "receipt"),
    ],
)
def test_the_class_of_an_item_tells_machines(kind: str, expected: str, tmp_path: Path) -> None:
    mail = letter(tmp_path, {0x001A: kind, 0x0037: "Order", 0x1000: "Text"})

    assert machine.kind(mail) == expected


def test_a_line_end_in_a_property_makes_no_header(tmp_path: Path) -> None:
    mail = letter(tmp_path, {0x0037: "A\r\nBcc: eve@example.com", 0x0042: "B\r\n\r\nC"})

    assert mail.subject == "A Bcc: eve@example.com"
    assert "bcc" not in dict(mail.headers)


def test_what_is_no_mail_is_skipped_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.msg").write_bytes(outlook.saved(outlook.message({0x001A: "IPM.Contact"})))
    (tmp_path / "b.msg").write_bytes(b"From: ann@example.com\n\nHello")
    (tmp_path / "c.msg").write_bytes(msg.OUTLOOK + bytes(600))

    items = list(msg.read({"path": str(tmp_path)}, {}))

    whys = [item.why for item in items if isinstance(item, Skipped)]
    assert whys[0] == "It is no mail but another Outlook item ('IPM.Contact')."
    assert whys[1] == "The file is no Outlook .msg: a mail in text form is read by eml."
    assert whys[2].startswith("The file is a damaged Outlook .msg (")


def test_one_file_that_is_no_msg_is_a_bad_source(tmp_path: Path) -> None:
    (tmp_path / "b.msg").write_bytes(b"From: ann@example.com\n\nHello")

    with pytest.raises(BadSource, match="is read by eml"):
        list(msg.read({"path": str(tmp_path / "b.msg")}, {}))


@given(st.integers(0, 4_500), st.binary(min_size=1, max_size=40))
def test_a_damaged_msg_is_read_or_skipped(at: int, damage: bytes) -> None:
    whole = outlook.saved(samples.ENGLISH)

    found = msg._written(Raw("a.msg", whole[:at] + damage + whole[at + len(damage) :]))

    assert isinstance(found, Raw | Skipped)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider mail samples are not on this machine")
def test_all_shared_msg_files_are_read() -> None:
    items = list(msg.read({"path": str(SHARED)}, {}))

    mails = [mime.parse(item.content) for item in items if isinstance(item, Raw)]
    assert [item for item in items if isinstance(item, Skipped)] == []
    assert len(mails) == 15
    assert sum(mail.sender is not None for mail in mails) == 13  # two are drafts
    assert all("\ufffd" not in mail.text + mail.subject for mail in mails)


# Rich text.


def test_rich_text_is_unpacked_with_its_references() -> None:
    # The example of the specification, [MS-OXRTFCP] 4.1.1.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af3206865"
        "6c090020627705b06c647d0a800fa0"
    )

    assert _rtf.unpacked(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


def test_a_reference_may_overlap_what_it_writes() -> None:
    # The example of the specification, [MS-OXRTFCP] 4.1.2.
    packed = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")

    assert _rtf.unpacked(packed) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (HEAD + rb"\f0 \'82\'a0\'83A\par B}", "あア\nB"),  # the second byte may be a letter
        (HEAD + rb"\f1 \'c4\'e0\f0  \'82\'a0}", "Да あ"),
        (HEAD + rb"\uc1\u26085?\uc2\u-10179??\u-8704??!}", "日😀!"),
        (HEAD + rb"{\*\unknown hidden}{\pict 00ff}shown\tab\{x\}}", "shown\t{x}"),
        (b"not rtf at all", "not rtf at all"),
        (b"{" * 5_000 + b"deep", ""),
    ],
)
def test_rich_text_is_read_in_its_own_writing(rtf: bytes, text: str) -> None:
    assert _rtf.content(rtf) == (text, False)


def test_html_within_rich_text_comes_out_as_it_went_in() -> None:
    assert _rtf.content(samples.RTF) == (
        "<p>Hello,</p><p>the export stops at 50\u00a0% with “timeout”.</p>",
        True,
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_some_rich_text(content: bytes) -> None:
    _rtf.content(content)
    _rtf.unpacked(content)
    _rtf.unpacked(content[:8].ljust(8, b"\xff") + b"LZFu0000" + content)


# Mailbox files.


def test_a_file_that_is_no_mailbox_is_a_bad_source(tmp_path: Path) -> None:
    path = tmp_path / "a.pst"
    path.write_bytes(b"hello")

    with pytest.raises(BadSource, match="is no Outlook mailbox file"):
        list(pst.read({"path": str(path)}, {}))


def test_without_libpff_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pst, "find_spec", lambda name: None)

    with pytest.raises(BadSource, match=r"pip install 'mailhealth\[pst\]'"):
        list(pst.read({"path": str(tmp_path)}, {}))


def test_a_damaged_mailbox_is_skipped_with_its_reason(tmp_path: Path) -> None:
    pytest.importorskip("pypff", reason="libpff is not installed")
    (tmp_path / "a.pst").write_bytes(pst.OUTLOOK + bytes(600))

    [found, mark] = pst.read({"path": str(tmp_path)}, {})

    assert isinstance(found, Skipped)
    assert found.why.startswith("The mailbox is damaged or of an unknown make (")
    assert isinstance(mark, Mark)


EXCHANGE = samples.EXCHANGE
RECEIVED = Letter(
    {0x001A: "IPM.Note", 0x007D: samples.HEADERS, 0x0E06: samples.MONDAY + 4, 0x1000: "Hello"},
    attachments=[{0x3701: b"12:00 timeout", 0x3705: 1, 0x3707: "記録.txt", 0x370E: "text/plain"}],
)
CONTACT = Letter({0x001A: "IPM.Contact", 0x3001: "Pat Novak"})
SENT = Letter(
    {
        0x001A: "IPM.Note",
        0x0037: "\x01\x05Re: 請求書の件",
        0x0039: samples.MONDAY + 3_600,
        0x0042: "鈴木 花子",
        0x0065: EXCHANGE + "HANAKO",
        0x1000: "再送いたします。",
        0x1035: "<p2@example.com>",
        0x1039: "<p0@asahina.example> <p1@asahina.example>",
        0x1042: "<p1@asahina.example>",
    },
    recipients=[
        {0x0C15: 1, 0x3001: "髙橋 一郎", 0x39FE: "ichiro@asahina.example"},
        {0x0C15: 2, 0x3001: "総務", 0x3003: EXCHANGE.lower() + "soumu"},
        {0x0C15: 3, 0x3001: "秘密", 0x39FE: "hidden@example.com"},
    ],
)
KNOWN = Letter(
    {0x001A: "IPM.Note", 0x1000: "Hello"},
    recipients=[{0x0C15: 1, 0x3003: EXCHANGE + "HANAKO", 0x39FE: "hanako@example.com"}],
)


def read_mailbox(path: Path, folders: dict[str, list[Letter]]) -> list[Raw | Skipped | Mark]:
    pytest.importorskip("pypff", reason="libpff is not installed")
    path.write_bytes(mailbox.saved(folders))
    return list(pst.read({"path": str(path)}, {}))


def test_a_mailbox_file_is_read_folder_by_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.pst"

    items = read_mailbox(path, {"受信トレイ": [RECEIVED, CONTACT], "Sent": [SENT]})

    assert [item.place for item in items] == [
        f"{path}/受信トレイ:0",
        f"{path}/受信トレイ",
        f"{path}/Sent:0",
        f"{path}",
    ]
    assert items[1] == Skipped(
        f"{path}/受信トレイ", "1 of its items are no mails (contacts, tasks, notes)."
    )
    assert list(pst.read({"path": str(path)}, {str(path): items[3].cursor})) == []


def test_a_received_mail_of_a_mailbox_file_keeps_its_headers_and_files(tmp_path: Path) -> None:
    [found, _] = read_mailbox(tmp_path / "a.pst", {"Inbox": [RECEIVED]})

    assert isinstance(found, Raw)
    mail = mime.parse(found.content)
    assert (mail.message_id, mail.utc_offset) == ("o1@initech.example", 60)
    assert found.received == samples.MONDAY + 4
    assert [(each.name, each.size) for each in mail.attachments] == [("記録.txt", 13)]


def test_a_sent_mail_of_a_mailbox_file_has_people_and_references(tmp_path: Path) -> None:
    [_, found, _] = read_mailbox(tmp_path / "a.pst", {"Inbox": [KNOWN], "Sent": [SENT]})

    assert isinstance(found, Raw)
    mail = mime.parse(found.content)
    assert mail.sender
    assert (mail.sender.name, mail.sender.address) == ("鈴木 花子", "hanako@example.com")
    assert [each.address for each in (*mail.to, *mail.cc)] == ["ichiro@asahina.example"]
    assert mail.references == ("p0@asahina.example", "p1@asahina.example")
    assert mail.subject == "Re: 請求書の件"
    assert b"hidden@" not in found.content


@given(st.integers(0, 20_000), st.binary(min_size=1, max_size=60))
def test_a_damaged_mailbox_file_is_read_or_skipped(at: int, damage: bytes) -> None:
    pytest.importorskip("pypff", reason="libpff is not installed")
    whole = mailbox.saved({"Inbox": [RECEIVED], "Sent": [SENT]})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pst"
        path.write_bytes(pst.OUTLOOK + (whole[:at] + damage + whole[at + len(damage) :])[4:])

        items = list(pst.read({"path": str(path)}, {}))

    assert isinstance(items[-1], Mark)
