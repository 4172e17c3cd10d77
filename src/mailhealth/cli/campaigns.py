"""The verb that tells how campaigns landed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mailhealth.cli import campaign_rows as rows
from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health
from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.campaigns import Landing, Report

EMPTY = "no campaign yet: connect a send log, then 'mailhealth sync'"


class Asked(NamedTuple):
    """What was asked for, besides the campaign."""

    by: str | None
    compare: tuple[str, str] | None
    trend: bool
    fatigue: bool
    html: Path | None
    as_of: str | None
    lang: str
    form: str | None


@main.command()
@click.argument("name", required=False)
@click.option(
    "--by",
    type=click.Choice(["customer", "segment", "variant", "link"]),
    help="The parts of each campaign instead of the whole.",
)
@click.option("--compare", nargs=2, metavar="A B", help="Two variants of NAME, or two campaigns.")
@click.option("--trend", is_flag=True, help="How the rates move from campaign to campaign.")
@click.option("--fatigue", is_flag=True, help="Whether people answer less when they get more.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it all as a page that works offline.",
)
@as_of_option
@lang_option
@listing
@click.pass_context
def campaigns(ctx: click.Context, /, name: str | None, **options: Any) -> None:
    """Say how campaigns landed, all or the one NAME: people, and never machines.

    What machines do too has bounds: in brackets stand the least and the most it can have been.
    """
    from mailhealth.cli import show

    asked = Asked(**options)
    health = open_health(ctx)
    if asked.html is not None:
        from mailhealth.web import campaigns as page

        page.write(
            health,
            asked.html,
            name=name,
            compare=asked.compare,
            as_of=asked.as_of,
            lang=asked.lang,
        )
        show.say(tell("{file} written", asked.lang, file=asked.html))
        return
    by: Any = (asked.by,) if asked.by else ()
    _print(health.campaigns(name, by=by, compare=asked.compare, as_of=asked.as_of), asked)


def _print(report: "Report", asked: Asked) -> None:
    from mailhealth.cli import show

    form = asked.form or "table"
    if asked.trend or asked.fatigue:
        found = rows.touch_rows(report) if asked.fatigue else rows.trend_rows(report)
        show.rows(found, form, empty=EMPTY, lang=asked.lang)
    elif asked.compare:
        told = rows.difference_rows(report, asked.lang, told=asked.form is not None)
        show.rows(told, form, empty=EMPTY, lang=asked.lang)
    else:
        _print_landings(report, asked)
    one = asked.trend or asked.fatigue or asked.compare or len(report.campaigns) == 1
    if asked.form is None and one:
        _say(report, asked)


def _print_landings(report: "Report", asked: Asked) -> None:
    from mailhealth.cli import show

    found = next(iter(report.parts.values())) if asked.by else report.campaigns
    if asked.form:
        show.rows([rows.landing_row(each) for each in found], asked.form, empty=EMPTY)
        return
    told = [rows.summary_row(each, asked.by, asked.lang) for each in found]
    show.rows(told, "table", empty=EMPTY, lang=asked.lang)
    if asked.by is None and len(found) == 1:
        figures = rows.detail_rows(found[0], asked.lang)
        show.rows(figures, "table", empty=EMPTY, lang=asked.lang)
    _say_notes(found, asked.lang)


def _say_notes(found: Sequence["Landing"], lang: str) -> None:
    """Say what is missing, once, with how many campaigns it is missing for."""
    from mailhealth.campaigns import sentences
    from mailhealth.cli import show

    notes: dict[str, list[str]] = {}
    for each in found:
        for word in each.notes:
            notes.setdefault(word, []).append(each.campaign)
    for word, names in notes.items():
        where = tell("{count} campaigns", lang, count=len(set(names)))
        who = rows.name(names[0], lang) if len(set(names)) == 1 else where
        show.say(f"{who}: {sentences.note(word, lang)}")


def _say(report: "Report", asked: Asked) -> None:
    """Say in sentences what was compared and what moves."""
    from mailhealth.campaigns import sentences
    from mailhealth.cli import show

    if asked.trend:
        said = [sentences.trend(each, asked.lang) for each in report.trends]
    elif asked.fatigue:
        said = [sentences.fatigue(report.fatigue, asked.lang)]
    else:
        said = sentences.differences(report.differences, asked.lang)
    for sentence in said:
        show.say(rows.printable(sentence))
