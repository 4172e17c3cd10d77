"""Learnt points into a user's own page of rules, by the word: comments and order stay."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailhealth import rules
from mailhealth.errors import BadData, BadSource
from mailhealth.learn.report import Report
from mailhealth.rules import toml

Ends = tuple[float, float]  # the least points and the most

if TYPE_CHECKING:
    pass


def written(page: str, report: Report, name: str) -> str:
    """Return a health.toml with the report's points in place of its own; `name` is the file's.

    Each signal's points are multiplied by its learnt weight, and `base` is set so that 70 are the
    odds of the average customer; the points that stood there stay in a comment beside. Raises
    BadData for a page that is none, or that has no signal of a weight's name.
    """
    import tomlkit

    rules.build(toml.loads(page, name), name)
    document = tomlkit.parse(page)
    signals: Any = document["signal"]
    if lost := [signal for signal in report.weights if signal not in signals]:
        raise BadData(f"{name}: no signal {lost[0]!r}, whose points were learnt; use the same page")
    for signal, weight in report.weights.items():
        _weigh(signals[signal], weight, report.reach.get(signal))
    if report.base is not None:
        _replace(document, "base", round(report.base, 1))
    text = tomlkit.dumps(document)
    text = f"# {_told(report)}\n{text}"
    rules.build(toml.loads(text, name), name)
    return text


def write(path: Path, report: Report, page: str) -> None:
    """Write the points into a file: wholly or not at all; raises BadSource where it cannot be."""
    text = written(page, report, path.name)
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        raise BadSource(f"{path}: the points cannot be written ({error.strerror})") from error
    finally:
        beside.unlink(missing_ok=True)


def _told(report: Report) -> str:
    train, test = report.train, report.test
    learnt = f"Learnt points: {train.leavers} leavers up to {report.cut}" if train else "Learnt"
    return f"{learnt}, tested on {test.leavers} after it (mailhealth backtest)."


def _weigh(signal: Any, weight: float, reach: Ends | None) -> None:
    """Multiply a signal's points, and end them where nobody has been yet.

    A signal that hardly differs between customers may have a large weight; its points times that
    would promise what was never seen. Where they end sooner, `span` is shorter, so that every
    answer still earns the same.
    """
    was = (float(signal["points"][0]), float(signal["points"][1]))
    if weight < 0:
        was = (-was[1], -was[0])
        _turn(signal)
    full = (abs(weight) * was[0], abs(weight) * was[1])
    # How far a band's points fall is not told by its span.
    ends = full if reach is None or "band" in signal else _within(full, was, reach)
    low, high = (round(end, 1) + 0.0 for end in ends)
    span = float(signal.get("span", 1))
    if ends != full and (low, high) != (0, 0):
        span = float(f"{span * max(-low, high) / max(-full[0], full[1]):.3g}")
    _replace(signal, "span", _plain(-span if weight < 0 else span))
    _replace(signal, "points", [_plain(low), _plain(high)])


def _within(full: Ends, was: Ends, reach: Ends) -> Ends:
    """Return points that end where somebody has been, or where they ended before."""
    return max(full[0], min(was[0], reach[0])), min(full[1], max(was[1], reach[1]))


def _turn(signal: Any) -> None:
    """Swap the sentences for taking and for giving points: what was good is now bad."""
    if "good" in signal:
        for lang in ("en", "ja"):
            bad, good = signal["because"][lang], signal["good"][lang]
            signal["because"][lang], signal["good"][lang] = good, bad


def _replace(table: Any, key: str, value: Any) -> None:
    """Put a value in another's place, and the other into a comment."""
    import tomlkit

    was = table.get(key, 1)  # a span that is not there is 1
    if was == value:
        return
    item = tomlkit.item(value)
    if key in table:
        told = was.trivia.comment.lstrip("# ")
        kept = f"; {told}" if told and not told.startswith("was ") else ""
        item.comment(f"was {was.as_string()}{kept}")
        item.trivia.comment_ws = "  "
    table[key] = item


def _plain(points: float) -> float | int:
    return int(points) if points == int(points) else points
