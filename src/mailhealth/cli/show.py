"""How answers look: rich tables for people, JSON and CSV for programs.

Answers go to standard output, progress and warnings to standard error.
"""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from mailhealth.health import Evidence, Explanation, Health, Progress, SourceReport, SyncReport
    from mailhealth.records import Annotation, Contribution, Message, Score

BAND_STYLE = {"healthy": "green", "at risk": "yellow", "unhealthy": "red", "unknown": "dim"}
OURS = ("figure", "kind", "measure", "trend")  # columns whose cells are words of our own
BARS = 20  # characters of a score bar
SHOWN = 3  # messages named behind one line
THOUSAND = 1_000  # from here on a number is told in full: it may be money
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a formula begins with in a spreadsheet


def rows(
    rows: Sequence[Mapping[str, Any]],
    form: str,
    *,
    empty: str,
    lang: str = "en",
    exact: bool = False,
) -> None:
    """Print rows as a table, as JSON or as CSV; `empty` is said where there are none.

    `lang` is the language of the table; JSON and CSV are read by programs and know only one.
    JSON has every digit of a number, CSV only where it is to be `exact`.
    """
    if form == "json":
        print(json.dumps(list(rows), ensure_ascii=False, indent=1))
    elif form == "csv":
        columns = list(rows[0]) if rows else []
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        kept = (float,) if exact else ()
        writer.writerows(
            {k: v if isinstance(v, kept) else _csv_cell(v) for k, v in row.items()} for row in rows
        )
    elif rows:
        console().print(_table(rows, lang))
    else:
        say(tell(empty, lang))


def scores(found: Sequence["Score"], form: str, *, lang: str = "en") -> None:
    """Print scores: the worst first, each with its bar, its band and its reasons."""
    if form != "table" or not found:
        plain = [score_row(score) for score in found]
        empty = "no customer yet; 'mailhealth sync' reads the connected sources"
        rows(plain, form, empty=empty, lang=lang)
        return
    table = _heads("customer", "score", "", "band", "because", lang=lang)
    table.leading = 1
    for score in found:
        style = BAND_STYLE[score.band]
        table.add_row(
            score.customer,
            f"[{style}]{score.value:.0f}[/]" if score.band != "unknown" else "[dim]–[/]",
            _bar(score),
            f"[{style}]{tell(score.band, lang)}[/]",
            "\n".join(_escape(reason) for reason in score.because),
        )
    console().print(table)


def score_row(score: "Score") -> dict[str, Any]:
    """Flatten a score for JSON and CSV; an unknown one keeps its value, its band says so."""
    return {
        "customer": score.customer,
        "as_of": score.as_of,
        "score": round(score.value, 1),
        "band": score.band,
        "low": round(score.low, 1),
        "high": round(score.high, 1),
        "coverage": round(score.coverage, 3),
        "because": list(score.because),
    }


def explanation(told: "Explanation", form: str, *, lang: str = "en") -> None:
    """Print why a score is what it is."""
    if form == "json":
        print(json.dumps(explanation_row(told), ensure_ascii=False, indent=1))
        return
    out = console()
    out.print(_summary(told.score, lang))
    lines = _heads("points", "signal", "because", "messages behind it", lang=lang)
    for line in by_weight(told.score):
        behind = _behind(told.evidence.get(line.signal, ()), lang)
        lines.add_row(f"{line.points:+.1f}", line.signal, _escape(line.because), behind)
    out.print(lines)
    values = [_signal_row(value) for value in told.signals if value.value is not None]
    out.print(_table(values, lang) if values else tell("no signal has data yet", lang))


def _summary(score: "Score", lang: str) -> str:
    style = BAND_STYLE[score.band]
    rests = tell(
        "as of {as_of}, 80 % interval {low:.0f} to {high:.0f},"
        " data behind {coverage:.0%} of the points",
        lang,
        as_of=score.as_of,
        low=score.low,
        high=score.high,
        coverage=score.coverage,
    )
    band = f"[{style}]{score.value:.0f} {tell(score.band, lang)}[/]"
    return f"[bold]{_escape(score.customer)}[/]  {band}  {rests}"


def _behind(evidence: Sequence["Evidence"], lang: str) -> str:
    ids = [_escape(each.id) for each in evidence[:SHOWN]]
    more = len(evidence) - SHOWN
    return "\n".join([*ids, tell("… and {count} more", lang, count=more)] if more > 0 else ids)


def by_weight(score: "Score") -> list["Contribution"]:
    """The lines of a score, what moved it most first."""
    return sorted(score.contributions, key=lambda line: -abs(line.points))


def explanation_row(told: "Explanation") -> dict[str, Any]:
    """Give an explanation as plain data."""
    score = told.score
    return {
        **score_row(score),
        "contributions": [
            {
                "signal": line.signal,
                "points": line.points,
                "because": line.because,
                "evidence": [
                    {"id": e.id, "at": e.at, "who": e.who, "what": e.what}
                    for e in told.evidence.get(line.signal, ())
                ],
            }
            for line in score.contributions
        ],
        "signals": [_signal_row(value) for value in told.signals],
    }


def message_row(file: str, message: "Message") -> dict[str, Any]:
    """Give one parsed message as the contract of `mailhealth parse` says."""
    mail, words = message.mail, message.words
    return {
        "file": file,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "references": list(mail.references),
        "date": None if mail.date is None else _iso(mail.date),
        "from": _person(mail.sender) if mail.sender else None,
        "to": [_person(person) for person in mail.to],
        "cc": [_person(person) for person in mail.cc],
        "subject": mail.subject,
        "class": message.kind,
        "lang": message.lang,
        "new_text": words.new_text,
        "quoted_text": words.quoted_text,
        "signature": words.signature,
        "attachments": [
            {"name": a.name, "media_type": a.media_type, "size": a.size} for a in mail.attachments
        ],
        "problems": list(mail.problems),
    }


def annotation_row(read: "Annotation") -> dict[str, Any]:
    """Give one annotation as the contract of `mailhealth annotate` says."""
    return {
        "id": read.id,
        "lang": read.lang,
        "sentiment": {
            "label": read.sentiment,
            "score": read.score,
            "probabilities": dict(read.probabilities),
        },
        "intents": dict(read.intents),
        "labels": list(read.labels),
        "topics": list(read.topics),
        "nps": read.nps,
        "csat": read.csat,
        "model": read.model,
    }


def line(row: Mapping[str, Any]) -> None:
    """Print one JSON object a line; what is no character prints as U+FFFD."""
    text = json.dumps(row, ensure_ascii=False)
    print(text.encode("utf-8", "replace").decode("utf-8"), flush=True)


def sync_report(report: "SyncReport", *, lang: str = "en") -> None:
    """Say what a sync brought, and what it had to leave out."""
    for source in report.sources:
        say(brought(source, lang))
        if source.error:
            complain(f"{source.source}: {source.error}")
    done = "{annotated} texts read, {scored} customers scored as of {as_of}"
    given = {"annotated": report.annotated, "scored": report.scored, "as_of": report.as_of}
    say(tell(done, lang, **given))
    if any(source.skipped for source in report.sources):
        lost = "something could not be read: 'mailhealth skipped' lists it with the reasons"
        complain(tell(lost, lang))


def brought(source: "SourceReport", lang: str) -> str:
    """Say in one line what a source brought."""
    given = {"source": source.source, "new": source.new, "known": source.known}
    left = {", {count} skipped": source.skipped, ", {count} left out on purpose": source.left_out}
    return tell("{source}: {new} new, {known} known", lang, **given) + "".join(
        tell(what, lang, count=count) for what, count in left.items() if count
    )


@contextmanager
def progress(*, lang: str = "en") -> Iterator["Progress"]:
    """Draw progress bars on standard error while long steps run."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(tell(stage, lang), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show


def console() -> "Console":
    """The console that answers go to; wide enough for a table when it is a pipe."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=140)


def say(text: str) -> None:
    """Tell the person at the terminal something that is no answer."""
    print(text, file=sys.stderr)


def warn(health: "Health", *, lang: str = "en") -> None:
    """Say what makes the numbers poorer than they could be."""
    for warning in health.warnings(lang=lang):
        complain(warning)


def complain(text: str) -> None:
    """Tell the person at the terminal what went wrong."""
    print(f"mailhealth: {text}", file=sys.stderr)


def _table(found: Sequence[Mapping[str, Any]], lang: str) -> "Table":
    table = _heads(*found[0], lang=lang)
    for row in found:
        cells = (tell(cell, lang) if name in OURS else cell for name, cell in row.items())
        table.add_row(*(_escape(str(_cell(cell))) for cell in cells))
    return table


def _heads(*names: str, lang: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        justify: Literal["left", "right"] = "right" if name in ("score", "points") else "left"
        # An id that is cut cannot be looked up.
        table.add_column(tell(name, lang), justify=justify, overflow="fold")
    return table


def _bar(score: "Score") -> str:
    if score.band == "unknown":
        return "[dim]" + "·" * BARS + "[/]"
    full = round(score.value / 100 * BARS)
    return f"[{BAND_STYLE[score.band]}]{'█' * full}[/][dim]{'░' * (BARS - full)}[/]"


def _signal_row(value: Any) -> dict[str, Any]:
    names = ("signal", "window_days", "value", "n", "k", "low", "high")
    return {name: getattr(value, name) for name in names}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < THOUSAND else f"{round(value, 2):.15g}"
    if isinstance(value, list):
        return "; ".join(str(each) for each in value)
    return value


def _csv_cell(value: Any) -> Any:
    cell = _cell(value)
    if not isinstance(cell, str) or isinstance(value, float):
        return cell
    # A spreadsheet would run a text that begins so; numbers are none. A carriage return is not
    # quoted by csv, and what follows it would begin a row of its own.
    safe = "'" + cell if cell.startswith(FORMULA) else cell
    return safe.replace("\r\n", "\n").replace("\r", "\n")


def _person(person: Any) -> dict[str, str]:
    return {"name": person.name, "address": person.address}


def _escape(text: str) -> str:
    # Mail is hostile: its text is never markup, and never moves the cursor.
    from rich.markup import escape

    return escape("".join(c for c in text if c.isprintable() or c in "\n\t"))


def _iso(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
