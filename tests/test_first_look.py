"""The first look at a long history, and alerts that are closed by hand."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import mailhealth
from mailhealth import alerts
from mailhealth.alerts import Sign, first, looking
from mailhealth.cli import main
from mailhealth.errors import BadData, UnknownName
from tests.test_alerts import AS_OF, DAY, END, changes, company

LATER = "2026-11-03T00:00:00Z"
SIGNS = st.builds(
    Sign,
    customer=st.sampled_from("abcdefgh"),
    kind=st.sampled_from(["cancel", "silence", "drop"]),
    opens=st.booleans(),
    keeps=st.booleans(),
    severity=st.sampled_from(alerts.SEVERITIES),
)
ONCE = st.lists(SIGNS, unique_by=lambda sign: (sign.customer, sign.kind), max_size=20)
STAKES = st.dictionaries(
    st.sampled_from("abcdefgh"), st.none() | st.floats(0, 1e6), min_size=1, max_size=8
)


def sign(customer: str, severity: alerts.page.Severity = "medium", *, keeps: bool = True) -> Sign:
    return Sign(customer, "silence", opens=True, keeps=keeps, severity=severity)


def run(db: Path, *words: object) -> Result:
    return CliRunner().invoke(main, ["--db", str(db), *map(str, words)])


def test_the_largest_expected_loss_comes_first_and_the_severest_where_none_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looking, "FEWEST", 3)
    shown = [sign("poor"), sign("mild"), sign("grave", "high"), sign("rich"), sign("over")]
    gone = sign("gone", "high", keeps=False)

    looked = first([*shown, gone], {"poor": 5.0, "rich": 90.0, "gone": 99.0}, budget=0.5)

    assert [each.customer for each in looked.signs] == ["rich", "poor", "grave"]
    assert {customer for customer, _ in looked.over} == {"mild", "over", "gone"}


def test_a_large_company_opens_as_many_as_its_budget_of_false_alarms_allows_a_week() -> None:
    shown = [sign(f"{number:04}") for number in range(1_481)]

    looked = first(shown, {f"{number:04}": None for number in range(3_000)}, budget=0.5)

    assert (len(looked.signs), len(looked.over)) == (29, 1_452)  # 0.5 x 3,000 / 52


@given(ONCE, STAKES, st.floats(0, 5))
def test_every_sign_that_opens_counts_or_is_passed_over(
    shown: list[Sign], stakes: dict[str, float | None], budget: float
) -> None:
    looked = first(shown, stakes, budget)
    again = alerts.later(shown, looked.over)

    counted = {(each.customer, each.kind) for each in looked.signs}
    assert counted | looked.over.keys() == {(s.customer, s.kind) for s in shown if s.opens}
    assert not counted & looked.over.keys()
    assert again.over == looked.over  # nothing has changed, so nothing opens


def test_what_was_passed_over_opens_when_it_is_worse_or_comes_anew() -> None:
    over = {("a", "silence"): "medium", ("b", "silence"): "medium", ("c", "silence"): "medium"}

    worse = alerts.later([sign("a"), sign("b", "high")], over)  # type: ignore[arg-type]
    anew = alerts.later([sign("c")], worse.over)

    assert [each.customer for each in worse.signs] == ["b"]
    assert dict(worse.over) == {("a", "silence"): "medium"}
    assert [each.customer for each in anew.signs] == ["c"]


def test_the_first_look_opens_some_and_the_next_day_brings_no_flood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "FEWEST", 1)
    with company(tmp_path) as (health, write):
        for name, revenue in (("rich.example", 90_000), ("poor.example", 5_000)):
            write.customer(name, revenue=revenue)
            write.rhythm(name, until=END - 5 * DAY, weeks=20)
            write.mail(name, END - 5 * DAY, thread=name)
        shown = health.look(as_of=AS_OF, dry_run=True)
        told = health.look(as_of=AS_OF)
        again = health.look(as_of=LATER)
        write.mail("poor.example", END + DAY + 3600, "out", thread="poor.example")
        answered = health.look(as_of="2026-11-04T00:00:00Z")
        write.mail("poor.example", END + 2 * DAY, thread="new")
        asked = changes(health.alerts(as_of="2026-11-10T00:00:00Z"))

    assert changes(told.alerts) == changes(shown.alerts)
    assert changes(told.alerts) == {("rich.example", "unanswered"): "opened"}
    assert changes(again.alerts) == {("rich.example", "unanswered"): "open"}
    assert (shown.passed_over, told.passed_over, again.passed_over) == (1, 1, 1)
    assert answered.passed_over == 0
    assert asked["poor.example", "unanswered"] == "opened"


def test_an_alert_is_closed_by_hand_with_a_reason_that_is_kept(tmp_path: Path) -> None:
    with company(tmp_path) as (health, write):
        write.customer("waiting.example")
        write.mail("waiting.example", END - 5 * DAY, thread="q")
        (alert,) = health.alerts(as_of=AS_OF)
        with pytest.raises(BadData, match="needs a reason"):
            health.close_alert(alert.alert or 0, " ")
        with pytest.raises(UnknownName, match="no open alert 9; open ones are 1"):
            health.close_alert(9, "called them")

    closed = run(tmp_path / "acme.db", "alerts", "--close", 1, "--reason", "called them", "--json")
    twice = run(tmp_path / "acme.db", "alerts", "--close", 1, "--reason", "again")
    alone = run(tmp_path / "acme.db", "alerts", "--close", 1)

    assert (closed.exit_code, json.loads(closed.stdout)) == (0, [])
    assert "no open alert 1; open ones are none" in twice.output
    assert alone.exit_code == 2 and "go together" in alone.output
    with mailhealth.open(tmp_path / "acme.db") as health:
        assert [tuple(row) for row in health.db.execute("select alert, reason from closings")] == [
            (1, "called them")
        ]
        assert health.alerts(as_of=AS_OF) == []  # neither the same day
        assert health.alerts(as_of=LATER) == []  # nor while the refractory time lasts
