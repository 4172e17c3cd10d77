"""What docs/email_signals.md prints from the contract."""

from docs.printed import _table
from mailhealth.store import contract


def columns() -> str:
    """The columns of the table, as the JSON Schema tells them."""
    properties = contract.schema()["properties"]
    lines = (
        f"| `{name}` | {_type(told['type'])} | {told['description']} |"
        for name, told in properties.items()
    )
    return _table("| column | type | is |\n|---|---|---|", lines)


def version() -> str:
    """The version of the contract."""
    return f"This is version {contract.CONTRACT} of the contract.\n"


def _type(told: str | list[str]) -> str:
    return told if isinstance(told, str) else " or ".join(told)
