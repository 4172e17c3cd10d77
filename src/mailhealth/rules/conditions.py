"""Conditions on the table email_signals, as pages such as portfolio.toml write them."""

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from mailhealth.errors import BadData
from mailhealth.records import SignalValue
from mailhealth.rules import checks
from mailhealth.rules.page import Rules

Signals = Mapping[str, SignalValue]  # one customer's, as NAME (the scored window) and NAME@DAYS

UNKNOWN = "unknown"
COLUMNS = ("value", "n", "k", "low", "high", "shrunk", "reliability", "change")

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
_FORM = re.compile(
    r"(?P<signal>[a-z_0-9]+)(?P<window>@\d{1,3})?(?:\.(?P<column>[a-z]+))?"
    r" +(?:(?P<sign>[<>]=?|=) *(?P<number>-?\d+(?:\.\d+)?)|unknown)"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; `answer` is NAME or NAME@DAYS, `sign` is "unknown" where nothing is known."""

    signal: str
    answer: str
    column: str
    sign: str
    number: float


@dataclass(frozen=True, slots=True)
class When:
    """All of these hold, and at least one of those, where there are any."""

    every: tuple[Condition, ...] = ()
    some: tuple[Condition, ...] = ()

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals it looks at, each once."""
        return tuple(dict.fromkeys(each.signal for each in (*self.every, *self.some)))


def read(text: str, names: Collection[str], where: str) -> Condition:
    """Read one condition; raises BadData for another form, or a signal or column not there."""
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise BadData(
            f"{where}: {text!r} is no condition; write it like 'silence < -1.3',"
            " 'active_days@28 = 0' or 'days_silent unknown'"
        )
    signal, column = found["signal"], found["column"] or "value"
    checks.known_signal(signal, set(names), where)
    if column not in COLUMNS:
        there = checks.hint(column, set(COLUMNS))
        raise BadData(f"{where}: email_signals has no column {column!r}{there}")
    answer = signal + (found["window"] or "")
    return Condition(signal, answer, column, found["sign"] or UNKNOWN, float(found["number"] or 0))


def holds(when: When, signals: Signals) -> bool:
    """Tell whether conditions hold for a customer."""
    return all(_met(each, signals) for each in when.every) and (
        not when.some or any(_met(each, signals) for each in when.some)
    )


def named(values: Iterable[SignalValue], rules: Rules) -> dict[str, dict[str, SignalValue]]:
    """Give each customer's signals as conditions name them: NAME@DAYS, and scored as NAME."""
    scored = {signal.name: signal.window for signal in rules.signals}
    found: dict[str, dict[str, SignalValue]] = {}
    for value in values:
        mine = found.setdefault(value.customer, {})
        mine[f"{value.signal}@{value.window_days}"] = value
        if scored.get(value.signal) == value.window_days:
            mine[value.signal] = value
    return found


def _met(condition: Condition, signals: Signals) -> bool:
    """Tell whether one holds; what is not known is neither large nor small."""
    answer = signals.get(condition.answer)
    known = None if answer is None else getattr(answer, condition.column, None)
    if condition.sign == UNKNOWN:
        return known is None
    return known is not None and _SIGNS[condition.sign](known, condition.number)
