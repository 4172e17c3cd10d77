"""Counts -> rates and bounds."""

from collections.abc import Callable, Mapping

from mailhealth import intervals
from mailhealth.campaigns.numbers import UNKNOWN, Bounds, Rate

Counts = Mapping[str, int]


def rate(k: float | None, n: int | None) -> Rate:
    """Return k of n with Wilson's interval; unknown where either is, or where n is 0."""
    if k is None:
        return UNKNOWN
    if not n:
        return Rate(None, k, n)
    return Rate(k / n, k, n, *intervals.wilson(k, n))


def opened(counts: Counts, n: int | None) -> Bounds:
    """Return who opened: for certain, at the most, and as it would be without proxies.

    Those behind a proxy (or suspected) are supposed to open as often as those who are not, but
    at least as many as are known to by a click. Their own clicks do not count for the others:
    that would make everyone behind a proxy an eager reader.
    """
    hidden, known = counts["hidden"], counts["hidden_opened"]
    delivered = counts["delivered"]
    openly = counts["opened"] - known

    def estimate(share: float) -> float:
        return openly + max(known, hidden * share)

    return Bounds(
        low=rate(counts["opened"], n),
        adjusted=_adjusted(estimate, (openly, delivered - hidden, hidden), n),
        high=rate(openly + hidden, n),
    )


def doers(counts: Counts, names: tuple[str, str, str], n: int | None) -> Bounds:
    """Return who clicked (or unsubscribed): persons, persons and suspects, and in between.

    `names` are the counts of persons, suspects and machines. Among the suspects the share of
    persons is supposed to be what it is among those who were judged.
    """
    persons, suspects, machines = (counts[name] for name in names)
    adjusted = _adjusted(
        lambda share: persons + suspects * share, (persons, persons + machines, suspects), n
    )
    return Bounds(low=rate(persons, n), adjusted=adjusted, high=rate(persons + suspects, n))


def _adjusted(
    estimate: Callable[[float], float], told: tuple[int, int, int], n: int | None
) -> Rate:
    """Estimate by the share k of m that can be told; with none unknown there is nothing to.

    The interval reaches from the lower end for the lowest share to the upper end for the
    highest: it holds both the chance of who answered and the doubt about who is hidden.
    """
    k, m, unknown = told
    if unknown == 0:
        return rate(estimate(0.0) if m == 0 else estimate(k / m), n)
    low, high = intervals.wilson(k, m)
    if low is None or high is None:
        return UNKNOWN
    between = estimate(k / m)
    if not n:
        return Rate(None, between, n)
    return Rate(
        between / n,
        between,
        n,
        intervals.wilson(estimate(low), n)[0],
        intervals.wilson(estimate(high), n)[1],
    )
