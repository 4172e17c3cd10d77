"""Groups of customers: how many, how healthy, and what is at risk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median
from typing import Literal, get_args

from mailhealth import intervals
from mailhealth.portfolio import standing as each_one
from mailhealth.portfolio.page import Page
from mailhealth.portfolio.standing import AT_RISK, BACK, Standing

By = Literal["all", "segment", "owner", "stage", "behaviour", "country"]
BY: tuple[By, ...] = get_args(By)


@dataclass(frozen=True, slots=True)
class Group:
    """Some customers together; `name` is None for those of whom the customer file tells nothing.

    `mean` and `median` are of the `judged` customers, whose band is not unknown; `share` is how
    many of these are at risk or unhealthy, with its 95 % interval. `revenue` is the sum where
    it is known, `revenue_at_risk` that of the customers at risk or unhealthy, `untold` how many
    of these lack it. `changes` maps days back to the mean change of the score and how many
    customers it rests on.
    """

    name: str | None
    customers: int
    healthy: int
    at_risk: int
    unhealthy: int
    unknown: int
    judged: int
    mean: float | None
    median: float | None
    share: float | None
    low: float | None
    high: float | None
    revenue: float | None
    revenue_at_risk: float | None
    untold: int
    changes: Mapping[int, tuple[float | None, int]]


def groups(standings: Sequence[Standing], page: Page, *, by: By, day: date) -> list[Group]:
    """Cut customers into groups, those with most customers at risk first, the nameless last."""
    name = _naming(page, by, day)
    found: dict[str | None, list[Standing]] = {}
    for standing in standings:
        found.setdefault(name(standing), []).append(standing)
    counted = [_group(each, some) for each, some in found.items()]
    return sorted(counted, key=_order)


def _naming(page: Page, by: By, day: date) -> Callable[[Standing], str | None]:
    """How a customer's group is found."""
    ways: Mapping[By, Callable[[Standing], str | None]] = {
        "all": lambda _: "all",
        "segment": lambda standing: standing.segment,
        "owner": lambda standing: standing.owner,
        "country": lambda standing: standing.country,
        "stage": lambda standing: each_one.stage(standing, page, day),
        "behaviour": lambda standing: each_one.behaviour(standing, page),
    }
    return ways[by]


def _order(group: Group) -> tuple[bool, int, int, str]:
    risky = group.at_risk + group.unhealthy
    return group.name is None, -risky, -group.customers, group.name or ""


def _group(name: str | None, some: Sequence[Standing]) -> Group:
    bands = [standing.band for standing in some]
    values = [standing.value for standing in some if standing.value is not None]
    risky = [standing for standing in some if standing.band in AT_RISK]
    low, high = intervals.wilson(len(risky), len(values))
    revenue = _sum(some)
    return Group(
        name=name,
        customers=len(some),
        healthy=bands.count("healthy"),
        at_risk=bands.count("at risk"),
        unhealthy=bands.count("unhealthy"),
        unknown=len(some) - len(values),
        judged=len(values),
        mean=fmean(values) if values else None,
        median=median(values) if values else None,
        share=len(risky) / len(values) if values else None,
        low=low,
        high=high,
        revenue=revenue,
        revenue_at_risk=_sum(risky) if risky or revenue is None else 0.0,
        untold=sum(standing.revenue is None for standing in risky),
        changes={back: _change(some, back) for back in BACK},
    )


def _sum(some: Sequence[Standing]) -> float | None:
    """Add up what is known; None where nothing is."""
    known = [standing.revenue for standing in some if standing.revenue is not None]
    return sum(known) if known else None


def _change(some: Sequence[Standing], back: int) -> tuple[float | None, int]:
    """The mean change of those whose score is known now and was known then, and their number."""
    known = [change for standing in some if (change := standing.change(back)) is not None]
    return (fmean(known) if known else None), len(known)
