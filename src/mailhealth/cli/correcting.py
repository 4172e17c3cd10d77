"""The verb that takes a person's word against the model's."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mailhealth.cli.app import listing, main, open_health

if TYPE_CHECKING:
    from mailhealth.health import Health

AGAIN = "scores count it from the next 'mailhealth sync' on"


@main.command()
@click.argument("message", required=False)
@click.option("--sentiment", help="negative, neutral or positive.")
@click.option("--intents", metavar="A,B", help='All intents that the mail has; "" for none.')
@click.option("--note", default="", help="Why, for those who come after you.")
@click.option("--clear", is_flag=True, help="Take the correction of MESSAGE back.")
@click.option(
    "--thresholds", is_flag=True, help="Choose from the corrections how sure the model must be."
)
@click.option("--shipped", is_flag=True, help="Go back to the model's own thresholds.")
@listing
@click.pass_context
def correct(  # noqa: PLR0913 - one verb for all that can be said of a correction
    ctx: click.Context,
    /,
    *,
    message: str | None,
    sentiment: str | None,
    intents: str | None,
    note: str,
    clear: bool,
    thresholds: bool,
    shipped: bool,
    form: str | None,
) -> None:
    """Say what the mail MESSAGE (a Message-ID) means; your word wins over the model's.

    Without MESSAGE the corrections are listed. An intent with 20 corrected mails can have a
    threshold of its own: --thresholds.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    if shipped:
        health.shipped_thresholds()
        show.say(f"the model's own thresholds count again; {AGAIN}")
    if thresholds:
        rows = [asdict(each) for each in health.choose_thresholds()]
        show.rows(rows, form or "table", empty="this model has no intents")
    elif message is not None:
        _change(health, message, (sentiment, intents, note), clear=clear)
    elif sentiment is not None or intents is not None or clear:
        raise click.UsageError("name the MESSAGE, by its Message-ID")
    elif not shipped:
        empty = "nothing is corrected yet: 'mailhealth correct MESSAGE --sentiment neutral'"
        show.rows(health.corrections(), form or "table", empty=empty)


def _change(
    health: "Health", message: str, said: tuple[str | None, str | None, str], *, clear: bool
) -> None:
    from mailhealth.cli import show

    sentiment, intents, note = said
    if clear:
        health.clear_correction(message)
        show.say(f"the model's word counts again; {AGAIN}")
        return
    if sentiment is None and intents is None:
        raise click.UsageError("say what it is: --sentiment, --intents, or --clear")
    labels = None if intents is None else [each.strip() for each in intents.split(",")]
    labels = None if labels is None else [each for each in labels if each]
    health.correct(message, sentiment=sentiment, intents=labels, note=note)
    show.say(f"corrected; {AGAIN}")
