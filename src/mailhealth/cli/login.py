"""The verbs that log in and out."""

import click

from mailhealth.cli.app import main, open_health


@main.command()
@click.argument("source")
@click.option(
    "--port",
    default=0,
    type=click.IntRange(0, 65535),
    help="Where the browser's answer is taken on this machine; any free port unless told.",
)
@click.pass_context
def login(ctx: click.Context, source: str, port: int) -> None:
    """Log in to SOURCE once: consent in a browser, or give its password.

    What comes of it is kept in the system's keyring, or encrypted where there is none.
    """
    from mailhealth.cli import show

    open_health(ctx).login(source, show=show.say, ask=_ask, port=port)
    show.say(f"logged in; 'mailhealth sync {source}' reads it")


@main.command()
@click.argument("source")
@click.pass_context
def logout(ctx: click.Context, source: str) -> None:
    """Forget the consent or the password of SOURCE on this machine."""
    from mailhealth.cli import show

    forgotten = open_health(ctx).logout(source)
    show.say("forgotten" if forgotten else f"nothing was kept of {source}")


def _ask(mailbox: str) -> str:
    return str(click.prompt(f"Password of {mailbox}", hide_input=True, err=True))
