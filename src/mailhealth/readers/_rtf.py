"""Outlook's compressed RTF becomes the HTML or the text that it was made from."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

# What every compressed text may refer to before anything has been written ([MS-OXRTFCP] 2.1.2.1).
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_HEADER = 16  # bytes: two sizes, the kind, a checksum
_RING = 4_096  # bytes back that a reference reaches
_DEEPEST = 500  # groups within groups; writers stay below 20
_TOKEN = re.compile(
    rb"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,9})? ?|\\'(?P<hex>[0-9a-fA-F]{2})"
    rb"|\\(?P<sign>[^a-zA-Z\r\n])|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)"
)
_CHARSETS = {  # \fcharset -> codec
    0: "cp1252",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_SIGNS = {
    "par": "\n",
    "line": "\n",
    "row": "\n",
    "tab": "\t",
    "cell": "\t",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
}
_SILENT = frozenset(
    [
        *("fonttbl", "colortbl", "stylesheet", "info", "pict"),
        *("object", "header", "footer", "headerl", "headerr"),
        *("footerl", "footerr", "listtable", "listoverridetable", "revtbl"),
        *("rsidtbl", "generator", "mhtmltag", "bkmkstart", "bkmkend"),
        *("fldinst", "xmlnstbl", "themedata", "colorschememapping", "datastore"),
        *("latentstyles", "pntext", "pnseclvl"),
    ]
)
_ESCAPED = {b"~": "\u00a0", b"_": "\u2011", b"-": ""}


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until the closing brace."""

    silent: bool = False
    fonts: bool = False  # in the font table
    hidden: bool = False  # RTF that stands for a tag which is given as HTML beside it
    codec: str = "cp1252"
    after_unicode: int = 1  # characters that repeat a Unicode one for old programs


@dataclass(slots=True)
class _Reading:
    """One text on its way: the open groups, the bytes not yet decoded, what came out."""

    groups: list[_Group]
    html: bool = False
    default: str = "cp1252"
    fonts: dict[int, str] = field(default_factory=dict)
    font: int = 0
    starred: bool = False
    skip: int = 0
    pending: bytearray = field(default_factory=bytearray)
    out: list[str] = field(default_factory=list)


def unpacked(data: bytes) -> bytes:
    """Unpack compressed RTF ([MS-OXRTFCP]); b"" for what is none. At most 9 times the input."""
    kind, raw_size = data[8:12], int.from_bytes(data[4:8], "little")
    if kind == b"MELA":
        return data[_HEADER : _HEADER + raw_size]
    if kind != b"LZFu":
        return b""
    out = bytearray(_DICTIONARY)
    for offset, length in _references(data):
        if length == 0:
            out.append(offset)
            continue
        # Positions count in a ring; the text before the first byte is the dictionary.
        back = (len(out) - offset) % _RING
        if back == 0:
            break
        for _ in range(length):
            out.append(out[-back] if back <= len(out) else 0x20)
    return bytes(out[len(_DICTIONARY) : len(_DICTIONARY) + raw_size])


def _references(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (byte, 0) for a literal, (position, length) for a reference."""
    at = _HEADER
    while at < len(data):
        flags, at = data[at], at + 1
        for bit in range(8):
            if flags >> bit & 1:
                if at + 1 >= len(data):
                    return
                pair, at = data[at] << 8 | data[at + 1], at + 2
                yield pair >> 4, (pair & 0xF) + 2
            elif at < len(data):
                yield data[at], 0
                at += 1


def content(rtf: bytes, codepage: str = "cp1252") -> tuple[str, bool]:
    """Give what an RTF text says and whether it is HTML ([MS-OXRTFEX] de-encapsulation).

    `codepage` is the codec of texts that name none. Takes time in proportion to the size.
    """
    reading = _Reading([_Group(codec=codepage)], default=codepage)
    for token in _TOKEN.finditer(rtf):
        kind = token.lastgroup
        if kind in ("word", "number"):
            _word(reading, token["word"].decode("ascii"), token["number"])
        elif kind == "brace":
            _brace(reading, token["brace"])
        elif kind == "sign":
            _sign(reading, token["sign"])
        else:
            hexed = token["hex"]
            _bytes(reading, bytes.fromhex(hexed.decode()) if hexed else token["text"])
    _flush(reading)
    text = "".join(reading.out).encode("utf-16-le", "surrogatepass")
    return text.decode("utf-16-le", "replace"), reading.html


def _brace(reading: _Reading, brace: bytes) -> None:
    _flush(reading)
    reading.skip, reading.starred = 0, False
    if brace == b"{":
        deep = len(reading.groups) >= _DEEPEST
        top = reading.groups[-1]
        reading.groups.append(replace(top, silent=True) if deep else top)
    elif len(reading.groups) > 1:
        reading.groups.pop()


def _sign(reading: _Reading, sign: bytes) -> None:
    if sign == b"*":
        reading.starred = True
    elif sign in b"\\{}":
        _bytes(reading, sign)
    else:
        _say(reading, _ESCAPED.get(sign, ""))


def _bytes(reading: _Reading, content: bytes) -> None:
    """Keep bytes until their coding is sure: a character may be two of them, one a letter."""
    dropped = min(reading.skip, len(content))
    reading.skip -= dropped
    if _is_heard(reading):
        reading.pending += content[dropped:]


def _is_heard(reading: _Reading) -> bool:
    top = reading.groups[-1]
    return not top.silent and not (top.hidden and reading.html)


def _say(reading: _Reading, text: str) -> None:
    _flush(reading)
    if _is_heard(reading):
        reading.out.append(text)


def _flush(reading: _Reading) -> None:
    if reading.pending:
        reading.out.append(reading.pending.decode(reading.groups[-1].codec, "replace"))
        reading.pending.clear()


def _word(reading: _Reading, word: str, digits: bytes | None) -> None:
    number = int(digits) if digits else None
    starred, reading.starred = reading.starred, False
    _flush(reading)
    if word == "u" and number is not None:
        _say(reading, chr(number % 65_536))
        reading.skip = reading.groups[-1].after_unicode
    elif word in _SIGNS:
        _say(reading, _SIGNS[word])
    elif word == "fromhtml":
        reading.html = number != 0
    elif word == "bin":
        reading.groups[-1] = replace(reading.groups[-1], silent=True)
    else:
        _set(reading, word, number, starred)


def _set(reading: _Reading, word: str, number: int | None, starred: bool) -> None:
    """Change what holds for the rest of the group."""
    top = reading.groups[-1]
    if word in _SILENT or (starred and word != "htmltag"):
        top = replace(top, silent=True, fonts=word == "fonttbl")
    elif word == "htmltag":
        top = replace(top, hidden=False)
    elif word == "htmlrtf":
        top = replace(top, hidden=number != 0)
    elif word == "uc":
        top = replace(top, after_unicode=max(0, min(number or 0, 8)))
    elif word == "ansicpg":
        reading.default = _codec(number, top.codec)
        top = replace(top, codec=reading.default)
    elif word in ("f", "fcharset", "plain"):
        top = replace(top, codec=_font(reading, word, number))
    reading.groups[-1] = top


def _font(reading: _Reading, word: str, number: int | None) -> str:
    """Note the coding of a font in the font table; elsewhere take up the font's coding."""
    if not reading.groups[-1].fonts:
        return reading.fonts.get(number or 0, reading.default) if word == "f" else reading.default
    if word == "f":
        reading.font = number or 0
    elif word == "fcharset":
        known = number is not None and number > 1  # 0 and 1 leave it to the document's code page
        reading.fonts[reading.font] = (
            _CHARSETS.get(number or 0, reading.default) if known else (reading.default)
        )
    return reading.groups[-1].codec


def _codec(codepage: int | None, otherwise: str) -> str:
    try:
        return codecs.lookup(
            {65001: "utf-8", 936: "gb18030"}.get(codepage or 0, f"cp{codepage}")
        ).name
    except LookupError:
        return otherwise
