"""Klaviyo to plain lists: every platform's genuine files are read, and nobody else's."""

import json
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import mailhealth
from mailhealth import sources
from mailhealth.errors import NotRecognised
from mailhealth.records import Event, Found, Skipped
from tests.rewrite import CONNECTORS

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "eventlogs"
wider = pytest.mark.skipif(not SHARED.is_dir(), reason="the wider samples are not on this machine")
MAILING = {"campaign": "Autumn sale"}
# Folder of the wider samples -> connector, and what a user would say of them.
OURS = {
    "klaviyo": ("klaviyo", {}),
    "customerio": ("customerio", {}),
    "sfmc": ("salesforce", {}),
    "campaignmonitor": ("campaign_monitor", MAILING),
    "activecampaign": ("activecampaign", {}),
    "mautic": ("mautic", {}),
    "listmonk": ("listmonk", {}),
    "blastmail": ("blastmail", {**MAILING, "at": "2026-11-14"}),
    "jp_generic": ("recipient_list", MAILING),
    "elasticemail": ("elastic_email", {}),
    "sendgrid": ("sendgrid", {}),
}


def read(name: str, path: Path, **settings: str) -> list[Event]:
    """The events of a file or folder."""
    found = [item.what for item in _items(name, path, settings) if isinstance(item, Found)]
    return [what for what in found if isinstance(what, Event)]


def skipped(name: str, path: Path, **settings: str) -> list[Skipped]:
    """What of a file or folder was not read."""
    return [item for item in _items(name, path, settings) if isinstance(item, Skipped)]


def _items(name: str, path: Path, settings: dict[str, str]) -> Iterator[object]:
    return iter(sources.read(sources.connector(name), {**settings, "path": str(path)}, {}))


# The wider samples


@wider
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("klaviyo/api_events_2024.json", {"opened": 1}),
        ("customerio/reporting_webhook.jsonl", {"opened": 1, "clicked": 1, "bounced": 1}),
        ("campaignmonitor/campaign_bounces.json", {"bounced": 2}),
        ("campaignmonitor/campaign_clicks.json", {"clicked": 3}),
        ("campaignmonitor/campaign_opens.json", {"opened": 5}),
        ("campaignmonitor/campaign_spam.json", {"complained": 1}),
        ("campaignmonitor/campaign_unsubscribes.json", {"unsubscribed": 1}),
        (
            "activecampaign/webhook_form_bodies.txt",
            {"opened": 1, "clicked": 1, "bounced": 1, "unsubscribed": 1, "replied": 1},
        ),
        ("mautic/email_stats.csv", {"sent": 1, "opened": 1}),
        ("mautic/webhook_email_on_open.json", {"opened": 1}),
        ("listmonk/bounce_api.json", {"bounced": 1}),
        ("listmonk/campaign_clicks.csv", {"clicked": 1}),
        ("blastmail/failed_list.csv", {"bounced": 3}),
        ("jp_generic/clickers.csv", {"clicked": 1}),
        ("sendgrid/event_webhook_machine_open.json", {"opened": 1}),
        (
            "sendgrid/email_activity_export.csv",
            {"sent": 1, "delivered": 1, "opened": 1, "clicked": 1, "bounced": 1},
        ),
    ],
)
def test_a_genuine_file_is_recognised_and_read_whole(file: str, counts: dict[str, int]) -> None:
    name, settings = OURS[file.partition("/")[0]]
    path = SHARED / file
    sources.check(sources.connector(name), {**settings, "path": str(path)})

    assert sources.recognise(path) == name
    assert Counter(event.type for event in read(name, path, **settings)) == counts
    assert skipped(name, path, **settings) == []


@wider
def test_a_view_of_nobody_is_refused() -> None:
    path = SHARED / "listmonk" / "campaign_views.csv"

    assert sources.recognise(path) == "listmonk"
    assert len(read("listmonk", path)) == 1
    assert [each.why for each in skipped("listmonk", path)] == ["has no recipient"]


@wider
def test_a_tracking_extract_is_read_as_a_folder_and_joined_with_its_jobs() -> None:
    path = SHARED / "sfmc" / "tracking_extract"
    events = read("salesforce", path)
    left_out = skipped("salesforce", path)

    assert sources.recognise(path) == "salesforce"
    assert Counter(event.type for event in events) == {
        "sent": 1,
        "opened": 1,
        "clicked": 1,
        "bounced": 1,
        "unsubscribed": 1,
        "dropped": 1,
    }
    assert {(event.campaign, event.subject) for event in events} == {("Autumn sale", "Autumn sale")}
    assert {event.at for event in events} == {1794648704}  # 03:31:44 six hours behind UTC
    assert [Path(each.place).name for each in left_out] == [
        "SendJobImpression.csv",
        "SendJobs.csv",
        "Subscribers.csv",
    ]
    assert all(each.meant for each in left_out)


@wider
def test_a_notification_without_an_address_is_refused() -> None:
    path = SHARED / "sfmc" / "ens_engagement_open.json"

    assert sources.recognise(path) == "salesforce"
    assert read("salesforce", path) == []
    assert [each.why for each in skipped("salesforce", path)] == ["has no recipient"]


@wider
def test_the_payloads_of_sendgrids_webhook_are_read_whole(tmp_path: Path) -> None:
    lines = (SHARED / "sendgrid" / "webhook_samples_anymail_tests.jsonl").read_text().splitlines()
    file = tmp_path / "hook.jsonl"
    file.write_text("\n".join(json.dumps(json.loads(line)["payload"]) for line in lines))

    events = read("sendgrid", file)

    assert sources.recognise(file) == "sendgrid"
    assert skipped("sendgrid", file) == []
    assert Counter(event.type for event in events) == {
        "sent": 1,
        "delivered": 2,
        "bounced": 1,
        "deferred": 1,
        "dropped": 3,
        "opened": 1,
        "clicked": 1,
    }
    assert not [event.message_id for event in events if "<" in event.message_id]


@wider
def test_no_file_of_another_platform_is_taken_for_one_of_ours() -> None:
    ours = {name for name, _ in OURS.values()}
    taken = set()

    for file in sorted(path for path in SHARED.rglob("*") if path.is_file()):
        folder = file.relative_to(SHARED).parts[0]
        try:
            name = sources.recognise(file)
        except NotRecognised:
            continue
        if name in ours and (folder not in OURS or OURS[folder][0] != name):
            taken.add((str(file.relative_to(SHARED)), name))

    assert taken == set()


# Klaviyo


def test_klaviyos_flag_is_read_however_it_is_spelled() -> None:
    events = read("klaviyo", CONNECTORS / "klaviyo" / "sample.json")

    said = {event.identity: event.machine for event in events}

    assert [said[f"klaviyo:ev{number:02}"] for number in range(2, 7)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_an_event_whose_metric_is_missing_is_refused_and_the_rest_is_read() -> None:
    path = CONNECTORS / "klaviyo" / "sample.json"

    reasons = {each.place.rpartition(" ")[2]: each.why for each in skipped("klaviyo", path)}

    assert "is no event that klaviyo knows" in reasons["15"]
    assert reasons["16"] == "is no event: it has no 'attributes'"


def test_a_page_of_something_else_is_no_page_of_events(tmp_path: Path) -> None:
    file = tmp_path / "page.json"
    file.write_text('{"kind": {"type": "event"}, "data": {"id": 1}}')

    assert [each.why for each in skipped("klaviyo", file)] == [
        "is no page of events: it has no array 'data'"
    ]


# Salesforce


def zipped(folder: Path, to: Path, delimiter: str, encoding: str) -> None:
    """Pack the tables of a folder in another dialect."""
    with zipfile.ZipFile(to, "w") as archive:
        for file in sorted(folder.iterdir()):
            text = file.read_text("utf-8").replace(",", delimiter)
            archive.writestr(file.name, text.encode(encoding))


@pytest.mark.parametrize(("delimiter", "encoding"), [("|", "utf-16"), ("\t", "utf-8-sig")])
def test_an_extract_gives_the_same_events_as_an_archive_in_another_dialect(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    folder, archive = CONNECTORS / "salesforce" / "sample.extract", tmp_path / "extract.zip"
    zipped(folder, archive, delimiter, encoding)

    events = read("salesforce", archive)

    assert sources.recognise(archive) == "salesforce"
    assert {event.campaign for event in events} == {"Spring 2025", "春のご案内 2025", "5003"}
    assert sorted(event.identity for event in events) == sorted(
        event.identity for event in read("salesforce", folder)
    )


def test_a_data_view_finds_its_addresses_in_the_table_of_subscribers() -> None:
    views = CONNECTORS / "salesforce" / "sample.views"

    assert {event.recipient for event in read("salesforce", views / "_Sent.csv")} == {
        "mia@globex.example",
        "sato@sakura-shoji.example",
    }
    assert [each.why for each in skipped("salesforce", views / "_Complaint.csv")] == [
        "'K-999' is not one e-mail address"
    ]


def test_an_event_of_an_extract_and_of_a_data_view_is_one_event() -> None:
    folder = CONNECTORS / "salesforce"
    extract = {event.identity for event in read("salesforce", folder / "sample.extract")}
    views = {event.identity for event in read("salesforce", folder / "sample.views")}

    assert views <= extract


def test_american_central_time_knows_no_summer() -> None:
    opens = read("salesforce", CONNECTORS / "salesforce" / "sample.extract" / "Opens.csv")

    assert opens[-1].at == 1751481000  # 12:30 on 2 July, 18:30 in UTC


# Mautic


def test_mautics_table_and_webhook_tell_of_the_same_opening() -> None:
    folder = CONNECTORS / "mautic"
    table = {event.identity for event in read("mautic", folder / "sample.csv")}
    hooks = read("mautic", folder / "sample.jsonl")

    assert {event.type for event in hooks if event.identity in table} == {"sent", "opened"}


def test_a_page_that_was_not_reached_from_a_mail_is_no_click() -> None:
    hooks = read("mautic", CONNECTORS / "mautic" / "sample.jsonl")

    assert [event.url for event in hooks if event.type == "clicked"] == [
        "https://www.acme.example/prices"
    ]


# Japanese lists


def test_a_list_of_addresses_needs_the_users_word_for_what_happened(tmp_path: Path) -> None:
    file = tmp_path / "一覧.csv"
    file.write_bytes("メールアドレス,氏名\r\nsato@sakura-shoji.example,佐藤\r\n".encode("cp932"))
    said = {"path": str(file), "at": "2026-10-01", "campaign": "秋"}
    recipient_list = sources.connector("recipient_list")

    with pytest.raises(NotRecognised, match="no column for type"):
        sources.check(recipient_list, said)
    (event,) = read("recipient_list", file, type="clicked", at="2026-10-01", campaign="秋")

    assert (event.type, event.campaign, event.exact) == ("clicked", "秋", False)
    assert event.at == 1790780400  # midnight in Japan


def test_a_list_of_nothing_but_addresses_is_a_table(tmp_path: Path) -> None:
    file = tmp_path / "成功.csv"
    file.write_bytes("メールアドレス\r\nsato@sakura-shoji.example\r\n".encode("cp932"))

    (event,) = read("recipient_list", file, type="delivered", at="2026-10-01", campaign="秋")

    assert sources.recognise(file) == "recipient_list"
    assert event.recipient == "sato@sakura-shoji.example"


def test_a_letter_of_cp932_is_no_delimiter(tmp_path: Path) -> None:
    file = tmp_path / "一覧.csv"
    text = "メールアドレス,クリック日時,ポイント,レポート\r\na@b.example,2026/10/01 09:00,ポ,ポ\r\n"
    file.write_bytes(text.encode("cp932"))

    assert sources.recognise(file) == "recipient_list"
    assert [event.type for event in read("recipient_list", file)] == ["clicked"]


def test_a_list_that_another_platform_knows_is_that_platforms(tmp_path: Path) -> None:
    file = tmp_path / "failed.csv"
    file.write_text("メールアドレス,エラーコード,エラー理由,配信日時\n")

    assert sources.recognise(file) == "blastmail"


@pytest.mark.parametrize(
    ("code", "bounce"), [("550", "hard"), ("550(rejection)", "blocked"), ("421", "soft")]
)
def test_a_code_says_whether_an_address_is_dead(tmp_path: Path, code: str, bounce: str) -> None:
    file = tmp_path / "failed.csv"
    file.write_text(f"メールアドレス,エラーコード,エラー理由\na@b.example,{code},x\n")

    (event,) = read("blastmail", file, at="2026-10-01", campaign="秋")

    assert (event.type, event.bounce) == ("bounced", bounce)


# Campaign Monitor


def test_the_clients_zone_is_the_users_to_say() -> None:
    path = CONNECTORS / "campaign_monitor" / "sample.opens.json"

    utc, berlin = (
        read("campaign_monitor", path, zone=zone)[0].at for zone in ("UTC", "Europe/Berlin")
    )

    assert utc - berlin == 7_200


def test_a_list_without_its_name_is_not_guessed_to_be_complaints(tmp_path: Path) -> None:
    file = tmp_path / "page.json"
    file.write_bytes((CONNECTORS / "campaign_monitor" / "sample.spam.json").read_bytes())

    with pytest.raises(NotRecognised, match="no column for type"):
        sources.check(
            sources.connector("campaign_monitor"), {"path": str(file), "campaign": "Spring"}
        )


# Elastic Email


def test_a_call_that_came_twice_is_one_event_by_query_and_by_form() -> None:
    folder = CONNECTORS / "elastic_email"
    forms = read("elastic_email", folder / "sample.forms.txt")
    queries = read("elastic_email", folder / "sample.access.txt")

    assert forms[0].identity == forms[2].identity == queries[0].identity


def test_the_row_of_a_message_tells_what_the_events_tell() -> None:
    folder = CONNECTORS / "elastic_email"
    events = {event.identity for event in read("elastic_email", folder / "sample.csv")}

    log = read("elastic_email", folder / "sample.log.json")

    assert {event.type for event in log if event.identity in events} == {
        "sent",
        "delivered",
        "opened",
        "clicked",
        "bounced",
        "unsubscribed",
    }


# SendGrid


def test_the_versions_of_a_test_and_the_mails_own_id_are_read() -> None:
    events = read("sendgrid", CONNECTORS / "sendgrid" / "sample.json")

    tested = next(event for event in events if event.variant)

    assert (tested.campaign, tested.variant) == ("Spring test", "B")
    assert tested.message_id == "sg0009@mail.example"


@pytest.mark.parametrize("order", [("hook", "export"), ("export", "hook")])
def test_sendgrids_webhook_and_export_count_once(tmp_path: Path, order: tuple[str, str]) -> None:
    rows = [
        {"email": "mia@globex.example", "timestamp": 1743577961 + second, "event": "open"}
        | {"sg_event_id": f"ev-{number}", "marketing_campaign_name": "春のご案内"}
        for number, second in enumerate((0, 0, 5))  # two in one second
    ]
    (tmp_path / "hook.json").write_text(json.dumps([*rows, rows[0]]))
    (tmp_path / "export.csv").write_text(
        "processed,message_id,event,email,marketing_campaign_name\n"
        + 2 * "2025-04-02 07:12:41.000,m1,open,mia@globex.example,春のご案内\n"
        + "2025-04-02 07:12:46.000,m1,open,mia@globex.example,春のご案内\n"
    )
    files = {"hook": tmp_path / "hook.json", "export": tmp_path / "export.csv"}

    with mailhealth.open(tmp_path / "acme.db") as acme:
        for name in order:
            acme.connect(name, "sendgrid", path=files[name])
            acme.sync(name)

    with closing(sqlite3.connect(tmp_path / "acme.db")) as db:
        assert db.execute("select count(*) from events").fetchone() == (3,)
