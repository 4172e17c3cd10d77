"""What becomes of alerts: opened, raised, kept open, cleared, or held back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from mailhealth.alerts.cases import BETTER, meets
from mailhealth.alerts.page import SEVERITIES, Kind, Page, Severity
from mailhealth.rules.conditions import Signals

Change = Literal["opened", "raised", "open", "cleared", "held back"]

_WEEK = 7 * 86400


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands: the signals, the band and the best one of the last four weeks.

    `settled`: known for long enough. `alarmed`: the evidence for a drop gave an alarm in the
    last four weeks; `gathering`: it has not come down to nothing since.
    """

    customer: str
    signals: Signals
    band: str
    before: str | None
    settled: bool = True
    alarmed: bool = False
    gathering: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """That an alert of a kind would open for a customer, or stays open, and how severe it is."""

    customer: str
    kind: str
    opens: bool
    keeps: bool
    severity: Severity


@dataclass(frozen=True, slots=True)
class Known:
    """The newest alert of a kind that a customer had, last opened or raised `fired` (seconds)."""

    alert: int
    customer: str
    kind: str
    severity: Severity
    open: bool
    fired: int


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one alert now; `alert` is the one that is known, None for a new one."""

    customer: str
    kind: str
    severity: Severity
    change: Change
    alert: int | None


def signs(standings: Iterable[Standing], kinds: Sequence[Kind]) -> list[Sign]:
    """List what customers show: every kind of alert that would open, or stay open."""
    found = (_sign(kind, standing) for standing in standings for kind in kinds)
    return [sign for sign in found if sign.opens or sign.keeps]


def course(known: Iterable[Known], signs: Iterable[Sign], now: int, page: Page) -> list[Step]:
    """Decide what becomes of every alert that is known, and of every sign, at a moment.

    One alert a customer and kind is open; after it opened or was raised, another one as severe
    waits for the refractory time to end. An open one whose sign has gone is cleared.
    """
    before = {(each.customer, each.kind): each for each in known}
    shown = {(sign.customer, sign.kind): sign for sign in signs}
    steps = [
        _step(sign, before.get(key), now - page.refractory * _WEEK) for key, sign in shown.items()
    ]
    gone = (each for key, each in before.items() if each.open and key not in shown)
    cleared = (_kept(each, "cleared") for each in gone)
    return [*(step for step in steps if step), *cleared]


def _sign(kind: Kind, standing: Standing) -> Sign:
    signals, band = standing.signals, standing.band
    opens = meets(kind.opens, signals, band) and _watched(kind, standing)
    keeps = meets(kind.keeps or kind.opens, signals, band)
    if kind.watches == "evidence":
        keeps = keeps and (standing.alarmed or standing.gathering)
    severe = bool(kind.raises) and meets(kind.raises, signals, band)
    severity: Severity = "high" if severe else kind.severity
    return Sign(standing.customer, kind.name, opens, keeps, severity)


def _watched(kind: Kind, standing: Standing) -> bool:
    """Tell whether what opens an alert besides its case is there."""
    if kind.settled and not standing.settled:
        return False
    if kind.watches == "band":
        return standing.before in BETTER.get(standing.band, ())
    return kind.watches != "evidence" or standing.alarmed


def _step(sign: Sign, before: Known | None, since: int) -> Step | None:
    """What becomes of a sign; `since` is when the refractory time that ends now began."""
    if before is not None and before.open:
        if not (sign.keeps or sign.opens):
            return _kept(before, "cleared")
        if _worse(sign, before):
            return Step(sign.customer, sign.kind, sign.severity, "raised", before.alert)
        return _kept(before, "open")
    if not sign.opens:
        return None
    lately = before is not None and before.fired > since and not _worse(sign, before)
    change: Change = "held back" if lately else "opened"
    return Step(sign.customer, sign.kind, sign.severity, change, None)


def _worse(sign: Sign, before: Known) -> bool:
    return SEVERITIES.index(sign.severity) > SEVERITIES.index(before.severity)


def _kept(known: Known, change: Change) -> Step:
    return Step(known.customer, known.kind, known.severity, change, known.alert)
