"""Answers to surveys that somebody wrote out: rules, and they call themselves rules.

A rating in plain wording counts anywhere ("I'd give you a 9 out of 10", 10点中8点です); a number
alone only where the thread asked for one (`asked`).
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc, Span, Token
from spacy.vocab import Vocab

from mailhealth.nlp.survey_words import (
    AFTER,
    AFTER_ALONE,
    EARLIER,
    NUMBERS,
    PATTERNS,
    SCALE,
    THEIRS,
)

Asked = Literal["", "nps", "csat", "either"]

RANGES = {"nps": range(11), "csat": range(1, 6)}
QUESTION = 4_000  # characters of a question that are looked at
_NEAR, _BEFORE = 3, 6  # tokens before a rating in which it can be denied, or be an older one
_FIRST_LINES = 3  # of an answer, in which a number may stand before its reason

_RECOMMEND = re.compile(
    r"\bnps\b|net promoter|how likely|likely to recommend|(would|will) you recommend|recommend us"
    r"|推奨度|推奨の?度合|(勧|薦|すす)めし?(度|いただけ|頂け|たい|る可能性|ますか)|紹介したい",
    re.IGNORECASE,
)
_SATISFIED = re.compile(
    r"\bcsat\b|satisf(ied|action)|how did we do|how was (your|our|the)|rate (our|your|the|us)\b"
    r"|満足|評価(を|して|く|お|の)",
    re.IGNORECASE,
)
_SURVEY = re.compile(r"\bsurvey|questionnaire|\bfeedback\b|アンケート|ご意見", re.IGNORECASE)
_UP_TO_TEN = re.compile(r"\b0\s?(-|–|~|〜|～|to|から)\s?10(?!\d)|10\s?(段階|点)")
_UP_TO_FIVE = re.compile(r"\b1\s?(-|–|~|〜|～|to|から)\s?5(?!\d)|5\s?(段階|点)")
_WORTH_A_LOOK = re.compile(
    r"\b(nps|net promoter|csat|satisf|rat(e|ing)|scor|g(i|a)ve|recommend)"
    r"|/ ?(10|5)\b|out of|点|度|段階|満足",
    re.IGNORECASE,
)
_PIECE = re.compile(r"\d+(?:[.,]\d+)*|'?[^\W\d_]+(?:'[a-z]+)?|\S")
_POINTS = [re.compile(rf"^[ \t]*\(?[{one}][.)、．）]", re.MULTILINE) for one in ("1１", "2２")]


def asked(*texts: str) -> Asked:
    """Say what a subject, or the first mail of a thread, asks to rate; "" where it asks nothing.

    "either" where it is a survey, but not to be told whether recommendation or satisfaction.
    """
    said = [unicodedata.normalize("NFKC", text[:QUESTION]) for text in texts]
    nps, csat, any_survey, ten, five = (
        any(map(rule.search, said))
        for rule in (_RECOMMEND, _SATISFIED, _SURVEY, _UP_TO_TEN, _UP_TO_FIVE)
    )
    if not (nps or csat or any_survey):
        return ""
    if nps != csat:
        return "nps" if nps else "csat"
    if ten != five:
        return "nps" if ten else "csat"
    return "either"


def document(nlp: Language, text: str, *questions: str) -> Doc:
    """Make the document of an answer, which knows what the subject or an earlier mail asked."""
    doc = nlp.make_doc(text)
    doc._.asked = asked(*questions)
    return doc


def matcher(vocab: Vocab) -> Matcher:
    """Build the matcher of all patterns; a rule's key is its number in PATTERNS."""
    rules = Matcher(vocab)
    for number, (_, _, pattern) in enumerate(PATTERNS):
        rules.add(str(number), [pattern])
    return rules


def answers(doc: Doc, rules: Matcher, question: Asked = "") -> dict[str, int]:
    """Read the answers in a document: nps 0 to 10, csat 1 to 5; the first one of each counts.

    A number out of range is no answer, and neither is a share (満足度は4%), the scale's top, a
    rating of last year, or somebody else's figure. Takes time linear in the length.
    """
    found: dict[str, int] = {}
    text = doc.text  # made anew by every asking
    if not question and not _WORTH_A_LOOK.search(unicodedata.normalize("NFKC", text)):
        return found
    if all(point.search(text) for point in _POINTS):
        question = ""  # a list: its numbers are no ratings
    pieces = Doc(doc.vocab, *_pieces(doc))
    opening = _opening(pieces)
    matches = sorted(rules(pieces), key=lambda match: (match[1], -match[2]))
    for key, start, end in matches:
        what, which, _ = PATTERNS[int(pieces.vocab.strings[key])]
        span = pieces[start:end]
        number, *others = _numbers(span, which)
        if what == "alone" and (start <= opening or _closes(pieces, end)):
            kind = _kind(number, others, question)
        else:
            kind = what
        if kind in RANGES and kind not in found and number in RANGES[kind] and _meant(span, what):
            found[kind] = number
    return found


def _opening(pieces: Doc) -> int:
    """Where the third line begins: up to there a number may stand before its reason."""
    breaks = [token.i for token in pieces if token.text == "\n"]
    return breaks[min(_FIRST_LINES, len(breaks)) - 1]


def _pieces(doc: Doc) -> tuple[list[str], list[bool]]:
    """Cut tokens into words, numbers and signs; a line break at either end and in between.

    What a tokenizer joins differs by language ("9/10", "NPS:9", 満足度), so the rules look at
    smaller pieces than any of them.
    """
    words, spaces = ["\n"], [False]
    for token in doc:
        if token.is_space:
            spaces[-1] = True
            if "\n" in token.text and words[-1] != "\n":
                words.append("\n")
                spaces.append(False)
            continue
        for piece in _PIECE.findall(_plain(token.text)):
            words.append(NUMBERS.get(piece, piece))
            spaces.append(False)
        spaces[-1] = bool(token.whitespace_)
    return [*words, "\n"], [*spaces, False]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().replace("’", "'")


def _numbers(span: Span, which: int) -> list[int]:
    """The numbers of a match: first the answer, then the top of its scale, if that is there."""
    numbers = [int(token.text) for token in span if token.text.isdecimal()]
    return [numbers.pop(which), *numbers]


def _kind(number: int, tops: list[int], question: Asked) -> str:
    """What a number alone answers; "" where nothing was asked, or it cannot be told what."""
    kinds = [
        kind
        for kind in RANGES
        if question in (kind, "either") and number in RANGES[kind] and {*tops} <= {SCALE[kind]}
    ]
    return kinds[0] if len(kinds) == 1 else ""


def _closes(doc: Doc, at: int) -> bool:
    """Whether the line ends here, but for one sign."""
    rest = [token.text for token in doc[at : at + 2]]
    return "\n" in rest[:1] or ("\n" in rest and rest[0] in {".", "!", "。"})


def _meant(span: Span, what: str) -> bool:
    """Whether what stands around a rating leaves it one."""
    doc = span.doc
    before = {token.text for token in _before(span)}
    near = {token.text for token in doc[max(span.start - _NEAR, 0) : span.start]}
    if before & EARLIER or near & THEIRS or _negative(span):
        return False
    return _ends(doc, span.end, AFTER_ALONE if what == "alone" else AFTER)


def _negative(span: Span) -> bool:
    """Whether a number has a minus."""
    return any(
        sign.text == "-" and not sign.whitespace_ and after.text.isdecimal()
        for sign, after in pairwise(span)
    )


def _before(span: Span) -> Iterator[Token]:
    """The tokens before a rating, back to the start of its sentence, six at most."""
    for number in range(span.start - 1, max(span.start - 1 - _BEFORE, -1), -1):
        token = span.doc[number]
        if token.text in {".", "!", "?", "。", "\n", ";", ",", "、"}:
            return
        yield token


def _ends(doc: Doc, at: int, allowed: frozenset[str]) -> bool:
    """Whether a rating may end here: before a sign or a word that no unit of measure begins."""
    first = doc[at].text if at < len(doc) else "\n"
    if first not in allowed:
        return False
    # 9:30, 9-10, 9/10/2026, 9 / 7
    joined = first == "/" or (first in "-:–~,." and not doc[at].whitespace_)
    return not (joined and at + 1 < len(doc) and doc[at + 1].text[0].isdecimal())
