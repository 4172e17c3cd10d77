"""The shared mailbox of the sample company as an mbox: headers, routes and references."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.generator import BytesGenerator
from email.header import Header
from email.message import Message
from email.utils import format_datetime, formataddr
from random import Random
from time import asctime

from mailhealth.demo import bodies, machines, quoting
from mailhealth.demo.stories import Letter, Person, Story, Thread

OUR_DOMAIN = "acme.example"
PROGRAMS = {
    "outlook": ("X-Mailer", "Microsoft Outlook 16.0"),
    "apple": ("X-Mailer", "Apple Mail (2.3826.200.121)"),
    "becky": ("X-Mailer", "Becky! ver. 2.82.01 [ja]"),
    "plain": ("User-Agent", "Mozilla Thunderbird"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter after its author's mail program has sent it: what the next one answers."""

    letter: Letter
    subject: str
    message_id: str
    plain: str
    html: str


def entries(told: Iterable[Story]) -> Iterator[bytes]:
    """Yield one mbox entry a mail, in the order in which the mails arrived."""
    mails = [mail for story in told for thread in story.threads for mail in _conversation(thread)]
    for at, sender, message in sorted(mails, key=lambda mail: (mail[0], mail[2]["Message-ID"])):
        yield _entry(at, sender, message)


def _conversation(thread: Thread) -> Iterator[tuple[datetime, str, Message]]:
    """Send a thread's letters one after the other; people answer people, not machines."""
    sent: list[Sent] = []
    for letter in thread.letters:
        random = Random(f"{thread.subject}/{letter.author.address}/{letter.at.isoformat()}")
        before = _before(letter, sent)
        answered = before[-1] if before else None
        mail = _send(thread.subject, letter, answered, random)
        references = " ".join(f"<{earlier.message_id}>" for earlier in before)
        yield _deliver(mail, answered, references, random)
        if letter.kind == "human":
            sent.append(mail)


def _before(letter: Letter, sent: list[Sent]) -> list[Sent]:
    """The mails up to the one it answers: for a machine, the last that somebody else wrote."""
    while letter.kind != "human" and sent and sent[-1].letter.author == letter.author:
        sent = sent[:-1]
    return sent


def _send(subject: str, letter: Letter, answered: Sent | None, random: Random) -> Sent:
    """Write the mail as its author's program does, with everything that it quotes."""
    message_id = _message_id(letter, random)
    title = answered.subject if answered else subject
    if letter.kind != "human":
        return Sent(letter, machines.subject(letter, title), message_id, letter.text, "")
    if answered is None:
        html = quoting.html(letter, None, "", "") if letter.author.html else ""
        return Sent(letter, subject, message_id, quoting.plain(letter, None, "", ""), html)
    quoted = answered.html or quoting.as_html(answered.plain)
    html = quoting.html(letter, answered.letter, title, quoted) if letter.author.html else ""
    plain = quoting.plain(letter, answered.letter, title, answered.plain)
    return Sent(letter, _reply_prefix(letter) + subject, message_id, plain, html)


def _deliver(
    mail: Sent, answered: Sent | None, references: str, random: Random
) -> tuple[datetime, str, Message]:
    """The message as it lies in the mailbox, with the moment and the envelope sender."""
    letter = mail.letter
    arrived = letter.at.astimezone(UTC) + timedelta(seconds=random.randint(2, 40))
    sender = machines.sender(letter)
    message = Message()
    envelope = "" if letter.kind in ("bounce", "receipt", "auto_reply") else sender.address
    message["Return-Path"] = f"<{envelope}>"
    for trace in _route(letter, arrived, random):
        message["Received"] = trace
    _address(message, mail, sender)
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{mail.message_id}>"
    if answered is not None:
        message["In-Reply-To"] = f"<{answered.message_id}>"
        message["References"] = references
    if letter.kind == "human" and letter.author.client in PROGRAMS:
        name, value = PROGRAMS[letter.author.client]
        message[name] = value
    message["MIME-Version"] = "1.0"
    _fill(message, mail, answered, random)
    return arrived, sender.address, message


def _address(message: Message, mail: Sent, sender: Person) -> None:
    letter, charset = mail.letter, mail.letter.author.charset
    message["From"] = _named(sender, charset)
    message["To"] = ", ".join(_named(person, charset) for person in letter.to)
    if letter.cc:
        message["Cc"] = ", ".join(_named(person, charset) for person in letter.cc)
    message["Subject"] = Header(
        mail.subject, bodies.fitting(mail.subject, charset), header_name="Subject"
    ).encode()


def _named(person: Person, charset: str) -> str:
    return formataddr((person.name, person.address), bodies.fitting(person.name, charset))


def _fill(message: Message, mail: Sent, answered: Sent | None, random: Random) -> None:
    letter = mail.letter
    boundary = f"----=_{random.getrandbits(80):020x}"
    if letter.kind == "human":
        charset = letter.author.charset
        html = quoting.page(letter, mail.html) if mail.html else ""
        bodies.human(message, mail.plain, html, charset=charset, boundary=boundary)
    else:
        machines.fill(message, letter, (answered or mail).message_id, boundary)


def _route(letter: Letter, arrived: datetime, random: Random) -> Iterator[str]:
    """The Received headers, newest first: their relay to our mail exchanger, or our own desk."""
    queue = f"4c{random.getrandbits(44):011X}"
    stamp = f"{format_datetime(arrived)} (UTC)"
    domain = letter.author.domain
    if domain == OUR_DOMAIN:
        yield (
            f"from desk.{domain} (desk.{domain} [192.0.2.40]) by smtp.{domain} (Postfix)"
            f" with ESMTPSA id {queue}; {stamp}"
        )
        return
    address = f"203.0.113.{random.randint(2, 250)}"
    yield (
        f"from mail.{domain} (mail.{domain} [{address}]) by mx.{OUR_DOMAIN} (Postfix)"
        f" with ESMTPS id {queue} for <support@{OUR_DOMAIN}>; {stamp}"
    )
    left = format_datetime(letter.at + timedelta(seconds=1))
    yield f"from [10.20.{random.randint(1, 9)}.17] by mail.{domain} with ESMTPSA; {left}"


def _message_id(letter: Letter, random: Random) -> str:
    """An id in the shape that the author's program makes, without its angle brackets."""
    domain, bits = letter.author.domain, random.getrandbits(128)
    if letter.author.client == "outlook":
        return f"{bits:032X}@{domain}"
    if letter.author.client == "apple":
        text = f"{bits:032X}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}@{domain}"
    if letter.author.client == "becky":
        return f"{letter.at:%Y%m%d%H%M%S}.{bits % 65536:04X}.{bits >> 96:08X}@{domain}"
    return f"CA+{bits:032x}@mail.{domain}"


def _reply_prefix(letter: Letter) -> str:
    return "RE: " if letter.author.client == "outlook" else "Re: "


def _entry(at: datetime, sender: str, message: Message) -> bytes:
    """One mbox entry: the From_ line, the message with From lines marked, an empty line."""
    out = io.BytesIO()
    BytesGenerator(out, mangle_from_=False, maxheaderlen=78).flatten(message)
    body = re.sub(rb"(?m)^(>*From )", rb">\1", out.getvalue())
    return f"From {sender} {asctime(at.timetuple())}\n".encode() + body.rstrip(b"\n") + b"\n\n"
