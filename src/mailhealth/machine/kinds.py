"""Is it a person? Bounce, complaint, receipt, calendar, automatic answer, list or human."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from mailhealth.machine.words import table
from mailhealth.records import Kind, Mail

HEAD = 3_000  # characters of the text in which a machine says what it is
SUBJECT = 300

_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|回复|返信)\s*(?:\[\d+\])?\s*[:：]", re.IGNORECASE)
_CALENDAR = re.compile(
    r"^METHOD\s*:\s*(?:REQUEST|REPLY|CANCEL|COUNTER|DECLINECOUNTER)", re.I | re.M
)
_ARRIVED = re.compile(r"^action\s*:\s*(?:delivered|relayed|expanded)", re.IGNORECASE | re.MULTILINE)
_NOT_ARRIVED = re.compile(r"^action\s*:\s*(?:failed|delayed)", re.IGNORECASE | re.MULTILINE)
_NO_COMPLAINT = re.compile(r"^feedback-type\s*:\s*(?:auth-failure|dmarc|not-spam)", re.I | re.M)
_OLD_COMPLAINT = re.compile(r"complaint about message from", re.IGNORECASE)
_REPLY = re.compile(r"^[45]\d\d[ -](?:[45]\.\d|[-a-z#<])", re.IGNORECASE | re.MULTILINE)
_JSON_COMPLAINT = re.compile(r'"(?:notification|event)Type"\s*:\s*"Complaint"')


@dataclass(frozen=True, slots=True)
class _Words:
    """The patterns of machine.toml, one for each list."""

    daemon: re.Pattern[str]
    bounce_sender: re.Pattern[str]
    bounce_subject: re.Pattern[str]
    bounce_text: re.Pattern[str]
    auto_subject: re.Pattern[str]
    auto_mark: re.Pattern[str]
    auto_text: re.Pattern[str]
    auto_headers: frozenset[str]
    list_headers: frozenset[str]
    list_sender: re.Pattern[str]
    list_name: re.Pattern[str]


@cache
def _words() -> _Words:
    bounce, auto, bulk = table("bounce"), table("auto_reply"), table("list")
    return _Words(
        daemon=_any(bounce["daemons"]),
        bounce_sender=re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, bounce['senders']))})"),
        bounce_subject=_any(bounce["subjects"]),
        bounce_text=_any(bounce["texts"]),
        auto_subject=_any(auto["subjects"]),
        auto_mark=_any(auto["marks"]),
        auto_text=_any(auto["texts"]),
        auto_headers=frozenset(auto["headers"]),
        list_headers=frozenset(bulk["headers"]),
        list_sender=re.compile(rf"(?:.*[._+-])?(?:{'|'.join(bulk['senders'])})(?:[._+-].*)?$"),
        list_name=_any(bulk["names"]),
    )


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def kind(mail: Mail) -> Kind:
    """Name the class of a mail; the first test that holds decides.

    complaint (RFC 5965), receipt (RFC 8098), bounce (RFC 3464 and the wordings before it),
    calendar, auto_reply (RFC 3834), list, human. A post to a discussion list is a human's.
    """
    headers = _headers(mail)
    parts = {part.media_type: part.text for part in reversed(mail.parts)}
    if _is_complaint(mail, headers, parts):
        return "complaint"
    if _is_receipt(headers, parts):
        return "receipt"
    if _is_bounce(mail, headers, parts):
        return "bounce"
    if _CALENDAR.search(parts.get("text/calendar", "")[:HEAD]):
        return "calendar"
    if _is_auto_reply(mail, headers):
        return "auto_reply"
    return "list" if _is_list(mail, headers, parts) else "human"


def _headers(mail: Mail) -> dict[str, str]:
    """Map each header to its topmost value, in lower case."""
    return {name: value.lower() for name, value in reversed(mail.headers)}


def _report_type(headers: dict[str, str]) -> str:
    content_type = headers.get("content-type", "")
    if not content_type.startswith("multipart/report"):
        return ""
    return content_type.partition("report-type")[2].lstrip(" =\"'")


def _is_complaint(mail: Mail, headers: dict[str, str], parts: dict[str, str]) -> bool:
    report = parts.get("message/feedback-report", "")
    if report or _report_type(headers).startswith("feedback-report"):
        return not _NO_COMPLAINT.search(report)
    if _JSON_COMPLAINT.search(mail.text[:HEAD]):
        return _no_answer(mail)  # a sending service's notification
    return _OLD_COMPLAINT.match(mail.subject) is not None  # Hotmail before RFC 5965


def _is_receipt(headers: dict[str, str], parts: dict[str, str]) -> bool:
    if parts.keys() & {
        "message/disposition-notification",
        "message/global-disposition-notification",
    }:
        return True
    if _report_type(headers).startswith("disposition-notification"):
        return True
    status = _delivery_status(parts)
    return bool(_ARRIVED.search(status)) and not _NOT_ARRIVED.search(status)


def _delivery_status(parts: dict[str, str]) -> str:
    return parts.get("message/delivery-status") or parts.get("message/global-delivery-status", "")


def _is_bounce(mail: Mail, headers: dict[str, str], parts: dict[str, str]) -> bool:
    if _delivery_status(parts) or _report_type(headers).startswith("delivery-status"):
        return True
    if "x-failed-recipients" in headers:
        return True
    known = _words()
    sender, null_path = headers.get("from", "")[:SUBJECT], _null_path(headers)
    postmaster = known.bounce_sender.search(sender) is not None
    if known.daemon.search(sender) or (
        postmaster and (null_path or _REPLY.search(mail.text[:HEAD]))
    ):
        return True
    if not (postmaster or null_path or _no_answer(mail)):
        return False
    text = known.bounce_text.search(mail.text[:HEAD].lower()) is not None
    return text and (null_path or bool(known.bounce_subject.search(mail.subject[:SUBJECT].lower())))


def _null_path(headers: dict[str, str]) -> bool:
    path = headers.get("return-path", headers.get("x-env-sender", "?")).strip()
    return path in ("", "<>", "<mailer-daemon>") or "mailer-daemon@" in path


def _is_auto_reply(mail: Mail, headers: dict[str, str]) -> bool:
    submitted = headers.get("auto-submitted", "no").split(";")[0].strip()
    if submitted not in ("no", ""):
        return submitted != "auto-generated" or not _is_bulk(headers)
    known = _words()
    if known.auto_headers & headers.keys():
        return True
    if headers.get("precedence", "").strip() in ("auto_reply", "auto-reply"):
        return True
    subject = mail.subject[:SUBJECT].lower().strip()
    if not _ANSWER.match(subject) and (
        known.auto_subject.match(subject) or known.auto_mark.search(subject)
    ):
        return True
    return _says_machine(mail, headers)


def _says_machine(mail: Mail, headers: dict[str, str]) -> bool:
    """Believe the text only with another sign: people quote such sentences."""
    sign = _null_path(headers) or "x-auto-response-suppress" in headers or _no_answer(mail)
    return (
        sign and not _is_bulk(headers) and bool(_words().auto_text.search(mail.text[:HEAD].lower()))
    )


def _no_answer(mail: Mail) -> bool:
    if mail.sender is None:
        return False
    return _words().list_sender.match(mail.sender.address.partition("@")[0].lower()) is not None


def _is_bulk(headers: dict[str, str]) -> bool:
    return bool(
        headers.keys() & {"list-unsubscribe", "list-unsubscribe-post", "list-id"}
        or _words().list_headers & headers.keys()
        or headers.get("precedence", "").strip() in ("bulk", "list", "junk")
    )


def _is_list(mail: Mail, headers: dict[str, str], parts: dict[str, str]) -> bool:
    known = _words()
    if known.list_headers & headers.keys() or known.list_name.search(
        headers.get("from", "")[:SUBJECT]
    ):
        return True
    if "message/feedback-report" in parts or _no_answer(mail):
        return True
    return _is_bulk(headers) and not _is_discussion(mail, headers)


def _is_discussion(mail: Mail, headers: dict[str, str]) -> bool:
    """Tell a person's post to a shared list or group address from a mailing.

    List-Id alone does not make bulk: groups put it on every customer's mail to `support@`.
    """
    if "list-unsubscribe-post" in headers:
        return False
    if "mailto:" in headers.get("list-post", "") or "x-google-group-id" in headers:
        return True
    listed = "list-id" in headers or headers.get("precedence", "").strip() == "list"
    answers = mail.in_reply_to or mail.references or _ANSWER.match(mail.subject)
    return bool(listed and answers)
