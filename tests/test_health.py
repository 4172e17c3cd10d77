"""The whole house: from the sample company's mailbox and send log to explained scores."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

import mailhealth
from mailhealth.errors import BadData, BadSource, UnknownName
from mailhealth.health import instant
from mailhealth.health.batches import batches
from mailhealth.records import Skipped

AS_OF = "2026-11-01T00:00:00Z"


@pytest.fixture
def company(tmp_path: Path, demo_run: tuple[Path, Result]) -> Path:
    """A fresh database with the sample company's sources connected, nothing read yet."""
    folder, path = demo_run[0], tmp_path / "fresh.db"
    with mailhealth.open(path) as health:
        health.us("acme.example")
        health.import_customers(folder / "customers.csv")
        health.connect("support", "mbox", path=folder / "support.mbox")
        health.connect("newsletter", "elastic_email", path=folder / "newsletter.csv")
    return path


def facts(path: Path) -> dict[str, int]:
    """How many rows each table of stored facts has."""
    tables = (
        "messages",
        "places",
        "recipients",
        "events",
        "annotations",
        "email_signals",
        "skipped",
    )
    with sqlite3.connect(path) as db:
        return {t: db.execute(f"select count(*) from {t}").fetchone()[0] for t in tables}


def bands(demo: Path) -> dict[str, str]:
    with mailhealth.open(demo / "acme.db") as health:
        return {score.customer: score.band for score in health.scores()}


def test_the_sample_company_reads_without_a_loss(demo: Path) -> None:
    counted = facts(demo / "acme.db")

    assert counted["messages"] > 400
    assert counted["events"] > 1_000
    assert counted["skipped"] == 0


def test_who_thrives_is_healthy_and_who_rages_is_not(demo: Path) -> None:
    found = bands(demo)

    assert {found["globex.example"], found["hoshino.example"]} == {"healthy"}
    assert {found["umbra.example"], found["asahina.example"]} <= {"at risk", "unhealthy"}


def test_who_fell_silent_is_no_longer_healthy(demo: Path) -> None:
    found = bands(demo)

    assert found["initech.example"] in {"at risk", "unhealthy"}
    assert found["kawabe.example"] in {"at risk", "unhealthy"}


def test_who_announced_to_leave_politely_is_unhealthy(demo: Path) -> None:
    assert bands(demo)["vandelay.example"] == "unhealthy"


def test_of_a_new_customer_nothing_is_claimed(demo: Path) -> None:
    assert bands(demo)["northwind.example"] == "unknown"


def test_a_rescue_shows_in_the_history(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        for customer in ("rivermark.example", "minato.example"):
            days = {day["as_of"][:10]: day["value"] for day in health.score_history(customer)}
            spring = min(value for day, value in days.items() if "2026-04" < day < "2026-06-15")

            assert days["2026-11-01"] > spring + 10, customer


def test_every_score_is_the_sum_of_its_lines(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        for score in health.scores():
            total = health.rules.base + sum(line.points for line in score.contributions)

            assert abs(total - score.value) < 1e-9


def test_an_explanation_names_messages_that_exist(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        told = health.explain("umbra.example")
        ids = {each.id for behind in told.evidence.values() for each in behind}
        stored = {
            row[0]
            for row in health.db.execute(
                "select '<' || message_id || '>' from messages union select event from events"
            ).fetchall()
        }

    assert ids
    assert ids <= stored


def test_reasons_can_be_had_in_japanese(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        reasons = [r for score in health.scores(lang="ja") for r in score.because]

    assert reasons
    assert all(any("぀" <= c <= "鿿" for c in reason) for reason in reasons)


def test_signals_are_a_frame_with_the_columns_of_the_contract(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        frame = health.signals(customer="globex.example")

    assert list(frame.columns) == [
        "customer", "as_of", "window_days", "signal",
        "value", "n", "k", "low", "high", "shrunk", "reliability", "change", "definition",
    ]  # fmt: skip
    assert set(frame["customer"]) == {"globex.example"}


def test_a_second_sync_changes_nothing(company: Path) -> None:
    with mailhealth.open(company) as health:
        first = health.sync(as_of=AS_OF)
        before = list(health.db.conn.iterdump())
        second = health.sync(as_of=AS_OF)
        after = list(health.db.conn.iterdump())

    assert first.complete
    assert [source.new for source in second.sources] == [0, 0]
    assert second.annotated == 0
    assert after == before


def test_a_killed_sync_goes_on_without_a_gap_and_without_a_double(
    company: Path, demo_run: tuple[Path, Result]
) -> None:
    code = (
        "import mailhealth, sys\n"
        "with mailhealth.open(sys.argv[1]) as health: health.sync(as_of=sys.argv[2])"
    )
    for pause in (0.3, 0.6, 0.9, 1.2):
        run = subprocess.Popen([sys.executable, "-c", code, str(company), AS_OF])
        time.sleep(pause)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()

    with mailhealth.open(company) as health:
        health.sync(as_of=AS_OF)

    whole = facts(demo_run[0] / "acme.db")
    for table in ("messages", "places", "recipients", "events", "annotations", "skipped"):
        assert facts(company)[table] == whole[table], table


def test_a_source_that_fails_does_not_hold_back_the_others(company: Path, tmp_path: Path) -> None:
    lost = tmp_path / "lost.mbox"
    lost.write_bytes(
        b"From ann@globex.example Thu Jan  1 00:00:00 2026\nFrom: ann@globex.example\n"
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000\nMessage-ID: <1@globex.example>\n\nHello\n"
    )
    with mailhealth.open(company) as health:
        health.connect("archive", "mbox", path=lost)
        lost.unlink()
        report = health.sync(as_of=AS_OF)

    failed = {source.source: source.error for source in report.sources}
    assert "lost.mbox" in (failed["archive"] or "")
    assert failed["support"] is None
    assert not report.complete


def test_what_was_read_before_a_source_broke_off_is_kept() -> None:
    def breaking() -> Iterator[Skipped]:
        yield Skipped("box:1", "one")
        yield Skipped("box:2", "two")
        raise BadSource("the talk broke off")

    kept: list[str] = []
    with pytest.raises(BadSource, match="broke off"):
        for batch in batches(breaking()):
            kept += [item.place for item in batch if isinstance(item, Skipped)]

    assert kept == ["box:1", "box:2"]


def test_mail_after_as_of_is_not_read(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        before = health.scores(as_of="2026-06-01")
        health.db.execute("delete from message_customers where message in"
                          " (select message from messages where at >= 1780272000)")  # fmt: skip
        after = health.scores(as_of="2026-06-01")

    assert before == after


@pytest.mark.parametrize("secret", ["password", "token"])
def test_a_secret_is_refused_and_not_stored(company: Path, secret: str) -> None:
    with (
        mailhealth.open(company) as health,
        pytest.raises(BadSource, match="not kept in the database"),
    ):
        health.connect("box", "imap", host="mail.example.com", user="a@b.example", **{secret: "x"})

    assert b"mail.example.com" not in company.read_bytes()


def test_an_unknown_connector_names_those_there_are(company: Path) -> None:
    with (
        mailhealth.open(company) as health,
        pytest.raises(UnknownName, match=r"elastic_email.*mbox"),
    ):
        health.connect("news", "elastic_mail", path=company)


def test_an_unknown_customer_names_the_nearest(demo: Path) -> None:
    with (
        mailhealth.open(demo / "acme.db") as health,
        pytest.raises(UnknownName, match=r"did you mean globex\.example"),
    ):
        health.explain("globx.example")


def test_a_mailbox_login_is_ours_and_so_is_its_company(tmp_path: Path) -> None:
    with mailhealth.open(tmp_path / "new.db") as health:
        health.connect("box", "imap", host="mail.example.com", user="help@acme.example")

        assert health.us() == ["acme.example", "help@acme.example"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        ("2026-11-01T09:00:00+09:00", "2026-11-01T00:00:00Z"),
    ],
)
def test_a_day_is_its_midnight_in_utc(given: str, meant: str) -> None:
    assert instant(given) == meant


def test_what_is_no_day_is_refused() -> None:
    with pytest.raises(BadData, match="not a day like"):
        instant("last week")


def test_a_large_write_between_two_evaluations_harms_nothing(tmp_path: Path) -> None:
    # In a process of its own: two copies of SQLite on one file end in a bus error.
    code = """
import sys
import mailhealth
from mailhealth.store import inbox, insert

with mailhealth.open(sys.argv[1]) as health:
    inbox.add_source(health.db, inbox.Source("box", "mbox", {}))
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        with health.db.atomic():
            why = "x" * 4_000
            rows = ({"source": "box", "place": f"{day}:{n}", "why": why} for n in range(12_000))
            insert(health.db, "skipped", rows)
        for n in range(3):
            insert(health.db, "skipped", [{"source": "box", "place": f"{day}-{n}", "why": "y"}])
            health.db.conn.commit()
        health.evaluate([day + "T00:00:00Z"])
        health.scores()
    assert health.db.execute("pragma integrity_check").fetchone()[0] == "ok"
    assert len(health.skipped()) == 36_009
"""

    command = [sys.executable, "-c", code, str(tmp_path / "large.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
