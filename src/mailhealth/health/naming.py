"""What a source is called that nobody gave a name."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from mailhealth.store.inbox import Source


def source_of(path: str | Path, known: Sequence[Source]) -> Source | None:
    """The source that reads this very path, or None."""
    there = str(Path(path).expanduser().resolve())
    return next((source for source in known if source.settings.get("path") == there), None)


def free_name(path: str | Path, known: Sequence[Source]) -> str:
    """The name of the file or folder without its endings, numbered where it is taken."""
    file = Path(path).expanduser().resolve()
    name = file.name.removesuffix(".gz").rpartition(".")[0] or file.name or "files"
    taken = {source.name for source in known}
    numbered = (f"{name}-{number}" for number in count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)
