"""Others that fetch the same mailbox, into a plain Maildir: their settings, and a run of each."""

import shutil
from pathlib import Path

from imap_runs import Failed, Run, empty, measure
from imap_server import PASSWORD

MBSYNC = """
FSync {flush}

IMAPAccount far
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN
Timeout 120

IMAPStore far
Account far

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns {folders}
Create Near
Sync Pull
SyncState *
"""
OFFLINEIMAP = """
[general]
accounts = Far
metadata = {folder}/metadata

[Account Far]
localrepository = Near
remoterepository = There

[Repository Near]
type = Maildir
localfolders = {folder}/Maildir

[Repository There]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = LOGIN
readonly = True
createfolders = False
folderfilter = lambda name: name == 'INBOX'
"""


DEBIAN = {"mbsync": "isync", "offlineimap": "offlineimap3"}


def mbsync(port: int, user: str, messages: int, *, flush: bool = True) -> Run:
    """Let mbsync fetch the INBOX; it flushes every mail unless told otherwise. Raises Failed."""
    with empty() as folder:
        return _fetch(_mbsync(folder, port, user, "INBOX", flush=flush), folder, messages)


def mbsync_again(port: int, user: str, folders: str, messages: int) -> Run:
    """Let mbsync fetch folders (a pattern), and again when nothing is new. Raises Failed."""
    with empty() as folder:
        command = _mbsync(folder, port, user, folders)
        _fetch(command, folder, messages)
        return _fetch(command, folder, messages)


def offlineimap(port: int, user: str, messages: int) -> Run:
    """Let OfflineIMAP fetch the INBOX. Raises Failed."""
    with empty() as folder:
        config = folder / "offlineimaprc"
        told = {"folder": folder, "port": port, "user": user, "password": PASSWORD}
        config.write_text(OFFLINEIMAP.format(**told), "utf-8")
        command = [_program("offlineimap"), "-o", "-u", "quiet", "-c", str(config)]
        return _fetch(command, folder, messages)


def _mbsync(folder: Path, port: int, user: str, folders: str, *, flush: bool = True) -> list[str]:
    config = folder / "mbsyncrc"
    told = {"folder": folder, "port": port, "user": user, "password": PASSWORD}
    config.write_text(
        MBSYNC.format(**told, folders=folders, flush="yes" if flush else "no"), "utf-8"
    )
    return [_program("mbsync"), "-q", "-c", str(config), "all"]


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        raise Failed(f"not installed (Debian: apt install {DEBIAN[name]})")
    return program


def _fetch(command: list[str], folder: Path, messages: int) -> Run:
    run = measure(command)
    fetched = sum(file.parent.name in ("cur", "new") for file in folder.rglob("*,*"))
    if fetched != messages:
        raise Failed(f"fetched {fetched} of {messages} mails")
    return run
