"""What health.toml says, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """One question about a customer, how to answer it, and what the answer is worth.

    `kind` is rate (k of n), count (k, per so many days at risk), mean or median (of `each`
    row), value (as the SQL says) or change (of another signal, against the window before);
    `measures` is the kind of what is measured in one window; a rate may be the share of the
    largest group of rows that are alike in `by`.
    All SQL is an aggregate over the rows of the fact `from_`, but `each` and `shows`, which
    speak of one row. `windows` and `window` (the one that is scored) are in days; `past` says
    whether a window can be compared with the customer's own past.
    `because` is the sentence, `good` the one for a signal that earns points, by language.
    `typical` is worth no points; `span` away from it, on `scale`, earns the larger of
    `points`. `prior` is how many observations of the typical customer are mixed in.
    """

    name: str
    component: str
    asks: str
    kind: str
    measures: str
    because: Mapping[str, str]
    good: Mapping[str, str]
    from_: str
    of: str
    k: str
    n: str
    value: str
    each: str
    by: str
    shows: str
    risk: str
    per: float
    windows: tuple[int, ...]
    window: int
    past: bool
    scale: str
    typical: float
    prior: float
    span: float
    band: tuple[float, float] | None
    points: tuple[float, float]
    definition: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a band begins, and how far beyond a score must go to enter or leave it."""

    at: float
    up: float
    down: float


@dataclass(frozen=True, slots=True)
class Cap:
    """While `signal` is at least `at_least`, the score is at most `value`."""

    signal: str
    at_least: float
    value: float
    because: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Enough:
    """What must be known of a customer to be given a band; `unless` speaks for itself."""

    signal: str
    n: int
    coverage: float
    unless: str
    because: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rules:
    """health.toml, checked; `model` is the fingerprint of its content."""

    base: float
    windows: tuple[int, ...]
    at_risk: Boundary
    healthy: Boundary
    enough: Enough
    caps: tuple[Cap, ...]
    signals: tuple[Signal, ...]
    model: str
