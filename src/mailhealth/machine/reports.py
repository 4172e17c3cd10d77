"""Complaints (RFC 5965 and the forms before it) and receipts (RFC 8098)."""

import json
import re

from mailhealth.machine.fields import (
    address_in,
    addresses_in,
    attached_head,
    id_in,
    part_text,
    read_fields,
    read_head,
)
from mailhealth.records import Mail, Notice

_COMPLAINED = ("original-rcpt-to", "removal-recipient", "original-recipient")
_ATTACHED = ("x-hmxmroriginalrecipient", "x-original-to", "x-apparently-to", "delivered-to", "to")
_JSON_LIST = re.compile(r'"complainedRecipients"\s*:\s*(\[[^\]]{0,20000}\])')


def complaints(mail: Mail) -> tuple[Notice, ...]:
    """Say who complained: the report's own fields, else the recipient of the attached mail.

    Where the provider has blacked the address out, `recipient` is "" and `original` tells.
    """
    attached = attached_head(mail)
    original = id_in(attached.get("message-id", ""))
    people = _reported(mail) or _listed(mail.text) or _addressed(attached) or [""]
    return tuple(Notice("complained", person, original=original) for person in people)


def _reported(mail: Mail) -> list[str]:
    fields = read_fields(part_text(mail, "message/feedback-report"))
    for wanted in _COMPLAINED:
        if people := [address_in(value) for name, value in fields if name == wanted]:
            return [person for person in dict.fromkeys(people) if person]
    return []


def _addressed(attached: dict[str, str]) -> list[str]:
    for name in _ATTACHED:
        if person := address_in(attached.get(name, "")):
            return [person]
    return []


def _listed(text: str) -> list[str]:
    """Read the notification of a sending service, which is JSON in the text."""
    found = _JSON_LIST.search(text)
    if found is None:
        return []
    try:
        people = json.loads(found[1].replace("!\n ", ""))
    except (ValueError, RecursionError):
        return list(dict.fromkeys(addresses_in(found[1])))
    return [
        address_in(str(person["emailAddress"]))
        for person in people
        if isinstance(person, dict) and "emailAddress" in person
    ]


def displays(mail: Mail) -> tuple[Notice, ...]:
    """Say which mail was displayed to whom; a mail deleted unread was not displayed."""
    report = read_head(
        part_text(
            mail,
            "message/disposition-notification",
            "message/global-disposition-notification",
        )
    )
    if "displayed" not in report.get("disposition", "").lower().rpartition(";")[2]:
        return ()
    person = address_in(report.get("original-recipient", "")) or address_in(
        report.get("final-recipient", "")
    )
    original = id_in(report.get("original-message-id", "")) or (mail.in_reply_to or "")
    return (
        Notice(
            "displayed", person or (mail.sender.address if mail.sender else ""), original=original
        ),
    )
