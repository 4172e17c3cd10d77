"""Conditions: what a page's comparison reads, and when it holds."""

import pytest

from mailhealth import rules
from mailhealth.errors import BadData
from mailhealth.records import SignalValue
from mailhealth.rules import conditions


def answer(signal: str, value: float | None, *, days: int = 90, **columns: float) -> SignalValue:
    row: dict[str, float | None] = dict.fromkeys(conditions.COLUMNS)
    row |= {"value": value, **columns}
    return SignalValue(
        customer="a",
        as_of="2026-11-01T00:00:00Z",
        window_days=days,
        signal=signal,
        definition="d",
        **row,
    )


@pytest.mark.parametrize(
    ("text", "value", "met"),
    [
        ("silence < -1.3", -1.4, True),
        ("silence < -1.3", -1.3, False),
        ("silence <= -1.3", -1.3, True),
        ("silence>-2", None, None),
        ("silence unknown", None, True),
        ("silence unknown", 0.0, False),
        ("silence = 0", 0.0, True),
        ("silence >= 0", None, False),
    ],
)
def test_a_condition_compares_and_the_unknown_is_neither_large_nor_small(
    text: str, value: float | None, met: bool | None
) -> None:
    if met is None:
        with pytest.raises(BadData, match="is no condition"):
            conditions.read(text, {"silence"}, "page")
        return
    when = conditions.When((conditions.read(text, {"silence"}, "page"),))

    assert conditions.holds(when, {"silence": answer("silence", value)}) is met


def test_a_condition_asks_another_window_or_column() -> None:
    window = conditions.When((conditions.read("silence@28 < 0", {"silence"}, "page"),))
    column = conditions.When((conditions.read("silence.n >= 5", {"silence"}, "page"),))
    signals = {"silence": answer("silence", 1.0, n=5), "silence@28": answer("silence", -1.0)}

    assert conditions.holds(window, signals)
    assert conditions.holds(column, signals)
    assert not conditions.holds(window, {"silence": answer("silence", -1.0)})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("silense < 0", "silence"),
        ("silence.valeu < 0", "value"),
        ("silence < much", "is no condition"),
        ("", "is no condition"),
    ],
)
def test_a_condition_that_cannot_be_met_says_what_was_meant(text: str, complaint: str) -> None:
    with pytest.raises(BadData, match=complaint):
        conditions.read(text, {"silence"}, "page")


def test_signals_are_named_by_window_and_the_scored_one_by_its_name_alone() -> None:
    page = rules.load()
    scored = {signal.name: signal.window for signal in page.signals}["silence"]
    short, long = answer("silence", 1.0, days=scored), answer("silence", 2.0, days=scored + 1)

    (found,) = conditions.named([long, short], page).values()

    assert found == {
        f"silence@{scored}": short,
        f"silence@{scored + 1}": long,
        "silence": short,
    }
