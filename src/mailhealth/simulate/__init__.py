"""Invented worlds: customers whose health is known, and the mail that shows it.

A world is made by rules of its own (worlds.toml), which know nothing of how the score is
computed: so it can prove what the score finds. The same seed makes the same world.
"""

from datetime import date

from mailhealth.errors import BadData
from mailhealth.simulate.page import worlds
from mailhealth.simulate.telling import World, scaled, scene, told
from mailhealth.simulate.truth import CHURNED, FATE, HEALTH, churned, fates, healths
from mailhealth.simulate.writing import write

__all__ = [
    "CHURNED",
    "FATE",
    "HEALTH",
    "World",
    "churned",
    "fates",
    "healths",
    "world",
    "worlds",
    "write",
]

END = "2026-11-01"
LEAST_DAYS = 90
MOST_DAYS = 3660


def world(
    name: str = "base",
    *,
    customers: int = 3000,
    days: int = 760,
    seed: int = 1,
    end: str = END,
    messages: int | None = None,
    events: int | None = None,
) -> World:
    """Make a world of so many customers and days before `end` (an ISO date, not included).

    With `messages` or `events` there are about so many of them: mail then falls from customer
    to customer by Zipf's law, and campaigns go out more often. Raises UnknownName for a world
    that is not there, and BadData for numbers or a date that make none.
    """
    _check(customers, days, seed, counts={"messages": messages, "events": events})
    where = scene(name, customers, days, seed=seed, end=_date(end))
    if messages is None and events is None:
        return told(name, where, seed)
    return scaled(name, where, seed, messages=messages, events=events)


def _check(customers: int, days: int, seed: int, *, counts: dict[str, int | None]) -> None:
    if customers < 1:
        raise BadData(f"{customers} customers make no world; ask for one at least")
    if not LEAST_DAYS <= days <= MOST_DAYS:
        raise BadData(f"{days} days make no world; ask for {LEAST_DAYS} to {MOST_DAYS}")
    if seed < 0:
        raise BadData(f"{seed} is no seed; ask for 0 or more")
    for what, count in counts.items():
        if count is not None and count < 1:
            raise BadData(f"{count} {what} make no world; ask for one at least")


def _date(end: str) -> date:
    try:
        return date.fromisoformat(end)
    except ValueError:
        raise BadData(f"'{end}' is not a day like {END}") from None
