"""A person's word on a mail: it wins over the model, and everybody is counted anew."""

import time
from collections.abc import Sequence

from sqlite_utils import Database

from mailhealth.store import corrections as told
from mailhealth.store import touched


def correct(
    db: Database,
    model: str,
    message: str,
    *,
    sentiment: str | None,
    intents: Sequence[str] | None,
    note: str,
) -> None:
    """Keep a person's word on a mail, which is found by its key or Message-ID."""
    from mailhealth import nlp

    found = told.find(db, message)
    told.check(nlp.intents(model), sentiment, intents)
    touched.everybody(db)
    told.correct(db, found, at=int(time.time()), sentiment=sentiment, intents=intents, note=note)


def clear(db: Database, message: str) -> None:
    """Take a correction back."""
    told.clear(db, told.find(db, message))
    touched.everybody(db)


def choose(db: Database, model: str) -> list[told.Threshold]:
    """Choose thresholds from the corrections, and use them; raises BadData for too few."""
    from mailhealth import nlp

    touched.everybody(db)
    return told.choose(db, nlp.version(model), nlp.intents(model))


def shipped(db: Database) -> None:
    """Go back to the thresholds that come with the model."""
    told.shipped(db)
    touched.everybody(db)
