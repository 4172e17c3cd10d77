"""What the verbs share: the group, the database they open, the options they have in common."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.errors import MailhealthError

if TYPE_CHECKING:
    from mailhealth.health import Health


class Verbs(click.Group):
    """The verbs in the order of their use, and errors without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Keep the order in which the verbs stand in this file."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb; a mailhealth error becomes one sentence."""
        try:
            return super().invoke(ctx)
        except MailhealthError as error:
            raise click.ClickException(str(error)) from error
        except sqlite3.Error as error:  # a full disk, or another process that is writing
            raise click.ClickException(f"the database cannot be used now: {error}") from error


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--db",
    default="mailhealth.db",
    envvar="MAILHEALTH_DB",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SQLite file that holds everything.",
)
@click.option(
    "--rules",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own health.toml in place of the shipped one.",
)
@click.option(
    "--model",
    default="mail",
    envvar="MAILHEALTH_MODEL",
    show_default=True,
    help="What reads the mails: a model's name or folder, or a TOML file that names others.",
)
@click.version_option(package_name="mailhealth")
@click.pass_context
def main(ctx: click.Context, db: Path, rules: Path | None, model: str) -> None:
    """Customer health scores from e-mail, on your own machine."""
    ctx.obj = (db, rules, model)


def open_health(ctx: click.Context, *, create: bool = False) -> "Health":
    """Open the database that --db names, and close it when the verb ends."""
    from mailhealth.health import Health

    db, rules, model = ctx.obj
    health = Health(db, create=create, rules=rules, model=model)
    ctx.call_on_close(health.close)
    return health


def listing(verb: Callable[..., None]) -> Callable[..., None]:
    """Every listing takes --json and --csv."""
    for form in ("csv", "json"):
        verb = click.option(
            f"--{form}", "form", flag_value=form, help=f"Print {form.upper()} to standard output."
        )(verb)
    return verb


as_of_option = click.option("--as-of", help="A day or an instant; nothing at or after it is read.")
lang_option = click.option(
    "--lang",
    default="en",
    show_default=True,
    type=click.Choice(["en", "ja"]),
    help="Of heads, sentences and reasons; JSON and CSV keep their English keys.",
)
