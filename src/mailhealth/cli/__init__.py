"""The command line: a thin skin over Health.

Every verb is a method of Health of the same name. Errors are one sentence on standard error
and exit status 1; what could not be read makes the exit status 1 too.
"""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.errors import BadSource, MailhealthError

if TYPE_CHECKING:
    from mailhealth.health import Health
    from mailhealth.records import Text


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
@click.version_option(package_name="mailhealth")
@click.pass_context
def main(ctx: click.Context, db: Path, rules: Path | None) -> None:
    """Customer health scores from e-mail, on your own machine."""
    ctx.obj = (db, rules)


def open_health(ctx: click.Context, *, create: bool = False) -> "Health":
    """Open the database that --db names, and close it when the verb ends."""
    from mailhealth.health import Health

    db, rules = ctx.obj
    health = Health(db, create=create, rules=rules)
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
    "--lang", default="en", show_default=True, type=click.Choice(["en", "ja"]), help="Of reasons."
)


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
@click.option("--host", help="The mail server.")
@click.option("--port", help="Its port; 993 unless told.")
@click.option("--user", help="The login name.")
@click.option("--folders", help="Folders, separated by commas; INBOX and the Sent one unless told.")
@click.option("--password-env", help="The environment variable that holds the password.")
@click.option("--password-command", help="A command that prints the password.")
@click.option("--tls", help="yes (the default), starttls, or no (loopback only).")
@click.option("--ca-file", help="Certificates to trust besides the system's.")
@click.pass_context
def connect(
    ctx: click.Context, /, name: str, connector: str | None, **settings: str | None
) -> None:
    """Remember a source NAME, read by CONNECTOR.

    Without CONNECTOR, the file at --path is recognised by itself.
    """
    from mailhealth.cli import show

    source = open_health(ctx, create=True).connect(name, connector, **settings)
    show.say(f"{source.name} ({source.connector}) connected; 'mailhealth sync' reads it")


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
@click.argument("names", nargs=-1)
@as_of_option
@click.pass_context
def sync(ctx: click.Context, names: tuple[str, ...], as_of: str | None) -> None:
    """Read what is new, annotate it, and score the customers.

    Exit status 1 when something could not be read.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    with show.progress() as progress:
        report = health.sync(*names, as_of=as_of, progress=progress)
    show.sync_report(report)
    show.warn(health)
    sys.exit(0 if report.complete else 1)


@main.command()
@listing
@click.pass_context
def skipped(ctx: click.Context, form: str | None) -> None:
    """List what could not be read, and why."""
    from mailhealth.cli import show

    show.rows(open_health(ctx).skipped(), form or "table", empty="nothing was skipped")


@main.command()
@click.option(
    "--import",
    "file",
    type=click.Path(path_type=Path),
    help="Take over a customer file: customer,domain,address,segment,owner,started,renews"
    " and, where needed, person,valid_from,valid_to.",
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
    show.scores(found, form or "table")
    show.warn(health)


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
    show.explanation(told, form or "table")


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="report.html")
@lang_option
@click.pass_context
def report(ctx: click.Context, file: Path, lang: str) -> None:
    """Write one page: the ranking, and each customer's time line. Works offline."""
    from mailhealth.cli import show
    from mailhealth.web import report as page

    health = open_health(ctx)
    with show.progress() as progress:
        health.evaluate(missing_weeks(health), progress=progress)
    page.write(health, file, lang=lang)
    show.say(f"{file} written")


def missing_weeks(health: "Health") -> list[str]:
    """The weekly instants of the last year that have no scores yet."""
    known = {
        day["as_of"][:10]
        for score in health.scores()
        for day in health.score_history(score.customer)
    }
    return [day for day in health.history() if day[:10] not in known]


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def parse(files: tuple[str, ...]) -> None:
    """Print each e-mail FILE as one JSON object a line."""
    import mailhealth
    from mailhealth.cli import show

    missed = False
    for file in files:
        try:
            raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            show.complain(f"{file}: cannot be read ({error.strerror})")
            missed = True
            continue
        show.line(show.message_row(file, mailhealth.parse(raw)))
    sys.exit(1 if missed else 0)


@main.command()
@click.argument("file", default="-", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--model", default="mail", show_default=True, help="A shipped model, or a folder.")
def annotate(file: Any, model: str) -> None:
    """Read texts: JSON lines {"id", "text", "subject"?, "lang"?} in, one annotation a line out."""
    import mailhealth
    from mailhealth.cli import show

    for read in mailhealth.annotate(_texts(file), model=model):
        show.line(show.annotation_row(read))


def _texts(lines: Any) -> Iterator["Text"]:
    from mailhealth.records import Text

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
            text = Text(
                id=str(given["id"]),
                text=str(given["text"]),
                subject=str(given.get("subject") or ""),
                lang=str(given.get("lang") or ""),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadSource(
                f"line {number}: not a JSON object with 'id' and 'text' ({error})"
            ) from error
        yield text


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="demo")
@lang_option
@click.pass_context
def demo(ctx: click.Context, folder: Path, lang: str) -> None:
    """Lay out a sample company in FOLDER, read it, and print its customers' health."""
    from mailhealth import demo as company
    from mailhealth.cli import show
    from mailhealth.health import Health
    from mailhealth.web import report as page

    files = company.lay_out(folder)
    database = folder / "acme.db"
    for old in folder.glob("acme.db*"):
        old.unlink()
    with Health(database) as health:
        health.us(files.ours)
        health.import_customers(files.customers)
        health.connect("support", "mbox", path=files.mailbox)
        health.connect("newsletter", "elastic_email", path=files.send_log)
        with show.progress() as progress:
            show.sync_report(health.sync(as_of=files.as_of, progress=progress))
            health.evaluate(missing_weeks(health), progress=progress)
        show.scores(health.scores(lang=lang), "table")
        page.write(health, folder / "report.html", lang=lang)
    show.say(f"{folder / 'report.html'} written; 'mailhealth --db {database} explain CUSTOMER'")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the files that the recipe names.",
)
@click.option(
    "--base", help="The encoder to start from, by name or path; the recipe's unless told."
)
def train(folder: Path, data: Path, base: str | None) -> None:
    """Train the model in FOLDER as its model.toml says (needs mailhealth[train])."""
    from mailhealth import train as trainer

    trainer.train(folder, data=data, base=base or "")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def evaluate(folder: Path, data: Path) -> None:
    """Measure the model in FOLDER on data it never saw, and print its card's tables."""
    from mailhealth import train as trainer

    print(trainer.evaluate(folder, data=data))
