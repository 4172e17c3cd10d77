"""Mailchimp, Mailgun, SES, Postmark, HubSpot, Brevo, Resend and SparkPost, as their logs are."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mailhealth import sources
from mailhealth.errors import NotRecognised
from mailhealth.readers import forms, msys, sns
from mailhealth.records import Event, Found, Row, Skipped
from tests.rewrite import CONNECTORS, samples

OURS = (
    *("mailchimp", "mailgun", "amazon_ses", "postmark"),
    *("hubspot", "brevo", "resend", "sparkpost"),
)
SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "eventlogs"
_QUOTED = re.compile(r"'([^']*)' is left out")
wider = pytest.mark.skipif(not SHARED.is_dir(), reason="the wider samples are not on this machine")


def _read(name: str, path: Path, **settings: str) -> tuple[list[Event], list[Skipped]]:
    connector = sources.connector(name)
    items = list(sources.read(connector, {"path": str(path), **settings}, {}))
    events = [item.what for item in items if isinstance(item, Found)]
    skipped = [item for item in items if isinstance(item, Skipped)]
    return [event for event in events if isinstance(event, Event)], skipped


def _types(events: list[Event]) -> Counter[str]:
    return Counter(event.type + (f"/{event.bounce}" if event.bounce else "") for event in events)


def _refused(skipped: list[Skipped]) -> list[str]:
    """The reasons why rows could not be read, without the counts at the end of a file."""
    reasons = [each.why for each in skipped if not each.meant and "rows in all" not in each.why]
    return sorted(why.partition(" (")[0] for why in reasons)


def _left_out(skipped: list[Skipped]) -> list[str]:
    """The words that are left out on purpose, without the blanks between their parts."""
    meant = [each.why for each in skipped if each.meant]
    return sorted("".join(found[1].split()) for why in meant if (found := _QUOTED.search(why)))


def _payloads(path: Path) -> list[object]:
    """The bodies of calls, from a file that holds them with the name of a test on each line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["payload"] for line in lines]


@pytest.fixture
def calls(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The calls of one platform, one JSON value a line, as a receiver would have kept them."""
    path = tmp_path / "calls.jsonl"
    payloads = _payloads(SHARED / str(request.param) / "webhook_samples_anymail_tests.jsonl")
    path.write_text("".join(json.dumps(each) + "\n" for each in payloads), encoding="utf-8")
    return path


@wider
@pytest.mark.parametrize("calls", ["mailgun"], indirect=True)
def test_mailguns_calls_are_read_or_refused_with_a_reason(calls: Path) -> None:
    events, skipped = _read("mailgun", calls)

    assert sources.recognise(calls) == "mailgun"
    assert _types(events) == {
        "delivered": 1,
        "bounced/hard": 1,
        "deferred": 2,
        "dropped": 1,
        "complained": 1,
        "unsubscribed": 1,
        "opened": 1,
        "clicked": 2,
    }
    assert _refused(skipped) == [
        "has no recipient",
        "no column for at",
        "no column for at",
        "no column for recipient",
        "no column for recipient",
        "no column for recipient",
        "no column for type",
    ]
    assert _left_out(skipped) == []


@wider
def test_mailguns_apple_proxy_is_a_machine() -> None:
    events, skipped = _read("mailgun", SHARED / "mailgun" / "event_opened_bot.json")

    assert [(event.type, event.machine, event.at) for event in events] == [
        ("opened", True, 1_652_883_435)
    ]
    assert not skipped


@wider
@pytest.mark.parametrize("calls", ["amazon_ses"], indirect=True)
def test_ses_notifications_are_read_or_refused_with_a_reason(calls: Path) -> None:
    events, skipped = _read("amazon_ses", calls)

    assert sources.recognise(calls) == "amazon_ses"
    assert _types(events) == {
        "bounced/hard": 1,
        "delivered": 1,
        "sent": 1,
        "dropped": 1,
        "opened": 1,
        "clicked": 1,
    }
    assert _refused(skipped) == [
        "has no date; at= gives one to all rows",
        "has no date; at= gives one to all rows",
        "has no date; at= gives one to all rows",
        "has no date; at= gives one to all rows",
    ]
    assert _left_out(skipped) == ["Received"]


@wider
@pytest.mark.parametrize("calls", ["postmark"], indirect=True)
def test_postmarks_calls_are_read_or_refused_with_a_reason(calls: Path) -> None:
    events, skipped = _read("postmark", calls)

    assert sources.recognise(calls) == "postmark"
    assert _types(events) == {
        "bounced/hard": 1,
        "delivered": 1,
        "opened": 1,
        "clicked": 1,
        "complained": 1,
        "unsubscribed": 1,
        "subscribed": 1,
    }
    assert _refused(skipped) == ["no column for recipient"]
    assert _left_out(skipped) == ["SubscriptionChange/HardBounce"]


@wider
@pytest.mark.parametrize("calls", ["brevo"], indirect=True)
def test_brevos_calls_are_read_or_refused_with_a_reason(calls: Path) -> None:
    events, skipped = _read("brevo", calls)

    assert sources.recognise(calls) == "brevo"
    assert _types(events) == {
        "sent": 1,
        "delivered": 1,
        "bounced/hard": 2,
        "bounced/soft": 1,
        "dropped": 2,
        "complained": 2,
        "deferred": 1,
        "opened": 2,
        "clicked": 1,
        "unsubscribed": 1,
    }
    assert _refused(skipped) == []
    assert _left_out(skipped) == ["unique_opened", "unique_proxy_open"]


@wider
def test_brevos_marketing_calls_are_read_whole() -> None:
    path = SHARED / "brevo" / "marketing_webhook_examples.jsonl"
    events, skipped = _read("brevo", path)

    assert sources.recognise(path) == "brevo"
    assert [(event.type, event.machine) for event in events] == [
        ("opened", None),
        ("clicked", None),
        ("opened", True),
        ("bounced", None),
        ("unsubscribed", None),
    ]
    assert not skipped


@wider
@pytest.mark.parametrize("calls", ["resend"], indirect=True)
def test_resends_calls_are_read_or_refused_with_a_reason(calls: Path) -> None:
    events, skipped = _read("resend", calls)

    assert sources.recognise(calls) == "resend"
    assert _types(events) == {
        "delivered": 1,
        "bounced": 2,
        "deferred": 1,
        "complained": 1,
        "opened": 1,
        "clicked": 1,
    }
    assert _refused(skipped) == [
        "'Recipient <to@example.org>, to2@example.org' is not one e-mail address"
    ]
    assert _left_out(skipped) == []


@wider
@pytest.mark.parametrize("calls", ["sparkpost"], indirect=True)
def test_sparkposts_batches_are_read_or_refused_with_a_reason(calls: Path) -> None:
    events, skipped = _read("sparkpost", calls)

    assert sources.recognise(calls) == "sparkpost"
    assert _types(events) == {
        "sent": 1,
        "delivered": 1,
        "bounced/hard": 1,
        "deferred": 1,
        "unsubscribed": 1,
        "dropped": 2,
    }
    assert _refused(skipped) == ["no column for at", "no column for at", "no column for recipient"]
    assert _left_out(skipped) == ["amp_initial_open", "bounce/60", "initial_open"]


@wider
def test_hubspots_events_are_read_whole() -> None:
    path = SHARED / "hubspot" / "email_events_v1.json"
    events, skipped = _read("hubspot", path)

    assert sources.recognise(path) == "hubspot"
    assert _types(events) == {
        "sent": 1,
        "delivered": 1,
        "deferred": 1,
        "dropped": 1,
        "opened": 2,
        "clicked": 1,
        "bounced/soft": 1,
        "unsubscribed": 1,
        "complained": 1,
    }
    assert [event.machine for event in events if event.type == "opened"] == [False, True]
    assert not skipped


@wider
def test_mailchimps_export_and_reports_are_read_or_left_out_whole() -> None:
    folder = SHARED / "mailchimp"
    read, left_out = {}, set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        events, skipped = _read("mailchimp", path)
        name = f"{path.parent.name}/{path.name}"
        read[name] = dict(_types(events))
        if not events:
            left_out.add(name)
        assert all(each.meant for each in skipped)

    assert sources.recognise(folder) == "mailchimp"
    assert left_out == {
        "bounces/123_autumn-sale.csv",
        "mailchimp/report_export_members_opened.csv",
    }
    assert {name: types for name, types in read.items() if name not in left_out} == {
        "mailchimp/api_email_activity.json": {"opened": 1, "clicked": 1, "bounced/soft": 1},
        "mailchimp/api_open_details.json": {"opened": 2},
        "clicks/123_autumn-sale.csv": {"clicked": 1},
        "opens/123_autumn-sale.csv": {"opened": 2},
        "mailchimp/webhook_form_bodies.txt": {
            "subscribed": 1,
            "unsubscribed": 1,
            "complained": 1,
            "bounced/hard": 1,
        },
    }


def _files_of_others() -> Iterator[Path]:
    for path in sorted(SHARED.rglob("*")):
        platform = path.relative_to(SHARED).parts[0]
        if path.is_file() and path.name != "PROVENANCE.tsv" and platform not in OURS:
            yield path


@wider
def test_a_file_of_another_platform_is_never_taken_for_one_of_these() -> None:
    taken = {}
    for path in _files_of_others():
        try:
            taken[path.relative_to(SHARED).as_posix()] = sources.recognise(path)
        except NotRecognised:
            continue

    assert [name for name, connector in taken.items() if connector in OURS] == []


@pytest.mark.parametrize("name", OURS)
def test_a_sample_of_one_platform_is_known_to_no_other(name: str) -> None:
    known = [sources.recognise(sample) for sample in samples(name)]

    assert set(known) == {name}


def test_one_open_in_two_reports_of_mailchimp_is_one_event() -> None:
    folder = CONNECTORS / "mailchimp"
    activity, _ = _read("mailchimp", folder / "sample.email-activity.json")
    details, _ = _read("mailchimp", folder / "sample.open-details.json")

    both = {event.identity for event in activity} & {event.identity for event in details}
    assert [event.recipient for event in details if event.identity in both] == [
        "mia@globex.example"
    ]


def test_mailchimps_list_of_recipients_takes_its_time_from_the_user() -> None:
    path = CONNECTORS / "mailchimp" / "sample.sent-to.json"
    without, refused = _read("mailchimp", path)
    events, skipped = _read("mailchimp", path, at="2026-04-02T07:00:00")

    assert not without
    assert "at" in refused[0].why
    assert [(event.type, event.variant, event.at) for event in events] == [
        ("sent", "a", 1_775_113_200),
        ("sent", "b", 1_775_113_200),
    ]
    assert not skipped


def test_an_event_of_mailgun_is_the_same_by_webhook_and_by_api() -> None:
    folder = CONNECTORS / "mailgun"
    calls, _ = _read("mailgun", folder / "sample.webhook.jsonl")
    listed, _ = _read("mailgun", folder / "sample.events.json")

    assert len({event.identity for event in calls} & {event.identity for event in listed}) == 2


def test_an_event_of_ses_is_the_same_bare_and_in_an_envelope() -> None:
    folder = CONNECTORS / "amazon_ses"
    bare, _ = _read("amazon_ses", folder / "sample.firehose.jsonl")
    wrapped, _ = _read("amazon_ses", folder / "sample.sns.json")

    both = {event.identity for event in bare} & {event.identity for event in wrapped}
    assert sorted(event.type for event in wrapped if event.identity in both) == [
        "bounced",
        "opened",
    ]


def test_a_second_call_about_one_event_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    line = (CONNECTORS / "resend" / "sample.jsonl").read_text(encoding="utf-8").splitlines()[1]
    path.write_text(f"{line}\n{line}\n", encoding="utf-8")

    events, _ = _read("resend", path)
    assert len({event.identity for event in events}) == 1


def test_ses_writes_its_own_message_id_into_the_mail(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    mail = {"messageId": "0106-1", "commonHeaders": {"messageId": "<own@acme.example>"}}
    arns = ["arn:aws:ses:us-east-1:0:identity/a", "arn:aws:ses:eu-west-1:0:identity/a", ""]
    path.write_text(json.dumps([{"mail": {**mail, "sourceArn": arn}} for arn in arns]))

    rows = [row for row in sns.read({"path": str(path)}, {}) if isinstance(row, Row)]
    assert [row.fields["message_id"] for row in rows] == [
        "0106-1@email.amazonses.com",
        "0106-1@eu-west-1.amazonses.com",
        "own@acme.example",
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": "Open", "mail": {"destination": ["a@acme.example", "b@acme.example"]}},
        {"mail": {"destination": ["a@acme.example"] * 51}},
        {"Type": "Notification", "Message": "{" * 100_000},
        {"Type": "Notification", "Message": "[1]"},
    ],
)
def test_an_event_of_ses_that_is_about_nobody_is_refused(
    tmp_path: Path, event: dict[str, object]
) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([event]))

    items = [item for item in sns.read({"path": str(path)}, {}) if isinstance(item, Row | Skipped)]
    assert [type(item) for item in items] == [Skipped]


@pytest.mark.parametrize("event", [{}, {"mail": 7}, {"mail": {"destination": [7, None]}}])
def test_a_broken_event_of_ses_does_no_harm(tmp_path: Path, event: dict[str, object]) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([{"eventType": "Send", "bounce": [], **event}]))

    events, skipped = _read("amazon_ses", path)
    assert not events
    assert all("recipient" in each.why or "address" in each.why for each in skipped)


def test_a_form_that_is_too_long_is_one_refusal_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bodies.txt"
    body = urlencode({"data[email]": "花子@sakura-shoji.example", "type": "a"})
    path.write_text(f"a=1&b={'x' * 3_000_000}\n{body}\n")

    long, form, _ = forms.read({"path": str(path)}, {})
    assert isinstance(long, Skipped)
    assert long.place.endswith(":1")
    assert isinstance(form, Row)
    assert form.place.endswith(":2")
    assert form.fields == {"data[email]": "花子@sakura-shoji.example", "type": "a"}


@pytest.mark.parametrize(
    "text", ["", "Timestamp,Email\n", "a=1\n", "GET /x?a=1&b=2 HTTP/1.1\n", '{"a":"b=c&d=e"}', "\0"]
)
def test_what_is_no_form_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "some.txt"
    path.write_text(text)

    assert not forms.takes(path)


def test_a_form_longer_than_the_head_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text(f"type=open&data={'x' * 10_000}&b=2")

    assert forms.takes(path)


@pytest.mark.parametrize("families", [7, [], {"a": 1}, {"a": {}, "b": {}}])
def test_a_batch_of_sparkpost_that_wraps_nothing_is_refused(
    tmp_path: Path, families: object
) -> None:
    path = tmp_path / "batch.json"
    path.write_text(json.dumps([{"msys": families}]))

    refused, _ = msys.read({"path": str(path)}, {})
    assert isinstance(refused, Skipped)
    assert not refused.meant
