"""A person's mail is told from what machines send."""

from pathlib import Path

import pytest

from mailhealth.machine import kind
from mailhealth.mime import parse
from mailhealth.records import Kind

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail" / "sisimai" / "bounces"
MEASURED = 0.984  # share of the shared machine mail that is classed as its collectors say


def kind_of(*headers: str, body: str = "Hello") -> Kind:
    return kind(parse("\n".join([*headers, "", body]).encode()))


def report(report_type: str, part: str, text: str) -> Kind:
    return kind_of(
        "From: someone@example.com",
        f"Content-Type: multipart/report; report-type={report_type}; boundary=b",
        body=f"--b\n\nA report.\n--b\nContent-Type: {part}\n\n{text}\n--b--",
    )


def test_a_letter_is_a_persons() -> None:
    assert kind_of("From: Ann <ann@example.com>", "Subject: Out of paper") == "human"


@pytest.mark.parametrize(
    ("report_type", "part", "text", "expected"),
    [
        ("delivery-status", "message/delivery-status", "Action: failed\nStatus: 5.1.1", "bounce"),
        ("delivery-status", "message/delivery-status", "Action: delayed", "bounce"),
        ("delivery-status", "message/delivery-status", "Action: relayed", "receipt"),
        ("feedback-report", "message/feedback-report", "Feedback-Type: abuse", "complaint"),
        (
            "disposition-notification",
            "message/disposition-notification",
            "Disposition: manual-action/MDN-sent-manually; displayed",
            "receipt",
        ),
    ],
)
def test_a_report_is_known_by_its_part(
    report_type: str, part: str, text: str, expected: Kind
) -> None:
    assert report(report_type, part, text) == expected


def test_a_complaint_inside_a_bounce_report_is_a_complaint() -> None:
    assert report("delivery-status", "message/feedback-report", "Feedback-Type: abuse") == (
        "complaint"
    )


def test_a_report_on_a_domains_own_policy_is_nobodys_complaint() -> None:
    assert report("x", "message/feedback-report", "Feedback-Type: auth-failure") == "list"


@pytest.mark.parametrize(
    "headers",
    [
        ["From: MAILER-DAEMON@mx.example", "Subject: failure notice"],
        ["From: postmaster@mx.example", "Return-Path: <>", "Subject: 配信エラー"],
        ["From: x@mx.example", "X-Failed-Recipients: bo@example.com"],
    ],
)
def test_a_bounce_without_a_report_is_known_by_its_sender(headers: list[str]) -> None:
    assert kind_of(*headers, body="The user is unknown.") == "bounce"


def test_a_person_called_postmaster_who_asks_about_bounces_is_a_person() -> None:
    found = kind_of(
        "From: Postmaster <postmaster@globex.example>",
        "Return-Path: <postmaster@globex.example>",
        "Subject: Question about undeliverable mail",
        body="Can you help us to set up our server?",
    )

    assert found == "human"


@pytest.mark.parametrize(
    ("method", "expected"), [("REPLY", "calendar"), ("REQUEST", "calendar"), ("PUBLISH", "human")]
)
def test_an_invitation_or_its_answer_is_calendar(method: str, expected: Kind) -> None:
    found = kind_of(
        "From: ann@example.com",
        "Content-Type: multipart/mixed; boundary=b",
        body=f"--b\n\nHi\n--b\nContent-Type: text/calendar\n\nMETHOD:{method}\n--b--",
    )

    assert found == expected


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your renewal",
        "Out of Office: Your renewal",
        "自動返信: お見積りの件",
        "【自動返信】お問い合わせありがとうございます",
        "お問い合わせありがとうございます（自動返信）",
        "不在のお知らせ",
        "Abwesenheitsnotiz: Angebot",
        "Réponse automatique : devis",
        "Respuesta automática: oferta",
        "自动回复: 续约",
        "부재중 자동 회신",
    ],
)
def test_an_out_of_office_is_not_an_answer(subject: str) -> None:
    assert kind_of("From: ann@example.com", f"Subject: {subject}") == "auto_reply"


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Automatic reply: Your renewal",
        "Out of office furniture",
        "On holiday pricing",
        "年末年始休業のお知らせ",
        "不在時の対応について",
        "自動返信の設定方法を教えてください",
        "Question about the out of office setting",
        "Re: 【自動返信】お問い合わせありがとうございます",
    ],
)
def test_a_person_who_writes_about_automatic_replies_is_a_person(subject: str) -> None:
    assert kind_of("From: ann@example.com", f"Subject: {subject}") == "human"


@pytest.mark.parametrize(
    "header",
    ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: auto_reply"],
)
def test_a_header_can_say_that_an_answer_is_automatic(header: str) -> None:
    assert kind_of("From: ann@example.com", "Subject: Re: Your renewal", header) == "auto_reply"


@pytest.mark.parametrize("header", ["X-Auto-Response-Suppress: All", "Auto-Submitted: no"])
def test_asking_for_no_automatic_answer_proves_nothing(header: str) -> None:
    assert kind_of("From: ann@example.com", "Subject: Hello", header) == "human"


@pytest.mark.parametrize(
    "headers",
    [
        ["List-Unsubscribe: <https://x.example/u>", "List-Id: <news.x.example>"],
        ["Precedence: bulk"],
        ["Feedback-ID: 1:2:3:x"],
        ["X-SG-EID: abc", "Subject: Re: news"],
    ],
)
def test_a_mailing_is_list(headers: list[str]) -> None:
    assert kind_of("From: Ann <ann@x.example>", *headers) == "list"


@pytest.mark.parametrize("sender", ["no-reply@x.example", "newsletter@x.example"])
def test_a_sender_that_nobody_can_answer_is_list(sender: str) -> None:
    assert kind_of(f"From: {sender}", "Subject: Your invoice") == "list"


@pytest.mark.parametrize(
    "headers",
    [
        ["List-Id: <support.example.com>", "List-Post: <mailto:support@example.com>"],
        ["List-Id: <users.example.com>", "Precedence: list", "Subject: Re: Login"],
        ["X-Google-Group-Id: 1", "Precedence: list", "List-Unsubscribe: <mailto:u@example.com>"],
    ],
)
def test_a_persons_post_to_a_group_address_is_a_persons(headers: list[str]) -> None:
    assert kind_of("From: Ann <ann@globex.example>", *headers) == "human"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider machine mail is not on this machine")
def test_the_share_of_shared_machine_mail_that_is_recognised_does_not_fall() -> None:
    files = sorted(SHARED.glob("*.eml"))

    right = 0
    for file in files:
        wanted = {"arf": "complaint", "rfc3834": "auto_reply"}.get(
            file.name.split("-")[0], "bounce"
        )
        right += kind(parse(file.read_bytes())) == wanted

    assert right / len(files) >= MEASURED - 0.02
