"""What a bounce says, read slowly from its bytes alone: the truth to measure `machine` against.

Shares no code with the package. It looks for the fields of RFC 3464 anywhere in the message, then
for the addresses in the report's own words, and gives up where they are more than one.
"""

import base64
import binascii
import quopri
import re
from pathlib import Path

_FIELD = re.compile(
    r"^(?:final|original)-recipient: *(?:[\w-]+ *;)? *<?([^\s<>;,]+@[^\s<>;,]+)", re.I
)
_FAILED = re.compile(r"^x-failed-recipients: *(.+)", re.I)
_ADDRESS = re.compile(r"[\w.+=/'-]+@[\w-]+(?:\.[\w-]+)+")
_OURS = re.compile(r"^(?:to|delivered-to|x-original-to|from|return-path|sender): *(.*)", re.I)
# Where the report ends and the returned message begins.
_COPY = re.compile(
    r"^(?:content-type: *(?:message/rfc822|text/rfc822-headers)|-{3,}.{0,60}(?:copy|original|"
    r"unsent|returned|below|転送|原文).*|--- below this line.*|received: .*|return-path: .*)",
    re.I,
)
_OFFICE = re.compile(r"(?:postmaster|mailer-daemon|abuse)@")
_TO = re.compile(r"^to: *(.*)", re.I)
_NUMBER = re.compile(r"\s*['\"](\d+)['\"]\s*=>")
_EXPECTED = re.compile(
    r"""\[\s*['"][\d.]*['"],\s*['"]\d*['"],\s*['"](\w*)['"],\s*(true|false)(?:,\s*(\w+))?"""
)


def recipients(raw: bytes) -> frozenset[str]:
    """Read the failed addresses of one bounce, in lower case; empty where they stay open."""
    head, lines = _unfolded(raw)
    failed = frozenset(_addresses(_FIELD, lines)) or _first_list(_FAILED, head)
    told = failed or _told(head, _report(lines)) or _sent_to(head, lines)
    return told if failed or len(told) == 1 else frozenset()


def _unfolded(raw: bytes) -> tuple[list[str], list[str]]:
    text = _decoded(raw.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub(r"\n[ \t]+(?=\S)", " ", text) if "\n\n" not in text else text
    head, _, body = text.lstrip("\n\ufeff").partition("\n\n")
    return re.sub(r"\n[ \t]+", " ", head).split("\n"), body.split("\n")


def _decoded(text: str) -> str:
    """Undo base64 and quoted-printable parts, in place; what does not decode stays."""

    def base(match: re.Match[str]) -> str:
        try:
            return match[1] + base64.b64decode(match[2]).decode("utf-8", "replace")
        except binascii.Error:
            return match[0]

    text = re.sub(
        r"(content-transfer-encoding: *base64(?:\n[^\n]+)*\n\n)([a-z0-9+/=\n]{20,200000})",
        base, text, flags=re.I,
    )  # fmt: skip
    if re.search(r"content-transfer-encoding: *quoted-printable", text, re.I):
        text = quopri.decodestring(text.encode("latin-1", "replace")).decode("latin-1")
    return text


def _sent_to(head: list[str], lines: list[str]) -> frozenset[str]:
    """The people the returned message was for."""
    report = {address.lower() for line in head for address in _ADDRESS.findall(line)}
    to = [found[1] for line in lines if (found := _TO.match(line))]
    people = {address.lower() for line in to for address in _ADDRESS.findall(line)}
    return frozenset(people - report)


def _addresses(pattern: re.Pattern[str], lines: list[str]) -> set[str]:
    return {found[1].lower().strip(".") for line in lines if (found := pattern.match(line))}


def _first_list(pattern: re.Pattern[str], lines: list[str]) -> frozenset[str]:
    found = next((match[1] for line in lines if (match := pattern.match(line))), "")
    return frozenset(address.lower() for address in _ADDRESS.findall(found))


def _report(lines: list[str]) -> list[str]:
    """The lines before the returned message."""
    end = next((at for at, line in enumerate(lines) if at and _COPY.match(line)), len(lines))
    return lines[:end]


def _told(head: list[str], report: list[str]) -> frozenset[str]:
    """The addresses a report names that are not the mailbox it went to."""
    ours = {
        address.lower()
        for line in head
        if (found := _OURS.match(line))
        for address in _ADDRESS.findall(found[1])
    }
    named = {address.lower() for line in report for address in _ADDRESS.findall(line)} - ours
    return frozenset(one for one in named if not _OFFICE.match(one))


def verdicts(folder: Path) -> dict[str, set[bool]]:
    """Read what Sisimai's own tests expect of its mails: may the bounce be called hard, or not?

    `folder` is a checkout of github.com/sisimai/rb-sisimai, whose tests list for each mail
    [status, reply code, reason, hard, toxic] of each recipient. Toxic is an address that it
    advises to write to no more: a mailbox that refuses or is disabled may be called either.
    So may a mail with several recipients of several fates. A delivery or a complaint is no
    bounce: an empty set.
    """
    found: dict[str, set[bool]] = {}
    for file in sorted(folder.glob("test/public/*.rb")):
        number = ""
        for line in file.read_text("utf-8").split("\n"):
            number = match[1] if (match := _NUMBER.match(line)) else number
            for reason, hard, toxic in _EXPECTED.findall(line):
                verdict = found.setdefault(f"{file.stem}-{number}", set())
                verdict |= _verdict(reason, hard == "true", toxic in ("true", "1"))
    return found


def _verdict(reason: str, hard: bool, toxic: bool) -> set[bool]:
    if reason in ("delivered", "feedback", "vacation"):
        return set()
    return {True} if hard else {False, toxic}
