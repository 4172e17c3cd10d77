"""The verbs that need no database of the user's: parse, annotate, demo, train, evaluate."""

import json
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.cli.app import lang_option, main
from mailhealth.cli.asking import missing_weeks

if TYPE_CHECKING:
    from mailhealth.records import Text


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
@click.option(
    "--model",
    default="mail",
    show_default=True,
    help="A shipped model, a folder, or a TOML file that names others.",
)
@click.option(
    "--topics",
    type=click.Path(exists=True, dir_okay=False),
    help="Your own topics.toml in place of the shipped one.",
)
def annotate(file: Any, model: str, topics: str | None) -> None:
    """Read texts: JSON lines {"id", "text", "subject"?, "lang"?} in, one annotation a line out.

    A line that is no such object is named on standard error and left out; exit status 1.
    """
    import mailhealth
    from mailhealth.cli import show

    ids: deque[Any] = deque()  # as they were given: a number stays a number
    wrong: list[int] = []
    for read in mailhealth.annotate(_texts(file, ids, wrong), model=model, topics=topics or ""):
        show.line({**show.annotation_row(read), "id": ids.popleft()})
    sys.exit(1 if wrong else 0)


def _texts(lines: Any, ids: "deque[Any]", wrong: list[int]) -> Iterator["Text"]:
    from mailhealth.cli import show

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
            text = _text(given)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            show.complain(f"line {number}: not a JSON object with 'id' and 'text' ({error})")
            wrong.append(number)
            continue
        ids.append(given["id"])
        yield text


def _text(given: dict[str, Any]) -> "Text":
    from mailhealth.records import Text

    said = {key: str(given.get(key) or "") for key in ("text", "subject", "lang")}
    if "text" not in given:
        raise KeyError("text")
    return Text(id=str(given["id"]), **said)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="demo")
@lang_option
@click.pass_context
def demo(ctx: click.Context, folder: Path, lang: str) -> None:
    """Lay out a sample company in FOLDER, read it, and print its customers' health."""
    from mailhealth import demo as company
    from mailhealth.cli import show, words
    from mailhealth.health import Health
    from mailhealth.web import campaigns as landing
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
        with show.progress(lang=lang) as progress:
            show.sync_report(health.sync(as_of=files.as_of, progress=progress), lang=lang)
            health.evaluate(missing_weeks(health), progress=progress)
        show.scores(health.scores(lang=lang), "table", lang=lang)
        page.write(health, folder / "report.html", lang=lang)
        landing.write(health, folder / "campaigns.html", lang=lang)
    done = "{file} and campaigns.html written; 'mailhealth --db {database} explain CUSTOMER'"
    show.say(words.tell(done, lang, file=folder / "report.html", database=database))


_data = click.option(
    "--data",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the files that the recipe names.",
)
_base = click.option(
    "--base",
    default="",
    help="The encoder to start from, by name or path; the recipe's unless told.",
)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_data
@_base
def train(folder: Path, data: Path, base: str) -> None:
    """Train the model in FOLDER as its model.toml says (needs mailhealth[train])."""
    from mailhealth import train as trainer
    from mailhealth.cli import show

    trainer.train(folder, data=data, base=base, progress=show.say)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_data
@_base
def evaluate(folder: Path, data: Path, base: str) -> None:
    """Measure the model in FOLDER, and baselines, on data it never saw; print its card's tables."""
    from mailhealth import train as trainer

    print(trainer.evaluate(folder, data=data, base=base))
