"""A real Dovecot on loopback, in a folder of its own, as root or not."""

import base64
import grp
import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

PASSWORD = "correct-horse"
TOKEN_KEY = b"battery-staple-battery-staple-ok"  # what a good token is signed with (HS256)
PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox 送信済み {{
    special_use = \\Sent
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""

# Tokens are checked here, without asking anybody; their `sub` is the user.
OAUTH = """
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""
OAUTH_ARGS = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""

# Without root nobody can change to another user or root folder.
ROOTLESS = """
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
service imap-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server: any user name, one password, one folder named 送信済み for sent mail."""

    folder: Path
    tls_port: int
    plain_port: int

    def settings(self, user: str) -> dict[str, str]:
        """What a source of this mailbox would be set to."""
        return {
            "host": "localhost",
            "port": str(self.tls_port),
            "user": user,
            "ca_file": str(self.folder / "cert.pem"),
            "password_command": f"echo {PASSWORD}",
        }

    def deliver(self, user: str, folder: str, *mails: bytes, at: int = 1_700_000_000) -> None:
        """Append mails to a folder (its name in IMAP's modified UTF-7), received at `at`."""
        trusted = ssl.create_default_context(cafile=str(self.folder / "cert.pem"))
        with imaplib.IMAP4_SSL("localhost", self.tls_port, ssl_context=trusted) as client:
            client.login(user, PASSWORD)
            for mail in mails:
                client.append(folder, "", datetime.fromtimestamp(at, UTC), mail)

    def expunge(self, user: str, uid: int) -> None:
        """Remove one message from the INBOX for ever."""
        self.admin("expunge", "-u", user, "mailbox", "INBOX", "uid", str(uid))

    def admin(self, *words: str) -> None:
        """Run doveadm on this server."""
        program = shutil.which("doveadm") or "doveadm"
        config = str(self.folder / "dovecot.conf")
        subprocess.run([program, "-c", config, *words], check=True, capture_output=True)

    def maildir(self, user: str) -> Path:
        """Where this user's messages lie."""
        return self.folder / "home" / user / "Maildir"


@contextmanager
def running(*, oauth: bool = False) -> Iterator[Dovecot]:
    """Start a Dovecot in a temporary folder and stop it afterwards; with `oauth`, it takes tokens.

    Not in pytest's own folder: every pytest that starts closes that to other users again, and
    Dovecot's mail user is another.
    """
    # Dovecot's last processes may still write while the folder goes.
    with TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as folder:
        yield from _running(Path(folder), oauth)


def _running(folder: Path, oauth: bool) -> Iterator[Dovecot]:
    assert PROGRAM, "no dovecot program"
    server = Dovecot(folder, _free_port(), _free_port())
    _make_certificate(folder)
    (folder / "home").mkdir()
    (folder / "dovecot.conf").write_text(_config(server, oauth), encoding="utf-8")
    if oauth:
        _lay_key(folder)
    if os.geteuid() == 0:
        _open_to(folder, "nobody")
    command = [PROGRAM, "-F", "-c", str(folder / "dovecot.conf")]
    with (folder / "told").open("wb") as told:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)


def _config(server: Dovecot, oauth: bool) -> str:
    root = os.geteuid() == 0
    who = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
    text = (CONFIG + OAUTH if oauth else CONFIG).format(
        folder=server.folder,
        password=PASSWORD,
        uid=who.pw_uid,
        gid=who.pw_gid,
        plain_port=server.plain_port,
        tls_port=server.tls_port,
    )
    return text if root else text + ROOTLESS.format(user=who.pw_name, group=_group_of(who.pw_gid))


def _lay_key(folder: Path) -> None:
    """Where Dovecot looks for the key of a token that names none: azp, algorithm, kid."""
    key = folder / "keys" / "default" / "HS256" / "default"
    key.parent.mkdir(parents=True)
    key.write_bytes(base64.b64encode(TOKEN_KEY))
    (folder / "oauth2.conf").write_text(OAUTH_ARGS.format(folder=folder), encoding="utf-8")


def _group_of(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _open_to(folder: Path, user: str) -> None:
    """Let the mail user reach its mailboxes below a folder that only root may enter."""
    who = pwd.getpwnam(user)
    os.chown(folder / "home", who.pw_uid, who.pw_gid)
    for above in (folder, *folder.parents):
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


def _make_certificate(folder: Path) -> None:
    words = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    )
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            return client.recv(4) == b"* OK"
    except OSError:
        return False


def _wait_until_it_answers(server: Dovecot, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not _answers(server.plain_port):
        assert time.monotonic() < end, (server.folder / "told").read_text()
        time.sleep(0.02)
