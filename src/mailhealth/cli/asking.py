"""The verbs that ask: signals, scores, why, and the page."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health

if TYPE_CHECKING:
    from mailhealth.health import Health


@main.command()
@click.option("--customer", help="One customer only.")
@as_of_option
@listing
@click.pass_context
def signals(ctx: click.Context, customer: str | None, as_of: str | None, form: str | None) -> None:
    """Print the table email_signals: every answer with its n, k and interval."""
    from mailhealth.cli import show

    frame = open_health(ctx).signals(as_of=as_of, customer=customer)
    frame = frame.astype(object).where(frame.notna(), None)
    rows = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    show.rows(rows, form or "table", empty="no signal yet: 'mailhealth sync'")


@main.command()
@click.option("--band", help="One band only: unhealthy, at risk, healthy or unknown.")
@as_of_option
@lang_option
@listing
@click.pass_context
def scores(
    ctx: click.Context, /, *, band: str | None, as_of: str | None, lang: str, form: str | None
) -> None:
    """Rank the customers by health, the worst first, with the reasons."""
    from mailhealth.cli import show

    health = open_health(ctx)
    found = health.scores(band=band and band.replace("-", " "), as_of=as_of, lang=lang)
    show.scores(found, form or "table", lang=lang)
    show.warn(health, lang=lang)


@main.command()
@click.argument("customer")
@as_of_option
@lang_option
@click.option("--json", "form", flag_value="json", help="Print JSON to standard output.")
@click.pass_context
def explain(
    ctx: click.Context, /, *, customer: str, as_of: str | None, lang: str, form: str | None
) -> None:
    """Say why a CUSTOMER's score is what it is: points, signals, and the mail behind each."""
    from mailhealth.cli import show

    told = open_health(ctx).explain(customer, as_of=as_of, lang=lang)
    show.explanation(told, form or "table", lang=lang)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="report.html")
@lang_option
@click.pass_context
def report(ctx: click.Context, file: Path, lang: str) -> None:
    """Write one page: the ranking, and each customer's time line. Works offline."""
    from mailhealth.cli import show, words
    from mailhealth.web import report as page

    health = open_health(ctx)
    with show.progress(lang=lang) as progress:
        health.evaluate(missing_weeks(health), progress=progress)
    page.write(health, file, lang=lang)
    show.say(words.tell("{file} written", lang, file=file))


def missing_weeks(health: "Health") -> list[str]:
    """The weekly instants of the last year that have no scores yet."""
    known = {
        day["as_of"][:10]
        for score in health.scores()
        for day in health.score_history(score.customer)
    }
    return [day for day in health.history() if day[:10] not in known]
