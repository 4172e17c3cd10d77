"""What a model is worth: precision, recall and F1 per label, confusion and calibration."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mailhealth.train.example import UNKNOWN, YES, Example
from mailhealth.train.reading import Flags, Floats, Numbers, Readings

FEW = 10  # fewer examples say nothing
BINS = 10  # of confidence, in the calibration error
TRUSTED = 0.9  # precision at which the recall of `cancel` is told

Row = dict[str, Any]


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
    model: Mapping[str, Any], examples: Sequence[Example], found: Readings
) -> dict[str, list[Row]]:
    """Score every source and language for itself.

    Rows: `sentiment` and `mails` (all intents together, where a source knows them all) per set,
    `intent` per set and intent.
    """
    answer: dict[str, list[Row]] = {"sentiment": [], "mails": [], "intent": []}
    for head, numbers in places(examples):
        some, answers = [examples[n] for n in numbers], found.rows(numbers)
        told = np.array([example.sentiment for example in some])
        row = sentiment(model["sentiments"], told, answers.sentiments)
        if row:
            known = told != UNKNOWN
            right = answers.feelings[known].argmax(axis=1) == told[known]
            row["ece"] = calibration_error(answers.feelings[known].max(axis=1), right)
            answer["sentiment"].append({**head, **row})
        rows = _intents(model["intents"], some, answers.labels)
        answer["intent"] += [{**head, **each} for each in rows]
        answer["mails"] += [{**head, **each} for each in _together(model, some, answers, rows)]
    return answer


def places(examples: Sequence[Example]) -> Iterator[tuple[Row, list[int]]]:
    """Yield each set (language and source) with the numbers of its examples."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, example in enumerate(examples):
        found.setdefault((example.lang, example.source), []).append(number)
    for (lang, source), numbers in sorted(found.items()):
        yield {"lang": lang, "source": source}, numbers


def sentiment(names: Sequence[str], told: Numbers, found: Numbers) -> Row:
    """Score sentiment; nothing where a source knows one sentiment only.

    `confusion` has a row for each sentiment told and a column for each found; a text that was
    not read counts as neutral. `majority` is the macro-F1 of always saying the usual one.
    """
    told, found = told[told != UNKNOWN], found[told != UNKNOWN]
    counts = Counter(told.tolist())
    if len(counts) < 2 or len(told) < FEW:  # noqa: PLR2004  one class alone has no F1
        return {}
    found = np.where(found == UNKNOWN, names.index("neutral"), found)
    labels = {name: prf(told == n, found == n) for n, name in enumerate(names) if counts[n]}
    usual = counts.most_common(1)[0][0]
    majority = prf(told == usual, np.ones_like(told, bool))["f1"] / len(counts)
    mean = float(np.mean([label["f1"] for label in labels.values()]))
    kinds = range(len(names))
    matrix = [[int(((told == a) & (found == b)).sum()) for b in kinds] for a in kinds]
    return {
        "n": len(told),
        "macro_f1": round(mean, 3),
        "majority": round(majority, 3),
        **labels,
        "confusion": matrix,
    }


def _intents(names: Sequence[str], some: Sequence[Example], found: Flags) -> list[Row]:
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


def _together(
    model: Mapping[str, Any], some: Sequence[Example], found: Readings, rows: list[Row]
) -> Iterator[Row]:
    """Score all intents together, where a source knows them all and has them all."""
    told = np.array([example.intents for example in some])
    if (told == UNKNOWN).any() or len(rows) < len(model["intents"]):
        return
    yes = told == YES
    worst = min(rows, key=lambda row: row["f1"])
    whole = prf(yes.ravel(), found.labels.ravel())
    row = {
        "n": len(some),
        "micro_f1": whole["f1"],
        "macro_f1": round(float(np.mean([row["f1"] for row in rows])), 3),
        "worst": worst["intent"],
        "worst_f1": worst["f1"],
        "ece": calibration_error(found.wants.ravel(), yes.ravel()),
    }
    if "cancel" in model["intents"]:
        column = model["intents"].index("cancel")
        row["cancel_recall"] = recall_at(yes[:, column], found.wants[:, column])
    yield row


def recall_at(told: Flags, found: Floats, *, precision: float = TRUSTED) -> float:
    """The highest recall that any threshold reaches at this precision or better."""
    order = np.argsort(-found, kind="stable")
    hits = told[order].cumsum()
    exact = hits / np.arange(1, len(told) + 1)
    last = np.append(np.diff(found[order]) != 0, True)  # ties stand or fall together
    reached = hits[(exact >= precision) & last]
    return round(float(reached.max(initial=0)) / max(int(told.sum()), 1), 3)


def calibration_error(confidence: Floats, right: Flags) -> float:
    """Expected calibration error: mean distance of confidence and share right, in ten bins."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).sum()
        for b in range(BINS)
        if (bins == b).any()
    ]
    return round(float(sum(gaps)) / max(len(right), 1), 3)
