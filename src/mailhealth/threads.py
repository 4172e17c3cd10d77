"""Which conversation a message belongs to: by Gmail's word, by the ids it names, by its subject."""

import binascii
import re
import unicodedata
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from mailhealth.records import Mail

JoinedBy = Literal["gmail", "references", "thread-index", "subject", "first", "lost"]

# What mail programs put before the subject of an answer or a forwarded mail, by language: en de
# nl sv da no fi hu it pt es fr pl tr cs, then Chinese, Japanese, Korean.
PREFIXES = (
    "re", "ref", "fw", "fwd", "aw", "wg", "antw", "antwort", "betr", "doorst", "sv", "vs", "vb",
    "vl", "vá", "továbbítás", "rif", "r", "i", "res", "enc", "rv", "reenv", "tr", "réf", "odp",
    "pd", "ynt", "ilt", "odpověď", "回复", "回覆", "答复", "答覆", "转发", "轉寄", "轉發", "返信",
    "転送", "답장", "회신", "전달",
)  # fmt: skip
_ANSWER = re.compile(
    rf"\s*(?:\[(?:ext|external|extern)\]\s*)?(?:{'|'.join(PREFIXES)})\s*(?:[\[(]\d{{1,3}}[\])])?\s*:",
    re.IGNORECASE,
)
_TAG = re.compile(r"\s*\[(?:ext|external|extern)\]\s*", re.IGNORECASE)
THREAD_INDEX = 22  # bytes that all mails of an Outlook conversation share; each answer adds 5


def identifiers(mail: Mail, key: str) -> tuple[str, ...]:
    """Name every id that a mail shares with its conversation, its own first.

    Where Gmail has told the conversation, its word counts alone; else the Message-IDs that the
    mail refers to, and Outlook's Thread-Index. A mail without a Message-ID goes by `key`, the
    store's own key, so that it still has a thread to be in.
    """
    own = mail.message_id or key
    if gmail := header(mail, "x-gm-thrid"):
        return (own, f"gmail:{gmail}")
    referred = (*mail.references, *((mail.in_reply_to,) if mail.in_reply_to else ()))
    index = _thread_index(mail)
    outlook = (f"thread-index:{index[:THREAD_INDEX].hex()}",) if index else ()
    return tuple(dict.fromkeys((own, *referred, *outlook)))


def joined_by(mail: Mail) -> JoinedBy:
    """Say what tells a mail's conversation; `lost` is an answer that names nothing."""
    if header(mail, "x-gm-thrid"):
        return "gmail"
    if mail.references or mail.in_reply_to:
        return "references"
    if len(_thread_index(mail)) > THREAD_INDEX:
        return "thread-index"
    return "lost" if _ANSWER.match(_plain(mail.subject)) else "first"


def topic(subject: str) -> str:
    """Strip a subject of the prefixes of answers, in lower case and narrow letters.

    >>> topic("AW: Re[2]: ＲＥ： Rechnung 4711")
    'rechnung 4711'
    """
    text = _plain(subject)
    while found := _ANSWER.match(text):
        text = text[found.end() :]
    return " ".join(_TAG.sub(" ", text).split()).casefold()


def join(messages: Iterable[Sequence[str]], known: Mapping[str, str]) -> dict[str, str]:
    """Find the thread of every id that some messages name.

    `messages` holds the identifiers of each new message, `known` the threads of ids met
    before. Returns id -> thread for all of them, and old thread -> new thread where a late
    message proves two threads to be one. A thread goes by the smallest id in it, so the
    order of arrival does not matter. Union-find with path halving.
    """
    parent = {thread: thread for thread in known.values()} | dict(known)

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for ids in messages:
        for i in ids:
            parent.setdefault(i, i)
        roots = {root(i) for i in ids}
        first = min(roots)
        parent.update(dict.fromkeys(roots, first))
    return {node: root(node) for node in parent}


def header(mail: Mail, name: str) -> str:
    """Find the first header of a name (in lower case); "" where there is none."""
    return next((value.strip() for key, value in mail.headers if key == name), "")


def _thread_index(mail: Mail) -> bytes:
    """Outlook's conversation: 22 bytes of the first mail, 5 more for every answer."""
    try:
        index = b64decode(header(mail, "thread-index"), validate=False)
    except (binascii.Error, ValueError):
        return b""
    return index if len(index) >= THREAD_INDEX else b""


def _plain(subject: str) -> str:
    return unicodedata.normalize("NFKC", subject[:1000])
