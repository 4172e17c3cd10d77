"""A mailbox on its server beside what is kept of it."""

from typing import Any

from sqlite_utils import Database

from mailhealth.store import inbox, mailboxes

NONE = {"stored": 0, "skipped": 0, "gone": 0}


def folders(db: Database, source: inbox.Source) -> list[dict[str, Any]]:
    """List the folders of a source, read ones first, each reconciled with what is kept of it."""
    from mailhealth import sources

    kept = mailboxes.counts(db, source.name)
    there = sources.look(sources.connector(source.connector), source.named)
    rows = [_row(folder, kept.pop(folder.name, NONE)) for folder in there]
    left = [_gone(name, told) for name, told in kept.items()]
    return sorted(rows + left, key=lambda row: (row["reads"] != "yes", row["folder"] != "INBOX"))


def _row(folder: Any, kept: dict[str, int]) -> dict[str, Any]:
    reads = not folder.why
    return {
        "folder": folder.name,
        "role": folder.role,
        "reads": "yes" if reads else folder.why,
        "on_server": folder.messages if reads else None,
        **kept,
        "missing": folder.messages - kept["stored"] - kept["skipped"] if reads else None,
    }


def _gone(name: str, kept: dict[str, int]) -> dict[str, Any]:
    why = "no longer on the server"
    return {"folder": name, "role": "", "reads": why, "on_server": None, **kept, "missing": None}
