"""The verb that stays: mail is read, scored and told as it comes."""

import signal
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mailhealth.cli import alerting
from mailhealth.cli.app import lang_option, main, open_health
from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.health import Health, SyncReport


@main.command()
@click.argument("names", nargs=-1)
@click.option("--send", is_flag=True, help="Tell people of alerts, through Apprise.")
@alerting.send_to
@lang_option
@click.pass_context
def watch(
    ctx: click.Context, /, names: tuple[str, ...], *, send: bool, lang: str, **to: Any
) -> None:
    """Stay, and read mail as it comes into mailboxes NAMES (or all): score it, tell of alerts.

    Ends cleanly on Ctrl-C or SIGTERM; exit status 1 when a server refused the login.
    """
    from mailhealth.cli import show
    from mailhealth.health.watching import Refused

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    health, refused = open_health(ctx), False
    for told in health.watch(*names, stop=stop):
        if isinstance(told, Refused):
            refused = True
            show.complain(f"{told.source}: {told.why}")
        else:
            _tell(health, told, lang)
            if send:
                alerting.tell_people(health, to, lang)
    ctx.exit(1 if refused else 0)


def _tell(health: "Health", report: "SyncReport", lang: str) -> None:
    """Say in lines, each with its time, what came and which alerts follow from it."""
    from mailhealth.cli import show

    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    for source in report.sources:
        if source.new or source.skipped:
            show.say(f"{now} {show.brought(source, lang)}")
        if source.error:
            show.complain(f"{now} {source.source}: {source.error}")
    for alert in health.alerts(as_of=report.as_of, lang=lang):
        if alert.change in ("opened", "raised"):
            change = tell(alerting.CHANGES[alert.change], lang)
            because = "; ".join(alert.because)
            print(f"{now} {change}: {alert.customer}: {alert.title}: {because}", flush=True)
