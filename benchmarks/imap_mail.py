"""The invented mailbox of a support team, as a Maildir: the same bytes for the same seed."""

import base64
import binascii
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from pathlib import Path
from random import Random

from company import (
    DAYS,
    END,
    GREETINGS,
    SENTENCES,
    SIGNATURES,
    THINGS,
    US,
    WROTE,
    Letter,
    Person,
    people,
)

ATTACHED = 1 / 20
HTML = 2 / 3
MACHINES = 1 / 12
TURNS = 8  # a thread at most
HOP = (
    "Received: from {host} ({host} [192.0.2.{low}])\r\n\tby mx{low}.{us} (Postfix) with ESMTPS"
    " id {id}\r\n\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256)"
    "\r\n\tfor <support@{us}>; {date}\r\n"
)
SEALED = (
    "Authentication-Results: mx.{us};\r\n\tdkim=pass header.i=@{domain} header.s=mail;"
    "\r\n\tspf=pass smtp.mailfrom={sender}; dmarc=pass header.from={domain}\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s=mail;\r\n"
    "\th=from:to:subject:date:message-id:references:mime-version:content-type;\r\n"
    "\tbh={hash};\r\n\tb={seal}\r\n"
)
STYLE = (
    "<style>body{font-family:Calibri,sans-serif;font-size:11pt}p.MsoNormal,li.MsoNormal"
    "{margin:0;mso-style-priority:99}a:link{color:#0563C1}"
    "@page WordSection1{size:612pt 792pt;margin:72pt}div.WordSection1{page:WordSection1}"
    "</style>"
)
ROW = (
    '<p class="MsoNormal"><span lang="{lang}" style="color:#1F497D;mso-fareast-language:EN-US">'
    "{line}<o:p></o:p></span></p>\r\n"
)


def write(folder: Path, messages: int, seed: int = 1) -> None:
    """Write so many mails as a Maildir that Dovecot takes as it is.

    Threads with quotes, a quarter Japanese (half of it ISO-2022-JP), two thirds with HTML, one
    in twenty with a file of 50 to 400 kB (a third more in base64), one thread in twelve a lone
    automatic reply: median about 6 kB, mean about 20 kB. Each has a Message-ID of its own.
    """
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, content in zip(range(messages), _mails(Random(seed)), strict=False):
        put(folder, number, content)


def put(folder: Path, number: int, content: bytes) -> None:
    """Write one mail; its size stands in its name, so that the server need not count it."""
    arrived = 1_700_000_000 + number
    name = f"{arrived}.M{number}.mx,S={len(content)},W={len(content)}:2,S"
    (folder / "cur" / name).write_bytes(content)
    os.utime(folder / "cur" / name, (arrived, arrived))


def large(size: int) -> bytes:
    """Write one mail whose attachment makes it so many bytes or a little more."""
    ann = people()[1]
    letter = Letter(ann, ann, END, "A film", "See there.\n", "", ())
    return _bytes(Random(5), letter, "film@customer001.example", size * 57 // 78)


def _mails(random: Random) -> Iterator[bytes]:
    everybody = people()
    while True:
        person = random.choice(everybody)
        if random.random() < MACHINES:
            yield _machine(random, person)
        else:
            yield from _thread(random, person)


def _thread(random: Random, person: Person) -> Iterator[bytes]:
    us = Person("Support", f"support@{US}", "Example", person.lang)
    sender, to = (person, us) if random.random() < 0.8 else (us, person)
    subject, at = random.choice(THINGS[person.lang].split(",")), _moment(random)
    quoted = ""
    references: tuple[str, ...] = ()
    for turn in range(min(TURNS, 1 + int(random.expovariate(0.5)))):
        told = f"Re: {subject}" if turn else subject
        letter = Letter(sender, to, at, told, _own_words(random, sender, to), quoted, references)
        message_id = _message_id(random, sender)
        yield _bytes(random, letter, message_id)
        quoted, references = _quote(letter), (*references, f"<{message_id}>")
        sender, to, at = to, sender, at + timedelta(hours=random.expovariate(1 / 9))


def _moment(random: Random) -> datetime:
    return END - timedelta(minutes=random.randrange(DAYS * 1440))


def _message_id(random: Random, sender: Person) -> str:
    return f"{random.getrandbits(64):016x}@{_domain(sender)}"


def _quote(letter: Letter) -> str:
    told = {"date": f"{letter.at:%Y-%m-%d %H:%M}", "name": letter.sender.name}
    before = letter.own + (f"\n{letter.quoted}" if letter.quoted else "")
    lines = "".join(f"> {line}\n" for line in before.splitlines())
    return WROTE[letter.sender.lang].format(**told) + f"\n\n{lines}"


def _own_words(random: Random, sender: Person, to: Person) -> str:
    things = THINGS[sender.lang].split(",")
    said = (
        random.choice(SENTENCES[sender.lang]).format(
            a=random.choice(things), b=random.choice(things)
        )
        for _ in range(random.randint(1, 10))
    )
    opening, closing = GREETINGS[sender.lang]
    signature = SIGNATURES[sender.lang].format(
        name=sender.name, company=sender.company, number=random.randint(0, 9999)
    )
    hello, body = opening.format(name=to.name), "\n".join(said)
    return f"{hello}\n\n{body}\n\n{closing}\n{sender.name}\n\n{signature}\n"


def _machine(random: Random, person: Person) -> bytes:
    us = Person("Support", f"support@{US}", "Example", "en")
    letter = Letter(person, us, _moment(random), "Automatic reply: out of office", "", "", ())
    text = "I am out of the office until Monday and will answer then.\r\n"
    head = _head(random, letter, _message_id(random, person))
    return (head + f"Auto-Submitted: auto-replied\r\n\r\n{text}").encode()


def _bytes(random: Random, letter: Letter, message_id: str, attached: int = 0) -> bytes:
    head = _head(random, letter, message_id)
    if letter.references:
        told = "\r\n ".join(letter.references)
        head += f"In-Reply-To: {letter.references[-1]}\r\nReferences: {told}\r\n"
    text = letter.own + (f"\n{letter.quoted}" if letter.quoted else "")
    kind, body = _body(random, letter.sender.lang, text)
    if not attached and random.random() < ATTACHED:
        attached = random.randint(50_000, 400_000)
    if attached:
        kind, body = "multipart/mixed; boundary=mixed", _with_file(random, kind, body, attached)
    return f"{head}MIME-Version: 1.0\r\nContent-Type: {kind}\r\n".encode() + body


def _body(random: Random, lang: str, text: str) -> tuple[str, bytes]:
    """The text, as HTML too or not: its Content-Type, and the rest of headers with the body."""
    old = lang == "ja" and random.random() < 0.5
    charset, encoding = ("iso-2022-jp", "7bit") if old else ("utf-8", "base64")
    plain = text.replace("\n", "\r\n").encode(charset)
    if not old:
        plain = base64.encodebytes(plain).replace(b"\n", b"\r\n")
    kind = f"text/plain; charset={charset}"
    part = f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + plain
    if random.random() > HTML:
        return kind, part
    rows = "".join(ROW.format(lang=lang, line=line) for line in text.splitlines()[:25])
    page = f"<html><head>{STYLE}</head><body>{rows}</body></html>\r\n".encode()
    opened, closed = f"\r\n--both\r\nContent-Type: {kind}\r\n".encode(), b"\r\n--both--\r\n"
    html = b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    return "multipart/alternative; boundary=both", (
        opened + part + b"\r\n--both\r\n" + html + page + closed
    )


def _with_file(random: Random, kind: str, body: bytes, size: int) -> bytes:
    lines = memoryview(random.randbytes(size))
    file = b"\r\n".join(
        binascii.b2a_base64(lines[at : at + 57], newline=False) for at in range(0, len(lines), 57)
    )
    return (
        f"\r\n--mixed\r\nContent-Type: {kind}\r\n".encode()
        + body
        + b"\r\n--mixed\r\nContent-Type: application/pdf; name=report.pdf\r\n"
        b"Content-Disposition: attachment; filename=report.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + file + b"\r\n--mixed--\r\n"
    )


def _head(random: Random, letter: Letter, message_id: str) -> str:
    sender, date = letter.sender, format_datetime(letter.at)
    domain = _domain(sender)
    hop = {"low": random.randint(1, 254), "us": US, "id": f"{random.getrandbits(40):010X}"}
    hops = (
        HOP.format(host=f"{host}.{domain}", date=date, **hop) for host in ("out", "relay", "desk")
    )
    seal = base64.b64encode(random.randbytes(288)).decode()
    folded = "\r\n\t ".join(seal[at : at + 64] for at in range(0, len(seal), 64))
    told = {"us": US, "domain": domain, "sender": sender.address, "hash": seal[:44]}
    return (
        "".join(hops)
        + SEALED.format(**told, seal=folded)
        + (
            f"From: {_words(sender.name)} <{sender.address}>\r\nTo: <{letter.to.address}>\r\n"
            f"Date: {date}\r\nMessage-ID: <{message_id}>\r\nSubject: {_words(letter.subject)}\r\n"
        )
    )


def _words(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=70).encode("\r\n")


def _domain(person: Person) -> str:
    return person.address.partition("@")[2]
