"""Everything that can go wrong for a reason the user can mend.

* MailhealthError
  x UnknownName         a connector, source, customer or model that is not there
  x BadSource           a file, folder or server that cannot be read as asked
    + LoginRefused      the server said no, or there is no password to show it
    + NotRecognised     no connector, or more than one, knows this file
  x BadData             a customer file, health.toml or model folder that does not hold together

A message is one sentence: what, where, and what would have worked.
"""


class MailhealthError(Exception):
    """The root: what the command line prints without a traceback."""


class UnknownName(MailhealthError):
    """A name that is not there; the message lists the names that are."""


class BadSource(MailhealthError):
    """A file, folder or server that cannot be read as asked."""


class LoginRefused(BadSource):
    """The server refused the login, or there is no secret; the message never holds one."""


class NotRecognised(BadSource):
    """No connector, or more than one, recognises a file."""


class BadData(MailhealthError):
    """A file of the user's or of ours that does not hold together."""
