"""The sample company: writes its mailbox, send log and customer file from the stories."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mailhealth.demo import mailbox, newsletter, stories
from mailhealth.demo.stories import Story

AS_OF = "2026-11-01T00:00:00Z"
OURS = "acme.example"


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the sample lies, the instant it is scored at, and which domain is ours."""

    mailbox: Path
    send_log: Path
    customers: Path
    as_of: str = AS_OF
    ours: str = OURS


def lay_out(folder: Path) -> DemoFiles:
    """Write support.mbox, newsletter.csv and customers.csv into `folder`, the same bytes always.

    The folder is made when missing, files of these names are replaced. BadData when a story
    does not hold together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = DemoFiles(folder / "support.mbox", folder / "newsletter.csv", folder / "customers.csv")
    told = stories.load()
    files.mailbox.write_bytes(b"".join(mailbox.entries(told)))
    _write_csv(files.send_log, newsletter.HEADER, newsletter.rows(told, stories.mailings()))
    _write_csv(files.customers, CUSTOMER_HEADER, _customer_rows(told))
    return files


CUSTOMER_HEADER = ("customer", "domain", "address", "segment", "owner", "started", "renews")


def _customer_rows(told: Iterable[Story]) -> Iterable[tuple[str, ...]]:
    for story in told:
        if not story.customer:
            continue
        rest = (story.segment, story.owner, str(story.started), str(story.renews))
        yield (story.customer, story.customer, "", *rest)
        for person in story.people:
            if person.domain != story.customer:  # a customer's private or group address
                yield (story.customer, "", person.address, *rest)


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
