"""What the page on mailboxes prints from connectors/ and from the reader (`make docs`)."""

from docs.printed import _table
from mailhealth import sources
from mailhealth.readers.imap import connection
from mailhealth.readers.imap.folders import LEFT_OUT, ROLES

READER = "imap"
COLUMNS = "| connector | server | login | MB a day |\n|---|---|---|--:|"
ORDER = ("junk", "trash", "drafts", "other", "flagged", "important", "all")
CALLED = {  # roles that say too little of themselves
    "all": "all mail (elsewhere than at Gmail)",
    "other": "calendars, contacts, notes, outbox",
}


def providers() -> str:
    """Where each provider is, how one can log in there, and how much is read a day."""
    lines = (
        f"| `{name}` | {_server(each)} | {_logins(each)} | {_daily(each)} |"
        for name, each in _connectors()
    )
    return _table(COLUMNS, lines)


def hints() -> str:
    """What each provider wants and limits."""
    lines = (f"| `{name}` | {' '.join(each.hints)} |" for name, each in _connectors())
    return _table("| connector | to mind |\n|---|---|", lines)


def folders() -> str:
    """The folders that are not read, and why."""
    flags = {role: [] for role in ORDER}
    for flag, role in ROLES.items():
        if role in flags:
            flags[role].append(f"`{flag.decode().title()}`")
    lines = (
        f"| {CALLED.get(role, role)} | {', '.join(flags[role])} | {LEFT_OUT[role]} |"
        for role in ORDER
    )
    return _table("| folder | marked | why it is left out |\n|---|---|---|", lines)


def allowed() -> str:
    """The commands that may be sent to a server."""
    return ", ".join(f"`{command}`" for command in sorted(connection.ALLOWED)) + ".\n"


def _connectors() -> list[tuple[str, sources.Connector]]:
    found = sources.connectors().items()
    return sorted((name, each) for name, each in found if READER in each.readers)


def _server(connector: sources.Connector) -> str:
    settings = connector.settings
    return f"`{settings['host']}:{settings['port']}`" if "host" in settings else "`host`"


def _logins(connector: sources.Connector) -> str:
    ways = connector.allows.get("auth", ("any",))
    return ", ".join(f"`{way}`" if way != "any" else way for way in ways)


def _daily(connector: sources.Connector) -> str:
    return connector.settings.get("daily_megabytes", "")
