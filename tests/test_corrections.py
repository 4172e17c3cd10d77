"""A person's word against the model's: what counts, what stays, and thresholds that follow."""

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlite_utils import Database

from mailhealth import nlp
from mailhealth.cli import main
from mailhealth.errors import BadData, UnknownName
from mailhealth.health import Health
from mailhealth.records import Annotation, Text
from mailhealth.store import annotations, corrections, inbox, people, results
from tests.letters import letter

AS_OF = "2026-03-01T00:00:00Z"
LEAVING = "We want to cancel our subscription at the end of the month."
INTENTS = ("cancel", "complaint", "praise")


@pytest.fixture
def health(tmp_path: Path) -> Iterator[Health]:
    with Health(tmp_path / "acme.db") as health:
        health.us("acme.example")
        inbox.add_source(health.db, inbox.Source("support", "mbox", {"path": "support.mbox"}))
        yield health


def keep(health: Health, *texts: str) -> None:
    """Mails m0, m1 ... of one customer."""
    mails = [
        letter(f"m{n}", "ann@globex.example", "help@acme.example", day=50, text=text, subject="Hi")
        for n, text in enumerate(texts)
    ]
    inbox.save(health.db, "support", mails, known_at=0)
    people.assign(health.db)


def read(health: Health, **chances: float) -> None:
    """Let an invented model read every mail: it tells what is likelier than a half."""
    for texts in results.unread(health.db, "invented@1"):
        annotations.save(
            health.db, annotations.MAILS, [guess(text.id, **chances) for text in texts]
        )


def guess(message: str, **chances: float) -> Annotation:
    return Annotation(
        id=message,
        lang="en",
        sentiment="negative",
        score=-0.8,
        probabilities={},
        intents=dict.fromkeys(INTENTS, 0.01) | chances,
        labels=tuple(name for name, chance in chances.items() if chance >= 0.5),
        topics=(),
        nps=None,
        csat=None,
        model="invented@1",
    )


def counts(db: Database, message: str = "m0") -> set[tuple[str, str]]:
    rows = db.execute("select task, label from readings where message = ?", [message]).fetchall()
    return {(task, label) for task, label in rows}


def test_a_correction_wins_and_the_models_word_stays(health: Health) -> None:
    keep(health, "one")
    read(health, cancel=0.9)

    health.correct("m0", sentiment="neutral", intents=["praise"], note="it is irony")

    assert counts(health.db) == {("sentiment", "neutral"), ("intent", "praise")}
    kept = health.db.execute(
        "select task, label from annotations where model = 'invented@1'"
    ).fetchall()
    assert kept == [("intent", "cancel"), ("sentiment", "negative")]
    assert health.corrections()[0]["note"] == "it is irony"
    assert health.corrections()[0]["intents_read"] == "cancel"


def test_what_a_correction_does_not_say_is_still_the_models(health: Health) -> None:
    keep(health, "one")
    read(health, cancel=0.9)

    health.correct("m0@mail.example", sentiment="positive")

    assert counts(health.db) == {("sentiment", "positive"), ("intent", "cancel")}


def test_no_intent_at_all_is_a_correction_too(health: Health) -> None:
    keep(health, "one")
    read(health, cancel=0.9)

    health.correct("m0", intents=[])

    assert counts(health.db) == {("sentiment", "negative")}


def test_a_second_correction_adds_to_the_first_and_clearing_takes_both_back(
    health: Health,
) -> None:
    keep(health, "one")
    read(health, cancel=0.9)
    before = counts(health.db)

    health.correct("m0", sentiment="positive")
    health.correct("m0", intents=["praise"])
    corrected = counts(health.db)
    health.clear_correction("m0")

    assert corrected == {("sentiment", "positive"), ("intent", "praise")}
    assert counts(health.db) == before


def test_signals_count_the_correction(health: Health) -> None:
    keep(health, LEAVING)
    health.read_texts()
    health.evaluate([AS_OF])
    before = _value(health, "cancel_mails")

    health.correct("m0", intents=["billing"])
    health.evaluate([AS_OF])

    assert (before, _value(health, "cancel_mails")) == (1, 0)


def _value(health: Health, signal: str) -> float:
    frame = health.signals(as_of=AS_OF)
    return float(frame[(frame.signal == signal) & (frame.window_days == 90)].k.iloc[0])


def test_a_new_model_reads_corrected_mails_too_and_the_correction_stays(health: Health) -> None:
    keep(health, LEAVING)
    read(health, cancel=0.9)
    health.correct("m0", intents=["praise"])

    again = health.read_texts()

    assert again == 1
    assert ("intent", "praise") in counts(health.db)
    assert ("intent", "cancel") not in counts(health.db)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["m0", "--sentiment", "negativ"], "did you mean 'negative'?"),
        (["m0", "--intents", "cancel,biling"], "did you mean 'billing'?"),
        (["m0@mail.exmple", "--sentiment", "neutral"], "did you mean 'm0@mail.example'?"),
        (["zzzzzz", "--sentiment", "neutral"], "'mailhealth explain CUSTOMER'"),
        (["m0"], "say what it is"),
        (["--sentiment", "neutral"], "name the MESSAGE"),
        (["--thresholds"], "a threshold needs 20 corrected mails"),
    ],
)
def test_a_wrong_word_is_told_with_the_nearest_right_one(
    health: Health, arguments: list[str], says: str
) -> None:
    keep(health, "one")

    run = CliRunner().invoke(main, ["--db", str(health.path), "correct", *arguments])

    assert run.exit_code != 0
    assert says in run.output


def test_a_mail_of_ours_is_not_corrected(health: Health) -> None:
    ours = letter("a0", "tom@acme.example", "ann@globex.example")
    inbox.save(health.db, "support", [ours], known_at=0)
    people.assign(health.db)

    with pytest.raises(UnknownName, match="not written by a customer"):
        health.correct("a0", sentiment="neutral")


def test_the_verb_corrects_lists_and_clears(health: Health) -> None:
    keep(health, "one")
    run = CliRunner()
    verb = ["--db", str(health.path), "correct"]

    done = run.invoke(main, [*verb, "<m0@mail.example>", "--intents", "cancel, praise"])
    listed = run.invoke(main, [*verb, "--csv"])
    cleared = run.invoke(main, [*verb, "m0", "--clear"])

    assert (done.exit_code, listed.exit_code, cleared.exit_code) == (0, 0, 0)
    assert "cancel, praise" in listed.output
    assert health.corrections() == []


def _corrected(health: Health, *, sure: float, unsure: float) -> None:
    """Twenty mails that leave and twenty that only sound like it."""
    keep(health, *(f"text {n}" for n in range(40)))
    for texts in results.unread(health.db, "invented@1"):
        annotations.save(
            health.db,
            annotations.MAILS,
            [guess(t.id, cancel=sure if int(t.id[1:]) < 20 else unsure) for t in texts],
        )
    for n in range(40):
        intents = ["cancel"] if n < 20 else []
        corrections.correct(health.db, f"m{n}", at=0, intents=intents)


def test_twenty_corrections_raise_the_threshold_of_an_intent(health: Health) -> None:
    _corrected(health, sure=0.9, unsure=0.7)
    keep(health, *(f"text {n}" for n in range(40)), "another")
    read(health, cancel=0.7)

    chosen = corrections.choose(health.db, "invented@1", INTENTS)

    assert chosen[0].value == pytest.approx(0.8, abs=0.05)
    assert [each.value for each in chosen[1:]] == [None, None]
    assert (chosen[0].n, chosen[0].precision, chosen[0].recall) == (40, 1, 1)
    assert counts(health.db, "m40") == {("sentiment", "negative")}


def test_a_lower_threshold_tells_what_the_model_kept_to_itself(health: Health) -> None:
    _corrected(health, sure=0.4, unsure=0.1)
    keep(health, *(f"text {n}" for n in range(40)), "another")
    read(health, cancel=0.4)
    before = counts(health.db, "m40")

    corrections.choose(health.db, "invented@1", INTENTS)
    chosen = counts(health.db, "m40")
    corrections.shipped(health.db)

    assert before == counts(health.db, "m40") == {("sentiment", "negative")}
    assert chosen == {("sentiment", "negative"), ("intent", "cancel")}


def test_nineteen_corrections_are_too_few(health: Health) -> None:
    keep(health, *(f"text {n}" for n in range(19)))
    read(health, cancel=0.9)
    for n in range(19):
        corrections.correct(health.db, f"m{n}", at=0, intents=["cancel"])

    with pytest.raises(BadData, match="no intent has more than 19"):
        corrections.choose(health.db, "invented@1", INTENTS)


def test_the_same_words_are_read_once(health: Health) -> None:
    keep(health, "Thank you", "Thank you", "Something else")
    seen: list[Text] = []
    for texts in results.unread(health.db, "invented@1"):
        seen += texts
        annotations.save(
            health.db, annotations.MAILS, [guess(text.id, praise=0.9) for text in texts]
        )
    keep(health, "Thank you", "Thank you", "Something else", "Thank you")

    later = [text for texts in results.unread(health.db, "invented@1") for text in texts]

    assert [text.text for text in seen] == ["Thank you", "Something else"]
    assert later == []
    assert annotations.count_unread(health.db, annotations.MAILS, "invented@1") == 0
    assert counts(health.db, "m0") == counts(health.db, "m1") == counts(health.db, "m3")


def test_another_language_or_subject_makes_other_words(health: Health) -> None:
    to = "help@acme.example"
    mails = [
        letter("a", "ann@globex.example", to, text="OK", subject="Hi"),
        letter("b", "ann@globex.example", to, text="OK", subject="Your offer"),
        letter("c", "ann@globex.example", to, text="OK", subject="Hi", lang="de"),
    ]
    inbox.save(health.db, "support", mails, known_at=0)
    people.assign(health.db)

    found = next(results.unread(health.db, "invented@1"))

    assert len(found) == 3


def test_a_new_version_reads_again_and_the_old_annotations_stay(
    health: Health, tmp_path: Path
) -> None:
    keep(health, LEAVING, LEAVING)
    folders = [str(_version(tmp_path, number)) for number in (1, 2)]

    numbers = []
    for folder in [*folders, folders[1]]:
        numbers.append(0)
        for texts in results.unread(health.db, nlp.version(folder)):
            numbers[-1] += len(texts)
            annotations.save(health.db, annotations.MAILS, nlp.annotate(texts, model=folder))

    models = health.db.execute(
        "select distinct model from annotations where message = 'm1' order by 1"
    ).fetchall()
    assert numbers == [1, 1, 0]
    assert models == [(nlp.version(folder),) for folder in folders]


def _version(tmp_path: Path, number: int) -> Path:
    """A copy of the shipped model that calls itself another version."""
    folder = tmp_path / f"v{number}"
    shutil.copytree(
        str(files("mailhealth.models") / "mail"), folder, ignore=shutil.ignore_patterns("data")
    )
    card = (folder / "model.toml").read_text("utf-8")
    card = re.sub(r"(?m)^version = \d+$", f"version = {number}", card, count=1)
    (folder / "model.toml").write_text(card, "utf-8")
    return folder
