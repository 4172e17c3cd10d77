"""What is new, read: from a source into the database, and by the model in the texts there."""

import time
from collections.abc import Callable

from sqlite_utils import Database

from mailhealth.errors import MailhealthError
from mailhealth.health.answers import SourceReport
from mailhealth.health.batches import batches
from mailhealth.store import annotations, answers, inbox, results

Progress = Callable[[str, int, int | None], None]


def read(db: Database, source: inbox.Source, progress: Progress) -> SourceReport:
    """Keep what is new in a source; where it breaks off, the report says why."""
    from mailhealth import sources

    new = known = skipped = left_out = 0
    error = None
    cursors = inbox.cursors(db, source.name)
    try:
        connector = sources.connector(source.connector)
        for batch in batches(sources.read(connector, source.settings, cursors)):
            saved = inbox.save(db, source.name, batch, known_at=int(time.time()))
            new, known = new + saved.new, known + saved.known
            skipped += saved.skipped
            left_out += saved.left_out
            progress(f"reading {source.name}", new + known, None)
    except MailhealthError as failure:
        error = str(failure)
    return SourceReport(source.name, new, known, skipped, error, left_out)


def read_texts(db: Database, model: str, progress: Progress) -> int:
    """Let a model read the mails and comments that it has not read; count them."""
    from mailhealth import nlp

    version = nlp.version(model)
    kinds = (
        (annotations.MAILS, results.unread(db, version)),
        (annotations.COMMENTS, answers.unread(db, version)),
    )
    total = sum(annotations.count_unread(db, kind, version) for kind, _ in kinds)
    done = 0
    for kind, unread in kinds:
        for texts in unread:
            annotations.save(db, kind, nlp.annotate(texts, model=model))
            done += len(texts)
            progress("reading texts", done, total)
    return done
