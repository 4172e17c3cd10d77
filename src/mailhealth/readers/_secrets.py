"""Passwords that are named in settings and never kept there."""

import os
import shlex
import subprocess
from collections.abc import Mapping

from mailhealth.errors import BadSource

PATIENCE_S = 60  # of a command that prints a password; it may ask somebody


def password(settings: Mapping[str, str], variable: str = "") -> str:
    """The password that `password_command` prints or the variable `password_env` holds, or "".

    `variable` is looked into where the settings name none. Raises BadSource where the command
    gives nothing.
    """
    if command := settings.get("password_command"):
        return _printed_by(command)
    return os.environ.get(settings.get("password_env") or variable, "")


def _printed_by(command: str) -> str:
    """The first line that a command prints; no shell reads it, no error repeats it."""
    try:
        words = shlex.split(command)
        answer = subprocess.run(words, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True)
        return answer.stdout.decode().splitlines()[0]
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        raise BadSource(
            f"password_command gave no password ({type(error).__name__}): it must be a program "
            "that prints the password on its first line and ends with status 0"
        ) from None
