"""What customers write about: topics and key phrases, now and in the window before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sqlite_utils import Database

from mailhealth import intervals
from mailhealth.store import pages
from mailhealth.store import topics as kept

if TYPE_CHECKING:
    from mailhealth.nlp.phrases import Key, Said
    from mailhealth.nlp.topics import Taxonomy

DAY = 86_400
NEWEST = 2_000  # mails in which phrases are looked for, and as many to compare them with
PHRASES = 20
_HERE, _BEFORE = "here", "before"


@dataclass(frozen=True, slots=True)
class Mention:
    """One topic or phrase: in `mails` of the `of` mails of the window, and so before.

    `change` is the difference of the two shares, with its 95 % interval (None: no mail then or
    now); `trend` is only told where that is clear of zero. `weight` is a phrase's c-TF-IDF.
    """

    kind: Literal["topic", "phrase"]
    name: str
    mails: int
    of: int
    mails_before: int
    of_before: int
    change: float | None
    low: float | None
    high: float | None
    trend: Literal["", "rising", "falling"]
    weight: float | None = None


def asked(
    db: Database, page: str | None, *, customer: str | None, end: int, days: int, lang: str
) -> list[Mention]:
    """Say what customers, or one, write about; a `page` counts from now on ("": the shipped)."""
    from mailhealth.nlp import topics

    taxonomy = topics.load(pages.own(db, "topics", page))
    pages.keep(db, "topics", page)
    find(db, taxonomy)
    return mentions(db, taxonomy, customer=customer, end=end, days=days, lang=lang)


def find(db: Database, taxonomy: "Taxonomy") -> int:
    """Find the topics of the mails in which this taxonomy's were not found yet; count the mails."""
    from mailhealth.nlp import tokens, topics

    done = 0
    for texts in kept.unread(db, taxonomy.version):
        found = tokens.each(texts, lambda nlp: topics.counter(nlp, taxonomy))
        kept.save(db, taxonomy.version, found)
        done += len(texts)
    return done


def mentions(
    db: Database, taxonomy: "Taxonomy", *, customer: str | None, end: int, days: int, lang: str
) -> list[Mention]:
    """Count topics, then phrases, of a customer or of all, in the `days` before `end` (seconds)."""
    window = kept.Window(end - 2 * days * DAY, end - days * DAY, end)
    of = kept.totals(db, window, customer)
    titles = {topic.name: topic.titles.get(lang, topic.name) for topic in taxonomy.topics}
    topics = [
        _mention("topic", titles.get(each.topic, each.topic), (each.mails, each.mails_before), of)
        for each in kept.counts(db, window, customer)
    ]
    return topics + _phrases(db, window, customer)


def _phrases(db: Database, window: kept.Window, customer: str | None) -> list[Mention]:
    """What is said more by the customer than by others; of all, more in the window than before."""
    from mailhealth.nlp import phrases

    times = {_HERE: (window.start, window.end), _BEFORE: (window.before, window.start)}
    mails = {
        group: kept.letters(db, *time, customer=customer, theirs=True, most=NEWEST)
        for group, time in times.items()
    }
    if customer:
        mails |= _by_customer(
            kept.letters(db, *times[_HERE], customer=customer, theirs=False, most=NEWEST)
        )
    texts = [letter.text for letters in mails.values() for letter in letters]
    said = dict(phrases.read(texts, kept.names(db, customer) if customer else ()))
    groups = {name: [said[each.text.id] for each in letters] for name, letters in mails.items()}
    here, before = groups[_HERE], groups[_BEFORE]
    if customer:  # what they have always written about is theirs as well
        del groups[_BEFORE]
    of = len(here), len(before)
    return [
        _mention(
            "phrase", each.phrase, (each.mails, _count(before, each.key)), of, weight=each.weight
        )
        for each in phrases.distinctive(groups, _HERE, most=PHRASES)
    ]


def _by_customer(letters: "Sequence[kept.Letter]") -> dict[str, list[kept.Letter]]:
    groups: dict[str, list[kept.Letter]] = {}
    for letter in letters:
        groups.setdefault(f"of {letter.customer}", []).append(letter)
    return groups


def _count(mails: "Sequence[Said]", key: "Key") -> int:
    return sum(key in said for said in mails)


def _mention(
    kind: Literal["topic", "phrase"],
    name: str,
    mails: tuple[int, int],
    of: tuple[int, int],
    *,
    weight: float | None = None,
) -> Mention:
    change, low, high = _change(*mails, *of)
    trend: Literal["", "rising", "falling"] = ""
    if low is not None and high is not None:
        trend = "rising" if low > 0 else "falling" if high < 0 else ""
    return Mention(kind, name, mails[0], of[0], mails[1], of[1], change, low, high, trend, weight)


def _change(k: int, k0: int, n: int, n0: int) -> tuple[float | None, float | None, float | None]:
    if not n or not n0:
        return None, None, None
    now, before = k / n, k0 / n0
    low, high = intervals.difference(now, intervals.wilson(k, n), before, intervals.wilson(k0, n0))
    return now - before, low, high
