"""Bytes to a tree of parts with the standard library's parser, within bounds."""

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from typing import Any

from mailhealth.mime.headers import LONGEST

LARGEST = 50 * 1024 * 1024  # bytes of a message that are read
PARTS = 1_000
HEADERS = 20_000
NESTING = 100  # containers in one message
CONTENT_HEADER = 2_000  # characters; the parser's time grows with the square of its parameters
BOUNDARY_TRIALS = 20_000_000  # the parser tries every open boundary on every line

LONG = 32_768  # bytes of a message whose attachments are left out
HEADER = 4_096  # bytes before a payload in which its part's header is looked for
READ = (b"text", b"message", b"multipart")  # media types whose content is read

# Possessive, and without blank lines: every byte is looked at once, whatever the mail holds.
_PAYLOAD = re.compile(rb"(\r?\n)\r?\n((?:[A-Za-z0-9+/=]++\r?+\n){200,}+)(?=--)")
_KIND = re.compile(rb"^content-type:[ \t\r\n]*([a-z]+)/", re.IGNORECASE | re.MULTILINE)
_ENCODED = re.compile(
    rb"^content-transfer-encoding:[ \t]*base64[ \t\r]*$", re.IGNORECASE | re.MULTILINE
)
_FROM_LINE = re.compile(rb">?From [^\r\n]*(?:\r\n?|\n)")
_HEADER = re.compile(rb"[!-9;-~]+:")


class _EnoughRead(Exception):
    """The message has more parts, headers or nesting than anybody sends."""


@dataclass(slots=True)
class _Bounds:
    """What may still come."""

    nesting: int
    headers: int = HEADERS


class _Bounded(Compat32):
    """Keeps header values raw, and stops where a hostile message would cost minutes."""

    bounds: _Bounds = _Bounds(0)

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        self.bounds.headers -= 1
        if name[:8].lower() == "content-":
            value = value[:CONTENT_HEADER]
            self.bounds.nesting -= "multipart/" in value[:100].lower()
        if self.bounds.headers < 0 or self.bounds.nesting < 0:
            raise _EnoughRead
        return name, value[:LONGEST]

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value  # compat32 would replace undeclared bytes; we read them ourselves


class Piece(Message):
    """A part that also keeps its payload as it stood: `get_payload` replaces 8-bit bytes."""

    raw = ""  # undeclared bytes as surrogates
    media_type: str | None = None

    def set_payload(self, payload: Any, charset: Any = None) -> None:
        super().set_payload(payload, charset)
        self.raw = payload if isinstance(payload, str) else ""

    def get_content_type(self) -> str:
        """The media type, worked out once: everybody asks for it."""
        if self.media_type is None:
            self.media_type = super().get_content_type()
        return self.media_type

    def pieces(self) -> "list[Piece]":
        """List the parts directly inside this one."""
        inside = self.get_payload() if self.is_multipart() else []
        return [part for part in inside if isinstance(part, Piece)]


def read_structure(raw: bytes, problems: list[str]) -> Piece:
    """Cut a message into its parts; what was read until a bound was met is kept."""
    raw = _without_attachments(_trimmed(raw, problems))
    created: list[Piece] = []

    def piece(policy: Any = None) -> Piece:
        if len(created) >= PARTS:
            raise _EnoughRead
        created.append(Piece(policy or Compat32()))
        return created[-1]

    nesting = max(5, min(NESTING, BOUNDARY_TRIALS // (raw.count(b"\n") + raw.count(b"\r") + 1)))
    policy = _Bounded()
    object.__setattr__(policy, "bounds", _Bounds(nesting))  # policies refuse plain assignment
    try:
        BytesParser(piece, policy=policy).parsebytes(raw)
    except _EnoughRead:
        problems.append("too many parts or headers, the rest not read")
    except RecursionError:
        problems.append("parts nested too deep, the rest not read")
    # The parser makes one empty piece to try its factory; the message is the first with headers.
    return next((made for made in created if made.items()), created[-1])


def _without_attachments(raw: bytes) -> bytes:
    """Take out what long base64 attachments hold, and leave their size: nobody reads it here.

    The parser looks at every line, and most lines of most mail are those.
    """
    if len(raw) < LONG:
        return raw
    return _PAYLOAD.sub(_left_out, raw)


def _left_out(found: re.Match[bytes]) -> bytes:
    before = found.string[max(0, found.start() - HEADER) : found.start()]
    _, boundary, header = before.rpartition(b"\n--")
    kinds = [kind.lower() for kind in _KIND.findall(header)]
    if not boundary or len(kinds) != 1 or kinds[0] in READ or not _ENCODED.search(header):
        return found[0]
    end, payload = found[1], found[2]
    ends = payload.count(b"\n") + payload.count(b"\r")
    octets = (len(payload) - ends - payload[-4:].count(b"=")) * 3 // 4
    return b"%sX-Omitted-Octets: %d%s%s" % (end, octets, end, end)


def _trimmed(raw: bytes, problems: list[str]) -> bytes:
    """Remove what stands before the first header: BOM, mbox line, blank lines."""
    if len(raw) > LARGEST:
        problems.append("cut at 50 MB")
        raw = raw[:LARGEST]
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if from_line := _FROM_LINE.match(raw):
        raw = raw[from_line.end() :]
    stripped = raw.lstrip() if raw[:1].isspace() else raw
    return stripped if _HEADER.match(stripped) else raw
