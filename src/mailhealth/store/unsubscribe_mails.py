"""Mails that ask for no more mail: told by their address, their subject or their words."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any

from sqlite_utils import Database

from mailhealth.store import insert

STEP = "unsubscribe mails"
READ = 5_000  # characters of a text in which a request is looked for
LINE = 300  # characters of a sentence; what is longer is no request
SHORT = 200  # characters of a text that says nothing beside its subject

# Mails not read yet, and those found before: later mail may show that their words were quoted.
FRESH = f"""
select m.message, m.kind, m.topic, substr(m.new_text, 1, {READ}), m.sender, (
    select json_group_array(r.address) from recipients r where r.message = m.message)
from messages m
where m.kind in ('human', 'auto_reply', 'list') and m.sender is not null and (
    m.rowid > coalesce((select until from looked_at where step = :step), 0)
    or m.message in (select message from unsubscribe_mails))
"""
_SENTENCE = re.compile(r"[。.!！?？\n]+")
_WRAPPED = re.compile(r"(?<!\n)\n(?!\n)")
_WRAPPED_JA = re.compile(r"(?<=[^\x00-\x7f])\n(?=[^\x00-\x7f])")


def find(db: Database) -> None:
    """Find the mails that ask for no more mail among those not looked at yet.

    The sender is who gets no more mail, until a token in the address names another.
    """
    found = list(_asking(db.execute(FRESH, {"step": STEP})))
    db.execute("delete from unsubscribe_mails")
    insert(db, "unsubscribe_mails", found)
    db.execute(
        "insert or replace into looked_at select ?, coalesce(max(rowid), 0) from messages", [STEP]
    )


def means(kind: str, topic: str, text: str, addresses: Iterable[str]) -> str | None:
    """Say by what a mail asks for no more mail: 'mailto', 'words', or None where it does not.

    `topic` is its subject without prefixes, `text` its own words, `addresses` its recipients.
    A machine can only have written a 'mailto'.
    """
    if any(_for_leaving(address) for address in addresses):
        return "mailto"
    own = _plain(text)
    if _table()["subjects"].fullmatch(_plain(topic)) and _says_no_more(own):
        return "mailto"
    return "words" if kind == "human" and _asks(own) else None


def _asking(rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, str]]:
    for message, kind, topic, text, sender, addresses in rows:
        if by := means(kind, topic, text, json.loads(addresses)):
            yield {"message": message, "recipient": sender, "means": by}


def _for_leaving(address: str) -> bool:
    local = address.rpartition("@")[0][:READ].lower()
    return _table()["addresses"].search(local) is not None


def _says_no_more(text: str) -> bool:
    """Tell a text that adds nothing to a subject which asks."""
    words = _table()
    if not text or words["subjects"].fullmatch(text.strip(" 。.!")) or _asks(text):
        return True
    return len(text) <= SHORT and words["programs"].search(text) is not None


def _asks(text: str) -> bool:
    """Tell whether a sentence asks for it, and does not only speak of it."""
    words = _table()
    return any(
        words["asks"].search(line) and not words["speaks"].search(line)
        for lines in {text, _unwrapped(text)}
        for sentence in _SENTENCE.split(lines)
        if 0 < len(line := sentence.strip()) <= LINE and any(piece in line for piece in _about())
    )


def _unwrapped(text: str) -> str:
    """Undo line ends inside sentences; Japanese has no space there."""
    return _WRAPPED.sub(" ", _WRAPPED_JA.sub("", text))


def _plain(text: str) -> str:
    half = unicodedata.normalize("NFKC", text[:READ]).replace("’", "'").casefold()
    return half.strip()


@cache
def _table() -> dict[str, re.Pattern[str]]:
    """The patterns of unsubscribe.toml, one for each list."""
    told = _told()
    lists = {"programs": told["programs"], **told["sentences"]}
    patterns = {name: "|".join(f"(?:{one})" for one in each) for name, each in lists.items()}
    patterns["addresses"] = rf"(?:^|[-_.+=])(?:{'|'.join(told['addresses'])})(?:$|[-_.+=])"
    patterns["subjects"] = rf"(?:{'|'.join(told['subjects'])})(?:[: ]+\S{{0,100}}\d\S{{0,100}})?"
    return {name: re.compile(pattern) for name, pattern in patterns.items()}


@cache
def _about() -> tuple[str, ...]:
    return tuple(_told()["about"])


@cache
def _told() -> dict[str, Any]:
    text = (resources.files("mailhealth") / "unsubscribe.toml").read_text("utf-8")
    return tomllib.loads(text)
