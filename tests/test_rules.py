"""Rules: the shipped page holds together, and a page that does not says where."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhealth import rules
from mailhealth.errors import BadData

PAGE = files("mailhealth").joinpath("health.toml").read_text("utf-8")


def edited(tmp_path: Path, old: str, new: str) -> Path:
    """Write the shipped page with one thing changed."""
    assert old in PAGE
    path = tmp_path / "health.toml"
    path.write_text(PAGE.replace(old, new, 1), "utf-8")
    return path


def test_every_shipped_signal_asks_a_question_and_speaks_both_languages() -> None:
    for signal in rules.load().signals:
        assert signal.asks.endswith("?") or "?" in signal.asks, signal.name
        assert re.search(r"[ぁ-んァ-ヶ一-龠]", signal.because["ja"]), signal.name
        assert signal.because["en"].isascii(), signal.name
        assert not signal.because["en"].endswith("."), signal.name


def test_a_cancellation_that_the_reader_tells_caps_at_once_and_for_one_halving_at_most() -> None:
    card = tomllib.loads(files("mailhealth.models").joinpath("mail/model.toml").read_text("utf-8"))
    least = min(each["thresholds"]["cancel"] for each in card["calibration"].values())
    cap = next(each for each in rules.load().caps if each.signal == "cancel_intent")

    assert least * 0.5 ** (7 / 45) >= cap.at_least  # a week later, too
    assert cap.at_least > 0.5 ** (46 / 45)


def test_a_typing_error_in_a_key_is_named_with_the_key_that_was_meant(tmp_path: Path) -> None:
    path = edited(tmp_path, "typical    = 0.5\nprior", "typical    = 0.5\npriro")

    with pytest.raises(BadData) as caught:
        rules.load(path)

    assert str(caught.value) == (
        "health.toml, [signal.reply_rate]: unknown key 'priro'; did you mean 'prior'?"
    )


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("base    = 79", "base = '79'", "health.toml: base has the wrong type (str)"),
        ("base    = 79", "base = true", "health.toml: base has the wrong type (bool)"),
        ("base    = 79", "base = nan", "health.toml: base must be a number of reasonable size"),
        ("base    = 79", "", "health.toml: base is missing"),
        ("base    = 79", "base = ", "health.toml: it is not TOML"),
        ("[7, 28, 90]", "[]", "windows names no window"),
        ("[7, 28, 90]", "[28, 900]", "900 is no number of days"),
        ('from       = "asks"', 'from = "askz"', "no fact 'askz'; did you mean 'asks'?"),
        ('from       = "asks"', 'from = ""', "[signal.reply_rate]: from is missing"),
        ('kind       = "rate"', 'kind = "ratio"', "no kind 'ratio'; there are rate, count"),
        ('of         = "sentiment"', 'of = "nps"', "of must name a rate, count, mean or median"),
        ("span       = 0.25", "span = 0", "span must not be 0"),
        ('by         = "contact"', "", "[signal.top_contact_share]: k is missing"),
        ("past       = false ", "past = 0 ", "past has the wrong type (int)"),
        ('risk       = "in"\nper', "per", "a count needs risk or n"),
        ("points     = [-12, 12]", "points = [3, 12]", "points must be [least, most] around 0"),
        ("points     = [-12, 12]", "points = [-12]", "points must be two numbers"),
        ("typical    = 0.5\n", "typical = 1\n", "typical must lie inside the logit scale"),
        ("band       = [2, 12]", "band = [12, 2]", "band must rise from above 0"),
        ("{k} of the {n:mail|mails} we", "{k} of {m} we", "because speaks of 'm'"),
        ("{n:mail|mails} we sent", "{n.__class__} we", "a brace that opens or ends no {name}"),
        ("{n:mail|mails} we sent", "{n:>999999999} we", "write :.1f, :% or :day|days"),
        ("from = 70, up = 75", "from = 70, up = 60", "down <= from <= up must hold"),
        ("at_risk = {", "at_rsk = {", "[bands]: at_risk is missing"),
        ('unless     = "cancel_intent"', 'unless = "cancel"', "[enough]: no signal 'cancel'"),
    ],
)
def test_a_page_that_does_not_hold_together_says_where(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = edited(tmp_path, old, new)

    with pytest.raises(BadData, match=re.escape(complaint)):
        rules.load(path)


def test_a_missing_or_unreadable_page_is_bad_data(tmp_path: Path) -> None:
    (tmp_path / "junk.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BadData, match=r"none\.toml: it cannot be read"):
        rules.load(tmp_path / "none.toml")
    with pytest.raises(BadData, match=r"junk\.toml: it is not TOML"):
        rules.load(tmp_path / "junk.toml")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_whatever_stands_in_a_page_nothing_but_bad_data_is_raised(data: st.DataObject) -> None:
    page: Any = tomllib.loads(PAGE)
    table, key = page, data.draw(st.sampled_from(sorted(page)))
    while isinstance(table[key], dict) and data.draw(st.booleans()):
        table, key = table[key], data.draw(st.sampled_from(sorted(table[key])))
    table[key] = data.draw(json_values)

    try:
        rules.build(page, "health.toml")
    except BadData as error:
        assert str(error).startswith("health.toml")


def test_a_definition_changes_with_its_own_table_and_not_with_another(tmp_path: Path) -> None:
    shipped = {signal.name: signal.definition for signal in rules.load().signals}

    other = rules.load(edited(tmp_path, "points     = [-12, 12]", "points = [-11, 12]"))

    changed = {s.name for s in other.signals if s.definition != shipped[s.name]}
    assert changed == {"reply_rate", "reply_rate_change"}
    assert other.model != rules.load().model


def test_definitions_and_model_change_with_the_facts_they_stand_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = rules.load()
    monkeypatch.setattr(rules, "lineage", lambda fact: [f"another {fact}"])

    other = rules.load()

    assert other.model != shipped.model
    assert all(
        one.definition != two.definition
        for one, two in zip(other.signals, shipped.signals, strict=True)
    )


def test_the_facts_are_read_whole() -> None:
    text = files("mailhealth").joinpath("facts.sql").read_text("utf-8")

    assert len(rules.facts()) == text.count("create or replace temporary view")
    assert not any("--" in sql.split("\n")[-1] for sql in rules.facts().values())
