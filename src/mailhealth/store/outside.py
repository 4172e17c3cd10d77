"""What other systems know: the figures as they came, one for a customer, metric and time."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlite_utils import Database

from mailhealth.outside import Figure

LONGEST = 366 * 86_400  # seconds: no figure speaks for longer
COLUMNS = "customer, component, metric, at, value"


@dataclass(frozen=True, slots=True)
class Imported:
    """How many figures a file brought: new ones, other values for known ones, and the same."""

    new: int
    replaced: int
    known: int


def save(db: Database, figures: Sequence[Figure], *, known_at: int) -> Imported:
    """Keep figures, in one transaction; one that is there with another value yields."""
    before, changes = _count(db), db.conn.total_changes
    rows = [asdict(figure) | {"known_at": known_at} for figure in figures]
    with db.atomic():
        db.conn.executemany(
            f"insert into outside ({COLUMNS}, known_at)"
            " values (:customer, :component, :metric, :at, :value, :known_at)"
            " on conflict do update set value = excluded.value, known_at = excluded.known_at"
            " where value is not excluded.value",
            rows,
        )
    new, changed = _count(db) - before, db.conn.total_changes - changes
    return Imported(new, changed - new, len(rows) - changed)


def figures(db: Database, until: int) -> list[Figure]:
    """Look up the figures from before an instant (in seconds) that may still speak then."""
    rows = db.execute(
        f"select {COLUMNS} from outside where at < ? and at >= ?", [until, until - LONGEST]
    )
    return [Figure(*row) for row in rows]


def beside(db: Database, some: Sequence[Figure]) -> list[Figure]:
    """Look up all figures of the days that some figures span."""
    if not some:
        return []
    times = [figure.at for figure in some]
    day = 86_400
    span = [min(times) // day * day, max(times) // day * day + day]
    rows = db.execute(f"select {COLUMNS} from outside where at >= ? and at < ?", span)
    return [Figure(*row) for row in rows]


def names(db: Database) -> tuple[list[str], list[str]]:
    """List the customers and the segments that figures may speak of."""
    rows = db.execute("select customer, segment from customers order by customer").fetchall()
    return [row[0] for row in rows], sorted({row[1] for row in rows if row[1]})


def _count(db: Database) -> int:
    return int(db.execute("select count(*) from outside").fetchone()[0])
