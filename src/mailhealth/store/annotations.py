"""What a model read in texts: kept beside the texts, those of mails and those of surveys alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from mailhealth.records import Annotation
from mailhealth.store import insert

CHUNK = 256  # texts a transaction: an interrupted run repeats at most these
DOUBT = 0.05  # the least probability of an intent that is kept


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of texts: the table they lie in, and the one for what was read in them.

    All of it goes into SQL as it stands: there are MAILS and COMMENTS, and none is ever made of
    what somebody gave.
    """

    table: str
    key: str  # the column that names a text, in both tables
    which: str  # of the table's rows are to be read
    annotations: str
    tasks: tuple[str, ...]  # what of an annotation is kept


MAILS = Kind(
    table="messages",
    key="message",
    which="direction = 'in' and kind = 'human'",
    annotations="annotations",
    tasks=("sentiment", "intent", "doubt", "nps", "csat"),
)
COMMENTS = Kind(
    table="answers",
    key="answer",
    which="comment <> ''",
    annotations="answer_annotations",
    tasks=("sentiment", "intent"),
)


def unread(db: Database, kind: Kind, columns: str, model: str) -> Iterator[list[Any]]:
    """Yield, in chunks, these columns (SQL of ours) of the texts that a model has not read yet.

    Save each chunk's annotations before taking the next.
    """
    last = 0
    while rows := db.execute(
        f"select rowid, {columns} from {kind.table}"
        f" where rowid > ? and {kind.which} and read_by is not ? order by rowid limit ?",
        [last, model, CHUNK],
    ).fetchall():
        yield [row[1:] for row in rows]
        last = rows[-1][0]


def count_unread(db: Database, kind: Kind, model: str) -> int:
    """Count the texts that a model has not read yet."""
    row = db.execute(
        f"select count(*) from {kind.table} where {kind.which} and read_by is not ?", [model]
    ).fetchone()
    return int(row[0])


def save(db: Database, kind: Kind, annotations: Iterable[Annotation]) -> None:
    """Keep what the model read in some texts, beside what older models read."""
    annotations = list(annotations)
    rows = (
        {kind.key: read.id, "model": read.model, "task": task, "label": label, "value": value}
        for read in annotations
        for task, label, value in _told(read)
        if task in kind.tasks
    )
    with db.atomic():
        insert(db, kind.annotations, rows, known="replace")
        db.conn.executemany(
            f"update {kind.table} set read_by = ? where {kind.key} = ?",
            [(read.model, read.id) for read in annotations],
        )


def _told(read: Annotation) -> Iterator[tuple[str, str, float | None]]:
    """Everything that an annotation says, as task, label and value."""
    yield "sentiment", read.sentiment, read.score
    for label, chance in read.intents.items():
        if label in read.labels or chance >= DOUBT:
            yield "intent" if label in read.labels else "doubt", label, chance
    if read.nps is not None:
        yield "nps", "answer", read.nps
    if read.csat is not None:
        yield "csat", "answer", read.csat
