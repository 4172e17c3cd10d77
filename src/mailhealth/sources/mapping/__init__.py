"""A connector for an unknown log: guessed, asked for where that is not enough, and tried."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mailhealth.errors import BadSource
from mailhealth.records import Event, Found, Skipped
from mailhealth.sources import border, reading
from mailhealth.sources.mapping import guesses, times
from mailhealth.sources.mapping.asked import Told
from mailhealth.sources.mapping.specimen import Sample
from mailhealth.sources.mapping.vocabulary import LEFT_OUT

SHOWN_EVENTS = 5
SHOWN_SKIPS = 10
TRIED = 200_000  # rows of a file; the import itself reads all


@dataclass(frozen=True, slots=True)
class Draft:
    """A connector that is not written yet.

    `columns` maps ours to theirs. `moments` are the columns of dates, each with our word for
    what happened then, "" where the type column says it; "" for the column where `given` says
    when. `words` are theirs -> ours, pairs "type/category" among them. `given` is what the
    user says of this file and no column does.
    """

    name: str
    sample: Sample
    columns: Mapping[str, str]
    moments: tuple[tuple[str, str], ...]
    words: Mapping[str, str]
    dates: tuple[str, ...]
    zone: str
    given: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""  # what the user should know before he believes it


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would import: events by type, the first of them, and what would be left out.

    `whole` is False where only the beginning of the file was tried.
    """

    counts: Mapping[str, int]
    first: tuple[Event, ...]
    skipped: tuple[Skipped, ...]
    skips: int
    whole: bool


def draft(sample: Sample, told: Told) -> Draft:
    """Make a connector of what the log shows and the user has told.

    Raises Unclear, with the question, where both are not enough; BadSource for what was told
    and cannot be.
    """
    name = told.name or _name(sample.file)
    if Path(name).name != name or name.startswith("."):
        raise BadSource(f"'{name}' is no name for a connector: it becomes that of a folder")
    columns = guesses.columns(sample, told)
    moments = guesses.moments(sample, columns, told)
    at = [name for _, name in moments if name]
    columns = {ours: theirs for ours, theirs in columns.items() if theirs not in at}
    words = guesses.words(sample, columns, told) if "type" in columns else {}
    dates, zone = times.dates(sample, at, told)
    return Draft(
        name=name,
        sample=sample,
        columns=columns,
        moments=moments,
        words=words,
        dates=dates,
        zone=zone,
        given={"at": told.when} if told.when else {},
        doubt=guesses.doubt(columns, moments),
    )


def _name(file: Path) -> str:
    return re.sub(r"\W+", "_", file.name.partition(".")[0]).strip("_").casefold() or "log"


def text(draft: Draft) -> str:
    """The connector.toml of a draft."""
    sample = draft.sample
    lines = [
        f"title  = {_value(f'Log as in {sample.file.name}')}",
        f"reader = {_value(sample.reader)}",
        *([f"rows   = {_value([sample.array])}"] if sample.array else []),
        f"dates  = {_value(list(draft.dates))}",
        f"zone   = {_value(draft.zone)}",
    ]
    if none := [theirs for theirs, ours in draft.words.items() if ours == LEFT_OUT]:
        lines.append(f"left_out = {_value(none)}  # no events")
    if sample.told_encoding:
        lines += ["", "[settings]", f"encoding = {_value(sample.told_encoding)}"]
    lines += ["", "[recognises]", f"columns = {_value([_marks(draft)])}", "", "[event]"]
    lines += [f"{ours} = {_value(theirs)}" for ours, theirs in draft.columns.items()]
    lines += _moments(draft)
    words = {theirs: ours for theirs, ours in draft.words.items() if ours != LEFT_OUT}
    if words:
        lines += ["", "[types]", *(f"{_value(t)} = {_value(ours)}" for t, ours in words.items())]
    return "\n".join(lines) + "\n"


def _moments(draft: Draft) -> list[str]:
    """One happening stands in [event]; several make each row several events."""
    if len(draft.moments) == 1:
        ((word, at),) = draft.moments
        said = {"is": word, "at": at}
        return [f"{key} = {_value(value)}" for key, value in said.items() if value]
    lines = ["", "[[form]]", f"columns = {_value([at for _, at in draft.moments])}"]
    for word, at in draft.moments:
        lines += ["", "[[form.event]]", f"is = {_value(word)}", f"at = {_value(at)}"]
    return lines


def _marks(draft: Draft) -> list[str]:
    """The columns by which such a file is known: the outermost names of those that are read."""
    names = [*draft.columns.values(), *(at for _, at in draft.moments if at)]
    nested = draft.sample.reader == "json"
    return list(dict.fromkeys(name.partition(".")[0] if nested else name for name in names))


def _value(value: str | list[Any]) -> str:
    """A TOML value: JSON's, but for the sign DEL, and without halves of signs."""
    written = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return written.encode(errors="replace").decode()


def save(draft: Draft, folder: Path) -> Path:
    """Write a draft as FOLDER/connector.toml. Raises BadSource where there is one already."""
    file = folder / border.TOML
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text(draft))
    except FileExistsError as error:
        raise BadSource(f"{file}: is there already; --to names another folder") from error
    except OSError as error:
        raise BadSource(f"{file}: cannot be written: {error.strerror or error}") from error
    return file


def preview(draft: Draft) -> Preview:
    """Read the file with a draft, as it would be once it is written."""
    counts: Counter[str] = Counter()
    first: list[Event] = []
    skipped: list[Skipped] = []
    skips = 0
    with TemporaryDirectory(prefix="mailhealth-") as temporary:
        folder = Path(temporary) / draft.name
        save(draft, folder)
        settings = {"path": str(draft.sample.file), **draft.given}
        items = reading.read(border.connector(str(folder)), settings, {})
        for item in islice(items, TRIED):
            if isinstance(item, Skipped):
                skips += 1
                skipped += [item] if len(skipped) < SHOWN_SKIPS else []
            elif isinstance(item, Found) and isinstance(item.what, Event):
                counts[_kind(item.what)] += 1
                first += [item.what] if len(first) < SHOWN_EVENTS else []
        whole = next(items, None) is None
    return Preview(counts, tuple(first), tuple(skipped), skips, whole)


def _kind(event: Event) -> str:
    return f"{event.type}/{event.bounce}" if event.bounce else event.type
