"""Learning the weights: rows without look-ahead, a fit near the expert, and a gate that is shut
unless later days say better."""

import json
import math
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

import mailhealth
from mailhealth import learn, rules, score
from mailhealth.cli import backtesting, main
from mailhealth.errors import BadData, BadSource, MailhealthError
from mailhealth.health import learning
from mailhealth.learn import EXPERT, Client, Panel, Report, Terms
from mailhealth.learn.figures import LABELS, figures
from mailhealth.learn.landmarks import UNIT
from mailhealth.learn.measures import lift
from mailhealth.learn.redraws import Redraws
from mailhealth.records import SignalValue
from mailhealth.rules import DAY
from mailhealth.web import backtest as web

TELCO = Path(__file__).parents[1].parent / "shared" / "data" / "churn" / "Telco-Customer-Churn.csv"
NAMES = ("silence", "tone", "replies", "cancel")
FEW = 1e-9

PAGE = """
base = 75
windows = [30, 90]

[bands]
at_risk = { from = 40, up = 48, down = 40 }
healthy = { from = 70, up = 75, down = 65 }

[enough]
signal = "tone"
n = 1
coverage = 0.0
unless = "cancel"
because.en = "too little is known"
because.ja = "情報不足です"

[cap.cancelled]
signal = "cancel"
from = 0.25
value = 39
because.en = "cancels"
because.ja = "解約です"

# How they sound.
[signal.tone]
component = "test"
asks = "How do they sound?"
from = "readings"
kind = "mean"
each = "sentiment"
span = 0.6
points = [-18, 18]       # the expert's
because.en = "sounds bad"
because.ja = "調子が悪いです"
good.en = "sounds good"
good.ja = "調子が良いです"

[signal.cancel]
component = "test"
asks = "Do they cancel?"
from = "readings"
kind = "value"
value = "max(cancel)"
span = -1
points = [-25, 0]
because.en = "cancels"
because.ja = "解約です"

[signal.mails]
component = "test"
asks = "How many mails?"
from = "received"
kind = "count"
k = "count(*)"
n = "count(*)"
because.en = "{k:mail|mails}"
because.ja = "{k:.0f}通"
"""
RULES = rules.build(tomllib.loads(PAGE), "health.toml")
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


# ---------------------------------------------------------------- an invented world


@cache
def world(kind: str = "base", *, customers: int = 900, seed: int = 1) -> Panel:
    """Customers with a true health that wanders; it moves the signals, and who leaves.

    base: the points are about right. quiet: silence tells nearly all, which the expert does not
    know. null: the signals show the health of somebody else.
    """
    draw = np.random.default_rng(seed)
    steps = 16
    usual = draw.normal(0, 0.7, customers)
    health = np.empty((steps, customers))
    health[0] = usual + draw.normal(0, 0.6, customers)
    for i in range(1, steps):
        wander = 0.7 * (health[i - 1] - usual) + draw.normal(0, 0.45, customers)
        health[i] = usual + wander
    hazard = 1 / (1 + np.exp(4.0 + 1.25 * health))
    step = np.where(draw.random(health.shape) < hazard, np.arange(steps)[:, None], steps + 9)
    left = step.min(axis=0) * 30 + draw.integers(1, 30, customers)  # days from the first landmark
    shown = draw.permuted(health, axis=1) if kind == "null" else health
    rows = [_row(shown[i], left, i * 30, kind=kind, draw=draw) for i in range(steps - 3)]
    there = [left > i * 30 for i in range(steps - 3)]
    points = np.concatenate([row[on] for row, on in zip(rows, there, strict=True)])
    at = np.concatenate([np.full(on.sum(), START + i * 30 * DAY) for i, on in enumerate(there)])
    who = np.concatenate([np.flatnonzero(on) for on in there])
    return panel_of(points, at, who, START + left[who] * float(DAY))


def _row(
    health: np.ndarray, left: np.ndarray, day: int, *, kind: str, draw: np.random.Generator
) -> np.ndarray:
    """The points of one landmark: silence, tone, replies, cancel; (customers, 4)."""
    n = len(health)
    going = (left > day) & (left <= day + 60) & (kind == "quiet") & (draw.random(n) < 0.85)
    silence = np.clip(draw.normal(0, 3, n) + np.where(going, -8, 0), -18, 7)
    loud = 0.25 if kind == "quiet" else 1.0
    tone = np.clip(9 * loud * health + draw.normal(0, 7, n), -18, 18)
    replies = np.clip(5 * loud * health + draw.normal(0, 5, n), -12, 12)
    cancel = -25.0 * (draw.random(n) < 0.01 * np.exp(-health * loud))
    return np.column_stack([silence, tone, replies, cancel])


def panel_of(points: np.ndarray, at: np.ndarray, who: np.ndarray, left: np.ndarray) -> Panel:
    """A panel of points that are their own values."""
    names = NAMES[: points.shape[1]]
    harmful = np.array([name == "cancel" for name in names])
    return Panel(
        terms=Terms(names, np.ones(len(names)), harmful, base=75.0),
        X=-UNIT * points,
        y=(left <= at + learn.HORIZON).astype(np.float64),
        customer=who,
        at=at,
        segment=np.zeros(len(at), dtype=np.int64),
        values=points.copy(),
        others=np.zeros((len(at), 0)),
        cap=np.where(points[:, -1] < 0, 39.0, np.inf),
        left=left,
        customers=tuple(f"c{i}.example" for i in range(int(who.max()) + 1)),
        segments=("",),
    )


def some_customers(panel: Panel, leavers: int, seed: int) -> Panel:
    """A panel of so few customers that about so many of them left."""
    draw = np.random.default_rng(seed)
    share = leavers / panel.leavers
    return panel.take((draw.random(len(panel.customers)) < share)[panel.customer])


@cache
def reported(kind: str) -> Report:
    return learn.backtest(world(kind), seed=1)


def auc(panel: Panel, risk: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(panel.y, risk))


# ---------------------------------------------------------------- rows


def value(customer: str, signal: str, told: float | None, *, at: int = START, days: int = 90):
    """An answer that stands on enough to be its own."""
    every: dict[str, Any] = dict.fromkeys(SignalValue._fields)
    every |= {"customer": customer, "signal": signal, "window_days": days, "definition": ""}
    every |= {"as_of": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    every |= {"value": told, "shrunk": told, "reliability": 1.0, "n": 5.0}
    return SignalValue(**{name: every[name] for name in SignalValue._fields})


def gathered(values: list[SignalValue], churn: dict[str, float] | None = None, **since: float):
    clients = {value.customer: Client("", START - 100 * DAY) for value in values}
    clients |= {name.replace("_", "."): Client("", at) for name, at in since.items()}
    return learn.panel(values, RULES, churn or {}, clients, until=START + 200 * DAY)


def test_a_row_holds_the_points_of_the_score_as_log_odds() -> None:
    values = [
        value("a.example", "tone", -0.3),
        value("a.example", "cancel", 0.5),
        value("a.example", "mails", 7.0),
    ]

    panel = gathered(values)
    (told,) = score.scores(values, RULES)

    assert panel.terms.names == ("tone", "cancel")
    assert panel.terms.others == ("mails",)
    assert RULES.base - panel.X.sum() / UNIT == pytest.approx(told.raw)
    assert panel.X[0] == pytest.approx([9 * UNIT, 12.5 * UNIT])
    assert panel.others.tolist() == [[7.0]]


def test_what_is_unknown_weighs_nothing_and_stays_unknown() -> None:
    panel = gathered([value("a.example", "tone", None), value("a.example", "cancel", 0.0)])

    assert panel.X.tolist() == [[0.0, 0.0]]
    assert np.isnan(panel.values[0, 0])
    assert panel.values[0, 1] == 0.0


def test_only_the_scored_window_counts() -> None:
    panel = gathered([value("a.example", "tone", 0.6), value("a.example", "tone", -0.6, days=30)])

    assert panel.values[0, 0] == 0.6


@pytest.mark.parametrize(
    ("days", "expected"), [(0, None), (1, 1.0), (90, 1.0), (91, 0.0), (-5, None)]
)
def test_a_row_is_a_customer_at_risk_and_looks_90_days_ahead(
    days: int, expected: float | None
) -> None:
    panel = gathered([value("a.example", "tone", 0.1)], {"a.example": START + days * float(DAY)})

    assert panel.y.tolist() == ([] if expected is None else [expected])


def test_who_is_too_new_or_unknown_or_not_over_yet_is_no_row() -> None:
    late = START + 111 * DAY

    assert len(gathered([value("a.example", "tone", 0.1)], a_example=START - 59.0 * DAY).y) == 0
    assert len(gathered([value("a.example", "tone", 0.1)], a_example=START - 60.0 * DAY).y) == 1
    assert len(gathered([value("a.example", "tone", 0.1, at=late)]).y) == 0


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_answers_does_not_matter(shuffle: Any) -> None:
    values = [
        value(f"{name}.example", signal, 0.1 * i, at=START + i * 30 * DAY)
        for name in "abc"
        for signal in ("tone", "cancel", "mails")
        for i in range(3)
    ]
    churn = {"b.example": START + 45.0 * DAY}
    straight = gathered(values, churn)

    shuffle.shuffle(values)
    shuffled = gathered(values, churn)

    for name in ("X", "y", "customer", "at", "values", "others", "cap", "left"):
        assert np.array_equal(getattr(straight, name), getattr(shuffled, name), equal_nan=True)


def test_who_had_cancelled_before_is_told_apart() -> None:
    panel = gathered([value("a.example", "cancel", 0.5), value("b.example", "cancel", 0.1)])

    assert panel.announced.tolist() == [True, False]


# ---------------------------------------------------------------- weights


def test_an_infinite_lambda_keeps_the_experts_weights_and_meets_the_share_who_left() -> None:
    panel = world()

    fitted = learn.fit(panel, lam=EXPERT)

    assert fitted.weights == pytest.approx(np.ones(4))
    assert fitted.probability(panel).mean() == pytest.approx(panel.y.mean(), rel=1e-3)


def test_a_large_lambda_stays_nearer_to_the_expert_than_a_small_one() -> None:
    away = [np.abs(learn.fit(world("quiet"), lam=lam).weights - 1) for lam in (3.0, 300.0, 3e7)]

    assert away[0][0] > away[1][0] > away[2][0]
    assert away[2] == pytest.approx(np.zeros(4), abs=0.01)


def test_without_a_pull_the_fit_is_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    panel = world()
    free = replace(panel, terms=replace(panel.terms, harmful=np.zeros(4, dtype=bool)))
    plain = LogisticRegression(C=1e9, tol=1e-9, max_iter=1000).fit(panel.X, panel.y)

    fitted = learn.fit(free, lam=FEW)

    assert fitted.weights == pytest.approx(plain.coef_[0], rel=0.01, abs=0.01)


def test_what_harms_is_never_learnt_to_do_good() -> None:
    panel = world()
    upside = panel.X.copy()
    upside[:, 3] = 25 * UNIT * (panel.y == 0)

    fitted = learn.fit(replace(panel, X=upside), lam=1.0)

    assert fitted.weights[3] == 0.0


def test_segments_have_intercepts_of_their_own() -> None:
    panel = world()
    often = np.random.default_rng(2).random(len(panel.y)) < np.where(panel.y > 0, 0.8, 0.3)
    apart = replace(panel, segment=often.astype(np.int64), segments=("large", "small"))

    fitted = learn.fit(apart, lam=30.0)

    large, small = fitted.intercepts
    assert small - large == pytest.approx(math.log(0.8 / 0.2) - math.log(0.3 / 0.7), abs=0.4)


def test_few_leavers_make_a_larger_lambda() -> None:
    panel = world("quiet", customers=2500)

    for leavers in (10, 40):
        few = some_customers(panel, leavers, 1)
        assert learn.choose(few) * few.leavers >= 1200
    assert learn.choose(some_customers(panel, 10, 1)) > learn.choose(panel)


def test_too_little_time_takes_a_careful_lambda() -> None:
    panel = world()

    assert learn.choose(panel.take(panel.at < START + 100 * DAY)) == 300.0


# ---------------------------------------------------------------- the trial


def test_learnt_from_days_whose_outcome_was_known_before_the_test_began() -> None:
    report = reported("base")
    train, test = report.train, report.test

    assert train is not None
    assert train.last < report.cut < test.first
    known = datetime.fromisoformat(train.last).timestamp() + learn.HORIZON
    assert known <= datetime.fromisoformat(report.cut).timestamp()


def test_where_the_expert_is_wrong_the_gate_opens_and_the_learnt_points_are_better() -> None:
    report = reported("quiet")
    expert, learnt = report.model("expert"), report.model("learnt")

    assert report.gate.open
    assert report.weights["silence"] > 1.5
    assert expert
    assert learnt
    assert (learnt.auc.value or 0) > (expert.auc.value or 0) + 0.03
    assert (learnt.log_loss or 9) < (expert.log_loss or 0)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_where_the_signals_say_nothing_the_gate_stays_shut(seed: int) -> None:
    report = learn.backtest(world("null", seed=seed), seed=seed)
    learnt = report.model("learnt")

    assert not report.gate.open
    assert learnt
    assert 0.42 < (learnt.auc.value or 0) < 0.58
    assert "gate" not in report.gate.sentence()


def test_with_20_leavers_the_choice_is_safe_where_the_expert_is_right_and_gains_where_wrong() -> (
    None
):
    gains = {}
    for kind in ("base", "quiet"):
        other = world(kind, customers=2500, seed=77)
        lost = []
        for seed in range(6):
            few = some_customers(world(kind, customers=2500), 45, seed)
            report = learn.backtest(few, seed=seed)
            weights = np.array([report.weights[name] for name in NAMES])
            used = weights if report.gate.open else np.ones(4)
            lost.append(auc(other, other.X @ used) - auc(other, other.X.sum(axis=1)))
            assert report.train is not None
            assert 8 <= report.train.leavers <= 40
        gains[kind] = float(np.mean(lost))

    assert gains["base"] >= -0.03
    assert gains["quiet"] >= 0.03


def test_fewer_than_ten_leavers_keep_the_gate_shut_and_the_rest_is_still_told() -> None:
    report = learn.backtest(some_customers(world("quiet"), 12, 3), seed=1)

    assert not report.gate.open
    assert report.gate.why == "too few"
    assert report.model("expert") is not None
    assert "10" in report.gate.sentence()
    assert "10社" in report.gate.sentence("ja")


def test_nobody_left_at_all_is_told_without_numbers() -> None:
    panel = world()
    stayed = replace(panel, y=np.zeros_like(panel.y), left=np.full_like(panel.left, np.inf))

    report = learn.backtest(stayed)

    (expert,) = report.models
    assert expert.auc.value is None
    assert expert.lift is None
    assert report.table is None
    assert not report.gate.open


def test_a_short_history_measures_the_expert_and_learns_nothing() -> None:
    panel = world()

    report = learn.backtest(panel.take(panel.at < START + 70 * DAY))

    assert report.train is None
    assert [model.model for model in report.models] == ["expert"]
    assert report.models[0].auc.value is not None
    assert not report.gate.open


def test_no_row_is_one_sentence() -> None:
    panel = world()

    with pytest.raises(BadData, match="nothing to backtest"):
        learn.backtest(panel.take(np.zeros(len(panel.y), dtype=bool)))


def test_the_same_seed_tells_the_same() -> None:
    few = some_customers(world(), 40, 1)

    assert learn.backtest(few, seed=5) == learn.backtest(few, seed=5)


def test_a_sentence_is_there_for_every_verdict_and_in_both_languages() -> None:
    for kind in ("base", "quiet", "null"):
        gate = reported(kind).gate

        assert gate.sentence("en").endswith(".")
        assert gate.sentence("ja").endswith("。")
    with pytest.raises(MailhealthError, match="'xx'"):
        reported("base").gate.sentence("xx")


# ---------------------------------------------------------------- measures


def test_a_learnt_score_is_calibrated_and_its_bands_part_leavers_from_stayers() -> None:
    panel = world("quiet", customers=2500)

    learnt = learn.backtest(panel, seed=1).model("learnt")

    assert learnt
    unhealthy, _, healthy = learnt.bands
    assert 0.85 <= (learnt.slope or 0) <= 1.15
    assert 0.8 <= (learnt.in_the_large or 0) <= 1.2
    assert (learnt.brier_skill or 0) > 0
    assert (learnt.lift or 0) >= 2.6
    assert (unhealthy.relative or 0) >= 3
    assert (healthy.relative or 9) <= 0.6
    assert math.isclose(sum(band.share for band in learnt.bands), 1)


def test_the_bootstrap_counts_pairs_as_scikit_learn_does_with_weights() -> None:
    from sklearn.metrics import roc_auc_score

    panel = some_customers(world(), 30, 4)
    risk = np.round(panel.X.sum(axis=1), 1)  # with ties
    redraws = Redraws(panel, 3, draws=12)

    ones = [redraws.sums((panel.customer == i).astype(float)) for i in np.unique(panel.customer)]
    rows = {i: (panel.customer == i).sum() for i in np.unique(panel.customer)}
    often = {i: one / rows[i] for i, one in zip(rows, ones, strict=True)}
    expected = [
        roc_auc_score(panel.y, risk, sample_weight=[often[i][draw] for i in panel.customer])
        for draw in range(12)
    ]
    assert redraws.aucs(risk) == pytest.approx(expected)


def test_the_lift_shares_out_rows_of_equal_risk() -> None:
    y = np.array([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 1])

    assert lift(np.arange(10.0), y) == pytest.approx(5.0)
    assert lift(np.zeros(10), y) == pytest.approx(1.0)


def test_the_lead_is_counted_from_the_last_run_of_warnings() -> None:
    from mailhealth.learn.measures import lead

    at = START + np.arange(5) * 30 * DAY
    left = np.full(5, START + 140.0 * DAY)
    panel = panel_of(np.zeros((5, 4)), at, np.zeros(5, dtype=np.int64), left)

    warned = lead(np.array([30.0, 80, 60, 30, 30]), panel, 0)
    earlier = lead(np.array([30.0, 80, 60, 30, 30]), panel, 1)
    never = lead(np.array([30.0, 30, 30, 30, 80]), panel, 0)

    assert (warned.days, warned.share, warned.of) == (50.0, 1.0, 1)
    assert earlier.days == 80.0
    assert (never.days, never.share) == (None, 0.0)


def test_whom_a_cap_alone_made_unhealthy_is_told_apart() -> None:
    points = np.zeros((6, 4))
    points[:3, 3] = -25.0
    points[1, 1] = -18.0  # 32 by its points, and so no work of the cap
    at = np.full(6, START)
    left = np.array([np.inf, START + DAY, START + DAY, START + DAY, np.inf, np.inf])

    expert = learn.backtest(panel_of(points, at, np.arange(6), left)).model("expert")

    assert expert
    assert expert.bands[0].share == 1 / 2
    assert (expert.capped.share, expert.capped.left, expert.capped.relative) == (1 / 3, 0.5, 1.0)


def test_a_cap_makes_the_customer_unhealthy_whatever_the_points() -> None:
    from mailhealth.learn.measures import values

    assert values(np.array([-9.0, 9.0]), 75.0, np.array([39.0, np.inf])).tolist() == [39.0, 0.0]


# ---------------------------------------------------------------- the points table


def test_whole_numbers_lose_little() -> None:
    for kind in ("base", "quiet"):
        learnt, table = reported(kind).model("learnt"), reported(kind).model("table")

        assert learnt
        assert table
        assert (table.auc.value or 0) >= (learnt.auc.value or 0) - 0.015


def test_the_lines_of_a_signal_hold_every_known_answer_once() -> None:
    panel = world()
    table = learn.table(learn.fit(panel, lam=30.0), panel, base=75.0)

    for j, name in enumerate(NAMES):
        lines = [line for line in table.lines if line.signal == name]

        assert sum(line.share for line in lines) == pytest.approx(1.0)
        for line in lines:
            inside = (panel.values[:, j] > (-np.inf if line.low is None else line.low)) & (
                panel.values[:, j] <= (np.inf if line.high is None else line.high)
            )
            assert line.share == pytest.approx(inside.mean())
            assert isinstance(line.points, int)


def test_a_rare_event_has_a_line_of_its_own() -> None:
    panel = world()
    table = learn.table(learn.fit(panel, lam=EXPERT), panel, base=75.0)

    cancel = [line.points for line in table.lines if line.signal == "cancel"]

    assert cancel == [-25, 0]


@pytest.mark.skipif(not TELCO.exists(), reason="the Telco file lies in a folder of its own")
def test_on_the_telco_customers_logit_and_table_reach_what_is_known() -> None:
    from sklearn.metrics import brier_score_loss
    from sklearn.model_selection import StratifiedKFold

    panel = telco()
    found = []
    for _, test in StratifiedKFold(5, shuffle=True, random_state=0).split(panel.X, panel.y):
        there = np.isin(np.arange(len(panel.y)), test)
        train, held = panel.take(~there), panel.take(there)
        fitted = learn.fit(train, lam=3.0)
        table = learn.table(fitted, train, base=70.0)
        brier = brier_score_loss(held.y, fitted.probability(held))
        found.append((auc(held, fitted.risk(held)), auc(held, -table.points(held)), brier))

    logit, whole, brier = np.mean(found, axis=0)
    assert logit >= 0.84
    assert whole >= 0.835
    assert brier <= 0.140


def telco() -> Panel:
    """The customers of a telephone company, once each; the expert knows nothing of them."""
    import pandas as pd

    frame = pd.read_csv(TELCO).drop(columns="customerID")
    charges = pd.to_numeric(frame["TotalCharges"], errors="coerce")
    left = (frame.pop("Churn") == "Yes").to_numpy(float)
    answers = pd.get_dummies(frame.assign(TotalCharges=charges.fillna(0)), dtype=float).to_numpy()
    n, k = answers.shape
    nobody, none = np.full(n, np.inf), np.zeros(k)
    terms = Terms(tuple(str(j) for j in range(k)), none, none > 0)
    return Panel(
        terms=terms,
        X=answers / answers.std(axis=0),
        y=left,
        customer=np.arange(n),
        at=np.zeros(n, dtype=np.int64),
        segment=np.zeros(n, dtype=np.int64),
        values=answers,
        others=np.zeros((n, 0)),
        cap=nobody,
        left=nobody,
        customers=tuple(str(i) for i in range(n)),
        segments=("",),
    )


# ---------------------------------------------------------------- into the user's page


def page_of(
    weights: dict[str, float],
    base: float | None = 72.34,
    reach: dict[str, tuple[float, float]] | None = None,
) -> str:
    report = replace(reported("quiet"), weights=weights, reach=reach or {}, base=base)
    return learn.written(PAGE, report, "mine.toml")


def test_learnt_points_change_the_page_at_their_places_only() -> None:
    lines = page_of({"tone": 0.5, "cancel": 1.0}).splitlines()

    changed = [line for line in lines if line not in PAGE.splitlines()]
    assert changed[0].startswith("# Learnt points: ")
    assert changed[1:] == [
        "base = 72.3  # was 75",
        "points = [-9, 9]  # was [-18, 18]; the expert's",
    ]
    assert "# How they sound." in lines


@given(st.floats(-3, 3), st.floats(0, 3), st.floats(-1, 1), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_page_scores_as_was_learnt(a: float, b: float, tone: float, cancel: float) -> None:
    new = rules.build(tomllib.loads(page_of({"tone": a, "cancel": b})), "mine.toml")
    values = [value("a.example", "tone", tone), value("a.example", "cancel", cancel)]

    was = dict(zip(("tone", "cancel"), RULES.signals, strict=False))
    now = {signal.name: signal for signal in new.signals}
    for told, weight in zip(values, (a, b), strict=True):
        old = score.points(was[told.signal], told)
        assert score.points(now[told.signal], told) == pytest.approx(weight * old, abs=0.051)


def test_a_signal_that_is_turned_round_keeps_true_sentences() -> None:
    new = rules.build(tomllib.loads(page_of({"tone": -1.0})), "mine.toml")

    (told,) = score.scores([value("a.example", "tone", 0.6)], new)

    (line,) = [line for line in told.contributions if line.signal == "tone"]
    assert line.points == -18
    assert line.because == "sounds good"


def test_points_end_where_nobody_has_been_and_every_answer_earns_as_was_learnt() -> None:
    page = page_of({"tone": 10.0}, reach={"tone": (-12.0, 30.0)})

    assert "points = [-18, 30]  # was [-18, 18]; the expert's" in page
    assert "span = 0.1  # was 0.6" in page
    new = rules.build(tomllib.loads(page), "mine.toml")
    for tone in (-0.05, 0.02, 0.09):
        told = value("a.example", "tone", tone)
        assert score.points(new.signals[0], told) == pytest.approx(300 * tone)
    assert score.points(new.signals[0], value("a.example", "tone", 0.5)) == 30


def test_points_for_a_signal_that_is_not_there_are_refused() -> None:
    with pytest.raises(BadData, match=r"mine\.toml: no signal 'tune'"):
        page_of({"tune": 1.0})


def test_the_shipped_page_takes_learnt_points_and_stays_readable() -> None:
    shipped = (resources.files("mailhealth") / "health.toml").read_text("utf-8")
    scored = [s for s in rules.load().signals if s.points != (0.0, 0.0)]
    report = replace(reported("quiet"), weights={s.name: 1.3 for s in scored}, reach={})

    text = learn.written(shipped, report, "health.toml")

    was = [line for line in shipped.splitlines() if not line.startswith(("points", "base"))]
    now = [line for line in text.splitlines() if not line.startswith(("points", "base"))]
    assert now[1:] == was
    assert rules.build(tomllib.loads(text), "health.toml").model != rules.load().model


def test_points_are_written_into_the_users_own_page_or_into_a_new_one(tmp_path: Path) -> None:
    own, database = tmp_path / "mine.toml", tmp_path / "acme.db"
    own.write_text(PAGE, "utf-8")
    report = replace(reported("quiet"), weights={"tone": 2.0}, reach={})
    shipped = replace(report, weights={"sentiment": 2.0})

    assert learning.apply(own, database, report) == own
    assert "points = [-36, 36]" in own.read_text("utf-8")
    assert learning.apply(None, database, shipped) == tmp_path / "health.toml"
    with pytest.raises(BadData, match="is there already"):
        learning.apply(None, database, shipped)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["health.toml", "mine.toml"]


def test_a_shut_gate_writes_nothing(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(PAGE, "utf-8")

    with pytest.raises(BadData, match="expert's points stay"):
        learning.apply(own, tmp_path / "acme.db", reported("null"))

    assert own.read_text("utf-8") == PAGE


# ---------------------------------------------------------------- the churn file


CUSTOMERS = ("globex.example", "umbra.example")


def churned(tmp_path: Path, text: str | bytes) -> dict[str, float]:
    file = tmp_path / "churn.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return learn.notices(learn.read(file), CUSTOMERS, "2026-11-01T00:00:00Z")


def test_the_notice_counts_and_else_the_end(tmp_path: Path) -> None:
    told = churned(
        tmp_path,
        "\ufeffCustomer,Churned,Announced\nglobex.example,2026-12-31,2026-10-01\n"
        "umbra.example,2026-09-01,\n",
    )

    assert told["globex.example"] == datetime(2026, 10, 1, tzinfo=UTC).timestamp()
    assert told["umbra.example"] == datetime(2026, 9, 1, tzinfo=UTC).timestamp()


def test_who_stays_may_be_listed_without_a_date(tmp_path: Path) -> None:
    assert churned(tmp_path, "customer,churned\n\nglobex.example,\n") == {}


def test_a_japanese_file_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    file = tmp_path / "churn.csv"
    file.write_bytes("customer,churned\n架空商事,2026-09-01\n".encode("cp932"))

    assert [leaver.customer for leaver in learn.read(file)] == ["架空商事"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer,chruned\n", r"churn\.csv:1: unknown column 'chruned'; did you mean 'churned'\?"),
        ("customer,churned,why\n", r"churn\.csv:1: unknown column 'why'"),
        ("customer\n", r"churn\.csv:1: the column 'churned' is missing"),
        ("", r"churn\.csv:1: the column 'customer' is missing"),
        ("customer,churned,churned\n", r"churn\.csv:1: a column stands there twice"),
        (
            "customer,churned\numbra.exmple,2026-09-01\n",
            r"churn\.csv:2: no customer 'umbra\.exmple'; did you mean 'umbra\.example'\?",
        ),
        ("customer,churned\nxx,2026-09-01\n", r"churn\.csv:2: no customer 'xx'; .*customers"),
        (
            "customer,churned\numbra.example,2026-09-01\numbra.example,2026-09-02\n",
            r"churn\.csv:3: 'umbra\.example' stands in line 2 already",
        ),
        ("customer,churned\numbra.example,2026-11-02\n", r"churn\.csv:2: 2026-11-02 lies after"),
        ("customer,churned\numbra.example,1.9.2026\n", r"churn\.csv:2: churned is '1\.9\.2026'"),
        (
            "customer,churned,announced\numbra.example,2026-09-01,2026-09-02\n",
            r"churn\.csv:2: announced 2026-09-02 lies after churned 2026-09-01",
        ),
        ("customer,churned\n,2026-09-01\n", r"churn\.csv:2: the line names no customer"),
        ("customer,churned\numbra.example\n", r"churn\.csv:2: 1 cells, but the head has 2"),
        ('customer,churned\n"umbra', r"churn\.csv:2: no CSV that can be read"),
        (b"customer,churned\n\x81\x20,x\n", r"churn\.csv: .*neither UTF-8 nor CP932"),
    ],
)
def test_a_wrong_churn_file_is_one_sentence_with_its_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(BadData, match=said) as caught:
        churned(tmp_path, text)

    assert "\n" not in str(caught.value)


def test_a_churn_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="cannot read the churn file"):
        learn.read(tmp_path / "none.csv")


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_whatever_the_bytes_nothing_else_is_raised(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.mktemp("churn") / "churn.csv"
    file.write_bytes(b"customer,churned\n" + content)

    try:
        learn.notices(learn.read(file), CUSTOMERS, "2026-11-01")
    except MailhealthError as error:
        assert "churn.csv" in str(error)


# ---------------------------------------------------------------- the page and the verb


def test_the_page_says_everything_in_both_languages() -> None:
    for lang in ("en", "ja"):
        html = web.page(reported("quiet"), lang=lang)

        assert escape(reported("quiet").gate.sentence(lang)) in html
        assert html.count("<svg") == 3
        assert "<script" not in html
        assert all(escape(label) in html for label in LABELS[lang].values())
    assert set(web.WORDS["en"]) == set(web.WORDS["ja"])
    assert set(LABELS["en"]) == set(LABELS["ja"])


def test_a_page_about_nobody_is_a_page_too() -> None:
    panel = world()
    stayed = replace(panel, y=np.zeros_like(panel.y), left=np.full_like(panel.left, np.inf))

    html = web.page(learn.backtest(stayed))

    assert "expert&#39;s points stay" in html


def test_names_from_elsewhere_are_text_on_the_page() -> None:
    report = replace(reported("base"), segments={"<b>bold</b>": 0.1, "": 0.2})

    assert "&lt;b&gt;bold" in web.page(report)


def test_every_model_has_every_figure() -> None:
    told = figures(reported("quiet"))

    assert [figure.name for figure in told] == list(LABELS["en"])
    assert all(set(figure.values) == {"expert", "learnt", "table"} for figure in told)


def test_the_terminal_speaks_japanese_and_programs_english(
    capsys: pytest.CaptureFixture[str],
) -> None:
    backtesting._print(reported("quiet"), None, None, "ja")
    told = capsys.readouterr()
    backtesting._print(reported("quiet"), "points", "json", "ja")
    rows = json.loads(capsys.readouterr().out)

    heads = {word for line in told.out.splitlines() for word in line.split()}
    assert {"既定の配点", "学習した配点", "整数の配点表", "シグナル", "重み", "（開始点）"} <= heads
    assert not {"expert", "learnt", "table", "auc", "weight", "known", "over"} & heads
    assert "学習し" in told.err
    assert list(rows[0]) == ["signal", "over", "up to", "points", "share"]
    assert rows[0]["signal"] == "(at the start)"


@pytest.fixture(scope="module")
def company(demo_run: tuple[Path, Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company, and a churn file with two leavers."""
    import shutil

    folder = Path(shutil.copytree(demo_run[0], tmp_path_factory.mktemp("left") / "demo"))
    lines = "customer,churned\numbra.example,2026-09-15\nhoshino.example,2026-04-20\n"
    (folder / "churn.csv").write_text(lines, "utf-8")
    return folder


def run(company: Path, *words: str) -> Result:
    given_words = ["--db", str(company / "acme.db"), "backtest", "--churn", *words]
    return CliRunner().invoke(main, given_words)


def test_two_leavers_are_told_and_nothing_is_written(company: Path) -> None:
    done = run(company, str(company / "churn.csv"), "--json", "--apply")

    assert done.exit_code == 1
    assert "The expert's points stay" in done.stderr
    rows = json.loads(done.stdout)
    assert rows[0]["figure"] == "AUC"
    assert "expert" in rows[0]
    assert not (company / "health.toml").exists()


def test_a_wrong_churn_file_changes_nothing(company: Path) -> None:
    before = _content(company)
    (company / "wrong.csv").write_text("customer,churned\numbra.exmple,2026-09-15\n", "utf-8")

    done = run(company, str(company / "wrong.csv"), "--apply")

    assert done.exit_code == 1
    assert "did you mean 'umbra.example'" in done.stderr
    assert _content(company) == before


def _content(company: Path) -> list[str]:
    with mailhealth.open(company / "acme.db") as health:
        return list(health.db.conn.iterdump())
