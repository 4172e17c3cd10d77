"""Figures -> metrics: the newest day on which each can be told, with its n and its interval."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from mailhealth.intervals import UNKNOWN, Interval, net_promoter, wilson
from mailhealth.outside import formula
from mailhealth.outside.page import UNITS, Metric, Outside, Page, load

DAY = 86_400
EVERYBODY = "*"  # in place of a customer: all of them together
SEGMENT = "segment:"  # followed by its name: its customers together

_Days = Mapping[int, float]  # by day since 1970
_Given = Mapping[str, _Days]  # by name: what a customer's figures say in one component


class _Told(NamedTuple):
    """What a metric comes to on one day."""

    value: float
    k: float | None = None
    n: float | None = None
    interval: Interval = UNKNOWN


@dataclass(frozen=True, slots=True)
class Figure:
    """One number from another system: of a customer (or EVERYBODY, or a SEGMENT), at a time.

    `metric` is a metric of components.toml or a part of one, `at` in seconds since 1970.
    """

    customer: str
    component: str
    metric: str
    at: int
    value: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric of a customer (or of many) on the newest day on which it can be told.

    `low` and `high` hold the 95 % interval where `n` is known, `at` is an ISO date.
    """

    customer: str
    component: str
    metric: str
    value: float
    k: float | None
    n: float | None
    low: float | None
    high: float | None
    at: str


def measured(
    figures: Iterable[Figure], as_of: str, *, page: Page | None = None
) -> Iterator[Measured]:
    """Yield every metric that figures from before an instant tell, in their order.

    Of each the newest day counts on which the number itself or all parts of its formula are
    there; a day's newest figure is its figure. Older than the metric's `days` is unknown, and so
    is what cannot be (more of something than there is of it).
    """
    page = page or load()
    end = int(datetime.fromisoformat(as_of).timestamp())
    before = (figure for figure in figures if figure.at < end)
    for customer, component, given in _grouped(before, page):
        for metric in component.metrics.values():
            if found := _newest(metric, given, component, end):
                day, told = found
                name, value = metric.name, (told.value, told.k, told.n, *told.interval)
                yield Measured(customer, component.name, name, *value, at=_date(day))


def idle(
    figures: Iterable[Figure], *, page: Page | None = None
) -> dict[tuple[str, str], frozenset[str]]:
    """Find parts that no metric can use, because what belongs to them is of no such day.

    Returns, by component and part, the names that it waits for.
    """
    page = page or load()
    used: dict[tuple[str, str], bool] = {}
    for _, component, given in _grouped(figures, page):
        for part in given.keys() & component.parts.keys():
            key = component.name, part
            used[key] = used.get(key, False) or any(
                part in metric.needs and _days(metric.name, given, component, formula_only=True)
                for metric in component.metrics.values()
            )
    return {key: _company(key[1], page.components[key[0]]) for key, of in used.items() if not of}


def impossible(
    figures: Iterable[Figure], *, page: Page | None = None
) -> Iterator[tuple[tuple[str, str, int], str]]:
    """Yield what cannot be true together: customer, component and day since 1970, and why."""
    page = page or load()
    for customer, component, given in _grouped(figures, page):
        for metric in component.metrics.values():
            for day in sorted(_days(metric.name, given, component, formula_only=True)):
                numbers = _numbers(metric, day, given, component)
                nothing = numbers.get("n") == 0 and not numbers.get("k")
                if None not in numbers.values() and not nothing and not _tell(metric, numbers):
                    yield (customer, component.name, day), _why(metric, numbers)


def _grouped(figures: Iterable[Figure], page: Page) -> Iterator[tuple[str, Outside, _Given]]:
    """By customer and component: the newest figure of each name and day."""
    found: dict[tuple[str, str], dict[str, dict[int, float]]] = {}
    for each in sorted(figures, key=lambda figure: figure.at):
        given = found.setdefault((each.customer, each.component), {})
        given.setdefault(each.metric, {})[each.at // DAY] = each.value
    for (customer, component), given in sorted(found.items()):
        if component in page.components:  # an older page may have known more
            yield customer, page.components[component], given


def _newest(
    metric: Metric, given: _Given, component: Outside, end: int
) -> tuple[int, _Told] | None:
    first = end - metric.days * DAY
    for day in sorted(_days(metric.name, given, component), reverse=True):
        if day * DAY < first:
            return None
        if told := _on(metric, day, given, component):
            return day, told
    return None


def _days(name: str, given: _Given, component: Outside, *, formula_only: bool = False) -> set[int]:
    """The days on which a name is given, or everything that its formula speaks of."""
    days = set() if formula_only else set(given.get(name, ()))
    metric = component.metrics.get(name)
    if metric and metric.needs:
        days |= set.intersection(*(_days(each, given, component) for each in metric.needs))
    return days


def _on(metric: Metric, day: int, given: _Given, component: Outside) -> _Told | None:
    """What a metric comes to on a day: from its parts, which carry their n, else as given."""
    told = _tell(metric, _numbers(metric, day, given, component)) if metric.formula else None
    if told is None and day in given.get(metric.name, ()):
        told = _Told(given[metric.name][day])
    return told


def _numbers(
    metric: Metric, day: int, given: _Given, component: Outside
) -> dict[str, float | None]:
    def look(name: str) -> float | None:
        if name in component.metrics:
            told = _on(component.metrics[name], day, given, component)
            return told.value if told else None
        return given.get(name, {}).get(day)

    return {key: formula.evaluate(text, look) for key, text in metric.formula.items()}


def _tell(metric: Metric, numbers: Mapping[str, float | None]) -> _Told | None:
    """Reckon a metric from the numbers of its formula; None where it is unknown or cannot be."""
    known = {key: number for key, number in numbers.items() if number is not None}
    if len(known) < len(numbers):
        return None
    told = {"rate": _rate, "net": _net, "value": _plain}[metric.kind](known)
    low, high = UNITS[metric.unit]
    return told if told and low <= told.value <= high else None


def _rate(of: Mapping[str, float]) -> _Told | None:
    k, n = of["k"], of["n"]
    return _Told(k / n, k, n, wilson(k, n)) if 0 <= k <= n and n > 0 else None


def _net(of: Mapping[str, float]) -> _Told | None:
    up, down, n = of["up"], of["down"], of["n"]
    if n <= 0 or up + down > n:
        return None
    low, high = net_promoter(up, down, n)
    bounds = (None, None) if low is None or high is None else (100 * low, 100 * high)
    return _Told(100 * (up - down) / n, None, n, bounds)


def _plain(of: Mapping[str, float]) -> _Told | None:
    return _Told(of["value"])


def _why(metric: Metric, numbers: Mapping[str, float | None]) -> str:
    if metric.kind == "rate":
        return (
            f"{metric.name} would be {numbers['k']:.12g} of {numbers['n']:.12g}"
            f" ({metric.formula['k']} of {metric.formula['n']})"
        )
    told = ", ".join(f"{metric.formula[key]} is {each:.12g}" for key, each in numbers.items())
    return f"{metric.name} cannot be, where {told}"


def _company(part: str, component: Outside) -> frozenset[str]:
    """The names that a part needs beside it, of the first metric that speaks of it."""
    needs = next(each.needs for each in component.metrics.values() if part in each.needs)
    return needs - {part}


def _date(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
