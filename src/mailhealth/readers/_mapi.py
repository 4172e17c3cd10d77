"""What Outlook keeps of a mail: MAPI properties, and how their texts and times are coded."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Properties = Mapping[int, tuple[int, bytes]]  # the property's id -> its type and its value

INTEGER, STRING_8, STRING, TIME, BINARY = 0x03, 0x1E, 0x1F, 0x40, 0x102  # types

# Properties, by the names of [MS-OXPROPS] without their PidTag.
MESSAGE_CLASS = 0x001A
SUBJECT = 0x0037
CLIENT_SUBMIT_TIME = 0x0039
CONVERSATION_INDEX = 0x0071
TRANSPORT_MESSAGE_HEADERS = 0x007D
RECIPIENT_TYPE = 0x0C15
DELIVERY_TIME = 0x0E06
BODY, RTF_COMPRESSED, HTML = 0x1000, 0x1009, 0x1013
MESSAGE_ID, REFERENCES, IN_REPLY_TO = 0x1035, 0x1039, 0x1042
DISPLAY_NAME, EMAIL_ADDRESS, SMTP_ADDRESS = 0x3001, 0x3003, 0x39FE
INTERNET_CODEPAGE, MESSAGE_CODEPAGE = 0x3FDE, 0x3FFD
# Name, SMTP address and address of the writer, and of the one who sent it for the writer.
REPRESENTED = (0x0042, 0x5D02, 0x0065)
SENDER = (0x0C1A, 0x5D01, 0x0C1F)
PERSON = (DISPLAY_NAME, SMTP_ADDRESS, EMAIL_ADDRESS)
CREATOR = (0x4022, 0x5D0A, 0x4023)
LAST_MODIFIER = (0x4024, 0x5D0B, 0x4025)

_EPOCH = 11_644_473_600  # seconds from 1601, where Windows begins to count, to 1970
_ADDRESS = re.compile(r"[^\s<>\",;:@]{1,200}@[^\s<>\",;:@]{1,255}")
_CODECS = {
    932: "cp932",
    936: "gb18030",
    20932: "euc_jp",
    20936: "gb2312",
    20949: "cp949",
    50220: "iso2022_jp_ext",
    50221: "iso2022_jp_ext",
    50222: "iso2022_jp_ext",
    50225: "iso2022_kr",
    51932: "euc_jp",
    51936: "gb2312",
    51949: "euc_kr",
    52936: "hz",
    54936: "gb18030",
    20127: "cp1252",
    20866: "koi8_r",
    21866: "koi8_u",
    65000: "utf_7",
    65001: "utf_8",
}
_MAILS = ("ipm.note", "ipm.post", "ipm.schedule.meeting", "report.")
_ISO_8859 = range(28591, 28606)


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, with its content or as many bytes as it has."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Item:
    """One mail as Outlook keeps it; `codepage` is for its 8-bit texts where it names none."""

    properties: Properties
    recipients: tuple[Properties, ...] = ()
    files: tuple[File, ...] = ()
    codepage: int = 1252


def is_mail(item: Item) -> bool:
    """Whether an item is a mail or a report on one, and no contact, task, note or appointment."""
    kind = text(item, MESSAGE_CLASS).lower()
    return kind in ("", "ipm") or kind.startswith(_MAILS)


def exchange_addresses(item: Item) -> Iterator[tuple[str, str]]:
    """Yield (Exchange address in lower case, SMTP address) for all people of whom both are told."""
    owners = [(item.properties, ids) for ids in (REPRESENTED, SENDER, CREATOR, LAST_MODIFIER)]
    for properties, ids in [*owners, *((each, PERSON) for each in item.recipients)]:
        smtp = address(text_of(item, properties, ids[1]))
        exchange = text_of(item, properties, ids[2])
        if smtp and exchange.startswith("/"):
            yield exchange.lower(), smtp


def text(item: Item, property_id: int) -> str:
    """A text property; "" where it is missing. Never raises."""
    return text_of(item, item.properties, property_id)


def seconds(item: Item, property_id: int) -> int | None:
    """A time property in seconds since 1970; None where it is missing or absurd."""
    kind, value = item.properties.get(property_id, (0, b""))
    if kind != TIME or len(value) != 8:  # noqa: PLR2004
        return None
    when = int.from_bytes(value, "little") // 10_000_000 - _EPOCH
    return when if 0 < when < 1 << 32 else None


def integer(properties: Properties, property_id: int) -> int | None:
    """A number property; None where it is missing."""
    kind, value = properties.get(property_id, (0, b""))
    return int.from_bytes(value[:4], "little", signed=True) if kind == INTEGER else None


# How texts are coded.


def text_of(item: Item, properties: Properties, property_id: int) -> str:
    """A text property of an item, or of a recipient of it; "" where it is missing."""
    kind, value = properties.get(property_id, (0, b""))
    if kind == STRING:
        return value[: len(value) & ~1].decode("utf-16-le", "replace").rstrip("\0")
    if kind in (STRING_8, BINARY):
        names = codecs_of(item, MESSAGE_CODEPAGE, INTERNET_CODEPAGE)
        return decoded(value, names).rstrip("\0")
    return ""


def codecs_of(item: Item, *ids: int) -> list[str]:
    """The codecs that an item names for its 8-bit texts, in the order of these properties."""
    named = (integer(item.properties, each) for each in ids)
    return [_codec(number) for number in (*named, item.codepage) if number]


def _codec(codepage: int) -> str:
    if codepage in _ISO_8859:
        return f"iso8859_{codepage - _ISO_8859.start + 1}"
    name = _CODECS.get(codepage, f"cp{codepage}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def decoded(value: bytes, names: list[str]) -> str:
    """Decode with the first codec that takes all bytes; programs name code pages carelessly."""
    for name in (*names, "utf-8"):
        try:
            return value.decode(name)
        except (UnicodeError, LookupError):
            continue
    return value.decode(names[0] if names else "cp1252", "replace")


def address(written: str) -> str:
    """The Internet address in a text that is one, "" for an Exchange address or a name."""
    found = _ADDRESS.fullmatch(written.strip(" <>'"))
    return found[0] if found else ""
