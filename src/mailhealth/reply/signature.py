"""Finds where a person's words end and the signature, the disclaimer or the footer begins."""

import re

from mailhealth.reply.words import words

LAST = 25  # lines from the end in which a signature is looked for
AFTER_DASHES = 30
BLOCK = (2, 9)  # lines of a signature without a frame
FRAMED = 18  # lines below a drawn line that may all be signature
FEW = 6  # lines below a drawn line where one contact detail is enough
FACTS = 2  # contact details that make a signature
WIDTH = 80
LONGEST = 200
OUTLOOK_RULE = "_" * 32  # what Outlook draws above a quoted mail

_DASHES = re.compile(r"\s?(?:--|—|――|- -)[ \t]*$")
_ORNAMENT = re.compile(
    r"[\s　]*[-_=*~+.:#/\\|<>^°・。…─━―ー－＝＿＊～〜☆★◆◇■□●○◎▲△▼▽※♪♫〓┏┓┗┛┌┐└┘├┤┬┴┼║═╋┃│╂〇◯❖✦✧•·]"
    r"{4,}[\s　]*$"
)
_FRAMED_TITLE = re.compile(
    r"[\s　]*[-_=*~─━―－＝＊☆★◆◇■□●○◎▼※〓]{4,}.{1,40}?[-_=*~─━―－＝＊☆★◆◇■□●○◎▼※〓]{4,}\s*$"
)


def signature_start(lines: list[str]) -> int:
    """Find the first line that is no longer the person's words; `len(lines)` if all are.

    `lines` are the new lines up to the end of the text or to the older message below. What is
    found last on the page need not be last in rank: the earliest evidence wins.
    """
    written = [at for at, line in enumerate(lines) if line.strip()]
    if not written:
        return len(lines)
    near = written[-LAST:]
    found = [_dashes(lines, written), _frame(lines, near), _sent_from(lines, near)]
    found += [_disclaimer(lines, written[-2 * LAST :]), _contact_block(lines, near)]
    return min(found)


def _dashes(lines: list[str], written: list[int]) -> int:
    for at in written[-AFTER_DASHES:]:
        if _DASHES.match(lines[at]):
            return at
    return len(lines)


def _sent_from(lines: list[str], near: list[int]) -> int:
    known = words().sent_from
    for at in near[-6:]:
        if len(lines[at]) <= WIDTH + 40 and lines[at].strip(" \t*_　([「『").casefold().startswith(
            known
        ):
            return at
    return len(lines)


def _disclaimer(lines: list[str], near: list[int]) -> int:
    pattern = words().disclaimer
    for at in near:
        opens = at == 0 or not lines[at - 1].strip() or is_ornament(lines[at - 1])
        if opens and pattern.search(lines[at][:120].casefold()):
            return at
    return len(lines)


def is_ornament(line: str) -> bool:
    """Tell whether a line is drawn of signs, as the frame of a Japanese signature is."""
    return len(line) <= LONGEST and _ORNAMENT.match(line) is not None


def _frame(lines: list[str], near: list[int]) -> int:
    """Find a drawn line below which contact details stand, to the end or a closing line."""
    for position, at in enumerate(near):
        if not (is_ornament(lines[at]) or _is_titled(lines[at])):
            continue
        below = near[position + 1 :]
        facts = [line for line in below if has_contact(lines[line])]
        closing = [line for line in below if is_ornament(lines[line])]
        # Words after the closing line: what is framed is part of the letter.
        if closing and below[-1] > closing[-1] and not any(line > closing[-1] for line in facts):
            continue
        enough = len(facts) >= FACTS or (facts and (closing or len(below) <= FEW))
        if enough and len(below) <= FRAMED:
            return at
    return len(lines)


def closes_frame(lines: list[str], at: int) -> bool:
    """Tell whether the drawn line `at` is the lower one of a frame around contact details.

    What a mail program draws above a quotation is not drawn as the signature's upper line is.
    """
    drawn = lines[at].strip()
    if drawn == OUTLOOK_RULE:
        return False
    facts = False
    for line in reversed(lines[max(0, at - FRAMED) : at]):
        if line.strip() == drawn or (_is_titled(line) and line.strip()[0] == drawn[0]):
            return facts
        facts = facts or has_contact(line)
    return False


def _is_titled(line: str) -> bool:
    return len(line) <= LONGEST and _FRAMED_TITLE.match(line) is not None


def has_contact(line: str) -> bool:
    """Tell whether a line holds a telephone number, an address or a word of visiting cards."""
    return words().contact.search(line[:200].casefold()) is not None


def _contact_block(lines: list[str], near: list[int]) -> int:
    """Find a last paragraph that is a visiting card: short lines, most with contact details."""
    block: list[int] = []
    for at in reversed(near):
        if block and block[-1] - at > 1:
            break
        block.append(at)
    fewest, most = BLOCK
    facts = sum(has_contact(lines[at]) for at in block)
    short = all(len(lines[at].strip()) <= WIDTH for at in block)
    if fewest <= len(block) <= most and short and facts >= max(FACTS, len(block) // 2):
        return block[-1] if len(block) < len(near) else len(lines)
    return len(lines)
