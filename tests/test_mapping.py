"""`mailhealth map`: a connector for a log that none knows, and `sync --path` for one that is."""

import base64
import json
import os
import pty
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailhealth import sources
from mailhealth.cli import main
from mailhealth.errors import BadSource, MailhealthError
from mailhealth.records import Event, Found
from mailhealth.sources import mapping
from mailhealth.sources.mapping import specimen, vocabulary
from mailhealth.sources.mapping.asked import Told, Unclear, answered

CONNECTORS = Path(__file__).parents[1] / "connectors"
JAPANESE = (
    "配信日時,メールアドレス,件名,反応,反応日時\n"
    "2026/10/01 09:00,sato@sakura.example,秋のご案内,開封済み,2026/10/01 12:30\n"
    "2026/10/01 09:00,mori@hoshino.example,秋のご案内,未開封,\n"
    '2026/10/01 09:00,ueda@hoshino.example,"秋の\nご案内",クリック,2026/10/02 08:05\n'
)
# An opens.csv of one row, in Elastic Email's columns, as `zip -P sesame` of Info-ZIP locks it.
LOCKED = base64.b64decode(
    "UEsDBBQACQAIAEYEdl1YRQjIWwAAAFMAAAAJAAAAb3BlbnMuY3N2yLIeyPA0NFwgt+ewvxPGBsOwMPEPAYDKTe8zfTruM7"
    "tHxfov1jU2Pa3tIq4fmNHpZ4fm4c9g3PzvVZDF1NUtU7jNBSSa2QrRqyfpgu71j+4+OWeq64OfE66XjVBLBwhYRQjIWwAA"
    "AFMAAABQSwECHgMUAAkACABGBHZdWEUIyFsAAABTAAAACQAAAAAAAAABAAAApIEAAAAAb3BlbnMuY3N2UEsFBgAAAAABAA"
    "EANwAAAJIAAAAAAA=="
)
TWO_DATES = "メール,配信日時,クリック日時\n" + "a@x.example,2026-10-01,2026-10-02\n" * 2


def log(folder: Path, text: str, name: str = "log.csv", coding: str = "utf-8") -> Path:
    """Write a log file."""
    file = folder / name
    file.write_bytes(text.encode(coding))
    return file


def draft(file: Path, **told: str) -> mapping.Draft:
    """What is guessed of a file, where no more than this is told."""
    return mapping.draft(specimen.look(file), Told(**{"zone": "UTC", **told}))  # type: ignore[arg-type]


def unclear(file: Path, **told: str) -> Unclear:
    """The first question about a file."""
    with pytest.raises(Unclear) as asked:
        mapping.draft(specimen.look(file), Told(**told))  # type: ignore[arg-type]
    return asked.value


def read(connector: Path, file: Path, **settings: str) -> list[Event]:
    """The events that a connector of one's own reads."""
    found = sources.read(sources.connector(str(connector)), {"path": str(file), **settings}, {})
    return [i.what for i in found if isinstance(i, Found) and isinstance(i.what, Event)]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


# What is guessed.


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_japanese_log_is_understood_in_every_coding(
    tmp_path: Path, coding: str, delimiter: str
) -> None:
    file = log(tmp_path, JAPANESE.replace(",", delimiter), coding=coding)

    found = draft(file, zone="", at="反応日時")
    mapping.save(found, tmp_path / "own")

    assert found.zone == "Asia/Tokyo"
    assert found.words == {"開封済み": "opened", "未開封": "-", "クリック": "clicked"}
    opened, clicked = read(tmp_path / "own", file)
    assert (opened.recipient, opened.type, opened.subject) == (
        *("sato@sakura.example", "opened"),
        "秋のご案内",
    )
    assert opened.at == 1_790_825_400  # 12:30 in Tokyo
    assert clicked.subject == "秋の\nご案内"


def test_an_english_log_is_understood_by_its_names(tmp_path: Path) -> None:
    file = log(
        tmp_path,
        "From,Email Address,Action,Date,Mailing,Clicked URL,IP,User Agent,Is Bot\n"
        "n@acme.example,ann@globex.example,Link Clicked,1/13/2026 3:04 PM,Winter,"
        "https://acme.example/a,192.0.2.1,Mozilla/5.0 (X11),false\n",
    )

    found = draft(file)

    assert found.columns == {
        "recipient": "Email Address",
        "url": "Clicked URL",
        "ip": "IP",
        "agent": "User Agent",
        "machine": "Is Bot",
        "campaign": "Mailing",
        "type": "Action",
    }
    assert found.moments == (("", "Date"),)
    assert found.dates == ("%m/%d/%Y %I:%M %p",)
    assert found.words == {"Link Clicked": "clicked"}


def test_columns_without_telling_names_are_known_by_what_they_hold(tmp_path: Path) -> None:
    rows = "a@x.example,2026-01-02T03:04:05Z,bounced,https://acme.example,192.0.2.1\n"
    file = log(tmp_path, "A,B,C,D,E\n" + rows)

    found = draft(file)

    assert found.columns == {"recipient": "A", "url": "D", "ip": "E", "type": "C"}
    assert found.moments == (("", "B"),)


def test_events_in_json_lines_are_found_inside_their_objects(tmp_path: Path) -> None:
    line = {"kind": "email.opened", "data": {"email": "a@x.example", "ts": 1_767_323_045}}
    file = log(tmp_path, json.dumps(line) + "\n" + json.dumps(line) + "\n", "hook.jsonl")

    found = draft(file)
    mapping.save(found, tmp_path / "own")

    assert found.columns == {"recipient": "data.email", "type": "kind"}
    assert [event.at for event in read(tmp_path / "own", file, campaign="x")] == [1_767_323_045] * 2


def test_a_list_of_one_recipient_is_a_recipient_and_the_sender_never_is(tmp_path: Path) -> None:
    line = {"from": "n@acme.example", "to": ["a@x.example"], "event": "open", "ts": 1_767_323_045}
    file = log(tmp_path, json.dumps(line), "hook.jsonl")
    sender = log(tmp_path, "from,event,date\nn@acme.example,open,2026-10-01\n")

    assert draft(file).columns["recipient"] == "to"
    assert unclear(sender).about == "recipient"


def test_a_date_that_only_some_events_have_is_not_taken(tmp_path: Path) -> None:
    sent = {"event": "sent", "email": "a@x.example", "created_at": "2026-01-02T03:04:05Z"}
    clicked = {**sent, "event": "clicked", "click": {"timestamp": "2026-01-02T03:05:00Z"}}
    file = log(tmp_path, "\n".join(map(json.dumps, [sent, sent, clicked])), "hook.jsonl")

    assert draft(file).moments == (("", "created_at"),)


def test_names_that_change_with_every_row_end_somewhere(tmp_path: Path) -> None:
    row = {"email": "a@x.example", "event": "open", "time": "2026-01-02T03:04:05Z"}
    rows = [json.dumps({**row, f"key {number}": number}) for number in range(3_000)]
    file = log(tmp_path, "\n".join(rows), "hook.jsonl")

    assert len(draft(file).sample.names) == 500


def test_an_array_inside_a_json_object_gives_the_rows(tmp_path: Path) -> None:
    row = {"event": "open", "email": "a@x.example", "time": "2026-01-02 03:04:05 +0900"}
    file = log(tmp_path, json.dumps({"page": 1, "data": {"items": [row, row]}}), "api.json")

    found = draft(file)
    mapping.save(found, tmp_path / "own")

    assert found.sample.array == "data.items"
    assert len(read(tmp_path / "own", file, campaign="x")) == 2


@pytest.mark.parametrize(
    ("name", "header", "word"),
    [
        ("log.csv", "メールアドレス,クリック日時,クリックURL", "clicked"),
        ("開封者一覧.csv", "メールアドレス,日時,氏名", "opened"),
        ("unsubscribes-2026.csv", "email,date,name", "unsubscribed"),
        ("log.csv", "email,opened_at,name", "opened"),
        ("log.csv", "メールアドレス,日時,エラー理由", "bounced"),
    ],
)
def test_what_every_row_is_may_stand_in_a_name(
    tmp_path: Path, name: str, header: str, word: str
) -> None:
    file = log(tmp_path, f"{header}\na@x.example,2026-10-01 09:00,x\n", name)

    assert draft(file).moments[0][0] == word


def test_a_row_with_several_dates_is_several_events(tmp_path: Path) -> None:
    file = log(
        tmp_path,
        "email,campaign,sent_at,opened_at,clicked_at\n"
        "ann@globex.example,X,2026-01-02T03:00:00Z,2026-01-02T04:00:00Z,\n"
        "bob@globex.example,X,2026-01-02T03:00:00Z,,\n",
    )

    mapping.save(draft(file), tmp_path / "own")

    assert [(e.recipient[:3], e.type) for e in read(tmp_path / "own", file)] == [
        ("ann", "sent"),
        ("ann", "opened"),
        ("bob", "sent"),
    ]


def test_the_kind_of_a_bounce_may_stand_in_a_column_of_its_own(tmp_path: Path) -> None:
    file = log(
        tmp_path,
        "email,event,date,bounce type\n"
        "a@x.example,Bounce,2026-10-01,Hard\nb@x.example,Bounce,2026-10-01,Soft\n",
    )

    assert draft(file).words == {
        "Bounce": "bounced",
        "Bounce/Hard": "bounced/hard",
        "Bounce/Soft": "bounced/soft",
    }


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["1/2/2026 10:00", "1/13/2026 10:00"], "%m/%d/%Y %H:%M"),
        (["1/2/2026 10:00", "13/1/2026 10:00"], "%d/%m/%Y %H:%M"),
        (["2026/10/01"], "%Y/%m/%d"),
        (["2026年10月1日 9時05分"], "%Y年%m月%d日 %H時%M分"),
        (["1767323045"], "unix"),
        (["1767323045123"], "unix_ms"),
        (["14.11.2026 09:31"], "%d.%m.%Y %H:%M"),
        (["Nov 14, 2026 09:31 AM"], "%b %d, %Y %I:%M %p"),
    ],
)
def test_the_form_of_dates_is_decided_by_the_data(
    tmp_path: Path, values: list[str], form: str
) -> None:
    rows = "".join(f'a@x.example;open;"{value}"\n' for value in values)

    assert draft(log(tmp_path, "email;event;date\n" + rows)).dates == (form,)


def test_month_or_day_first_is_decided_by_rows_far_down_a_sorted_log(tmp_path: Path) -> None:
    rows = [f"a@x.example,open,1/{1 + number // 1_000}/2026\n" for number in range(25_000)]

    assert draft(log(tmp_path, "email,event,date\n" + "".join(rows))).dates == ("%m/%d/%Y",)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Email Opened", "opened"),
        ("message.clicked", "clicked"),
        ("hardBounce", "bounced/hard"),
        ("配信停止", "unsubscribed"),
        ("配信済み", "delivered"),
        ("エラー", "bounced"),
        ("未開封", "-"),
        ("Not opened", "-"),
        ("not opened yet", ""),
        ("Opened and clicked", ""),
        ("エラー停止", ""),
        ("Zugestellt?", ""),
        ("", ""),
    ],
)
def test_a_word_of_theirs_is_ours_only_where_that_is_sure(theirs: str, ours: str) -> None:
    assert vocabulary.word(theirs) == ours


# What is asked.


def test_dates_that_may_be_read_both_ways_are_asked_for(tmp_path: Path) -> None:
    question = unclear(log(tmp_path, "email,event,date\na@x.example,open,01/02/2026\n"), zone="UTC")

    assert question.about == "dates"
    assert question.choices == ("%m/%d/%Y", "%d/%m/%Y")
    assert "--dates '%m/%d/%Y' or --dates '%d/%m/%Y'" in str(question)


@pytest.mark.parametrize(
    ("header", "row", "flag"),
    [
        ("email,event,date", "a@x.example,open,2026-10-01 09:00", "--zone"),
        ("email,event,date", "a@x.example,explode,2026-10-01", "--word 'explode=opened'"),
        ("email,name,date", "a@x.example,Ann,2026-10-01", "--is"),
        ("email,event,name", "a@x.example,open,Ann", "--at"),
        ("email,event,date", "a@x.example,open,3rd of May '26", "--at"),
        ("one,two,event,date", "a@x.example,b@x.example,open,2026-10-01", "--recipient"),
        ("name,event,date", "Ann,open,2026-10-01", "--recipient"),
    ],
)
def test_what_is_unclear_names_the_option_that_settles_it(
    tmp_path: Path, header: str, row: str, flag: str
) -> None:
    assert flag in str(unclear(log(tmp_path, f"{header}\n{row}\n")))


def test_two_dates_of_people_with_several_rows_are_asked_for(tmp_path: Path) -> None:
    file = log(tmp_path, TWO_DATES)

    question = unclear(file)

    assert question.choices == ("配信日時", "クリック日時")
    assert draft(file, at="クリック日時").moments == (("clicked", "クリック日時"),)


def test_an_answer_settles_its_question(tmp_path: Path) -> None:
    file = log(tmp_path, "one,two,what\na@x.example,b@x.example,boo\n")
    told = Told()
    answers = {"recipient": "two", "type": "what", "word:boo": "clicked", "at": "2026-10-01"}

    while True:
        try:
            found = mapping.draft(specimen.look(file), told)
            break
        except Unclear as question:
            about = "type" if question.about == "word" else question.about
            told = answered(told, about, answers.get(about, "UTC"))

    assert found.columns == {"recipient": "two", "type": "what"}
    assert found.words == {"boo": "clicked"}
    assert found.given == {"at": "2026-10-01"}


def test_times_that_are_those_of_sending_are_doubted(tmp_path: Path) -> None:
    file = log(tmp_path, "email,status,sent at\na@x.example,opened,2026-10-01T09:00:00Z\n")

    assert "when a mail was sent" in draft(file).doubt


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a@x.example,open\nb@x.example,open\n", "no header"),
        (b"email,event,date\n", "no row"),
        (b"", "no text"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\0\1\2\3\0\0", "no text"),
        (b"{[}", "no row"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(content)

    with pytest.raises(BadSource, match=why):
        specimen.look(file)


SIGNS = "aé開封@.x/:-0123456789 \"'=\\[]{}\x1b\x7f\n\ud800,;\t"
CELLS = st.text(st.sampled_from(SIGNS), max_size=12)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=5))
@example([["email", "event\x7f", 'at"\\'], ["a@x.example", "op\x7fen", "2026-10-01"]])
def test_any_table_gives_a_connector_that_opens_or_one_sentence(
    tmp_path: Path, cells: list[list[str]]
) -> None:
    file = tmp_path / "log.jsonl"
    header, *rows = cells
    lines = [json.dumps(dict(zip(header, row, strict=True))) for row in rows]
    file.write_text("\n".join(lines), "utf-8")
    told = Told(word="opened", zone="UTC", when="2026-10-01")

    try:
        found = mapping.preview(mapping.draft(specimen.look(file), told))
    except MailhealthError as error:
        assert str(error)
    else:
        assert found.whole


# What the user sees.


def test_map_shows_what_it_would_import_and_writes_nothing_unasked(tmp_path: Path) -> None:
    file = log(tmp_path, JAPANESE)

    done = run("map", file, "--at", "反応日時", "--to", tmp_path / "own")

    assert done.exit_code == 1
    assert "'開封済み' is opened" in done.stdout
    assert "would import 1 opened, 1 clicked" in done.stdout
    assert "2026-10-01 12:30:00" in done.stdout
    assert "'未開封' is left out on purpose" in done.stdout
    assert "--yes writes it" in done.stderr
    assert not (tmp_path / "own").exists()


def test_the_command_that_map_prints_connects_the_file(tmp_path: Path) -> None:
    file = log(tmp_path, JAPANESE)
    own, database = tmp_path / "own", tmp_path / "x.db"

    done = run("map", file, "--at", "反応日時", "--to", own, "--name", "shop", "--yes")

    assert done.exit_code == 0, done.stderr
    words = shlex.split(done.stdout.splitlines()[-1])[1:]
    assert words == ["connect", "shop", str(own), "--path", str(file)]
    assert run("--db", database, *words).exit_code == 0
    assert "2 new" in run("--db", database, "sync").stderr


def test_a_list_of_addresses_is_mapped_with_its_date_and_campaign_told(tmp_path: Path) -> None:
    file = log(tmp_path, "メールアドレス,氏名\na@x.example,佐藤\n", "failed.csv", "cp932")

    done = run("map", file, "--at", "2026-10-01", "--to", tmp_path / "own", "--yes")

    assert "2026-10-01 (day only)" in done.stdout
    assert done.stdout.splitlines()[-1].endswith("--at 2026-10-01 --campaign NAME_OF_THE_CAMPAIGN")


def test_an_encoding_that_is_told_is_written(tmp_path: Path) -> None:
    file = log(tmp_path, "E-Mail;Datum;Land\na@x.example;2026-10-01;Österreich\n", coding="cp850")

    run("map", file, "--is", "sent", "--zone", "UTC", "--encoding", "cp850",
        "--to", tmp_path / "own", "--yes")  # fmt: skip

    (event,) = read(tmp_path / "own", file, campaign="x")
    assert "Österreich" in event.raw


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--recipient", "Emial"], "did you mean 'email'"),
        (["--is", "opend"], "did you mean 'opened'"),
        (["--word", "foo"], "their word, '=' and ours"),
        (["--dates", "%Y", "--zone", "UTC"], "is no date written as %Y"),
        (["--zone", "Mars/Olympus"], "no time zone 'Mars/Olympus'"),
        (["--name", "../own", "--zone", "UTC"], "no name for a connector"),
        (["--encoding", "utf-99"], "no encoding 'utf-99'"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, words: list[str], sentence: str) -> None:
    file = log(tmp_path, "email,event,date\na@x.example,open,2026-10-01 10:00\n")

    done = run("map", file, *words, "--yes", "--to", tmp_path / "own")

    assert done.exit_code != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "own").exists()


def test_a_connector_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = log(tmp_path, "email,event,date\na@x.example,open,2026-10-01T10:00:00Z\n")
    words = ("map", file, "--yes", "--to", tmp_path / "own")
    run(*words)

    done = run(*words)

    assert done.exit_code == 1
    assert "is there already" in done.stderr


def test_a_hostile_log_moves_no_cursor(tmp_path: Path) -> None:
    header = "email,event,date,[bold]\x1b[2J"
    file = log(tmp_path, f"{header}\na@x.example,\x1b[2Jopen,2026-10-01,\x1b]0;x\n")

    done = run("map", file, "--type", "event", "--word", "\x1b[2Jopen=opened", "--zone", "UTC")
    refused = run("map", file, "--type", "nothing")

    assert "\x1b" not in done.output + refused.output
    assert "[bold]" in done.stdout


def test_at_a_terminal_the_questions_are_asked(tmp_path: Path) -> None:
    file = log(tmp_path, "email,event,date\na@x.example,zap,01/02/2026\n")
    ours, theirs = pty.openpty()
    program = [sys.executable, "-c", "from mailhealth.cli import main; main()"]
    command = [*program, "map", str(file), "--to", str(tmp_path / "own")]
    os.write(ours, b"clicked\n%d/%m/%Y\n\ny\n")

    done = subprocess.run(command, stdin=theirs, capture_output=True, timeout=60, check=False)

    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr.decode()
    (event,) = read(tmp_path / "own", file, campaign="x")
    assert (event.type, event.at) == ("clicked", 1_769_904_000)  # the first of February


# A file that is known.


def test_sync_finds_the_connector_of_a_file_by_itself(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    sample = CONNECTORS / "elastic_email" / "sample.csv"

    first = run("--db", database, "sync", "--path", sample)
    again = run("--db", database, "sync", "--path", sample)

    assert "sample: 13 new" in first.stderr
    assert "sample: 0 new" in again.stderr


def test_two_files_of_one_name_are_two_sources(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        sample = (CONNECTORS / "elastic_email" / "sample.csv").read_bytes()
        (tmp_path / name / "log.csv").write_bytes(sample)
        done = run("--db", database, "sync", "--path", tmp_path / name / "log.csv")

    assert "log-2: 0 new, 13 known" in done.stderr


def test_a_zip_is_read_at_the_places_of_its_files(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(CONNECTORS / "elastic_email" / "sample.csv", "log.csv")

    done = run("--db", database, "sync", "--path", tmp_path / "export.zip")
    places = [row["place"] for row in json.loads(run("--db", database, "skipped", "--json").stdout)]

    assert "export: 13 new" in done.stderr
    assert places
    assert all(place.startswith(f"{tmp_path}/export.zip/log.csv") for place in places)


def test_a_damaged_zip_leaves_nothing_behind(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(CONNECTORS / "elastic_email" / "sample.csv", "log.csv")
    whole = (tmp_path / "export.zip").read_bytes()
    (tmp_path / "export.zip").write_bytes(whole[:-40])

    done = run("--db", database, "sync", "--path", tmp_path / "export.zip")

    assert done.exit_code == 1
    assert "damaged or incomplete" in done.stderr
    assert json.loads(run("--db", database, "skipped", "--json").stdout) == []


def test_a_locked_zip_is_read_with_the_password_of_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "export.zip").write_bytes(LOCKED)
    words = ("--db", tmp_path / "x.db", "sync", "--path", tmp_path / "export.zip")
    monkeypatch.setenv("LOG_PASSWORD", "sesame")
    monkeypatch.setenv("WRONG_PASSWORD", "open")

    assert "locked with a password" in run(*words).stderr
    assert "the password is wrong" in run(*words, "--password-env", "WRONG_PASSWORD").stderr
    assert "export: 1 new" in run(*words, "--password-env", "LOG_PASSWORD").stderr


def test_a_zip_of_logs_whose_name_climbs_out_is_refused_whole(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(CONNECTORS / "elastic_email" / "sample.csv", "log.csv")
        archive.write(CONNECTORS / "elastic_email" / "sample.csv", "../log.csv")

    done = run("--db", database, "sync", "--path", tmp_path / "export.zip")

    assert done.exit_code == 1
    assert "climbs out" in done.stderr
    assert json.loads(run("--db", database, "skipped", "--json").stdout) == []


def test_sync_says_which_connectors_there_are_when_none_knows_a_file(tmp_path: Path) -> None:
    file = log(tmp_path, "colour,number\nred,7\n")

    done = run("--db", tmp_path / "x.db", "sync", "--path", file)

    assert done.exit_code == 1
    assert "elastic_email" in done.stderr


def test_options_of_a_file_need_a_path(tmp_path: Path) -> None:
    assert "--zone says something of --path" in run("sync", "--zone", "Asia/Tokyo").stderr
    assert "not both" in run("sync", "news", "--path", tmp_path).stderr


# Our own page.


def test_a_call_of_our_page_says_how_it_was_called(tmp_path: Path) -> None:
    connector = CONNECTORS / "one_click"

    found = read(connector, connector / "sample.access.txt")

    assert [(event.recipient, event.method) for event in found] == [
        ("ann@globex.example", "GET"),
        ("ann@globex.example", "POST"),
        ("sato@sakura-shoji.example", "POST"),
        ("bob@initech.example", "GET"),
        ("mori@hoshino.example", "POST"),
    ]
    assert {event.type for event in found} == {"unsubscribed"}
    assert found[2].at == 1_794_649_290
