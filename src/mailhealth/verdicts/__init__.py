"""Was it a person? Rules that suspect machines, judged over all events."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadData
from mailhealth.records import Verdict
from mailhealth.verdicts.machines import Machines, Rule, load, shipped

if TYPE_CHECKING:
    from mailhealth.warehouse import Memory

__all__ = ["AHEAD", "Machines", "Rule", "judge", "load", "shipped", "table"]

AHEAD = 60  # seconds
MACHINE, SUSPECT = 2.0, 1.0  # points
_AT_ONCE = 20_000

_Outcome = tuple[bool | None, bool, float, str]  # of a Verdict, all but its row


def judge(db: Path, since: int = 0, machines: Machines | None = None) -> Iterator[Verdict]:
    """Yield the verdict on every open, click and unsubscribe from `since` on that a rule suspects.

    The store is read before this returns, so that the verdicts may be written while they come.
    A verdict rests on what happened up to `AHEAD` seconds after its event and not later; so when
    events are new, those from AHEAD before the oldest of them are to be judged again. Raises
    BadSource for a file that is no store and BadData for a rule whose SQL does not run.
    """
    from mailhealth import warehouse
    from mailhealth.verdicts import evidence

    machines = machines or load()
    with ExitStack() as stack:
        memory = stack.enter_context(warehouse.memory())
        with warehouse.opened(db) as store:
            evidence.load(store, memory, machines, since)
        rules = [rule for rule in machines.rules if rule.on]
        _try(memory, rules)
        return _judged(stack.pop_all(), memory, rules, since)


def _try(memory: "Memory", rules: Sequence[Rule]) -> None:
    """Refuse a rule whose SQL does not run, and name it."""
    from mailhealth.verdicts import evidence

    memory.execute(f"create table gates ({evidence.GATES})")
    memory.execute(f"create table habits ({evidence.HABITS})")
    evidence.look_at(memory, evidence.NONE)
    for rule in rules:
        with _complaining(f"[rule.{rule.name}]: when"):
            memory.execute(f"select {_fires(rule)} from features limit 0")


@contextmanager
def _complaining(what: str) -> Iterator[None]:
    from duckdb import Error

    try:
        yield
    except Error as error:
        why = str(error).splitlines()[0]
        raise BadData(f"machines.toml, {what} does not run ({why})") from error


def _fires(rule: Rule) -> str:
    types = ", ".join(f"'{kind}'" for kind in rule.types) or "null"
    return f"(type in ({types}) and ({rule.when}\n))"


def _judged(
    stack: ExitStack, memory: "Memory", rules: Sequence[Rule], since: int
) -> Iterator[Verdict]:
    from mailhealth.verdicts import evidence

    fired = " + ".join(f"if({_fires(rule)}, {1 << i}, 0)" for i, rule in enumerate(rules)) or "0"
    asked = f"select row, {fired} as fired from features where moment >= {since} and fired > 0"
    known: dict[int, _Outcome] = {}
    with stack:
        for buckets in evidence.spread(memory):
            evidence.look_at(memory, buckets)
            with _complaining("the SQL of a rule"):
                found = memory.execute(asked)
            while met := found.fetchmany(_AT_ONCE):
                for row, bits in met:
                    if bits not in known:
                        known[bits] = _outcome([r for i, r in enumerate(rules) if bits >> i & 1])
                    yield Verdict(row, *known[bits])


def _outcome(fired: Sequence[Rule]) -> _Outcome:
    points = sum(rule.points for rule in fired)
    machine = None if SUSPECT <= points < MACHINE else points >= MACHINE
    hides = points >= SUSPECT and any(rule.hides for rule in fired)
    return machine, hides, points, json.dumps([rule.name for rule in fired])


def table(machines: Machines | None = None, lang: str = "en") -> list[dict[str, object]]:
    """Return the rules as rows to print: rule, points, types, when, hides, on, because."""
    return [
        {
            "rule": rule.name,
            "points": rule.points,
            "types": ", ".join(rule.types),
            "when": rule.when,
            "hides": rule.hides,
            "on": rule.on,
            "because": rule.because[lang],
        }
        for rule in (machines or load()).rules
    ]
