"""Survey answers that people write into mails, in English and Japanese, and what is none."""

import random
import string
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from mailhealth import nlp
from mailhealth.health import Health
from mailhealth.nlp import survey, tokens
from mailhealth.records import Text
from mailhealth.store import inbox, people
from tests.letters import letter


@pytest.fixture(scope="module")
def languages() -> dict[str, Language]:
    """The pipelines of two languages with nothing but the survey rules."""
    made = {lang: tokens.tokenizer(lang) for lang in ("en", "ja")}
    for each in made.values():
        each.add_pipe("mailhealth_survey")
    return made


def read(pipeline: Language, text: str, subject: str = "") -> tuple[int | None, int | None]:
    doc = pipeline(survey.document(pipeline, text, subject))
    return doc._.nps, doc._.csat


@pytest.mark.parametrize(
    ("text", "lang", "nps", "csat"),
    [
        ("NPS: 9", "en", 9, None),
        ("nps is 10/10, thanks", "en", 10, None),
        ("I'd give you 8 out of 10.", "en", 8, None),
        ("I'd give you a 9 out of 10", "en", 9, None),
        ("I would rate the support 3/10", "en", 3, None),
        ("CSAT: 4", "en", None, 4),
        ("I rate the service 5 out of 5!", "en", None, 5),
        ("10点中8点", "ja", 8, None),
        ("10点満点で７点です。", "ja", 7, None),
        ("推奨度は9です", "ja", 9, None),
        ("おすすめ度：10", "ja", 10, None),
        ("満足度は4です。", "ja", None, 4),
        ("5段階評価で3です", "ja", None, 3),
        ("満足度は5段階で2です", "ja", None, 2),
        ("10点中8点です", "ja", 8, None),
        ("１０点中９点です", "ja", 9, None),
        ("十点満点で八点です。", "ja", 8, None),
        ("10点満点中、9点をつけます。", "ja", 9, None),
        ("満足度：5点満点中4点", "ja", None, 4),
        ("お勧め度は8/10です", "ja", 8, None),
        ("NPSは7です", "ja", 7, None),
        ("満足度 3/5", "ja", None, 3),
        ("8点（10点満点）です", "ja", 8, None),
        ("8点/10点", "ja", 8, None),
        ("10段階評価で8くらいです", "ja", 8, None),
        ("NPS:9", "en", 9, None),
        ("NPS - 9", "en", 9, None),
        ("Likelihood to recommend: 9", "en", 9, None),
        ("I'd rate it nine out of ten.", "en", 9, None),
        ("Support was 10/10.", "en", 10, None),
        ("I give the onboarding 2 of 5", "en", None, 2),
        ("Satisfaction score: 4/5", "en", None, 4),
        ("satisfaction 4 out of 5 stars", "en", None, 4),
        ("I'd give it 0 out of 10", "en", 0, None),
        ("CSAT 1", "en", None, 1),
        ("NPS 9, CSAT 4", "en", 9, 4),
        ("推奨度9、満足度4", "ja", 9, 4),
        ("Last year I gave you 6 out of 10, this year I give you 9 out of 10.", "en", 9, None),
        ("5段階中の3", "ja", None, 3),
        ("推奨度は10点満点で9点です", "ja", 9, None),
        ("満足度は３点。", "ja", None, 3),
        ("my rating: 7/10", "en", 7, None),
        ("I rate you a solid 9/10, keep going", "en", 9, None),
        ("I'd score your API docs 2 out of 5, sadly.", "en", None, 2),
        ("NPS: 9 / CSAT: 4", "en", 9, 4),
        ("推奨度：9点　満足度：4点", "ja", 9, 4),
        ("10点中7点くらいかな", "ja", 7, None),
        ("10点満点中8点を付けさせていただきます", "ja", 8, None),
        ("点数をつけるなら10点中9点です", "ja", 9, None),
        ("私なら10点中9点だと思います", "ja", 9, None),
    ],
)
def test_a_rating_in_plain_wording_is_an_answer_anywhere(  # noqa: PLR0917 - a row of a table
    languages: dict[str, Language], text: str, lang: str, nps: int | None, csat: int | None
) -> None:
    found = read(languages[lang], text)

    assert found == (nps, csat)


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("NPS: 11", "en"),
        ("Our NPS is 45", "en"),
        ("CSAT: 9", "en"),
        ("8 out of 10 users cannot log in", "en"),
        ("See chapter 9/10", "en"),
        ("満足度は4%", "ja"),
        ("満足度は95です", "ja"),
        ("10点の部品が届きました", "ja"),
        ("Our score for you: nine out of ten", "en"),
        ("CSAT 0", "en"),
        ("9", "en"),
        ("9", "ja"),
        ("We have 1000 users", "en"),
        ("version 10", "en"),
        ("10/10/2026", "en"),
        ("24/7", "en"),
        ("We rate 24/7 support highly", "en"),
        ("Please rate version 10 of 10 modules", "en"),
        ("Give 8 out of 10 users access", "en"),
        ("The outage of 10/10 was bad", "en"),
        ("I would not give you a 10 out of 10", "en"),
        ("Last year I gave you 6 out of 10", "en"),
        ("We gave the invoice 12 out of 10", "en"),
        ("I'd rate it 8.5 out of 10", "en"),
        ("10点中3点が破損しておりました", "ja"),
        ("10点中8点の部品に傷がありました", "ja"),
        ("10点中12点です", "ja"),
        ("前回は10点中6点でした", "ja"),
        ("当社の満足度は4です", "ja"),
        ("バージョン10です", "ja"),
        ("2026年10月10日", "ja"),
        ("24/7対応", "ja"),
        ("1000ユーザーで使っています", "ja"),
        ("満足度は4.5です", "ja"),
        ("10点中10点とは言えません", "ja"),
        ("The team is 9 out of 10 people strong", "en"),
        ("Give me 5 of 5 licences", "en"),
        ("We were billed 9/10 of the price", "en"),
        ("Please give 4 of 5 users admin rights", "en"),
        ("I recommend version 9 / 10", "en"),
        ("満足度調査は5月です", "ja"),
        ("推奨度が低いようです。3名で確認します", "ja"),
        ("満足度：★4", "ja"),
        ("They gave us 4 out of 5 last week", "en"),
        ("Our customers give us 9 out of 10", "en"),
        ("We scored 8 out of 10 on the audit", "en"),
        ("NPS 10 survey invoices attached", "en"),
        ("NPS target: 9", "en"),
    ],
)
def test_other_numbers_are_no_answer(languages: dict[str, Language], text: str, lang: str) -> None:
    found = read(languages[lang], text)

    assert found == (None, None)


@pytest.mark.parametrize(
    ("text", "lang", "subject", "nps", "csat"),
    [
        ("9", "en", "Re: How likely are you to recommend us?", 9, None),
        ("9.", "en", "Re: NPS survey", 9, None),
        ("9!", "en", "Re: NPS", 9, None),
        ("９", "ja", "Re: 推奨度アンケート", 9, None),
        ("9点です", "ja", "Re: おすすめ度についてお伺いします", 9, None),
        ("4", "ja", "Re: 満足度アンケート", None, 4),
        ("4", "en", "Re: Customer satisfaction survey", None, 4),
        ("9", "en", "Re: Customer survey", 9, None),
        ("4/5", "en", "Re: Survey", None, 4),
        ("8/10", "en", "Re: Survey", 8, None),
        ("9 - the support is quick and friendly", "en", "Re: NPS survey", 9, None),
        ("9, because it never fails", "en", "Re: NPS survey", 9, None),
        ("Hi Tom,\n\n9\n\nRegards,\nAnn", "en", "Re: How likely are you to recommend us?", 9, None),
        ("I'd say 8.", "en", "Re: How likely are you to recommend us?", 8, None),
        ("A solid 7 from us", "en", "Re: NPS survey", 7, None),
        ("8です。理由は動作が軽いからです。", "ja", "Re: 推奨度アンケート", 8, None),
        ("回答：8", "ja", "Re: 推奨度アンケート", 8, None),
        ("お世話になっております。\n\n8点です。\n", "ja", "Re: 推奨度アンケート", 8, None),
        ("Nine", "en", "Re: NPS survey", 9, None),
        ("10点満点です", "ja", "Re: 推奨度アンケート", 10, None),
        ("10 out of 10", "en", "Re: How likely are you to recommend us?", 10, None),
        ("7\n\nThe export needs work.", "en", "Re: How likely are you to recommend us?", 7, None),
        ("We'd go with an 8 overall", "en", "Re: NPS survey", 8, None),
        ("Would be a 6 for now", "en", "Re: NPS survey", 6, None),
        ("お勧めの度合いは8です", "ja", "Re: 推奨度アンケート", 8, None),
        ("5", "ja", "Re: ご満足度についてのアンケート", None, 5),
        ("10", "ja", "Re: 同僚に薦めたいですか（0〜10）アンケート", 10, None),
        ("The rating is 7/10", "en", "Re: hello", 7, None),
        ("> 9", "en", "Re: NPS survey", 9, None),
        ("**10**", "en", "Re: NPS survey", 10, None),
        ("7点", "ja", "Re: 推奨度", 7, None),
    ],
)
def test_a_number_alone_is_an_answer_where_the_thread_asks(  # noqa: PLR0917 - a row of a table
    languages: dict[str, Language],
    text: str,
    lang: str,
    subject: str,
    nps: int | None,
    csat: int | None,
) -> None:
    found = read(languages[lang], text, subject)

    assert found == (nps, csat)


@pytest.mark.parametrize(
    ("text", "lang", "subject"),
    [
        ("10", "en", "Re: Contract"),
        ("4", "en", "Re: Survey"),
        ("6", "ja", "Re: 満足度アンケート"),
        ("11", "en", "Re: NPS survey"),
        ("5つ星です", "ja", "Re: 満足度アンケート"),
        ("9 users cannot log in", "en", "Re: NPS survey"),
        ("3 things bother us", "en", "Re: NPS survey"),
        ("1. Export is slow\n2. Login fails", "en", "Re: NPS survey"),
        ("9:30 works for me", "en", "Re: NPS survey"),
        ("9-10 people", "en", "Re: NPS survey"),
        ("9時にお願いします", "ja", "Re: 推奨度アンケート"),
        ("10/10/2026", "en", "Re: NPS survey"),
        ("8.5", "en", "Re: NPS survey"),
        ("24/7", "en", "Re: NPS survey"),
        ("9%", "en", "Re: NPS survey"),
        ("-3", "en", "Re: NPS survey"),
        ("3月にお願いします", "ja", "Re: 満足度アンケート"),
        ("星4つです", "ja", "Re: 満足度アンケート"),
        ("７", "ja", "Re: ご満足度についてのアンケート"),
        ("10 seats please", "en", "Re: NPS survey"),
        ("5名追加してください", "ja", "Re: 満足度アンケート"),
        ("7点の商品", "ja", "Re: 推奨度"),
    ],
)
def test_not_every_number_in_a_survey_thread_is_an_answer(
    languages: dict[str, Language], text: str, lang: str, subject: str
) -> None:
    found = read(languages[lang], text, subject)

    assert found == (None, None)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Re: How likely are you to recommend us?", "nps"),
        ("NPS survey, autumn", "nps"),
        ("推奨度アンケートのお願い", "nps"),
        ("弊社を同僚にお勧めいただける可能性は", "nps"),
        ("How satisfied are you with our support?", "csat"),
        ("満足度アンケート", "csat"),
        ("Customer survey", "either"),
        ("アンケートのお願い", "either"),
        ("Customer survey: 0 to 10, please", "nps"),
        ("アンケート（5段階）のお願い", "csat"),
        ("推奨度と満足度について", "either"),
        ("Re: Contract renewal", ""),
        ("recommended settings", ""),
        ("Re: 請求書の件", ""),
    ],
)
def test_a_question_says_what_is_asked(question: str, kind: str) -> None:
    assert survey.asked(question) == kind


def test_what_an_earlier_mail_asked_counts_like_the_subject(languages: dict[str, Language]) -> None:
    question = "Dear Ann,\n\nhow likely are you to recommend us to a colleague, from 0 to 10?"
    english = languages["en"]

    doc = english(survey.document(english, "9", "Re: hello", question))

    assert doc._.nps == 9


def test_annotations_hold_answers_written_out_and_answers_to_the_subject() -> None:
    texts = [
        Text("1", "9", "Re: How likely are you to recommend us?"),
        Text("2", "9", "Re: Contract"),
        Text("3", "4です。", "Re: 満足度アンケート", "ja"),
        Text("4", "NPS: 9 / CSAT: 4"),
    ]

    found = [(each.nps, each.csat) for each in nlp.annotate(texts)]

    assert found == [(9, None), (None, None), (None, 4), (9, 4)]


def test_the_survey_rules_join_anyones_pipeline() -> None:
    theirs = spacy.blank("de")
    theirs.add_pipe("mailhealth_survey")

    plain = theirs("NPS: 9")
    asked = Doc(theirs.vocab, words=["9"])
    asked._.asked = "nps"

    assert plain._.nps == 9
    assert theirs(asked)._.nps == 9


JUNK = "".join(random.Random(1).choices(string.ascii_letters + string.digits + "+/", k=16_000))


UNITS = ["", "\n9", "9 ", "give you ", "nps : ", "10点中", "満足度は", "9/", "10 / 10 ", "-", "😀"]
UNITS += ["²①", "= * > ( ", "rate a b c d e f 9 of ", "\u0301", "\u202e9", "\x00", JUNK]


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("unit", UNITS)
def test_no_text_breaks_the_rules_or_takes_them_long(unit: str, lang: str) -> None:
    def make(pipeline: Language) -> Callable[[Doc], object]:
        rules = survey.matcher(pipeline.vocab)
        return lambda doc: survey.answers(doc, rules, "nps")

    start = time.process_time()

    list(tokens.each([Text("1", (unit * 12_000)[:12_000], lang=lang)], make))

    assert time.process_time() - start < 1  # linear: 0.1 s; it was 2 s when quadratic


def test_a_bare_number_answers_the_survey_its_thread_began_with(tmp_path: Path) -> None:
    ask = "How likely are you to recommend us, from 0 to 10?"
    with Health(tmp_path / "acme.db") as health:
        health.us("acme.example")
        inbox.add_source(health.db, inbox.Source("support", "mbox", {"path": "support.mbox"}))
        mails = [
            letter("q", "help@acme.example", "ann@globex.example", text=ask, subject="Your visit"),
            letter("a", "ann@globex.example", "help@acme.example", text="9", answers="q", day=1),
            letter("n", "bob@globex.example", "help@acme.example", text="9", day=1),
        ]
        inbox.save(health.db, "support", mails, known_at=0)
        people.assign(health.db)

        health.read_texts()

        found = health.db.execute("select message, value from annotations where task = 'nps'")
        assert [(key, value) for key, value in found.fetchall()] == [("a", 9)]
