"""Bytes to text: declared character sets as mail really uses them, and guesses where none is."""

import codecs
import re
from functools import lru_cache

# What senders declare -> the codec that reads what they mean. Mail programs write the
# Windows supersets under the name of the standard they extend.
ALIASES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "cp1255",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "euc-jp": "euc_jp",
    "cp51932": "euc_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "ksc5601": "cp949",
    "hz-gb-2312": "hz",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8",
    "x-unicode": "utf-8",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
}
UNDECLARED = {"cp1252", "8bit", "x-unknown", "unknown-8bit", "default_charset", "default", "binary"}
JAPANESE_7BIT = ("iso-2022-jp", "iso2022jp", "iso2022_jp", "cp50220", "cp50221", "cp50222", "csiso")
LAST_LOW_ROW = 0x5E  # the JIS row after which Shift_JIS leaves room for half-width kana
DELETE_IN_CP932 = 0x7F  # the second byte that Shift_JIS leaves out
NO_CHARSETS = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
SAMPLE = 4096  # bytes shown to the detector; more costs time and does not change its mind
BROKEN = 0.02  # share of characters a cut or a stray byte may cost
FEW = 0.08  # share of 8-bit bytes below which Western text is likelier than a multi-byte one

_HIGH = re.compile(rb"[\x80-\xff]")
_TELLING = re.compile(rb"[\x80-\xff\x1b][\x40-\xff]{0,200}")
_KANA = re.compile("[ぁ-んァ-ヶ]")
_WIDE = re.compile(r"[^\x00-\x7f]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{3}")
_HALF_WIDTH = bytes(range(0x21)) + bytes(range(0xA1, 0xE0)) + bytes(range(0x60, 0x100))
_PAIR = re.compile(rb"[\x21-\x7e]{2}")
_ESCAPE = re.compile(rb"(\x1b(?:\$\([A-D]|\$[@AB]|\([A-J]|&@))")


def decode(data: bytes, declared: str | None, problems: list[str], hint: str | None = None) -> str:
    """Read bytes as text; never raises, and says in `problems` what had to be repaired.

    `declared` is the charset the sender names, `hint` a charset seen elsewhere in the same
    mail, tried before guessing.
    """
    codec = codec_of(declared)
    if declared and codec is None and declared.lower() not in UNDECLARED:
        problems.append("unknown charset")
    if codec == "iso-2022-jp" or b"\x1b$" in data[:SAMPLE]:
        return _iso_2022_jp(data)
    if data.isascii() and codec not in ("utf-7", "utf-16", "utf-32", "hz"):
        return data.decode("ascii")
    if codec is None:
        problems.append("charset not declared")
        return _guess(data, hint)
    text = _strictly(data, codec)
    if text is not None and not (codec == "cp1252" and _is_utf_8(data)):
        return text
    problems.append("text not in its declared charset")
    return _mostly(data, codec) or _guess(data, hint)


def codec_of(declared: str | None) -> str | None:
    """Name the codec that reads a declared charset; None where it names none we know."""
    if not declared:
        return None
    name = declared.strip().strip("\"'").lower()
    if name.startswith(JAPANESE_7BIT):
        return "iso-2022-jp"
    if name in UNDECLARED:
        return None
    name = ALIASES.get(name, name)
    return name if _is_text_codec(name) else None


@lru_cache(maxsize=256)
def _is_text_codec(name: str) -> bool:
    # Python also has codecs that are no charset (zlib, rot13, idna): those must not run.
    if name in NO_CHARSETS:
        return False
    try:
        return isinstance(b"a".decode(codecs.lookup(name).name, "replace"), str)
    except (LookupError, ValueError, TypeError):
        return False


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return _decoded(data, codec, "strict")
    except ValueError:
        return None


def _decoded(data: bytes, codec: str, errors: str) -> str:
    text = data.decode(codec, errors)
    if text.isascii() or codec == "utf-8":
        return text
    # UTF-7 and others can spell half of a surrogate pair, which no file or database takes.
    return text.encode("utf-8", "replace").decode("utf-8")


def _mostly(data: bytes, codec: str) -> str | None:
    """Read with the declared codec where only a few bytes are broken (a cut, a stray byte)."""
    text = _decoded(data, codec, "replace")
    return text if text.count("\ufffd") <= BROKEN * len(text) else None


def _is_utf_8(data: bytes) -> bool:
    return _strictly(data, "utf-8") is not None


def _guess(data: bytes, hint: str | None) -> str:
    """Read 8-bit bytes that nobody declared.

    UTF-8 proves itself; then the mail's own charset; Western text shows few, isolated 8-bit
    bytes; for the rest chardet decides.
    """
    text = _strictly(data, "utf-8")
    if text is not None:
        return text
    if hint and (codec := codec_of(hint)) not in (None, "utf-8", "cp1252", "iso-2022-jp"):
        text = _strictly(data, str(codec))
        if text is not None:
            return text
    if _looks_western(data):
        return _western(data)
    return _japanese(data) or _detected(data)


def _looks_western(data: bytes) -> bool:
    sample = data[:SAMPLE]
    high = len(_HIGH.findall(sample))
    return high <= max(2, FEW * len(sample)) and not _HIGH_RUN.search(sample)


def _western(data: bytes) -> str:
    return _strictly(data, "cp1252") or data.decode("latin-1")


def _japanese(data: bytes) -> str | None:
    """Read what is full of kana in a Japanese charset: proof enough, where chardet needs more."""
    for codec in ("cp932", "euc_jp"):
        text = _strictly(data, codec)
        if text and 3 * len(_KANA.findall(text)) >= len(_WIDE.findall(text)) > 0:
            return text
    return None


def _detected(data: bytes) -> str:
    import chardet

    # Only what is not ASCII tells charsets apart; a ticket number around it misleads.
    telling = b"\n".join(_TELLING.findall(data[: 4 * SAMPLE]))
    found = chardet.detect(telling[:SAMPLE])["encoding"]
    codec = codec_of(found)
    if codec == "iso-2022-jp":
        return _iso_2022_jp(data)
    if codec is None:
        return _western(data)
    return _decoded(data, codec, "replace")


def _iso_2022_jp(data: bytes) -> str:
    """Read ISO-2022-JP as mail programs write it (cp50221, ISO-2022-JP-MS).

    Python has no codec for it: circled digits, (株), 髙 and half-width kana are outside the
    standard but inside every mailbox. Two-byte runs are turned into cp932, which knows them.
    """
    if b"\x1b" not in data:
        return _strictly(data, "ascii") or _guess(data, None)
    charset = b""
    found = []
    for piece in _ESCAPE.split(data):
        if _ESCAPE.fullmatch(piece):
            charset = piece
        elif piece:
            found.append(_run(piece, charset))
    return "".join(found)


def _run(piece: bytes, charset: bytes) -> str:
    if charset in (b"\x1b$@", b"\x1b$B", b"\x1b&@"):
        return _two_bytes(piece)
    if charset == b"\x1b$(D":
        return bytes(
            byte
            for at in range(0, len(piece) - 1, 2)
            for byte in (0x8F, piece[at] | 0x80, piece[at + 1] | 0x80)
        ).decode("euc_jp", "replace")
    if charset == b"\x1b(I":
        return piece.translate(_HALF_WIDTH).decode("cp932", "replace")
    return piece.decode("ascii") if piece.isascii() else piece.decode("cp932", "replace")


def _two_bytes(piece: bytes) -> str:
    # A line end resets to ASCII even where the sender forgot the escape.
    lines = re.split(rb"([\r\n]+)", piece)
    out = [_row(lines[0])]
    for index in range(1, len(lines), 2):
        rest = lines[index + 1]
        out.append(lines[index].decode("ascii"))
        out.append(_row(rest) if _is_two_byte(rest) else rest.decode("cp932", "replace"))
    return "".join(out)


def _is_two_byte(data: bytes) -> bool:
    # Japanese rows start with 0x21 to 0x7e and are even; ASCII text nearly always has blanks.
    return len(data) % 2 == 0 and b" " not in data and bool(data) and data[0] in b"!#$%012345678"


def _row(data: bytes) -> str:
    """Turn pairs of JIS X 0208 bytes (with the Windows extensions) into text by way of cp932."""
    return _PAIR.sub(_shift, data).decode("cp932", "replace")


def _shift(pair: re.Match[bytes]) -> bytes:
    """Move one JIS X 0208 pair to its place in Shift_JIS (JIS X 0208:1997, annex 1)."""
    first, second = pair[0]
    lead = (first + 1) // 2 + (0x70 if first <= LAST_LOW_ROW else 0xB0)
    if first % 2 == 0:
        return bytes((lead, second + 0x7E))
    return bytes((lead, second + (0x1F if second < DELETE_IN_CP932 - 0x1F else 0x20)))
