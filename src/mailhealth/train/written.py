"""What was written for the project: whole mails by voice, and single sentences."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailhealth.errors import BadData
from mailhealth.nlp import words
from mailhealth.records import Text
from mailhealth.reply import courtesies, split
from mailhealth.store.results import matter
from mailhealth.train.example import NO, UNKNOWN, YES, Example

OWN_WORDS = "own words"  # a mail without its signature, greetings and closings, as a sync reads it

Table = Mapping[str, Any]


def sentences(path: Path, model: Table, source: Table) -> Iterator[Example]:
    """Read our own sentences (TSV); what they say of an intent that is not in `knows` is unknown.

    Columns: part, lang, sentiment, intents (with commas between), text.
    """
    knows = source.get("knows", model["intents"])
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            named = set(row["intents"].split(","))
            yield Example(
                row["text"],
                row["lang"],
                model["sentiments"].index(row["sentiment"]),
                tuple(
                    YES if name in named else NO if name in knows else UNKNOWN
                    for name in model["intents"]
                ),
                float(source.get("weight", 1)),
                source["name"],
                row["part"],
            )


def mails(path: Path, model: Table, source: Table, *, part: str) -> Iterator[Example]:
    """Read the mails of one voice (JSON lines); every intent is known.

    Each mail comes twice: as it was sent, and as a sync reads it, without signature, greetings
    and closings; when measuring, the second has a source name of its own. The file's name begins
    with its language. Raises BadData for a line that is no mail of this model.
    """
    lang, name, weight = path.stem[:2], source["name"], float(source.get("weight", 1))
    second = name if part == "train" else f"{name}, {OWN_WORDS}"
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            sentiment = model["sentiments"].index(row["sentiment"])
            intents = _known(row["intents"], model["intents"])
            whole, own = _texts(row, lang)
        except (ValueError, KeyError, TypeError) as error:
            raise BadData(f"{path}, line {number} is no labelled mail ({error}).") from error
        yield Example(whole, lang, sentiment, intents, weight, name, part)
        if own != whole or part != "train":
            yield Example(own, lang, sentiment, intents, weight, second, part)


def _known(named: list[str], intents: list[str]) -> tuple[int, ...]:
    strange = sorted(set(named) - set(intents))
    if strange:
        raise ValueError(f"there is no intent {', '.join(strange)}")
    return tuple(YES if name in named else NO for name in intents)


def _texts(row: Table, lang: str) -> tuple[str, str]:
    """A mail as it was sent and as a sync reads it; the subject is in both."""
    whole = words(Text(row["id"], row["text"], row["subject"], lang))
    said = split(row["text"]).new_text
    own = words(Text(row["id"], matter(said, courtesies(said)), row["subject"], lang))
    return whole.strip(), own.strip() or whole.strip()
