"""What is done together, so that memory stays flat."""

from collections.abc import Iterable, Iterator, Sequence

from mailhealth.records import Found, Mark, Message, Score, Skipped

ITEMS = 2_000  # messages or events a transaction
CHARACTERS = 8_000_000  # of text a transaction


def batches(
    items: Iterable[Found | Skipped | Mark],
) -> Iterator[list[Found | Skipped | Mark]]:
    """Group what a source yields into transactions of bounded size."""
    batch: list[Found | Skipped | Mark] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += _size(item)
        if len(batch) >= ITEMS or characters >= CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def chunks(scores: Sequence[Score], size: int) -> Iterator[Sequence[Score]]:
    """Cut scores into groups of a size."""
    return (scores[i : i + size] for i in range(0, len(scores), size))


def _size(item: Found | Skipped | Mark) -> int:
    if isinstance(item, Found) and isinstance(item.what, Message):
        return len(item.what.mail.text)
    return 0
