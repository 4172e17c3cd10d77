"""What a model is worth: precision, recall and F1 per label, against a baseline."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mailhealth.nlp.reader import Floats
from mailhealth.train.recipe import UNKNOWN, YES, Example

Numbers = npt.NDArray[np.int64]
GRID = np.arange(0.3, 0.96, 0.025)  # thresholds tried; below that a label is a guess
HEAT = np.arange(0.6, 3.01, 0.1)  # temperatures tried
FEW = 10  # fewer examples say nothing


def prf(told: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Precision, recall and F1 of one label over its known examples, and how many are YES."""
    hits = float((told & found).sum())
    precision = hits / max(int(found.sum()), 1)
    recall = hits / max(int(told.sum()), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(f1, 3),
        "n": int(told.sum()),
    }


def scores(
    model: Mapping[str, Any],
    calibration: Mapping[str, Any],
    *,
    examples: Sequence[Example],
    feelings: Floats,
    wants: Floats,
) -> dict[str, list[dict[str, Any]]]:
    """Score every source and language for itself: rows for `sentiment` and for `intent`."""
    places: dict[tuple[str, str], list[int]] = {}
    for number, example in enumerate(examples):
        places.setdefault((example.lang, example.source), []).append(number)
    answer: dict[str, list[dict[str, Any]]] = {"sentiment": [], "intent": []}
    for (lang, source), numbers in sorted(places.items()):
        some = [examples[number] for number in numbers]
        head = {"lang": lang, "source": source.split(".")[0]}
        told = np.array([example.sentiment for example in some])
        row = _sentiment(model["sentiments"], told, feelings[numbers].argmax(axis=1))
        answer["sentiment"] += [{**head, **row}] if row else []
        limits = np.array([calibration["thresholds"][intent] for intent in model["intents"]])
        found = wants[numbers] >= limits
        answer["intent"] += [{**head, **row} for row in _intents(model["intents"], some, found)]
    return answer


def _sentiment(names: Sequence[str], told: Numbers, found: Numbers) -> dict[str, Any]:
    """Score sentiment; nothing where a source knows one sentiment only."""
    told, found = told[told != UNKNOWN], found[told != UNKNOWN]
    counts = Counter(told.tolist())
    if len(counts) < 2 or len(told) < FEW:  # noqa: PLR2004  one class alone has no F1
        return {}
    labels = {name: prf(told == n, found == n) for n, name in enumerate(names) if counts[n]}
    usual = counts.most_common(1)[0][0]
    majority = prf(told == usual, np.ones_like(told, bool))["f1"] / len(counts)
    mean = float(np.mean([label["f1"] for label in labels.values()]))
    return {"n": len(told), "macro_f1": round(mean, 3), "majority": round(majority, 3), **labels}


def _intents(
    names: Sequence[str], some: Sequence[Example], found: npt.NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Score the intents that a source knows both ways."""
    told = np.array([example.intents for example in some])
    rows = []
    for column, name in enumerate(names):
        known = told[:, column] != UNKNOWN
        yes = told[known, column] == YES
        if 0 < yes.sum() < known.sum():
            row = prf(yes, found[known, column])
            rows.append({"intent": name, "known": int(known.sum()), **row})
    return rows


def calibrate(
    model: Mapping[str, Any], examples: Sequence[Example], found: Floats
) -> dict[str, Any]:
    """Choose temperature and thresholds on the dev part, from logits.

    The temperature minimises the log loss of sentiment (Guo et al. 2017). A threshold is the
    lowest that reaches the recipe's precision, else the one with the best F0.5.
    """
    width = len(model["sentiments"])
    told = np.array([example.sentiment for example in examples])
    known = told != UNKNOWN
    heat = min(HEAT, key=lambda t: _log_loss(found[known, :width] / t, told[known]))
    wants = 1 / (1 + np.exp(-found[:, width:]))
    intents = np.array([example.intents for example in examples])
    thresholds = {}
    for column, name in enumerate(model["intents"]):
        rows = intents[:, column] != UNKNOWN
        thresholds[name] = _threshold(
            intents[rows, column] == YES, wants[rows, column], model["recipe"]["precision"]
        )
    return {"temperature": round(float(heat), 2), "thresholds": thresholds}


def _log_loss(found: Floats, told: Numbers) -> float:
    if not len(told):
        return 0.0
    log = found - np.logaddexp.reduce(found, axis=1, keepdims=True)
    return float(-log[np.arange(len(told)), told].mean())


def _threshold(told: npt.NDArray[np.bool_], wants: Floats, precision: float) -> float:
    best, limit = -1.0, 0.5
    for value in GRID:
        row = prf(told, wants >= value)
        if row["n"] and row["precision"] >= precision and row["recall"] > 0:
            return round(float(value), 3)
        near = 1.25 * row["precision"] * row["recall"]
        near /= max(0.25 * row["precision"] + row["recall"], 1e-9)
        if near > best:
            best, limit = near, float(value)
    return round(limit, 3)
