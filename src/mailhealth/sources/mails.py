"""The bytes of one mail become a message: parsed, taken apart, classed."""

import hashlib
from dataclasses import replace

from mailhealth.records import Mail, Message, Raw

DAY = 86_400  # seconds
NO_DATE = "no usable date"


def message(raw: Raw) -> Message:
    """Read one mail whole; `at` is 0 (and a problem says so) where no date is known at all.

    The key is a hash of Message-ID, sender, date and subject, and of the text where there is
    no Message-ID: the same mail found twice has the same key, and two mails that a broken
    program gave the same Message-ID have two.
    """
    from mailhealth.language import identify
    from mailhealth.machine import kind, notices
    from mailhealth.mime import parse
    from mailhealth.reply import courtesies, split

    mail = parse(raw.content)
    if not (at := _at(mail, raw)):
        mail = replace(mail, problems=(*mail.problems, NO_DATE))
    words, of_kind = split(mail.text), kind(mail)
    return Message(
        key=_key(mail),
        mail=mail,
        kind=of_kind,
        lang=identify(words.new_text) or identify(mail.subject),
        words=words,
        at=at,
        courtesies=courtesies(words.new_text),
        notices=notices(mail, of_kind),
    )


def _at(mail: Mail, raw: Raw) -> int:
    """When it happened: topmost Received, else the server's or file's date, else Date.

    A server or file date more than a day after the Date is the day of a copy or a move, a
    Date in the future of its own arrival a wrong clock: neither is believed.
    """
    if mail.received:
        return mail.received
    if raw.received and mail.date and raw.received - mail.date > DAY:
        return mail.date
    return raw.received or mail.date or 0


def _key(mail: Mail) -> str:
    sender = mail.sender.address if mail.sender else ""
    parts = [mail.message_id or "", sender, str(mail.date or ""), mail.subject]
    if not mail.message_id:
        parts.append(mail.text)
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
