"""The words a sender wrote: quotes, signature and disclaimer cut away but kept."""

import re
from typing import Literal

from mailhealth.records import OwnWords
from mailhealth.reply.attribution import cut_shared_line, find_attribution
from mailhealth.reply.blocks import block_end, is_rule, is_separator, label
from mailhealth.reply.courtesy import courtesies
from mailhealth.reply.parent import without_parent
from mailhealth.reply.signature import closes_frame, signature_start
from mailhealth.reply.tail import tails, without_tail

__all__ = ["courtesies", "split", "tails", "without_parent", "without_tail"]

Whose = Literal["new", "quoted", "signature"]

LONG = 60  # characters of a quoted line that a mail program may have wrapped
TOP = 10  # lines in which a letter that begins with a quotation announces it
REMAINDER = 30  # characters that wrapping leaves on the next line

_QUOTE = re.compile(r"[ \t]{0,8}[>＞]")
_ARROWS = re.compile(r"\s*>{2,}.*<{2,}\s*$")
_GAPS = re.compile(r"\n[ \t]*\n[ \t]*(?:\n[ \t]*)*\n")
_ENDS_LINK = re.compile(r"[(<][^()<>]{0,300}$")


def split(text: str) -> OwnWords:
    """Take a text apart into what is new, what is quoted and what is signature.

    Every line that is not blank lands in exactly one of the three, in order. Answers between
    quoted lines are new; a forwarded message is quoted. Works line by line in linear time.
    """
    lines = _lines(text)
    quoted = _quote_marks(lines)
    whose = _whose(lines, quoted)
    _mark_signatures(lines, quoted, whose)
    return OwnWords(*(_gather(lines, whose, part) for part in ("new", "quoted", "signature")))


def _lines(text: str) -> list[str]:
    found = text.replace("\r\n", "\n").split("\n")
    if "On " not in text:
        return found
    lines: list[str] = []
    for line in found:
        at = cut_shared_line(line)
        lines += [line[:at], line[at:]] if at else [line]
    return lines


def _quote_marks(lines: list[str]) -> list[bool]:
    """Tell which lines carry a quote mark, or are the rest of a quoted line that was wrapped."""
    marked = [_QUOTE.match(line) is not None and not _ARROWS.match(line[:300]) for line in lines]
    for at in range(1, len(lines) - 1):
        if marked[at] or not (marked[at - 1] and marked[at + 1]) or not lines[at].strip():
            continue
        above, line = lines[at - 1], lines[at].strip()
        wrapped = len(above) >= LONG and len(line) <= REMAINDER
        link = _ENDS_LINK.search(above[-300:]) or line.startswith(("(http", "<http", "http"))
        marked[at] = bool(wrapped or link)
    return marked


def _whose(lines: list[str], quoted: list[bool]) -> list[Whose]:
    whose: list[Whose] = ["quoted" if mark else "new" for mark in quoted]
    at = 0
    while at < len(lines):
        end = _opens_quotation(lines, quoted, whose, at) if _may_open(lines[at], whose[at]) else at
        if end > at and not _goes_on(lines, quoted, whose, at=at, end=end):
            whose[at:] = ["quoted"] * (len(lines) - at)
            break
        whose[at:end] = ["quoted"] * (end - at)
        at = max(at + 1, end)
    return whose


def _may_open(line: str, owner: Whose) -> bool:
    if owner == "quoted":
        return "> wrote" in line and line.lstrip().startswith("> wrote")
    return bool(line) and not line.isspace()


def _goes_on(
    lines: list[str], quoted: list[bool], whose: list[Whose], *, at: int, end: int
) -> bool:
    """Tell whether the sender's words may go on below an announced quotation.

    They may where it is marked line by line, and below an opening attribution that comes
    before any words, if marked lines stand anywhere: an answer between the lines.
    """
    if _quote_follows(lines, quoted, end):
        return True
    if at >= TOP or is_separator(lines[at]) or label(lines[at]):
        return False
    spoken = any(whose[line] == "new" and lines[line].strip() for line in range(at))
    return not spoken and any(quoted[end:])


def _opens_quotation(lines: list[str], quoted: list[bool], whose: list[Whose], at: int) -> int:
    """Find the line after what announces a quotation at `at`; `at` where nothing does."""
    if is_separator(lines[at]):
        _mark_rule_above(lines, whose, at)
        end = at + 1
        while end < len(lines) and not lines[end].strip():
            end += 1
        return max(at + 1, block_end(lines, end)) if end < len(lines) else at + 1
    if label(lines[at]) and (end := block_end(lines, at)) > at:
        _mark_rule_above(lines, whose, at)
        return end
    found = find_attribution(lines, quoted, at, _quote_follows(lines, quoted, at + 1))
    if not found:
        return at
    whose[found.first : at] = ["quoted"] * (at - found.first)
    return at + 1


def _mark_rule_above(lines: list[str], whose: list[Whose], at: int) -> None:
    above = at - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    if above >= 0 and is_rule(lines[above]) and not closes_frame(lines, above):
        whose[above:at] = ["quoted"] * (at - above)


def _quote_follows(lines: list[str], quoted: list[bool], at: int) -> bool:
    for line in range(at, min(at + 4, len(lines))):
        if lines[line].strip():
            return quoted[line]
    return False


def _mark_signatures(lines: list[str], quoted: list[bool], whose: list[Whose]) -> None:
    """Look for a signature at the end of each stretch of new lines that an answer may end with.

    Between marked quotes (an interleaved answer) nobody signs, unless no new words follow.
    """
    written = [at for at, line in enumerate(lines) if whose[at] == "new" and line.strip()]
    last = written[-1] if written else -1
    first = 0
    while first <= last:
        end = first
        while end < len(lines) and whose[end] == "new":
            end += 1
        if end > first and (end > last or not quoted[end]):
            start = first + signature_start(lines[first:end])
            whose[start:end] = ["signature"] * (end - start)
        first = end + 1


def _gather(lines: list[str], whose: list[Whose], part: Whose) -> str:
    found = (line for line, owner in zip(lines, whose, strict=True) if owner == part)
    return _GAPS.sub("\n\n", "\n".join(found)).strip("\n")
