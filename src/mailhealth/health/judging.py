"""Whose opens, clicks and unsubscribes they were: judged where it is due."""

from mailhealth import verdicts
from mailhealth.health.evaluating import Engine
from mailhealth.store import pages, touched
from mailhealth.store import verdicts as kept


def judge(engine: Engine, page: str | None = None) -> int:
    """Judge what is not judged yet by these rules; count the events that a rule suspects.

    A `page` counts from now on ("": the shipped one).
    """
    machines = verdicts.load(pages.own(engine.db(), "machines", page))
    due = kept.due(engine.db(), machines.fingerprint)
    saved = 0
    if due is not None:
        with engine.released():
            found = verdicts.judge(engine.path, due.since - verdicts.AHEAD, machines)
        saved = kept.save(engine.db(), found, machines.fingerprint, due, ahead=verdicts.AHEAD)
    if page is not None:
        pages.keep(engine.db(), "machines", page)
        touched.everybody(engine.db())
    return saved


def anew(engine: Engine) -> list[int]:
    """Judge what is due; return the rows of the events whose verdict is another one now."""
    rules = verdicts.load(pages.own(engine.db(), "machines", None)).fingerprint
    due = kept.due(engine.db(), rules)
    if due is None:
        return []
    since = due.since - verdicts.AHEAD
    before = kept.standing(engine.db(), since)
    judge(engine)
    return sorted({row for row, *_ in before ^ kept.standing(engine.db(), since)})
