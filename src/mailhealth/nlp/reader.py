"""Windows of text in, probabilities out: networks, and how their answers become labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from spacy.tokens import Doc

from mailhealth.errors import BadData, MailhealthError
from mailhealth.nlp import folder as model_folder
from mailhealth.nlp import runtimes, windows
from mailhealth.nlp.runtimes import Floats

OTHER = "other"  # the calibration of every language that has none of its own


@dataclass(frozen=True, slots=True)
class Network:
    """Something that reads texts of at most `window` tokens: texts -> (texts x labels) logits."""

    tokenizer: Any
    window: int
    labels: tuple[str, ...]
    logits: Callable[[Sequence[str]], Floats]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Temperatures that divide the logits, and from which probability on a label is told."""

    sentiment: float
    intents: float
    thresholds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model: the networks that read sentiments and intents (often the same one)."""

    feelings: Network
    wants: Network
    sentiments: tuple[str, ...]
    intents: tuple[str, ...]
    languages: frozenset[str]
    calibrations: Mapping[str, Calibration]
    version: str

    def calibration(self, lang: str) -> Calibration:
        """Look up the calibration of a language."""
        return self.calibrations.get(lang, self.calibrations[OTHER])


def load(model: str) -> Reader:
    """Load a model by name or path; raise UnknownName or BadData where that cannot be."""
    return load_folder(model_folder.find(model))


@cache
def load_folder(place: Path) -> Reader:
    """Load a model folder, or a file that names other models, once a process.

    Raises BadData where something is not as it should be.
    """
    if place.suffix == ".toml":
        from mailhealth.nlp import foreign

        return foreign.load(place)
    card = model_folder.describe(place)
    model_folder.check(place, card)
    try:
        return _load(place, card)
    except MailhealthError:
        raise
    except Exception as error:  # libraries with roots of their own, and whatever TOML holds
        raise BadData(f"The model in {place} cannot be loaded; restore or retrain it.") from error


def _load(folder: Path, card: Mapping[str, Any]) -> Reader:
    network = _network(folder, card)
    tables = card["calibration"]
    return Reader(
        network,
        network,
        tuple(card["sentiments"]),
        tuple(card["intents"]),
        frozenset(card["languages"]),
        {lang: _calibration(tables[lang], card) for lang in tables if lang in _served(card)},
        model_folder.version(str(folder)),
    )


def _served(card: Mapping[str, Any]) -> set[str]:
    """The languages that may have a calibration."""
    return {*card["languages"], OTHER}


def _network(folder: Path, card: Mapping[str, Any]) -> Network:
    from tokenizers import Tokenizer

    labels = (*card["sentiments"], *card["intents"])
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    window = int(card.get("window", windows.LONGEST))
    run = runtimes.load(runtimes.choose(card.get("runtime", "")), folder / "model.onnx")
    if run([[0, 0]]).shape[1] != len(labels):
        raise ValueError("the weights have another number of labels")

    def logits(texts: Sequence[str]) -> Floats:
        codings = tokenizer.encode_batch(list(texts))
        return run([coding.ids[:window] for coding in codings])

    return Network(tokenizer, window, labels, logits)


def _calibration(table: Mapping[str, Any], card: Mapping[str, Any]) -> Calibration:
    limits = {intent: float(table["thresholds"][intent]) for intent in card["intents"]}
    limits["negative"] = float(table["thresholds"].get("negative", 0.0))
    return Calibration(float(table["sentiment"]), float(table["intents"]), limits)


def read(reader: Reader, docs: Sequence[Doc], lang: str) -> list[tuple[Floats, Floats] | None]:
    """Read documents of one language: the probabilities of sentiments and of intents of each.

    Sentiments sum to 1, intents stand for themselves; None where there is nothing to read.
    """
    warm = reader.calibration(lang)
    if reader.wants is reader.feelings:
        both = _answers(reader.feelings, (*reader.sentiments, *reader.intents), docs)
        answers = [np.split(each, [len(reader.sentiments)], axis=1) for each in both]
    else:
        apart = (
            _answers(reader.feelings, reader.sentiments, docs),
            _answers(reader.wants, reader.intents, docs),
        )
        answers = [list(each) for each in zip(*apart, strict=True)]
    return [
        windows.strongest(softmax(felt / warm.sentiment), sigmoid(wanted / warm.intents))
        if len(felt)
        else None
        for felt, wanted in answers
    ]


def _answers(network: Network, names: Sequence[str], docs: Sequence[Doc]) -> list[Floats]:
    """The logits of some labels for each document's windows (windows x labels)."""
    texts = [windows.cut(doc, network.tokenizer, network.window) for doc in docs]
    flat = [text for cut in texts for text in cut]
    columns = [network.labels.index(name) for name in names]
    found = network.logits(flat)[:, columns] if flat else np.zeros((0, len(columns)), np.float32)
    stops = np.cumsum([len(cut) for cut in texts])
    return np.split(found, stops[:-1]) if texts else []


def softmax(logits: Floats) -> Floats:
    """Turn logits (rows x classes) into probabilities of things that exclude each other."""
    raised: Floats = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def sigmoid(logits: Floats) -> Floats:
    """Turn logits into probabilities of things that stand for themselves."""
    answer: Floats = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    return answer
