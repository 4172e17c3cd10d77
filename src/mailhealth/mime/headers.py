"""Header values to text: folding undone, encoded words (RFC 2047) joined and decoded."""

import binascii
import quopri
import re

from mailhealth.mime.charsets import decode

LONGEST = 65_536  # characters of one header value that are read
_WORD = r"=\?([^?\s]{1,80})\?([bBqQ])\?(.{0,1500}?)(?:\?=|$)"
_ENCODED_WORD = re.compile(_WORD)
_FOLD = re.compile(r"\r?\n[ \t]*|\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ID = re.compile(r"<([^<>]{1,998})>")
_SPACE = re.compile(r"\s+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def decode_header(value: str, problems: list[str], hint: str | None = None) -> str:
    """Read one raw header value: unfolded, encoded words decoded, 8-bit bytes made text.

    `value` holds undeclared bytes as surrogates (`errors="surrogateescape"`); `hint` is the
    charset of the mail's text, tried for such bytes.
    """
    if value.isascii() and value.isprintable() and "=?" not in value:
        return value[:LONGEST].strip()
    value = _FOLD.sub(" ", value[:LONGEST]).strip()
    if "=?" not in value:
        text = _plain(value, problems, hint)
    else:
        text = _decode_words(value, problems, hint)
    return printable(text)


def printable(text: str) -> str:
    """Leave out what would steer a terminal, keeping tabs and line ends."""
    return text if text.isprintable() else _CONTROL.sub("", text)


def storable(value: str) -> str:
    """Read a raw value that should be ASCII; undeclared bytes that are no UTF-8 are marked."""
    return value if value.isascii() else _bytes(value).decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode_words(value: str, problems: list[str], hint: str | None) -> str:
    """Decode what lies between and in encoded words.

    Neighbours of one charset are joined as bytes first: senders cut multi-byte characters
    in two. White space between two encoded words is not text (RFC 2047, 6.2).
    """
    out: list[str] = []
    charset, pending, at = "", b"", 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[at : word.start()]
        at = word.end()
        name = word[1].split("*")[0].lower()
        if pending and (between.strip() or name != charset):
            out.append(decode(pending, charset, problems))
            pending = b""
        if between.strip() or (not out and not pending):
            out.append(_plain(between, problems, hint))
        charset = name
        pending += _word_bytes(word[2], word[3])
    if pending:
        out.append(decode(pending, charset, problems))
    out.append(_plain(value[at:], problems, hint))
    return "".join(out)


def _plain(text: str, problems: list[str], hint: str | None) -> str:
    if text.isascii() and "\x1b" not in text:
        return text
    return decode(_bytes(text), None, problems, hint)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = _bytes(text)
    if encoding in "qQ":
        return quopri.decodestring(data, header=True)
    return base64(data)


def base64(data: bytes) -> bytes:
    """Decode base64 as far as it goes: foreign characters ignored, missing padding supplied."""
    data = _NOT_BASE64.sub(b"", data)
    data = data[: len(data) - (len(data) % 4 == 1)]
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return b""


def message_ids(value: str) -> list[str]:
    """List the ids in a Message-ID, References or In-Reply-To value, without their brackets.

    Prose around them ("Message from ... of ...") is ignored; a bare `id@host` counts where
    nothing stands in brackets.
    """
    value = printable(storable(value[:LONGEST])).replace("&lt;", "<").replace("&gt;", ">")
    found = [_SPACE.sub("", match) for match in _ID.findall(value)]
    found = [identity.strip("[]") for identity in found]
    if found:
        return [identity for identity in found if identity]
    return [word.strip("<>[],;") for word in value.split() if "@" in word.strip("<>[],;@")]
