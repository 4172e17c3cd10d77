"""The sample company holds together: what is written can be read, and nobody real is in it."""

import csv
import mailbox
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mailhealth import demo
from mailhealth.demo import DemoFiles, stories
from mailhealth.demo.stories import Story
from mailhealth.errors import BadData

STORIES = resources.files("mailhealth") / "stories"
ALLOWED = re.compile(r"(.+\.)?(example\.com|[a-z0-9-]+\.example)|(mail\.)?gmail\.com")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return demo.lay_out(tmp_path_factory.mktemp("acme"))


@pytest.fixture(scope="module")
def mails(files: DemoFiles) -> list[mailbox.mboxMessage]:
    box = mailbox.mbox(files.mailbox, create=False)
    found = list(box)
    box.close()
    return found


@pytest.fixture(scope="module")
def told() -> tuple[Story, ...]:
    return stories.load()


def test_the_mailbox_holds_every_mail_of_every_story(
    mails: list[mailbox.mboxMessage], told: tuple[Story, ...]
) -> None:
    written = [letter for story in told for thread in story.threads for letter in thread.letters]

    assert len(mails) == len(written)
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)


def test_every_answer_answers_a_mail_that_is_there_and_older(
    mails: list[mailbox.mboxMessage],
) -> None:
    at = {mail["Message-ID"]: parsedate_to_datetime(mail["Date"]) for mail in mails}
    answers = [mail for mail in mails if mail["In-Reply-To"]]

    assert len(answers) > len(mails) / 2
    for mail in answers:
        assert at[mail["In-Reply-To"]] < at[mail["Message-ID"]]
        assert mail["References"].split()[-1] == mail["In-Reply-To"]


def test_a_mail_without_in_reply_to_starts_its_thread(
    mails: list[mailbox.mboxMessage], told: tuple[Story, ...]
) -> None:
    starts = {thread.letters[0].at for story in told for thread in story.threads}

    found = [parsedate_to_datetime(mail["Date"]) for mail in mails if not mail["In-Reply-To"]]

    assert set(found) == starts


def test_two_lay_outs_are_the_same_byte_for_byte(files: DemoFiles, tmp_path: Path) -> None:
    again = demo.lay_out(tmp_path / "not" / "there" / "yet")

    assert again.mailbox.read_bytes() == files.mailbox.read_bytes()
    assert again.send_log.read_bytes() == files.send_log.read_bytes()
    assert again.customers.read_bytes() == files.customers.read_bytes()


def test_nothing_happens_outside_the_year(
    files: DemoFiles, mails: list[mailbox.mboxMessage]
) -> None:
    start, end = datetime(2025, 11, 1, tzinfo=UTC), datetime.fromisoformat(files.as_of)

    assert all(start <= parsedate_to_datetime(mail["Date"]) < end for mail in mails)
    assert all("2025-11" <= row["EventDate"] < files.as_of for row in _rows(files.send_log))


def test_mail_arrives_in_the_order_of_the_mailbox(mails: list[mailbox.mboxMessage]) -> None:
    arrived = [parsedate_to_datetime(mail["Received"].rpartition(";")[2]) for mail in mails]

    assert arrived == sorted(arrived)


def test_every_subject_and_sender_can_be_decoded(mails: list[mailbox.mboxMessage]) -> None:
    decoded = [str(make_header(decode_header(mail["Subject"]))) for mail in mails]

    assert all(decoded)
    assert not any("=?" in subject or "\ufffd" in subject for subject in decoded)


def test_every_body_is_encoded_as_its_headers_say(mails: list[mailbox.mboxMessage]) -> None:
    charsets = set()
    for mail in mails:
        for part in mail.walk():
            if part.get_content_maintype() == "text" and part.get_content_charset():
                charset = str(part.get_content_charset())
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                assert content.decode(charset).strip()
                charsets.add(charset)

    assert charsets == {"us-ascii", "utf-8", "iso-2022-jp"}


def test_each_kind_of_machine_mail_occurs(mails: list[mailbox.mboxMessage]) -> None:
    types = {part.get_content_type() for mail in mails for part in mail.walk()}

    assert {"message/delivery-status", "message/disposition-notification"} <= types
    assert "text/calendar" in types
    assert any(mail["Auto-Submitted"] and mail["Return-Path"] == "<>" for mail in mails)
    assert any(mail["List-Unsubscribe"] for mail in mails)


def test_an_answer_quotes_what_it_answers_in_the_style_of_its_client(
    mails: list[mailbox.mboxMessage],
) -> None:
    texts = "\n".join(_plain(mail) for mail in mails)

    assert re.search(r"^On \w{3}, \d+ \w{3} \d{4} at \d\d:\d\d, [^<]+ <", texts, re.M)  # Gmail
    assert re.search(r"^On \w{3}, \w{3} \d+, \d{4} at \d+:\d\d [AP]M ", texts, re.M)  # Gmail, US
    assert re.search(r"^\d+年\d+月\d+日\(.\) \d\d:\d\d .+ <.+>:$", texts, re.M)  # Gmail, Japanese
    assert re.search(r"^From: .+\nSent: .+\nTo: .+\nSubject: ", texts, re.M)  # Outlook
    assert re.search(r"^差出人: .+\n送信日時: .+\n宛先: .+\n件名: ", texts, re.M)
    assert re.search(r"^> On \d+ \w{3} \d{4}, at \d\d:\d\d, .+ wrote:$", texts, re.M)  # Apple Mail
    assert re.search(r"^On .+ \+0900\n.+ wrote:$", texts, re.M)  # Becky!


def test_the_send_log_is_an_elastic_email_export(files: DemoFiles) -> None:
    header = files.send_log.read_text(encoding="utf-8").splitlines()[0]
    rows = _rows(files.send_log)

    assert header == (
        "TransactionID,MsgID,FromEmail,To,Subject,EventType,EventDate,ChannelName,"
        "MessageCategory,NextTryOn,Message,IPAddress,PoolName"
    )
    assert {row["EventType"] for row in rows} == {
        "Submission", "Sent", "Open", "Click", "Bounce", "Suppress", "Unsubscribe",
    }  # fmt: skip


def test_an_address_that_bounced_or_left_gets_nothing_more(files: DemoFiles) -> None:
    rows = _rows(files.send_log)
    ends = {row["To"]: row for row in rows if row["EventType"] in ("Bounce", "Unsubscribe")}

    assert len(ends) >= 2
    for row in rows:
        if row["To"] in ends and row["EventDate"] > ends[row["To"]]["EventDate"]:
            assert row["EventType"] == "Suppress"


def test_an_apple_reader_has_machine_opens_only(files: DemoFiles, told: tuple[Story, ...]) -> None:
    apple = {p.address for story in told for p in story.people if p.newsletter == "apple"}
    rows = _rows(files.send_log)
    sent = {row["MsgID"]: _time(row) for row in rows if row["EventType"] == "Sent"}

    opens = [row for row in rows if row["To"] in apple and row["EventType"] in ("Open", "Click")]

    assert opens
    for row in opens:
        assert row["EventType"] == "Open"
        assert _time(row) - sent[row["MsgID"]] < timedelta(seconds=5)


def test_the_customer_file_names_every_customer_once(
    files: DemoFiles, told: tuple[Story, ...]
) -> None:
    rows = _rows(files.customers)

    assert list(rows[0]) == [
        "customer", "domain", "address", "segment", "owner", "started", "renews",
    ]  # fmt: skip
    assert [row["customer"] for row in rows if row["domain"]] == [
        story.customer for story in told if story.customer
    ]
    assert all(row["segment"] in ("enterprise", "mid", "small") for row in rows)


def test_only_domains_that_nobody_owns_occur(
    files: DemoFiles, mails: list[mailbox.mboxMessage], told: tuple[Story, ...]
) -> None:
    addresses = {person.address for story in told for person in story.people}
    texts = [file.read_text(encoding="utf-8") for file in STORIES.iterdir()]
    texts += [files.send_log.read_text(encoding="utf-8")]
    texts += [f"{value}\n" for mail in mails for value in mail.values()]
    texts += [_plain(mail) for mail in mails]

    domains = {
        domain.lower().rstrip(".")
        for text in texts
        for domain in re.findall(r"(?:@|://)([A-Za-z0-9.-]+\.[A-Za-z]{2,})", text)
    }

    assert {domain for domain in domains if not ALLOWED.fullmatch(domain)} == set()
    assert sum(address.endswith("@gmail.com") for address in addresses) == 1


LATER = {"at": datetime(2026, 2, 2, tzinfo=UTC), "from": "a", "to": ["a"], "text": "x"}
EARLIER = {**LATER, "at": datetime(2026, 2, 1, tzinfo=UTC)}
LOCAL = {**LATER, "at": datetime(2026, 2, 1)}
PINE = {"id": "a", "name": "A", "address": "a@x.example", "client": "pine"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sgement": "mid"}, "unknown key 'sgement'"),
        ({"contact": [PINE]}, "unknown 'pine'"),
        ({"thread": [{"subject": "s", "mail": [{"from": "nobody"}]}]}, "unknown 'nobody'"),
        ({"thread": [{"subject": "s", "mail": [LATER, EARLIER]}]}, "must follow"),
        ({"thread": [{"subject": "s", "mail": [LOCAL]}]}, "needs an offset"),
    ],
)
def test_a_story_that_does_not_hold_together_says_why(change: dict[str, Any], says: str) -> None:
    person = {"id": "a", "name": "A", "address": "a@x.example"}
    table = {"customer": "x.example", "contact": [person], "thread": [], **change}

    with pytest.raises(BadData, match=says):
        stories.read("x.toml", table, ())


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _time(row: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(row["EventDate"])


def _plain(mail: mailbox.mboxMessage) -> str:
    part = next(part for part in mail.walk() if part.get_content_maintype() == "text")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(part.get_content_charset("us-ascii"))
