"""The verbs that ask: signals, scores, why, and the page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health

if TYPE_CHECKING:
    from mailhealth.health import Health, Progress
    from mailhealth.store.contract import Changes

NO_SIGNAL = "no signal yet: 'mailhealth sync'"
NO_CUSTOMER = "no customer yet; 'mailhealth sync' reads the connected sources"
BARS = "▁▂▃▄▅▆▇█"  # eighths of the scale


@main.command()
@click.option("--customer", help="One customer only.")
@as_of_option
@click.option("--keep", is_flag=True, help="Keep a day of --as-of that is only computed else.")
@click.option("--wide", is_flag=True, help="A row a customer, a column a signal; CSV unless told.")
@click.option(
    "--changes-since",
    type=click.IntRange(0),
    metavar="REVISION",
    help="Only what changed after a REVISION (0: everything), and the newest one.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of one row of --json.")
@listing
@click.pass_context
def signals(
    ctx: click.Context, /, *, changes_since: int | None, form: str | None, **options: Any
) -> None:
    """Print the table email_signals: every answer with its n, k and interval.

    A day that was never evaluated is computed, and kept only with --keep.
    """
    from mailhealth.cli import show

    if options.pop("schema"):
        from mailhealth.store import contract

        print(json.dumps(contract.schema(), ensure_ascii=False, indent=2))
        return
    if options["keep"] and not options["as_of"]:
        raise click.UsageError("--keep: of which day? Add --as-of 2026-11-01")
    health = open_health(ctx)
    if changes_since is not None:
        _alone("--changes-since", options)
        _changes(health.signal_changes(changes_since), form)
        return
    frame = health.signals(**options)
    frame = frame.astype(object).where(frame.notna(), None)
    rows = [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    form = form or ("csv" if options["wide"] else "table")
    show.rows(rows, form, empty=NO_SIGNAL, exact=True)


def _changes(changes: "Changes", form: str | None) -> None:
    """Print what changed: all of it as JSON, else the rows, and on standard error the rest."""
    from mailhealth.cli import show

    if form == "json":
        told = {
            "revision": changes.revision,
            "definitions": changes.definitions,
            "removed": changes.removed,
            "rows": changes.rows,
        }
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return
    show.rows(changes.rows, form or "table", empty="nothing changed since", exact=True)
    for gone in changes.removed:
        show.say(f"removed: all older rows {_of(gone)} (revision {gone['revision']})")
    show.say(f"revision {changes.revision}")


def _of(gone: Any) -> str:
    return f"of {gone['customer']}" if gone["as_of"] is None else f"as of {gone['as_of']}"


def _alone(option: str, others: dict[str, Any]) -> None:
    """Refuse options that say nothing beside another one."""
    if given := [f"--{name.replace('_', '-')}" for name, value in others.items() if value]:
        raise click.UsageError(f"{option} stands alone, without {' and '.join(given)}")


@main.command()
@click.option("--band", help="One band only: unhealthy, at risk, healthy or unknown.")
@as_of_option
@click.option("--from", "start", metavar="DAY", help="Each score over time: from this day on,")
@click.option("--to", "end", metavar="DAY", help="to this day (the newest evaluation unless told),")
@click.option(
    "--every",
    type=click.Choice(["day", "week", "month"]),
    help="in such steps back from --to (weeks unless told).",
)
@lang_option
@listing
@click.pass_context
def scores(ctx: click.Context, /, *, lang: str, form: str | None, **options: Any) -> None:
    """Rank the customers by health, the worst first, with the reasons.

    With --from, the scores of those days are computed anew and kept: who stands worst at the end
    comes first.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    days = [options.pop(name) for name in ("start", "end", "every")]
    options["band"] = options["band"] and options["band"].replace("-", " ")
    if any(days):
        if options.pop("as_of") or not days[0]:
            raise click.UsageError("a history goes --from a day --to a day, without --as-of")
        with show.progress(lang=lang) as progress:
            found = _between(health, days, options["band"], progress)
        _over_time(found, form, lang)
    else:
        show.scores(health.scores(**options, lang=lang), form or "table", lang=lang)
    show.warn(health, lang=lang)


def _between(
    health: "Health", days: Sequence[Any], band: str | None, progress: "Progress"
) -> dict[str, list[dict[str, Any]]]:
    """Each customer's scores over time, the worst at the end first, the unknown ones last."""
    start, end, every = days
    rows = health.scores_between(start, end, every=every or "week", progress=progress)
    by_customer: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_customer.setdefault(row["customer"], []).append(row)
    last = {customer: mine[-1] for customer, mine in by_customer.items()}
    ranked = sorted(last, key=lambda c: (last[c]["band"] == "unknown", last[c]["value"], c))
    return {c: by_customer[c] for c in ranked if band in (None, last[c]["band"])}


def _over_time(found: Mapping[str, Sequence[dict[str, Any]]], form: str | None, lang: str) -> None:
    """Print scores over time: a row a customer and day for programs, a line each for people."""
    from mailhealth.cli import show

    if form:
        rows = [_score_then(row) for mine in found.values() for row in mine]
    else:
        rows = [_line(customer, mine, lang) for customer, mine in found.items()]
    show.rows(rows, form or "table", empty=NO_CUSTOMER, lang=lang)


def _score_then(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "customer": row["customer"],
        "as_of": row["as_of"],
        "score": round(row["value"], 1),
        "band": row["band"],
        "low": round(row["low"], 1),
        "high": round(row["high"], 1),
        "coverage": round(row["coverage"], 3),
    }


def _line(customer: str, rows: Sequence[Mapping[str, Any]], lang: str) -> dict[str, Any]:
    from mailhealth.cli.words import tell

    known = [row["value"] for row in rows if row["band"] != "unknown"]
    last = rows[-1]
    return {
        "customer": customer,
        "over time": "".join(map(_bar, rows)),
        "score": "–" if last["band"] == "unknown" else f"{last['value']:.0f}",
        "change": f"{known[-1] - known[0]:+.0f}" if known else "",
        "band": tell(last["band"], lang),
    }


def _bar(row: Mapping[str, Any]) -> str:
    """A score as a bar; that of a day without enough data as a dot."""
    return "·" if row["band"] == "unknown" else BARS[min(7, int(row["value"] / 12.5))]


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
    show.explanation(told, form or "table", lang=lang)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="report.html")
@lang_option
@click.pass_context
def report(ctx: click.Context, file: Path, lang: str) -> None:
    """Write one page: the ranking, and each customer's time line. Works offline."""
    from mailhealth.cli import show, words
    from mailhealth.web import report as page

    health = open_health(ctx)
    with show.progress(lang=lang) as progress:
        health.evaluate(missing_weeks(health), progress=progress)
    page.write(health, file, lang=lang)
    show.say(words.tell("{file} written", lang, file=file))


def missing_weeks(health: "Health") -> list[str]:
    """The weekly instants of the last year that have no scores by these rules yet."""
    known = {day[:10] for day in health.scored_days()}
    return [day for day in health.history() if day[:10] not in known]
