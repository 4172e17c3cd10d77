"""The facts that signals stand on: the views of facts.sql, by name."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_STATEMENT = re.compile(r"create or replace temporary view (\w+) as\n(.*?);\n", re.DOTALL)
_WORD = re.compile(r"\w+")


@cache
def facts() -> Mapping[str, str]:
    """Return the facts by name, in the order they build on each other: the SQL of each view."""
    text = files("mailhealth").joinpath("facts.sql").read_text("utf-8")
    return dict(_STATEMENT.findall(text))


def lineage(fact: str) -> list[str]:
    """Return the SQL of a fact and of every fact it is built on."""
    views = facts()
    names = {word for word in _WORD.findall(views[fact]) if word in views and word != fact}
    return [views[fact]] + [sql for name in sorted(names) for sql in lineage(name)]
