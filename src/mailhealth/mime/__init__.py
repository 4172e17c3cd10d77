"""RFC 5322 bytes to `Mail`: whatever they are, a Mail comes out, and its repairs are named."""

from mailhealth.mime.addresses import addresses
from mailhealth.mime.body import read_body
from mailhealth.mime.dates import read_date
from mailhealth.mime.headers import decode_header, message_ids
from mailhealth.mime.structure import read_structure
from mailhealth.records import Address, Mail

Headers = list[tuple[str, str]]


def parse(raw: bytes) -> Mail:
    """Read the bytes of one e-mail; never raises, and takes time in proportion to its size.

    Only the first 50 MB are read. Dates outside 1990 .. tomorrow are None, a missing
    Message-ID is None, ids come without their angle brackets, and every repair is named once
    in `problems`.
    """
    problems: list[str] = []
    message = read_structure(raw, problems)
    body = read_body(message, problems)
    headers = [(name.lower(), str(value)) for name, value in message.items()]
    decoded = tuple((name, decode_header(value, problems, body.charset)) for name, value in headers)
    date, utc_offset = _date(headers, problems)
    sender = _sender(headers, problems, body.charset)
    return Mail(
        headers=decoded,
        message_id=next(iter(message_ids(_first(headers, "message-id"))), None),
        in_reply_to=_in_reply_to(headers, sender),
        references=tuple(dict.fromkeys(message_ids(_first(headers, "references")))),
        date=date,
        utc_offset=utc_offset,
        received=_received(headers),
        sender=sender,
        to=_people(headers, "to", problems, body.charset),
        cc=_people(headers, "cc", problems, body.charset),
        subject=_first(decoded, "subject"),
        text=body.text,
        parts=tuple(body.parts),
        attachments=tuple(body.attachments),
        problems=tuple(dict.fromkeys(problems)),
    )


def _first(headers: Headers | tuple[tuple[str, str], ...], wanted: str) -> str:
    return next((value for name, value in headers if name == wanted), "")


def _people(
    headers: Headers, wanted: str, problems: list[str], hint: str | None
) -> tuple[Address, ...]:
    values = [value for name, value in headers if name == wanted]
    return tuple(person for value in values for person in addresses(value, problems, hint))


def _sender(headers: Headers, problems: list[str], hint: str | None) -> Address | None:
    if sum(name == "from" for name, _ in headers) > 1:
        problems.append("more than one From")
    for name in ("from", "sender"):
        if people := _people(headers, name, problems, hint):
            return people[0]
    problems.append("no sender address")
    return None


def _in_reply_to(headers: Headers, sender: Address | None) -> str | None:
    """Take the last id: old programs write `Message from <address> of "date" <id>`."""
    found = message_ids(_first(headers, "in-reply-to"))
    own = sender.address if sender else ""
    return next((identity for identity in reversed(found) if identity.lower() != own), None)


def _date(headers: Headers, problems: list[str]) -> tuple[int | None, int | None]:
    written = _first(headers, "date")
    when, offset = read_date(written)
    if when is None:
        problems.append("date not understood" if written else "no date")
    return when, offset


def _received(headers: Headers) -> int | None:
    """Read the time of the topmost Received header, the last server's clock."""
    stamp = _first(headers, "received")
    return read_date(stamp.rpartition(";")[2])[0] if ";" in stamp else None
