"""Whatever the bytes are, a Mail comes out, and what could be read in it is right."""

import base64
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhealth.mime import parse
from mailhealth.mime.addresses import addresses
from mailhealth.mime.dates import read_date
from mailhealth.mime.headers import decode_header
from mailhealth.mime.html import to_text
from mailhealth.records import Address, Mail

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail"

# 2015-04-01T00:18:23Z
APRIL = 1_427_847_503


def mail(*headers: str, body: bytes = b"Hello") -> Mail:
    lines = [line.encode() for line in headers] or [b"From: ann@example.com"]
    return parse(b"\r\n".join(lines) + b"\r\n\r\n" + body)


def word(text: str, charset: str) -> str:
    return f"=?{charset}?B?{base64.b64encode(text.encode(charset)).decode()}?="


def assert_storable(found: Mail) -> None:
    """No half surrogate pairs and nothing that steers a terminal, in any field."""
    written = repr(found)
    assert written.encode("utf-8")
    for sign in ("\\ud8", "\\udc", "\\x00", "\\x1b", "\\x9b"):
        assert sign not in written.replace("\\\\", "")


@given(st.binary(max_size=2_000))
@settings(deadline=None)
def test_any_bytes_give_a_mail_that_can_be_stored(raw: bytes) -> None:
    assert_storable(parse(raw))


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_in_any_field_can_be_stored(value: bytes) -> None:
    value = value.replace(b"\r", b"").replace(b"\n", b"")
    headers = [b"From", b"To", b"Message-ID", b"References", b"In-Reply-To", b"Subject", b"Date"]
    lines = [name + b": <a@b" + value + b">" for name in headers]
    lines.append(b"Content-Type: application/x" + value + b"; name=" + value)

    assert_storable(parse(b"\n".join(lines) + b"\n\n" + value))


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "iso-2022-jp", "hz-gb-2312", "utf-8"])
@given(value=st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_in_any_charset_can_be_stored(charset: str, value: bytes) -> None:
    assert_storable(parse(f"Content-Type: text/html; charset={charset}\n\n".encode() + value))


@given(
    st.lists(
        st.sampled_from(
            [
                b"From: ann@example.com\n",
                b"Content-Type: multipart/mixed; boundary=b\n",
                b"Content-Type: text/html; charset=utf-8\n",
                b"Content-Type: message/rfc822\n",
                b"Content-Type: message/delivery-status\n",
                b"Content-Type: text/plain; charset*=x'y'%zz; format=flowed\n",
                b"Content-Transfer-Encoding: base64\n",
                b"Content-Transfer-Encoding: x-uuencode\n",
                b"Subject: =?iso-2022-jp?B?GyRC\n",
                b"Date: 99 Foo 2026 24:61:00 +9999\n",
                b"\n",
                b"--b\n",
                b"--b--\n",
                b"<blockquote><p style='font-size:0'>x</p>\n",
                b"\x1b$B\xff\n",
            ]
        )
        | st.binary(max_size=20),
        max_size=25,
    )
)
@settings(deadline=None)
def test_any_broken_structure_gives_a_mail(pieces: list[bytes]) -> None:
    assert_storable(parse(b"".join(pieces)))


def test_the_fields_of_a_plain_mail_are_read() -> None:
    found = mail(
        "Message-ID: <m2@globex.example>",
        "In-Reply-To: <m1@example.com>",
        "References: <m0@example.com>\r\n <m1@example.com>",
        "Date: Wed, 1 Apr 2015 02:18:23 +0200",
        "Received: from a by b; Wed, 1 Apr 2015 00:18:25 +0000",
        'From: "Okafor, Dana" <Dana@GLOBEX.example>',
        "To: support@example.com, Ann <ann@example.com>",
        "Subject: Hello",
    )

    assert found.message_id == "m2@globex.example"
    assert found.in_reply_to == "m1@example.com"
    assert found.references == ("m0@example.com", "m1@example.com")
    assert (found.date, found.utc_offset, found.received) == (APRIL, 120, APRIL + 2)
    assert found.sender == Address("Okafor, Dana", "Dana@globex.example")
    assert [to.address for to in found.to] == ["support@example.com", "ann@example.com"]
    assert (found.subject, found.text, found.problems) == ("Hello", "Hello", ())


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-2022-jp", "請求書の件"),
        ("shift_jis", "髙橋①㈱ｶﾅ"),
        ("euc-jp", "お世話になっております"),
        ("gb2312", "续约"),
        ("windows-1252", "“Käse” – 5 €"),
        ("utf-8", "🙂 見積"),
    ],
)
def test_a_body_and_a_subject_are_read_in_their_charset(charset: str, text: str) -> None:
    codec = {"shift_jis": "cp932"}.get(charset, charset)
    encoded = text.encode(codec)
    subject = f"=?{charset}?B?{base64.b64encode(encoded).decode()}?="

    found = mail(
        f"Subject: Re: {subject}", f"Content-Type: text/plain; charset={charset}", body=encoded
    )

    assert (found.subject, found.text) == (f"Re: {text}", text)


@pytest.mark.parametrize(
    ("codec", "subject"),
    [
        ("iso2022_jp", "見積書の件について"),
        ("cp932", "ご請求"),
        ("cp932", "Re: [Ticket 4812 Example Support Desk] 請求書 INV-2026-000123-B"),
        ("euc_jp", "お世話になっております"),
        ("utf-8", "見積書"),
        ("gb18030", "关于上次讨论的合同续约问题"),
        ("cp949", "지난번에 말씀드린 계약 갱신"),
        ("koi8-r", "Просим вас подтвердить продление"),
        ("cp1252", "Für die Verlängerung – 5 €"),
    ],
)
def test_a_charset_that_nobody_declared_is_guessed(codec: str, subject: str) -> None:
    found = parse(b"From: ann@example.com\r\nSubject: " + subject.encode(codec) + b"\r\n\r\nx")

    assert found.subject == subject


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("iso-2022-jp", "cp932"),
        ("utf-8", "cp932"),
        ("utf-8", "iso2022_jp"),
        ("us-ascii", "utf-8"),
        ("iso-8859-1", "cp932"),
        ("no-such-charset", "utf-8"),
    ],
)
def test_a_charset_that_is_declared_wrongly_is_put_right(declared: str, codec: str) -> None:
    text = "お世話になっております。見積書の件、ご確認ください。"

    found = mail(f"Content-Type: text/plain; charset={declared}", body=text.encode(codec))

    assert found.text == text


def test_vendor_signs_in_iso_2022_jp_are_read() -> None:
    body = b"\x1b$B-!-j|b\x1b(B \x1b(I1;\x1b(B"  # NEC row 13, an IBM extension, half-width kana

    assert mail("Content-Type: text/plain; charset=ISO-2022-JP", body=body).text == "①㈱髙 ｱｻ"


def test_an_encoded_word_may_be_cut_in_the_middle_of_a_character() -> None:
    data = "見積書".encode()
    value = "\r\n ".join(
        f"=?utf-8?B?{base64.b64encode(part).decode()}?=" for part in (data[:4], data[4:])
    )

    assert decode_header(value, []) == "見積書"


def test_a_decoded_name_may_hold_a_comma() -> None:
    found = addresses(f"{word('山田, 太郎', 'iso-2022-jp')} <taro@example.com>", [])

    assert found == (Address("山田, 太郎", "taro@example.com"),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ann@example.com <ann@example.com>", ["ann@example.com"]),
        ("a@b.example;c@d.example", ["a@b.example", "c@d.example"]),
        ("<a@b.example> <c@d.example>", ["a@b.example", "c@d.example"]),
        ("undisclosed-recipients:;", []),
        ("Team: Al <al@x.example>, bo@y.example;", ["al@x.example", "bo@y.example"]),
        ("ann at host.example (Ann)", ["ann@host.example"]),
        ("taro..yamada.@docomo.example", ["taro..yamada.@docomo.example"]),
        ("mailto:ann@example.com", ["ann@example.com"]),
        ("<@relay.example:ann@example.com>", ["ann@example.com"]),
        ("((((", []),
        ("MAILER-DAEMON", []),
    ],
)
def test_addresses_are_found_in_lists_as_mail_really_writes_them(
    value: str, expected: list[str]
) -> None:
    assert [found.address for found in addresses(value, [])] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Wed, 1 Apr 2015 00:18:23 +0000", (APRIL, 0)),
        ("Wed, 1 Apr 2015 09:18:23 JST", (APRIL, 540)),
        ("Wed, 1 Apr 2015 09:18:23 +09:00", (APRIL, 540)),
        ("水, 1 Apr 2015 09:18:23 +0900 (JST)", (APRIL, 540)),
        ("2015-04-01T09:18:23+09:00", (APRIL, 540)),
        ("Wed, 1 Apr 2015 00:18:23 -0000", (APRIL, None)),
        ("Tue, 31 Mar 2015 24:18:23 +0000", (APRIL, 0)),
        ("1 Apr 103 00:18:23 +0000", (None, None)),
        ("1 Apr 2999 00:18:23 +0000", (None, None)),
        ("soon", (None, None)),
    ],
)
def test_dates_are_repaired_or_refused(value: str, expected: tuple[int | None, int | None]) -> None:
    assert read_date(value) == expected


def test_in_reply_to_in_prose_gives_the_last_id() -> None:
    found = mail(
        "From: ann@example.com",
        'In-Reply-To: Message from <bo@example.com> of "Monday" <m1@example.com>',
    )

    assert found.in_reply_to == "m1@example.com"


def test_soft_line_breaks_are_undone_and_japanese_gets_no_spaces() -> None:
    body = "お世話に \nなっております。\n> 前の \n> 行\n-- \n佐藤".encode()

    found = mail("Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes", body=body)

    assert found.text == "お世話になっております。\n> 前の行\n-- \n佐藤"


def test_a_stub_of_plain_text_gives_way_to_html() -> None:
    body = (
        b"--b\nContent-Type: text/plain\n\nThis mail is HTML.\n"
        b"--b\nContent-Type: text/html\n\n<p>We would like to renew for two more years.</p>\n--b--"
    )

    found = mail("Content-Type: multipart/alternative; boundary=b", body=body)

    assert found.text == "We would like to renew for two more years."


def test_an_attached_mail_is_an_attachment_and_its_words_are_not_the_senders() -> None:
    body = (
        b"--b\n\nSee the attached mail.\n"
        b"--b\nContent-Type: message/rfc822\n\nSubject: Old\nFrom: bo@example.com\n\nOld words\n"
        b"--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n"
        b"aGVsbG8=\n--b--"
    )

    found = mail("Content-Type: multipart/mixed; boundary=b", body=body)

    assert found.text.strip() == "See the attached mail."
    assert [(part.media_type, part.text) for part in found.parts] == [
        ("message/rfc822", "Subject: Old\nFrom: bo@example.com\n")
    ]
    assert [(one.name, one.media_type, one.size) for one in found.attachments] == [
        ("", "message/rfc822", 10),
        ("a.pdf", "application/pdf", 5),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [100_000, 100_001, 100_002])
def test_what_a_long_attachment_holds_is_not_read_and_its_size_is_told(
    end: bytes, size: int
) -> None:
    payload = base64.encodebytes(b"\xa5" * size).replace(b"\n", end)
    head = end.join([b"Content-Type: application/pdf; name=a.pdf", b"Content-Transfer-Encoding: "])
    head += b"base64" + end + end
    body = b"--b" + end + end + b"See there." + end + b"--b" + end + head + payload + b"--b--"

    found = mail("Content-Type: multipart/mixed; boundary=b", body=body)

    assert found.text.strip() == "See there."
    assert [one.name for one in found.attachments] == ["a.pdf"]
    assert found.attachments[0].size == size
    assert "omitted" not in repr(found.problems)


def test_a_long_text_in_base64_is_read_to_its_end() -> None:
    words = "".join(f"{number}番の注文はどこですか。\n" for number in range(2_000))
    body = b"--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    body += base64.encodebytes(words.encode()) + b"--b--"

    found = mail("Content-Type: multipart/mixed; boundary=b", body=body)

    assert found.text.strip().endswith("1999番の注文はどこですか。")


@pytest.mark.parametrize("repeated", [b"\n", b"\r\n", b"\n\nA", b"QUJD\n", b"QUJD"])
def test_endless_lines_that_look_like_an_attachment_take_no_time(repeated: bytes) -> None:
    begun = time.process_time()

    mail("Content-Type: multipart/mixed; boundary=b", body=b"\n\n" + repeated * 200_000)

    assert time.process_time() - begun < 10


def test_a_text_with_a_file_name_is_an_attachment() -> None:
    body = b"--b\n\nSee the log.\n--b\nContent-Type: text/plain; name=a.log\n\nError 5\n--b--"

    found = mail("Content-Type: multipart/mixed; boundary=b", body=body)

    assert found.text.strip() == "See the log."
    assert [one.name for one in found.attachments] == ["a.log"]


def test_the_delivery_status_is_kept_as_text() -> None:
    body = (
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        b"Final-Recipient: rfc822; x@y.example\nAction: failed\nStatus: 5.1.1\n--b--"
    )

    found = mail("Content-Type: multipart/report; boundary=b", body=body)

    assert found.parts[0].media_type == "message/delivery-status"
    assert "Status: 5.1.1" in found.parts[0].text


def test_a_footer_in_clear_after_base64_is_read() -> None:
    body = base64.b64encode(b"Hello there, this is the text.") + b"\n\n____\nusers mailing list\n"

    found = mail("Content-Transfer-Encoding: base64", body=body)

    assert found.text.startswith("Hello there, this is the text.")
    assert "users mailing list" in found.text
    assert "text after base64" in found.problems


def test_quoted_printable_with_carriage_returns_only_is_read_to_its_end() -> None:
    found = mail("Content-Transfer-Encoding: quoted-printable", body=b"One li=\rne,=20\rtwo.")

    assert found.text == "One line, \ntwo."


@pytest.mark.parametrize(
    "name",
    [
        "filename*=utf-8''%E8%AB%8B%E6%B1%82%E6%9B%B8.pdf",
        "filename*0*=utf-8'ja'%E8%AB%8B%E6; filename*1*=%B1%82%E6%9B%B8.pdf",
        "filename*=Shift_JIS''%90%BF%8B%81%8F%91.pdf",
    ],
)
def test_a_file_name_is_read_in_the_charset_it_declares(name: str) -> None:
    found = mail(f"Content-Type: application/pdf\nContent-Disposition: attachment; {name}")

    assert [one.name for one in found.attachments] == ["請求書.pdf"]
    assert "charset not declared" not in found.problems


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>two<div>three</div>", "One\ntwo\nthree"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        (
            "Yes<blockquote>Why?<blockquote>So.</blockquote></blockquote>",
            "Yes\n\n> Why?\n>\n> > So.",
        ),
        ('<blockquote style="margin:0 0 0 40px;border:none">in</blockquote>', "in"),
        ("<div style='display: none'>preheader</div>Hello", "Hello"),
        (
            "<div style='font-size:0px'>gap<p style='font-size:13px'>Hello</p></div>",
            "Hello",
        ),
        ("<style>p{}</style><script>x()</script>Hello<!-- no -->", "Hello"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<p class=MsoNormal>Ann</p><p class=x_MsoPlainText>Initech</p>", "Ann\nInitech"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>&nbsp;</p><p class=MsoNormal>b", "a\n\nb"),
        ("<p class=MsoNormal>a<br></p><p class=MsoNormal>b</p>", "a\nb"),
        ("<p class=MsoNormal style='margin-bottom:12.0pt'>a</p><p>b</p>", "a\n\nb"),
        ("<p style='margin: 0in 0in .0001pt .5in'>a</p><p style='margin:0'>b</p>", "a\nb"),
        ("<p style='margin-top:0'>a</p><p style='margin-top:0'>b</p>", "a\n\nb"),
        ("w\u200bo\u00adrd&nbsp;s", "word s"),
        ("<img alt='🙂'><img alt='Our logo'>", "🙂"),
    ],
)
def test_html_reads_as_a_person_sees_it(html: str, text: str) -> None:
    assert to_text(html, []) == text


HOSTILE = {
    "parameters": b"Content-Type: text/plain" + b';"' * 200_000 + b"\n\nx",
    "parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\n" * 200_000,
    "nested parts": b"Content-Type: multipart/mixed; boundary=x0\n\n"
    + b"".join(
        b"--x%d\nContent-Type: multipart/mixed; boundary=x%d\n\n" % (depth, depth + 1)
        for depth in range(2_000)
    )
    + b"a\n" * 100_000,
    "nested messages": b"Content-Type: message/rfc822\n\n" * 3_000 + b"x",
    "headers": b"a: b\n" * 200_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?" * 200_000 + b"\n\nx",
    "brackets": b"To: " + b"(<" * 200_000 + b"\n\nx",
    "elements": b"Content-Type: text/html\n\n" + b"<div>" * 200_000,
    "formatting": b"Content-Type: text/html\n\n"
    + b"".join(b"<b id=%d>" % number for number in range(1_500))
    + b"</p><p>x" * 50_000,
    "attributes": b"Content-Type: text/html\n\n<p "
    + b" ".join(b"a%d=1" % number for number in range(50_000))
    + b">x",
    "escapes": b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + b"\x1b$B\n" * 200_000,
    "blank start": b" \n" * 500_000 + b"x",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_mail_made_to_hang_the_reader_is_read_within_seconds(raw: bytes) -> None:
    start = time.process_time()

    found = parse(raw)

    assert isinstance(found, Mail)
    assert time.process_time() - start < 5


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider mail samples are not on this machine")
def test_every_shared_sample_is_read_within_a_second() -> None:
    slow = []
    for file in sorted(SHARED.rglob("*")):
        if not file.is_file() or file.suffix in {".tnef", ".jsonl", ".md"}:
            continue
        start = time.process_time()
        found = parse(file.read_bytes())
        if time.process_time() - start > 1:
            slow.append(file.name)
        assert "\x00" not in found.text

    assert slow == []
