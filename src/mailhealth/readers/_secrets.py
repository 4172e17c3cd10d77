"""Passwords that are named in settings and never kept there."""

import os
from collections.abc import Mapping

from mailhealth import oauth


def password(settings: Mapping[str, str], variable: str = "") -> str:
    """The password of a source, or "".

    The first that gives one: `password_command`, the variable `password_env`, what `mailhealth
    login` kept of a mailbox, and `variable` where the settings name none. Raises BadSource where
    the command gives nothing.
    """
    if told := oauth.secret(settings, "password") or oauth.passwords.kept(settings):
        return told
    return "" if settings.get("password_env") else os.environ.get(variable, "")
