"""Answers to surveys that somebody wrote out: rules, and they call themselves rules."""

import re
from typing import Any

from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

RANGES = {"nps": range(11), "csat": range(1, 6)}
_DIGITS = re.compile(r"\d+")
_NOT_THE_ANSWER = re.compile(
    r"[%％]|\.\d|段階|点満点|点中"
)  # a share, a fraction, the scale itself


def _is(words: str, often: str = "") -> dict[str, Any]:
    return {"LOWER": {"IN": words.split()}, **({"OP": often} if often else {})}


def _like(pattern: str) -> dict[str, Any]:
    return {"TEXT": {"REGEX": pattern}}


_NUMBER = _like(r"^[0-9０-９]{1,3}\.?$")
_TEN, _FIVE = _is("10 １０ ten 10."), _is("5 ５ five 5.")
_LINK = _is(": ： = - score rating is of a was は が を も", "*")
_RATES = _is("give gave rate rated rating score scored recommend")
_FILLER = _is(
    "you it this your the them us a an service product support team about at as is : overall",
    "{0,6}",
)
_OF = [_is("out"), _is("of")]
_SLASH = _is("/ ／")
_FULL = _is("満点", "?")

# (what, which number of the match is the answer, pattern)
PATTERNS: list[tuple[str, int, list[dict[str, Any]]]] = [
    ("nps", 0, [_is("nps"), _LINK, _NUMBER]),
    ("nps", 0, [_is("nps"), _LINK, _like(r"^\d{1,3}[/／](10|１０)$")]),
    ("nps", 0, [_like(r"^(?i:nps)[:：=]\d{1,3}([/／]10)?$")]),
    ("nps", 0, [_RATES, _FILLER, _NUMBER, *_OF, _TEN]),
    ("nps", 0, [_RATES, _FILLER, _NUMBER, _SLASH, _TEN]),
    ("nps", 0, [_RATES, _FILLER, _like(r"^\d{1,3}/10$")]),
    ("nps", 1, [_TEN, _is("点"), _FULL, _is("中 で"), _NUMBER, _is("点")]),
    ("nps", 1, [_TEN, _is("点満点"), _is("中 で"), _NUMBER, _is("点")]),
    ("nps", 0, [_is("推奨 勧め すすめ オススメ"), _is("度"), _LINK, _NUMBER]),
    ("nps", 0, [_is("推奨度 お勧め度 おすすめ度"), _LINK, _NUMBER]),
    ("csat", 0, [_is("csat"), _LINK, _NUMBER]),
    ("csat", 0, [_is("csat"), _LINK, _like(r"^\d{1,3}[/／][5５]$")]),
    ("csat", 0, [_like(r"^(?i:csat)[:：=]\d{1,3}([/／]5)?$")]),
    ("csat", 0, [_is("satisfaction"), _LINK, _NUMBER, *_OF, _FIVE]),
    ("csat", 0, [_is("satisfaction"), _LINK, _like(r"^\d{1,3}/5$")]),
    ("csat", 0, [_RATES, _FILLER, _NUMBER, *_OF, _FIVE]),
    ("csat", 0, [_RATES, _FILLER, _like(r"^\d{1,3}/5$")]),
    ("csat", 1, [_FIVE, _is("点"), _FULL, _is("中 で"), _NUMBER, _is("点")]),
    ("csat", 1, [_FIVE, _is("点満点"), _is("中 で"), _NUMBER, _is("点")]),
    ("csat", 1, [_FIVE, _is("段階"), _is("評価 中 で の は", "*"), _NUMBER]),
    ("csat", 0, [_is("満足"), _is("度"), _LINK, _NUMBER]),
    ("csat", 0, [_is("満足度"), _LINK, _NUMBER]),
]


def matcher(vocab: Vocab) -> Matcher:
    """Build the matcher of all patterns; a rule's key is its number in PATTERNS."""
    rules = Matcher(vocab)
    for number, (_, _, pattern) in enumerate(PATTERNS):
        rules.add(str(number), [pattern])
    return rules


def answers(doc: Doc, rules: Matcher) -> dict[str, int]:
    """Read the answers in a document: nps 0 to 10, csat 1 to 5; the first one of each counts.

    A number out of range is no answer, and neither is a share (満足度は4%) or the scale's top.
    """
    found: dict[str, int] = {}
    for key, start, end in sorted(rules(doc), key=lambda match: (match[1], -match[2])):
        what, which, _ = PATTERNS[int(doc.vocab.strings[key])]
        span = doc[start:end]
        number = int(_DIGITS.findall(span.text)[which])
        follows = doc.text[span.end_char : span.end_char + 4]
        if what not in found and number in RANGES[what] and not _NOT_THE_ANSWER.match(follows):
            found[what] = number
    return found
