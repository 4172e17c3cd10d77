"""The tables of a model's card, printed from its scores."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

AGAINST = ("VADER", "asari", "TF-IDF + LR", "frozen encoder + LR")
SENTIMENT = ["set", "lang", "n", "macro-F1", "majority", *AGAINST, "ECE", "neutral read as neg."]
LABELS = ["set", "lang", "sentiment", "n", "P", "R", "F1", "read as neg.", "neu.", "pos."]
MAILS = ["set", "lang", "mails", "micro-F1", *AGAINST[2:], "macro-F1", "worst", "its F1", "ECE"]
MAILS += ["recall of cancel at P >= .90"]
INTENT = ["intent", "set", "lang", "yes", "of", "P", "R", "F1"]
CLEAR = 100  # YES examples below which a figure is only a hint

Row = Mapping[str, Any]


def tables(model: Row) -> str:
    """Print the measured figures of a model as Markdown, the weakest rows first.

    What was not measured when the model was made has no table, or "-".
    """
    scores = model["scores"]
    sentiment = sorted(scores["sentiment"], key=lambda row: row["macro_f1"])
    mails = sorted(scores.get("mails", ()), key=lambda row: row["micro_f1"])
    intent = sorted(scores["intent"], key=lambda row: row["f1"])
    rivals = {
        (row["source"], row["lang"], row["baseline"]): row for row in scores.get("baselines", ())
    }
    parts = [
        ("Sentiment against baselines", SENTIMENT, (_against(row, rivals) for row in sentiment)),
        ("Intents of whole mails against baselines", MAILS, (_mails(row, rivals) for row in mails)),
        ("Sentiment by label", LABELS, (each for row in sentiment for each in _labels(row))),
        ("Intents, at their thresholds", INTENT, map(_intent, intent)),
    ]
    tables = [(title, head, list(rows)) for title, head, rows in parts]
    lines = [line for title, head, rows in tables if rows for line in section(title, head, rows)]
    return "\n".join([*lines, *map(_skipped, scores.get("skipped", ())), ""])


def section(title: str, head: Sequence[str], rows: Iterable[list[str]]) -> list[str]:
    """Print a heading and a table as lines of Markdown."""
    table = [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return [f"### {title}", "", *table, ""]


def _figure(row: Row | None, key: str) -> str:
    return "-" if row is None or key not in row else f"{row[key]:.2f}"


def _rivals(row: Row, rivals: Mapping[Any, Row], names: Iterable[str], key: str) -> list[str]:
    place = (row["source"], row["lang"])
    return [_figure(rivals.get((*place, name)), key) for name in names]


def _against(row: Row, rivals: Mapping[Any, Row]) -> list[str]:
    neutral = row["confusion"][1] if "confusion" in row else []
    alarm = f"{neutral[0] / sum(neutral):.1%}" if sum(neutral) else "-"
    return [
        row["source"],
        row["lang"],
        str(row["n"]),
        f"**{row['macro_f1']:.2f}**",
        f"{row['majority']:.2f}",
        *_rivals(row, rivals, AGAINST, "macro_f1"),
        _figure(row, "ece"),
        alarm,
    ]


def _mails(row: Row, rivals: Mapping[Any, Row]) -> list[str]:
    return [
        row["source"],
        row["lang"],
        str(row["n"]),
        f"**{row['micro_f1']:.2f}**",
        *_rivals(row, rivals, AGAINST[2:], "micro_f1"),
        _figure(row, "macro_f1"),
        row["worst"],
        _figure(row, "worst_f1"),
        _figure(row, "ece"),
        _figure(row, "cancel_recall"),
    ]


def _labels(row: Row) -> Iterable[list[str]]:
    names = ("negative", "neutral", "positive")
    for name, read_as in zip(names, row.get("confusion", [["-"] * 3] * 3), strict=True):
        if name in row:
            figures = [_figure(row[name], key) for key in ("precision", "recall", "f1")]
            few = _few(row[name]["n"])
            yield [row["source"], row["lang"], name, few, *figures, *map(str, read_as)]


def _intent(row: Row) -> list[str]:
    figures = [_figure(row, key) for key in ("precision", "recall", "f1")]
    place = [row["intent"], row["source"], row["lang"]]
    return [*place, _few(row["n"]), str(row["known"]), *figures]


def _few(n: int) -> str:
    return f"{n} (few)" if n < CLEAR else str(n)


def _skipped(row: Row) -> str:
    return f"Not compared in {row['lang']}: {row['baseline']} ({row['reason']})."
