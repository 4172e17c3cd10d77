"""The verb that tells machines from people."""

from pathlib import Path

import click

from mailhealth.cli.app import listing, main, open_health


@main.command()
@click.option(
    "--machines",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own machines.toml: it counts from now on, and everything is judged again.",
)
@click.option("--shipped", is_flag=True, help="Go back to the shipped machines.toml.")
@click.option("--print", "printed", is_flag=True, help="Print the shipped machines.toml, to edit.")
@listing
@click.pass_context
def judge(
    ctx: click.Context,
    /,
    *,
    machines: Path | None,
    shipped: bool,
    printed: bool,
    form: str | None,
) -> None:
    """Say which opens, clicks and unsubscribes were a person's; count them.

    The events themselves are never changed: with a rule switched off the counts are again
    what they were without it.
    """
    from mailhealth import verdicts
    from mailhealth.cli import show
    from mailhealth.rules import toml

    if printed:
        click.echo(verdicts.shipped(), nl=False)
        return
    health = open_health(ctx)
    page = toml.text(machines) if machines else None
    health.judge("" if shipped else page)
    rows = health.judged()
    show.rows(rows, form or "table", empty="no open, click or unsubscribe yet: 'mailhealth sync'")
