"""What the page on alerts prints from the shipped data (`make docs`)."""

from collections.abc import Sequence

from mailhealth import alerts, rules
from mailhealth.alerts import playbooks
from mailhealth.rules import toml


def kinds() -> str:
    """Every kind of alert: what opens it, what keeps it open, and how severe it is."""
    tables = toml.loads(alerts.shipped(), "alerts.toml")["alert"]
    lines = ["| alert | opens | stays open while | severity |", "|---|---|---|---|"]
    for name, table in tables.items():
        opens = _list(
            [*table.get("all", ()), *table.get("any", ())], "and" if "all" in table else "or"
        )
        if table.get("watches") == "band":
            opens = f"down to {opens}"
        if table.get("watches") == "evidence":
            opens = "an alarm of the evidence in the last 4 weeks"
        keeps = _list(table.get("while", ()), "or") or "it would open"
        if table.get("watches") == "evidence":
            keeps = "evidence gathers"
        high = _list(table.get("high", ()), "or")
        severity = table["severity"] + (f"; high: {high}" if high else "")
        lines.append(f"| `{name}` | {opens} | {keeps} | {severity} |")
    return "\n".join(lines) + "\n"


def books() -> str:
    """The shipped playbooks: when, what to do, and within how many working days."""
    names = {signal.name for signal in rules.load().signals}
    found = playbooks.load(None, alerts.load(None, names).kinds, names)
    lines = ["| playbook | when | to do | working days |", "|---|---|---|--:|"]
    lines += [
        f"| `{each.name}` | `{', '.join(each.when)}` | {step.words['en']} | {step.due} |"
        for each in found
        for step in each.steps
    ]
    return "\n".join(lines) + "\n"


def _list(conditions: Sequence[str], word: str) -> str:
    return f" {word} ".join(f"`{each}`" for each in conditions)
