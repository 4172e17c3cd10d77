"""Connectors at the border, recognition, and what a row or a mail becomes."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mailhealth import sources
from mailhealth.errors import BadData, BadSource, NotRecognised, UnknownName
from mailhealth.records import Event, Found, Raw, Skipped

TOML = """
title = "Shop mailer"
reader = ["csv", "json"]
dates = ["%Y/%m/%d %H:%M", "iso", "unix"]
zone = "Asia/Tokyo"
left_out = ["Queued"]
[recognises]
columns = [["Empfänger", "Was"]]
[event]
recipient = ["Empfänger", "person.mail"]
type = "Was"
category = "Grund"
at = "Wann"
campaign = "Aktion"
machine = "Bot"
url = "Link"
id = "Nummer"
[types]
Offen = "opened"
Klick = "clicked"
Fehler = "dropped"
"Fehler/Unbekannt" = "bounced/hard"
"""
HEADER = "Empfänger,Was,Grund,Wann,Aktion,Bot,Link"


@pytest.fixture
def shop(tmp_path: Path) -> sources.Connector:
    """A connector of one's own: a folder with a connector.toml."""
    return own(tmp_path, TOML)


def own(folder: Path, toml: str) -> sources.Connector:
    """Write a connector of one's own and open it."""
    (folder / "shop").mkdir()
    (folder / "shop" / "connector.toml").write_text(toml, encoding="utf-8")
    return sources.connector(str(folder / "shop"))


def table(folder: Path, *rows: str, name: str = "log.csv") -> Path:
    """Write a table with the shop's header."""
    file = folder / name
    file.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return file


def read(connector: sources.Connector, path: Path, **more: str) -> list[Any]:
    """What a source gives the first time, without the places and the Marks."""
    items = sources.read(connector, {"path": str(path), **more}, {})
    whats = [item.what if isinstance(item, Found) else item for item in items]
    return [what for what in whats if isinstance(what, Event | Skipped)]


# The border


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("[event]\nwieght = 'x'", r"shop/connector.toml, \[event\]: unknown key 'wieght'"),
        ("raeder = 'csv'", "unknown key 'raeder'; did you mean 'reader'"),
        ("[types]\nOpen = 'openned'", "no such word 'openned'.*did you mean 'opened'"),
        ("[types]\nBounce = 'bounced/hrad'", "did you mean 'bounced/hard'"),
        ("reader = 'cvs'", r"no reader 'cvs'; there are .*csv, .*did you mean 'csv'"),
        ("reader = '../csv'", "no reader '../csv'"),
        ("zone = 'Asia/Tokio'", "no time zone 'Asia/Tokio'"),
        ("dates = 'month first'", "'month first' is no date format"),
        ("title = 3", "'title' must be a text"),
        ("[recognises]\ncolumns = ['To']", "a list of lists"),
        ("event = 'x'", r"\[event\] must be a table"),
        ("title = ", "cannot be read"),
        ("[event]\ntype = 'a'", "the key 'recipient' is missing"),
    ],
)
def test_a_wrong_connector_is_refused_with_the_place_and_what_was_meant(
    tmp_path: Path, wrong: str, sentence: str
) -> None:
    given = [line for line in ("title = 'x'", "reader = 'csv'") if line[:5] != wrong[:5]]

    with pytest.raises(BadData, match=sentence):
        own(tmp_path, "\n".join([*given, wrong]))


def test_an_unknown_connector_names_those_there_are_and_the_one_meant() -> None:
    with pytest.raises(UnknownName, match=r"there are .*elastic_email, .*did you mean 'sendgrid'"):
        sources.connector("sendgird")


def test_a_name_cannot_lead_out_of_the_folder_of_connectors() -> None:
    with pytest.raises(UnknownName):
        sources.connector("../connectors")


# Whose file is it


def test_a_file_is_recognised_by_its_columns_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "untitled.dat"
    file.write_text("event type;TO;Event_Date;Channel\nOpen;a@b.example;2025-01-01;x\n")

    assert sources.recognise(file) == "elastic_email"


def test_a_folder_is_recognised_by_the_files_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps([{"email": "a@b.example", "event": "open", "timestamp": 1, "sg_event_id": "x"}])
    )
    (tmp_path / "readme.txt").write_text("Exports of the shop\n")

    assert sources.recognise(tmp_path) == "sendgrid"


def test_a_mail_saved_with_the_first_line_of_an_archive_is_still_one_mail(tmp_path: Path) -> None:
    file = tmp_path / "letter.eml"
    file.write_text("From mia Thu Apr  3 09:30:00 2025\nSubject: Question\n\nHello\n")

    assert sources.recognise(file) == "eml"


def test_a_maildir_is_recognised_by_its_folders(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()

    assert sources.recognise(tmp_path) == "maildir"


def test_a_file_that_two_recognise_is_left_to_the_user(tmp_path: Path) -> None:
    file = tmp_path / "both.csv"
    file.write_text("To,EventType,EventDate,processed,message_id,event,email\n")

    with pytest.raises(NotRecognised, match="elastic_email and sendgrid recognise it"):
        sources.recognise(file)


def test_a_file_that_nobody_knows_is_told_what_would_have_been_known(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("name,city\nMia,Köln\n")

    with pytest.raises(
        NotRecognised, match=r"begins with 'name,city.* elastic_email, .*'mailhealth map"
    ):
        sources.recognise(file)


def test_a_file_with_other_columns_is_refused_with_the_connector_that_would_work(
    tmp_path: Path,
) -> None:
    file = tmp_path / "log.csv"
    file.write_text("To,EventType,EventDate\na@b.example,Open,2025-01-01\n")

    with pytest.raises(NotRecognised, match=r"no column for recipient \(email\).*elastic_email"):
        sources.check(sources.connector("sendgrid"), {"path": str(file)})


def test_an_export_without_events_passes_the_check(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("To,EventType,EventDate\n")
    sources.check(sources.connector("elastic_email"), {"path": str(file)})

    assert sources.recognise(file) == "elastic_email"


@pytest.mark.parametrize("given", [{}, {"path": "/nowhere/log.csv"}])
def test_a_path_that_is_missing_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(BadSource):
        sources.check(sources.connector("elastic_email"), given)


def test_what_nobody_reads_in_a_folder_is_named_and_the_rest_is_read(
    shop: sources.Connector, tmp_path: Path
) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    table(exports, "a@b.example,Offen,,2025/01/02 09:00,x,,")
    (exports / "old.xlsx").write_bytes(b"PK\x03\x04 and so on")
    (exports / "hook.http").write_text("POST /hook HTTP/1.1\n\n{}\n")

    captured, event, damaged = read(shop, exports)

    assert captured.why == (
        "is a captured HTTP request; save the JSON below its headers as a file of its own"
    )
    assert event.recipient == "a@b.example"
    assert "is a damaged or incomplete zip archive" in damaged.why


# What a row becomes


def test_a_row_becomes_an_event_in_our_words(shop: sources.Connector, tmp_path: Path) -> None:
    file = table(tmp_path, "Mia <mia@Globex.example>,klick,,2025/01/02 09:00,春,true,https://x")

    [event] = read(shop, file)

    assert (event.recipient, event.type, event.campaign, event.url, event.machine) == (
        *("mia@globex.example", "clicked", "春", "https://x", True),
    )
    assert event.at == 1735776000  # nine o'clock in Tokyo is midnight in UTC
    assert json.loads(event.raw)["Empfänger"] == "Mia <mia@Globex.example>"


def test_the_pair_of_words_is_looked_up_before_the_word_alone(
    shop: sources.Connector, tmp_path: Path
) -> None:
    file = table(
        tmp_path,
        "a@b.example,Fehler,Unbekannt,2025-01-02,x,,",
        "a@b.example,Fehler,anderes,2025-01-02,x,,",
    )

    events = read(shop, file)

    assert [(event.type, event.bounce) for event in events] == [
        ("bounced", "hard"),
        ("dropped", None),
    ]


def test_an_unusable_row_is_skipped_with_its_value_and_what_is_known(
    shop: sources.Connector, tmp_path: Path
) -> None:
    file = table(
        tmp_path,
        "a@b.example,Gelesen,,2025-01-02,x,,",
        "a@b.example,Offen,,gestern,x,,",
        "a@b.example,Offen,,1200-01-02,x,,",
        ",Offen,,2025-01-02,x,,",
        "nobody,Offen,,2025-01-02,x,,",
        "c@d.example,Offen,,2025-01-02,x,,",
    )

    found = read(shop, file)

    assert [item.why for item in found[:-1]] == [
        "'Gelesen' is no event that shop knows; it knows Offen, Klick, Fehler",
        "'gestern' is no date; shop knows %Y/%m/%d %H:%M, iso, unix",
        "'1200-01-02' is no date; shop knows %Y/%m/%d %H:%M, iso, unix",
        "has no recipient",
        "'nobody' is not one e-mail address",
    ]
    assert found[0].place.endswith("log.csv:2")
    assert found[-1].recipient == "c@d.example"


def test_a_word_left_out_on_purpose_is_told_once_and_counted(
    shop: sources.Connector, tmp_path: Path
) -> None:
    file = table(tmp_path, *["a@b.example,Queued,,2025-01-02,x,,"] * 500)

    [told] = read(shop, file)

    assert told.place == str(file)
    assert told.why == "500 rows: 'Queued' is left out on purpose: shop does not count it"
    assert told.meant


def test_a_nested_json_object_is_reached_by_a_dotted_name(
    shop: sources.Connector, tmp_path: Path
) -> None:
    file = tmp_path / "log.json"
    file.write_text(
        json.dumps({"person": {"mail": "a@b.example"}, "was": "Offen", "wann": 1735776000})
    )

    [event] = read(shop, file)

    assert (event.recipient, event.at) == ("a@b.example", 1735776000)


def test_an_export_may_state_its_own_zone_and_date_format(
    shop: sources.Connector, tmp_path: Path
) -> None:
    file = table(tmp_path, "a@b.example,Offen,,02.01.2025 01:00,x,,")

    [event] = read(shop, file, zone="Europe/Berlin", dates="%d.%m.%Y %H:%M")

    assert event.at == 1735776000


def test_the_same_row_in_an_overlapping_export_is_the_same_event(
    shop: sources.Connector, tmp_path: Path
) -> None:
    click = "a@b.example,Klick,,2025/01/02 09:00,x,,https://x"
    early = table(tmp_path, "a@b.example,Offen,,2025/01/02 08:59,x,,", click, click, name="1.csv")
    late = table(tmp_path, click, click, "a@b.example,Offen,,2025/01/02 09:01,x,,", name="2.csv")

    first, second = read(shop, early), read(shop, late)

    assert len({event.identity for event in first}) == 3
    assert {event.identity for event in first[1:]} == {event.identity for event in second[:2]}


def test_an_event_the_platform_numbers_is_one_event_however_often_it_comes(
    shop: sources.Connector, tmp_path: Path
) -> None:
    file = tmp_path / "log.json"
    row = {"Empfänger": "a@b.example", "Was": "Offen", "Wann": 1735776000, "Nummer": "n-1"}
    file.write_text(json.dumps([row, row]))

    assert [event.identity for event in read(shop, file)] == ["shop:n-1", "shop:n-1"]


def test_what_elastic_email_tells_by_webhook_and_by_export_is_one_event(tmp_path: Path) -> None:
    export, hook = tmp_path / "export.csv", tmp_path / "hook.jsonl"
    export.write_text("MsgID,To,EventType,EventDate\n_m1,a@b.example,Open,2025-04-02T07:12:41\n")
    hook.write_text(
        '{"messageid": "_m1", "to": "a@b.example", "status": "Opened",'
        ' "date": "4/2/2025 7:12:41 AM"}\n'
    )

    identities = {
        event.identity
        for file in (export, hook)
        for event in read(sources.connector("elastic_email"), file)
    }

    assert len(identities) == 1


def test_hostile_cells_can_be_stored(shop: sources.Connector, tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text(
        '[{"Empfänger": "a@b.example", "Was": "Offen", "Wann": "2025-01-02",'
        ' "Aktion": "\\ud800\\u0000", "Bot": {"x": 1}, "Link": 1e999, "\\udfff": NaN},'
        ' {"\\ud800": 1}]',
        encoding="utf-8",
    )

    event, skipped = read(shop, file)
    stored = sqlite3.connect(":memory:").execute(
        "select ?, ?, json(?)", (event.campaign, skipped.why, event.raw)
    )

    assert stored.fetchone()[0] == "?"


# What a mail becomes


def letter(*headers: str, text: str = "Guten Morgen, wir haben eine Frage.") -> bytes:
    """The bytes of a mail with these headers."""
    return "\r\n".join([*headers, "", text, ""]).encode()


FROM = "From: Mia <mia@globex.example>"
SUBJECT = "Subject: Question"
DATE = "Date: Thu, 03 Apr 2025 09:30:00 +0900"  # 1743640200
RECEIVED = "Received: by mx.example; Thu, 03 Apr 2025 00:30:07 +0000"


def test_a_mail_becomes_a_message_whole() -> None:
    text = "いつもお世話になっております。見積もりをお願いできますか。\n\n> 以前のメール"
    raw = Raw("a.eml", letter(FROM, SUBJECT, DATE, "Message-ID: <1@x.example>", text=text))

    message = sources.message(raw)

    assert (message.kind, message.lang, message.at) == ("human", "ja", 1743640200)
    assert message.words.new_text.startswith("いつもお世話になっております。")
    assert len(message.key) == 32


@pytest.mark.parametrize(
    ("headers", "received", "at"),
    [
        ([RECEIVED, DATE], 1743900000, 1743640207),  # the topmost Received comes first
        ([DATE], 1743640260, 1743640260),  # then the server's date
        ([DATE], 1763640260, 1743640200),  # which a copy made years later is not
        ([DATE], 1733640260, 1733640260),  # a wrong clock is not believed
        ([DATE], None, 1743640200),
        ([], 1743640260, 1743640260),
        ([], None, 0),
    ],
)
def test_when_a_mail_happened(headers: list[str], received: int | None, at: int) -> None:
    message = sources.message(Raw("a.eml", letter(FROM, SUBJECT, *headers), received))

    assert message.at == at
    assert ("no usable date" in message.mail.problems) == (at == 0)


def test_the_key_of_a_mail_tells_apart_what_a_message_id_does_not() -> None:
    named = [FROM, DATE, "Message-ID: <1@x.example>"]
    letters = [
        letter(SUBJECT, *named),
        letter(SUBJECT, *named, text="another footer by a mailing list"),
        letter("Subject: another", *named),
        letter(FROM, DATE, SUBJECT),
        letter(FROM, DATE, SUBJECT, text="another text"),
    ]

    keys = [sources.message(Raw("a.eml", content)).key for content in letters]

    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


def test_a_mail_without_any_date_is_skipped_and_said_so(tmp_path: Path) -> None:
    file = tmp_path / "all.mbox"
    file.write_bytes(
        b"From mia Thu Jan  1 00:00:00 1970\n" + letter(FROM, SUBJECT).replace(b"\r", b"") + b"\n"
    )

    [found] = [
        item
        for item in sources.read(mailbox(tmp_path), {"path": str(file)}, {})
        if isinstance(item, Found | Skipped)
    ]

    assert found == Skipped(found.place, "no date in the mail and none from where it lay")


def mailbox(folder: Path) -> sources.Connector:
    """A connector of one's own for mail."""
    return own(folder, "title = 'Old mail'\nreader = 'mbox'\n")
