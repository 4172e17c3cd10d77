"""Mail that machines send: absence notes, bounces, receipts, calendar answers, mailing lists."""

from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from email.message import Message
from email.utils import format_datetime

from mailhealth.demo import bodies
from mailhealth.demo.quoting import is_japanese
from mailhealth.demo.stories import Letter, Person

PREFIXES = {  # kind: English, Japanese
    "auto_reply": ("Automatic reply: ", "自動返信: "),
    "calendar": ("Accepted: ", "承諾: "),
    "receipt": ("Read: ", "開封済み: "),
}


def subject(letter: Letter, answered: str) -> str:
    """The subject that a machine makes of the one it answers."""
    if letter.kind == "bounce":
        return "Undelivered Mail Returned to Sender"
    english, japanese = PREFIXES.get(letter.kind, ("", ""))
    return (japanese if is_japanese(letter.text) else english) + answered


def sender(letter: Letter) -> Person:
    """Who the mail says it is from: a bounce comes from the mail system of the dead address."""
    if letter.kind != "bounce":
        return letter.author
    domain = letter.author.domain
    return Person("", "Mail Delivery System", f"MAILER-DAEMON@mail.{domain}")


def fill(message: Message, letter: Letter, original_id: str, boundary: str) -> None:
    """Give `message` the headers and parts of its kind; `original_id` is what it reports on."""
    FILLERS[letter.kind](message, letter, original_id, boundary)


def _auto_reply(message: Message, letter: Letter, original_id: str, boundary: str) -> None:
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    bodies.set_text(message, letter.text + "\n", "plain", letter.author.charset)


def _list(message: Message, letter: Letter, original_id: str, boundary: str) -> None:
    domain = letter.author.domain
    message["List-Id"] = f"{letter.author.name} <list.{domain}>"
    message["List-Unsubscribe"] = f"<https://{domain}/unsubscribe?u=4711>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Precedence"] = "bulk"
    html = f"<html><body><p>{letter.text.replace(chr(10), '<br>' + chr(10))}</p></body></html>\n"
    bodies.human(
        message, letter.text + "\n", html, charset=letter.author.charset, boundary=boundary
    )


def _bounce(message: Message, letter: Letter, original_id: str, boundary: str) -> None:
    """RFC 3464: a text for people, the status for machines, the headers that came back."""
    message["Auto-Submitted"] = "auto-replied"
    address, at = letter.author.address, format_datetime(letter.at.astimezone(UTC))
    status = Message()
    status["Content-Type"] = "message/delivery-status"
    status.attach(
        _block({"Reporting-MTA": f"dns; mail.{letter.author.domain}", "Arrival-Date": at})
    )
    status.attach(
        _block(
            {
                "Final-Recipient": f"rfc822; {address}",
                "Action": "failed",
                "Status": "5.1.1",
                "Diagnostic-Code": f"smtp; 550 5.1.1 <{address}>: user unknown",
            }
        )
    )
    headers = Message()
    headers["Content-Type"] = "text/rfc822-headers"
    headers.set_payload(
        f"From: {letter.to[0].address}\nTo: {address}\nMessage-ID: <{original_id}>\n"
    )
    parts = [_text(letter), status, headers]
    bodies.set_parts(message, "report; report-type=delivery-status", parts, boundary)


def _receipt(message: Message, letter: Letter, original_id: str, boundary: str) -> None:
    """RFC 8098: somebody's mail program says that a mail was opened."""
    note = Message()
    note["Content-Type"] = "message/disposition-notification"
    note.set_payload(
        f"Reporting-UA: {letter.author.domain}; Microsoft Outlook\n"
        f"Final-Recipient: rfc822;{letter.author.address}\n"
        f"Original-Message-ID: <{original_id}>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n"
    )
    kind = "report; report-type=disposition-notification"
    bodies.set_parts(message, kind, [_text(letter), note], boundary)


def _calendar(message: Message, letter: Letter, original_id: str, boundary: str) -> None:
    """RFC 5546: the answer to an invitation, for the day after."""
    start = letter.at.astimezone(UTC) + timedelta(days=1)
    answer = Message()
    answer["Content-Type"] = 'text/calendar; charset="us-ascii"; method=REPLY'
    answer.set_payload(
        "BEGIN:VCALENDAR\nPRODID:-//Example//Calendar//EN\nVERSION:2.0\nMETHOD:REPLY\n"
        f"BEGIN:VEVENT\nUID:{original_id}\n"
        f"DTSTAMP:{letter.at.astimezone(UTC):%Y%m%dT%H%M%SZ}\nDTSTART:{start:%Y%m%dT%H%M00Z}\n"
        f"ORGANIZER:mailto:{letter.to[0].address}\n"
        f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{letter.author.address}\n"
        "SEQUENCE:0\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    bodies.set_parts(message, "alternative", [_text(letter), answer], boundary)


def _block(fields: Mapping[str, str]) -> Message:
    """One paragraph of a delivery status: fields that are written like headers."""
    block = Message()
    for name, value in fields.items():
        block[name] = value
    return block


def _text(letter: Letter) -> Message:
    part = Message()
    bodies.set_text(part, letter.text + "\n", "plain", letter.author.charset)
    return part


FILLERS: dict[str, Callable[[Message, Letter, str, str], None]] = {
    "auto_reply": _auto_reply,
    "bounce": _bounce,
    "calendar": _calendar,
    "list": _list,
    "receipt": _receipt,
}
