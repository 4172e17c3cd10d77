"""The verb about surveys: what people answered, and who is silent."""

from dataclasses import asdict
from typing import Any

import click

from mailhealth.cli.app import as_of_option, listing, main, open_health

GROUPS = ("all", "customer", "segment", "survey")


@main.command()
@click.option("--customer", help="One customer only.")
@click.option(
    "--by", type=click.Choice(GROUPS), default="all", show_default=True, help="A line for each."
)
@click.option("--comments", is_flag=True, help="List what people wrote, and how it sounds.")
@as_of_option
@listing
@click.pass_context
def surveys(
    ctx: click.Context,
    /,
    *,
    customer: str | None,
    by: Any,
    comments: bool,
    as_of: str | None,
    form: str | None,
) -> None:
    """Say what people answer: NPS and CSAT with their 95 % intervals, responses, silence.

    Each person's newest answer of 270 days counts. A response comes within 14 days. Who was
    asked and is silent is counted; who has no line was never asked.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    if comments:
        rows = health.survey_comments(customer=customer, as_of=as_of)
        show.rows(rows, form or "table", empty="nobody wrote a comment")
        return
    results = [asdict(each) for each in health.surveys(by=by, customer=customer, as_of=as_of)]
    if by == "all":
        results = [{k: v for k, v in each.items() if k != "group"} for each in results]
    else:
        results = [{by: each.pop("group"), **each} for each in results]
    show.rows(results, form or "table", empty="never asked: no survey's export was read yet")
