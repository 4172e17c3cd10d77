"""Is one of two better, or can that not be told yet?"""

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist

from mailhealth import intervals
from mailhealth.campaigns.numbers import Difference, Landing, Measure, Rate

POWER = 0.8

_Z_POWER = NormalDist().inv_cdf(POWER)


def differences(a: Landing, b: Landing) -> tuple[Difference, ...]:
    """Compare two campaigns, or two parts of one, in every measure known of both.

    Opens are compared among those behind no proxy, clicks and unsubscribes by what people
    certainly did. Where the same people got both, the interval is wider than it had to be.
    """
    within = a.campaign if a.part else ""
    first, second = (each.part or each.campaign for each in (a, b))
    theirs = _measures(b)
    return tuple(
        _told(
            Difference(measure, within, first, second, rate, theirs[measure], None),
            of=(a.delivered or 0) + (b.delivered or 0),
        )
        for measure, rate in _measures(a).items()
    )


def _measures(landing: Landing) -> Mapping[Measure, Rate]:
    return {
        "opened": landing.opened_openly,
        "clicked": landing.clicked.low,
        "replied": landing.replied,
        "unsubscribed": landing.unsubscribed.low,
    }


def _told(asked: Difference, *, of: int) -> Difference:
    """Fill in the difference and its interval (Newcombe 1998, method 10, from Wilson's two).

    `of` is how many got the mails: more than the rates rest on, where some hide behind a proxy.
    """
    a, b = asked.rate_a, asked.rate_b
    if a.value is None or b.value is None:
        return asked
    low, high = intervals.difference(b.value, (b.low, b.high), a.value, (a.low, a.high))
    clear = low is not None and high is not None and (low > 0 or high < 0)
    more = None if clear else needed(a, b, each_of=of / ((a.n or 0) + (b.n or 0)))
    return replace(asked, value=b.value - a.value, low=low, high=high, needed=more)


def needed(a: Rate, b: Rate, *, each_of: float = 1.0) -> int | None:
    """Return how many more recipients would show the difference seen, with 80 % power.

    For each of two equal groups n = (z sqrt(2 p q) + z' sqrt(pa qa + pb qb))^2 / (pa - pb)^2,
    with p the mean of pa and pb and q = 1 - p (Fleiss, Levin & Paik 2003, 4.14, without the
    correction for continuity); what each group has is taken off. One in `each_of` recipients
    adds to the rates. Rounded up to two digits.
    None where the two are equal, or where a group has nobody.
    """
    if a.value is None or b.value is None or not a.n or not b.n or a.value == b.value:
        return None
    mean = (a.value + b.value) / 2
    spread = intervals.Z * math.sqrt(2 * mean * (1 - mean)) + _Z_POWER * math.sqrt(
        a.value * (1 - a.value) + b.value * (1 - b.value)
    )
    each = (spread / (a.value - b.value)) ** 2
    more = max(0.0, each - a.n) + max(0.0, each - b.n)
    return _rounded_up(more * each_of) or None


def _rounded_up(number: float) -> int:
    if number <= 0:
        return 0
    step = max(1, round(10.0 ** (math.floor(math.log10(number)) - 1)))
    return math.ceil(number / step) * step
