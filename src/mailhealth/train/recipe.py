"""The recipe: which files, whose labels mean what, and which rows are for training."""

import gzip
import hashlib
import json
import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailhealth.errors import BadData
from mailhealth.train import written
from mailhealth.train.example import NO, UNKNOWN, YES, Example

TENTHS = 10  # of a file without a split of its own: one tenth test, one tenth dev

Row = Mapping[str, Any]


def read(folder: Path) -> dict[str, Any]:
    """Read `model.toml` of a model folder; raise BadData where it is no recipe."""
    path = folder / "model.toml"
    try:
        model = tomllib.loads(path.read_text("utf-8"))
        for source in model["recipe"]["source"]:
            source.setdefault("name", source["file"].split(".")[0])
        _check(model)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadData(
            f"{path} is no recipe ({error}); it needs sentiments, intents and [recipe]."
        ) from error
    return model


def _check(model: Mapping[str, Any]) -> None:
    for source in model["recipe"]["source"]:
        named = {*source.get("yes", {}), *source.get("unsure", {}), *source.get("knows", ())}
        unknown = named - set(model["intents"]) | set(source.get("sentiment", {})) - set(
            model["sentiments"]
        )
        if unknown:
            raise ValueError(f"{source['file']} teaches {', '.join(sorted(unknown))}")


def examples(model: Row, folder: Path, data: Path) -> Iterator[Example]:
    """Yield every example of the recipe, train, dev and test.

    A file is looked for in the model's own folder, then in `data`.
    """
    for source in model["recipe"]["source"]:
        for part, name in _parts(source):
            path = place(name, folder, data)
            if path.suffix == ".tsv":
                yield from written.sentences(path, model, source)
            elif path.suffix == ".jsonl":
                yield from written.mails(path, model, source, part=part)
            else:
                yield from _capped(_translated(path, model, source), source, model["recipe"])


def names(model: Row) -> list[str]:
    """Name every data file of the recipe."""
    return [name for source in model["recipe"]["source"] for _, name in _parts(source)]


def _parts(source: Row) -> list[tuple[str, str]]:
    """Name a source's files with their part; "" where a file holds all parts.

    Mails have one file a voice, so no voice can be in two parts.
    """
    if "voices" not in source:
        return [("", source["file"])]
    return [
        (part, f"{source['file']}/{voice}.jsonl")
        for part, voices in source["voices"].items()
        for voice in voices
    ]


def place(name: str, folder: Path, data: Path) -> Path:
    """Find a recipe's file beside the recipe or in the data folder."""
    for path in (folder / name, data / name):
        if path.is_file():
            return path
    raise BadData(f"The recipe's file {name} is neither in {folder} nor in {data}.")


def fingerprint(path: Path) -> str:
    """Hash a file: SHA-256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _translated(path: Path, model: Mapping[str, Any], source: Row) -> Iterator[tuple[str, Example]]:
    """Yield (first label of the row, example)."""
    seen = set()
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            text = " ".join(row["text"].split())
            if text.lower() in seen or len(text.split()) < source.get("words", 1):
                continue
            seen.add(text.lower())
            labels = _labels(row[source["field"]])
            sentiment = _sentiment(labels, model, source)
            intents = tuple(_intent(intent, labels, text, source) for intent in model["intents"])
            name = model["sentiments"][sentiment] if sentiment != UNKNOWN else ""
            weight = source.get("weight", 1.0) * source.get("light", {}).get(name, 1.0)
            example = Example(
                text, row["lang"], sentiment, intents, weight, source["name"], _part(row, source)
            )
            yield (labels[0] if labels else ""), example


def _labels(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(label) for label in value]
    return [] if value is None else [str(value)]


def _sentiment(labels: list[str], model: Mapping[str, Any], source: Row) -> int:
    for name, theirs in source.get("sentiment", {}).items():
        if set(labels) & set(theirs):
            return int(model["sentiments"].index(name))
    return UNKNOWN


def _intent(intent: str, labels: list[str], text: str, source: Row) -> int:
    """Translate: unsure beats yes, yes beats the question mark, silence is NO only if meant."""
    if set(labels) & set(source.get("unsure", {}).get(intent, ())):
        return UNKNOWN
    if set(labels) & set(source.get("yes", {}).get(intent, ())):
        return YES
    pattern = source.get("says", {}).get(intent)
    if pattern and re.search(pattern, text, re.IGNORECASE):
        return YES
    if intent == "question" and source.get("questions") and text.endswith(("?", "？")):
        return YES
    return NO if intent in source.get("knows", ()) else UNKNOWN


def _part(row: Row, source: Row) -> str:
    if "test" in source and row["split"] == source["test"]:
        return "test"
    group = str(row.get(source.get("group", "text")))
    tenth = int(hashlib.sha256(group.encode()).hexdigest(), 16) % TENTHS
    if tenth == 0 and "test" not in source:
        return "test"
    return "dev" if tenth == 1 else "train"


def _capped(rows: Iterator[tuple[str, Example]], source: Row, recipe: Row) -> Iterator[Example]:
    """Yield a sample, drawn by a hash that holds the seed, of the rows that teach anything.

    For training at most `each` (or `each_yes`) of a label, for dev and test at most `measured`.
    """

    def draw(row: tuple[str, Example]) -> str:
        return hashlib.sha256(f"{recipe['seed']} {row[1].text}".encode()).hexdigest()

    taken: Counter[str] = Counter()
    for label, example in sorted(rows, key=draw):
        if example.sentiment == UNKNOWN and set(example.intents) == {UNKNOWN}:
            continue
        measured = example.part != "train"
        pile = f"part {example.part}" if measured else f"label {label}"
        taken[pile] += 1
        if taken[pile] <= (recipe["measured"] if measured else _cap(example, source)):
            yield example


def _cap(example: Example, source: Row) -> float:
    each: float = source.get("each", math.inf)
    teaches = any(known == YES for known in example.intents)
    return float(source.get("each_yes", each)) if teaches else each
