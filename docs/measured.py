"""What the pages print of figures that a benchmark wrote (`make docs`)."""

import tomllib
from pathlib import Path
from typing import Any

MAIL = Path(__file__).with_name("mail.toml")
CAMPAIGNS = Path(__file__).with_name("campaigns.toml")
READER = Path(__file__).with_name("reader.toml")
SCORE = Path(__file__).with_name("score.toml")
IMAP = Path(__file__).with_name("imap.toml")


def mail() -> str:
    """The figures of benchmarks/mail.py as a table, with their day and what was left out."""
    page = tomllib.loads(MAIL.read_text("utf-8"))
    return _figures(page)


def campaigns() -> str:
    """The figures of benchmarks/campaigns.py as a table, with their day."""
    return _figures(tomllib.loads(CAMPAIGNS.read_text("utf-8")))


def reader() -> str:
    """The figures of benchmarks/reader.py as a table, with their day."""
    return _figures(tomllib.loads(READER.read_text("utf-8")))


def score(part: str) -> str:
    """The figures of one part of benchmarks/score.py (worlds, speed) as a table, with their day."""
    page = tomllib.loads(SCORE.read_text("utf-8"))
    return _figures(page[part]) if part in page else "Not measured yet.\n"


def imap() -> str:
    """The figures of benchmarks/imap.py, a table a part."""
    page = tomllib.loads(IMAP.read_text("utf-8"))
    return "\n".join(_figures(part) for part in page.values())


def _figures(page: dict[str, Any]) -> str:
    left_out = page.get("left_out")
    lines = [
        f"Measured {page['measured']} on Python {page['python']}.",
        *([f"Not installed, so not compared: {left_out}."] if left_out else []),
        "",
        "| what | measured | to reach | note |",
        "|---|--:|--:|---|",
    ]
    for row in page["row"]:
        lines.append(f"| {row['what']} | {row['measured']} | {row['reach']} | {row['note']} |")
    return "\n".join(lines) + "\n"


def machines_in_ham() -> str:
    """The mails of the ham corpus that no person wrote."""
    page = tomllib.loads(MAIL.read_text("utf-8"))
    return "".join(f"- `{each['mail']}`: {each['reason']}\n" for each in page["machine_in_ham"])
