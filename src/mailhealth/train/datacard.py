"""The tables of the data card: what the written mails hold, counted from the files."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from mailhealth.train import recipe
from mailhealth.train.card import section

VOICES = ["voice", "part", "mails", "median length", "negative", "neutral", "positive"]
VOICES += ["no intent", "two or more", "hard"]
AGREEMENT = ["label", "en: same", "kappa", "ja: same", "kappa"]
LANGS = ("en", "ja")

Mail = Mapping[str, Any]


def tables(folder: Path) -> str:
    """Print the counts of a model folder's mails, and how two labellings agreed, as Markdown.

    Reads the voices that the recipe names and `data/agreement.json`.
    """
    model = recipe.read(folder)
    mails = {
        (voice, part): _read(folder / source["file"] / f"{voice}.jsonl")
        for source in model["recipe"]["source"]
        for part, voices in source.get("voices", {}).items()
        for voice in voices
    }
    agreed = json.loads((folder / "data" / "agreement.json").read_text("utf-8"))
    parts = sorted({part for _, part in mails}, key=["train", "dev", "test"].index)
    head = ["intent", *(f"{lang} {part}" for lang in LANGS for part in parts)]
    intents = (_intent(name, mails, parts) for name in model["intents"])
    return "\n".join(
        [
            *section("Voices", VOICES, (_voice(*key, mails[key]) for key in sorted(mails))),
            *section("Mails with an intent", head, intents),
            *section("Two labellings", AGREEMENT, _agreement(agreed, model["intents"])),
            *(_decided(lang, agreed[lang]) for lang in LANGS),
        ]
    )


def _read(path: Path) -> list[Mail]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def _voice(voice: str, part: str, mails: Sequence[Mail]) -> list[str]:
    feelings = Counter(mail["sentiment"] for mail in mails)
    several = sum(len(mail["intents"]) > 1 for mail in mails)
    return [
        voice,
        part,
        str(len(mails)),
        f"{median(len(mail['text']) for mail in mails):.0f}",
        *(str(feelings[name]) for name in ("negative", "neutral", "positive")),
        str(sum(not mail["intents"] for mail in mails)),
        str(several),
        str(sum(bool(mail["hard"]) for mail in mails)),
    ]


def _intent(
    name: str, mails: Mapping[tuple[str, str], Sequence[Mail]], parts: Sequence[str]
) -> list[str]:
    counts: Counter[tuple[str, str]] = Counter()
    for (voice, part), some in mails.items():
        counts[voice[:2], part] += sum(name in mail["intents"] for mail in some)
    return [name, *(str(counts[lang, part]) for lang in LANGS for part in parts)]


def _agreement(agreed: Mapping[str, Any], intents: Sequence[str]) -> list[list[str]]:
    rows = []
    for name in ("sentiment", *intents):
        found = [
            agreed[lang]["sentiment"] if name == "sentiment" else agreed[lang]["intents"][name]
            for lang in LANGS
        ]
        rows.append([name, *(f"{each[key]:.3f}" for each in found for key in ("agree", "kappa"))])
    return rows


def _decided(lang: str, agreed: Mapping[str, Any]) -> str:
    return (
        f"{lang}: of {agreed['mails']:,} mails {agreed['whole']:.1%} were labelled the same in "
        f"every respect; {agreed['decided']} were decided anew, {agreed['dropped']} dropped.\n"
    )
