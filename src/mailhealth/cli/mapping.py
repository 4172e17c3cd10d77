"""The verb that makes a connector for a log that none knows."""

import shlex
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from mailhealth.cli.app import main

if TYPE_CHECKING:
    from mailhealth.records import Event
    from mailhealth.sources.mapping import Draft, Preview
    from mailhealth.sources.mapping.asked import Told, Unclear
    from mailhealth.sources.mapping.specimen import Sample

SHOWN_ROWS = 5
SHOWN_WIDTH = 22  # characters of a value
COLUMNS = (
    *("recipient", "type", "campaign", "variant", "subject", "url", "id", "reference"),
    *("message-id", "category", "reason", "agent", "ip", "machine"),
)


def _column_options(verb: Callable[..., None]) -> Callable[..., None]:
    """One option for each of our columns: which of theirs it is."""
    for ours in reversed(COLUMNS):
        help_ = f"Their column of our {ours}; '-' for none."
        verb = click.option(f"--{ours}", metavar="COLUMN", help=help_)(verb)
    return verb


@main.command("map")
@click.argument("file", type=click.Path(path_type=Path))
@_column_options
@click.option("--at", metavar="COLUMN", help="Their column of dates; or a date, of all rows.")
@click.option("--is", "word", metavar="WORD", help="What every row is, such as clicked.")
@click.option(
    "--word", "pairs", multiple=True, metavar="THEIRS=OURS",
    help="What a word of theirs means: '開封=opened'; '…=-' for no event.",
)  # fmt: skip
@click.option("--zone", help="Of times that name none, such as Asia/Tokyo.")
@click.option("--dates", help="How dates are written, such as %d/%m/%Y.")
@click.option("--encoding", help="Of the text, where it cannot be seen, such as cp932.")
@click.option("--name", help="What the connector is called; the file's name unless told.")
@click.option("--to", type=click.Path(path_type=Path), help="Its folder; the name unless told.")
@click.option("--yes", is_flag=True, help="Write it without asking.")
def map_(file: Path, to: Path | None, yes: bool, encoding: str | None, **options: Any) -> None:
    """Make a connector for a FILE (CSV or JSON) that none knows.

    What the columns and words mean is guessed, and asked at a terminal where that is not
    enough; '-' as a column says there is none. What would be imported is shown first.
    """
    from mailhealth.cli import show
    from mailhealth.sources import mapping
    from mailhealth.sources.mapping import specimen

    sample = specimen.look(file, encoding or "")
    _show_sample(sample)
    draft = _drafted(sample, _told(**options))
    _show_draft(draft)
    found = mapping.preview(draft)
    _show_preview(found, ZoneInfo(draft.zone))
    if draft.doubt:
        show.complain(draft.doubt)
    if not (found.counts and (yes or _agreed())):
        show.say(f"nothing was written{'; --yes writes it' if found.counts else ''}")
        sys.exit(1)
    folder = to or Path(draft.name)
    show.say(f"{mapping.save(draft, folder)} written; next:")
    print(_next(draft, folder))


def _told(*, at: str | None, word: str | None, pairs: tuple[str, ...], **rest: Any) -> "Told":
    from mailhealth.sources.mapping import asked

    others = {key: rest.pop(key) or "" for key in ("zone", "dates", "name")}
    told = asked.Told(
        columns={ours: theirs for ours, theirs in rest.items() if theirs},
        word=word or "",
        words=dict(map(_pair, pairs)),
        **others,
    )
    return asked.answered(told, "at", at) if at else told


def _pair(pair: str) -> tuple[str, str]:
    theirs, sign, ours = pair.rpartition("=")
    if not sign:
        raise click.UsageError(f"--word '{pair}' must be their word, '=' and ours: '開封=opened'")
    return theirs, ours


def _drafted(sample: "Sample", told: "Told") -> "Draft":
    """Ask until all is clear; where nobody can answer, the first question is the error."""
    from mailhealth.cli import show
    from mailhealth.sources import mapping
    from mailhealth.sources.mapping import asked

    while True:
        try:
            return mapping.draft(sample, told)
        except asked.Unclear as unclear:
            if not sys.stdin.isatty():
                raise
            show.say(str(unclear))
            told = asked.answered(told, unclear.about, _answer(unclear))


def _answer(unclear: "Unclear") -> str:
    kind = click.Choice(unclear.choices) if unclear.choices else str
    return str(click.prompt("?", type=kind, default=unclear.likely or None, err=True))


def _agreed() -> bool:
    return sys.stdin.isatty() and click.confirm("Write it?", err=True)


def _show_sample(sample: "Sample") -> None:
    from mailhealth.cli import show

    print(f"{sample.file}: {sample.total} rows, {sample.reader}, {sample.encoding}")
    show.rows(list(_columns(sample)), "table", empty="no columns")


def _columns(sample: "Sample") -> Iterator[dict[str, str]]:
    """The header and the first rows, turned so that many columns fit on a screen."""
    for name in sample.names:
        values = sample.values[name][:SHOWN_ROWS]
        shown = {f"row {number}": _short(text) for number, text in enumerate(values, 1)}
        yield {"column": name, **shown}


def _show_draft(draft: "Draft") -> None:
    from mailhealth.sources.mapping.asked import plain

    for ours, theirs in draft.columns.items():
        print(plain(f"  {ours}: {theirs}"))
    for word, at in draft.moments:
        print(plain(f"  at: {at or draft.given['at']}, when it was {word or 'what its type says'}"))
    print(f"  dates are {' or '.join(draft.dates)}, {draft.zone} where they name no zone")
    for theirs, ours in draft.words.items():
        print(f"  '{_short(theirs)}' is {'no event' if ours == '-' else ours}")


def _short(text: str) -> str:
    from mailhealth.sources.mapping.asked import plain

    text = " ".join(text.split())
    return plain(text if len(text) <= SHOWN_WIDTH else text[: SHOWN_WIDTH - 1] + "…")


def _show_preview(found: "Preview", zone: ZoneInfo) -> None:
    from mailhealth.cli import show
    from mailhealth.sources.mapping.asked import plain

    counts = ", ".join(f"{count} {type_}" for type_, count in found.counts.items())
    of = "" if found.whole else " of its beginning"
    print(f"would import {counts or 'nothing'}{of}")
    show.rows([_event_row(event, zone) for event in found.first], "table", empty="no events")
    if found.skips:
        print(f"would leave out ({found.skips} in all):")
        for skip in found.skipped:
            print(plain(f"  {skip.place}: {skip.why}"))


def _event_row(event: "Event", zone: ZoneInfo) -> dict[str, str]:
    at = datetime.fromtimestamp(event.at, zone)
    day = f"{at:%Y-%m-%d}"
    row = {
        "recipient": event.recipient,
        "type": f"{event.type}/{event.bounce}" if event.bounce else event.type,
        f"at ({zone.key})": f"{day} {at:%H:%M:%S}" if event.exact else f"{day} (day only)",
        "campaign": event.campaign,
        "subject": event.subject,
        "url": event.url,
        "reason": event.reason,
    }
    return {key: _short(value) for key, value in row.items()}


def _next(draft: "Draft", folder: Path) -> str:
    words = ["mailhealth", "connect", draft.name, str(folder), "--path", str(draft.sample.file)]
    words += [word for key, value in draft.given.items() for word in (f"--{key}", value)]
    if draft.columns.keys().isdisjoint(("campaign", "subject", "reference", "id")):
        words += ["--campaign", "NAME_OF_THE_CAMPAIGN"]
    return shlex.join(words)
