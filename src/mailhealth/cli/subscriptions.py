"""The verb that tells who still wants mail."""

import click

from mailhealth.cli.app import as_of_option, listing, main, open_health


@main.command()
@click.option("--customer", help="One customer only.")
@click.option(
    "--history", metavar="CONTACT", help="All that was said of one contact, oldest first."
)
@as_of_option
@listing
@click.pass_context
def subscriptions(
    ctx: click.Context,
    /,
    *,
    customer: str | None,
    history: str | None,
    as_of: str | None,
    form: str | None,
) -> None:
    """List who unsubscribed, who cannot be reached, and by what it is known.

    A suspect is one whom a machine may have unsubscribed, or a model only guessed: look at it.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    if history is None:
        rows = health.subscriptions(customer=customer, as_of=as_of)
        show.rows(rows, form or "table", empty="nobody unsubscribed, and all can be reached")
        return
    rows = health.subscription_history(history, as_of=as_of)
    show.rows(rows, form or "table", empty=f"nothing was said of {history}")
