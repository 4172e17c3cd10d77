"""The transformer: texts in, probabilities out, on onnxruntime and tokenizers alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mailhealth.errors import BadData
from mailhealth.nlp import folder as model_folder

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Reader:
    """A loaded model. `temperature` divides the sentiment logits: 1 means as trained."""

    session: Any
    tokenizer: Any
    sentiments: tuple[str, ...]
    intents: tuple[str, ...]
    languages: frozenset[str]
    thresholds: Mapping[str, float]
    temperature: float
    version: str


def load(model: str) -> Reader:
    """Load a model by name or path; raise UnknownName or BadData where that cannot be."""
    return load_folder(model_folder.find(model))


@cache
def load_folder(folder: Path) -> Reader:
    """Load a model folder once a process; raise BadData where it is not whole."""
    card = model_folder.describe(folder)
    model_folder.check(folder, card)
    try:
        return _load(folder, card)
    except Exception as error:  # two libraries with roots of their own, and whatever TOML holds
        raise BadData(f"The model in {folder} cannot be loaded; restore or retrain it.") from error


def _load(folder: Path, card: Mapping[str, Any]) -> Reader:
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    if session.get_outputs()[0].shape[-1] != len(card["sentiments"]) + len(card["intents"]):
        raise ValueError("the weights have another number of labels")
    thresholds = card["calibration"]["thresholds"]
    return Reader(
        session,
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        tuple(card["sentiments"]),
        tuple(card["intents"]),
        frozenset(card["languages"]),
        {intent: float(thresholds[intent]) for intent in card["intents"]},
        float(card["calibration"]["temperature"]),
        model_folder.version(str(folder)),
    )


def logits(reader: Reader, texts: Sequence[str], *, longest: int) -> Floats:
    """Read texts: (texts, sentiments + intents) logits; beyond `longest` tokens a text is cut.

    One text at a time: on one thread a batch gains 5 %, and then what else is in the batch
    would move the last digits, and now and then a label.
    """
    width = len(reader.sentiments) + len(reader.intents)
    answer = np.zeros((len(texts), width), np.float32)
    for row, coding in enumerate(reader.tokenizer.encode_batch(list(texts))):
        ids = np.array([coding.ids[:longest]], np.int64)
        answer[row] = reader.session.run(None, {"input_ids": ids})[0][0]
    return answer


def probabilities(reader: Reader, found: Floats) -> tuple[Floats, Floats]:
    """Turn logits into sentiments (rows sum to 1) and intents (each for itself)."""
    feelings = found[:, : len(reader.sentiments)] / reader.temperature
    raised = np.exp(feelings - feelings.max(axis=1, keepdims=True))
    wants = 1 / (1 + np.exp(-np.clip(found[:, len(reader.sentiments) :], -60, 60)))
    return raised / raised.sum(axis=1, keepdims=True), wants
