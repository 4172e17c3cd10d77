"""How warm a model's probabilities are and where its labels begin: chosen on the dev part."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mailhealth.train.example import UNKNOWN, YES, Example
from mailhealth.train.reading import (
    Flags,
    Floats,
    Readings,
    log_odds,
    logits,
    sigmoid,
    softmax,
)

OTHER = "other"  # the table of every language without a dev part of its own
HEAT = np.arange(0.4, 3.01, 0.1)  # temperatures tried
GRID = np.arange(0.3, 0.96, 0.025)  # thresholds tried; below that a label is a guess
ABROAD = 0.5  # what a text of another language weighs: 200 mails are few for 15 thresholds

Table = dict[str, Any]


def blank(model: Mapping[str, Any]) -> Table:
    """Make the calibration of a network that has none: probabilities as they come."""
    thresholds = {**dict.fromkeys(model["intents"], 0.5), "negative": 0.0}
    return {OTHER: {"sentiment": 1.0, "intents": 1.0, "thresholds": thresholds}}


def calibrate(model: Mapping[str, Any], dev: Sequence[Example], found: Readings) -> Table:
    """Choose two temperatures and the thresholds of each language, from blank readings.

    A temperature minimises the log loss (Guo et al. 2017). The threshold of an intent is the one
    with the best F1 among those that reach the recipe's precision, else the one with the best F0.5;
    that of `negative` lets the recipe's share of the neutral mails of its language through.
    """
    langs = np.array([example.lang for example in dev])
    tables: Table = {}
    for lang in [*sorted(set(langs.tolist())), OTHER]:
        here = (langs == lang) | (lang == OTHER)
        tables[lang] = _temperatures(dev, found, here)
    warm = [_warmed(tables[lang], found, langs == lang) for lang in sorted(set(langs.tolist()))]
    feelings, wants = sum(f for f, _ in warm), sum(w for _, w in warm)
    for lang, table in tables.items():
        weights = np.where((langs == lang) | (lang == OTHER), 1.0, ABROAD)
        table["thresholds"] = _thresholds(model, dev, feelings, wants=wants, weights=weights)
    return tables


def calibrating(model: Mapping[str, Any], dev: Sequence[Example]) -> list[Example]:
    """Take the examples of the sources that calibrate, or all where there are none."""
    chosen = {s["name"] for s in model["recipe"]["source"] if s.get("calibrates")}
    return [e for e in dev if e.source.split(",")[0] in chosen] or list(dev)


def _told(dev: Sequence[Example]) -> tuple[Any, Any]:
    return np.array([e.sentiment for e in dev]), np.array([e.intents for e in dev])


def _temperatures(dev: Sequence[Example], found: Readings, here: Flags) -> Table:
    sentiments, intents = _told(dev)
    known = here & (sentiments != UNKNOWN)
    feelings, felt = logits(found.feelings[known]), sentiments[known]
    asked = (intents != UNKNOWN) & here[:, None]
    wants, wanted = log_odds(found.wants[asked]), intents[asked] == YES
    return {
        "sentiment": round(float(min(HEAT, key=lambda t: _surprise(feelings / t, felt))), 2),
        "intents": round(float(min(HEAT, key=lambda t: _doubt(wants / t, wanted))), 2),
    }


def _surprise(found: Floats, told: Any) -> float:
    """Log loss of a softmax."""
    if not len(told):
        return 0.0
    shares = softmax(found)[np.arange(len(told)), told]
    return float(-np.log(np.clip(shares, 1e-12, 1)).mean())


def _doubt(found: Floats, told: Flags) -> float:
    """Log loss of sigmoids."""
    return float(np.logaddexp(0, np.where(told, -found, found)).mean()) if len(told) else 0.0


def _warmed(table: Table, found: Readings, here: Flags) -> tuple[Any, Any]:
    """The probabilities of one language at its temperatures, zero elsewhere."""
    feelings = softmax(logits(found.feelings) / table["sentiment"])
    wants = sigmoid(log_odds(found.wants) / table["intents"])
    return feelings * here[:, None], wants * here[:, None]


def _thresholds(
    model: Mapping[str, Any], dev: Sequence[Example], feelings: Any, *, wants: Any, weights: Floats
) -> dict[str, float]:
    sentiments, intents = _told(dev)
    aims = model["recipe"]["precision"]
    dark = model["sentiments"].index("negative")
    sure = np.where(feelings.argmax(axis=1) == dark, feelings[:, dark], 0.0)
    calm = (sentiments == model["sentiments"].index("neutral")) & (weights == 1.0)
    chosen = {"negative": rare(sure[calm], share=model["recipe"]["mistaken"])}
    for column, name in enumerate(model["intents"]):
        rows = intents[:, column] != UNKNOWN
        chosen[name] = threshold(
            intents[rows, column] == YES,
            wants[rows, column],
            weights[rows],
            precision=aims.get(name, aims["other"]),
        )
    return chosen


def rare(found: Floats, *, share: float) -> float:
    """Choose the lowest threshold that at most this share of what is not so reaches.

    Not by precision: that depends on how many are so, and in real mail few are.
    """
    for value in GRID:
        if (found >= value).sum() <= share * len(found):
            return round(float(value), 3)
    return round(float(GRID[-1]), 3)


def threshold(told: Flags, found: Floats, weights: Floats, *, precision: float) -> float:
    """Choose the threshold of one label; 0.5 where no example has it."""
    best, limit = (-1.0, -1.0), 0.5
    for value in GRID:
        yes = found >= value
        hits = float(weights[told & yes].sum())
        exact = hits / max(float(weights[yes].sum()), 1e-9)
        recall = hits / max(float(weights[told].sum()), 1e-9)
        reached = hits > 0 and exact >= precision
        beta = 1.0 if reached else 0.25  # squared
        f = (1 + beta) * exact * recall / max(beta * exact + recall, 1e-9)
        if hits and (float(reached), f) > best:
            best, limit = (float(reached), f), float(value)
    return round(limit, 3)
