"""Every folder in models/: whole, carded with its own numbers, and still right where it was."""

import csv
import hashlib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mailhealth import nlp
from mailhealth.records import Text
from mailhealth.train import card, measure, reading, recipe, written

MODELS = Path(str(resources.files("mailhealth.models")))
FOLDERS = sorted(path.parent for path in MODELS.glob("*/model.toml"))
MOST = 60_000_000  # bytes of one model in the repository
SOURCES = Path(__file__).parents[1] / "models"  # with the mails, which no wheel carries
POINT = 0.01
EVERY = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def _model(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "model.toml").read_text("utf-8"))


def test_there_is_a_model() -> None:
    assert "mail" in {folder.name for folder in FOLDERS}


@EVERY
def test_the_files_are_the_trained_ones(folder: Path) -> None:
    for name, digest in _model(folder)["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


@EVERY
def test_a_model_is_small_enough_for_the_repository(folder: Path) -> None:
    size = sum((folder / name).stat().st_size for name in _model(folder)["files"])

    assert size <= MOST


@EVERY
def test_the_card_shows_the_measured_numbers(folder: Path) -> None:
    text = (folder / "README.md").read_text("utf-8")

    assert card.tables(_model(folder)) in text


@EVERY
def test_the_notice_names_every_source(folder: Path) -> None:
    notice = " ".join((Path(__file__).parents[1] / "NOTICE").read_text("utf-8").split())

    for source in _model(folder)["recipe"]["source"]:
        assert source["title"] in notice
        assert source["licence"] in notice


def _mails(folder: Path, part: str) -> list[written.Example]:
    """The whole mails of one part, as they were sent."""
    model = recipe.read(folder)
    return [
        mail
        for source in model["recipe"]["source"]
        for voice in source.get("voices", {}).get(part, [])
        for mail in written.mails(
            SOURCES / folder.name / source["file"] / f"{voice}.jsonl", model, source, part=part
        )
        if mail.source == source["name"]
    ]


@EVERY
def test_no_mail_is_in_two_parts(folder: Path) -> None:
    texts = [{mail.text for mail in _mails(folder, part)} for part in ("train", "dev", "test")]

    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])


@EVERY
def test_the_shipped_file_still_earns_its_numbers_on_writers_it_never_read(folder: Path) -> None:
    mails = _mails(folder, "test")
    model = _model(folder)

    found = measure.scores(model, mails, reading.read(folder, mails)) if mails else {}

    for table, key in (("sentiment", "macro_f1"), ("mails", "micro_f1"), ("mails", "macro_f1")):
        told = {(r["source"], r["lang"]): r[key] for r in model["scores"].get(table, ())}
        for row in found.get(table, ()):
            assert row[key] == pytest.approx(told[row["source"], row["lang"]], abs=POINT)


@EVERY
def test_our_own_sentences_have_no_twin_on_the_other_side_of_the_split(folder: Path) -> None:
    with (folder / "written.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

    taught = {row["text"] for row in rows if row["part"] == "train"}
    asked = [row["text"] for row in rows if row["part"] == "test"]
    assert not taught & set(asked)
    assert len(asked) == len(set(asked))


def test_the_mail_model_is_still_right_on_the_frozen_sample() -> None:
    folder = MODELS / "mail"
    with (folder / "written.tsv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if row["part"] == "test"
        ]

    found = list(nlp.annotate(Text(r["text"], r["text"], lang=r["lang"]) for r in rows))

    for lang in ("en", "ja"):
        pairs = [(r, f) for r, f in zip(rows, found, strict=True) if r["lang"] == lang]
        right = sum(r["sentiment"] == f.sentiment for r, f in pairs)
        assert right >= 0.7 * len(pairs), lang
        leaving = [f for r, f in pairs if "cancel" in r["intents"].split(",")]
        assert sum("cancel" in f.labels for f in leaving) >= 0.6 * len(leaving), lang
