"""Secrets that settings name and never hold."""

import os
import shlex
import subprocess
from collections.abc import Mapping

from mailhealth.errors import BadSource

PATIENCE_S = 60  # of a command that prints a secret; it may ask somebody


def secret(settings: Mapping[str, str], name: str) -> str:
    """What the command in `<name>_command` prints or the variable in `<name>_env` holds, or "".

    Raises BadSource where the command gives nothing.
    """
    if command := settings.get(f"{name}_command"):
        return _printed_by(command, name)
    return os.environ.get(settings.get(f"{name}_env") or "", "")


def _printed_by(command: str, name: str) -> str:
    """The first line that a command prints; no shell reads it, no error repeats it."""
    try:
        words = shlex.split(command)
        answer = subprocess.run(words, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True)
        return answer.stdout.decode().splitlines()[0]
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        what = name.replace("_", " ")
        raise BadSource(
            f"{name}_command gave no {what} ({type(error).__name__}): it must be a program "
            f"that prints the {what} on its first line and ends with status 0"
        ) from None
