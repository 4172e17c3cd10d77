"""Learns a sender's signature: last lines that come back under mail after mail."""

from collections.abc import Collection
from hashlib import blake2b

from mailhealth.records import OwnWords
from mailhealth.reply.courtesy import is_formula, signs
from mailhealth.reply.names import is_name
from mailhealth.reply.signature import has_contact, is_ornament

FEWEST, MOST = 2, 12  # lines of a tail
LONGEST = 200  # characters of one of its lines


def tails(new_text: str) -> tuple[str, ...]:
    """Give the fingerprints of the last 2 to 12 lines that could be a signature, longest first.

    A signature begins with a name, a contact detail or a drawn line, so greetings and
    sentences that come back in every mail are none; it is never the whole text. Blank lines
    and white space do not count.
    """
    return tuple(fingerprint for fingerprint, _ in _candidates(new_text.split("\n")))


def without_tail(words: OwnWords, known: Collection[str]) -> OwnWords:
    """Move the longest tail whose fingerprint is `known` from the new text to the signature."""
    if not known:
        return words
    lines = words.new_text.split("\n")
    for fingerprint, first in _candidates(lines):
        if fingerprint in known:
            signature = "\n".join(
                part for part in ("\n".join(lines[first:]), words.signature) if part
            )
            return OwnWords("\n".join(lines[:first]).rstrip("\n"), words.quoted_text, signature)
    return words


def _candidates(lines: list[str]) -> list[tuple[str, int]]:
    """List the tails that could be a signature as fingerprint and first line, longest first."""
    written: list[int] = []
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].strip():
            written.append(at)
        if len(written) > MOST:
            break
    found = []
    for count in range(min(MOST, len(written) - 1), FEWEST - 1, -1):
        block = [lines[at] for at in reversed(written[:count])]
        if any(len(line) > LONGEST for line in block) or not _begins(block):
            continue
        found.append((_fingerprint(block), written[count - 1]))
    return found


def _begins(block: list[str]) -> bool:
    first = block[0]
    if is_ornament(first):
        return any(has_contact(line) or is_name(line) for line in block[1:])
    return signs(first) and not is_formula(first)


def _fingerprint(block: list[str]) -> str:
    folded = "\n".join(" ".join(line.split()).casefold() for line in block)
    return blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
