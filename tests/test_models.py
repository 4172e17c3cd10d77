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
from mailhealth.train import card

MODELS = Path(str(resources.files("mailhealth.models")))
FOLDERS = sorted(path.parent for path in MODELS.glob("*/model.toml"))
MOST = 30_000_000  # bytes of one model in the repository
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
