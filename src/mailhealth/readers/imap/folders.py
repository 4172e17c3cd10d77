"""Which folders of a mailbox are read, and what the server tells of each."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from imapclient import exceptions

from mailhealth.errors import BadSource
from mailhealth.readers.imap import faults
from mailhealth.readers.imap.account import Account
from mailhealth.readers.imap.connection import Mailbox

GMAIL = "X-GM-EXT-1"
# RFC 6154, and Gmail's two more. The order decides where a folder has several.
ROLES = {
    b"\\all": "all",
    b"\\sent": "sent",
    b"\\junk": "junk",
    b"\\spam": "junk",
    b"\\trash": "trash",
    b"\\drafts": "drafts",
    b"\\archive": "archive",
    b"\\flagged": "flagged",
    b"\\important": "important",
}
WITH_ALL_INSIDE = ("junk", "trash", "drafts", "other")
LEFT_OUT = {
    "junk": "spam",
    "trash": "what was thrown away",
    "drafts": "not sent",
    "other": "no folder of mail",
    "flagged": "shows mail of other folders",
    "important": "shows mail of other folders",
    "all": "shows mail of other folders",
}
STATUS = ("MESSAGES", "UIDNEXT", "UIDVALIDITY")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as the server lists it.

    `role` is what it is for ("": nothing special), `why` why it is not read ("": it is). The
    counts are 0 where the server was not asked or does not say.
    """

    name: str
    role: str = ""
    why: str = ""
    validity: int = 0
    messages: int = 0
    next_uid: int = 0

    @property
    def place(self) -> str:
        """The name of its cursor."""
        return f"imap:{self.name}"

    def spot(self, uid: int) -> str:
        """Where one message lies."""
        return f"{self.place};uidvalidity={self.validity};uid={uid}"


def gmail(mailbox: Mailbox) -> bool:
    """Tell a server that keeps every mail once and shows it under labels."""
    return bool(mailbox.ask(lambda client: client.has_capability(GMAIL)))


def listed(mailbox: Mailbox) -> list[Folder]:
    """List all folders, with those that are to be read told from the others.

    Read are the folders that were named, else all of our own that hold mail: not spam, not what
    was thrown away, no drafts, and no folder that only shows mail of others. Gmail shows every
    mail in one of them, so that alone is read. Raises BadSource for a named folder that is not
    there.
    """
    found = mailbox.ask(_listed)
    if mailbox.account.folders:
        return _named(found, mailbox.account)
    everything = [folder.name for folder in found if folder.role == "all"]
    if everything and gmail(mailbox):
        alone = "its mail is in the folder of all mail"
        return [_left(f, "" if f.role == "all" else LEFT_OUT.get(f.role, alone)) for f in found]
    return [_left(folder, folder.why or LEFT_OUT.get(folder.role, "")) for folder in found]


def counted(mailbox: Mailbox, folder: Folder) -> Folder:
    """Ask how many messages a folder holds and where its numbers stand, without opening it."""
    try:
        told = mailbox.ask(lambda client: client.folder_status(folder.name, STATUS))
    except exceptions.IMAPClientError as error:
        return _refused(folder, error)
    return _with(folder, told, b"MESSAGES")


def opened(mailbox: Mailbox, folder: Folder) -> Folder:
    """Open a folder read-only, and return it as it is now, or why it cannot be opened."""
    try:
        told = mailbox.examine(folder.name)
    except exceptions.IMAPClientError as error:
        return _refused(folder, error)
    return _with(folder, told, b"EXISTS")


def _refused(folder: Folder, error: exceptions.IMAPClientError) -> Folder:
    """A folder that its server does not open; raises where not only this folder is meant."""
    if faults.broken(error) or faults.passing(error):
        raise error
    return replace(folder, why=f"the server does not open it ({faults.why(error)})")


def _with(folder: Folder, told: Mapping[bytes, Any], count: bytes) -> Folder:
    return replace(
        folder,
        validity=told.get(b"UIDVALIDITY", 0),
        messages=told.get(count, 0),
        next_uid=told.get(b"UIDNEXT", 0),
    )


def _left(folder: Folder, why: str) -> Folder:
    return replace(folder, why=why)


def _listed(client: Any) -> list[Folder]:
    """List what can be opened; folders of other people and public ones are told as such."""
    foreign = _foreign(client)
    folders = []
    between = "/"
    for flags, delimiter, name in client.list_folders():
        between = delimiter.decode() if isinstance(delimiter, bytes) else between
        marks = {flag.lower() for flag in flags}
        if marks & {b"\\noselect", b"\\nonexistent"}:
            continue
        role = _role(str(name), marks, between)
        why = "of other people" if str(name).startswith(foreign) else ""
        folders.append(Folder(str(name), role, why))
    named = [folder.role for folder in folders]
    sure = [_sure(folder, named) for folder in folders]
    return sorted(_with_all_inside(sure, between), key=_rank)


def _with_all_inside(folders: Sequence[Folder], between: str) -> list[Folder]:
    """Give a folder inside one for spam or what was thrown away the role of that."""
    above = {f.name + between: f.role for f in folders if f.role in WITH_ALL_INSIDE}
    return [
        replace(f, role=next((r for a, r in above.items() if f.name.startswith(a)), f.role))
        for f in folders
    ]


def _foreign(client: Any) -> tuple[str, ...]:
    """The beginnings of the names of other people's and shared folders (RFC 2342)."""
    if not client.has_capability("NAMESPACE"):
        return ()
    told = client.namespace()
    spaces = (*(told.other or ()), *(told.shared or ()))
    return tuple(prefix for prefix, _ in spaces if prefix)


def _role(name: str, marks: Iterable[bytes], between: str) -> str:
    for flag, role in ROLES.items():
        if flag in marks:
            return role
    return "inbox" if name.upper() == "INBOX" else _called(name, between)


def _called(name: str, between: str) -> str:
    """Guess what a folder is for by its name, marked so that a flag elsewhere counts more."""
    last = name.rsplit(between, 1)[-1].casefold()
    return next((f"{role}?" for role, names in _names().items() if last in names), "")


def _sure(folder: Folder, roles: Sequence[str]) -> Folder:
    """Believe a name only where no flag tells the folder that is for this."""
    role = folder.role.removesuffix("?")
    guessed = folder.role.endswith("?")
    return replace(folder, role="" if guessed and role in roles else role)


def _rank(folder: Folder) -> tuple[bool, bool, str]:
    return folder.role != "inbox", folder.role != "sent", folder.name


@cache
def _names() -> Mapping[str, frozenset[str]]:
    text = files("mailhealth.readers.imap").joinpath("folders.toml").read_text("utf-8")
    return {role: frozenset(names) for role, names in tomllib.loads(text).items()}


def _named(found: Sequence[Folder], account: Account) -> list[Folder]:
    there = {folder.name: folder for folder in found}
    for name in account.folders:
        if name not in there and not (name.upper() == "INBOX" and "INBOX" in there):
            names = ", ".join(sorted(there)[:30])
            raise BadSource(f"{account.server} has no folder '{name}'; there are {names}")
    wanted = {"INBOX" if name.upper() == "INBOX" else name for name in account.folders}
    return [_left(f, "" if f.name in wanted else "not named in the setting") for f in found]
