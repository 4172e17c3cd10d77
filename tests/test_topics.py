"""Topics by a taxonomy, and phrases that nobody listed, in English and Japanese."""

import importlib
import json
import random
import string
from pathlib import Path

import pytest
import spacy
from click.testing import CliRunner, Result

import mailhealth
from mailhealth import nlp
from mailhealth.cli import topics as verb  # noqa: F401 - registers the verb
from mailhealth.cli.app import main
from mailhealth.errors import BadData, UnknownName
from mailhealth.health import Health
from mailhealth.nlp import phrases, tokens, topics
from mailhealth.nlp.stems import stem
from mailhealth.records import Text
from mailhealth.rules import toml
from mailhealth.store import inbox, people
from tests.letters import letter

PAGE = """
[topic.export]
title = { en = "Data export", ja = "データ出力" }
any = ["CSV"]
en = ["export", "=reports", "bulk download"]
ja = ["エクスポート", "データ出力", "落ちる"]
"""
AS_OF = "2026-03-02"  # 60 days after the start of the letters


def found(text: str, lang: str = "en", page: str | None = PAGE) -> dict[str, int]:
    taxonomy = topics.load(page)
    make = tokens.each([Text("1", text, lang=lang)], lambda nlp: topics.counter(nlp, taxonomy))
    return dict(make)["1"]


# Words in their forms


@pytest.mark.parametrize(
    "words",
    [
        "invoice invoices invoiced invoicing",
        "crash crashes crashed crashing",
        "log logs logged logging",
        "bill bills billed billing",
        "query queries queried",
        "integrate integrates integrated integrating",
        "stop stops stopped stopping",
        "price prices priced pricing",
        "agree agrees agreed",
    ],
)
def test_the_forms_of_a_word_have_one_stem(words: str) -> None:
    assert len({stem(word) for word in words.split()}) == 1


@pytest.mark.parametrize("word", ["", "a", "is", "請求", "x1", "status", "access", "y", "s", "ed"])
def test_what_has_no_ending_stays_apart_from_other_words(word: str) -> None:
    assert stem(word) in {word, word.removesuffix("e")}


@pytest.mark.parametrize(
    ("text", "lang", "mentions"),
    [
        ("We exported it, exporting takes long, EXPORTS fail.", "en", 3),
        ("The bulk\ndownloads fail.", "en", 1),
        ("Where are the Reports?", "en", 1),
        ("I want to report a bug.", "en", 0),
        ("A csv, please.", "en", 1),
        ("ＣＳＶでのデータ出力とエクスポート", "ja", 3),
        ("サーバーが落ちました。落ちない方法は？", "ja", 2),
        ("Der Export als CSV", "de", 1),
        ("Файл CSV", "ru", 1),
        ("expo rt", "en", 0),
    ],
)
def test_a_phrase_is_met_in_its_forms(text: str, lang: str, mentions: int) -> None:
    assert sum(found(text, lang).values()) == mentions


def test_of_overlapping_phrases_of_a_topic_the_longest_counts_once() -> None:
    page = '[topic.login]\nen = ["sign", "sign in", "single sign in", "in"]'

    assert found("Our single sign in is slow", page=page) == {"login": 1}


@pytest.mark.parametrize(
    ("text", "lang", "topic"),
    [
        ("Nobody could log in since Monday.", "en", "login"),
        ("We were charged twice on the last invoice.", "en", "billing"),
        ("The screen freezes and pages time out.", "en", "performance"),
        ("Webhooks stopped firing.", "en", "integration"),
        ("When do we go live?", "en", "onboarding"),
        ("パスワードを再設定したいです。", "ja", "login"),
        ("請求書を再発行してください。", "ja", "billing"),
        ("画面の表示が遅くなりました。", "ja", "performance"),
        ("基幹システムとの連携について", "ja", "integration"),
        ("旧システムからの移行", "ja", "migration"),
    ],
)
def test_the_shipped_taxonomy_knows_what_business_software_is_about(
    text: str, lang: str, topic: str
) -> None:
    assert topic in found(text, lang, page=None)


@pytest.mark.parametrize(
    ("text", "lang", "topic"),
    [
        ("Who is in charge of the fully charged lamp?", "en", "billing"),
        ("The Precentor signed in the wrong place.", "en", "login"),
        ("I quote his note in full.", "en", "pricing"),
        ("Ring the duty mobile.", "en", "mobile"),
        ("人事異動の通知です。", "ja", "notifications"),
        ("視覚に障害のある職員がおります。", "ja", "performance"),
        ("会計管理者の審査で差し戻されます。", "ja", "permissions"),
    ],
)
def test_a_word_of_many_meanings_is_no_topic_by_itself(text: str, lang: str, topic: str) -> None:
    assert topic not in found(text, lang, page=None)


def test_every_shipped_topic_has_words_and_a_title_in_both_languages() -> None:
    for topic in topics.load().topics:
        assert topic.phrases["en"] and topic.phrases["ja"]
        assert set(topic.titles) == {"en", "ja"}


# Measured 0.51 and 0.41, 0.50 and 0.51 (docs/decisions/033): three or four mails less may pass.
@pytest.mark.parametrize(("lang", "precision", "recall"), [("en", 0.45, 0.35), ("ja", 0.45, 0.45)])
def test_half_of_what_the_shipped_taxonomy_says_holds_on_mails_it_was_not_written_for(
    monkeypatch: pytest.MonkeyPatch, lang: str, precision: float, recall: float
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    benchmark = importlib.import_module("topics")

    ours, _ = benchmark.scores(topics.load(), lang, benchmark.PARTS["held out"])
    score = ours[benchmark.ALL]

    assert score.both >= precision * score.called
    assert score.both >= recall * score.about


def test_every_labelled_topic_is_of_the_shipped_taxonomy() -> None:
    names = {topic.name for topic in topics.load().topics}
    pages = [Path(__file__).parent / "topics" / f"{lang}.jsonl" for lang in ("en", "ja")]
    rows = [json.loads(row) for page in pages for row in page.read_text("utf-8").splitlines()]

    assert len({row["id"] for row in rows}) == 240
    assert {name for row in rows for name in row["topics"]} <= names


# In pipelines


def test_the_topics_join_anyones_pipeline_and_change_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(PAGE, "utf-8")
    theirs = spacy.blank("en")
    theirs.add_pipe("mailhealth_topics", config={"topics": str(file)})

    doc = theirs("The exports\nfail; a bulk download would do.")

    assert [(span.label_, span.text) for span in doc.spans["topics"]] == [
        ("export", "exports"),
        ("export", "bulk download"),
    ]
    assert [token.norm_ for token in doc] == [token.norm_ for token in spacy.blank("en")(doc.text)]


def test_lemmas_are_used_where_the_pipeline_has_them() -> None:
    theirs = spacy.blank("en")
    theirs.add_pipe("mailhealth_topics")
    doc = theirs.make_doc("It froze")
    doc[1].lemma_ = "freeze"

    assert topics.count(theirs(doc)) == {"performance": 1}


def test_annotations_hold_the_topics(tmp_path: Path) -> None:
    file = tmp_path / "topics.toml"
    file.write_text(PAGE, "utf-8")
    texts = [Text("1", "The export fails.", lang="en"), Text("2", "こんにちは", lang="ja")]

    own = [each.topics for each in nlp.annotate(texts, topics=str(file))]
    shipped = [each.topics for each in nlp.annotate([Text("1", "We cannot log in", lang="en")])]

    assert own == [("export",), ()]
    assert shipped == [("login",)]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("not [toml", "not TOML"),
        ("", "must hold tables"),
        ('topics = ["a"]', "must hold tables"),
        ("[topic]", "must hold tables"),
        ('topic = "a"', "must hold tables"),
        ("[topic.a]", "needs words of a language"),
        ('[topic.a]\ntitle = { en = "A" }', "needs words of a language"),
        ('[topic.a]\nen = "log in"', "must be a list"),
        ("[topic.a]\nen = [1]", "must be a list"),
        ('[topic.a]\nenglish = ["a"]', "unknown key 'english'"),
        ('[topic.a]\nen = [" "]', "no word or phrase"),
        ('[topic.a]\nen = ["="]', "no word or phrase"),
        ('[topic.a]\ntitle = "A"\nen = ["b"]', "title must be a table"),
        ('[topic."A b"]\nen = ["b"]', "name is made of"),
        ('[topic]\na = ["b"]', "a must be a table"),
        (f'[topic.a]\nen = ["{"x" * 101}"]', "no word or phrase"),
    ],
)
def test_a_taxonomy_that_does_not_hold_together_is_refused_in_one_sentence(
    page: str, said: str
) -> None:
    with pytest.raises(BadData, match=said) as refused:
        topics.load(page, "mine.toml")

    assert str(refused.value).startswith("mine.toml")
    assert "\n" not in str(refused.value)


def test_a_taxonomy_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")

    for name, said in (("nothing.toml", "cannot be read"), ("bytes.toml", "not UTF-8")):
        with pytest.raises(BadData, match=said):
            toml.text(tmp_path / name)


JUNK = "".join(random.Random(1).choices(string.ascii_letters + string.digits + "+/", k=200_000))


@pytest.mark.parametrize("lang", ["en", "ja", "xx", ""])
@pytest.mark.parametrize(
    "text", ["", " \n", "😀🎉" * 9_000, JUNK, "log in " * 150_000, "解約" * 300_000, "\x00\ud800"]
)
def test_no_text_breaks_the_topics_or_the_phrases(text: str, lang: str) -> None:
    found(text, lang, page=None)

    assert len(list(phrases.read([Text("1", text, lang=lang)]))) == 1


# Phrases


def said(*texts: str, lang: str = "en", ignore: tuple[str, ...] = ()) -> list[phrases.Said]:
    letters = (Text(str(number), text, lang=lang) for number, text in enumerate(texts))
    return [candidates for _, candidates in phrases.read(letters, ignore)]


def names(found: list[phrases.Phrase]) -> list[str]:
    return [each.phrase for each in found]


def test_what_one_customer_says_and_the_others_do_not_is_distinctive() -> None:
    theirs = said(*(f"The label printer jams again in hall {n}, please call me." for n in "abcde"))
    others = said(*(f"Please call me about the lunch menu {n}." for n in "abcdefghij"))

    found = phrases.distinctive({"a": theirs, "b": others}, "a")

    assert names(found)[0] == "label printer jams"
    assert not {"call", "please"} & set(names(found))
    assert (found[0].mails, found[0].elsewhere) == (5, 0)


def test_a_japanese_compound_is_one_phrase() -> None:
    theirs = said(*(f"第{n}倉庫のバーコード印刷が止まります。" for n in range(6)), lang="ja")
    others = said(*(f"{n}階の昼食の献立を送ります。" for n in range(12)), lang="ja")

    found = phrases.distinctive({"a": theirs, "b": others}, "a")

    assert "バーコード印刷" in names(found)
    assert "バーコード" not in names(found)


def test_two_mails_are_too_few_and_one_mail_says_a_thing_once() -> None:
    theirs = said("label printer label printer", "label printer", "nothing")
    others = said(*["lunch menu"] * 50)

    assert phrases.distinctive({"a": theirs, "b": others}, "a") == []


def test_chance_alone_makes_no_phrase() -> None:
    dice = random.Random(7)
    words = ["".join(dice.choices(string.ascii_lowercase, k=6)) for _ in range(300)]
    mails = said(*(" , ".join(dice.choices(words, k=20)) for _ in range(400)))

    found = phrases.distinctive({"a": mails[:100], "b": mails[100:]}, "a")

    assert len(found) <= 1


def test_names_are_no_phrases() -> None:
    theirs = said(*["Globex printer"] * 4, ignore=("globex.example",))

    assert names(phrases.distinctive({"a": theirs}, "a")) == ["printer"]


def test_nothing_to_compare_is_no_failure() -> None:
    assert phrases.distinctive({}, "a") == []
    assert phrases.distinctive({"a": [], "b": said("one two")}, "a") == []


# In the mailbox


@pytest.fixture
def health(tmp_path: Path) -> Health:
    """Two customers: one writes of the label printer, and lately cannot log in."""
    made = mailhealth.open(tmp_path / "acme.db")
    made.us("acme.example")
    inbox.add_source(made.db, inbox.Source("box", "mbox", {}))
    ours, globex, initech = "support@acme.example", "ann@globex.example", "bo@initech.example"
    items = [
        letter(f"g{n}", globex, ours, day=31 + n, subject="",
               text=f"We cannot log in at site {n}, and the label printer jams.")
        for n in range(12)
    ]  # fmt: skip
    items += [
        letter(f"h{n}", globex, ours, day=n, subject="", text=f"Lunch in canteen {n} was fine.")
        for n in range(20)
    ]
    items += [
        letter(f"i{n}", initech, ours, day=1.5 * n, subject="", text=f"Lunch menu {n}, lovely.")
        for n in range(40)
    ]
    items.append(letter("o", ours, globex, day=40, subject="", text="log in, log in"))
    items.append(letter("m", globex, ours, day=41, subject="", text="log in", kind="auto_reply"))
    inbox.save(made.db, "box", items, known_at=0)
    people.assign(made.db)
    return made


def test_a_topic_rises_where_its_share_is_clearly_larger_than_before(health: Health) -> None:
    login, *rest = health.topics(customer="globex.example", as_of=AS_OF, days=30)

    assert (login.kind, login.name, login.trend) == ("topic", "Login", "rising")
    assert (login.mails, login.of, login.mails_before, login.of_before) == (12, 12, 0, 20)
    assert login.low is not None and 0 < login.low < 1
    assert "label printer jams" in [each.name for each in rest if each.kind == "phrase"]


def test_only_what_customers_wrote_before_the_day_counts(health: Health) -> None:
    (login,) = [
        each for each in health.topics(as_of="2026-02-06", days=30, lang="ja")
        if each.kind == "topic"
    ]  # fmt: skip

    assert login.name == "ログイン"
    assert login.mails == 5


def test_without_mail_before_no_change_is_told(health: Health) -> None:
    login = health.topics(customer="globex.example", as_of=AS_OF, days=100)[0]

    assert (login.of_before, login.change, login.low, login.trend) == (0, None, None, "")


def test_topics_are_kept_and_found_anew_only_for_another_taxonomy(health: Health) -> None:
    query = "select count(*), count(distinct model) from annotations where task = 'topic'"
    health.topics(as_of=AS_OF)
    first = health.db.execute(query).fetchone()

    own = health.topics(as_of=AS_OF, page='[topic.food]\nen = ["lunch"]')
    second = health.db.execute(query).fetchone()
    remembered = health.topics(as_of=AS_OF)
    back = health.topics(as_of=AS_OF, page="")

    assert (tuple(first), tuple(second)) == ((12, 1), (60, 1))
    assert [each.name for each in own if each.kind == "topic"] == ["food"]
    assert remembered == own
    assert [each.name for each in back if each.kind == "topic"] == ["Login"]


def test_a_wrong_taxonomy_changes_nothing(health: Health) -> None:
    with pytest.raises(BadData):
        health.topics(page="[topic.a]")

    assert health.topics(as_of=AS_OF)[0].name == "Login"


def test_an_unknown_customer_is_refused(health: Health) -> None:
    with pytest.raises(UnknownName, match=r"globex\.example"):
        health.topics(customer="globex.exampel")


def test_an_empty_mailbox_has_no_topics(tmp_path: Path) -> None:
    assert mailhealth.open(tmp_path / "empty.db").topics() == []


def invoke(health: Health, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--db", str(health.path), "topics", *arguments])


def test_the_verb_prints_json_and_a_table(health: Health) -> None:
    given = ("--customer", "globex.example", "--as-of", AS_OF, "--days", "30")

    rows = json.loads(invoke(health, *given, "--json").stdout)
    table = invoke(health, *given, "--lang", "ja").stdout

    assert rows[0]["name"] == "Login"
    assert rows[0]["trend"] == "rising"
    assert {row["kind"] for row in rows} == {"topic", "phrase"}
    assert "ログイン" in table and "増加" in table


def test_the_verb_prints_the_shipped_taxonomy_and_refuses_a_wrong_one(
    health: Health, tmp_path: Path
) -> None:
    wrong = tmp_path / "mine.toml"
    wrong.write_text('[topic.a]\nenglish = ["b"]', "utf-8")

    printed = invoke(health, "--print")
    refused = invoke(health, "--topics", str(wrong))

    assert printed.stdout == topics.shipped()
    assert refused.exit_code == 1
    assert "mine.toml, [topic.a]: unknown key 'english'" in refused.output
