"""What is known of every customer as of a day, put together from the rooms that know it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from mailhealth import portfolio
from mailhealth.health.answers import Evidence
from mailhealth.health.instants import iso, moment, seconds
from mailhealth.records import Score, SignalValue
from mailhealth.rules import Rules
from mailhealth.store import portfolio as kept

LATE = timedelta(days=14)  # a score kept so long before the day to compare with still counts


@dataclass(frozen=True, slots=True)
class Expansion:
    """A customer who could buy more, and by sign the messages behind it."""

    candidate: portfolio.Candidate
    evidence: Mapping[str, tuple[Evidence, ...]]


def page(db: Database, rules: Rules, text: str | None = None) -> portfolio.Page:
    """Give the portfolio.toml that counts; a `text` counts from now on ("": the shipped one)."""
    names = {signal.name for signal in rules.signals}
    own = kept.own_page(db) if text is None else text or None
    read = portfolio.load(own, names)
    if text is not None:
        kept.keep_page(db, own)
    return read


def standings(
    db: Database,
    rules: Rules,
    as_of: str,
    *,
    scores: Iterable[Score],
    values: Iterable[SignalValue],
) -> list[portfolio.Standing]:
    """Say what is known of each customer as of an instant whose scores and signals are given."""
    scored = {score.customer: score for score in scores}
    signals = _named(values, rules)
    before = {back: _before(db, rules.model, as_of, back) for back in portfolio.BACK}
    return [
        portfolio.Standing(
            **_told(row),
            score=scored.get(row["customer"]),
            signals=signals.get(row["customer"], {}),
            before={
                back: then[row["customer"]]
                for back, then in before.items()
                if row["customer"] in then
            },
        )
        for row in kept.customers(db, seconds(as_of))
    ]


def _named(values: Iterable[SignalValue], rules: Rules) -> dict[str, dict[str, SignalValue]]:
    """Each customer's signals by the names that conditions use: NAME@DAYS, and scored as NAME."""
    scored = {signal.name: signal.window for signal in rules.signals}
    found: dict[str, dict[str, SignalValue]] = {}
    for value in values:
        mine = found.setdefault(value.customer, {})
        mine[f"{value.signal}@{value.window_days}"] = value
        if scored.get(value.signal) == value.window_days:
            mine[value.signal] = value
    return found


def _before(db: Database, model: str, as_of: str, back: int) -> dict[str, float]:
    until = datetime.fromisoformat(as_of) - timedelta(days=back)
    return kept.scores_before(db, model, iso(until - LATE), iso(until))


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the store tells of a customer, its days as dates."""
    first = row["first_mail"]
    days = {**row, "first_mail": None if first is None else moment(first)[:10]}
    for name in ("started", "renews", "first_mail"):
        days[name] = date.fromisoformat(days[name]) if days[name] else None
    return days


def behind(
    candidate: portfolio.Candidate,
    evidence: Mapping[str, Mapping[str, Sequence[Evidence]]],
) -> dict[str, tuple[Evidence, ...]]:
    """Give, by sign, the messages behind the signals that it names, the newest first.

    `evidence` is by customer and signal.
    """
    mine = evidence.get(candidate.standing.customer, {})
    found: dict[str, tuple[Evidence, ...]] = {}
    for sign in candidate.signs:
        messages = {each.id: each for name in sign.when.signals for each in mine.get(name, ())}
        newest = sorted(messages.values(), key=lambda each: (-each.at, each.id))
        found[sign.name] = tuple(newest)
    return found
