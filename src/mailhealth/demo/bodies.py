"""MIME bodies as mail programs build them: charset, transfer encoding, HTML alternative."""

import base64
import quopri
from email.message import Message

LONGEST_LINE = 200  # longer lines travel as quoted-printable


def human(message: Message, plain: str, html: str, *, charset: str, boundary: str) -> None:
    """Put a person's text into `message`, with its HTML twin where there is one."""
    if not html:
        set_text(message, plain, "plain", charset)
        return
    parts = [Message(), Message()]
    set_text(parts[0], plain, "plain", charset)
    set_text(parts[1], html, "html", charset)
    set_parts(message, "alternative", parts, boundary)


def set_text(part: Message, text: str, subtype: str, charset: str) -> None:
    """Make `part` a text part: 7bit where it can be, base64 where most of it is not ASCII."""
    charset = fitting(text, charset)
    part["Content-Type"] = f'text/{subtype}; charset="{charset}"'
    data = text.encode(charset)
    if charset == "iso-2022-jp" or (data.isascii() and _longest(text) <= LONGEST_LINE):
        part["Content-Transfer-Encoding"] = "7bit"
        part.set_payload(data.decode("ascii"))
    elif _share_beyond_ascii(text) > 1 / 6:
        part["Content-Transfer-Encoding"] = "base64"
        part.set_payload(base64.encodebytes(data).decode("ascii"))
    else:
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(quopri.encodestring(data).decode("ascii"))


def set_parts(message: Message, subtype: str, parts: list[Message], boundary: str) -> None:
    """Make `message` a multipart of `parts`; `subtype` may bring parameters of its own."""
    message["Content-Type"] = f'multipart/{subtype}; boundary="{boundary}"'
    for part in parts:
        message.attach(part)


def fitting(text: str, charset: str) -> str:
    """The charset a program picks: us-ascii if that will do, UTF-8 if the usual one fails."""
    for name in ("us-ascii", charset):
        try:
            text.encode(name)
        except UnicodeEncodeError:
            continue
        return name
    return "utf-8"


def _longest(text: str) -> int:
    return max((len(line) for line in text.split("\n")), default=0)


def _share_beyond_ascii(text: str) -> float:
    return sum(not character.isascii() for character in text) / max(len(text), 1)
