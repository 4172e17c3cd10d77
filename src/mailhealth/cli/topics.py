"""The verb that says what customers write about."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health
from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.health.topics import Mention

EMPTY = "nothing to tell in this window: no mail, or no topic and no phrase in it"


@main.command()
@click.option("--customer", help="One customer only.")
@click.option(
    "--days",
    default=90,
    show_default=True,
    type=click.IntRange(1, 365),
    help="The window's length; it is compared with as many days before.",
)
@click.option(
    "--topics",
    "page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own topics.toml: it counts from now on, for old mail too.",
)
@click.option("--shipped", is_flag=True, help="Go back to the shipped topics.toml.")
@click.option("--print", "printed", is_flag=True, help="Print the shipped topics.toml, to edit.")
@as_of_option
@lang_option
@listing
@click.pass_context
def topics(ctx: click.Context, /, *, printed: bool, form: str | None, **options: Any) -> None:
    """Say what customers write about: topics, and phrases that nobody listed.

    A change is told as rising or falling only where its 95 % interval is clear of zero. Phrases
    are what at least three mails say, and more of a customer's than of the others' (without
    --customer: more in this window than in the one before).
    """
    from mailhealth.cli import show
    from mailhealth.nlp import topics as taxonomy
    from mailhealth.rules import toml

    if printed:
        click.echo(taxonomy.shipped(), nl=False)
        return
    own, shipped = options.pop("page"), options.pop("shipped")
    page = toml.text(own) if own else "" if shipped else None
    if own:
        taxonomy.load(page, own.name)
    found = open_health(ctx).topics(page=page, **options)
    rows = [_row(each, options["lang"], told=form is None) for each in found]
    show.rows(rows, form or "table", empty=EMPTY, lang=options["lang"])


def _row(each: "Mention", lang: str, *, told: bool) -> dict[str, Any]:
    """One line; for people the shares stand as percentages, and what is unsure is left out."""
    row = {"kind": each.kind, "name": each.name}
    if not told:
        return row | {
            "mails": each.mails,
            "of": each.of,
            "mails_before": each.mails_before,
            "of_before": each.of_before,
            "change": each.change,
            "low": each.low,
            "high": each.high,
            "trend": each.trend,
            "weight": each.weight,
        }
    return row | {
        "mails": f"{each.mails} / {each.of}",
        "before": f"{each.mails_before} / {each.of_before}",
        "change": _points(each, lang),
        "trend": each.trend,
    }


def _points(each: "Mention", lang: str) -> str:
    if each.change is None or each.low is None or each.high is None:
        return ""
    given = {"change": each.change, "low": each.low, "high": each.high}
    return tell("{change:+.0%} ({low:+.0%} to {high:+.0%})", lang, **given)
