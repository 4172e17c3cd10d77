"""Scores: points that add up, caps, bands that do not flicker, and reasons in two languages."""

import math
import random
import tomllib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhealth import rules, score
from mailhealth.errors import UnknownName
from mailhealth.records import Score, SignalValue

AS_OF = "2026-11-01T00:00:00Z"

PAGE = """
base = 75
windows = [30, 90]

[bands]
at_risk = { from = 40, up = 48, down = 40 }
healthy = { from = 70, up = 75, down = 65 }

[enough]
signal = "answered"
n = 3
coverage = 0.25
unless = "fire"
because.en = "too little is known: {n:answer|answers}"
because.ja = "情報不足です（{n:.0f}件）"

[cap.burning]
signal = "fire"
from = 0.5
value = 39
because.en = "the house is on fire"
because.ja = "火事です"

[signal.answered]
component = "test"
asks = "What share was answered?"
from = "asks"
kind = "rate"
k = "sum(answered)"
n = "count(*)"
typical = 0.5
prior = 4
span = 2
points = [-60, 60]
because.en = "{k} of {n:mail|mails} answered ({value:%})"
because.ja = "{n:.0f}通中{k:.0f}通に返信"
good.en = "answers well: {k} of {n:mail|mails}"
good.ja = "よく返信があります"

[signal.fire]
component = "test"
asks = "How hot is it?"
from = "asks"
kind = "value"
value = "max(answered)"
span = -1
points = [-20, 0]
because.en = "{value:degree|degrees}, {answered:%} answered"
because.ja = "{value:.1f}度"
"""
RULES = rules.build(tomllib.loads(PAGE), "health.toml")
ANSWERED, FIRE = RULES.signals


def answer(signal: str, value: float | None, **more: Any) -> SignalValue:
    """Return an answer that stands as it is; `more` are further columns."""
    own = (value, float(value is not None), None, "")
    plain = SignalValue("a.example", AS_OF, 90, signal, value, None, None, None, None, *own)
    return plain._replace(**more)


def answered(k: float, n: float, customer: str = "a.example", days: int = 90) -> SignalValue:
    """Return a share, drawn to a half by four typical observations."""
    return answer(
        "answered",
        k / n if n else None,
        n=n,
        k=k,
        shrunk=(k + 2) / (n + 4) if n else None,
        reliability=n / (n + 4),
        customer=customer,
        window_days=days,
    )


def fire(value: float | None, customer: str = "a.example") -> SignalValue:
    return answer("fire", value, customer=customer)


def only(
    *values: SignalValue, previous: tuple[str, float] | None = None, lang: str = "en"
) -> Score:
    before = {} if previous is None else {"a.example": previous}
    (found,) = score.scores(values, RULES, previous=before, lang=lang)
    return found


shares = st.tuples(st.integers(0, 200), st.integers(0, 200)).map(sorted)
heat = st.none() | st.floats(-5, 50)


@given(shares, heat)
def test_base_and_contributions_add_up_to_the_value(share: list[int], hot: float | None) -> None:
    found = only(answered(*share), fire(hot))

    total = RULES.base + sum(line.points for line in found.contributions)
    assert math.isclose(total, found.value, abs_tol=1e-9)
    assert 0 <= found.value <= 100
    assert 0 <= found.low <= found.value <= found.high <= 100 or found.value == 39
    assert 0 <= found.coverage <= 1
    signals = {line.signal: line.points for line in found.contributions}
    assert math.isclose(
        found.raw, RULES.base + signals.get("answered", 0) + signals.get("fire", 0), abs_tol=1e-9
    )


@given(shares, st.integers(1, 200))
def test_more_answers_never_cost_points(share: list[int], more: int) -> None:
    k, n = share
    better = min(n, k + more)

    if n:
        assert score.points(ANSWERED, answered(better, n)) >= score.points(ANSWERED, answered(k, n))


@given(st.floats(-1e9, 1e9))
def test_no_signal_earns_more_than_its_points(hot: float) -> None:
    assert -20 <= score.points(FIRE, fire(hot)) <= 0


def test_a_typical_answer_earns_nothing() -> None:
    assert score.points(ANSWERED, answered(5, 10)) == 0.0


def test_points_are_the_shrunk_logit_over_the_span() -> None:
    # (9 + 4 * 0.5) / (10 + 4) = 11/14; ln((11/14) / (3/14)) / 2 * 60
    assert score.points(ANSWERED, answered(9, 10)) == pytest.approx(60 * math.log(11 / 3) / 2)


def test_little_data_is_pulled_towards_typical() -> None:
    few, many = answered(1, 1), answered(20, 20)

    assert 0 < score.points(ANSWERED, few) < score.points(ANSWERED, many) / 2
    assert score.reliability(few) == pytest.approx(0.2)
    assert score.reliability(answered(0, 0)) == score.reliability(None) == 0.0


def test_durations_are_compared_as_logarithms_and_longer_is_worse() -> None:
    (hours,) = (s for s in rules.load().signals if s.name == "response_hours")
    typical = answer("response_hours", hours.typical)
    slow = answer("response_hours", 10 * hours.typical)

    assert score.points(hours, typical) == pytest.approx(0.0)
    assert score.points(hours, slow) < 0


def test_too_many_and_too_few_touches_both_cost_points() -> None:
    (touches,) = (s for s in rules.load().signals if s.band is not None)
    least, most = touches.band or (0, 0)

    def at(value: float) -> float:
        return score.points(touches, answer(touches.name, value))

    assert at(least) == at(most) == 0.0
    assert at(0) == at(least / 4) == at(most * 4) == at(most * 99) == touches.points[0]
    assert touches.points[0] < at(most * 2) < 0


def test_a_signal_without_an_answer_has_no_line() -> None:
    found = only(answered(0, 0), fire(0.1))

    assert [line.signal for line in found.contributions] == ["fire"]


def test_only_the_scored_window_counts() -> None:
    found = only(answered(9, 9, days=30), answered(1, 9))

    assert found.contributions[0].because == "1 of 9 mails answered (11%)"


def test_nothing_known_is_unknown_and_keeps_the_base() -> None:
    found = only(answered(0, 0))

    assert (found.value, found.band, found.coverage) == (75.0, "unknown", 0.0)
    assert found.because == ("too little is known: 0 answers",)
    assert found.contributions == ()
    assert found.low < 75 < found.high


def test_two_answers_are_not_enough_and_three_are() -> None:
    assert only(answered(2, 2), fire(0)).band == "unknown"
    assert only(answered(3, 3), fire(0)).band != "unknown"


def test_a_fire_needs_no_further_evidence_and_caps_the_score() -> None:
    found = only(answered(2, 2), fire(1.0))

    assert (found.value, found.band) == (39.0, "unhealthy")
    assert found.contributions[-1].signal == "cap"
    assert found.because[0] == "the house is on fire"
    assert found.high <= 39


def test_a_cap_above_the_value_is_no_line_of_its_own() -> None:
    found = only(answered(0, 40), fire(1.0))

    assert found.value < 39
    assert "cap" not in [line.signal for line in found.contributions]
    assert found.because[0] == "the house is on fire"


def test_what_is_beyond_the_scale_is_clipped_in_a_line() -> None:
    found = only(answered(200, 200))

    assert found.value == 100.0
    assert found.raw > 100
    assert found.contributions[-1].signal == "clip"
    assert found.contributions[-1].points == pytest.approx(100 - found.raw)


def test_reasons_are_written_in_both_languages() -> None:
    values = (answered(8, 9), fire(0.2))

    assert only(*values).because == ("answers well: 8 of 9 mails", "0.2 degrees, 89% answered")
    assert only(*values, lang="ja").because == ("よく返信があります", "0.2度")
    with pytest.raises(UnknownName, match="'fr'"):
        only(*values, lang="fr")


def at_value(value: float) -> SignalValue:
    """Return the answer that brings the score to a value."""
    share = 1 / (1 + math.exp(-(value - 75) / 30))
    return answered((share * 1004 - 2), 1000)


@pytest.mark.parametrize(
    ("previous", "value", "band"),
    [
        (None, 70, "healthy"),
        (None, 69, "at risk"),
        (None, 39, "unhealthy"),
        (("unknown", 75.0), 39, "unhealthy"),
        (("healthy", 80.0), 50, "healthy"),  # the first time
        (("healthy", 60.0), 50, "at risk"),  # the second
        (("healthy", 66.0), 50, "healthy"),  # 66 had not passed the margin
        (("healthy", 60.0), 66, "healthy"),
        (("healthy", 60.0), 20, "at risk"),  # only 20 is beyond both
        (("healthy", 30.0), 20, "unhealthy"),
        (("at risk", 60.0), 74, "at risk"),
        (("at risk", 74.0), 76, "at risk"),
        (("at risk", 76.0), 76, "healthy"),
        (("at risk", 30.0), 76, "at risk"),
        (("unhealthy", 47.0), 49, "unhealthy"),
        (("unhealthy", 49.0), 49, "at risk"),
        (("unhealthy", 80.0), 80, "healthy"),
        (("unhealthy", 80.0), 60, "at risk"),
    ],
)
def test_a_band_changes_when_two_evaluations_have_passed_the_margin(
    previous: tuple[str, float] | None, value: float, band: str
) -> None:
    found = only(at_value(value), fire(0), previous=previous)

    assert found.value == pytest.approx(value, abs=1e-6)
    assert found.band == band


def test_a_cap_changes_the_band_at_once() -> None:
    assert only(at_value(90), fire(1.0), previous=("healthy", 90.0)).band == "unhealthy"


def test_customers_keep_their_order_and_their_own_signals() -> None:
    values = [answered(5, 9, "b.example"), fire(0, "a.example"), fire(0, "b.example")]

    found = score.scores(values, RULES)

    assert [one.customer for one in found] == ["b.example", "a.example"]
    assert [len(one.contributions) for one in found] == [2, 1]
    assert found[0].model == RULES.model


def test_every_shipped_sentence_can_be_said_of_a_customer_with_every_answer() -> None:
    page = rules.load()
    values = [
        answer(signal.name, 0.3, n=9.0, k=4.0, low=0.1, high=0.9, window_days=days)
        for signal in page.signals
        for days in signal.windows
    ]

    for lang in ("en", "ja"):
        (found,) = score.scores(values, page, lang=lang)
        said = [line.because for line in found.contributions]
        assert said
        assert not any("{" in one or "?" in one for one in said)


SHIPPED = rules.load()
numbers = st.none() | st.floats(-1e6, 1e6) | st.floats(0, 1)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_the_signals_say_the_shipped_lines_add_up(data: st.DataObject) -> None:
    values = [
        answer(signal.name, value, window_days=signal.window, n=30.0, k=3.0)
        for signal in SHIPPED.signals
        for value in [data.draw(numbers)]
    ]

    (found,) = score.scores(values, SHIPPED)

    assert math.isclose(
        math.fsum([SHIPPED.base, *(line.points for line in found.contributions)]),
        found.value,
        abs_tol=1e-9,
    )
    assert 0 <= found.value <= 100
    for line in found.contributions:
        if line.signal not in ("cap", "clip"):
            (low, high) = next(s.points for s in SHIPPED.signals if s.name == line.signal)
            assert low <= line.points <= high


def test_of_whom_nothing_is_known_stands_at_the_base_and_is_unknown() -> None:
    values = [
        answer(signal.name, None, window_days=signal.window, n=0.0) for signal in SHIPPED.signals
    ]

    (found,) = score.scores(values, SHIPPED)

    assert (found.value, found.band) == (SHIPPED.base, "unknown")
    assert (found.coverage, found.rank, found.contributions) == (0.0, None, ())
    assert found.high - found.low > 20


def test_the_rank_is_the_share_of_the_judged_that_stand_lower() -> None:
    values = [
        row
        for name, share in (("a", 9), ("b", 5), ("c", 5), ("d", 1))
        for row in (answered(share, 10, name), fire(0, name))
    ]
    unknown = [answered(2, 2, "e"), fire(0, "e")]

    ranks = {one.customer: one.rank for one in score.scores([*values, *unknown], RULES)}

    assert ranks == {"a": 1.0, "b": 1 / 3, "c": 1 / 3, "d": 0.0, "e": None}


def test_the_rank_never_decides_the_band() -> None:
    well = [row for name in "abcd" for row in (answered(9, 10, name), fire(0, name))]

    assert {one.band for one in score.scores(well, RULES)} == {"healthy"}


def _changes(bands: list[str]) -> int:
    return sum(one != other for one, other in pairwise(bands))


def test_two_evaluations_and_a_margin_save_two_of_five_changes_of_band() -> None:
    """Customers who are stable, and whose score wanders as a window of 90 days lets it."""
    chance = random.Random(1)
    calm = nervous = 0
    for _ in range(120):
        level, noise = chance.gauss(62, 14), 0.0
        bands, plain, before = [], [], None
        for _ in range(52):
            noise = 0.85 * noise + chance.gauss(0, 3.5)
            value = min(98.0, max(2.0, level + noise))
            judged = only(at_value(value), fire(0), previous=before)
            bands.append(judged.band)
            plain.append(only(at_value(value), fire(0)).band)
            before = (judged.band, judged.value)
        calm, nervous = calm + _changes(bands), nervous + _changes(plain)

    assert nervous > 100
    assert calm <= 0.6 * nervous
