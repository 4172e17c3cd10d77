"""What only the world knows: who decided to leave, who left, and how healthy each one was."""

from collections.abc import Iterator
from typing import Any

from mailhealth.simulate.life import customer_on
from mailhealth.simulate.names import day, names
from mailhealth.simulate.telling import World

EVERY = 30  # days from one landmark to the next
FATE = ("customer", "decided", "churned")
CHURNED = ("customer", "churned")
HEALTH = ("customer", "at", "health", "decided_yet")


def fates(world: World) -> list[dict[str, str]]:
    """Say of each customer when they decided to leave and when they left ('': not in this time)."""
    scene = world.scene
    return [
        {"customer": name, "decided": _date(world, decided), "churned": _date(world, ended)}
        for name, decided, ended in zip(
            names(scene).customers, scene.life.decided, scene.life.ended, strict=True
        )
    ]


def churned(world: World) -> list[dict[str, str]]:
    """List those who have left, as `mailhealth backtest --churn` reads them."""
    return [{key: fate[key] for key in CHURNED} for fate in fates(world) if fate["churned"]]


def healths(world: World) -> Iterator[dict[str, Any]]:
    """Yield the true health of everybody who is a customer, landmark after landmark."""
    scene, called = world.scene, names(world.scene).customers
    for landmark in range(EVERY, scene.calendar.days, EVERY):
        on = day(scene, landmark)
        there = customer_on(scene.life, scene.people, landmark)
        for i in there.nonzero()[0]:
            yield {
                "customer": called[i],
                "at": on,
                "health": round(float(scene.life.health[landmark, i]), 4),
                "decided_yet": int(scene.life.decided[i] <= landmark),
            }


def _date(world: World, number: int) -> str:
    """Write a day; '' for one that is not told any more."""
    return day(world.scene, number) if number < world.scene.calendar.days else ""
