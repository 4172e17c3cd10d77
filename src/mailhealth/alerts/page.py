"""alerts.toml, read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from mailhealth.alerts.cases import Case, case
from mailhealth.alerts.evidence import TERMS
from mailhealth.errors import BadData
from mailhealth.rules import PLACE, checks, toml

NAME = "alerts.toml"

Severity = Literal["low", "medium", "high"]
Watches = Literal["signals", "band", "evidence"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
Words = Mapping[str, str]  # by language

_NUMBER = (int, float)
_PAGE: checks.Keys = {
    "refractory": int,
    "young": int,
    "budget": _NUMBER,
    "alert": dict,
    "evidence": dict,
}
_ALERT: checks.Keys = {
    "watches": str,
    "settled": bool,
    "severity": str,
    "all": list,
    "any": list,
    "while": list,
    "high": list,
    "title": dict,
    "because": dict,
}
_EVIDENCE: checks.Keys = {"signal": str, "because": dict}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of alert: what it watches, the cases that open, keep and raise it, its sentences.

    An empty `keeps` is what opens it; an empty `raises` never does. A `settled` one waits until
    a customer is known for some weeks.
    """

    name: str
    watches: Watches
    settled: bool
    severity: Severity
    opens: Case
    keeps: Case
    raises: Case
    title: Words
    because: Words


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the evidence for a drop: the signal whose messages show it, the sentence."""

    name: str
    signal: str
    because: Words


@dataclass(frozen=True, slots=True)
class Page:
    """What alerts.toml says; `refractory` and `young` are weeks, `budget` false alarms a year."""

    refractory: int
    young: int
    budget: float
    kinds: tuple[Kind, ...]
    terms: Mapping[str, Term]


@cache
def shipped() -> str:
    """Return the text of the shipped alerts.toml."""
    return files("mailhealth.alerts").joinpath(NAME).read_text("utf-8")


def load(text: str | None, names: Collection[str], name: str = NAME) -> Page:
    """Read an alerts.toml, by default the shipped one, for the signals of a health.toml.

    The shipped page may name signals that a health.toml of the user's own lacks: they are
    unknown then. Raises BadData, naming table and key, for one that does not hold together.
    """
    known = {*names, *_named()}
    page = toml.loads(shipped() if text is None else text, name)
    checks.keys(page, _PAGE, name)
    checks.need(page, tuple(_PAGE), name)
    kinds = checks.tables(page, "alert", _ALERT, name)
    terms = checks.tables(page, "evidence", _EVIDENCE, name)
    for term in TERMS:
        if term not in terms:
            raise BadData(f"{name}: [evidence.{term}] is missing")
    for term in terms:
        if term not in TERMS:
            raise BadData(f"{name}: no evidence {term!r}{checks.hint(term, set(TERMS))}")
    return Page(
        refractory=_count(page, "refractory", name),
        young=_count(page, "young", name),
        budget=_budget(page["budget"], name),
        kinds=tuple(_kind(key, t, known, f"{name}, [alert.{key}]") for key, t in kinds.items()),
        terms={
            key: _term(key, table, known, f"{name}, [evidence.{key}]")
            for key, table in terms.items()
        },
    )


@cache
def _named() -> frozenset[str]:
    """The signals that the shipped page names, as they stand."""
    page = toml.loads(shipped(), NAME)
    tables = page["alert"].values()
    keys = ("all", "any", "while", "high")
    told = [str(each) for table in tables for key in keys for each in table.get(key, ())]
    conditions = {each.split()[0].partition("@")[0].partition(".")[0] for each in told}
    terms = {term["signal"] for term in page["evidence"].values()}
    places = {each[0] for table in tables for each in PLACE.findall(table["because"]["en"])}
    return frozenset(conditions | terms | places) - {"band"}


def _count(page: Mapping[str, Any], key: str, name: str) -> int:
    if not 0 <= page[key] <= 520:  # noqa: PLR2004 - ten years
        raise BadData(f"{name}: {key} must be a number of weeks, such as 8")
    return int(page[key])


def _budget(value: float, name: str) -> float:
    if not 0 < value <= 12:  # noqa: PLR2004 - one a month is no alarm any more
        raise BadData(f"{name}: budget must be alarms per customer and year, such as 0.5")
    return float(value)


def _kind(key: str, table: Mapping[str, Any], names: Collection[str], at: str) -> Kind:
    checks.need(table, ("severity", "because"), at)
    checks.sentences(table["because"], set(names), at)
    watches = word(table.get("watches", "signals"), get_args(Watches), f"{at}: watches")
    opens = case(table, ("all", "any"), names, at)
    if watches != "evidence" and not opens:
        raise BadData(f"{at}: all or any must name a condition, such as 'silence < -1.3'")
    return Kind(
        name=key,
        watches=watches,
        settled=table.get("settled", False),
        severity=word(table["severity"], SEVERITIES, f"{at}: severity"),
        opens=opens,
        keeps=case(table, ("", "while"), names, at),
        raises=case(table, ("", "high"), names, at),
        title=title(key, table, at),
        because=table["because"],
    )


def _term(key: str, table: Mapping[str, Any], names: Collection[str], at: str) -> Term:
    checks.need(table, ("signal", "because"), at)
    checks.known_signal(table["signal"], set(names), at)
    checks.sentences(table["because"], {"seen", "usual"}, at)
    return Term(key, table["signal"], table["because"])


def word(value: str, words: Collection[Any], at: str) -> Any:
    """Return one of some words; refuse another with the nearest."""
    if value not in words:
        near = checks.hint(value, set(words)) or f"; there are {', '.join(words)}"
        raise BadData(f"{at} {value!r}{near}")
    return value


def title(key: str, table: Mapping[str, Any], at: str) -> Words:
    """Return what a table calls itself, by language; its key where it does not say."""
    told = {"en": key, "ja": table.get("title", {}).get("en", key), **table.get("title", {})}
    for lang, words in told.items():
        if lang not in ("en", "ja") or not isinstance(words, str):
            raise BadData(f"{at}: title must be words, en and ja")
    return told
