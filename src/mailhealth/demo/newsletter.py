"""The send log of the sample company's newsletter, as Elastic Email exports its events."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

from mailhealth.demo.quoting import is_japanese
from mailhealth.demo.stories import Mailing, Person, Story

HEADER = (
    "TransactionID", "MsgID", "FromEmail", "To", "Subject", "EventType", "EventDate",
    "ChannelName", "MessageCategory", "NextTryOn", "Message", "IPAddress", "PoolName",
)  # fmt: skip
OPENS = {"reader": 0.75, "clicker": 0.9, "sleeper": 0.08}  # share of issues a person opens
CLICKS = {"reader": 0.2, "clicker": 0.65, "sleeper": 0.0}  # share of those with a click
ENDS = ("bounced", "unsubscribed")  # from their month's first issue on
RETURNS = 0.2  # share of read issues that are opened once more
MID_MONTH = 14  # a month's first issue goes out before, its second after

Happening = tuple[str, datetime, str, str]  # event type, when, category, message


def rows(told: Iterable[Story], mailings: Iterable[Mailing]) -> list[tuple[str, ...]]:
    """All events of the year, oldest first, each a row below `HEADER` (times are UTC)."""
    readers = [(story, person) for story in told if story.customer for person in story.people]
    found: list[tuple[str, ...]] = []
    for mailing in mailings:
        transaction = str(UUID(int=Random(mailing.channel).getrandbits(128), version=4))
        for story, person in readers:
            if story.started <= mailing.day and person.newsletter != "none":
                found.extend(_events(transaction, mailing, person))
    return sorted(found, key=lambda row: (row[6], row[1]))


def _events(transaction: str, mailing: Mailing, person: Person) -> Iterator[tuple[str, ...]]:
    random = Random(f"{mailing.channel}/{person.address}")
    message = f"_{random.getrandbits(64):016X}"
    japanese = is_japanese(person.signature) or not person.name.isascii()
    subject, hour = (mailing.ja, 1) if japanese else (mailing.en, 8)
    start = datetime.combine(mailing.day, time(hour, 0), UTC)
    start += timedelta(seconds=random.randint(0, 240))
    for kind, at, category, reason in _happenings(person, mailing.day, start, random):
        yield (
            transaction, message, "news@acme.example", person.address, subject, kind,
            f"{at:%Y-%m-%dT%H:%M:%S}", mailing.channel, category, "", reason, "192.0.2.10",
            "Acme newsletter",
        )  # fmt: skip


def _happenings(person: Person, day: date, start: datetime, random: Random) -> Iterator[Happening]:
    """What one issue does at one address: handed in, delivered or not, read or not."""
    habit, _, since = person.newsletter.partition(" ")
    month = f"{day:%Y-%m}"
    over = month > since or (month == since and day.day > MID_MONTH)
    if habit in ENDS and over:
        if habit == "bounced":  # the platform no longer tries a dead address
            yield "Suppress", start, "NotDelivered", "Recipient is suppressed after a hard bounce"
        return
    yield "Submission", start, "Unknown", ""
    arrived = start + timedelta(seconds=random.randint(3, 9))
    if habit == "bounced" and month == since:
        yield "Bounce", arrived, "NoMailbox", "550 5.1.1 Recipient address rejected: user unknown"
        return
    yield "Sent", arrived, "Unknown", ""
    if habit == "apple":  # the proxy fetches the pictures at once, whoever reads or not
        yield "Open", arrived + timedelta(seconds=random.randint(1, 4)), "Unknown", ""
        return
    if habit == "unsubscribed" and month == since:
        yield from _unsubscribed(arrived, random)
        return
    yield from _read(habit if not since or month >= since else "reader", arrived, random)


def _unsubscribed(arrived: datetime, random: Random) -> Iterator[Happening]:
    opened = arrived + timedelta(minutes=random.randint(20, 300))
    yield "Open", opened, "Unknown", ""
    yield "Unsubscribe", opened + timedelta(seconds=random.randint(8, 50)), "Unknown", ""


def _read(habit: str, arrived: datetime, random: Random) -> Iterator[Happening]:
    """A person opens some issues within a working day, clicks in some, comes back to a few."""
    if random.random() >= OPENS[habit]:
        return
    opened = arrived + timedelta(minutes=random.randint(3, 480), seconds=random.randint(0, 59))
    yield "Open", opened, "Unknown", ""
    if random.random() < CLICKS[habit]:
        yield "Click", opened + timedelta(seconds=random.randint(20, 160)), "Unknown", ""
    if random.random() < RETURNS:
        yield "Open", opened + timedelta(hours=random.randint(1, 30)), "Unknown", ""
