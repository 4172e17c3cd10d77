"""The lines of an invented log in the forms of platforms: with a flag, with agents, with neither.

Every line has a number that no connector reads; the truth is told by it, outside the log.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from people_and_machines import Line, log

NUMBER = "number"  # the column of a line's number
SENDGRID = {
    "sent": "processed",
    "delivered": "delivered",
    "bounced": "bounce",
    "opened": "open",
    "clicked": "click",
    "unsubscribed": "unsubscribe",
}
ELASTIC = {
    "sent": "Submission",
    "delivered": "Sent",
    "bounced": "Bounce",
    "opened": "Open",
    "clicked": "Click",
    "unsubscribed": "Unsubscribe",
}
ELASTIC_COLUMNS = (
    *("TransactionID", "MsgID", "FromEmail", "To", "Subject", "EventType", "EventDate"),
    *("ChannelName", "MessageCategory", "Target", NUMBER),
)


def write(kind: str, path: Path, events: int, *, seed: int, recipients: int) -> dict[int, bool]:
    """Write a log of so many lines; its truth: number -> a machine did it.

    `kind` is one of KINDS.
    """
    lines = islice(log(seed, recipients), events)
    truth: dict[int, bool] = {}
    numbered = enumerate(lines)
    with path.open("w", encoding="utf-8", newline="") as file:
        if kind == "neither":
            writer = csv.DictWriter(file, ELASTIC_COLUMNS)
            writer.writeheader()
            write_row: Callable[[Mapping[str, object]], object] = writer.writerow
        else:
            write_row = lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")  # noqa: E731
        _write_rows(kind, numbered, write_row, truth)
    return truth


def _write_rows(
    kind: str,
    numbered: Iterable[tuple[int, Line]],
    write_row: Callable[[Mapping[str, object]], object],
    truth: dict[int, bool],
) -> None:
    for number, line in numbered:
        if line.machine is not None:
            truth[number] = line.machine
        write_row(KINDS[kind](line, number))


def suffix(kind: str) -> str:
    """How a file of this kind ends."""
    return "csv" if kind == "neither" else "jsonl"


def connector(kind: str) -> str:
    """Which connector reads it."""
    return "elastic_email" if kind == "neither" else "sendgrid"


def _flagged(line: Line, number: int) -> dict[str, object]:
    """As of a platform that says what it takes for a machine, and neither agent nor network."""
    return _sendgrid(line, number) | (
        {"sg_machine_open": line.known} if line.machine is not None else {}
    )


def _with_agents(line: Line, number: int) -> dict[str, object]:
    """As of a platform that tells agent and network, and says nothing about machines."""
    return _sendgrid(line, number) | {
        key: value for key, value in (("useragent", line.agent), ("ip", line.ip)) if value
    }


def _sendgrid(line: Line, number: int) -> dict[str, object]:
    row: dict[str, object] = {
        "email": line.recipient,
        "timestamp": int(line.at),
        "event": SENDGRID[line.type],
        "sg_event_id": f"event-{number}",
        "sg_message_id": line.reference,
        "singlesend_name": line.campaign,
        NUMBER: number,
    }
    return row | ({"url": line.url} if line.url else {})


def _bare(line: Line, number: int) -> dict[str, object]:
    """As of a platform that tells who did what when, and nothing else."""
    at = f"{datetime.fromtimestamp(int(line.at), UTC):%Y-%m-%dT%H:%M:%S}"
    job = line.campaign.replace(" ", "-")
    about = (job, line.reference, "news@acme.example", line.recipient, line.campaign)
    values = (*about, ELASTIC[line.type], at, line.campaign)
    category = "NoMailbox" if line.type == "bounced" else ""
    return dict(zip(ELASTIC_COLUMNS, (*values, category, line.url, number), strict=True))


KINDS: Mapping[str, Callable[[Line, int], dict[str, object]]] = {
    "flag": _flagged,
    "agent + ip": _with_agents,
    "neither": _bare,
}
