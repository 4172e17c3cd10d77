"""The word lists of words.toml, ready to be looked up."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Words:
    """What the splitter looks for: patterns match in lower case, one line at a time."""

    verb: re.Pattern[str]
    opener: re.Pattern[str]
    month: re.Pattern[str]
    weekday: re.Pattern[str]
    phrases: tuple[str, ...]
    bare: frozenset[str]
    labels: dict[str, str]  # "gesendet" -> "date"
    sent_from: tuple[str, ...]
    contact: re.Pattern[str]
    disclaimer: re.Pattern[str]


@cache
def words() -> Words:
    """Load the word lists once."""
    data = tomllib.loads(files("mailhealth.reply").joinpath("words.toml").read_text("utf-8"))
    attribution, signature = data["attribution"], data["signature"]
    spaced, unspaced = _any(attribution["verbs"]), _any(attribution["verbs_unspaced"])
    return Words(
        verb=re.compile(rf"(?<!\w)(?:{spaced})(?!\w)|(?:{unspaced})"),
        opener=re.compile(rf"(?:{_any(attribution['openers'])})(?:\s|,|(?=\d))"),
        month=re.compile(rf"(?<![^\W\d_])(?:{_any(data['dates']['months'])})"),
        weekday=re.compile(rf"(?:{_any(data['dates']['weekdays'])})\w{{0,8}}[.,]?\s"),
        phrases=tuple(data["separators"]["phrases"]),
        bare=frozenset(data["separators"]["bare"]),
        labels={word: kind for kind, found in data["labels"].items() for word in found},
        sent_from=tuple(signature["sent_from"]),
        contact=_contact(signature["contact"]),
        disclaimer=re.compile(_any(signature["disclaimers"])),
    )


def _any(found: Iterable[str]) -> str:
    # Longest first, so that "sent from" does not end at "sent".
    return "|".join(re.escape(word) for word in sorted(found, key=len, reverse=True))


def _contact(found: list[str]) -> re.Pattern[str]:
    """Match a word that belongs to a signature, a telephone number or an address."""
    latin = _any(word for word in found if word.isascii())
    other = _any(word for word in found if not word.isascii())
    return re.compile(
        rf"(?<![^\W\d_])(?:{latin})(?![^\W\d_])|{other}"
        r"|[\w.+-]{1,64}@[\w-]{1,63}\.|\+?\(?\d{2,4}\)?[ ./-]\(?\d{2,4}\)?[ ./-]\d{3,4}"
    )
