"""Which address failed, and why: delivery status reports (RFC 3464), else the text."""

from dataclasses import dataclass

from mailhealth.machine.fields import (
    address_in,
    addresses_in,
    attached_head,
    id_in,
    read_fields,
    read_head,
)
from mailhealth.machine.returned import Entry, cut, entries, verp
from mailhealth.machine.verdict import code_in, reply_in, verdict
from mailhealth.records import Mail, Notice

REASON = 300  # characters
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_OF_A_RECIPIENT = frozenset(
    ["original-recipient", "final-recipient", "action", "status", "diagnostic-code"]
)


@dataclass(frozen=True, slots=True)
class _Failure:
    """What is said of one address; the text `around` it and the `subject` are asked last.

    The subject may quote ours, whose words say nothing of the address.
    """

    address: str
    action: str = ""
    status: str = ""
    reason: str = ""
    around: str = ""
    subject: str = ""


def bounces(mail: Mail) -> tuple[Notice, ...]:
    """Name each failed or delayed address once, as the sender wrote it where that is said.

    `bounce` is hard (the address is dead), blocked (policy, reputation or content: it is about
    the sender) or soft (may pass: full, too large, delayed, not said). Where no address can be
    found, one notice has "" for it.
    """
    said, returned = cut(mail.text)
    attached = attached_head(mail) or read_head(returned)
    known = entries(said)
    failures = _reported(mail, known) or _told(mail, said, known)
    if not failures:
        failures = [_Failure(_guess(mail, attached), around=said, subject=mail.subject)]
    once = {failure.address.lower(): failure for failure in reversed(failures)}
    original = id_in(attached.get("message-id", ""))
    return tuple(_notice(failure, original) for failure in reversed(once.values()))


def _reported(mail: Mail, known: list[Entry]) -> list[_Failure]:
    """Read the report's groups, those that did not arrive."""
    text = "\n\n".join(part.text for part in mail.parts if part.media_type in _STATUS_PARTS)
    told = {entry.address.lower(): entry.after for entry in reversed(known)}
    failures = []
    for group in _groups(text) or _groups(mail.text):
        final = address_in(group.get("final-recipient", ""))
        address = address_in(group.get("original-recipient", "")) or final
        action = group.get("action", "failed").lower()
        if address and not action.startswith(("delivered", "relayed", "expanded")):
            beside = told.get(address.lower()) or told.get(final.lower()) or mail.subject
            reason = _diagnosis(group) or beside
            failures.append(_Failure(address, action, group.get("status", ""), reason))
    return failures


def _diagnosis(group: dict[str, str]) -> str:
    """Give the reason of one group; "" where it is none, such as the exit code of a program."""
    kind, sign, reason = group.get("diagnostic-code", "").partition(";")
    reason = (reason if sign else kind).strip()
    if not reason or reason.isdecimal():
        return group.get("status", "").partition(" ")[2].strip("() ")
    return reason


def _groups(text: str) -> list[dict[str, str]]:
    """Cut a report into its recipients; blank lines between them may be missing or too many."""
    groups: list[dict[str, str]] = [{}]
    for name, value in read_fields(text):
        complete = groups[-1].keys() >= {"final-recipient", "action"}
        if (not name and complete) or (name in _OF_A_RECIPIENT and name in groups[-1]):
            groups.append({})
        if name in _OF_A_RECIPIENT:
            groups[-1][name] = value
    return [group for group in groups if group.keys() & {"final-recipient", "original-recipient"}]


def _told(mail: Mail, said: str, known: list[Entry]) -> list[_Failure]:
    """Read a bounce from before RFC 3464: a header or lines of text name the addresses."""
    header = ",".join(value for name, value in mail.headers if name == "x-failed-recipients")
    failed = list(dict.fromkeys(addresses_in(header)))
    after = {entry.address.lower(): entry.after for entry in reversed(known)}
    ours = {person.address.lower() for person in mail.to}
    known = [entry for entry in known if entry.address.lower() not in ours] or known
    if failed:
        known = [Entry(address, after.get(address.lower(), "")) for address in failed]
    alone = len({entry.address.lower() for entry in known}) == 1
    around = said if alone else ""
    return [
        _Failure(entry.address, reason=entry.after, around=around, subject=mail.subject)
        for entry in known
    ]


def _guess(mail: Mail, attached: dict[str, str]) -> str:
    """Take the address out of our own return path, else the only one the mail was sent to."""
    for name, value in mail.headers:
        if name in ("to", "delivered-to", "x-original-to") and (address := verp(value)):
            return address
    people = list(dict.fromkeys(addresses_in(attached.get("to", ""))))
    return people[0] if len(people) == 1 else ""


def _notice(failure: _Failure, original: str) -> Notice:
    """Weigh one address by the first text that says something of it."""
    code = code_in(failure.status, failure.reason) or code_in("", failure.around)
    texts = [text for text in (failure.reason, failure.around, failure.subject) if text.strip()]
    weighed = ((verdict(failure.action, code, text), text) for text in texts)
    bounce, reason = next(
        ((bounce, text) for bounce, text in weighed if bounce), ("soft", texts[0] if texts else "")
    )
    return Notice("bounced", failure.address, bounce, code, reply_in(reason)[:REASON], original)
