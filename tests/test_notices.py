"""What machines say of another mail, or of its owner."""

import email
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhealth.machine import kind, notices
from mailhealth.mime import parse
from mailhealth.records import Kind, Notice

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail" / "sisimai" / "bounces"
AWAY = "Sat, 3 Aug 2024 10:00:00 +0900"


def read(*headers: str, body: str, expected: Kind) -> tuple[Notice, ...]:
    lines = [*headers, "Content-Type: text/plain; charset=utf-8"]
    mail = parse("\n".join([*lines, "", body]).encode())
    assert kind(mail) == expected
    return notices(mail, expected)


def bounced(body: str, *headers: str) -> list[tuple[str, str | None, str]]:
    """Read a bounce that is only text: address, class and code of each notice."""
    sender = "From: Mail Delivery System <mailer-daemon@mx.example>"
    found = read(sender, "Subject: Returned mail", *headers, body=body, expected="bounce")
    return [(notice.recipient, notice.bounce, notice.code) for notice in found]


def report(report_type: str, *parts: tuple[str, str]) -> tuple[Notice, ...]:
    """Read a report; its parts are media types and texts."""
    content = f"Content-Type: multipart/report; report-type={report_type}; boundary=b"
    body = "".join(f"--b\nContent-Type: {media_type}\n\n{text}\n" for media_type, text in parts)
    mail = parse(f"From: postmaster@mx.example\n{content}\n\n{body}--b--\n".encode())
    return notices(mail, kind(mail))


def status(text: str) -> Notice:
    return report("delivery-status", ("message/delivery-status", text))[0]


def until(text: str, sent: str = AWAY) -> str | None:
    found = read(
        "From: Bo <bo@globex.example>",
        f"Date: {sent}",
        "Subject: Automatic reply: Your offer",
        body=text,
        expected="auto_reply",
    )
    return found[0].until if found else None


def test_a_report_names_each_address_with_its_own_reason() -> None:
    found = report(
        "delivery-status",
        ("text/plain", "It failed."),
        (
            "message/delivery-status",
            "Reporting-MTA: dns; mx.example\n\n"
            "Final-Recipient: rfc822; bo@Globex.Example\nAction: failed\nStatus: 5.1.1\n"
            "Diagnostic-Code: smtp; 550 5.1.1 <bo@globex.example>... User\n unknown\n\n"
            "Final-Recipient: rfc822; cy@globex.example\nAction: failed\nStatus: 5.2.2\n"
            "Diagnostic-Code: smtp; 552 5.2.2 Mailbox full",
        ),
        ("message/rfc822", "Message-ID: <offer-1@example.com>\nTo: bo@globex.example\n\nHello"),
    )

    assert found == (
        Notice(
            "bounced",
            "bo@globex.example",
            "hard",
            "5.1.1",
            "550 5.1.1 <bo@globex.example>... User unknown",
            "offer-1@example.com",
        ),
        Notice(
            "bounced",
            "cy@globex.example",
            "soft",
            "5.2.2",
            "552 5.2.2 Mailbox full",
            "offer-1@example.com",
        ),
    )


def test_the_address_is_the_one_we_wrote_to_and_not_where_it_was_forwarded() -> None:
    found = status(
        "Final-Recipient: rfc822; box7@mx.example\nOriginal-Recipient: rfc822;bo@globex.example\n"
        "Action: failed\nStatus: 5.1.1"
    )

    assert found.recipient == "bo@globex.example"


@pytest.mark.parametrize(
    ("reported", "diagnosis", "bounce", "code"),
    [
        ("5.0.0", "550 5.1.1 User unknown", "hard", "5.1.1"),
        ("5.0.0", "5.1.0 - Unknown address error 550-'5.2.2 Mailbox full'", "soft", "5.2.2"),
        ("5.0.0", "550 Unauthenticated senders not allowed", "blocked", "5.0.0"),
        ("5.1.1", "550 5.7.1 IP address blacklisted by recipient", "blocked", "5.1.1"),
        ("5.1.8", "501 5.1.8 Sender address rejected", "blocked", "5.1.8"),
        ("5.7.1", "550 5.7.1 User unknown", "hard", "5.7.1"),
        ("5.7.26", "550 5.7.26 See our rules", "blocked", "5.7.26"),
        ("5.2.1", "550 5.2.1 The mailbox is disabled", "hard", "5.2.1"),
        ("5.2.1", "550-5.2.1 is receiving mail at a rate that", "soft", "5.2.1"),
        ("5.0.0", "550 Rejected", "blocked", "5.0.0"),
        ("5.0.0", "550 Recipient address rejected: On hold", "blocked", "5.0.0"),
        ("5.0.0", "553 globex.example does not take this", "hard", "5.0.0"),
        ("4.1.1", "450 4.1.1 User unknown", "hard", "4.1.1"),
        ("4.0.0", "DNS Error: globex.example responded with code NXDOMAIN", "soft", "4.0.0"),
        ("5.1.2", "DNS Error: globex.example responded with code NXDOMAIN", "hard", "5.1.2"),
        ("5.4.4", "Host or domain name not found. Host not found", "hard", "5.4.4"),
        ("5.4.4", "Name service error: unexpected name server reply", "soft", "5.4.4"),
        ("4.4.1", "connect to mx.example[192.0.2.1]:25: Connection timed out", "soft", "4.4.1"),
        ("5.4.7", "554 5.4.7 Message expired", "soft", "5.4.7"),
        ("5.0.0", "550 5.1.1 User unknown. This mail was scanned for spam", "hard", "5.1.1"),
    ],
)
def test_the_words_of_the_reply_decide_and_then_its_numbers(
    reported: str, diagnosis: str, bounce: str, code: str
) -> None:
    found = status(
        f"Final-Recipient: rfc822; bo@globex.example\nAction: failed\nStatus: {reported}\n"
        f"Diagnostic-Code: smtp; {diagnosis}"
    )

    assert (found.bounce, found.code) == (bounce, code)


@pytest.mark.parametrize(
    ("stage", "bounce"),
    [("MAIL FROM:<ann@example.com>", "blocked"), ("RCPT TO:<bo@globex.example>", "hard")],
)
def test_a_reply_before_the_address_was_named_is_not_about_it(stage: str, bounce: str) -> None:
    found = bounced(
        "The following address(es) failed:\n\n  bo@globex.example\n    SMTP error from remote mail "
        f"server after {stage}:\n    553 5.1.0 host.example does not exist\n"
    )

    assert found == [("bo@globex.example", bounce, "5.1.0")]


@pytest.mark.parametrize(
    "text",
    [
        "The group you tried to contact (team) may not exist, or you may not have permission.",
        "グループ（team）が存在しないか、投稿する権限がない可能性があります。",
        "Die Gruppe ist nicht vorhanden bzw. Sie haben nicht die erforderlichen Berechtigungen.",
        "El grupo (team) quizás no exista o bien no tienes los permisos necesarios.",
        "Il se peut que le groupe (team) n'existe pas ou que vous ne soyez pas autorisé.",
        "「team」群組可能不存在，或者您沒有在此群組張貼留言的權限。",
    ],
)
def test_a_group_that_may_only_be_closed_to_us_is_not_dead(text: str) -> None:
    found = bounced(text, "X-Failed-Recipients: team@globex.example")

    assert found == [("team@globex.example", "blocked", "")]


def test_what_is_only_delayed_is_soft_whatever_the_server_says() -> None:
    found = status(
        "Final-Recipient: rfc822; bo@globex.example\nAction: delayed\nStatus: 4.1.1\n"
        "Diagnostic-Code: smtp; 450 4.1.1 User unknown"
    )

    assert found.bounce == "soft"


def test_an_address_that_was_reached_is_in_no_notice() -> None:
    found = report(
        "delivery-status",
        (
            "message/delivery-status",
            "Final-Recipient: rfc822; bo@globex.example\nAction: failed\n"
            "Final-Recipient: rfc822; cy@globex.example\nAction: relayed",
        ),
    )

    assert [notice.recipient for notice in found] == ["bo@globex.example"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "Hi. This is the qmail-send program at mx.example.\n\n<bo@globex.example>:\n"
            "192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 User unknown\n\n"
            "<cy@globex.example>:\nSorry, the mailbox is full. (#5.2.2)\n\n"
            "--- Below this line is a copy of the message.\n\nTo: dee@globex.example\n",
            [("bo@globex.example", "hard", "5.1.1"), ("cy@globex.example", "soft", "5.2.2")],
        ),
        (
            "The following address(es) failed:\n\n  bo@globex.example\n    SMTP error from remote "
            "mail server after RCPT TO:<bo@globex.example>:\n    host mx [192.0.2.1]:\n"
            "    553 5.1.1 unknown or illegal user:\n    bo@globex.example\n\n"
            "------ This is a copy of the message, including all the headers. ------\n",
            [("bo@globex.example", "hard", "5.1.1")],
        ),
        (
            "   ----- Transcript of session follows -----\n>>> RCPT To:<bo@globex.example>\n"
            "<<< 550 No such user\n550 <bo@globex.example>... User unknown\n"
            "421 mx.example (smtp)... Deferred: Connection timed out\n",
            [("bo@globex.example", "hard", "")],
        ),
        (
            "Your message\n\n  To:      dee@example.com\n  Subject: Offer\n\n"
            "did not reach the following recipient(s):\n\n"
            "bo@globex.example on Sat, 3 Aug 2024 10:00:00 +0900\n"
            "    The recipient name is not recognized\n",
            [("bo@globex.example", "hard", "")],
        ),
        (
            "次のあて先へのメッセージはエラーのため送信できませんでした。\n"
            "送信先メールアドレスが見つかりませんでした。\n\n<bo@globex.example>\n",
            [("bo@globex.example", "hard", "")],
        ),
        (
            "送信先のメールボックスが一杯のため、送信できませんでした。\n"
            "  Could not be delivered to: <bo@globex.example>\n",
            [("bo@globex.example", "soft", "")],
        ),
        ("User mailbox exceeds allowed size: bo@globex.example\n", None),
        (
            "Technical report:\n\nAction: failed\nFinal-Recipient: rfc822; bo@globex.example\n"
            "Diagnostic-Code: smtp; 554 4.4.7 Message expired\nStatus: 4.4.7\n",
            [("bo@globex.example", "soft", "4.4.7")],
        ),
        (
            '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":'
            '"bo@globex.example","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}}',
            [("bo@globex.example", "hard", "5.1.1")],
        ),
    ],
)
def test_a_bounce_in_words_names_the_address_and_the_class(
    body: str, expected: list[tuple[str, str | None, str]] | None
) -> None:
    assert bounced(body) == (expected or [("bo@globex.example", "soft", "")])


def test_the_header_that_names_the_failed_address_is_believed() -> None:
    found = bounced("Hello, the group may be closed.", "X-Failed-Recipients: team@globex.example")

    assert found == [("team@globex.example", "soft", "")]


def test_our_own_address_in_the_greeting_is_not_the_one_that_failed() -> None:
    found = bounced(
        "ann@example.com, we are sorry:\nbo@globex.example: Envelope expired",
        "To: ann@example.com",
    )

    assert found == [("bo@globex.example", "soft", "")]


def test_a_return_path_that_holds_the_address_tells_who_failed() -> None:
    found = bounced("User unknown.", "To: <bounce+bo=globex.example@example.com>")

    assert found == [("bo@globex.example", "hard", "")]


def test_a_bounce_that_names_nobody_has_one_notice_without_an_address() -> None:
    assert bounced("Something failed.") == [("", "soft", "")]


@pytest.mark.parametrize(
    ("fields", "attached", "expected"),
    [
        ("Original-Rcpt-To: <bo@globex.example>", "To: x@globex.example", ["bo@globex.example"]),
        (
            "Original-Rcpt-To: bo@globex.example\nOriginal-Rcpt-To: cy@globex.example",
            "",
            ["bo@globex.example", "cy@globex.example"],
        ),
        ("Removal-Recipient: bo@globex.example", "", ["bo@globex.example"]),
        ("Source-IP: 192.0.2.1", "To: Bo <bo@globex.example>", ["bo@globex.example"]),
        ("Redacted-Address: redacted", "To: redacted@globex.example", [""]),
    ],
)
def test_a_complaint_names_who_complained(fields: str, attached: str, expected: list[str]) -> None:
    found = report(
        "feedback-report",
        ("message/feedback-report", f"Feedback-Type: abuse\n{fields}"),
        ("message/rfc822", f"{attached}\nMessage-ID: <news-1@example.com>\n\nNews".lstrip()),
    )

    assert [notice.recipient for notice in found] == expected
    assert {(notice.type, notice.original) for notice in found} == {
        ("complained", "news-1@example.com")
    }


def test_a_complaint_from_before_the_standard_is_read_from_the_attached_mail() -> None:
    mail = parse(
        b"From: <staff@mailbox.example>\nSubject: complaint about message from 192.0.2.1\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
        b"X-HmXmrOriginalRecipient: bo@globex.example\nTo: list@example.com\n\nNews\n--b--\n"
    )

    assert [notice.recipient for notice in notices(mail, kind(mail))] == ["bo@globex.example"]


def test_a_complaint_that_a_sending_service_passes_on_is_a_complaint() -> None:
    found = read(
        "From: no-reply@sns.example",
        "Subject: Notification",
        body='{"notificationType":"Complaint","complaint":{"complainedRecipients":'
        '[{"emailAddress":"bo@globex.example"}]}}',
        expected="complaint",
    )

    assert [notice.recipient for notice in found] == ["bo@globex.example"]


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("manual-action/MDN-sent-manually; displayed", ["offer-1@example.com"]),
        ("automatic-action/MDN-sent-automatically; displayed/warning", ["offer-1@example.com"]),
        ("automatic-action/MDN-sent-automatically; deleted", []),
    ],
)
def test_a_receipt_names_the_mail_that_was_displayed(disposition: str, expected: list[str]) -> None:
    found = report(
        "disposition-notification",
        (
            "message/disposition-notification",
            "Final-Recipient: rfc822;bo@globex.example\n"
            f"Original-Message-ID: <offer-1@example.com>\nDisposition: {disposition}",
        ),
    )

    assert [notice.original for notice in found] == expected
    assert all(notice.recipient == "bo@globex.example" for notice in found)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I am out of the office until 12 January.", "2025-01-12"),
        ("I'm on leave and back on Monday 5 May 2025.", "2025-05-05"),
        ("On vacation from August 10 to August 16, no e-mail.", "2024-08-16"),
        ("Out of office August 10-16, 2024", "2024-08-16"),
        ("I am away 10/08/2024 - 16/08/2024", "2024-08-16"),
        ("I will return to the office on Tues. Aug 11th.", "2024-08-11"),
        ("I am out until end of day Friday, August 7th", "2024-08-07"),
        ("I'm away until 9am on 12 August", "2024-08-12"),
        ("from 8/10 through 8/14 I am on leave", "2024-08-14"),
        ("8月10日から16日まで休暇をいただいております。", "2024-08-16"),
        ("８月１０日（月）～１６日（日）は夏季休業です", "2024-08-16"),
        ("2024年8月10日〜2024年8月16日の間、不在です", "2024-08-16"),
        ("8/16（日）まで不在にしております", "2024-08-16"),
        ("8月10日から休暇をいただき、17日に出社いたします。", "2024-08-17"),
        ("休暇中のため、8月17日以降にご連絡いたします", "2024-08-17"),
        ("12月28日から1月4日まで休業いたします", "2025-01-04"),
        ("本日8月3日は終日不在です", "2024-08-03"),
        ("Ich bin bis zum 16.08.2024 nicht im Büro", "2024-08-16"),
        ("Je suis absent jusqu'au 16 août.", "2024-08-16"),
        ("Estoy fuera de la oficina hasta el 16 de agosto", "2024-08-16"),
        ("我休假至8月16日", "2024-08-16"),
    ],
)
def test_an_absence_ends_on_the_day_it_names(text: str, day: str) -> None:
    assert until(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "I am out of the office with no access to mail.",
        "On leave. Your mail of 1 August was received.",
        "夏季休業中です。8月1日のメールを受け取りました。",
        "Out of the office until 31 February.",
        "On vacation.\n\nOn 2 August Ann wrote:\n> The offer is good until 9 August.",
        "休暇中です。\n-----元のメッセージ-----\n8月9日までにお願いします。",
    ],
)
def test_an_absence_that_names_no_end_has_none(text: str) -> None:
    assert until(text) == ""


@pytest.mark.parametrize(
    "text",
    ["Thank you, ticket 7 is open until 5 May.", "お問い合わせを8月16日まで受け付けます。"],
)
def test_an_automatic_answer_that_speaks_of_no_absence_is_no_notice(text: str) -> None:
    assert until(text) is None


def test_a_date_without_its_year_means_the_one_beside_the_mail() -> None:
    answer = "I am on vacation until 4 January."

    assert until(answer, "Sun, 29 Dec 2024 10:00:00 +0000") == "2025-01-04"
    assert until(answer, "Sun, 12 Jan 2025 10:00:00 +0000") == "2025-01-04"


def test_a_mail_provider_can_say_the_end_in_a_header() -> None:
    found = read(
        "From: bo@globex.example",
        "Subject: Re: Offer",
        "X-Apple-Action: VACATION",
        "X-Apple-Criteria: {kind=VACATION,endDate=2024-08-16T14:59:59Z}",
        body="I am only sleeping.",
        expected="auto_reply",
    )

    assert found == (Notice("absent", "bo@globex.example", until="2024-08-16"),)


def test_a_persons_mail_is_no_notice() -> None:
    assert read("From: bo@globex.example", body="Away until 5 May", expected="human") == ()


@given(
    st.sampled_from(["text/plain", "message/delivery-status", "message/feedback-report"]),
    st.lists(
        st.sampled_from(
            [
                *("Final-Recipient: rfc822;", "Action: failed", "bo@globex.example", "<", ">", ":"),
                *(
                    "550 5.1.1",
                    "\n",
                    "\n\n",
                    "until",
                    "12",
                    "January",
                    "8月",
                    "31日",
                    "まで",
                    "2024",
                ),
                *("/", "²", "\x00", '"bounce"', '"emailAddress":"', "out of office", "X: "),
            ]
        )
        | st.text(max_size=8)
    ),
)
def test_no_machine_mail_makes_it_stumble(media_type: str, pieces: list[str]) -> None:
    text = f"Date: {AWAY}\nContent-Type: {media_type}\n\n" + " ".join(pieces)

    mail = parse(text.encode("utf-8", "surrogateescape"))

    kinds: list[Kind] = ["bounce", "complaint", "receipt", "auto_reply"]
    assert all(notice.type for name in kinds for notice in notices(mail, name))


def reported(raw: bytes) -> list[tuple[str, str]]:
    """Read the groups of a report with the standard library: address and status."""
    found = []
    parts = email.message_from_bytes(raw).get_payload()
    for part in parts if isinstance(parts, list) else []:
        assert isinstance(part, Message)
        groups = part.get_payload() if part.get_content_type() == "message/delivery-status" else []
        for group in groups if isinstance(groups, list) else []:
            assert isinstance(group, Message)
            address = str(group["original-recipient"] or group["final-recipient"] or "")
            address = address.rpartition(";")[2].strip("<> ")
            if "@" in address[1:]:
                found.append((address, str(group["status"] or "").partition(" ")[0]))
    return found


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider machine mail is not on this machine")
def test_the_addresses_of_standard_reports_are_those_of_a_slower_reading() -> None:
    right = all_of_them = 0
    for file in sorted(SHARED.glob("*.eml")):
        raw = file.read_bytes()
        if wanted := {address.lower() for address, _ in reported(raw)}:
            found = {notice.recipient.lower() for notice in notices(parse(raw), "bounce")}
            right, all_of_them = right + (found == wanted), all_of_them + 1

    assert all_of_them > 150
    assert right / all_of_them >= 0.98


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider machine mail is not on this machine")
def test_the_class_of_standard_reports_is_that_of_their_status() -> None:
    """Only statuses whose meaning RFC 3463 leaves no doubt of; servers misuse some of them."""
    plain = {"5.1.1": True, "5.1.2": True, "5.1.6": True, "5.1.10": True, "5.4.4": True}
    plain |= {"5.2.2": False, "5.2.3": False, "5.7.0": False, "5.7.1": False, "5.7.9": False}
    plain |= {"4.2.2": False, "4.3.0": False, "4.4.1": False, "4.4.7": False, "5.6.0": False}

    right = all_of_them = 0
    for file in sorted(SHARED.glob("*.eml")):
        raw = file.read_bytes()
        said = {notice.recipient.lower(): notice for notice in notices(parse(raw), "bounce")}
        for address, code in reported(raw):
            if code in plain and address.lower() in said:
                hard = said[address.lower()].bounce == "hard"
                right, all_of_them = right + (hard == plain[code]), all_of_them + 1

    assert all_of_them > 70
    assert right / all_of_them >= 0.95
