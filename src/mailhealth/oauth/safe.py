"""Where secrets lie: the system's keyring, or encrypted files where there is none.

A server without a desktop has no keyring. There every secret is a file of its own below
`~/.config/mailhealth/tokens`, encrypted with the key in `~/.config/mailhealth/key` or in the
variable MAILHEALTH_TOKEN_KEY. XDG_CONFIG_HOME moves both.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from mailhealth.errors import BadSource

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

SERVICE = "mailhealth"
KEY_VARIABLE = "MAILHEALTH_TOKEN_KEY"
READABLE_BY_OTHERS = 0o077


def keep(name: str, value: str) -> None:
    """Put a secret in the keyring, or encrypted in a file where no keyring takes it."""
    if _keyring_took(name, value):
        _file(name).unlink(missing_ok=True)
        return
    _drop_from_keyring(name)  # an older one would be found first
    sealed = _lock(create=True).encrypt(value.encode())
    with _told(_file(name)):
        _write(_file(name), sealed)


def kept(name: str) -> str | None:
    """Look a secret up; None where none is kept. Raises BadSource for a file without its key."""
    found = _from_keyring(name)
    return _from_file(name) if found is None else found


def drop(name: str) -> bool:
    """Forget a secret; say whether there was one."""
    dropped = _drop_from_keyring(name)
    file = _file(name)
    there = file.exists()
    with _told(file):
        file.unlink(missing_ok=True)
    return dropped or there


# The keyring. What stands behind it is somebody else's program on somebody's bus: whatever it
# raises means that there is no keyring to use.


def _keyring_took(name: str, value: str) -> bool:
    """Whether it can be read back: a keyring may be switched off, or too small for a token."""
    with suppress(Exception):
        import keyring

        keyring.set_password(SERVICE, name, value)
        return keyring.get_password(SERVICE, name) == value
    return False


def _from_keyring(name: str) -> str | None:
    with suppress(Exception):
        import keyring

        return keyring.get_password(SERVICE, name)
    return None


def _drop_from_keyring(name: str) -> bool:
    with suppress(Exception):
        import keyring

        keyring.delete_password(SERVICE, name)
        return True
    return False


# The files.


def _folder() -> Path:
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / SERVICE


def _file(name: str) -> Path:
    """One file a secret: two programs that run at once cannot undo each other's."""
    return _folder() / "tokens" / sha256(name.encode()).hexdigest()[:32]


def _from_file(name: str) -> str | None:
    file = _file(name)
    with _told(file):
        sealed = file.read_bytes() if file.exists() else None
    if sealed is None:
        return None
    lock = _lock(create=False)
    from cryptography.fernet import InvalidToken

    try:
        return lock.decrypt(sealed).decode()
    except InvalidToken:
        raise BadSource(
            f"{file} was encrypted with another key: give that key in {KEY_VARIABLE}, or run "
            "'mailhealth login' for the source again"
        ) from None


def _lock(*, create: bool) -> "Fernet":
    """The key at work."""
    try:
        from cryptography.fernet import Fernet
    except ImportError as error:
        raise BadSource(
            "there is no keyring on this system, and encrypted files need cryptography: "
            "pip install 'mailhealth[oauth]'"
        ) from error
    given, file = os.environ.get(KEY_VARIABLE), _folder() / "key"
    key = given.encode() if given else _key_in(file, Fernet.generate_key() if create else None)
    try:
        return Fernet(key)
    except ValueError:
        where = f"the variable {KEY_VARIABLE}" if given else f"{file}"
        raise BadSource(
            f"{where} holds no key: 32 random bytes in URL-safe base64 would work, as "
            "Fernet.generate_key() of the package cryptography makes them"
        ) from None


def _key_in(file: Path, new: bytes | None) -> bytes:
    with _told(file):
        if new is not None and not file.exists():
            with suppress(FileExistsError):  # another program was faster: its key counts
                _write(file, new, replace=False)
        if os.name == "posix" and file.stat().st_mode & READABLE_BY_OTHERS:
            raise BadSource(f"others can read the key {file}: 'chmod 600 {file}' mends it")
        return file.read_bytes().strip()


def _write(file: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=file.parent, delete=False) as new:  # made with mode 0600
        new.write(content)
        new.flush()
        os.fsync(new.fileno())
    try:
        if replace:
            Path(new.name).replace(file)
        else:
            file.hardlink_to(new.name)
    finally:
        Path(new.name).unlink(missing_ok=True)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BadSource(
            f"{file} cannot be used for secrets ({error.strerror}): the folder must be yours to "
            "write, and XDG_CONFIG_HOME can name another"
        ) from error
