"""A message too large to carry whole: its words are fetched, its attachments are left there."""

from collections.abc import Callable, Iterator, Mapping
from email import message_from_bytes
from email.message import Message
from typing import Any

SLICE = 1_048_576  # bytes at once
ENOUGH = 2_000_000  # of one part, decoded; no more of it would be read as text (mime/body)
LONGER = {"base64": 1.4, "quoted-printable": 3.2}  # at most, by how it is written
DEEPEST = 20
TEXTS = ("plain", "html", "enriched", "x-amp-html", "amp")  # read where they are not attached
MACHINES = ("calendar", "rfc822-headers")  # read even there
BASE64_LINE = 78  # characters with their line's end, as nearly all programs write it
BEGINS_ANEW = (b"content-", b"mime-version:")

Fetch = Callable[..., Mapping[bytes, Any]]


def without_attachments(fetch: Fetch) -> bytes | None:
    """Build a message anew from its header and the parts that are words.

    `fetch(*items)` asks for items of the message. Every attachment keeps its headers, and tells
    its size in X-Omitted-Octets. None: the server does not tell how the message is built.
    """
    told = fetch("BODYSTRUCTURE", "BODY.PEEK[HEADER]")
    structure, header = told.get(b"BODYSTRUCTURE"), told.get(b"BODY[HEADER]")
    if not isinstance(header, bytes) or not structure:
        return None
    how, rest = _apart(header)
    return rest + b"".join(_part(fetch, structure, "", header=how))


def _apart(header: bytes) -> tuple[bytes, bytes]:
    """Split a header into what says how the body is built, and all else."""
    how: list[bytes] = []
    rest: list[bytes] = []
    lines = rest
    for line in header.splitlines(keepends=True):
        if not line.strip():
            break
        if not line[:1].isspace():
            lines = how if line.lower().startswith(BEGINS_ANEW) else rest
        lines.append(line)
    return b"".join(how), b"".join(rest)


def _part(
    fetch: Fetch, structure: Any, number: str, *, header: bytes = b"", depth: int = 0
) -> Iterator[bytes]:
    """One part and those inside it; the outermost has no number, and brings its `header`."""
    if structure.is_multipart and depth < DEEPEST:
        yield from _several(fetch, structure, number, depth)
    elif number:
        told = fetch(f"BODY.PEEK[{number}.MIME]").get(f"BODY[{number}.MIME]".encode())
        inner = told if isinstance(told, bytes) else b""
        yield from _single(fetch, structure, number, inner, alone=False)
    else:
        yield from _single(fetch, structure, "1", header, alone=True)


def _several(fetch: Fetch, structure: Any, number: str, depth: int) -> Iterator[bytes]:
    boundary = f"part-{number or '0'}-of-a-large-message".encode()
    subtype = structure[1] if isinstance(structure[1], bytes) else b"mixed"
    yield b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype, boundary)
    for place, inside in enumerate(structure[0], 1):
        yield b"\r\n--%s\r\n" % boundary
        below = f"{number}.{place}" if number else str(place)
        yield from _part(fetch, inside, below, depth=depth + 1)
    yield b"\r\n--%s--\r\n" % boundary


def _single(
    fetch: Fetch, structure: Any, number: str, header: bytes, *, alone: bool
) -> Iterator[bytes]:
    size = _size(structure)
    header = header.strip()
    about = message_from_bytes(header or b"Content-Type: %s/%s" % _kind(structure))
    if header:
        yield header + b"\r\n"
    if about.get_content_type() == "message/rfc822":
        inner = b"".join(_slices(fetch, f"{number}.HEADER", SLICE)).rstrip()
        yield b"X-Omitted-Octets: %d\r\n\r\n%s\r\n" % (size, inner)
    elif _is_read(about, alone=alone):
        yield b"\r\n"
        most = ENOUGH * LONGER.get(_encoding(about), 1)
        yield from _slices(fetch, number, min(size, int(most)))
    else:
        octets = _decoded(size) if _encoding(about) == "base64" else size
        yield b"X-Omitted-Octets: %d\r\n" % octets  # and no body, not even an empty line


def _is_read(about: Message, *, alone: bool) -> bool:
    kind, subtype = about.get_content_maintype(), about.get_content_subtype()
    if kind == "text" and subtype in TEXTS:
        attached = about.get_content_disposition() == "attachment"
        return not attached and (alone or not about.get_filename())
    return kind == "message" or (kind == "text" and subtype in MACHINES)


def _encoding(about: Message) -> str:
    return str(about.get("Content-Transfer-Encoding", "")).strip().lower()


def _decoded(size: int) -> int:
    """How many bytes base64 of a size holds, to within three."""
    return (size - 2 * (size // BASE64_LINE)) * 3 // 4


def _kind(structure: Any) -> tuple[bytes, bytes]:
    known = [each if isinstance(each, bytes) else b"x" for each in (*structure, b"", b"")[:2]]
    return known[0], known[1]


def _size(structure: Any) -> int:
    """Of a single part: type, subtype, parameters, id, description, encoding, size (RFC 3501)."""
    size = (*structure[6:7], 0)[0]
    return size if isinstance(size, int) else 0


def _slices(fetch: Fetch, section: str, size: int) -> Iterator[bytes]:
    """The beginning of a section; raises LookupError where the server gives nothing of it."""
    for begin in range(0, size, SLICE):
        told = fetch(f"BODY.PEEK[{section}]<{begin}.{SLICE}>")
        content = told.get(f"BODY[{section}]<{begin}>".encode())
        if isinstance(content, bytes):
            yield content
        elif not begin:
            raise LookupError(section)
