"""The stages of the spine, each to be run in a process of its own: `stages.py STAGE FOLDER`.

Prints how many mails, texts, events or customers it went through.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from pathlib import Path

import company

AS_OF = f"{company.END:%Y-%m-%dT%H:%M:%SZ}"
TRANSACTION = 500


def files(folder: Path) -> int:
    """Read the files of the Maildir and nothing else: what the disk costs."""
    from mailhealth.readers import maildir
    from mailhealth.records import Raw

    read = maildir.read({"path": str(folder / "Maildir")}, {})
    return sum(isinstance(item, Raw) for item in read)


def parse(folder: Path) -> int:
    """Read and understand every mail (mime, reply, machine, language); keep nothing."""
    from mailhealth import sources
    from mailhealth.records import Found

    connector = sources.connector("maildir")
    read = sources.read(connector, {"path": str(folder / "Maildir")}, {})
    return sum(isinstance(item, Found) for item in read)


def store(folder: Path) -> int:
    """Parse, then save into an empty database, cursors and threads and customers included."""
    return _sync(folder, "support", "maildir", folder / "Maildir")


def events(folder: Path) -> int:
    """Read the send log and save its events into the same database."""
    return _sync(folder, "newsletter", "elastic_email", folder / "events.csv")


def _sync(folder: Path, name: str, connector: str, path: Path) -> int:
    from mailhealth import sources
    from mailhealth.health import Health
    from mailhealth.store import inbox, people

    count = 0
    with Health(folder / "acme.db") as health:
        health.us(company.US)
        source = health.connect(name, connector, path=path)
        read = sources.read(sources.connector(connector), source.settings, {})
        while batch := list(islice(read, TRANSACTION)):
            count += inbox.save(health.db, name, batch, known_at=0).new
        people.assign(health.db)
    return count


def annotate(folder: Path) -> int:
    """Let the model read the customers' own words, on one thread, and keep what it read."""
    from mailhealth.health import Health

    with Health(folder / "acme.db") as health:
        return health.read_texts()


def signals(folder: Path) -> int:
    """Compute and keep every customer's signals and score, as of one day."""
    from mailhealth.health import Health

    with Health(folder / "acme.db") as health:
        return health.evaluate([AS_OF])


def year(folder: Path) -> int:
    """Compute and keep the signals and scores of 52 weeks, as a backtest or a chart needs."""
    from mailhealth.health import Health

    with Health(folder / "acme.db") as health:
        weeks = (company.END - timedelta(weeks=back) for back in range(52))
        return health.evaluate(f"{week:%Y-%m-%dT%H:%M:%SZ}" for week in weeks)


STAGES: dict[str, Callable[[Path], int]] = {
    stage.__name__: stage for stage in (files, parse, store, events, annotate, signals, year)
}

if __name__ == "__main__":
    print(STAGES[sys.argv[1]](Path(sys.argv[2])))
