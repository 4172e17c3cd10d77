"""The verb that looks back: did the score tell who left, and would learnt points tell it better?"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health
from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.learn import Report

MODELS = ("expert", "learnt", "table")
PARTS = ("figures", "points", "signals")
EMPTY = {
    "figures": "nothing could be measured",
    "points": "too few customers left to make a points table",
    "signals": "no signal",
}
DAYS_AND_PEOPLE = (
    "{customers} customers looked at on {landmarks} days, {leavers} of them left;"
    " learnt from what was known on {cut}, tested after it, when {tested} left"
)
TESTED_ONLY = (
    "{customers} customers looked at on {landmarks} days, {leavers} of them left;"
    " the history is too short to learn from"
)


@main.command()
@click.option(
    "--churn",
    required=True,
    type=click.Path(path_type=Path),
    help="A CSV with customer, churned (the day) and perhaps announced (the day of the notice).",
)
@click.option(
    "--part",
    type=click.Choice(PARTS),
    help="Print this only: figures of each score, the integer points table, each signal alone.",
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write it as a page.")
@click.option("--apply", is_flag=True, help="Write learnt points into your own health.toml.")
@as_of_option
@lang_option
@listing
@click.pass_context
def backtest(
    ctx: click.Context, /, *, churn: Path, html: Path | None, apply: bool, lang: str, **asked: Any
) -> None:
    """Say how well the score told who left, and whether learnt points would tell it better.

    Every 30 days of the past is looked at as if it were today. Points are learnt from the earlier
    days and tested on the later ones; --apply writes them only where they were better there, into
    the page that --rules names, else into health.toml beside the database.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    with show.progress(lang=lang) as progress:
        report = health.backtest(churn, as_of=asked["as_of"], progress=progress)
    if html is not None:
        from mailhealth.web import backtest as page

        page.write(report, html, lang=lang)
        show.say(tell("{file} written", lang, file=html))
    else:
        _print(report, asked["part"], asked["form"], lang)
    show.say(report.gate.sentence(lang))
    if apply and not report.gate.open:
        ctx.exit(1)
    if apply:
        file = health.apply_points(report)
        show.say(tell("{file} written; it counts with --rules {file}", lang, file=file))


def _print(report: "Report", part: str | None, form: str | None, lang: str) -> None:
    from mailhealth.cli import show

    if form is None:
        show.say(_people(report, lang))
    parts = [part] if part else PARTS if form is None else PARTS[:1]
    for name in parts:
        rows = list(_ROWS[name](report, "en" if form else lang))
        show.rows(rows, form or "table", empty=EMPTY[name], lang=lang)


def _people(report: "Report", lang: str) -> str:
    return tell(
        DAYS_AND_PEOPLE if report.train else TESTED_ONLY,
        lang,
        customers=report.customers,
        landmarks=report.landmarks,
        leavers=report.leavers,
        cut=report.cut,
        tested=report.test.leavers,
    )


def _figures(report: "Report", lang: str) -> Iterator[dict[str, Any]]:
    from mailhealth.learn.figures import LABELS, figures

    for figure in figures(report):
        told = {name: figure.values[name] for name in MODELS if name in figure.values}
        yield {"figure": LABELS[lang][figure.name], **told}


def _points(report: "Report", lang: str) -> Iterator[dict[str, Any]]:
    if report.table is None:
        return
    start: dict[str, Any] = {"signal": tell("(at the start)", lang), "over": None, "up to": None}
    yield {**start, "points": report.table.base, "share": 1.0}
    for line in report.table.lines:
        yield {
            "signal": line.signal,
            "over": line.low,
            "up to": line.high,
            "points": line.points,
            "share": line.share,
        }


def _signals(report: "Report", lang: str) -> Iterator[dict[str, Any]]:
    best = sorted(report.signals, key=lambda each: -abs((each.auc.value or 0.5) - 0.5))
    for each in best:
        yield {
            "signal": each.signal,
            "auc": each.auc.value,
            "low": each.auc.low,
            "high": each.auc.high,
            "known": each.known,
            "weight": each.weight,
        }


_ROWS = {"figures": _figures, "points": _points, "signals": _signals}
