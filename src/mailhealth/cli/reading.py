"""The verbs that bring mail in and say who is who."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from mailhealth.cli.app import as_of_option, listing, main, open_health


def log_options(verb: Callable[..., None]) -> Callable[..., None]:
    """What a user may know of a log that the log does not say."""
    for option in reversed(
        (
            click.option("--type", help="What every row is, such as clicked or bounced/hard."),
            click.option("--campaign", help="The campaign that every row belongs to."),
            click.option("--at", help="When it happened, where no column says so."),
            click.option("--zone", help="Of times that name none, such as Asia/Tokyo."),
            click.option("--dates", help="How dates are written, such as %Y/%m/%d."),
            click.option("--survey", help="The survey that every row answers."),
            click.option("--value", help="The column of a survey's answers, if it is not known."),
            click.option("--comment", help="The column of the comments beside them."),
            click.option("--kind", help="What a survey asks: nps or csat."),
            click.option("--scale", help="The highest answer: 5, 7, 10 or 100."),
            click.option("--encoding", help="Of the text, where it cannot be seen, such as cp932."),
            click.option("--password-env", help="The environment variable that holds a password."),
            click.option("--password-command", help="A command that prints the password."),
        )
    ):
        verb = option(verb)
    return verb


def mailbox_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Where a mailbox is, and how to log in there; provider connectors know most of it."""
    for option in reversed(
        (
            click.option("--host", help="The mail server."),
            click.option("--port", help="Its port; 993 unless told."),
            click.option("--user", help="The mailbox: its login name or address."),
            click.option("--folders", help="Folders, separated by commas; 'check' lists them."),
            click.option("--tls", help="yes (the default), starttls, or no (loopback only)."),
            click.option("--ca-file", help="Certificates to trust besides the system's."),
            click.option("--auth", help="password, google, google-service, microsoft(-app)."),
            click.option("--login", help="Who gave consent, if not the mailbox itself."),
            click.option("--client-file", help="Google: the OAuth client, as downloaded."),
            click.option("--key-file", help="Google: the service account's key."),
            click.option("--client-id", help="Microsoft: the application's id."),
            click.option("--tenant", help="Microsoft: the organisation's id or domain."),
            click.option("--client-secret-env", help="Microsoft: the variable with the secret."),
            click.option("--client-secret-command", help="Microsoft: what prints the secret."),
            click.option("--certificate-file", help="Microsoft: the application's certificate."),
            click.option("--authority", help="Microsoft: of a national cloud."),
            click.option("--daily-megabytes", help="How much may be read a day; 0: everything."),
        )
    ):
        verb = option(verb)
    return verb


@main.command()
@listing
def connectors(form: str | None) -> None:
    """List what can be read."""
    from mailhealth import sources
    from mailhealth.cli import show

    found = sources.connectors()
    rows = [{"connector": name, "title": each.title} for name, each in sorted(found.items())]
    show.rows(rows, form or "table", empty="no connectors")


@main.command()
@click.argument("name")
@click.argument("connector", required=False)
@click.option("--path", help="The file or folder to read.")
@mailbox_options
@log_options
@click.pass_context
def connect(
    ctx: click.Context, /, name: str, connector: str | None, **settings: str | None
) -> None:
    """Remember a source NAME, read by CONNECTOR.

    Without CONNECTOR, the file at --path is recognised by itself.
    """
    from mailhealth import sources
    from mailhealth.cli import show

    source = open_health(ctx, create=True).connect(name, connector, **settings)
    for hint in sources.connector(source.connector).hints:
        show.say(hint)
    show.say(f"{source.name} ({source.connector}) connected; 'mailhealth sync' reads it")


@main.command()
@click.argument("name")
@listing
@click.pass_context
def check(ctx: click.Context, name: str, form: str | None) -> None:
    """Ask the server of source NAME what would be read; nothing is read or changed.

    Lists every folder, why some are left out, and whether all that lies there is kept.
    """
    from mailhealth.cli import show

    found = open_health(ctx).folders(name)
    show.rows(found, form or "table", empty="the mailbox has no folder")
    read = [row["role"] for row in found if row["reads"] == "yes"]
    if not {"sent", "all"} & set(read):
        show.complain(
            "no folder of sent mail is among them: replies and first contacts of ours would be "
            "unknown; name it with 'mailhealth connect --folders'"
        )


@main.command()
@click.argument("values", nargs=-1, metavar="[DOMAIN_OR_ADDRESS]...")
@listing
@click.pass_context
def us(ctx: click.Context, values: tuple[str, ...], form: str | None) -> None:
    """Say which domains and addresses are ours; without any, list them."""
    from mailhealth.cli import show

    mine = open_health(ctx, create=bool(values)).us(*values)
    rows = [{"ours": value} for value in mine]
    show.rows(rows, form or "table", empty="nothing is ours yet: 'mailhealth us your-domain'")


@main.command()
@click.option("--country", help="Whose public holidays are ours: JP, DE, 'United States'.")
@click.option("--zone", help="Our time zone, such as Asia/Tokyo; a country brings one.")
@click.option("--hours", help="When we work, Monday to Friday: 09:00-18:00.")
@listing
@click.pass_context
def office(ctx: click.Context, /, *, form: str | None, **given: str | None) -> None:
    """Say where we work, for working hours and holidays; without options, show it."""
    from mailhealth.cli import show

    told = {name: value for name, value in given.items() if value is not None}
    known = open_health(ctx, create=bool(told)).office(**told)
    rows = [known.row()] if known else []
    show.rows(rows, form or "table", empty="nothing is told: 'mailhealth office --country JP'")


@main.command()
@click.argument("names", nargs=-1)
@click.option("--path", help="A file, folder or zip, whose connector is found by itself.")
@log_options
@as_of_option
@click.pass_context
def sync(
    ctx: click.Context,
    /,
    names: tuple[str, ...],
    path: str | None,
    as_of: str | None,
    **settings: str | None,
) -> None:
    """Read what is new, annotate it, and score the customers.

    With --path, that file, folder or zip becomes a source of its own name and is read; the
    options from --type to --password-command say of it what it does not say itself.
    Exit status 1 when something could not be read.
    """
    from mailhealth.cli import show

    _refuse_both(names, path, settings)
    health = open_health(ctx, create=path is not None)
    with show.progress() as progress:
        report = (
            health.sync(*names, as_of=as_of, progress=progress)
            if path is None
            else health.sync_path(path, as_of=as_of, progress=progress, **settings)
        )
    show.sync_report(report)
    show.warn(health)
    sys.exit(0 if report.complete else 1)


def _refuse_both(
    names: tuple[str, ...], path: str | None, settings: Mapping[str, str | None]
) -> None:
    if names and path is not None:
        raise click.UsageError("give names of sources or --path, not both")
    if path is None and (given := [key for key, value in settings.items() if value is not None]):
        option = given[0].replace("_", "-")
        raise click.UsageError(f"--{option} says something of --path; 'connect' keeps it")


@main.command()
@listing
@click.pass_context
def skipped(ctx: click.Context, form: str | None) -> None:
    """List what could not be read or was left out on purpose, and why."""
    from mailhealth.cli import show

    show.rows(open_health(ctx).skipped(), form or "table", empty="nothing was skipped")


@main.command()
@click.option(
    "--import",
    "file",
    type=click.Path(path_type=Path),
    help="Take over a customer file: customer,domain,address,segment,owner,started,renews,"
    "country,revenue,stage and, where needed, person,valid_from,valid_to.",
)
@click.option("--unassigned", is_flag=True, help="List who belongs to no customer, and why.")
@listing
@click.pass_context
def customers(ctx: click.Context, file: Path | None, unassigned: bool, form: str | None) -> None:
    """List the customers, and say who could not be assigned."""
    from mailhealth.cli import show

    health = open_health(ctx, create=file is not None)
    if file is not None:
        show.say(f"{health.import_customers(file)} customers taken over from {file}")
        return
    nobody = health.unassigned()
    if unassigned:
        show.rows(nobody, form or "table", empty="everybody belongs to a customer")
        return
    show.rows(health.customers(), form or "table", empty="no customer yet: 'mailhealth sync'")
    if nobody:
        wrote = sum(each["messages"] for each in nobody)
        show.say(
            f"{len(nobody)} contacts with {wrote} messages belong to no customer;"
            " --unassigned lists them with the reasons"
        )


@main.command()
@click.option("--customer", help="One customer only.")
@listing
@click.pass_context
def contacts(ctx: click.Context, customer: str | None, form: str | None) -> None:
    """List the people: their person, their customer, and where they were seen."""
    from mailhealth.cli import show

    rows = open_health(ctx).contacts(customer)
    show.rows(rows, form or "table", empty="nobody yet: 'mailhealth sync'")


@main.command()
@click.argument("answer", type=click.Choice(["yes", "no"]), required=False)
@click.pass_context
def consumer(ctx: click.Context, answer: str | None) -> None:
    """Say whether customers are persons, not companies (yes or no); without, tell."""
    health = open_health(ctx, create=answer is not None)
    print("yes" if health.consumer(None if answer is None else answer == "yes") else "no")
