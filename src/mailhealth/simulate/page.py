"""The constants of a world: worlds.toml, with what another world changes of the base."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from mailhealth.errors import UnknownName

Constants = Mapping[str, Any]  # by table and key, as worlds.toml has them

BASE = "base"


def worlds() -> list[str]:
    """List the worlds there are, base first."""
    return [BASE, *_page()["world"]]


def constants(world: str) -> Constants:
    """Return a world's tables; raises UnknownName for a world that is not there."""
    if world not in worlds():
        close = get_close_matches(world, worlds(), n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(worlds())}"
        raise UnknownName(f"no world '{world}'; {hint}")
    page = {key: table for key, table in _page().items() if key != "world"}
    return changed(page, _page()["world"].get(world, {}))


def changed(base: Constants, other: Constants) -> Constants:
    """Lay tables over others, key by key; a key that the base has not got is a KeyError."""
    if unknown := [key for key in other if key not in base]:
        raise KeyError(f"worlds.toml: the base world has no '{unknown[0]}'")
    deeper = {
        key: changed(base[key], value) if isinstance(value, Mapping) else value
        for key, value in other.items()
    }
    return {**base, **deeper}


@cache
def _page() -> Constants:
    return tomllib.loads(files("mailhealth.simulate").joinpath("worlds.toml").read_text("utf-8"))
