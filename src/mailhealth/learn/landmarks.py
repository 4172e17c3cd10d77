"""Answers of many days -> rows to learn from: what was known of a customer, and who left then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf, log, nan

import numpy as np
import numpy.typing as npt

from mailhealth import score
from mailhealth.records import SignalValue
from mailhealth.rules import DAY, Rules, Signal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

STEP = 30 * DAY  # from landmark to landmark
HORIZON = 90 * DAY  # within which somebody leaves, or stays
TENURE = 60 * DAY  # before it a customer is too new to be judged
UNIT = log(2) / 20  # log-odds a point: 20 points halve the odds


@dataclass(frozen=True, slots=True)
class Client:
    """What is known of a customer besides the signals; `since` is in seconds, None: unknown."""

    segment: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the page of rules says of the columns of a panel.

    `expert` are the weights that the expert would give X, 1 for points of a health.toml.
    `harmful` signals can only take points (a cancellation, a complaint, an unsubscription): no
    weight below 0 is learnt for them. `others` have no points. `base` is the score of a customer
    with no points, `edges` where at risk and healthy begin.
    """

    names: tuple[str, ...]
    expert: Floats
    harmful: Flags
    others: tuple[str, ...] = ()
    base: float = 70.0
    edges: tuple[float, float] = (40.0, 70.0)


@dataclass(frozen=True, slots=True)
class Panel:
    """One row for each customer at risk on each landmark, ordered by day and customer.

    `X` is what the expert says in log-odds of leaving, -(ln 2 / 20) x points, 0 where unknown;
    `y` is 1 for who left within the horizon. `customer` and `segment` are places in `customers`
    and `segments`; `at` is in seconds. `values` are the answers behind X, `others` those of
    signals without points; NaN: unknown. `cap` is the lowest cap in force (inf: none), `left`
    when the row's customer gave notice (inf: never). `announced`: a cap alone had made the
    customer unhealthy, so that the score only repeats what was said.
    """

    terms: Terms
    X: Floats
    y: Floats
    customer: Ints
    at: Ints
    segment: Ints
    values: Floats
    others: Floats
    cap: Floats
    left: Floats
    customers: tuple[str, ...]
    segments: tuple[str, ...]

    @property
    def announced(self) -> Flags:
        """Whether the customer had said so already, by row."""
        found: Flags = self.cap < self.terms.edges[0]
        return found

    @property
    def leavers(self) -> int:
        """How many different customers left within the horizon of a row."""
        return len(np.unique(self.customer[self.y > 0]))

    def take(self, rows: Flags) -> "Panel":
        """Return the same panel with some of its rows."""
        by_row = ("X", "y", "customer", "at", "segment", "values", "others", "cap", "left")
        return replace(self, **{name: getattr(self, name)[rows] for name in by_row})


def panel(
    values: Iterable[SignalValue],
    rules: Rules,
    churn: Mapping[str, float],
    clients: Mapping[str, Client],
    *,
    until: float,
) -> Panel:
    """Gather the answers of all landmarks, in any order, into a panel; memory holds its rows only.

    `churn` tells when each leaver gave notice, `until` how far it is known who left (seconds
    both). A row is a customer at risk: for 60 days a customer, without notice so far, and with
    a horizon that is over. Answers in other windows than the scored one are passed over.
    """
    gathered = _Gathered(rules)
    rows: dict[tuple[str, str], Floats | None] = {}
    moments: dict[str, int] = {}
    for value in values:
        key = (value.customer, value.as_of)
        if key not in rows:
            at = moments.setdefault(value.as_of, _seconds(value.as_of))
            risk = _at_risk(at, churn.get(value.customer, inf), clients.get(value.customer), until)
            rows[key] = gathered.empty() if risk else None
        if (row := rows[key]) is not None and value.value is not None:
            gathered.note(row, value)
    kept = {(moments[as_of], name): row for (name, as_of), row in rows.items() if row is not None}
    return _ordered(kept, gathered, churn, clients)


def _at_risk(at: int, left: float, client: Client | None, until: float) -> bool:
    if client is None or client.since is None:
        return False
    return client.since + TENURE <= at < left and at + HORIZON <= until


class _Gathered:
    """One row's columns: the points of every scored signal, their values, the others', the cap."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        scored = [signal for signal in rules.signals if signal.points != (0.0, 0.0)]
        others = [signal for signal in rules.signals if signal.points == (0.0, 0.0)]
        self.scored, self.others = scored, others
        self.places = {signal.name: (i, signal) for i, signal in enumerate([*scored, *others])}
        self.caps = {
            name: [cap for cap in rules.caps if cap.signal == name] for name in self.places
        }

    def empty(self) -> Floats:
        n = len(self.scored)
        return np.array([0.0] * n + [nan] * (n + len(self.others)) + [inf])

    def note(self, row: Floats, value: SignalValue) -> None:
        place, signal = self.places.get(value.signal, (0, None))
        if signal is None or value.window_days != signal.window:
            return
        told = value.value or 0.0
        if place < len(self.scored):
            row[place] = score.points(signal, value)
        row[len(self.scored) + place] = told
        in_force = (cap.value for cap in self.caps[signal.name] if told >= cap.at_least)
        row[-1] = min(row[-1], *in_force, inf)

    def terms(self) -> Terms:
        rules = self.rules
        return Terms(
            names=tuple(signal.name for signal in self.scored),
            expert=np.ones(len(self.scored)),
            harmful=np.array([_harmful(signal) for signal in self.scored], dtype=bool),
            others=tuple(signal.name for signal in self.others),
            base=rules.base,
            edges=(rules.at_risk.at, rules.healthy.at),
        )


def _harmful(signal: Signal) -> bool:
    """Tell a signal that can do no good; a band only takes points too, but which way is open."""
    return signal.points[1] <= 0 and signal.band is None


def _ordered(
    kept: Mapping[tuple[int, str], Floats],
    gathered: _Gathered,
    churn: Mapping[str, float],
    clients: Mapping[str, Client],
) -> Panel:
    keys = sorted(kept)
    customers = tuple(sorted({name for _, name in keys}))
    segments = tuple(sorted({clients[name].segment for name in customers}))
    n = len(gathered.scored)
    cells = np.array([kept[key] for key in keys]).reshape(len(keys), len(gathered.empty()))
    at = np.array([moment for moment, _ in keys], dtype=np.int64)
    left = np.array([churn.get(name, inf) for _, name in keys], dtype=np.float64)
    return Panel(
        terms=gathered.terms(),
        X=-UNIT * cells[:, :n],
        y=(left <= at + HORIZON).astype(np.float64),
        customer=_places([name for _, name in keys], customers),
        at=at,
        segment=_places([clients[name].segment for _, name in keys], segments),
        values=cells[:, n : 2 * n],
        others=cells[:, 2 * n : -1],
        cap=cells[:, -1],
        left=left,
        customers=customers,
        segments=segments,
    )


def _places(names: list[str], among: tuple[str, ...]) -> Ints:
    places = {name: i for i, name in enumerate(among)}
    return np.array([places[name] for name in names], dtype=np.int64)


def _seconds(as_of: str) -> int:
    moment = datetime.fromisoformat(as_of)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
