"""How rates move from campaign to campaign."""

import math
from collections.abc import Sequence

from mailhealth import intervals
from mailhealth.campaigns.numbers import Landing, Measure, Rate, Trend

LEAST = 4  # campaigns: three lie on a line too easily
MONTH = 30 * 86_400

Point = tuple[float, float, float]  # when (months), the rate, what it rests on


def trends(landings: Sequence[Landing]) -> tuple[Trend, ...]:
    """Return the trends of opens (behind no proxy), clicks and unsubscribes over whole campaigns.

    Campaigns that are still coming in are left out: their rates will rise.
    """
    grown = [landing for landing in landings if not landing.coming_in]
    return (
        _trend("opened", [(each.started, each.opened_openly) for each in grown]),
        _trend("clicked", [(each.started, each.clicked.low) for each in grown]),
        _trend("unsubscribed", [(each.started, each.unsubscribed.low) for each in grown]),
    )


def _trend(measure: Measure, rates: Sequence[tuple[int, Rate]]) -> Trend:
    known = [
        (started / MONTH, rate.value, float(rate.n))
        for started, rate in sorted(rates, key=lambda each: each[0])
        if rate.value is not None and rate.n
    ]
    found = slope(known) if len(known) >= LEAST else None
    if found is None:
        return Trend(measure, len(known))
    value, low, high = found
    return Trend(measure, len(known), value, low, high, (low > 0) - (high < 0))


def slope(points: Sequence[Point]) -> tuple[float, float, float] | None:
    """Return the weighted least-squares slope and its 95 % interval; None without any spread.

    Weights are what the rates rest on. The variance is that of the residuals, but at least the
    binomial one: rates that lie on a line by chance are not known any better. Student's t with
    two degrees of freedom fewer than campaigns.
    """
    weight = math.fsum(w for _, _, w in points)
    middle = math.fsum(w * x for x, _, w in points) / weight
    mean = math.fsum(w * y for _, y, w in points) / weight
    spread = math.fsum(w * (x - middle) ** 2 for x, _, w in points)
    if spread <= 0:
        return None
    value = math.fsum(w * (x - middle) * (y - mean) for x, y, w in points) / spread
    rest = math.fsum(w * (y - mean - value * (x - middle)) ** 2 for x, y, w in points)
    variance = max(rest / (len(points) - 2), mean * (1 - mean))
    half = intervals.t_quantile(0.975, len(points) - 2) * math.sqrt(variance / spread)
    return value, value - half, value + half
