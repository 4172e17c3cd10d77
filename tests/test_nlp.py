"""The shipped reader on clear-cut invented mails, in English and Japanese, and on junk."""

import random
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy

from mailhealth import nlp
from mailhealth.errors import BadData, UnknownName
from mailhealth.records import Annotation, Text


def _read(text: str, lang: str = "", subject: str = "") -> Annotation:
    return next(nlp.annotate([Text("1", text, subject, lang)]))


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("Your support team was wonderful and we are very happy with the product.", "positive"),
        ("This is terrible. We are very disappointed and angry about the service.", "negative"),
        ("The meeting minutes are attached.", "neutral"),
        ("素晴らしいサービスで、とても満足しています。ありがとうございます。", "positive"),
        ("対応が遅く、大変不満です。がっかりしました。", "negative"),
        ("資料を添付いたしましたので、ご確認ください。", "neutral"),
    ],
)
def test_a_clear_sentence_has_the_sentiment_anyone_would_give_it(text: str, sentiment: str) -> None:
    found = _read(text)

    assert found.sentiment == sentiment


def test_a_polite_japanese_complaint_is_negative() -> None:
    text = (
        "いつもお世話になっております。大変恐縮ですが、先月からお願いしている件にお返事がなく、"
        "正直なところ大変残念に思っております。何卒よろしくお願い申し上げます。"
    )

    found = _read(text)

    assert found.sentiment == "negative"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("We want to cancel our subscription at the end of the month.", "cancel"),
        ("今月末で契約を解約したいです。", "cancel"),
        ("I cannot log in, the page shows an error.", "problem"),
        ("ログインできません。エラーが表示されます。", "problem"),
        ("Please send us the invoice for March, we were charged twice.", "billing"),
        ("請求書を再発行してください。", "billing"),
        ("How can I add a new user?", "question"),
        ("ユーザーを追加する方法を教えてください。", "question"),
    ],
)
def test_a_clear_request_carries_its_label(text: str, label: str) -> None:
    found = _read(text)

    assert label in found.labels


def test_thanks_and_greetings_alone_carry_no_alarm() -> None:
    texts = ["Thank you, received.", "承知いたしました。よろしくお願いいたします。"]

    for found in nlp.annotate(Text(text, text) for text in texts):
        assert found.sentiment != "negative"
        assert not {"cancel", "complaint", "problem"} & set(found.labels)


def test_an_annotation_holds_together() -> None:
    found = _read("We are happy.", "en")

    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert found.score == pytest.approx(
        found.probabilities["positive"] - found.probabilities["negative"]
    )
    assert set(found.labels) <= set(found.intents)
    assert found.topics == ()
    assert found.model == nlp.version("mail")


def test_one_angry_sentence_shows_in_a_long_mail() -> None:
    filler = "The minutes of the meeting are attached and the list of attendees follows below. " * 5
    angry = "We are very disappointed, this is the worst service we ever had. "

    found = _read(f"{filler}{angry}{filler}", "en")

    assert found.sentiment == "negative"


def test_the_last_paragraph_of_a_very_long_mail_is_read() -> None:
    filler = "The minutes of the meeting are attached and the list of attendees follows below.\n\n"

    found = _read(filler * 60 + "We want to cancel our subscription.", "en")

    assert "cancel" in found.labels


def test_a_text_reads_the_same_in_any_company() -> None:
    text = Text("x", "解約を検討しておりますが、ご対応には感謝しております。", lang="ja")
    others = [Text(str(n), "Please call me back. " * n, lang="en") for n in range(1, 40)]

    alone = next(nlp.annotate([text]))
    crowd = [found for found in nlp.annotate([*others, text, *others]) if found.id == "x"]

    assert crowd == [alone]


def test_answers_come_in_the_order_of_the_texts() -> None:
    texts = [Text(str(n), text) for n, text in enumerate(["Hello there", "こんにちは", "", "Hi!"])]

    found = [annotation.id for annotation in nlp.annotate(texts)]

    assert found == ["0", "1", "2", "3"]


def test_a_stream_is_read_as_it_comes() -> None:
    def endless() -> Iterator[Text]:
        while True:
            yield Text("1", "ok", lang="en")

    found = next(nlp.annotate(endless()))

    assert found.id == "1"


def test_the_subject_counts_unless_it_is_a_reply() -> None:
    body = "We talked about it on the phone."

    fresh = _read(body, "en", subject="Cancellation of our contract, please close our account")
    reply = _read(body, "en", subject="Re: Cancellation of our contract, please close our account")

    assert "cancel" in fresh.labels
    assert "cancel" not in reply.labels


@pytest.mark.parametrize(
    ("text", "lang"),
    [("", ""), (" \n\t ", ""), ("😀🎉👍", ""), ("12345 --- !!!", "en"), ("Привет, как дела", "ru")],
)
def test_where_there_is_nothing_to_read_sentiment_is_unknown(text: str, lang: str) -> None:
    found = _read(text, lang)

    assert found.sentiment == "unknown"
    assert found.score is None
    assert (found.probabilities, found.intents, found.labels) == ({}, {}, ())


HOSTILE = {
    "a megabyte": "We are happy. " * 75_000,
    "a megabyte of Japanese": "契約を解約したいです。" * 100_000,
    "one long word": "x" * 200_000,
    "base64": "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=200_000)),
    "exclamation marks": "!" * 100_000,
    "emoji": "😀🎉" * 20_000,
    "newlines": "\n" * 100_000,
    "NUL": "Please\x00 help \x00",
    "lone surrogates": "Hello \ud800 world \udfff",
    "combining marks": "e" + "\u0301" * 50_000,
    "right to left marks": "\u202e\u200f" * 500 + "hello",
    "control characters": "\x01\x1b[31mred\x07",
    "colons": "nps " + ": " * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("lang", ["en", "ja", "de"])
def test_no_text_breaks_the_reader(name: str, lang: str) -> None:
    found = _read(HOSTILE[name], lang)

    assert found.sentiment in {"negative", "neutral", "positive", "unknown"}


def test_the_reader_joins_anyones_spacy_pipeline() -> None:
    theirs = spacy.blank("en")
    theirs.add_pipe("mailhealth_reader")
    theirs.add_pipe("mailhealth_survey")

    good, bad = theirs.pipe(["This is great, NPS: 9", "This is awful and broken."])

    assert good._.sentiment > 0 > bad._.sentiment
    assert good._.nps == 9
    assert {"positive", "cancel"} <= set(good.cats)


def test_a_model_can_be_named_by_its_folder() -> None:
    from importlib.resources import files

    folder = str(files("mailhealth.models") / "mail")

    assert nlp.version(folder) == nlp.version("mail")


def test_an_unknown_model_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownName, match="mail"):
        next(nlp.annotate([Text("1", "hello")], model="nobody"))


def test_a_model_folder_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.toml").write_text("not [toml")

    with pytest.raises(BadData, match="cannot be read as TOML"):
        nlp.version(str(tmp_path))
