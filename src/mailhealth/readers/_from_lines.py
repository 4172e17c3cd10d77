"""Cuts a stream of mbox into its messages, at the lines that begin with "From "."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from mailhealth.mime.dates import read_date
from mailhealth.readers import _zips
from mailhealth.readers._archives import LARGEST, TOO_LARGE
from mailhealth.records import Raw, Skipped

HEAD = 4_096  # bytes that show where the next message begins
LINE = 1024 * 1024  # bytes of one line read at a time
BOM = b"\xef\xbb\xbf"

# The whole shape of a From_ line, so that a sentence that begins with "From " is text:
# "From ann@example.com Mon Jun  1 10:00:00 2015", "From - Mon ...", archives' "ann at example.com".
_FROM_LINE = re.compile(
    rb"From (?:\S+|\S+ at \S+)? {1,3}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,40}\d\d:\d\d.{0,40}\s*$"
    rb"|From -\s*$|From \S+@xxx\b"
)
_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")
# Headers that open a message even where the blank line before its From_ line got lost.
_OPENING = re.compile(
    rb"(?i)(?:from|to|date|return-path|received|subject|message-id|delivered-to|mime-version"
    rb"|x-[a-z-]{1,40}):"
)
_QUOTED_FROM = re.compile(rb">+From ")
_DATED = re.compile(rb"(?im)^(?:date|received)[ \t]*:")
_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,9})[ \t\r]*$")
_WHEN = re.compile(  # "Mar  9 10:00:00 2026", with a zone behind it or before the year
    r"([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d:\d\d(?::\d\d)?)"
    r" +(?:([+-]\d{4}) +)?(\d{4})(?: +([+-]\d{4}))?"
)


@dataclass(slots=True)
class _Open:
    """The message that is being collected; `body` is the offset of its body, `end` the end that
    its Content-Length claims, both -1 while unknown."""

    start: int
    from_line: bytes
    content: bytearray = field(default_factory=bytearray)
    size: int = 0
    body: int = -1
    end: int = -1


def complaint(start: bytes) -> str:
    """Say what the first bytes of a file miss to be an mbox; "" where they may begin one."""
    first = start.removeprefix(BOM).lstrip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    if start and not _FROM_LINE.match(first):
        return 'is no mbox: its first line is not a "From " line'
    return ""


def messages(stream: BinaryIO, where: str, most: int | None = None) -> Iterator[Raw | Skipped]:
    """Cut a stream of mbox into its messages; each is placed by its byte offset.

    A message begins at a From_ line of full shape between a blank line (or the beginning) and
    a header; without the blank line the header must be one that opens messages. Within the
    length that a Content-Length header claims nothing begins, if what follows it shows that the
    claim is true. `>From ` loses one `>`. Beyond `most` bytes the rest is skipped.
    """
    message: _Open | None = None
    offset = 0
    for from_line, line in _lines(stream):
        if message is None or (from_line and not _within(message, offset, stream)):
            if message is not None:
                yield _finished(message, where)
            message = _Open(offset, line) if from_line else None
        else:
            _add(message, line, offset)
        offset += len(line)
        if most is not None and offset > most:
            yield Skipped(where, _zips.BOMB)
            return
    if message is not None:
        yield _finished(message, where)


def _add(message: _Open, line: bytes, offset: int) -> None:
    message.size += len(line)
    if message.size <= LARGEST:
        message.content += line[1:] if _QUOTED_FROM.match(line) else line
    if message.body < 0 and not line.strip():
        message.body = offset + len(line)


def _within(message: _Open, offset: int, stream: BinaryIO) -> bool:
    """Whether a From_ line lies within the length that the message's own header claims."""
    plain = isinstance(getattr(stream, "raw", stream), io.FileIO | io.BytesIO)
    if message.body < 0 or not plain:
        return False  # going back in what is packed would mean unpacking it from its beginning
    if message.end < 0:
        claimed = _LENGTH.search(_header(message.content))
        end = message.body + int(claimed[1]) if claimed else 0
        message.end = end if end > offset and _ends(stream, end) else 0
    return offset < message.end


def _ends(stream: BinaryIO, end: int) -> bool:
    """Whether a message ends at an offset: there the file ends, or the next From_ line stands."""
    here = stream.tell()
    size = stream.seek(0, 2)
    stream.seek(end)
    below = stream.read(HEAD)
    stream.seek(here)
    first = below.lstrip(b"\r\n")
    return end <= size and (not first or bool(_FROM_LINE.match(first.partition(b"\n")[0])))


def _header(content: bytearray) -> bytes:
    start = bytes(content[: 64 * 1024])
    ends = (start.find(blank) for blank in (b"\n\n", b"\n\r\n"))
    return start[: min((end for end in ends if end >= 0), default=len(start))]


def _lines(stream: BinaryIO) -> Iterator[tuple[bool, bytes]]:
    """Yield each line and whether a message begins with it, which the line below decides."""
    blank, held = True, stream.readline(LINE)
    while held:
        below = stream.readline(LINE)
        yield held.startswith((b"From ", BOM)) and _begins(held, below, blank), held
        blank, held = not held.strip(), below


def _begins(line: bytes, below: bytes, after_blank: bool) -> bool:
    header = _HEADER if after_blank else _OPENING
    return bool(_FROM_LINE.match(line.removeprefix(BOM)) and header.match(below))


def _finished(message: _Open, where: str) -> Raw | Skipped:
    where = f"{where}:{message.start}"
    if message.size > LARGEST:
        return Skipped(where, TOO_LARGE)
    dated = _DATED.search(_header(message.content))
    return Raw(where, bytes(message.content), None if dated else _when(message.from_line))


def _when(from_line: bytes) -> int | None:
    """The date of a From_ line in seconds since 1970; without a zone it is UTC (RFC 4155)."""
    line = from_line[:200].decode("ascii", "replace")
    if not (found := _WHEN.search(line)):
        return None
    month, day, time, zone_before, year, zone = found.groups()
    return read_date(f"{day} {month} {year} {time} {zone or zone_before or '+0000'}")[0]
