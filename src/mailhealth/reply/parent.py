"""Tells what a reply repeats from the mail it answers, whatever its marking."""

import re
from bisect import bisect_right
from itertools import accumulate, groupby, pairwise

from mailhealth.records import OwnWords
from mailhealth.reply.attribution import LONGEST, WINDOW, find_attribution
from mailhealth.reply.courtesy import is_formula, signs
from mailhealth.reply.signature import signature_start

BLOCK = 8  # letters of the parent that are looked up at once
LONG = 40  # width of a repetition that is no coincidence; a wide sign counts twice
LONG_LINES = 24  # the same for two lines or more in a row
PLACES = 4  # places of the parent where the same letters are tried

_UNITS = re.compile(r"(?<=\n)|(?<=[。！？])|(?<=[.!?])(?=[ \t])")
_WIDE = re.compile("[\u2e80-\uffef]")
_NOT_COMPARED = re.compile(r"[\W_]+")


def without_parent(words: OwnWords, parent: str) -> OwnWords:
    """Move what the new text repeats from `parent` to the quoted text, sentence by sentence.

    `parent` is the new and the quoted text of the mail this one answers. Only letters and
    digits are compared, so marks and wrapping do not count. Whole lines or sentences move, in
    stretches too long for a coincidence; courtesies make none long. What then ends the new
    text may be a signature. Linear time.
    """
    text = words.new_text
    stretches = _stretches(text, _letters(parent)) if parent else []
    if not stretches:
        return words
    edges = [0, *(edge for stretch in stretches for edge in stretch), len(text)]
    pieces = [text[start:end] for start, end in pairwise(edges)]
    lines = "".join(pieces[::2]).strip().split("\n")
    signed = signature_start(lines)
    new, signature = "\n".join(lines[:signed]), "\n".join(lines[signed:])
    return OwnWords(
        new.rstrip("\n"),
        _joined("".join(pieces[1::2]).strip("\n"), words.quoted_text),
        _joined(signature, words.signature),
    )


def _joined(above: str, below: str) -> str:
    return f"{above}\n{below}" if above and below else above or below


def _stretches(text: str, parent: str) -> list[tuple[int, int]]:
    """List the spans of `text` that stand in `parent`, each with the attribution above it."""
    units = _UNITS.split(text)
    letters = [_letters(unit) for unit in units]
    runs = _runs("".join(letters), parent)
    if not runs:
        return []
    covered = _covered(letters, runs)
    starts = list(accumulate((len(unit) for unit in units), initial=0))
    found: list[tuple[int, int]] = []
    for whole, group in groupby(enumerate(covered), key=lambda pair: pair[1]):
        at = [position for position, _ in group]
        if whole and _is_long([unit for unit in units[at[0] : at[-1] + 1] if _letters(unit)]):
            start = _attributed(text, starts[at[0]], found[-1][1] if found else 0)
            found.append((start, starts[at[-1] + 1]))
    return found


def _covered(letters: list[str], runs: list[tuple[int, int]]) -> list[bool]:
    """Tell which units lie in a run; those without letters go with the unit above them."""
    starts = [start for start, _ in runs]
    covered: list[bool] = []
    at = 0
    for unit in letters:
        run = bisect_right(starts, at) - 1
        inside = run >= 0 and at + len(unit) <= runs[run][1]
        covered.append(inside if unit else bool(covered) and covered[-1])
        at += len(unit)
    return covered


def _is_long(units: list[str]) -> bool:
    """Tell a repetition from a coincidence: politeness, names and links have no width."""
    told = [unit for unit in units if not (is_formula(unit) or signs(unit) or _is_solid(unit))]
    width = sum(len(unit.strip()) + len(_WIDE.findall(unit)) for unit in told)
    return width >= LONG or (len(told) > 1 and width >= LONG_LINES)


def _is_solid(unit: str) -> bool:
    return unit.isascii() and len(unit.split()) == 1


def _attributed(text: str, start: int, floor: int) -> int:
    """Find where the line above a repetition begins that says who wrote it; else `start`."""
    above = text[max(floor, start - LONGEST) : start].rstrip()
    lines = above.split("\n")[-WINDOW:]
    if not above or not text[start - 1 : start].isspace():
        return start
    found = find_attribution(lines, [False] * len(lines), len(lines) - 1, before_quote=True)
    if not found:
        return start
    kept = "\n".join(lines[found.first :])
    return start - len(text[max(floor, start - LONGEST) : start]) + len(above) - len(kept)


def _letters(text: str) -> str:
    return _NOT_COMPARED.sub("", text).casefold()


def _runs(text: str, parent: str) -> list[tuple[int, int]]:
    """List the stretches (start, end) of `text` that stand in `parent`, in order.

    As in rsync: the parent is cut into blocks, the text is looked up at every letter, and
    what is found is followed both ways. A repetition of two blocks holds at least one.
    """
    places = _places(parent)
    runs: list[tuple[int, int]] = []
    at = done = 0
    last = len(text) - BLOCK
    while at <= last:
        known = places.get(text[at : at + BLOCK])
        at += 1
        if known is None:
            continue
        tried = [_follow(text, parent, (at - 1, there), done) for there in known]
        start, end = max(tried, key=lambda run: run[1] - run[0])
        if end - start >= 2 * BLOCK:
            runs.append((start, end))
            at = done = end
    return runs


def _places(parent: str) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at in range(0, len(parent) - BLOCK + 1, BLOCK):
        known = places.setdefault(parent[at : at + BLOCK], [])
        if len(known) < PLACES:
            known.append(at)
    return places


def _follow(text: str, parent: str, here: tuple[int, int], done: int) -> tuple[int, int]:
    """Follow a repetition both ways from a letter of the text and of the parent, to `done`."""
    start = end = here[0]
    offset = here[1] - here[0]
    while end < len(text) and end + offset < len(parent) and text[end] == parent[end + offset]:
        end += 1
    while start > done and start + offset > 0 and text[start - 1] == parent[start - 1 + offset]:
        start -= 1
    return start, end
