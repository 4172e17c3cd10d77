"""The parts of one message: which text is to be read, what machines wrote, what is attached."""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import collapse_rfc2231_value

from mailhealth.mime.charsets import decode
from mailhealth.mime.flowed import unfold
from mailhealth.mime.headers import base64, decode_header, printable, storable
from mailhealth.mime.html import to_text
from mailhealth.mime.structure import Piece
from mailhealth.records import Attachment, Part

LARGEST_PART = 2_000_000  # bytes of one part that are read as text
LARGEST_TEXT = 1_000_000  # characters of the text to read
OCTETS = 12  # digits of a size that can be
STUB = 200  # characters: a plain text below this may only say "this mail is HTML"
NAME = 255  # characters of a file name that are kept
_BASE64_LINE = re.compile(r"\s*[A-Za-z0-9+/=]*\s*")
_MACHINES = frozenset(
    {
        "text/calendar",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
        "message/delivery-status",
        "message/global-delivery-status",
        "message/feedback-report",
        "message/disposition-notification",
        "message/global-disposition-notification",
    }
)
_READ = frozenset(["text/plain", "text/html", "text/enriched", "text/x-amp-html", "text/amp"])


@dataclass(slots=True)
class Body:
    """What `read_body` found."""

    text: str = ""
    parts: list[Part] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    charset: str | None = None


@dataclass(slots=True)
class _Alternatives:
    """The same words in several forms; one of them is read."""

    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)


def read_body(message: Piece, problems: list[str]) -> Body:
    """Walk a message's parts in order and keep what each is for.

    The text of attached messages is not the sender's and stays out; of alternatives the plain
    text is read unless it is a stub.
    """
    body = Body(charset=_first_charset(message))
    texts: list[_Alternatives] = []
    for part, group in _leaves(message, texts):
        media_type = part.get_content_type()
        if media_type in _MACHINES:
            body.parts.append(Part(media_type, _machine_text(part, problems)))
        elif media_type == "message/rfc822":
            body.parts.append(Part(media_type, _attached_headers(part, problems)))
            body.attachments.append(_attachment(part, media_type, problems))
        elif _is_text_to_read(part, media_type, part is message):
            _add_text(part, media_type, group, problems)
        else:
            _note_attachment(part, media_type, body, problems)
    text = "\n".join(filter(None, (_choose(group, problems) for group in texts)))
    if len(text) > LARGEST_TEXT:
        problems.append("text cut at 1 million characters")
    body.text = text[:LARGEST_TEXT]
    return body


def _leaves(message: Piece, texts: list[_Alternatives]) -> Iterator[tuple[Piece, _Alternatives]]:
    """Yield what is not a container, in order, with the alternatives it belongs to."""
    stack: list[tuple[Piece, _Alternatives | None]] = [(message, None)]
    while stack:
        part, group = stack.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            if part.get_content_subtype() == "alternative" and group is None:
                group = _Alternatives()
                texts.append(group)
            stack.extend((child, group) for child in reversed(part.pieces()))
            continue
        if group is None:
            group = _Alternatives()
            texts.append(group)
        yield part, group


def _is_text_to_read(part: Piece, media_type: str, alone: bool) -> bool:
    if media_type.startswith("multipart/"):
        return True  # a container without its boundary: the text is all there is
    if media_type not in _READ or part.get_content_disposition() == "attachment":
        return False
    return alone or not _name_parameter(part)


def _add_text(part: Piece, media_type: str, group: _Alternatives, problems: list[str]) -> None:
    text = _clear(_content(part, problems), problems, _parameter(part, "charset"))
    if media_type == "text/html":
        group.html.append(text)
    elif media_type == "text/plain" and (_parameter(part, "format") or "").lower() == "flowed":
        group.plain.append(unfold(text, (_parameter(part, "delsp") or "").lower() == "yes"))
    elif media_type not in ("text/x-amp-html", "text/amp"):
        group.plain.append(text)


def _choose(group: _Alternatives, problems: list[str]) -> str:
    plain = "\n".join(group.plain)
    if not group.html or len(plain.strip()) >= STUB:
        return plain
    html = "\n".join(to_text(page, problems) for page in group.html)
    return html if len(html) > 2 * len(plain.strip()) else plain


def _parameter(part: Piece, name: str) -> str | None:
    """Read a Content-Type parameter (RFC 2231 spellings included); never raises."""
    try:
        value = part.get_param(name)
        if isinstance(value, tuple):
            value = collapse_rfc2231_value(value)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return value.strip() if isinstance(value, str) else None


def _first_charset(message: Piece) -> str | None:
    for part, _ in _leaves(message, []):
        if part.get_content_maintype() == "text" and (charset := _parameter(part, "charset")):
            return charset
    return None


def _content(part: Piece, problems: list[str]) -> bytes:
    """Undo a part's transfer encoding as far as it holds; what is broken is kept as it stands."""
    encoding = _encoding(part)
    if encoding == "base64":
        return _base64_text(part.raw, problems)
    data = _bytes(part.raw)
    if encoding == "quoted-printable":
        # At "=", a soft line break, the decoder skips all up to the next LF.
        return quopri.decodestring(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _uudecode(data, problems)
    return data


def _encoding(part: Piece) -> str:
    return str(part.get("content-transfer-encoding", "")).strip().lower()


def _bytes(raw: str) -> bytes:
    return raw.encode("utf-8", "surrogateescape")


def _base64_text(raw: str, problems: list[str]) -> bytes:
    """Decode base64 up to the line that is none: list software appends a footer in clear."""
    lines = raw.splitlines(keepends=True)
    clear = next((at for at, line in enumerate(lines) if not _BASE64_LINE.fullmatch(line)), None)
    if clear is None:
        return base64(_bytes(raw))
    if not clear:
        problems.append("broken base64")
        return base64(_bytes(raw))
    problems.append("text after base64")
    return base64(_bytes("".join(lines[:clear]))) + b"\n" + _bytes("".join(lines[clear:]))


def _uudecode(data: bytes, problems: list[str]) -> bytes:
    out = bytearray()
    for line in data.splitlines():
        if line.startswith((b"begin ", b"end")) or not line:
            continue
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            problems.append("broken uuencoding")
            return data
    return bytes(out)


def _machine_text(part: Piece, problems: list[str]) -> str:
    """Give a machine's part back as text, however the parser has cut it into blocks."""
    if not part.is_multipart():
        return _clear(_content(part, problems), problems, _parameter(part, "charset"))
    blocks = [_header_lines(child, problems) + child.raw for child in part.pieces()]
    text = "\n".join(blocks)
    data = base64(_bytes(text)) if _encoding(part) == "base64" else _bytes(text)
    return _clear(data, problems)


def _header_lines(message: Piece, problems: list[str]) -> str:
    return "".join(
        f"{name}: {decode_header(str(value), problems)}\n" for name, value in message.items()
    )


def _attached_headers(part: Piece, problems: list[str]) -> str:
    if part.is_multipart():
        return "".join(_header_lines(child, problems) for child in part.pieces()[:1])
    return _clear(_content(part, problems), problems)


def _clear(data: bytes, problems: list[str], charset: str | None = None) -> str:
    return _plain_lines(decode(data[:LARGEST_PART], charset, problems))


def _plain_lines(text: str) -> str:
    return printable(text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n"))


def _note_attachment(part: Piece, media_type: str, body: Body, problems: list[str]) -> None:
    attachment = _attachment(part, media_type, problems)
    if media_type == "application/ms-tnef" or attachment.name.lower() == "winmail.dat":
        problems.append("winmail.dat not read")
    body.attachments.append(attachment)


def _attachment(part: Piece, media_type: str, problems: list[str]) -> Attachment:
    name = _file_name(part, problems)
    return Attachment(name[:NAME], printable(storable(media_type)), _size(part))


def _file_name(part: Piece, problems: list[str]) -> str:
    """Read a part's file name; RFC 2231 declares the charset of its percent-encoded bytes."""
    value = _name_parameter(part)
    if isinstance(value, str):
        return decode_header(value, problems)
    charset, _, escaped = value
    # The parser has made each byte one character, or a surrogate where it was not escaped.
    text = decode(escaped.encode("latin-1", "surrogateescape"), charset, problems)
    return printable(" ".join(text.splitlines())).strip()


def _name_parameter(part: Piece) -> str | tuple[str | None, str | None, str]:
    try:
        return part.get_param("filename", "", "content-disposition") or part.get_param("name", "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _size(part: Piece) -> int:
    """Measure a part in bytes without decoding it; nested parts count with their encoding."""
    size, stack = 0, [part]
    while stack:
        inside = stack.pop()
        size += len(inside.raw)
        stack.extend(inside.pieces())
    if not size:  # left on its server, which told how large it is (readers/imap/parts)
        told = str(part.get("x-omitted-octets") or "")
        return int(told) if told.isascii() and told.isdigit() and len(told) < OCTETS else 0
    if _encoding(part) == "base64":
        ends = part.raw.count("\n") + part.raw.count("\r")
        return (size - ends - part.raw[-4:].count("=")) * 3 // 4
    return size
