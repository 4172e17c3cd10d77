"""Fields that machines write for machines: reports, attached headers, addresses."""

import re
from collections.abc import Iterator

from mailhealth.records import Mail

LONGEST = 2_000  # characters of one field
LARGEST = 100_000  # characters of one report that are read

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*(.*)")
_REPLY_LINE = re.compile(r"[245]\d\d[ -]")
_ADDRESS = re.compile(r"[^\s<>()\[\]\\,;:@\"]{1,128}@[\w-][\w.-]{0,252}")
_ID = re.compile(r"<([^<>\s]{1,500})>")
_REMOVED = frozenset(["redacted", "undisclosed", "undisclosed-recipients", "hidden", "removed"])


def read_fields(text: str) -> list[tuple[str, str]]:
    """Read `Name: value` lines in order, names in lower case; folded lines are joined.

    An empty line comes as ("", ""). A line that begins like a server's reply goes on with the
    field before it, because some programs forget to fold; other lines are passed over.
    """
    fields: list[tuple[str, str]] = []
    for line in text[:LARGEST].splitlines():
        if not line.strip():
            fields.append(("", ""))
        elif fields and fields[-1][0] and (line[0] in " \t" or _REPLY_LINE.match(line)):
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}"[:LONGEST])
        elif field := _FIELD.match(line):
            fields.append((field[1].lower(), field[2].strip()[:LONGEST]))
    return fields


def read_head(text: str) -> dict[str, str]:
    """Read the headers of an attached mail, the topmost of each name."""
    return dict(reversed([field for field in read_fields(text) if field[0]]))


def address_in(value: str) -> str:
    """Take the address out of `rfc822; <bo@example.com>`; "" where there is none to know."""
    found = next(addresses_in(value), "")
    return "" if found.partition("@")[0].lower() in _REMOVED else found


def addresses_in(value: str) -> Iterator[str]:
    """Yield the addresses in a text, their domains in lower case."""
    for found in _ADDRESS.finditer(value):
        local, _, domain = found[0].rpartition("@")
        if local := local.strip("'`"):
            yield f"{local}@{domain.rstrip('.-').lower()}"


def id_in(value: str) -> str:
    """Take a Message-ID out of a field, without its angle brackets."""
    found = _ID.search(value)
    return found[1] if found else value.strip().strip("<>").partition(" ")[0]


def part_text(mail: Mail, *media_types: str) -> str:
    """Give the text of the first part of one of these types, else ""."""
    return next((part.text for part in mail.parts if part.media_type in media_types), "")


def attached_head(mail: Mail) -> dict[str, str]:
    """Read the headers of the mail that a report brings back."""
    return read_head(
        part_text(
            mail,
            "message/rfc822",
            "text/rfc822-headers",
            "message/rfc822-headers",
            "message/global-headers",
        )
    )
