"""The files of a log source: which there are, which have changed, how their text is coded."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TextIO

from mailhealth.errors import BadSource
from mailhealth.records import Mark, Row, Skipped

BLOCK = 1 << 20
LONGEST_START = 4 << 20  # bytes; enough for a million of any characters
HEAD = 4_096  # bytes that show what a file is
TRIED = 100  # records among which one must be readable for a file to be recognised
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED = ((b"PK\x03\x04", "a ZIP archive or Excel workbook"), (b"\x1f\x8b", "gzip"))
_RUN = re.compile(rb"[\x80-\xff]{3}")
_REQUEST = re.compile(r"\b(?:GET|POST) /[^\s?]*\?\S")


def listed(path: str) -> Iterator[Path]:
    """The file of this path, or all files in this folder and below, sorted; hidden ones not.

    Raises BadSource where there is neither.
    """
    root = Path(path)
    if root.is_file():
        yield root
        return
    if not root.is_dir():
        raise BadSource(f"{path}: there is no such file or folder; give the path of an export")
    for file in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
        if file.is_file() and not hidden:
            yield file


def unread(
    settings: Mapping[str, str],
    cursors: Mapping[str, str],
    takes: Callable[[Path], bool],
    rows: Callable[[Path], Iterator[Row | Skipped]],
) -> Iterator[Row | Skipped | Mark]:
    """The rows of every file that has changed since its cursor, and a Mark after each.

    The cursor is "size:mtime_ns". A file named itself is read whatever it looks like; in a
    folder each reader reads what it takes.
    """
    if "path" not in settings:
        raise BadSource("there is no path; give path= with a file or a folder of exports")
    named = Path(settings["path"])
    for file in listed(settings["path"]):
        try:
            cursor = state(file)
            if cursors.get(place(file)) == cursor or not (file == named or takes(file)):
                continue
            yield from rows(file)
        except OSError as error:
            yield Skipped(place(file), f"cannot be read: {error.strerror or error}")
        else:
            yield Mark(place(file), cursor)


def place(file: Path) -> str:
    """The path of a file as text that can be stored, whatever bytes its name is made of."""
    return str(file).encode(errors="replace").decode()


def state(file: Path) -> str:
    """What changes when a file does: "size:mtime_ns"."""
    found = file.stat()
    return f"{found.st_size}:{found.st_mtime_ns}"


def packed(file: Path) -> str:
    """What kind of packed file this is, or "" where it is none."""
    with file.open("rb") as opened:
        head = opened.read(4)
    return next((kind for magic, kind in _PACKED if head.startswith(magic)), "")


def head(file: Path) -> str:
    """The first characters of a file, decoded as far as they are text; "" for a binary file."""
    with file.open("rb") as opened:
        start = opened.read(HEAD)
    coding = next((coding for bom, coding in _BOMS if start.startswith(bom)), "")
    if not coding and b"\0" in start:
        return ""
    text = codecs.getincrementaldecoder(coding or _likely(start))("replace").decode(start)
    return text.lstrip("\ufeff")


def _likely(start: bytes) -> str:
    """The coding of the first bytes of a text; half a letter of CP932 may look like a "|"."""
    for coding in ("utf-8", "cp932"):
        try:
            codecs.getincrementaldecoder(coding)().decode(start)
        except UnicodeDecodeError:
            continue
        return coding
    return "cp1252"


def endless(file: Path) -> bool:
    """Whether the first line of a file is longer than that of any table."""
    with file.open("rb") as opened:
        start = opened.read(LONGEST_START)
    return len(start) == LONGEST_START and b"\n" not in start and b"\r" not in start


def kind(head: str) -> Literal["json", "requests", "table", ""]:
    """What the first characters of a text look like; "" for nothing at all."""
    start = head.lstrip()
    if start.startswith(("{", "[")):
        return "json"
    if _REQUEST.search(start.partition("\n")[0]):
        return "requests"
    return "table" if start else ""


def text(file: Path, coding: str = "") -> TextIO:
    """Open a file as text with its line ends as they are; what cannot be decoded becomes U+FFFD.

    The coding is the one given, the one its byte order mark names, else UTF-8 if the whole
    file is valid UTF-8, else CP932 (what Japanese spreadsheets write) where it looks like it,
    else CP1252 (what Western ones write). Raises BadSource for a coding that Python does not know.
    """
    try:
        codecs.lookup(coding or "utf-8")
    except LookupError as error:
        raise BadSource(f"{file}: no encoding '{coding}'; one is 'cp932'") from error
    return file.open(encoding=coding or _coding(file), errors="replace", newline="")


def lines(opened: TextIO, longest: int) -> Iterator[tuple[int, str]]:
    """The numbered lines of a text; of one that is longer only so many characters."""
    number = 0
    while line := opened.readline(longest):
        number += 1
        yield number, line
        while len(line) == longest and not line.endswith(("\n", "\r")):
            line = opened.readline(longest)


def _coding(file: Path) -> str:
    with file.open("rb") as opened:
        start = opened.read(4)
    for bom, coding in _BOMS:
        if start.startswith(bom):
            return coding
    if _valid(file, "utf-8"):
        return "utf-8"
    return "cp932" if _valid(file, "cp932") and _has_runs(file) else "cp1252"


def _has_runs(file: Path) -> bool:
    """Whether 8-bit bytes stand side by side, as in Japanese; Western accents stand alone."""
    with file.open("rb") as opened:
        return any(_RUN.search(block) for block in iter(lambda: opened.read(BLOCK), b""))


def _valid(file: Path, coding: str) -> bool:
    decoder = codecs.getincrementaldecoder(coding)()
    try:
        with file.open("rb") as opened:
            while block := opened.read(BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
