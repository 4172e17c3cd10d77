"""Amazon SES events, bare or in SNS envelopes: one row for each recipient."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailhealth.readers import _files
from mailhealth.readers import json as objects
from mailhealth.records import Mark, Row, Skipped

MOST_RECIPIENTS = 50  # SES sends no message to more
# Where an event names its own recipients; all others are about everyone the mail went to ...
_OWN_RECIPIENTS = {
    "bounce": "bouncedRecipients",
    "complaint": "complainedRecipients",
    "delivery": "recipients",
    "deliveryDelay": "delayedRecipients",
}
_OF_ONE = ("Open", "Click", "Subscription")  # ... but these were done by one of them
_REGION = re.compile(r"arn:aws[a-z-]{0,20}:(?:ses|sns):([a-z0-9-]{1,30}):")


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The events in the JSON files of SNS, Firehose or S3, in a file or a folder.

    `settings`: `path`. A row is the event with two keys more: `recipient`, an object with
    `emailAddress` and what the event says of this one, and `message_id`, the Message-ID that
    SES gave the mail. An open or click of a mail to several recipients is skipped.
    """
    for item in objects.read({**settings, "rows": ""}, cursors):
        if isinstance(item, Row):
            yield from _events(item)
        else:
            yield item


def takes(file: Path) -> bool:
    """Whether a file begins as JSON does."""
    return objects.takes(file)


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The keys of the first event of one file (`path`); what SNS says of itself is passed over."""
    seen: tuple[str, ...] = ()
    for number, item in enumerate(read(settings, {})):
        if isinstance(item, Row):
            seen = tuple(item.fields)
            if "mail" in seen:
                return seen
        if number >= _files.TRIED:
            break
    return seen


def _events(row: Row) -> Iterator[Row | Skipped]:
    """Open the envelope and give each recipient a row of their own."""
    event = row.fields
    if isinstance(text := event.get("Message"), str) and event.get("Type") == "Notification":
        opened = _opened(text)
        if opened is None:
            yield Skipped(row.place, f"its Message is no event of SES: {text[:60]!r}")
            return
        event = opened
    recipients = _recipients(event)
    if complaint := _complaint(event, len(recipients)):
        yield Skipped(row.place, complaint)
        return
    message_id = _message_id(event, str(row.fields.get("TopicArn", "")))
    for recipient in recipients or [{}]:
        yield Row(row.place, {**event, "recipient": recipient, "message_id": message_id})


def _opened(text: str) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _complaint(event: Mapping[str, Any], count: int) -> str:
    if count > MOST_RECIPIENTS:
        return f"names {count} recipients; SES sends to at most {MOST_RECIPIENTS}"
    if count > 1 and event.get("eventType") in _OF_ONE:
        return f"does not say which of its {count} recipients it is about"
    return ""


def _recipients(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    for kind, key in _OWN_RECIPIENTS.items():
        if kind in event:
            return _listed(event[kind], key)
    return _listed(event.get("mail"), "destination")


def _listed(inner: object, key: str) -> list[dict[str, Any]]:
    found = inner.get(key) if isinstance(inner, dict) else None
    if not isinstance(found, list):
        return []
    return [each if isinstance(each, dict) else {"emailAddress": each} for each in found]


def _message_id(event: Mapping[str, Any], topic: str) -> str:
    """The Message-ID on the wire, without <>: SES puts its own in the place of the sender's.

    Its domain is the region's, which the identity's or the topic's ARN names; where neither
    does, the sender's Message-ID is the best there is (many programs repeat it in References).
    """
    mail = event.get("mail")
    if not isinstance(mail, dict):
        return ""
    region = _REGION.match(str(mail.get("sourceArn", ""))) or _REGION.match(topic)
    if region and isinstance(own := mail.get("messageId"), str):
        where = "email" if region[1] == "us-east-1" else region[1]
        return f"{own}@{where}.amazonses.com"
    headers = mail.get("commonHeaders")
    given = headers.get("messageId") if isinstance(headers, dict) else ""
    return given.strip("<> ") if isinstance(given, str) else ""
