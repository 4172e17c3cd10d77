"""The verb that invents a company whose customers' true health is known."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mailhealth.cli.app import main
from mailhealth.errors import BadSource

_file = click.Path(dir_okay=False, path_type=Path)


@main.command()
@click.argument("out", type=_file, metavar="OUT.db")
@click.option("--world", "name", default="base", show_default=True, help="The rules of the world.")
@click.option("--customers", default=3000, show_default=True, help="How many there ever are.")
@click.option("--days", default=760, show_default=True, help="Days that are told.")
@click.option("--seed", default=1, show_default=True, help="The same seed, the same world.")
@click.option("--end", default="2026-11-01", show_default=True, help="The day after the last.")
@click.option("--messages", type=int, help="About so many mails.")
@click.option("--events", type=int, help="About so many campaign events.")
@click.option("--truth", type=_file, help="Write who decided to leave, and beside it the health.")
@click.option("--churn", type=_file, help="Write who left, for 'mailhealth backtest --churn'.")
@click.pass_context
def simulate(
    ctx: click.Context, /, *, out: Path, truth: Path | None, churn: Path | None, **told: Any
) -> None:
    """Invent a company in a new database OUT.db: its customers, their mail, and who leaves.

    Worlds: base, quiet (leavers fall silent), loud (they complain), sparse (hardly any mail),
    segconf (the segment drives mail and leaving), null (mail tells nothing).
    """
    from mailhealth import nlp
    from mailhealth import simulate as worlds
    from mailhealth.cli import show

    _, _, model = ctx.obj
    world = worlds.world(told.pop("name"), **told)
    if truth is not None:
        _write(truth, worlds.FATE, worlds.fates(world))
        _write(truth.with_name(f"{truth.stem}-health.csv"), worlds.HEALTH, worlds.healths(world))
    if churn is not None:
        _write(churn, worlds.CHURNED, worlds.churned(world))
    # What the model has read already, sync will not read again.
    worlds.write(out, world, read_by=nlp.version(model))
    show.say(f"{out}: {len(world.mails)} mails, {len(world.events)} campaign events")


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise BadSource(f"{path}: it cannot be written ({error.strerror})") from error
