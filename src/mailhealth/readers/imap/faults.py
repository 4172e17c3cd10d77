"""What goes wrong between us and a server: how long to wait, and what to tell."""

import random
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from imapclient import exceptions

from mailhealth.errors import BadSource

FIRST_WAIT_S = 2.0
GROWTH = 1.5
LONGEST_WAIT_S = 300.0
LAST_GROWTH = 20  # tries; a watch goes on for months, and a power that large is no number

# What a server sends may be malformed in any way; the parsers raise these.
MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
FAULTS = (exceptions.IMAPClientError, OSError, *MALFORMED)

_HINT = re.compile(r"suggested backoff time: (\d{1,9}) milliseconds", re.IGNORECASE)
_SPENT = re.compile(r"\[overquota\]|bandwidth", re.IGNORECASE)
# RFC 5530 and RFC 9051's codes, and what Microsoft and Dovecot say in words.
_TIRED = re.compile(
    r"\[(?:limit|inuse|contactadmin)\]|unavailable|throttl|too many |temporar|try again",
    re.IGNORECASE,
)
# A wrong password, whatever else is said with it: to try that once more locks accounts.
_WRONG = re.compile(
    r"\[(?:authenticationfailed|authorizationfailed|expired)\]"
    r"|password|credential|invalid|incorrect|attempt",
    re.IGNORECASE,
)
# imaplib and IMAPClient leave these connections amid an answer without saying so.
_AMID = re.compile(r"got more than \d+ bytes|unexpected idle response|\* bye", re.IGNORECASE)

SENTENCES: tuple[tuple[type[Exception], str], ...] = (  # the first that fits
    (
        ssl.SSLCertVerificationError,
        "the certificate of {server} cannot be verified ({why}): use the name that the "
        "certificate is for, or name its issuer's file in the setting 'ca_file'",
    ),
    (
        ssl.SSLError,
        "{server} does not speak TLS as asked ({why}): port 993 with tls = 'yes' or port 143 "
        "with tls = 'starttls' would work on most servers",
    ),
    (TimeoutError, "{server} did not answer in time: check host and port, or try again later"),
    (socket.gaierror, "there is no host {server} ({why}): check the setting 'host'"),
    (
        exceptions.IMAPClientAbortError,
        "the talk with {server} broke off ({why}): what was read is kept, the next run goes on",
    ),
    (exceptions.IMAPClientError, "{server} did not do as asked ({why}): it may work later"),
    (OSError, "no connection to {server} ({why}): check host and port"),
    *(
        (malformed, "{server} cannot be read as an IMAP server: check host and port")
        for malformed in MALFORMED
    ),
)


@contextmanager
def told_plainly(server: str) -> Iterator[None]:
    """Turn what sockets, TLS and IMAP raise into one sentence each."""
    try:
        yield
    except FAULTS as error:
        sentence = next(sentence for kind, sentence in SENTENCES if isinstance(error, kind))
        if _SPENT.search(str(error)):
            sentence = "{server} gives no more today ({why}): the next run goes on"
        raise BadSource(sentence.format(server=server, why=why(error))) from error


def why(error: Exception) -> str:
    """Tell an error's reason in one line of at most 200 characters."""
    told = getattr(error, "verify_message", None) or getattr(error, "strerror", None) or error
    return " ".join(str(told).split())[:200]


def tired(error: Exception) -> bool:
    """Tell whether a server said that it is too busy just now."""
    return bool(_HINT.search(str(error)) or _TIRED.search(str(error)))


def wrong(error: Exception) -> bool:
    """Tell whether a server said that a password or token is wrong."""
    return bool(_WRONG.search(str(error)))


def passing(error: Exception) -> bool:
    """Tell whether a server gives nothing just now, for which no single message is to blame."""
    return tired(error) or bool(_SPENT.search(str(error)))


def broken(error: Exception) -> bool:
    """Tell whether the connection cannot be used any more."""
    if not isinstance(error, exceptions.IMAPClientError):
        return True
    lost = isinstance(error, (exceptions.IMAPClientAbortError, exceptions.ProtocolError))
    return lost or bool(_AMID.search(str(error)))


def pause(error: Exception, attempt: int) -> float | None:
    """Tell how many seconds to wait before asking again; None: to ask again is no use.

    The server's own hint, else 2 s x 1.5^n with a fifth of chance in it, so that many clients
    do not come back at once; never longer than 5 minutes. Nonsense is asked for once more.
    `attempt` counts from 1.
    """
    if hint := _HINT.search(str(error)):
        return min(int(hint[1]) / 1000, LONGEST_WAIT_S)
    if _SPENT.search(str(error)) or isinstance(error, ssl.SSLCertVerificationError):
        return None
    if isinstance(error, (exceptions.ProtocolError, *MALFORMED)) and attempt > 1:
        return None
    if broken(error) or tired(error):
        wait = FIRST_WAIT_S * GROWTH ** min(attempt - 1, LAST_GROWTH)
        return min(wait * random.uniform(0.8, 1.2), LONGEST_WAIT_S)
    return None
