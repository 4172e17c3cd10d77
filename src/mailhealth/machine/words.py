"""The tables of machine.toml."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads(files("mailhealth").joinpath("machine.toml").read_text("utf-8"))


def table(name: str) -> dict[str, Any]:
    """Give one table of patterns by its name."""
    words: dict[str, Any] = _tables()[name]
    return words
