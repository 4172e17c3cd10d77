"""A page of rules, as the user or we have written it: its text, and the TOML in it."""

import tomllib
from pathlib import Path
from typing import Any

from mailhealth.errors import BadData


def text(path: Path) -> str:
    """Read a page of the user's; raises BadData for what cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadData(f"{path.name}: it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadData(f"{path.name}: it is not UTF-8 ({error.reason})") from error


def loads(page: str, name: str) -> dict[str, Any]:
    """Parse the text of a page; raises BadData, with the page's name, for what is no TOML."""
    try:
        return tomllib.loads(page)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadData(f"{name}: it is not TOML ({error})") from error
