"""The questions that campaigns ask in DuckDB."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mailhealth import warehouse
from mailhealth.campaigns import fatigue
from mailhealth.campaigns.landings import landing, link, told_sent
from mailhealth.campaigns.numbers import Fatigue, Landing
from mailhealth.campaigns.rates import Counts
from mailhealth.campaigns.tables import TABLES


@dataclass(frozen=True, slots=True)
class Loaded:
    """A DuckDB that holds the mails of every campaign, and what was found on the way."""

    memory: warehouse.Memory
    as_of: int
    tells: Mapping[str, Counts]  # by campaign
    sent: Mapping[str, bool]  # by campaign


@contextmanager
def loaded(db: Path, as_of: int) -> Iterator[Loaded]:
    """Read what campaigns need of a store up to an instant; raises BadSource."""
    with warehouse.memory() as memory:
        with warehouse.opened(db) as store:
            for table, (columns, sql) in TABLES.items():
                warehouse.copy(store, memory, table, columns, sql, (as_of,))
        memory.execute("create table asked as select ?::bigint as as_of", [as_of])
        for text in ("mails.sql", "parts.sql"):
            memory.execute(_sql(text))
        sent = {row["campaign"]: told_sent(counts) for row, counts in _counted(memory, "all")}
        yield Loaded(memory, as_of, _tells(memory), sent)


def landings(loaded: Loaded) -> tuple[Landing, ...]:
    """Return every campaign as a whole, the newest first."""
    found = _landings(loaded, "all")
    return tuple(sorted(found, key=lambda each: (-each.started, each.campaign)))


def parts(loaded: Loaded, by: str) -> tuple[Landing, ...]:
    """Return every campaign by customer, segment or variant, in the order of their names."""
    return tuple(_landings(loaded, by))


def links(loaded: Loaded, whole: Sequence[Landing]) -> tuple[Landing, ...]:
    """Return the links of some campaigns, the most clicked first."""
    by_name = {landing.campaign: landing for landing in whole}
    return tuple(
        link(counts, by_name[row["campaign"]], row["link"])
        for row, counts in _rows(loaded.memory, _sql("links.sql"))
        if row["campaign"] in by_name
    )


def tiredness(loaded: Loaded) -> Fatigue:
    """Return whether people answer less when they get more."""
    loaded.memory.execute(_sql("fatigue.sql"))
    return fatigue.fatigue(loaded.memory)


def _landings(loaded: Loaded, by: str) -> Iterator[Landing]:
    for row, counts in _counted(loaded.memory, by):
        campaign = row["campaign"]
        yield landing(
            counts,
            (campaign, row["part"]),
            tells=loaded.tells[campaign],
            sent=loaded.sent[campaign],
            as_of=loaded.as_of,
        )


def _counted(memory: warehouse.Memory, by: str) -> Iterator[tuple[dict[str, str], Counts]]:
    return _rows(memory, _sql("counts.sql").replace("{by}", by))


def _tells(memory: warehouse.Memory) -> Mapping[str, Counts]:
    """Return what each campaign's sources tell of; the mailboxes tell of replies to it too."""
    sql = """
        select
            tells.* exclude (replies),
            case
                when replies = 1 or started between first and last then 1 else 0
            end as replies
        from tells
        join (select campaign, min(moment) as started from mails group by campaign)
            using (campaign)
        cross join mailbox
    """
    return {row["campaign"]: counts for row, counts in _rows(memory, sql)}


def _rows(memory: warehouse.Memory, sql: str) -> Iterator[tuple[dict[str, str], Counts]]:
    """Yield the rows of a question, each as its names and its numbers."""
    found = memory.execute(sql)
    columns = [column[0] for column in found.description or ()]
    for row in found.fetchall():
        cells = dict(zip(columns, row, strict=True))
        names = {column: cell for column, cell in cells.items() if isinstance(cell, str)}
        yield names, {column: int(cell) for column, cell in cells.items() if column not in names}


def _sql(name: str) -> str:
    return (resources.files("mailhealth.campaigns") / name).read_text("utf-8")
