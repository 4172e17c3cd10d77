"""What training has learnt, as TOML that a person can read and a diff can show."""

import json
from collections.abc import Mapping
from typing import Any


def dumps(tables: Mapping[str, Any], name: str = "") -> str:
    """Write nested tables: values first, lists of rows with one inline table a line."""
    lists = {key: value for key, value in tables.items() if isinstance(value, list)}
    inner = {key: value for key, value in tables.items() if isinstance(value, dict)}
    plain = tables.keys() - lists.keys() - inner.keys()
    text = f"\n[{name}]\n" if name and (plain or lists) else ""
    text += "".join(f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in tables.items() if k in plain)
    for key, rows in lists.items():
        text += f"{json.dumps(key)} = [\n" + "".join(f"  {_inline(r)},\n" for r in rows) + "]\n"
    for key, table in inner.items():
        text += dumps(table, f"{name}.{key}" if name else key)
    return text


def _inline(row: Mapping[str, Any]) -> str:
    cells = (
        f"{key} = {_inline(value) if isinstance(value, dict) else json.dumps(value)}"
        for key, value in row.items()
    )
    return f"{{ {', '.join(cells)} }}"
