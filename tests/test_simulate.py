"""The simulator: worlds whose truth is known, the same for the same seed."""

import csv
import sqlite3
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import mailhealth
from mailhealth import simulate
from mailhealth.cli import main
from mailhealth.errors import BadData, BadSource, UnknownName
from mailhealth.simulate import World, campaigns, mail, words
from mailhealth.simulate.calendar import DAY, Calendar, calendar
from mailhealth.simulate.life import strain
from mailhealth.simulate.mail import Scene
from mailhealth.simulate.page import changed, constants
from mailhealth.simulate.people import NEVER
from mailhealth.simulate.telling import scene
from mailhealth.store import people

END = date(2026, 11, 1)
CALENDAR = calendar(constants("base"), END, 400)
JAPAN, AMERICA = 0, 1


@pytest.fixture(scope="module")
def base() -> World:
    return simulate.world(customers=200, days=400)


@pytest.fixture(scope="module")
def stage() -> Scene:
    """Customers and their lives, enough of them to count who leaves; no mail."""
    return scene("base", 3000, 760, seed=1, end=END)


@pytest.fixture(scope="module")
def database(base: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world") / "base.db"
    simulate.write(path, base)
    return path


def content(path: Path) -> list[str]:
    """All that a database holds, but for when its tables were made."""
    with sqlite3.connect(path) as db:
        lines = [line for line in db.iterdump() if "_sqlite_migrations" not in line]
    db.close()
    return lines


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, words)])


def auc(score: np.ndarray, yes: np.ndarray) -> float:
    """The share of pairs that a score puts in the right order (without ties)."""
    rank = score.argsort().argsort() + 1
    return float((rank[yes].sum() - yes.sum() * (yes.sum() + 1) / 2) / (yes.sum() * (~yes).sum()))


def landmark(stage: Scene, day: int) -> tuple[np.ndarray, np.ndarray]:
    """The customers on a day, and which of them have left 90 days later."""
    there = (stage.people.started <= day - 60) & (stage.life.ended > day)
    return there, stage.life.ended[there] <= day + 90


# ---------------------------------------------------------------- worlds


@pytest.mark.parametrize("name", simulate.worlds())
def test_every_world_can_be_told(name: str) -> None:
    world = simulate.world(name, customers=5, days=120)

    assert world.name == name
    assert len(world.mails) and len(world.events)


def test_there_are_six_worlds_and_the_first_is_base() -> None:
    assert simulate.worlds() == ["base", "quiet", "loud", "sparse", "segconf", "null"]


def test_a_world_changes_only_what_the_base_has() -> None:
    with pytest.raises(KeyError, match="'hazzard'"):
        changed(constants("base"), {"churn": {"hazzard": 1.0}})


def test_the_same_seed_writes_the_same_database(tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        simulate.write(tmp_path / name, simulate.world(customers=8, days=120, seed=3))

    assert content(tmp_path / "one.db") == content(tmp_path / "two.db")


def test_another_seed_is_another_world() -> None:
    one, two = (simulate.world(customers=8, days=120, seed=seed) for seed in (1, 2))

    assert one.mails.at.tolist() != two.mails.at.tolist()


def test_worlds_of_one_seed_have_the_same_customers() -> None:
    base, loud = (scene(name, 50, 120, seed=1, end=END) for name in ("base", "loud"))

    assert np.array_equal(base.life.health, loud.life.health)
    assert np.array_equal(base.people.revenue, loud.people.revenue)


# ---------------------------------------------------------------- health, and leaving


def test_about_six_percent_leave_in_ninety_days(stage: Scene) -> None:
    left = [landmark(stage, day)[1].mean() for day in range(90, 670, 30)]

    assert 0.05 <= np.mean(left) <= 0.075


def test_the_true_health_tells_who_leaves_and_the_decision_still_better(stage: Scene) -> None:
    found = []
    for day in (540, 600, 660):
        there, left = landmark(stage, day)
        health, decided = stage.life.health[day, there], stage.life.decided[there] <= day
        found.append((auc(-health, left), auc(50.0 * decided - health, left)))
    health, both = np.mean(found, axis=0)

    assert 0.72 <= health <= 0.79
    assert health + 0.06 <= both <= 0.89


def test_whoever_has_decided_leaves_fifteen_to_sixty_days_later(stage: Scene) -> None:
    gone = stage.life.decided < NEVER
    lag = (stage.life.ended - stage.life.decided)[gone]

    assert (lag.min(), lag.max()) == (15, 60)
    assert (stage.life.decided >= stage.people.started)[gone].all()


def test_too_many_and_too_few_touches_strain_a_customer(stage: Scene) -> None:
    touches = np.array([0.1, 0.5, 1.0, 2.0, 6.0, 12.0, 24.0, 48.0, 500.0])
    mean, few = stage.life.health.mean(axis=0), stage.people.touches < 0.7

    assert strain(touches, (2.0, 12.0)) == pytest.approx([1, 1, 0.5, 0, 0, 0, 0.5, 1, 1])
    assert mean[few].mean() < mean[~few].mean() - 0.1


# ---------------------------------------------------------------- mail


def test_there_is_no_mail_before_a_customer_starts_nor_after_the_end(base: World) -> None:
    start, life, who = base.scene.calendar.start, base.scene.life, base.scene.people
    for told in (base.mails, base.events):
        local = told.at + DAY / 2  # where it is morning already
        assert (told.at < (start + life.ended[told.customer]) * DAY).all()
        assert (local >= (start + who.started[told.customer]) * DAY).all()
        assert (told.at < base.scene.calendar.end).all()


def test_a_conversation_begins_once_and_every_answer_comes_after_it(base: World) -> None:
    mails = base.mails
    begun = dict(
        zip(mails.thread[mails.first].tolist(), mails.at[mails.first].tolist(), strict=True)
    )
    late = [
        (at, begun[thread])
        for at, thread in zip(
            mails.at[~mails.first].tolist(), mails.thread[~mails.first].tolist(), strict=True
        )
    ]

    assert len(begun) == mails.first.sum()
    assert all(at > first for at, first in late)


def test_nobody_writes_who_is_absent_or_not_there(base: World) -> None:
    mails, who = base.mails, base.scene.people
    place = (base.scene.calendar.day(mails.at), mails.customer, mails.contact)

    assert who.present[place].all()
    assert not who.away[place][mails.inbound].any()


def test_weekends_holidays_and_obon_are_quiet(base: World) -> None:
    when = base.scene.calendar
    local = when.day(base.mails.at + 9 * 3600)
    japanese = base.scene.people.country[base.mails.customer] == JAPAN
    written = np.bincount(local[base.mails.inbound & japanese], minlength=when.days)
    weekday = (np.arange(when.days) + when.start + 3) % 7  # 1970-01-01 was a Thursday
    obon = np.arange(4) + (date(2026, 8, 13) - date(1970, 1, 1)).days - when.start

    assert written[weekday >= 5].mean() < 0.2 * written[weekday < 5].mean()
    assert written[obon].mean() < 0.4 * written[weekday < 5].mean()


def tones(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Each customer's mean tone and mean health, of those who write."""
    customer = world.mails.customer[world.words.mail]
    size = len(world.scene.people)
    count = np.bincount(customer, minlength=size)
    writes = count >= 5
    tone = np.bincount(customer, weights=world.words.score, minlength=size)
    return tone[writes] / count[writes], world.scene.life.health.mean(axis=0)[writes]


def test_in_the_null_world_mail_tells_nothing_of_health(base: World) -> None:
    null = simulate.world("null", customers=200, days=400)
    life, started = null.scene.life, null.scene.people.started
    days = np.minimum(life.ended, 400) - np.maximum(started, 0)
    volume = np.bincount(null.mails.customer[null.mails.inbound], minlength=200) / days
    often = np.log(volume + 0.01)

    assert np.corrcoef(*tones(base))[0, 1] > 0.5
    assert abs(np.corrcoef(*tones(null))[0, 1]) < 0.2
    assert abs(np.corrcoef(often, life.health.mean(axis=0))[0, 1]) < 0.2


def rate_after(name: str) -> float:
    """How many times the mail of those who leave is, after their decision, what it was before."""
    world = simulate.world(name, customers=400, days=400)
    life, mails = world.scene.life, world.mails
    day = world.scene.calendar.day(mails.at)
    decided = life.decided[mails.customer]
    leaves = mails.inbound & (decided > 60) & (life.ended[mails.customer] < 400)
    after = (leaves & (day >= decided)).sum()
    gone = (life.decided > 60) & (life.ended < 400)
    days_after = (life.ended - life.decided)[gone].sum()
    before = (leaves & (day < decided) & (day >= decided - 60)).sum()
    return float(after / days_after) / float(before / (60 * gone.sum()))


def test_quiet_leavers_fall_silent_and_loud_ones_do_not() -> None:
    assert rate_after("quiet") < 0.25
    assert rate_after("loud") > 1.0


def test_intents_are_found_as_often_as_the_page_says(base: World) -> None:
    cancels = (base.mails.origin == mail.CANCEL) & base.mails.first
    read = base.words.mail[base.words.read[base.words.intent == words.INTENTS.index("cancel")]]
    other = base.mails.inbound & ~cancels

    assert 0.6 <= cancels[read].sum() / cancels.sum() <= 0.95
    assert 0.003 <= (~cancels[read]).sum() / other.sum() <= 0.007


def test_asking_for_more_mail_and_events_gives_about_so_many() -> None:
    world = simulate.world(customers=40, days=200, messages=20_000, events=30_000)
    each = np.sort(np.bincount(world.mails.customer))[::-1]

    assert len(world.mails) == pytest.approx(20_000, rel=0.05)
    assert len(world.events) == pytest.approx(30_000, rel=0.1)
    assert each[:4].sum() > 4 * each[20:24].sum()


# ---------------------------------------------------------------- campaigns


def test_scanners_click_within_seconds_and_proxies_say_so(base: World) -> None:
    told, who = base.events, base.scene.people
    machine = told.machine == 1
    key = (told.campaign * 1000 + told.customer) * 10 + told.contact
    arrived = dict(
        zip(
            key[told.type == campaigns.DELIVERED].tolist(),
            told.at[told.type == campaigns.DELIVERED].tolist(),
            strict=True,
        )
    )
    clicks = told.only(told.type == campaigns.CLICKED)
    fast = np.array(
        [
            at - arrived[k] <= 10
            for k, at in zip(key[told.type == campaigns.CLICKED].tolist(), clicks.at, strict=True)
        ]
    )

    assert (told.type[machine] == campaigns.OPENED).all()
    assert who.apple[told.customer[machine], told.contact[machine]].all()
    assert who.gateway[clicks.customer[fast]].all()
    assert fast.any() and not fast.all()


def test_whoever_unsubscribed_gets_no_more_campaigns(base: World) -> None:
    told = base.events
    for place in np.flatnonzero(told.type == campaigns.UNSUBSCRIBED):
        mine = (told.customer == told.customer[place]) & (told.contact == told.contact[place])
        later = mine & (told.campaign > told.campaign[place]) & (told.type == campaigns.SENT)
        assert not later.any()


# ---------------------------------------------------------------- the calendar

moments = st.integers((CALENDAR.start + 5) * DAY, CALENDAR.end - 1)


@given(moments, st.floats(0.02, 60), st.sampled_from([JAPAN, AMERICA]))
@settings(max_examples=100, deadline=None)
def test_a_reply_comes_later_and_in_office_hours(at: int, hours: float, country: int) -> None:
    place = np.array([country])
    later = CALENDAR.later(np.array([at]), np.array([hours]), place)[0]

    day = int(np.searchsorted(CALENDAR.midnight[:, country], later, "right")) - 1
    assert later > at
    assert CALENDAR.opens <= later - CALENDAR.midnight[day, country] <= CALENDAR.closes


@given(moments, st.floats(0.1, 20), st.floats(0.1, 20))
@settings(max_examples=50, deadline=None)
def test_working_hours_add_up(at: int, first: float, second: float) -> None:
    def later(moment: int, hours: float) -> int:
        found = CALENDAR.later(np.array([moment]), np.array([hours]), np.array([JAPAN]))
        return int(found[0])

    twice, once = later(later(at, first), second), later(at, first + second)

    worked = CALENDAR.worked[:, JAPAN]
    assert abs(hours_between(worked, twice) - hours_between(worked, once)) <= 2


def hours_between(worked: np.ndarray, moment: int) -> int:
    """The working seconds up to a moment in Japan."""
    day = int(np.searchsorted(CALENDAR.midnight[:, JAPAN], moment, "right")) - 1
    return int(worked[day] + moment - CALENDAR.midnight[day, JAPAN] - CALENDAR.opens)


def test_an_average_day_counts_one() -> None:
    when: Calendar = CALENDAR

    assert when.activity.mean(axis=0) == pytest.approx([1, 1])


# ---------------------------------------------------------------- the database


def test_the_database_holds_together(database: Path) -> None:
    with sqlite3.connect(database) as db:
        checked = db.execute("pragma integrity_check").fetchall()
        lost = db.execute("pragma foreign_key_check").fetchall()
        indexes = db.execute("select count(*) from sqlite_master where type = 'index'").fetchone()
    db.close()

    assert checked == [("ok",)]
    assert lost == []
    assert indexes[0] > 10


def test_looking_at_everybody_anew_changes_nothing(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())
    questions = (
        "select message, direction from messages where kind = 'human' order by message",
        "select * from message_customers order by customer, message",
        "select contact, customer, ours, person from contacts order by contact",
    )
    with mailhealth.open(copy) as health:
        before = [health.db.execute(sql).fetchall() for sql in questions]
        people._forget_assignments(health.db)
        people.assign(health.db)
        after = [health.db.execute(sql).fetchall() for sql in questions]

    assert before == after


def test_an_absence_is_told_once_and_before_it_ends(base: World, database: Path) -> None:
    with sqlite3.connect(database) as db:
        told = db.execute(
            "select date(m.at, 'unixepoch', '-1 day'), n.until"
            " from notices n join messages m using (message)"
        ).fetchall()
    db.close()

    assert 0 < len(told) <= len(base.scene.people.absences)
    assert all(since <= until for since, until in told)


def test_the_product_scores_a_simulated_company(tmp_path: Path) -> None:
    simulate.write(tmp_path / "small.db", simulate.world(customers=60, days=200))

    with mailhealth.open(tmp_path / "small.db") as health:
        kept = health.evaluate(["2026-10-01"])
        bands = {score.band for score in health.scores()}

    assert kept == 60
    assert {"healthy", "unhealthy"} <= bands


# ---------------------------------------------------------------- the verb, and bad input


def test_the_verb_writes_the_database_and_the_truth(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.csv" for name in ("truth", "churn", "truth-health")}
    told = run(
        tmp_path / "out.db", "--customers", "40", "--days", "300",
        "--truth", files["truth"], "--churn", files["churn"],
    )  # fmt: skip

    read = {
        name: list(csv.DictReader(file.read_text("utf-8").splitlines()))
        for name, file in files.items()
    }
    assert told.exit_code == 0, told.output
    assert len(read["truth"]) == 40
    left = [row for row in read["truth"] if row["churned"]]
    assert [(r["customer"], r["churned"]) for r in left] == [
        (r["customer"], r["churned"]) for r in read["churn"]
    ]
    assert all(row["decided"] < row["churned"] < "2026-11-01" for row in left)
    assert set(read["truth-health"][0]) == {"customer", "at", "health", "decided_yet"}


def test_a_world_nobody_knows_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'quiet'"):
        simulate.world("quite")
    told = run(tmp_path / "out.db", "--world", "loudd")

    assert told.exit_code == 1
    assert "did you mean 'loud'?" in told.output


@pytest.mark.parametrize(
    "wrong",
    [{"customers": 0}, {"days": 5}, {"seed": -1}, {"messages": 0}, {"events": -3}, {"end": "soon"}],
)
def test_sizes_that_make_no_world_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadData, match=str(next(iter(wrong.values())))):
        simulate.world(**wrong)  # type: ignore[arg-type]


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.db").write_text("precious")
    world = simulate.world(customers=2, days=90)

    with pytest.raises(BadSource, match="already"):
        simulate.write(tmp_path / "mine.db", world)
    assert (tmp_path / "mine.db").read_text() == "precious"
    with pytest.raises(BadSource, match="no folder"):
        simulate.write(tmp_path / "nowhere" / "out.db", world)
