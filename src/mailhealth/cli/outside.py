"""The verbs about other systems: what they know comes in, and is told as metrics."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mailhealth.cli.app import as_of_option, listing, main, open_health

if TYPE_CHECKING:
    from mailhealth.health.outside import Taken


@main.group("import")
def importing() -> None:
    """Take over what other systems know: 'import outside FILE.csv'."""


@importing.command("outside")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def import_outside(ctx: click.Context, /, *, file: Path) -> None:
    """Take over the figures of FILE: a CSV with customer, component, metric, value, at.

    Components are product, billing, support, sales, marketing, voc, web, social and community;
    'mailhealth outside --metrics' lists what each may tell. In place of a customer stands * for
    all of them together, segment:NAME for a segment. A later value for the same customer,
    metric and time replaces the earlier; where one line is wrong, nothing is changed.
    """
    from mailhealth.cli import show

    _tell(open_health(ctx).import_outside(file), file)
    show.say("'mailhealth outside' tells what they come to")


def _tell(taken: "Taken", file: Path) -> None:
    from mailhealth.cli import show

    figures = taken.figures
    show.say(
        f"{file}: {figures.new} figures new, {figures.replaced} replaced, {figures.known} known"
    )
    for (component, part), needs in sorted(taken.idle.items()):
        show.complain(
            f"{component}: {part} tells nothing yet; it needs {', '.join(sorted(needs))}"
            " of the same customer and day"
        )


@main.command()
@click.option("--customer", help="One customer only; * for all together, segment:NAME.")
@click.option("--metrics", is_flag=True, help="List what a file may tell, and the formulas.")
@click.option(
    "--page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own components.toml: components, weights and metrics from now on.",
)
@click.option("--shipped", is_flag=True, help="Go back to the shipped components.toml.")
@click.option("--print", "printed", is_flag=True, help="Print the shipped one, to edit.")
@as_of_option
@listing
@click.pass_context
def outside(
    ctx: click.Context,
    /,
    *,
    customer: str | None,
    metrics: bool,
    page: Path | None,
    shipped: bool,
    printed: bool,
    as_of: str | None,
    form: str | None,
) -> None:
    """Say what other systems know: product, billing, support ..., with n and 95 % intervals.

    Of each metric the newest value counts, for 180 days. First what is known of all customers
    together and of segments, which no score counts, then each customer's own.
    """
    from mailhealth import outside as room
    from mailhealth.cli import show
    from mailhealth.rules import toml

    if printed:
        click.echo(room.shipped(), nl=False)
        return
    health = open_health(ctx)
    if page or shipped:
        health.outside_page(toml.text(page) if page else "")
    if metrics:
        show.rows(health.outside_metrics(), form or "table", empty="no metric")
        return
    rows = health.outside(customer=customer, as_of=as_of)
    empty = "nothing is known yet: 'mailhealth import outside FILE.csv'"
    show.rows(rows, form or "table", empty=empty)
