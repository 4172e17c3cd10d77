"""English words without their endings, for pipelines that have no lemmatizer."""

import re
from functools import lru_cache

_VOWEL = r"(?:[aeiou]|(?<=[^aeiou])y)"
_HAS_VOWEL = re.compile(_VOWEL)
_MEASURE = re.compile(r"[aeiouy]+[^aeiouy]+")
_SHORT = re.compile(r"[^aeiou][aeiouy][^aeiouwxy]$")
_DOUBLE = re.compile(r"([^aeioulsz])\1$")
_LONGEST = 30  # letters; what is longer is no word


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Take plural and verb endings off a word in lower case: steps 1 and 5a of Porter (1980).

    invoices, invoiced, invoicing -> invoic; crashes, crashed -> crash; queries -> queri. What
    is not in the letters a to z, or too short for an ending, stays as it is.
    """
    if not (word.isascii() and word.isalpha() and 2 < len(word) <= _LONGEST):  # noqa: PLR2004
        return word
    word = _verb(_plural(word))
    if word.endswith("y") and _HAS_VOWEL.search(word[:-1]):
        word = word[:-1] + "i"
    if word.endswith("e") and _HAS_VOWEL.search(word[:-1]):
        word = word[:-1]
    return word


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) or not word.endswith("s") else word[:-1]


def _verb(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _MEASURE.search(word[:-3]) else word
    for ending in ("ed", "ing"):
        rest = word.removesuffix(ending)
        if rest != word and _HAS_VOWEL.search(rest):
            return _mended(rest)
    return word


def _mended(rest: str) -> str:
    """Put back what an ending took: stopp -> stop, pric -> price, but bill -> bill."""
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if _DOUBLE.search(rest):
        return rest[:-1]
    if len(_MEASURE.findall(rest)) == 1 and _SHORT.search(rest):
        return rest + "e"
    return rest
