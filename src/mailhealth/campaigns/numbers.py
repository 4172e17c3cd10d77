"""What a campaign's figures look like: rates with what they rest on, None where unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

By = Literal["customer", "segment", "variant", "link"]
Measure = Literal["opened", "clicked", "unsubscribed", "replied"]


@dataclass(frozen=True, slots=True)
class Rate:
    """`k` of `n` and its 95 % interval; None where it is not known, which is never zero.

    `k` is a count, or an estimate of one (`Bounds.adjusted`).
    """

    value: float | None = None
    k: float | None = None
    n: int | None = None
    low: float | None = None
    high: float | None = None


UNKNOWN = Rate()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What people did, where machines do it too: low <= adjusted <= high.

    `low` counts those who certainly did, `high` also those of whom it cannot be told, and
    `adjusted` supposes that these behave like the ones of whom it can (None: there are none).
    """

    low: Rate = UNKNOWN
    adjusted: Rate = UNKNOWN
    high: Rate = UNKNOWN


@dataclass(frozen=True, slots=True)
class Landing:
    """How a campaign landed, or a part of it (with one customer, segment, variant or link).

    `started` and `ended` are the first and last time it was sent (UTC seconds). The unit of all
    counts is the contact; `sent` = `delivered` + all of `bounces`, whose classes are hard, soft,
    blocked, unclassed and dropped. `opened_openly` counts only those whose mail was opened
    behind no proxy, which is what two campaigns are compared by. `notes` are words that
    `sentences.note` spells out.
    """

    campaign: str
    part: str
    started: int
    ended: int
    coming_in: bool
    sent: int | None
    delivered: int | None
    bounces: Mapping[str, int | None]
    opened_raw: Rate
    opened: Bounds
    opened_openly: Rate
    clicked: Bounds
    click_to_open: Rate
    unsubscribed: Bounds
    complained: Rate
    replied: Rate
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much `b` did better than `a` in one measure, with Newcombe's 95 % interval.

    `a` and `b` are variants of `campaign`, or two campaigns where that is "". `needed` is how
    many more recipients (both together) would show the difference that was seen; None where
    one is shown already, or none was seen.
    """

    measure: Measure
    campaign: str
    a: str
    b: str
    rate_a: Rate
    rate_b: Rate
    value: float | None
    low: float | None = None
    high: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """How a rate moves over `campaigns` campaigns: share points in 30 days, 95 % interval.

    `sign` is -1 or 1 only where the interval is clear of zero.
    """

    measure: Measure
    campaigns: int
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    sign: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """The answers (a person's click, or a reply) of those touched so often in 30 days."""

    touches: str
    mails: int
    answered: Rate


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Whether a contact answers less in months with more mail: share points for each mail more.

    `low` and `high` are the 90 % interval; `sign` is -1 or 1 only where it is clear of zero.
    `contacts` is how many had months that differ; the classes compare different people, the
    slope each one with themselves.
    """

    contacts: int
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    sign: int = 0
    classes: tuple[Touched, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said about campaigns as of an instant, the newest campaign first."""

    as_of: str
    campaigns: tuple[Landing, ...]
    parts: Mapping[By, tuple[Landing, ...]] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    trends: tuple[Trend, ...] = ()
    fatigue: Fatigue = field(default_factory=lambda: Fatigue(0))
