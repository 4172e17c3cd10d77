"""alerts.toml and playbooks.toml, as they count here."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from mailhealth.alerts import Kind, Page, Playbook, load, own_kinds, playbooks
from mailhealth.errors import BadData
from mailhealth.rules import Rules, checks
from mailhealth.store import alerts as kept
from mailhealth.store.pages import keep, own


@dataclass(frozen=True, slots=True)
class Pages:
    """What alerts.toml and playbooks.toml say."""

    alerts: Page
    playbooks: tuple[Playbook, ...]

    @property
    def kinds(self) -> dict[str, Kind]:
        """All kinds of alerts by name, those of playbooks too."""
        every = (*self.alerts.kinds, *own_kinds(self.playbooks))
        return {kind.name: kind for kind in every}


def pages(
    db: Database, rules: Rules, *, page: str | None = None, books: str | None = None
) -> Pages:
    """Give the pages that count; a text counts from now on ("": the shipped one)."""
    names = {signal.name for signal in rules.signals}
    first = load(own(db, "alerts", page), names)
    second = playbooks.load(own(db, "playbooks", books), first.kinds, names)
    if books:
        _refuse_strangers(db, second)
    keep(db, "alerts", page)
    keep(db, "playbooks", books)
    return Pages(first, second)


def _refuse_strangers(db: Database, books: Sequence[Playbook]) -> None:
    """Refuse a segment or owner that no customer has, where one is nearly called so."""
    segments, owners = kept.segments_and_owners(db)
    for book in books:
        wanted = {"segment": (book.segments, segments), "owner": (book.owners, owners)}
        for column, (some, there) in wanted.items():
            for name in set(some) - there:
                if near := checks.hint(name, there):
                    at = f"{playbooks.NAME}, [playbook.{book.name}]: for"
                    raise BadData(f"{at}: no customer has the {column} {name!r}{near}")
