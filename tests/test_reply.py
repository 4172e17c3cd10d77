"""What a sender wrote is told from what they quoted and how they signed."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhealth.mime.html import to_text
from mailhealth.reply import split

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "mail" / "replies.jsonl").read_text("utf-8").splitlines()
]
SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail" / "replies.jsonl"
MEASURED = 0.97  # share of the shared cases that are exactly right

# Lines that look like what the splitter looks for.
LINES = st.sampled_from(
    [
        "> quoted",
        ">> twice",
        "On Mon, Mar 9, 2026 at 9:42 AM Ann <ann@example.com> wrote:",
        "2026年3月10日(火) 9:42 Ann <ann@example.com>:",
        "差出人： Ann <ann@example.com>",
        "件名： ご請求",
        "From: ann@example.com",
        "Sent: Monday 9:42",
        "-----Original Message-----",
        "-- ",
        "━━━━━━━━",
        "TEL：00-0000-0000",
        "Sent from my phone",
        "wrote:",
        "",
        "Thank you.",
    ]
)


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_own_words_are_found_in_the_shapes_that_mail_programs_write(case: dict[str, str]) -> None:
    words = split(case["text"])

    assert words.new_text == case["new_text"]
    if "signature" in case:
        assert words.signature == case["signature"]


@given(st.lists(LINES | st.text(max_size=40), max_size=30))
@settings(deadline=None)
def test_every_sign_of_a_text_lands_in_exactly_one_part(lines: list[str]) -> None:
    text = "\n".join(lines)

    words = split(text)

    parts = words.new_text + words.quoted_text + words.signature
    assert Counter("".join(parts.split())) == Counter("".join(text.split()))


def test_a_quoted_answer_stays_quoted_when_it_is_split_again() -> None:
    words = split("Yes.\n\nOn 10/03/2026 09:42, Ann wrote:\n> Really?\n")

    assert split(words.new_text).new_text == words.new_text


@pytest.mark.parametrize(
    "line",
    ["wrote:\n", "\n", "On the other hand\n", "> a\n", "-- \n", "From: a@b.example\n\n", "=" * 80],
)
def test_a_hundred_thousand_lines_of_one_kind_take_seconds_at_most(line: str) -> None:
    start = time.process_time()

    split(line * 50_000)

    assert time.process_time() - start < 5


@pytest.mark.skipif(not SHARED.is_file(), reason="the wider reply cases are not on this machine")
def test_the_share_of_shared_cases_that_come_out_right_does_not_fall() -> None:
    cases = [json.loads(line) for line in SHARED.read_text("utf-8").splitlines()]

    right = 0
    for case in cases:
        words = split(case["text"] if "text" in case else to_text(case["html"], []))
        own = {folded(words.new_text), folded(f"{words.new_text}\n{words.signature}")}
        right += folded(case["own_words"]) in own

    assert right / len(cases) >= MEASURED - 0.02
