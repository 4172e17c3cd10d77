"""The command line, as its users type it."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailhealth.cli import main

LETTER = b"""\
From: "Hana Mori" <hana@hoshino.example>
To: support@acme.example
Subject: =?iso-2022-jp?B?GyRCJCpMZCQkOWckbyQ7GyhC?=
Date: Mon, 05 Jan 2026 09:30:00 +0900
Message-ID: <1@hoshino.example>
Content-Type: text/plain; charset=utf-8

Could you send me the invoice again?

On Sun, Jan 4, 2026 at 10:00 AM Tom Reed <tom@acme.example> wrote:
> Happy new year!
"""


def run(*words: str | Path, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=stdin)


def test_demo_prints_the_customers_with_their_reasons(demo_run: tuple[Path, Result]) -> None:
    folder, done = demo_run

    assert done.exit_code == 0, done.output
    for customer in ("globex.example", "umbra.example", "hoshino.example", "asahina.example"):
        assert customer in done.stdout
    assert (folder / "report.html").stat().st_size > 50_000


def test_every_verb_has_help() -> None:
    for name in main.commands:
        done = run(name, "--help")

        assert done.exit_code == 0
        assert len(main.commands[name].get_short_help_str()) > 10


@pytest.mark.parametrize("verb", ["scores", "customers", "signals", "skipped", "us"])
def test_every_listing_speaks_json_and_csv(demo: Path, verb: str) -> None:
    as_json = run("--db", demo / "acme.db", verb, "--json")
    as_csv = run("--db", demo / "acme.db", verb, "--csv")

    rows = json.loads(as_json.stdout)
    assert len(list(csv.DictReader(io.StringIO(as_csv.stdout)))) == len(rows)


def test_connectors_are_listed() -> None:
    rows = json.loads(run("connectors", "--json").stdout)

    assert {"mbox", "maildir", "eml", "imap", "elastic_email"} <= {row["connector"] for row in rows}


def test_scores_of_one_band_are_of_that_band(demo: Path) -> None:
    rows = json.loads(run("--db", demo / "acme.db", "scores", "--band", "at-risk", "--json").stdout)

    assert {row["band"] for row in rows} <= {"at risk"}


def test_explain_shows_points_and_message_ids(demo: Path) -> None:
    done = run("--db", demo / "acme.db", "explain", "umbra.example")

    assert done.exit_code == 0
    assert "points" in done.stdout
    assert "@umbra.example>" in done.stdout or "@acme.example>" in done.stdout


def test_parse_prints_one_object_a_message(tmp_path: Path) -> None:
    letter = tmp_path / "letter.eml"
    letter.write_bytes(LETTER)

    done = run("parse", letter)

    found = json.loads(done.stdout)
    assert list(found) == [
        "file", "message_id", "in_reply_to", "references", "date", "from", "to", "cc", "subject",
        "class", "lang", "new_text", "quoted_text", "signature", "attachments", "problems",
    ]  # fmt: skip
    assert found["subject"] == "お問い合わせ"
    assert found["class"] == "human"
    assert found["date"] == "2026-01-05T00:30:00Z"
    assert "invoice" in found["new_text"]
    assert "Happy new year" in found["quoted_text"]


def test_parse_goes_on_after_a_missing_file_and_says_so(tmp_path: Path) -> None:
    letter = tmp_path / "letter.eml"
    letter.write_bytes(LETTER)

    done = run("parse", tmp_path / "nowhere.eml", letter)

    assert done.exit_code == 1
    assert "nowhere.eml: cannot be read" in done.stderr
    assert json.loads(done.stdout)["message_id"] == "1@hoshino.example"


def test_annotate_answers_in_the_order_of_the_questions() -> None:
    texts = [
        {"id": "b", "text": "We want to cancel our contract at the end of the month."},
        {"id": "a", "text": "ありがとうございます。大変助かりました。"},
        {"id": "c", "text": ""},
    ]

    done = run("annotate", stdin="\n".join(json.dumps(text) for text in texts))

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["b", "a", "c"]
    assert set(rows[0]) == {
        "id", "lang", "sentiment", "intents", "labels", "topics", "nps", "csat", "model",
    }  # fmt: skip
    assert rows[2]["sentiment"]["label"] == "unknown"


def test_annotate_goes_on_after_a_line_that_is_no_text_and_says_so() -> None:
    done = run("annotate", stdin='hello\n{"id": 7, "text": "Thank you!"}\n{"id": 8}\n[]\n')

    assert done.exit_code == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [7]
    said = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in said] == ["line 1", "line 3", "line 4"]
    assert all("not a JSON object with 'id' and 'text'" in line for line in said)


def test_connect_without_a_connector_recognises_the_file(demo: Path, tmp_path: Path) -> None:
    done = run("--db", tmp_path / "x.db", "connect", "news", "--path", demo / "newsletter.csv")

    assert done.exit_code == 0, done.stderr
    assert "elastic_email" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["connect", "a", "mbocks", "--path", "x"], "no connector 'mbocks'"),
        (["connect", "a", "mbox", "--path", "nowhere.mbox"], "nowhere.mbox"),
        (["connect", "a", "mbox"], "path"),
        (["sync"], "no such database"),
        (["scores"], "no such database"),
        (["explain", "globex.example"], "no such database"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    tmp_path: Path, words: list[str], sentence: str
) -> None:
    database = tmp_path / "new.db"

    done = run("--db", database, *words)

    assert done.exit_code != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.output
    if database.exists():
        assert json.loads(run("--db", database, "skipped", "--json").stdout) == []


def test_sync_reports_what_was_skipped_and_fails(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "To,From,EventType,EventDate,Channel,Subject,MessageCategory\n"
        "ann@globex.example,n@acme.example,Open,11/14/2026 9:31:44 AM,autumn,Hi,Unknown\n"
        "ann@globex.example,n@acme.example,Exploded,11/14/2026 9:31:44 AM,autumn,Hi,Unknown\n",
        "utf-8",
    )
    database = tmp_path / "x.db"
    run("--db", database, "connect", "news", "elastic_email", "--path", log)

    done = run("--db", database, "sync")

    assert done.exit_code == 1
    assert "1 new" in done.stderr
    assert "1 skipped" in done.stderr
    assert "Exploded" in run("--db", database, "skipped", "--csv").stdout


def test_hostile_text_is_neither_markup_nor_terminal_code(tmp_path: Path) -> None:
    database = tmp_path / "x.db"
    run("--db", database, "us", "[bold]\x1b[2Jacme.example")

    done = run("--db", database, "us")

    assert "\x1b" not in done.stdout
    assert "[bold]" in done.stdout
