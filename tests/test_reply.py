"""What a sender wrote is told from what they quoted and how they signed."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhealth.mime.html import to_text
from mailhealth.records import OwnWords
from mailhealth.reply import courtesies, split, tails, without_parent, without_tail
from mailhealth.store.results import matter

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
COURTESIES = st.sampled_from(
    [
        "Hi Ann,",
        "お世話になっております。",
        "佐藤様",
        "Thanks,",
        "よろしくお願いいたします。",
        "Best",
        "Ann",
        "此致",
    ]
)


def folded(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_own_words_are_found_in_the_shapes_that_mail_programs_write(case: dict[str, str]) -> None:
    words = without_parent(split(case["text"]), case.get("parent", ""))

    assert words.new_text == case["new_text"]
    if "signature" in case:
        assert words.signature == case["signature"]


@pytest.mark.parametrize("upper", ["＝＝＝＝＝＝＝＝", "＝＝＝＝ 日の出商事 ＝＝＝＝"])
def test_the_line_that_closes_a_frame_above_a_header_block_is_signature(upper: str) -> None:
    frame = f"{upper}\n佐藤\n直通：00-0000-1111\n＝＝＝＝＝＝＝＝"
    block = "差出人: 窓口 <support@example.com>\n日付: 2026/03/09 18:20\n件名: 書類"

    found = split(f"承知しました。\n\n{frame}\n\n{block}\n\nご返送ください。")

    assert found.signature == frame
    assert found.quoted_text.startswith("差出人")


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["id"]) for case in CASES if "opening" in case]
)
def test_openings_and_closings_are_marked_and_nothing_else(case: dict[str, str]) -> None:
    new_text = case["new_text"]

    spans = [new_text[start:end] for start, end in courtesies(new_text)]

    assert spans == [span for span in (case["opening"], case["closing"]) if span]


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


@given(st.lists(LINES | st.text(max_size=40), max_size=30), st.lists(LINES, max_size=30))
@settings(deadline=None)
def test_what_moves_to_quotes_and_signature_is_lost_nowhere(
    lines: list[str], parent: list[str]
) -> None:
    text = "\n".join(lines)

    words = without_tail(without_parent(OwnWords(text, "", ""), "\n".join(parent)), tails(text))

    parts = words.new_text + words.quoted_text + words.signature
    assert Counter("".join(parts.split())) == Counter("".join(text.split()))


@given(st.lists(COURTESIES | LINES | st.text(max_size=20), max_size=12))
@settings(deadline=None)
def test_courtesies_are_spans_in_order_and_the_whole_text_only_where_it_thanks(
    lines: list[str],
) -> None:
    text = "\n".join(lines)

    spans = courtesies(text)

    if len(spans) == 1 and text[slice(*spans[0])] == text.strip(" \t\r\n　"):
        assert "thank" in text.casefold()
        return

    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    kept = text[spans[0][1] : spans[1][0]] if len(spans) > 1 else text
    assert all(text[start:end].strip() for start, end in spans) and (not spans or kept.strip())


def test_the_last_lines_that_come_back_under_other_words_are_the_signature() -> None:
    card = "Ann Smith\nHead of Purchasing\nExample Ltd"
    learned = set(tails(f"Please call me.\n\nBest,\n{card}"))

    words = without_tail(OwnWords(f"It is broken again.\n\nBest,\n\n{card}", "> x", ""), learned)

    assert words == OwnWords("It is broken again.\n\nBest,", "> x", card)


def test_the_longest_known_tail_is_taken_and_stands_above_what_was_signature() -> None:
    text = "直りません。\n\n朝日工業株式会社\n生産管理課\n鈴木 一郎"

    words = without_tail(OwnWords(text, "", "TEL 00-0000-0000"), set(tails(text)))

    assert words.new_text == "直りません。"
    assert words.signature == "朝日工業株式会社\n生産管理課\n鈴木 一郎\nTEL 00-0000-0000"


@pytest.mark.parametrize(
    "text",
    [
        "資料を送ります。\nご確認ください。\nよろしくお願いいたします。",
        "Please find the report attached.\nIt covers last week.\nBest regards,",
        "Hello,\nplease find the weekly report attached.\nBest,\nAnn",
        "Ann Smith\nExample Ltd",
        "",
    ],
)
def test_greetings_sentences_and_whole_texts_make_no_tail(text: str) -> None:
    found = tails(text)

    assert found == ()


@pytest.mark.parametrize(
    "text",
    [
        "Many thanks for your help!",
        "Dear Ann, many thanks!",
        "Many thanks,\nTom",
        "Thanks Ann",
        "Great, thanks.",
        "Hi Ann,\n\nThank you very much for your kind support.\n\nBest regards,\nTom Reed",
        "Thanks for letting me know.\n\nTom Reed",
        "Thank you for getting back to me so quickly.",
        "Perfect, thank you again for all your help. Have a great weekend!",
        "Thank you for your prompt and helpful response, much appreciated.",
        "I really appreciate your help.",
        "ありがとうございます。",
        "ご連絡ありがとうございます。",
        "承知しました。ありがとうございます。",
        "ご対応いただきありがとうございました。",
        "お忙しい中ご回答いただきまして、ありがとうございます。",
        "お世話になっております。\n株式会社アサヒナの佐藤です。\n\n早速のご対応をいただき、"
        "誠にありがとうございました。大変助かりました。\n\n今後ともよろしくお願いいたします。",
        "佐藤様\n\nいつもお世話になっております。\nご丁寧にご説明いただき、"
        "ありがとうございました。\n引き続きよろしくお願いいたします。\n\n田中",
    ],
)
def test_a_text_that_only_thanks_is_a_courtesy_from_end_to_end(text: str) -> None:
    assert courtesies(text) == ((0, len(text)),)
    assert matter(text, [[0, len(text)]]) == text  # what the model reads is still there


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for nothing!",
        "Thanks for your help, but the export still fails.",
        "Thanks, we cancel.",
        "Thank you for your time with us, we are leaving.",
        "Thank you for your reply. When can we start",
        "Thanks for sending the contract to Peter.",
        "Call me. Thanks",
        "Send the team the info, thanks",
        "Please help. Thanks!",
        "Can you help? Thanks!",
        "We need your help. Thank you!",
        "I appreciate your help with the migration",
        "Hello",
        "Best regards\nTom",
        "よろしくお願いいたします。",
        "ご対応をよろしくお願いいたします。",
        "ご連絡ください。ありがとうございます。",
        "ご連絡ありがとうございます。請求書を送ってください。",
        "ご対応ありがとうございました。まだ直っていません。",
        "解約したいです。ありがとうございました。",
        "見積もりをお願いします。ありがとうございます。",
        "ご対応いただけると助かります。",
        "ご確認お願いいたします。助かります。",
    ],
)
def test_a_text_that_says_or_asks_more_than_thanks_is_more_than_a_courtesy(text: str) -> None:
    assert courtesies(text) != ((0, len(text)),)


def test_an_unknown_tail_stays_what_was_said() -> None:
    words = OwnWords("Yes.\n\nAnn Smith\nExample Ltd", "", "")

    assert without_tail(words, {"0000"}) == words


@pytest.mark.parametrize(
    "line",
    [
        *("wrote:\n", "\n", "On the other hand\n", "> a\n", "-- \n", "From: a@b.example\n\n"),
        *("=" * 80, "Ann Smith\n", "Hi ", "thanks, ", "a. ", "様\n", "よろしく", "株式会社の"),
        *("では、", "営業の", "ありがとう", "thanks for your ", "ご対応"),
        "よろしくお願いいたします。\n",
    ],
)
def test_a_hundred_thousand_lines_of_one_kind_take_seconds_at_most(line: str) -> None:
    text = line * 50_000
    words = OwnWords(text, "", "")
    start = time.process_time()

    split(text)
    courtesies(text)
    without_parent(words, text[1:] + "aaaaaaaab" * 50_000)
    without_tail(words, tails(text))

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
