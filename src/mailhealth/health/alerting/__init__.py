"""Alerts and tasks as of an instant: decided, explained, kept, told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlite_utils import Database

from mailhealth import alerts
from mailhealth.alerts import sending
from mailhealth.errors import BadData, UnknownName
from mailhealth.health import portfolio
from mailhealth.health.alerting import cases, reasons
from mailhealth.health.alerting.cases import Case
from mailhealth.health.alerting.pages import Pages, pages
from mailhealth.health.alerting.reasons import Told
from mailhealth.health.answers import Evidence
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import iso, seconds
from mailhealth.store import alerts as kept
from mailhealth.store import results

__all__ = [
    "Alert",
    "Decision",
    "Pages",
    "Task",
    "close",
    "close_alert",
    "decide",
    "listing",
    "pages",
    "send",
    "tasks",
]

_CHANGES = ("opened", "raised", "open", "cleared", "held back")


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done: by whom (None: nobody is named), by which day.

    `task` is its number (None: not kept), `kind` and `title` the alert's, `state` open, done or
    dropped.
    """

    task: int | None
    customer: str
    kind: str
    title: str
    what: str
    owner: str | None
    due: str
    playbook: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class Alert:
    """That somebody must look at a customer, and why.

    `change` is opened, raised, open (as before), cleared, or held back by the refractory time;
    `alert` its number (None: not kept), `because` what it says and the three reasons,
    `evidence` the messages and events behind it, `tasks` what the playbooks ask for.
    """

    alert: int | None
    customer: str
    kind: str
    title: str
    severity: str
    change: str
    opened: str
    as_of: str
    because: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of alerts; `passed_over` customers only show older signs."""

    alerts: list[Alert]
    passed_over: int


def decide(engine: Engine, day: str, *, dry_run: bool, lang: str) -> Decision:
    """Decide what becomes of every alert as of an instant, and keep it unless it is a dry run.

    The new ones come first, the severest first. Raises BadData for an instant before the newest
    that was kept.
    """
    newest = kept.newest_instant(engine.db())
    if not dry_run and day < newest:
        raise BadData(
            f"alerts are kept as of {newest} already; an earlier instant can only be looked at:"
            " --dry-run"
        )
    now = pages(engine.db(), engine.rules)
    known = cases.cases(engine, day, now.alerts)
    looked = _looked(engine, known, now)
    steps = alerts.course(_before(engine.db(), day), looked.signs, seconds(day), now.alerts)
    told = sorted(reasons.told(engine, day, steps, (known, now)), key=_order)
    if not dry_run:
        told = [each for each in told if each.step.change != "held back"]
        numbers = _keep(engine.db(), day, told, looked.over)
        rows = [_row(each, day, numbers) for each in told]
    else:
        rows = [_row(each, day, {}) | {"planned": each.tasks} for each in told]
    passed = {customer for customer, _ in looked.over} - {each.step.customer for each in told}
    return Decision(_alerts(engine.db(), rows, now, lang), len(passed))


def _looked(engine: Engine, known: Mapping[str, Case], now: Pages) -> alerts.Looked:
    """Find the signs that count; at the first look at a long history not all of them do."""
    db = engine.db()
    signs = alerts.signs((case.standing for case in known.values()), list(now.kinds.values()))
    if kept.looked(db):
        return alerts.later(signs, kept.passed_over(db))
    stakes = cases.stakes(known, portfolio.page(db, engine.rules).churn)
    return alerts.first(signs, stakes, now.alerts.budget)


def _before(db: Database, day: str) -> list[alerts.Known]:
    return [
        alerts.Known(**{**each, "open": bool(each["open"]), "fired": seconds(each["fired"])})
        for each in kept.newest(db, day)
    ]


def listing(engine: Engine, *, lang: str = "en") -> list[Alert]:
    """List the open alerts, the severest and then the newest first."""
    rows = [{**row, "change": "open"} for row in kept.listing(engine.db())]
    return _alerts(engine.db(), rows, pages(engine.db(), engine.rules), lang)


def tasks(
    engine: Engine, *, owner: str | None, customer: str | None, everything: bool, lang: str
) -> list[Task]:
    """List the tasks, of all or of some, that are open (or `everything`), due ones first."""
    titles = _titles(pages(engine.db(), engine.rules), lang)
    rows = kept.tasks(engine.db(), only_open=not everything)
    return [
        _task(row, titles, lang)
        for row in rows
        if owner in (None, row["owner"]) and customer in (None, row["customer"])
    ]


def close_alert(db: Database, alert: int, reason: str) -> None:
    """Close an open alert by hand; raises UnknownName where none of that number is open."""
    if not reason.strip():
        raise BadData(f"alert {alert}: closing it by hand needs a reason, which is kept")
    if not kept.close(db, alert, reason.strip(), iso(datetime.now(UTC))):
        there = ", ".join(str(row["alert"]) for row in kept.listing(db)[:5])
        raise UnknownName(f"no open alert {alert}; open ones are {there or 'none'}")


def close(db: Database, task: int, state: Literal["done", "dropped"]) -> None:
    """Say that a task is done or dropped; raises UnknownName where there is none."""
    if not kept.close_task(db, task, state, iso(datetime.now(UTC))):
        there = ", ".join(str(row["task"]) for row in kept.tasks(db)[:5])
        raise UnknownName(f"no task {task}; open ones are {there or 'none'}")


def send(engine: Engine, place: sending.Place, *, lang: str = "en") -> tuple[sending.Sent, int]:
    """Tell people of the open alerts that nobody was told of; count the alerts.

    They count as told when at least one service took the message. Raises BadSource where no
    service is named.
    """
    due = kept.unsent(engine.db())
    news = [alert for alert in listing(engine, lang=lang) if alert.alert in due]
    if not news:
        return sending.Sent(0, ()), 0
    sent = sending.send(place, *_message(news, lang))
    if sent.took:
        numbers = [alert.alert for alert in news if alert.alert is not None]
        kept.mark_sent(engine.db(), numbers, iso(datetime.now(UTC)))
    return sent, len(news)


def _message(news: Sequence[Alert], lang: str) -> tuple[str, str]:
    """Write what is sent: no address and no word of a mail is in it."""
    customers = len({alert.customer for alert in news})
    title = _TITLE[lang].format(customers=customers, s="s" if customers != 1 else "")
    return title, "\n\n".join(_paragraph(alert, lang) for alert in news)


_TITLE = {
    "en": "mailhealth: look at {customers} customer{s}",
    "ja": "mailhealth：確認が必要な顧客が{customers}社あります",
}
_SEVERITY = {
    "en": {"high": "severe", "medium": "moderate", "low": "minor"},
    "ja": {"high": "重大", "medium": "中程度", "low": "軽微"},
}
_MESSAGES = {"en": "messages behind it: {count}", "ja": "根拠のメール：{count}件"}
_DUE = {"en": "to do by {due}: {what} ({owner})", "ja": "{due}まで：{what}（{owner}）"}


def _paragraph(alert: Alert, lang: str) -> str:
    lines = [f"{alert.customer} · {alert.title} · {_SEVERITY[lang][alert.severity]}"]
    lines += [f"- {reason}" for reason in alert.because]
    lines += [
        "- " + _DUE[lang].format(due=task.due, what=task.what, owner=task.owner or "?")
        for task in alert.tasks
    ]
    return "\n".join([*lines, _MESSAGES[lang].format(count=len(alert.evidence))])


def _order(told: Told) -> tuple[int, int, str, str]:
    step = told.step
    severity = alerts.SEVERITIES.index(step.severity)
    return _CHANGES.index(step.change), -severity, step.customer, step.kind


def _keep(
    db: Database, day: str, told: Sequence[Told], over: alerts.Over
) -> dict[tuple[str, str], int]:
    """Keep what became of alerts, their tasks, and what is passed over; return their numbers."""
    standing = [
        kept.Kept(
            alert=each.step.alert,
            customer=each.step.customer,
            kind=each.step.kind,
            severity=each.step.severity,
            because=each.because,
            evidence=each.evidence,
            changed=each.step.change != "open",
        )
        for each in told
        if each.step.change != "cleared"
    ]
    gone = [each.step.alert for each in told if each.step.change == "cleared"]
    with db.atomic():
        numbers = kept.save(db, day, standing, [alert for alert in gone if alert is not None])
        kept.pass_over(db, day, over)
        kept.add_tasks(db, (row for each in told for row in _task_rows(each, numbers)))
    return numbers


def _task_rows(told: Told, numbers: Mapping[tuple[str, str], int]) -> Iterator[dict[str, Any]]:
    for task in told.tasks:
        yield {
            "alert": numbers[told.step.customer, told.step.kind],
            "playbook": task.playbook,
            "step": task.step,
            "what": dict(task.words),
            "owner": task.owner,
            "due": task.due.isoformat(),
        }


def _row(told: Told, day: str, numbers: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    step = told.step
    return {
        "alert": step.alert or numbers.get((step.customer, step.kind)),
        "customer": step.customer,
        "kind": step.kind,
        "severity": step.severity,
        "change": step.change,
        "opened": told.opened,
        "as_of": day,
        "because": told.because,
        "evidence": told.evidence,
    }


def _alerts(db: Database, rows: Sequence[Mapping[str, Any]], now: Pages, lang: str) -> list[Alert]:
    """Make alerts of rows: messages and tasks looked up, in a language."""
    behind = results.evidence(db, {key for row in rows for key in row["evidence"]})
    titles = _titles(now, lang)
    to_do: dict[int, list[Task]] = {}
    for row in kept.tasks(db):
        to_do.setdefault(row["alert"], []).append(_task(row, titles, lang))
    return [
        Alert(
            alert=row["alert"],
            customer=row["customer"],
            kind=row["kind"],
            title=titles.get(row["kind"], row["kind"]),
            severity=row["severity"],
            change=row["change"],
            opened=row["opened"],
            as_of=row["as_of"],
            because=tuple(row["because"].get(lang, ())),
            evidence=tuple(Evidence(**behind[key]) for key in row["evidence"] if key in behind),
            tasks=(*to_do.get(row["alert"], ()), *_planned(row, titles, lang)),
        )
        for row in rows
    ]


def _titles(now: Pages, lang: str) -> dict[str, str]:
    return {name: kind.title[lang] for name, kind in now.kinds.items()}


def _planned(row: Mapping[str, Any], titles: Mapping[str, str], lang: str) -> Iterator[Task]:
    """Yield the tasks that a dry run would make."""
    for task in row.get("planned", ()):
        yield Task(
            task=None,
            customer=row["customer"],
            kind=row["kind"],
            title=titles.get(row["kind"], row["kind"]),
            what=task.words[lang],
            owner=task.owner,
            due=task.due.isoformat(),
            playbook=task.playbook,
        )


def _task(row: Mapping[str, Any], titles: Mapping[str, str], lang: str) -> Task:
    return Task(
        task=row["task"],
        customer=row["customer"],
        kind=row["kind"],
        title=titles.get(row["kind"], row["kind"]),
        what=row["what"].get(lang, row["what"]["en"]),
        owner=row["owner"],
        due=row["due"],
        playbook=row["playbook"],
        state=row["state"],
    )
