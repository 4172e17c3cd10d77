"""What the pages print from the code and the data, so that they cannot rot (`make docs`)."""

from pathlib import Path
from tempfile import TemporaryDirectory


def verbs() -> None:
    """Print the verbs of the command line with their one-line help."""
    from mailhealth.cli import main

    print("| verb | does |\n|---|---|")
    for name, command in main.commands.items():
        print(f"| `{name}` | {command.get_short_help_str(200)} |")


def connectors() -> None:
    """Print what can be read."""
    from mailhealth import sources

    print("| connector | reads |\n|---|---|")
    for name, connector in sorted(sources.connectors().items()):
        print(f"| `{name}` | {connector.title} |")


def schema() -> None:
    """Print every table of a fresh database as SQLite keeps it, comments included."""
    from mailhealth import store

    with TemporaryDirectory() as folder:
        db = store.connect(Path(folder) / "schema.db")
        rows = db.execute(
            "select name, sql from sqlite_master where type = 'table'"
            " and name not like '%sqlite_%' order by rowid"
        ).fetchall()
        db.close()
    for name, sql in rows:
        print(f"## {name}\n\n```sql\n{sql}\n```\n")


def signals() -> None:
    """Print the signals of the shipped health.toml: what each asks and what it can give."""
    from mailhealth import rules

    loaded = rules.load()
    print("| signal | question | kind | days | points |\n|---|---|---|--:|--:|")
    for signal in loaded.signals:
        points = " to ".join(f"{each:+g}" for each in signal.points) if signal.points else "–"
        print(f"| `{signal.name}` | {signal.asks} | {signal.kind} | {signal.window} | {points} |")
