"""portfolio.toml, read."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mailhealth.errors import BadData
from mailhealth.rules import checks
from mailhealth.rules.conditions import When, read

NAME = "portfolio.toml"

_NUMBER = (int, float)
_PAGE: checks.Keys = {
    "churn": dict,
    "stage": dict,
    "behaviour": dict,
    "expansion": dict,
    "sign": dict,
}
_CHURN: checks.Keys = {"probability": _NUMBER, "days": int}
_STAGE: checks.Keys = {"younger": int, "nearer": int, "told": bool, "title": dict}
_BEHAVIOUR: checks.Keys = {"all": list, "any": list, "title": dict, "because": dict}
_EXPANSION: checks.Keys = {"enough": _NUMBER}
_SIGN: checks.Keys = {"points": _NUMBER, "all": list, "any": list, "because": dict}

Words = Mapping[str, str]  # by language


@dataclass(frozen=True, slots=True)
class Churn:
    """Of the customers with a score of 70, the share that leaves within so many days."""

    probability: float
    days: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of life: younger or nearer to the renewal than so many days, else always.

    One that is `told` is only what the customer file says.
    """

    name: str
    title: Words
    younger: int | None
    nearer: int | None
    told: bool


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way of dealing with us, and the sentence that says so."""

    name: str
    title: Words
    when: When
    because: Words


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that a customer could buy more, and what it weighs."""

    name: str
    points: float
    when: When
    because: Words


@dataclass(frozen=True, slots=True)
class Page:
    """What portfolio.toml says; stages and behaviours stand in their order."""

    churn: Churn
    stages: tuple[Stage, ...]
    behaviours: tuple[Behaviour, ...]
    enough: float
    signs: tuple[Sign, ...]


@cache
def shipped() -> str:
    """Return the text of the shipped portfolio.toml."""
    return files("mailhealth.portfolio").joinpath(NAME).read_text("utf-8")


def load(text: str | None, names: Collection[str], name: str = NAME) -> Page:
    """Read a portfolio.toml, by default the shipped one, for the signals of a health.toml.

    The shipped page may name signals that a health.toml of the user's own lacks: they are
    unknown then. Raises BadData, naming table and key, for one that does not hold together.
    """
    known = {*names, *_named(shipped())}
    page = _parsed(shipped() if text is None else text, name)
    checks.keys(page, _PAGE, name)
    checks.need(page, tuple(_PAGE), name)
    for section, keys in (("churn", _CHURN), ("expansion", _EXPANSION)):
        checks.keys(page[section], keys, f"{name}, [{section}]")
        checks.need(page[section], tuple(keys), f"{name}, [{section}]")
    behaviours = _tables(page, "behaviour", _BEHAVIOUR, name)
    signs = _tables(page, "sign", _SIGN, name)
    return Page(
        churn=_churn(page["churn"], f"{name}, [churn]"),
        stages=tuple(_stage(*each) for each in _tables(page, "stage", _STAGE, name)),
        behaviours=tuple(_behaviour(*each, known) for each in behaviours),
        enough=float(page["expansion"]["enough"]),
        signs=tuple(_sign(*each, known) for each in signs),
    )


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadData(f"{name}: it is not TOML ({error})") from error


@cache
def _named(text: str) -> frozenset[str]:
    """The signals that a page's conditions name, as they stand."""
    page = tomllib.loads(text)
    tables = [*page["behaviour"].values(), *page["sign"].values()]
    told = [each for table in tables for key in ("all", "any") for each in table.get(key, ())]
    return frozenset(each.split()[0].partition("@")[0].partition(".")[0] for each in told)


def _tables(
    page: Mapping[str, Any], prefix: str, keys: checks.Keys, name: str
) -> list[tuple[str, Mapping[str, Any], str]]:
    """The tables [prefix.*] in their order: key, table, and where they stand."""
    tables = checks.tables(page, prefix, keys, name)
    return [(key, table, f"{name}, [{prefix}.{key}]") for key, table in tables.items()]


def _churn(table: Mapping[str, Any], where: str) -> Churn:
    if not 0 < table["probability"] < 1:
        raise BadData(f"{where}: probability must lie between 0 and 1, such as 0.06")
    return Churn(float(table["probability"]), checks.days(table["days"], f"{where}: days"))


def _stage(key: str, table: Mapping[str, Any], where: str) -> Stage:
    younger, nearer = (
        checks.days(table[each], f"{where}: {each}") if each in table else None
        for each in ("younger", "nearer")
    )
    return Stage(key, _title(key, table, where), younger, nearer, table.get("told", False))


def _behaviour(key: str, table: Mapping[str, Any], where: str, names: Collection[str]) -> Behaviour:
    because = _because(table, where)
    return Behaviour(key, _title(key, table, where), _when(table, names, where), because)


def _sign(key: str, table: Mapping[str, Any], where: str, names: Collection[str]) -> Sign:
    checks.need(table, ("points",), where)
    when = _when(table, names, where)
    if not when.signals:
        raise BadData(f"{where}: all or any must name a condition")
    return Sign(key, float(table["points"]), when, _because(table, where))


def _when(table: Mapping[str, Any], names: Collection[str], where: str) -> When:
    every, some = (
        tuple(read(str(text), names, f"{where}: {key}") for text in table.get(key, ()))
        for key in ("all", "any")
    )
    return When(every, some)


def _title(key: str, table: Mapping[str, Any], where: str) -> Words:
    title = {"en": key, **table.get("title", {})}
    for lang, word in title.items():
        if lang not in ("en", "ja") or not isinstance(word, str):
            raise BadData(f"{where}: title must be words, en and ja")
    return title


def _because(table: Mapping[str, Any], where: str) -> Words:
    checks.need(table, ("because",), where)
    checks.sentences(table["because"], set(), where)
    words: Words = table["because"]
    return words
