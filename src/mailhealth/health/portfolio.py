"""What is known of every customer as of a day, put together from the rooms that know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlite_utils import Database

from mailhealth import portfolio
from mailhealth.errors import UnknownName
from mailhealth.health import explaining, weighing
from mailhealth.health.answers import Evidence
from mailhealth.health.evaluating import Engine
from mailhealth.health.instants import iso, moment, seconds
from mailhealth.health.weighing import Weighed
from mailhealth.rules import Rules
from mailhealth.rules.conditions import named
from mailhealth.store import pages
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
    read = portfolio.load(pages.own(db, "portfolio", text), names)
    pages.keep(db, "portfolio", text)
    return read


def groups(engine: Engine, day: str, by: portfolio.By) -> list[portfolio.Group]:
    """Count customers, bands, scores and revenue at risk by group, most at risk first."""
    if by not in portfolio.BY:
        raise UnknownName(f"no groups by '{by}'; there are {', '.join(portfolio.BY)}")
    known = _standings(engine, day, weighing.weighed(engine, day, "en"))
    return portfolio.groups(known, page(engine.db(), engine.rules), by=by, day=_date(day))


def risks(engine: Engine, day: str, lang: str, *, everyone: bool) -> list[portfolio.Risk]:
    """List who is at risk or unhealthy (or `everyone`), the largest expected loss first."""
    known = _standings(engine, day, weighing.weighed(engine, day, lang))
    return portfolio.risks(known, page(engine.db(), engine.rules), everyone=everyone)


def expansion(engine: Engine, day: str, lang: str) -> list[Expansion]:
    """List who could buy more, with the messages behind each sign; the healthy first."""
    weighed = weighing.weighed(engine, day, lang)
    known = _standings(engine, day, weighed)
    found = portfolio.expansion(known, page(engine.db(), engine.rules))
    some = [weighed[each.standing.customer] for each in found]
    told = {each.score.customer: each.evidence for each in explaining.explained(engine, some)}
    return [Expansion(each, _behind(each, told)) for each in found]


def renewals(engine: Engine, day: str, lang: str, *, days: int) -> list[portfolio.Renewal]:
    """List the renewals due within so many days, the next one first."""
    known = _standings(engine, day, weighing.weighed(engine, day, lang))
    return portfolio.renewals(known, day=_date(day), days=days)


def _standings(
    engine: Engine, day: str, weighed: Mapping[str, Weighed]
) -> list[portfolio.Standing]:
    """Say what is known of each customer as of an instant."""
    db, rules = engine.db(), engine.rules
    signals = named((value for each in weighed.values() for value in each.values), rules)
    before = {back: _before(db, rules.model, day, back) for back in portfolio.BACK}
    return [
        portfolio.Standing(
            **_told(row),
            score=weighed[row["customer"]].score if row["customer"] in weighed else None,
            signals=signals.get(row["customer"], {}),
            before={
                back: then[row["customer"]]
                for back, then in before.items()
                if row["customer"] in then
            },
        )
        for row in kept.customers(db, seconds(day))
    ]


def _date(day: str) -> date:
    return date.fromisoformat(day[:10])


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


def _behind(
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
