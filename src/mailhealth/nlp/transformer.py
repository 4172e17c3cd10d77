"""Any Hugging Face model for text classification or inference, answering in our labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from mailhealth.errors import BadData
from mailhealth.nlp.reader import Network, sigmoid, softmax
from mailhealth.nlp.runtimes import Floats

LONGEST = 512  # tokens of a window: what most models learnt from
LEAST = 1e-7  # a probability of 0 has no logarithm
BATCH = 16  # texts on a GPU; on a CPU one at a time, so that none moves another's answer


def classifier(
    name: str, labels: Sequence[str], mapped: Mapping[str, str], *, several: bool | None = None
) -> Network:
    """Load a model for text classification; `mapped` translates its labels to ours.

    Several of its labels may be one of ours: their probabilities are added. `several` says that
    its labels do not exclude each other (None: as its configuration says). Raises BadData for a
    model that cannot be loaded or has other labels.
    """
    model, tokenizer = _load(name)
    theirs = {str(label): int(number) for number, label in model.config.id2label.items()}
    if wrong := [label for label in mapped if label not in theirs]:
        raise BadData(f"{name} has no label {wrong[0]!r}; it has {', '.join(theirs)}.")
    if several is None:
        several = model.config.problem_type == "multi_label_classification"
    columns = [[theirs[each] for each in mapped if mapped[each] == label] for label in labels]
    exclusive = set(labels) >= {"negative", "positive"}

    def logits(texts: Sequence[str]) -> Floats:
        found = _run(model, tokenizer, [(text,) for text in texts])
        shares = sigmoid(found) if several else softmax(found)
        ours = np.stack([shares[:, column].sum(axis=1) for column in columns], axis=1)
        ours = np.clip(ours, LEAST, 1 - LEAST)
        answer: Floats = np.log(ours) if exclusive else np.log(ours) - np.log1p(-ours)
        return answer

    return Network(tokenizer.backend_tokenizer, _window(model, tokenizer), tuple(labels), logits)


def zero_shot(name: str, labels: Sequence[str], hypotheses: Mapping[str, str]) -> Network:
    """Load a model for inference; a label is as likely as its hypothesis follows from the text.

    (Yin, Hay and Roth 2019.) Each label is weighed against its own contradiction. Raises BadData
    for a model that cannot be loaded or does not know entailment.
    """
    model, tokenizer = _load(name)
    theirs = {str(label).lower(): int(n) for n, label in model.config.id2label.items()}
    yes = next((n for label, n in theirs.items() if label.startswith("entail")), None)
    if yes is None:
        raise BadData(f"{name} cannot say what follows; zero_shot needs a model with 'entailment'.")
    no = next((n for label, n in theirs.items() if label.startswith(("contra", "not"))), 1 - yes)
    room = max(len(tokenizer(each)["input_ids"]) for each in hypotheses.values())
    answered = [label for label in labels if label in hypotheses]

    def logits(texts: Sequence[str]) -> Floats:
        pairs = [(text, hypotheses[label]) for text in texts for label in answered]
        found = _run(model, tokenizer, pairs)
        odds = (found[:, yes] - found[:, no]).reshape(len(texts), len(answered))
        answer = np.full((len(texts), len(labels)), np.log(LEAST), np.float32)
        answer[:, [labels.index(label) for label in answered]] = odds
        return answer

    window = max(_window(model, tokenizer) - room, 16)
    return Network(tokenizer.backend_tokenizer, window, tuple(labels), logits)


def _load(name: str) -> tuple[Any, Any]:
    try:
        model = AutoModelForSequenceClassification.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name)
        _ = tokenizer.backend_tokenizer  # slow tokenizers have none
    except Exception as error:  # a hub, a pickle, a configuration: each has roots of its own
        raise BadData(
            f"No model for text classification can be loaded from {name}; give a Hugging Face name "
            "or a folder that save_pretrained wrote."
        ) from error
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def _window(model: Any, tokenizer: Any) -> int:
    # RoBERTa counts positions from 2
    places = getattr(model.config, "max_position_embeddings", LONGEST + 2) - 2
    return int(min(tokenizer.model_max_length, places, LONGEST))


@torch.inference_mode()
def _run(model: Any, tokenizer: Any, texts: Sequence[tuple[str, ...]]) -> Floats:
    """Read texts, or pairs of text and hypothesis: (texts x the model's labels) logits."""
    size = BATCH if model.device.type == "cuda" else 1
    longest = _window(model, tokenizer)
    found = []
    for start in range(0, len(texts), size):
        parts = [list(part) for part in zip(*texts[start : start + size], strict=True)]
        coded = tokenizer(
            *parts, truncation=True, max_length=longest, padding=True, return_tensors="pt"
        )
        found.append(model(**coded.to(model.device)).logits.float().cpu().numpy())
    return np.concatenate(found)
