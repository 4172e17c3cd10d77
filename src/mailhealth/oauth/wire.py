"""What a client says to a mail server with a token: XOAUTH2 and OAUTHBEARER.

developers.google.com/workspace/gmail/imap/xoauth2-protocol, RFC 7628. A server that refuses
says why in a challenge that must be answered before it says no; IMAPClient's own methods send
the token a second time and keep the reason to themselves.
"""

import json

SPENT = "the token is expired, withdrawn, or another user's"
REASONS = {
    "400": SPENT,
    "401": SPENT,
    "invalid_token": SPENT,
    "403": "the token does not allow this mailbox",
    "insufficient_scope": "the token does not allow IMAP",
}
LAST = {"XOAUTH2": b"", "OAUTHBEARER": b"\x01"}  # how a reason is answered


class Talk:
    """A client's side of a login, for `IMAPClient.sasl_login`; `reason` says why it failed.

    `reason` is "" where the server did not say, and never holds what a server wrote.
    """

    def __init__(self, user: str, token: str, mechanism: str) -> None:
        self.reason = ""
        self._answers = [sasl(user, token, mechanism)]
        self._last = LAST[mechanism]

    def __call__(self, challenge: bytes) -> bytes:
        """The token first; then only that a reason has arrived."""
        if self._answers:
            return self._answers.pop()
        self.reason = reason(challenge)
        return self._last


def sasl(user: str, token: str, mechanism: str) -> bytes:
    """What a client says first, before base64."""
    if mechanism == "XOAUTH2":
        return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
    name = user.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\x01auth=Bearer {token}\x01\x01".encode()


def reason(challenge: bytes) -> str:
    """What a server's last challenge means, or "" where it does not say."""
    try:
        told = json.loads(challenge)
    except (ValueError, RecursionError):
        return ""
    return REASONS.get(str(told.get("status")), "") if isinstance(told, dict) else ""
