"""What the words of an unknown log mean: those in its header, and those for what happened."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from mailhealth.sources.toml import folded

LEFT_OUT = "-"  # stands for "no event" where one of our words could stand
SURE = 2  # the rank of a column that is called by one of the words
LONGEST = 100  # characters of a text that may hold a word
SHORTEST = 4  # letters of a Latin word that counts inside a longer name
# A wrong guess of the others would cost more than none: an id that is no id loses events.
_LOOSE = ("recipient", "at", "type", "campaign", "subject", "url", "reason", "agent")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN = re.compile(r"[a-zà-ÿ]+")


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Any]:
    return tomllib.loads(
        files("mailhealth.sources.mapping").joinpath("words.toml").read_text("utf-8")
    )


def dates() -> Mapping[str, list[str]]:
    """The formats of dates that are tried: "plain", and those with "either" order of day, month."""
    found: Mapping[str, list[str]] = _table()["dates"]
    return found


@lru_cache(maxsize=1)
def _ours() -> dict[str, str]:
    """Every word of theirs, folded -> ours."""
    return {folded(theirs): ours for ours, words in _table()["words"].items() for theirs in words}


@lru_cache(maxsize=4_096)
def word(text: str) -> str:
    """Our word for theirs, "-" where it is known to be no event of ours, "" where it is unknown.

    The whole text counts first, then the longest known words that it holds; two that mean
    different things, or a "not", make it unknown.
    """
    if (whole := _ours().get(folded(text))) or len(text) > LONGEST:
        return whole or ""
    found = _held(text)
    if found & set(map(folded, _table()["negations"]["words"])):
        return ""
    meanings = {_ours()[each] for each in found if each in _ours()} - {LEFT_OUT}
    return meanings.pop() if len(meanings) == 1 else ""


def _held(text: str) -> set[str]:
    """The known words and negations in a text that lie in no longer known word of it."""
    spaced = " ".join(_TOKEN.findall(_CAMEL.sub(" ", text).casefold()))
    found = set()
    for each in (*_ours(), *_table()["negations"]["words"]):
        if each.isascii():
            there = f" {each} " in f" {spaced} " or each in _joined(spaced)
        else:
            there = each in folded(text)
        if there:
            found.add(each)
    return {each for each in found if not any(each != other and each in other for other in found)}


def _joined(spaced: str) -> set[str]:
    """Neighbouring tokens written as one: "hard bounce" is known as "hardbounce"."""
    tokens = spaced.split()
    ends = range(2, 4)
    return {"".join(tokens[at : at + end]) for at in range(len(tokens)) for end in ends}


def ours() -> tuple[str, ...]:
    """Our words for what happens, as they are written in a connector.toml."""
    return tuple(word for word in _table()["words"] if word != LEFT_OUT)


def rank(ours: str, name: str) -> tuple[int, int]:
    """How surely a column of this name is ours: SURE by its name, 1 by a word in it, else 0.

    The second number is smaller the surer the word is.
    """
    last = folded(name.rpartition(".")[2])
    words = [folded(each) for each in _table()["columns"][ours]]
    whole = folded(name)
    for number, each in enumerate(words):
        if each in (whole, last):
            return SURE, number
    for number, each in enumerate(words if ours in _LOOSE else ()):
        if len(each) >= (SHORTEST if each.isascii() else 2) and each in last:
            return 1, number
    return 0, len(words)


def says_when(name: str) -> bool:
    """Whether a name speaks of a time: "clicked_at", "開封日時"."""
    words = {folded(each) for each in _table()["columns"]["at"]}
    tokens = _TOKEN.findall(_CAMEL.sub(" ", name).casefold())
    return not words.isdisjoint(tokens) or any(
        each in name for each in words if not each.isascii() and len(each) > 1
    )


def is_other(name: str) -> bool:
    """Whether a column of addresses or dates is known to be about something else."""
    last = folded(name.rpartition(".")[2])
    return last in {folded(each) for each in _table()["others"]["words"]}
