"""A row of counts -> how a campaign landed."""

from collections.abc import Callable

from mailhealth.campaigns.numbers import UNKNOWN, Bounds, Landing, Rate
from mailhealth.campaigns.rates import Counts, doers, opened, rate

MATURE = 3 * 86_400  # seconds: what a campaign brings comes within 3 days, nearly all of it
BOUNCES = ("hard", "soft", "blocked", "unclassed", "dropped")

_CLICKS = ("clicked", "click_suspect", "click_machine")
_LEAVES = ("unsubscribed", "leave_suspect", "leave_machine")

# The note for what a source never told of, by the word in `tells`.
_SILENCES = {
    "bounces": "no bounces",
    "opens": "no opens",
    "clicks": "no clicks",
    "unsubscribes": "no unsubscribes",
    "complaints": "no complaints",
    "replies": "no replies",
}


def told_sent(counts: Counts) -> bool:
    """Say whether a log tells to whom the campaign went: for nine in ten of those it names.

    A log that begins in the middle names those who opened, and not those who did not.
    """
    return counts["told"] * 10 >= counts["contacts"] * 9


def landing(
    counts: Counts, names: tuple[str, str], *, tells: Counts, sent: bool, as_of: int
) -> Landing:
    """Return a campaign's (or its part's) figures; `names` are the campaign and the part.

    `tells` says what the campaign's sources tell of at all, `sent` whether `told_sent` holds
    for the campaign.
    """
    n = counts["delivered"] if sent else None
    coming_in = as_of - counts["ended"] < MATURE

    def known(word: str, figure: Callable[[], Rate]) -> Rate:
        return figure() if tells[word] else UNKNOWN

    def bounded(word: str, figure: Callable[[], Bounds]) -> Bounds:
        return figure() if tells[word] else Bounds()

    openly = counts["opened"] - counts["hidden_opened"]
    in_sight = counts["delivered"] - counts["hidden"]
    return Landing(
        campaign=names[0],
        part=names[1],
        started=counts["started"],
        ended=counts["ended"],
        coming_in=coming_in,
        sent=counts["contacts"] if sent else None,
        delivered=n,
        bounces={name: counts[name] if tells["bounces"] else None for name in BOUNCES},
        opened_raw=known("opens", lambda: rate(counts["opened_raw"], n)),
        opened=bounded("opens", lambda: opened(counts, n)),
        opened_openly=known("opens", lambda: rate(openly, in_sight if sent else None)),
        clicked=bounded("clicks", lambda: doers(counts, _CLICKS, n)),
        click_to_open=UNKNOWN
        if not (tells["opens"] and tells["clicks"])
        else rate(counts["clicked_openly"], openly),
        unsubscribed=bounded("unsubscribes", lambda: doers(counts, _LEAVES, n)),
        complained=known("complaints", lambda: rate(counts["complained"], n)),
        replied=known("replies", lambda: rate(counts["replied"], n)),
        notes=_notes(tells, sent=sent, coming_in=coming_in),
    )


def link(counts: Counts, whole: Landing, name: str) -> Landing:
    """Return the clicks of one link of a campaign; all else is not a link's, so unknown."""
    return Landing(
        campaign=whole.campaign,
        part=name,
        started=whole.started,
        ended=whole.ended,
        coming_in=whole.coming_in,
        sent=whole.sent,
        delivered=whole.delivered,
        bounces=dict.fromkeys(BOUNCES),
        opened_raw=UNKNOWN,
        opened=Bounds(),
        opened_openly=UNKNOWN,
        clicked=doers(counts, _CLICKS, whole.delivered),
        click_to_open=UNKNOWN,
        unsubscribed=Bounds(),
        complained=UNKNOWN,
        replied=UNKNOWN,
    )


def _notes(tells: Counts, *, sent: bool, coming_in: bool) -> tuple[str, ...]:
    said = [("coming in", coming_in), ("not sent", not sent)]
    said += [(note, not tells[word]) for word, note in _SILENCES.items()]
    return tuple(note for note, holds in said if holds)
