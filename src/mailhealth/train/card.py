"""The tables of a model's card, printed from its scores."""

from collections.abc import Iterable, Mapping
from typing import Any

SENTIMENT = ["set", "lang", "n", "macro-F1", "majority"]
SENTIMENT += ["neg. P", "neg. R", "neu. P", "neu. R", "pos. P", "pos. R"]
INTENT = ["intent", "set", "lang", "yes", "of", "P", "R", "F1"]
CLEAR = 100  # YES examples below which a figure is only a hint


def tables(model: Mapping[str, Any]) -> str:
    """Print the measured figures of a model as Markdown, the weakest rows first."""
    scores = model["scores"]
    sentiment = sorted(scores["sentiment"], key=lambda row: row["macro_f1"])
    intent = sorted(scores["intent"], key=lambda row: row["f1"])
    return "\n".join(
        [
            "### Sentiment, on texts it never saw",
            "",
            *_table(
                SENTIMENT,
                map(_sentiment, sentiment),
            ),
            "",
            "### Intents, at their thresholds, on texts it never saw",
            "",
            *_table(INTENT, map(_intent, intent)),
            "",
        ]
    )


def _sentiment(row: Mapping[str, Any]) -> list[str]:
    figures = [
        f"{row[name][key]:.2f}" if name in row else "-"
        for name in ("negative", "neutral", "positive")
        for key in ("precision", "recall")
    ]
    start = [row["source"], row["lang"], str(row["n"])]
    return [*start, f"{row['macro_f1']:.2f}", f"{row['majority']:.2f}", *figures]


def _intent(row: Mapping[str, Any]) -> list[str]:
    figures = [f"{row[key]:.2f}" for key in ("precision", "recall", "f1")]
    few = " (few)" if row["n"] < CLEAR else ""
    return [
        row["intent"],
        row["source"],
        row["lang"],
        f"{row['n']}{few}",
        str(row["known"]),
        *figures,
    ]


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
