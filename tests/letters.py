"""Short ways to write the records that the tests of the inner rooms start from."""

from mailhealth.records import Address, Event, EventType, Found, Kind, Mail, Message, OwnWords

DAY = 86_400
START = 1_767_225_600  # 2026-01-01T00:00:00Z


def letter(  # noqa: PLR0913 - a mail has that many parts
    key: str,
    sender: str | None,
    *to: str,
    day: float = 0,
    answers: str | None = None,
    text: str = "Hello",
    kind: Kind = "human",
    cc: tuple[str, ...] = (),
    subject: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    lang: str = "en",
) -> Found:
    """A message found in `box`, `day` days after the start of 2026; its id is its key."""
    at = START + round(day * DAY)
    mail = Mail(
        headers=headers,
        message_id=f"{key}@mail.example",
        in_reply_to=f"{answers}@mail.example" if answers else None,
        references=(),
        date=at,
        utc_offset=0,
        received=at,
        sender=Address("", sender) if sender else None,
        to=tuple(Address("", each) for each in to),
        cc=tuple(Address("", each) for each in cc),
        subject=f"About {key}" if subject is None else subject,
        text=text,
        parts=(),
        attachments=(),
        problems=(),
    )
    words = OwnWords(text, "", "")
    return Found(f"box:{key}", Message(key, mail, kind, lang, words, at))


def event(key: str, recipient: str, kind: EventType, *, day: float = 0) -> Found:
    """A campaign event found in `log`."""
    at = START + round(day * DAY)
    return Found(f"log:{key}", Event(recipient, kind, at, campaign="spring", identity=key))
