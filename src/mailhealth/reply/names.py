"""Tells whether a line reads like a name, a title or a company: what stands below a letter."""

import re

from mailhealth.reply.words import words

LONGEST = 60
EASTERN_LONGEST = 24
MOST_WORDS = 8
INITIALS = 4  # letters of "J.B." or "Ltd.", which end in a full stop

_EDGES = " \t　-–—~*_/|,、，"
_ENDS_SENTENCE = (".", "!", "?", "。", "！", "？", ":", "：", ";")
# Kanji, katakana and what parts them, with "no" and the kana of a given name: 山田 さくら
_JAPANESE = re.compile(r"[一-鿿々〆ヶヵァ-ヺー・のA-Za-z0-9&.()（）㈱ 　]+(?:[ 　][ぁ-ん]{2,5})?")
_KOREAN = re.compile(r"[가-힣]{2,5}(?:[ 　]+[가-힣()]{1,10}){0,3}")
_EAST = re.compile(r"[一-鿿ァ-ヺ가-힣]")


def is_name(line: str) -> bool:
    """Tell whether a line could be a name: a few words in capitals, or kanji without kana.

    A sentence, a number or a word in small letters is none; initials are ("J.B.").
    """
    core = line.strip(_EDGES)
    if not core or len(core) > LONGEST:
        return False
    if _EAST.search(core):
        patterns = (_JAPANESE, _KOREAN, words().company)
        return len(core) <= EASTERN_LONGEST and any(found.fullmatch(core) for found in patterns)
    return all_capitals(core)


def all_capitals(text: str) -> bool:
    """Tell whether a few words all begin in capitals, but for particles ("Maria de Souza")."""
    found = text.replace(",", " ").replace("/", " ").split()
    if not 0 < len(found) <= MOST_WORDS:
        return False
    if text.endswith(_ENDS_SENTENCE) and len(found[-1]) > INITIALS:
        return False
    small = words().particles
    capitals = [word.lstrip("(\"'“")[:1].isupper() for word in found]
    return any(capitals) and all(
        capital or word.casefold() in small for capital, word in zip(capitals, found, strict=True)
    )
