"""The user's own pages: a text that counts in place of the shipped one."""

from typing import Literal

from sqlite_utils import Database

Name = Literal["machines", "topics", "outside", "portfolio", "alerts", "playbooks"]


def own(db: Database, name: Name, text: str | None = None) -> str | None:
    """Give the text that counts: the one given ("" is none), else the kept one; None: the shipped.

    Nothing is kept here, so that a text can be read, and refused, before it counts.
    """
    if text is not None:
        return text or None
    row = db.execute("select value from settings where name = ?", [name]).fetchone()
    return None if row is None else str(row[0])


def keep(db: Database, name: Name, text: str | None) -> None:
    """Let a text count from now on ("": the shipped page again); None changes nothing."""
    if text is None:
        return
    with db.atomic():
        db.execute("delete from settings where name = ?", [name])
        if text:
            db.execute("insert into settings (name, value) values (?, ?)", [name, text])
