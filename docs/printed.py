"""What the pages print from the code and the data, so that they cannot rot (`make docs`)."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory


def verbs() -> str:
    """The verbs of the command line with their one-line help."""
    from mailhealth.cli import main

    return _table(
        "| verb | does |\n|---|---|",
        (f"| `{name}` | {verb.get_short_help_str(200)} |" for name, verb in main.commands.items()),
    )


def connectors() -> str:
    """What can be read."""
    from mailhealth import sources

    found = sorted(sources.connectors().items())
    return _table(
        "| connector | reads |\n|---|---|", (f"| `{name}` | {each.title} |" for name, each in found)
    )


def schema() -> str:
    """Every table and view of a fresh database as SQLite keeps it, comments included."""
    from mailhealth import store

    with TemporaryDirectory() as folder:
        db = store.connect(Path(folder) / "schema.db")
        rows = db.execute(
            "select name, sql from sqlite_master where type in ('table', 'view')"
            " and name not like '%sqlite_%' order by rowid"
        ).fetchall()
        db.close()
    return "\n".join(f"## {name}\n\n```sql\n{sql}\n```\n" for name, sql in rows)


def signals() -> str:
    """The signals of the shipped health.toml: what each asks and what it can give."""
    from mailhealth import rules

    lines = (
        f"| `{signal.name}` | {signal.asks} | {signal.kind} | {signal.window} |"
        f" {_points(signal.points)} |"
        for signal in rules.load().signals
    )
    return _table("| signal | question | kind | days | points |\n|---|---|---|--:|--:|", lines)


def machines() -> str:
    """The rules that tell machines from people, from the shipped machines.toml."""
    from mailhealth import verdicts

    lines = (
        f"| `{rule['rule']}` | {rule['because']} | {rule['types']} | {rule['points']} |"
        for rule in verdicts.table()
    )
    return _table("| rule | fires where | for | points |\n|---|---|---|--:|", lines)


def _points(points: tuple[float, float]) -> str:
    return f"{points[0]:g} to {points[1]:+g}".replace("+0", "0") if any(points) else "shown only"


def _table(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *lines]) + "\n"
