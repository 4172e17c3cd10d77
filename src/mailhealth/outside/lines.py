"""One line of a file: the figure that it is, or all that is wrong with it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any
from unicodedata import normalize

from mailhealth.outside.measure import EVERYBODY, SEGMENT, Figure
from mailhealth.outside.page import PERCENT, UNITS, Outside, Page

_ELSEWHERE = 14 * 3600  # seconds by which a day begins earlier somewhere on earth than in UTC
_NUMBER = re.compile(
    r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:e[+-]?\d\d?)?(\s?%)?", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a line may speak of, and when the future begins (`now`, in seconds).

    `customers` maps customers, segments and EVERYBODY, as they are compared, to their names.
    """

    customers: Mapping[str, str]
    components: Mapping[str, Outside]
    now: int


class Wrong(Exception):
    """What is wrong with a line."""


class _NoSuch(Wrong):
    """A word that is not there; the nearest of `words` (by how they are compared) is told.

    It is looked for when it is told, not before: a wrong file has many wrong lines.
    """

    def __init__(self, why: str, word: str, words: Mapping[str, str], otherwise: str) -> None:
        super().__init__(why)
        self.why, self.word, self.words, self.otherwise = why, word, words, otherwise

    def __str__(self) -> str:
        close = get_close_matches(self.word, self.words, 1)
        told = f"did you mean '{self.words[close[0]]}'?" if close else self.otherwise
        return f"{self.why}; {told}"


def known(customers: Iterable[str], segments: Iterable[str], page: Page, now: int) -> Known:
    """Gather what lines may speak of; names that differ in case only are told apart by it."""
    names = [*customers, *(SEGMENT + name for name in segments), EVERYBODY]
    alike = Counter(map(fold, names))
    compared = {fold(name) if alike[fold(name)] == 1 else name: name for name in names}
    components = {name: each for name, each in page.components.items() if each.metrics}
    return Known(compared, components, now)


def fold(word: str, space: str = " ") -> str:
    """Write a word as it is compared: without regard to case, width and kind of space."""
    gap = r"[\s_-]+" if space == "_" else r"\s+"
    return re.sub(gap, space, normalize("NFKC", word).strip().casefold())


def figure(line: Mapping[str, str], known: Known) -> Figure | list[Wrong]:
    """Read the cells of a line, by column; return the figure, or all that is wrong."""
    told: list[Any] = []
    wrong: list[Wrong] = []
    for read in (_customer, _number, _at):
        try:
            told.append(read(line, known))
        except Wrong as error:
            wrong.append(error)
    if wrong:
        return wrong
    customer, (component, metric, value), at = told
    return Figure(customer, component, metric, at, value)


def _customer(line: Mapping[str, str], known: Known) -> str:
    word = line["customer"]
    folded = fold(word)
    if name := known.customers.get(word) or known.customers.get(folded):
        return name
    if not word:
        raise Wrong(f"names no customer; '{EVERYBODY}' stands for all of them together")
    grouped = folded.startswith(SEGMENT)
    words = {
        key: name for key, name in known.customers.items() if key.startswith(SEGMENT) == grouped
    }
    what = word if grouped else f"customer '{word}'"
    raise _NoSuch(f"no {what}", folded, words, "'mailhealth customers' lists them")


def _number(line: Mapping[str, str], known: Known) -> tuple[str, str, float]:
    """Which metric of which component a line speaks of, and its value."""
    component = _component(line["component"], known)
    metric = _metric(line["metric"], component, known)
    return component.name, metric, _value(line["value"], metric, component.unit(metric))


def _component(word: str, known: Known) -> Outside:
    if (folded := fold(word, "_")) in known.components:
        return known.components[folded]
    names = {name: name for name in known.components}
    raise _NoSuch(f"no component '{word}'", folded, names, f"there are {', '.join(names)}")


def _metric(word: str, component: Outside, known: Known) -> str:
    folded = fold(word, "_")
    if folded in component.metrics or folded in component.parts:
        return folded
    why = f"no metric '{word}' in {component.name}"
    for other in known.components.values():
        if folded in other.metrics or folded in other.parts:
            raise Wrong(f"{why}; it is one of {other.name}")
    names = {name: name for name in (*component.metrics, *component.parts)}
    raise _NoSuch(why, folded, names, "'mailhealth outside --metrics' lists them")


def _value(word: str, metric: str, unit: str) -> float:
    match = _NUMBER.fullmatch(word)
    if not match:
        plain = word.replace(",", "")
        told = f"; write {plain} without a comma" if _NUMBER.fullmatch(plain) else ""
        raise Wrong(f"value is '{word}', not a number such as 42 or 0.7{told}")
    if match[1] and unit not in PERCENT:
        raise Wrong(f"value is '{word}', but {metric} is no percentage; write a plain number")
    value = float(word.rstrip("% ")) / (100 if match[1] else 1)
    low, high = UNITS[unit]
    if not low <= value <= high:
        raise Wrong(f"{metric} is {word}, but lies {_between(low, high)}{_percent(word, unit)}")
    return value


def _between(low: float, high: float) -> str:
    return f"from {low:g} to {high:g}" if high < float("inf") else f"at {low:g} or above"


def _percent(word: str, unit: str) -> str:
    """Who writes 85 for 85 % is told how."""
    wanted = unit in PERCENT and "%" not in word and 0 < float(word) <= 1000  # noqa: PLR2004
    return f"; write {float(word) / 100:g} or {word}%" if wanted else ""


def _at(line: Mapping[str, str], known: Known) -> int:
    word, now = line["at"], known.now
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise Wrong(f"at is '{word}', not a date like 2026-10-31{_iso(word)}") from None
    at = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    if at > now + (0 if moment.tzinfo else _ELSEWHERE):
        raise Wrong(f"at is {word}, which lies in the future; nothing is known of it yet")
    if at < 0:
        raise Wrong(f"at is {word}, which lies before 1970; is the year right?")
    return at


def _iso(word: str) -> str:
    """A date with slashes is nearly right, where the year comes first."""
    parts = re.fullmatch(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})", word, re.ASCII)
    return f"; write {parts[1]}-{int(parts[2]):02}-{int(parts[3]):02}" if parts else ""
