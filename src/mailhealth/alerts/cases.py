"""Cases: what must hold of a customer, by signals and by band, as alerts.toml writes it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailhealth.errors import BadData
from mailhealth.rules import PLACE, checks
from mailhealth.rules.conditions import Condition, Signals, When, holds, read

BANDS = ("healthy", "at risk", "unhealthy", "unknown")
BETTER: Mapping[str, Collection[str]] = {  # than a band
    "at risk": ("healthy",),
    "unhealthy": ("healthy", "at risk"),
}

_BAND = re.compile(r"band *= *(.*)")


@dataclass(frozen=True, slots=True)
class InBand:
    """The customer is in a band."""

    band: str


Test = Condition | InBand


@dataclass(frozen=True, slots=True)
class Case:
    """All of these hold, and at least one of those, where there are any; an empty one holds."""

    every: tuple[Test, ...] = ()
    some: tuple[Test, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.every or self.some)

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals it looks at, each once."""
        return tuple(dict.fromkeys(each.signal for each in self.conditions))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Its tests that are about signals."""
        tests = (*self.every, *self.some)
        return tuple(each for each in tests if isinstance(each, Condition))


def case(table: Mapping[str, Any], keys: tuple[str, str], names: Collection[str], at: str) -> Case:
    """Read the lists of tests under two keys of a table: all of these, any of those."""
    every, some = (tests(table.get(key, ()), names, f"{at}: {key}") for key in keys)
    return Case(every, some)


def tests(texts: Sequence[object], names: Collection[str], at: str) -> tuple[Test, ...]:
    """Read tests; raises BadData for what is none, or names a signal or band that is not there."""
    return tuple(_test(str(text), names, at) for text in texts)


def _test(text: str, names: Collection[str], at: str) -> Test:
    found = _BAND.fullmatch(text.strip())
    if found is None:
        return read(text, names, at)
    if found[1] not in BANDS:
        raise BadData(f"{at}: no band {found[1]!r}{checks.hint(found[1], set(BANDS))}")
    return InBand(found[1])


def meets(case: Case, signals: Signals, band: str) -> bool:
    """Tell whether a case holds for a customer with these signals, in this band."""
    return all(_met(each, signals, band) for each in case.every) and (
        not case.some or any(_met(each, signals, band) for each in case.some)
    )


def _met(test: Test, signals: Signals, band: str) -> bool:
    return test.band == band if isinstance(test, InBand) else holds(When((test,)), signals)


def fill(sentence: str, values: Mapping[str, float | None]) -> str:
    """Fill the places of a sentence: {name:.1f}, {name:%} or {name:day|days}."""
    return PLACE.sub(lambda place: _say(values.get(place[1]), place[2] or ".0f"), sentence)


def _say(number: float | None, form: str) -> str:
    if number is None:
        return "?"
    if "|" not in form:
        return format(number, ".0%" if form == "%" else form)
    said = f"{number:.0f}"
    return f"{said} {form.split('|')[said != '1']}"
