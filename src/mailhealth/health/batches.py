"""What is done together, so that memory stays flat."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from mailhealth.errors import MailhealthError
from mailhealth.records import Found, Mark, Message, Skipped

T = TypeVar("T")

ITEMS = 2_000  # messages or events a transaction
CHARACTERS = 8_000_000  # of text a transaction


def batches(
    items: Iterable[Found | Skipped | Mark],
) -> Iterator[list[Found | Skipped | Mark]]:
    """Group what a source yields into transactions of bounded size.

    Where the source breaks off, what it had yielded comes first and its error after that.
    """
    batch: list[Found | Skipped | Mark] = []
    characters = 0
    failure = None
    try:
        for item in items:
            batch.append(item)
            characters += _size(item)
            if len(batch) >= ITEMS or characters >= CHARACTERS:
                yield batch
                batch, characters = [], 0
    except MailhealthError as error:
        failure = error
    if batch:
        yield batch
    if failure:
        raise failure


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into groups of a size."""
    return (items[i : i + size] for i in range(0, len(items), size))


def _size(item: Found | Skipped | Mark) -> int:
    if isinstance(item, Found) and isinstance(item.what, Message):
        return len(item.what.mail.text)
    return 0
