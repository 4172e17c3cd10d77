"""What the page on other systems prints from components.toml (`make docs`)."""

from docs.printed import _points, _table
from mailhealth import outside

PERCENT = ("share", "multiple")


def components() -> str:
    """The components: what each asks, and its weight."""
    lines = (
        f"| `{each.name}` | {each.asks} | {each.omega:g} |"
        for each in outside.load().components.values()
    )
    return _table("| component | question | weight |\n|---|---|--:|", lines)


def metrics() -> str:
    """The metrics: how each comes about, an example, and what it is worth."""
    lines = (
        f"| {each.name} | `{metric.name}` | {metric.asks} | {_formula(metric)} |"
        f" {_example(metric)} | {_points(metric.points)} |"
        for each in outside.load().components.values()
        for metric in each.metrics.values()
    )
    head = (
        "| component | metric | question | formula | example | points |\n|---|---|---|---|---|--:|"
    )
    return _table(head, lines)


def parts() -> str:
    """The raw numbers that formulas speak of."""
    lines = (
        f"| {each.name} | `{name}` | {meaning} |"
        for each in outside.load().components.values()
        for name, meaning in each.parts.items()
    )
    return _table("| component | part | what it is |\n|---|---|---|", lines)


def _formula(metric: outside.Metric) -> str:
    return f"`{metric.written}`" if metric.written else "as given"


def _example(metric: outside.Metric) -> str:
    if metric.gives is None:
        return ""
    given = ", ".join(f"{name} {value:,g}" for name, value in metric.example.items())
    gives = f"{metric.gives:.4g}"
    if metric.unit in PERCENT:
        gives = f"{100 * metric.gives:.4g} %"
    return f"{given}: **{gives}**"
