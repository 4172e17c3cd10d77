"""What docs/portfolio.md prints from the shipped portfolio.toml."""

from docs.printed import _table
from mailhealth import portfolio, rules
from mailhealth.rules.conditions import UNKNOWN, Condition, When


def _page() -> portfolio.Page:
    return portfolio.load(None, {signal.name for signal in rules.load().signals})


def stages() -> str:
    """The stages of life, and when each holds."""
    lines = (f"| {each.name} | {each.title['ja']} | {_days(each)} |" for each in _page().stages)
    return _table("| stage | 段階 | holds |\n|---|---|---|", lines)


def behaviours() -> str:
    """The behaviours in their order, with their conditions."""
    lines = (
        f"| {each.name} | {each.title['ja']} | {each.because['en']} | {_when(each.when)} |"
        for each in _page().behaviours
    )
    return _table("| behaviour | 関わり方 | says | holds |\n|---|---|---|---|", lines)


def signs() -> str:
    """The signs that a customer could buy more, and their points."""
    lines = (
        f"| {each.because['en']} | {_when(each.when)} | {each.points:g} |" for each in _page().signs
    )
    return _table("| sign | holds | points |\n|---|---|--:|", lines)


def _days(stage: portfolio.Stage) -> str:
    if stage.told:
        return "where the customer file says so"
    if stage.younger is not None:
        return f"less than {stage.younger} days since the start"
    return f"at most {stage.nearer} days until the renewal" if stage.nearer else "otherwise"


def _when(when: When) -> str:
    parts = [_said(each) for each in when.every]
    if when.some:
        some = " or ".join(_said(each) for each in when.some)
        parts.append(f"({some})" if parts else some)
    return " and ".join(parts) or "otherwise"


def _said(condition: Condition) -> str:
    name = condition.answer + ("" if condition.column == "value" else f".{condition.column}")
    told = UNKNOWN if condition.sign == UNKNOWN else f"{condition.sign} {condition.number:g}"
    return f"`{name} {told}`"
