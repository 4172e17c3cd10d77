"""How right mail is read: robustness, own words, bounces, people called machines."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import mail_bounces

from mailhealth.machine import kind, notices
from mailhealth.mime import parse
from mailhealth.mime.html import to_text
from mailhealth.records import Mail, Notice, Raw
from mailhealth.reply import split
from mailhealth.sources.mails import message

LIMIT = 1.0  # seconds of CPU one message may take
HANG = 8  # seconds of wall time after which a peer is stopped
NOTHING = frozenset({"human", "list", "calendar"})
# Mail in the ham corpus that no person wrote; the start of its name, and what it is.
KNOWN_MACHINES = {
    "easy-ham-1/01436": "a mail server's warning that delivery is delayed",
    "easy-ham-1/01507": "a mail server returns a mail",
    "easy-ham-1/01542": "a content filter refuses a mail",
    "easy-ham-2/01304": "a mail server returns a mail",
    "easy-ham-2/01311": "a mail server's warning that delivery is delayed",
}

Peer = Callable[[str], str]
Reader = Callable[[bytes], object]
Verdicts = Mapping[str, set[bool]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, what came out, what to reach, and how."""

    what: str
    measured: str
    reach: str = ""
    note: str = ""


class Hangs(Exception):
    """A peer took longer than `HANG` seconds."""


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def understood(content: bytes) -> object:
    """Read a mail as the product does."""
    return message(Raw("benchmark", content))


def robustness(files: list[Path], reader: Reader = understood, name: str = "") -> Row:
    """Read every file as one message, whatever it is; count those that raise or take too long."""
    failed = [f"{file.name} ({why})" for file in files if (why := _failure(file, reader))]
    return Row(
        f"messages that raise or take more than 1 s{name}",
        f"{len(failed)} of {len(files):,}",
        "" if name else "0",
        ", ".join(failed[:3]) + (" ..." if len(failed) > 3 else ""),
    )


def _failure(file: Path, reader: Reader) -> str:
    content = file.read_bytes()
    start = time.process_time()
    try:
        with _stopped_after(HANG):
            reader(content)
    except Exception as error:  # whatever a reader raises is what is counted here
        return type(error).__name__
    spent = time.process_time() - start
    return f"{spent:.1f} s" if spent > LIMIT else ""


def own_words(cases: list[dict[str, str]], peer: Peer | None = None, name: str = "") -> Row:
    """Count the cases whose own words come out exactly, white space aside.

    Some collectors keep the signature with the own words, some do not: ours is right where
    either fits. A peer gets the text that our HTML reader makes, in favour of the peer.
    """
    wrong = [case["id"] for case in cases if not _is_right(case, peer)]
    right = len(cases) - len(wrong)
    return Row(
        f"own words, exactly right{name}",
        f"{right / len(cases):.1%} of {len(cases)}",
        "" if peer else ">= 92 %",
        "" if peer else f"wrong: {', '.join(wrong)}" if wrong else "",
    )


def _is_right(case: Mapping[str, str], peer: Peer | None) -> bool:
    text = case["text"] if "text" in case else to_text(case["html"], [])
    if peer is None:
        words = split(text)
        answers = [words.new_text, f"{words.new_text}\n{words.signature}"]
    else:
        answers = [_guarded(peer, text)]
    return _folded(case["own_words"]) in {_folded(answer) for answer in answers}


def _guarded(peer: Peer, text: str) -> str:
    try:
        with _stopped_after(HANG):
            return peer(text)
    except Exception:  # a peer that raises or hangs has not found the own words
        return ""


def _folded(text: str) -> str:
    return " ".join(text.split())


def reply_cases(samples: Path) -> list[dict[str, str]]:
    """Load the collected replies with their expected own words."""
    lines = (samples / "mail" / "replies.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def bounce_files(samples: Path, verdicts: Verdicts) -> list[Path]:
    """List the collected bounces: without the complaints, absences, deliveries among them."""
    files = sorted((samples / "mail" / "sisimai" / "bounces").glob("*.eml"))
    return [
        file
        for file in files
        if not file.name.startswith(("arf-", "rfc3834-")) and verdicts.get(file.stem, {True})
    ]


def bounces(files: list[Path], verdicts: Verdicts) -> Iterator[Row]:
    """Count the bounces recognised, and those whose address and class are right.

    The address is right where it is one that `mail_bounces` finds: final and original recipient
    are two names of one failure. The class is right where it is Sisimai's, which knows hard or
    not: our soft and blocked are both not hard.
    """
    mails = {file: parse(file.read_bytes()) for file in files}
    told = {file: _bounced(mail) for file, mail in mails.items()}
    found = [file for file, mail in mails.items() if kind(mail) == "bounce"]
    yield Row("bounces recognised", _share(found, files), ">= 98 %", _missing(files, found))
    truths = {file: mail_bounces.recipients(file.read_bytes()) for file in files}
    named = [file for file in files if truths[file]]
    right = [
        file
        for file in named
        if _recipients(told[file]) and _recipients(told[file]) <= truths[file]
    ]
    yield Row("... with the right address", _share(right, named), ">= 95 %", _missing(named, right))
    judged = [file for file in files if file.stem in verdicts]
    fit = [file for file in judged if set() < _hard(told[file]) <= verdicts[file.stem]]
    if judged:
        yield Row("... as hard or not", _share(fit, judged), ">= 95 %", _missing(judged, fit))


def _bounced(mail: Mail) -> list[Notice]:
    return [notice for notice in notices(mail, "bounce") if notice.type == "bounced"]


def _hard(told: list[Notice]) -> set[bool]:
    return {notice.bounce == "hard" for notice in told}


def _recipients(told: list[Notice]) -> set[str]:
    return {notice.recipient.lower() for notice in told if notice.recipient}


def _share(some: list[Path], of: list[Path]) -> str:
    return f"{len(some) / len(of):.1%} of {len(of)}" if of else "none there"


def _missing(files: list[Path], found: list[Path]) -> str:
    stems = [file.stem for file in files if file not in found]
    return f"not: {', '.join(stems[:12])}{' ...' if len(stems) > 12 else ''}" if stems else ""


def recognised(files: list[Path], peer: Reader, name: str) -> Row:
    """Count the bounces in which a peer finds any failed address."""
    found = [file for file in files if _finds(peer, file)]
    return Row(f"bounces recognised{name}", _share(found, files), "", "")


def _finds(peer: Reader, file: Path) -> bool:
    try:
        with _stopped_after(HANG):
            return bool(peer(file.read_bytes()))
    except Exception:  # an exception is no recognition
        return False


def called_machines(files: list[Path], peer: Reader | None = None, name: str = "") -> Row:
    """Count the ham whose author is called a machine; what a machine did write is left out."""
    called = [file for file in files if (_finds(peer, file) if peer else _is_machine(file))]
    wrong = [file for file in called if _label(file) not in KNOWN_MACHINES]
    missed = [label for label in KNOWN_MACHINES if label not in {_label(file) for file in called}]
    note = ", ".join(_label(file) for file in wrong[:8])
    return Row(
        f"people called machines{name}",
        f"{len(wrong)} of {len(files) - len(KNOWN_MACHINES):,}",
        "" if peer else "0",
        note or (f"machine mail called human: {', '.join(missed)}" if missed and not peer else ""),
    )


def _is_machine(file: Path) -> bool:
    return kind(parse(file.read_bytes())) not in NOTHING


def _label(file: Path) -> str:
    return f"{file.parent.name}/{file.name.partition('.')[0]}"
