"""What is done together, so that memory stays flat."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from mailhealth.errors import MailhealthError
from mailhealth.records import Found, Item, Message

T = TypeVar("T")

CHARACTERS = 8_000_000  # of text a transaction
MESSAGES = 125  # a transaction at most; more take more memory and are no faster
ITEMS = 20_000  # events and all else a transaction at most: the fewer, the less is written twice


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Group what a source yields into transactions of bounded size.

    Where the source breaks off, what it had yielded comes first and its error after that.
    """
    batch: list[Item] = []
    characters = 0
    failure = None
    try:
        for item in items:
            batch.append(item)
            characters += _size(item)
            if characters >= CHARACTERS:
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


def _size(item: Item) -> int:
    """How much an item takes of a transaction, in characters."""
    what = item.what if isinstance(item, Found) else None
    if isinstance(what, Message):
        return max(len(what.mail.text), CHARACTERS // MESSAGES)
    return max(len(what.raw) if what else 0, CHARACTERS // ITEMS)
