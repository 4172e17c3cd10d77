"""The verbs that tell whom to look at, and what is to be done."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health
from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.alerts import Playbook
    from mailhealth.health import Health
    from mailhealth.health.alerting import Alert, Task

SEND_TO = "MAILHEALTH_SEND_TO"
CALM = "nobody needs to be looked at"
OLDER = (
    "{count} more customers only show what was there before the first look:"
    " 'mailhealth risks' lists who is at risk"
)
CHANGES = {  # as people read them
    "opened": "new",
    "raised": "graver",
    "open": "still open",
    "cleared": "cleared",
    "held back": "held back",
}
SEVERITIES = {"high": "severe", "medium": "moderate", "low": "minor"}


class Asked(NamedTuple):
    """What was asked for of alerts, besides pages."""

    dry_run: bool
    only_open: bool
    json_lines: Path | None
    as_of: str | None
    lang: str
    form: str | None


def _page(what: str, verb: Any) -> Any:
    """Options that bring a page of the user's own, go back to the shipped one, or print it."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--print", "printed", is_flag=True, help=f"Print the shipped {what}, to edit."
        ),
        click.option("--shipped", is_flag=True, help=f"Go back to the shipped {what}."),
        click.option("--page", type=file, help=f"Your own {what}: it counts from now on."),
    ):
        verb = option(verb)
    return verb


def send_to(verb: Any) -> Any:
    """Options that say where alerts are sent; the addresses are secrets, so they are named."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--to-command", metavar="COMMAND", default="", help="A program that prints them."
        ),
        click.option(
            "--to-env",
            metavar="NAME",
            default=SEND_TO,
            show_default=True,
            help="The variable that holds them.",
        ),
        click.option("--to-file", type=file, help="A file with Apprise's URLs, one a line."),
    ):
        verb = option(verb)
    return verb


@main.command()
@click.option("--dry-run", is_flag=True, help="Show what would happen, tasks too; keep nothing.")
@click.option("--open", "only_open", is_flag=True, help="List what is open, without looking anew.")
@click.option("--close", type=int, metavar="ALERT", help="Close an open one by hand (--reason).")
@click.option("--reason", help="Why it is closed; kept with it.")
@click.option("--send", is_flag=True, help="Tell people, through Apprise (mailhealth[alerts]).")
@send_to
@click.option(
    "--json-lines",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append what changed to a file, one JSON object a line.",
)
@lambda verb: _page("alerts.toml", verb)
@as_of_option
@lang_option
@listing
@click.pass_context
def alerts(ctx: click.Context, /, *, printed: bool, **options: Any) -> None:
    """Say whom to look at now, and why; each alert is told once, and clears itself.

    Where to send to is a secret: it is read from a file, a variable or a command when it is
    needed, and never kept.
    """
    from mailhealth import alerts as room

    if printed:
        click.echo(room.shipped(), nl=False)
        return
    close, reason = options.pop("close"), options.pop("reason")
    if (close is None) is not (reason is None):
        raise click.UsageError("--close ALERT and --reason TEXT go together")
    send, to = options.pop("send"), {k: options.pop(k) for k in ("to_file", "to_env", "to_command")}
    page, shipped = options.pop("page"), options.pop("shipped")
    asked, health = Asked(**options), open_health(ctx)
    if send and asked.dry_run:
        raise click.UsageError("--dry-run sends nothing; leave out --send")
    health.alert_pages(alerts=_text(page, shipped=shipped))
    if close is not None:
        health.close_alert(close, reason)
        asked = asked._replace(only_open=True)
    _show(health, asked)
    if send:
        tell_people(health, to, asked.lang)


def _text(page: Path | None, *, shipped: bool) -> str | None:
    """The text of a page that counts from now on; "" is the shipped one, None leaves it."""
    from mailhealth.rules import toml

    return toml.text(page) if page else "" if shipped else None


def _show(health: "Health", asked: Asked) -> None:
    from mailhealth.cli import show

    if asked.json_lines and not asked.dry_run:
        _append(
            asked.json_lines, []
        )  # a file that cannot be written is told before anything is kept
    if asked.only_open:
        found = health.open_alerts(lang=asked.lang)
    else:
        decided = health.look(as_of=asked.as_of, dry_run=asked.dry_run, lang=asked.lang)
        found = decided.alerts
        if decided.passed_over:
            show.say(tell(OLDER, asked.lang, count=decided.passed_over))
    if asked.json_lines and not asked.dry_run:
        _append(asked.json_lines, [each for each in found if each.change != "open"])
    rows = [_written(each, asked) for each in found]
    show.rows(rows, asked.form or "table", empty=CALM, lang=asked.lang)


def _written(alert: "Alert", asked: Asked) -> dict[str, Any]:
    if asked.form is None:
        return _line(alert, asked.lang, planned=asked.dry_run)
    return _flat(_row(alert)) if asked.form == "csv" else _row(alert)


def _append(file: Path, found: Sequence["Alert"]) -> None:
    lines = "".join(json.dumps(_row(each), ensure_ascii=False) + "\n" for each in found)
    try:
        with file.open("a", encoding="utf-8") as out:
            out.write(lines)
    except OSError as error:
        raise click.ClickException(f"{file.name}: cannot be written ({error.strerror})") from error


def tell_people(health: "Health", to: dict[str, Any], lang: str) -> None:
    """Send the alerts that nobody was told of; raises ClickException where a service refuses."""
    from mailhealth.alerts.sending import Place
    from mailhealth.cli import show

    place = Place(to["to_file"], to["to_env"], to["to_command"])
    sent, count = health.send_alerts(place, lang=lang)
    if not count:
        show.say(tell("everybody knows already: no alert is new", lang))
        return
    told = "{count} alerts sent to {took} services"
    show.say(tell(told, lang, count=count, took=sent.took))
    if sent.refused:
        refused = tell("not taken by: {services}", lang, services=", ".join(sent.refused))
        raise click.ClickException(refused)


def _row(alert: "Alert") -> dict[str, Any]:
    """Give an alert as plain data, for programs."""
    return {
        "alert": alert.alert,
        "change": alert.change,
        "customer": alert.customer,
        "kind": alert.kind,
        "severity": alert.severity,
        "opened": alert.opened,
        "as_of": alert.as_of,
        "because": list(alert.because),
        "evidence": [each.id for each in alert.evidence],
        "tasks": [
            {name: getattr(task, name) for name in ("task", "due", "what", "owner", "playbook")}
            for task in alert.tasks
        ],
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"tasks": [f"{task['due']} {task['what']}" for task in row["tasks"]]}


def _line(alert: "Alert", lang: str, *, planned: bool) -> dict[str, Any]:
    row = {
        "number": "" if alert.alert is None else alert.alert,
        "news": tell(CHANGES[alert.change], lang),
        "severity": tell(SEVERITIES[alert.severity], lang),
        "customer": alert.customer,
        "alert": alert.title,
        "since": alert.opened[:10],
        "because": "\n".join(alert.because),
        "messages behind it": _messages(alert, lang),
    }
    to_do = "\n".join(f"{task.due} {task.what}" for task in alert.tasks)
    return row | {"to do": to_do} if planned else row


def _messages(alert: "Alert", lang: str) -> str:
    """Name the newest message behind an alert, and count the others."""
    if not alert.evidence:
        return ""
    more = len(alert.evidence) - 1
    others = [tell("… and {count} more", lang, count=more)] if more else []
    return "\n".join([alert.evidence[0].id, *others])


@main.command()
@lambda verb: _page("playbooks.toml", verb)
@lang_option
@listing
@click.pass_context
def playbooks(
    ctx: click.Context,
    /,
    *,
    page: Path | None,
    shipped: bool,
    printed: bool,
    lang: str,
    form: str | None,
) -> None:
    """Say what is to be done when an alert opens, for whom, by when.

    `mailhealth alerts --dry-run` shows the tasks that would be made now.
    """
    from mailhealth.alerts import playbooks as room
    from mailhealth.cli import show

    if printed:
        click.echo(room.shipped(), nl=False)
        return
    health = open_health(ctx)
    found = health.alert_pages(playbooks=_text(page, shipped=shipped)).playbooks
    rows = [row for each in found for row in _steps(each, lang)]
    show.rows(rows, form or "table", empty="no playbook yet", lang=lang)


def _steps(playbook: "Playbook", lang: str) -> list[dict[str, Any]]:
    whom = ", ".join((*playbook.segments, *playbook.owners))
    return [
        {
            "playbook": playbook.name,
            "title": playbook.title[lang],
            "when": ", ".join(playbook.when),
            "for": whom,
            "to do": step.words[lang],
            "owner": step.owner,
            "working days": step.due,
        }
        for step in playbook.steps
    ]


@main.command()
@click.option("--done", type=int, metavar="TASK", multiple=True, help="This one is done.")
@click.option("--drop", type=int, metavar="TASK", multiple=True, help="This one need not be done.")
@click.option("--owner", help="Of one person only.")
@click.option("--customer", help="Of one customer only.")
@click.option("--all", "everything", is_flag=True, help="What is done or dropped too.")
@lang_option
@listing
@click.pass_context
def tasks(
    ctx: click.Context,
    /,
    *,
    done: tuple[int, ...],
    drop: tuple[int, ...],
    owner: str | None,
    customer: str | None,
    everything: bool,
    lang: str,
    form: str | None,
) -> None:
    """List what is to be done, what is due next first; say what is done."""
    from mailhealth.cli import show

    health = open_health(ctx)
    for number in done:
        health.close_task(number, "done")
    for number in drop:
        health.close_task(number, "dropped")
    found = health.tasks(lang=lang, everything=everything, owner=owner, customer=customer)
    rows = [_task_row(task) if form else _task_line(task, lang) for task in found]
    show.rows(rows, form or "table", empty="nothing is to be done", lang=lang)


def _task_row(task: "Task") -> dict[str, Any]:
    return {name: getattr(task, name) for name in task.__dataclass_fields__}


def _task_line(task: "Task", lang: str) -> dict[str, Any]:
    return {
        "task": task.task,
        "due": task.due,
        "owner": task.owner or "",
        "customer": task.customer,
        "to do": task.what,
        "alert": task.title,
        "state": tell(task.state, lang),
    }
