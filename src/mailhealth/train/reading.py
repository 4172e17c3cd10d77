"""What a model folder answers for examples, as arrays: the same path that a user's mail takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mailhealth import nlp
from mailhealth.records import Text
from mailhealth.train.example import UNKNOWN, Example

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

LEAST = 1e-7  # a probability of 0 has no logarithm


@dataclass(frozen=True, slots=True)
class Readings:
    """Answers, one row an example.

    `feelings` (rows x sentiments) and `wants` (rows x intents) are probabilities, 0 where a text
    was not read; `sentiments` are indices (UNKNOWN where not read) and `labels` (rows x intents)
    flags: what is told after the thresholds.
    """

    feelings: Floats
    wants: Floats
    sentiments: Numbers
    labels: Flags

    def rows(self, numbers: Sequence[int]) -> "Readings":
        """Take some rows."""
        return Readings(
            self.feelings[numbers],
            self.wants[numbers],
            self.sentiments[numbers],
            self.labels[numbers],
        )


def read(folder: Path, examples: Sequence[Example]) -> Readings:
    """Read examples with the model in a folder, each in its own language."""
    texts = (Text(str(n), example.text, lang=example.lang) for n, example in enumerate(examples))
    card = nlp.folder.describe(folder)
    names, intents = list(card["sentiments"]), list(card["intents"])
    found = list(nlp.annotate(texts, model=str(folder)))
    return Readings(
        np.array([[a.probabilities.get(name, 0.0) for name in names] for a in found]),
        np.array([[a.intents.get(name, 0.0) for name in intents] for a in found]),
        np.array([names.index(a.sentiment) if a.probabilities else UNKNOWN for a in found]),
        np.array([[name in a.labels for name in intents] for a in found], bool),
    )


def taught(folder: Path, examples: Sequence[Example]) -> list[Example]:
    """Give examples the probabilities of a larger model, also of what their labels leave open."""
    found = read(folder, examples)
    both = np.hstack([found.feelings, found.wants]).tolist()
    return [
        replace(example, taught=tuple(row)) if known else example
        for example, row, known in zip(examples, both, found.sentiments != UNKNOWN, strict=True)
    ]


def logits(probabilities: Floats) -> Floats:
    """Turn probabilities of things that exclude each other back into logits (up to a constant)."""
    found: Floats = np.log(np.clip(probabilities, LEAST, 1))
    return found


def log_odds(probabilities: Floats) -> Floats:
    """Turn probabilities of things that stand for themselves back into logits."""
    safe = np.clip(probabilities, LEAST, 1 - LEAST)
    found: Floats = np.log(safe) - np.log1p(-safe)
    return found


def softmax(found: Floats) -> Floats:
    """Turn logits (rows x classes) into probabilities."""
    raised = np.exp(found - found.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def sigmoid(found: Floats) -> Floats:
    """Turn log odds into probabilities."""
    answer: Floats = 1 / (1 + np.exp(-np.clip(found, -60, 60)))
    return answer
