"""How far a folder was read, as one short text in the store."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cursor:
    """Of a folder in one generation of its numbers: all UIDs up to `highest` were looked at.

    `messages` and `next_uid` are what the server counted when the folder was last read to its
    end; None: it was not yet.
    """

    validity: int
    highest: int
    messages: int | None = None
    next_uid: int | None = None

    def __str__(self) -> str:
        counts = () if self.messages is None else (self.messages, self.next_uid or 0)
        return ":".join(map(str, (self.validity, self.highest, *counts)))


def read(text: str | None) -> Cursor | None:
    """Read a cursor; None for what is none."""
    numbers = (text or "").split(":")
    if len(numbers) not in (2, 4) or not all(n.isascii() and n.isdigit() for n in numbers):
        return None
    return Cursor(*map(int, numbers))
