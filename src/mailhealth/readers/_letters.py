"""An item of Outlook's is written as RFC 5322: headers, body and attachments."""

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email import encoders
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime

from mailhealth.readers import _mapi, _rtf
from mailhealth.readers._mapi import File, Item, Properties, text

BOUNDARY = "=_part"  # all parts are base64, in which it cannot stand
_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9.+-]{1,60}/[a-zA-Z0-9.+_-]{1,100}")
_HEADER = re.compile(r"([!-9;-~]{1,80}):")
_REPORT = re.compile(r"(?i)multipart/report\b.{0,200}?report-type\s*=\s*\"?([a-z-]{1,40})", re.S)
_CHARSET = re.compile(rb"(?i)charset\s*=\s*[\"']?([a-z0-9_-]{2,30})")
_OWN = frozenset({"content-type", "content-transfer-encoding", "mime-version", "content-length"})
_ROLES = {1: "To", 2: "Cc"}
# What Outlook knows of an item by its class, and mail says by a header.
_MACHINES = {
    "ipm.note.rules.ooftemplate": "auto-replied",
    "ipm.note.rules.replytemplate": "auto-replied",
}
_REPORTS = {"ndr": "delivery-status", "dr": "delivery-status", "ipnrn": "disposition-notification"}
_MEETINGS = {"request": "REQUEST", "canceled": "CANCEL", "resp": "REPLY"}


def letter(item: Item, directory: Mapping[str, str]) -> bytes:
    """Write an item as RFC 5322: the headers it came with, and from its properties what they lack.

    `directory` gives the SMTP address for an Exchange one (in lower case). An Exchange address
    that it does not know is left out: its owner is written by name alone.
    """
    given = list(_given(item))
    there = {name.lower() for name, _ in given}
    lines = [line for name, line in given if name.lower() not in _OWN]
    for name, value in _made(item, directory):
        if name.lower() not in there and value:
            lines.append(f"{name}: {value}")
    head = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    return head + _content(item, given)


# Headers.


def _given(item: Item) -> Iterator[tuple[str, str]]:
    """Yield the headers a mail came with: each one's name, and its lines as they were."""
    raw = text(item, _mapi.TRANSPORT_MESSAGE_HEADERS).replace("\r\n", "\n").replace("\r", "\n")
    lines: list[str] = []
    for line in raw.lstrip("\n").split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines.append(line)
            continue
        yield from _header(lines)
        lines = [line]
        if not line.strip():
            return
    yield from _header(lines)


def _header(lines: list[str]) -> Iterator[tuple[str, str]]:
    # "Microsoft Mail Internet Headers Version 2.0", which Exchange puts on top, is no header.
    if lines and (name := _HEADER.match(lines[0])):
        yield name[1], "\n".join(lines)


def _made(item: Item, directory: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the headers that follow from the properties, "" for those that do not."""
    writer = _mailbox(item, item.properties, _mapi.REPRESENTED, directory)
    sender = _mailbox(item, item.properties, _mapi.SENDER, directory)
    yield "From", writer if "@" in writer or "@" not in sender else sender
    for number, role in _ROLES.items():
        yield role, ",\n ".join(_people(item, number, directory))
    yield "Subject", _encoded(_subject(item))
    yield "Date", _date(item)
    yield "Message-ID", _one_line(text(item, _mapi.MESSAGE_ID))
    yield "In-Reply-To", _one_line(text(item, _mapi.IN_REPLY_TO))
    yield "References", _one_line(text(item, _mapi.REFERENCES))
    kind, index = item.properties.get(_mapi.CONVERSATION_INDEX, (0, b""))
    yield "Thread-Index", base64.b64encode(index[:1_000]).decode() if kind == _mapi.BINARY else ""
    yield "Auto-Submitted", _MACHINES.get(_class(item).removesuffix(".microsoft"), "")


def _date(item: Item) -> str:
    """When it was sent; "-0000" says that the sender's own clock is not known."""
    when = _mapi.seconds(item, _mapi.CLIENT_SUBMIT_TIME) or _mapi.seconds(item, _mapi.DELIVERY_TIME)
    return format_datetime(datetime.fromtimestamp(when, UTC).replace(tzinfo=None)) if when else ""


def _class(item: Item) -> str:
    return text(item, _mapi.MESSAGE_CLASS).lower()


def _subject(item: Item) -> str:
    """The subject without the two characters in which Outlook counts its prefix."""
    subject = text(item, _mapi.SUBJECT)
    return subject[2:] if subject.startswith("\x01") else subject


def _people(item: Item, number: int, directory: Mapping[str, str]) -> Iterator[str]:
    for person in item.recipients:
        if _mapi.integer(person, _mapi.RECIPIENT_TYPE) == number and (
            mailbox := _mailbox(item, person, _mapi.PERSON, directory)
        ):
            yield mailbox


def _mailbox(
    item: Item, properties: Properties, ids: tuple[int, int, int], directory: Mapping[str, str]
) -> str:
    name, smtp, other = (_one_line(_mapi.text_of(item, properties, each)) for each in ids)
    known = (_mapi.address(smtp), _mapi.address(other), directory.get(other.lower(), ""))
    address = next(filter(None, known), "") or _mapi.address(name)
    if not name and not address:
        return ""
    phrase = _encoded(name)
    if phrase.isascii() and not phrase.startswith("=?"):
        phrase = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{phrase} <{address}>" if name != address else f"<{address}>"


def _one_line(value: str) -> str:
    return " ".join("".join(sign if sign >= " " else " " for sign in value[:10_000]).split())


def _encoded(value: str) -> str:
    line = _one_line(value)
    if line.isascii():
        return line
    return Header(line.encode("utf-8", "replace").decode(), "utf-8").encode()


# Body and attachments.


def _content(item: Item, given: list[tuple[str, str]]) -> bytes:
    said, subtype = _body(item)
    body = MIMEText(said.encode("utf-8", "replace").decode(), subtype, "utf-8")
    report = _report(item, given)
    files = [*item.files, *_meeting(item)]
    if not files and not report:
        return body.as_bytes()
    whole = MIMEMultipart("report" if report else "mixed", boundary=BOUNDARY)
    if report:
        whole.set_param("report-type", report)
    whole.attach(body)
    for file in files:
        whole.attach(_attached(file))
    return whole.as_bytes()


def _body(item: Item) -> tuple[str, str]:
    """What an item says and how: plain text, else _mapi.HTML, else RTF made from one of the two."""
    if (plain := text(item, _mapi.BODY)).strip():
        return plain, "plain"
    kind, value = item.properties.get(_mapi.HTML, (0, b""))
    if value:
        if kind != _mapi.BINARY:
            return text(item, _mapi.HTML), "html"
        names = _mapi.codecs_of(item, _mapi.INTERNET_CODEPAGE, _mapi.MESSAGE_CODEPAGE)
        if charset := _CHARSET.search(value[:2_000]):
            names.insert(1, charset[1].decode())
        return _mapi.decoded(value, names).rstrip("\0"), "html"
    rtf = _rtf.unpacked(item.properties.get(_mapi.RTF_COMPRESSED, (0, b""))[1])
    said, is_html = _rtf.content(rtf, _mapi.codecs_of(item, _mapi.MESSAGE_CODEPAGE)[0])
    return said, "html" if is_html else "plain"


def _report(item: Item, given: list[tuple[str, str]]) -> str:
    for name, line in given:
        if name.lower() == "content-type" and (found := _REPORT.search(line)):
            return found[1]
    first, _, rest = _class(item).partition(".")
    return _REPORTS.get(rest.rpartition(".")[2], "") if first == "report" else ""


def _meeting(item: Item) -> Iterator[File]:
    """Say as a calendar part what an item's class alone says: somebody invites or answers."""
    kind, _, rest = _class(item).partition("ipm.schedule.meeting.")
    method = _MEETINGS.get(rest.partition(".")[0]) if not kind else None
    if method and not any(file.media_type == "text/calendar" for file in item.files):
        calendar = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:{method}\r\nEND:VCALENDAR\r\n"
        yield File("", "text/calendar", calendar.encode())


def _attached(file: File) -> MIMEBase:
    main, _, sub = _media_type(file.media_type).partition("/")
    part = MIMEBase(main, sub)
    part.set_payload(file.content)
    encoders.encode_base64(part)
    if name := _one_line(file.name).encode("utf-8", "replace").decode():
        part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    elif file.media_type != "text/calendar":
        part.add_header("Content-Disposition", "attachment")
    return part


def _media_type(written: str) -> str:
    known = _MEDIA_TYPE.fullmatch(written) and not written.lower().startswith("multipart/")
    return written.lower() if known else "application/octet-stream"
