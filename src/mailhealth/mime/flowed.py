"""format=flowed (RFC 3676): lines that end in a space go on in the next."""

from collections.abc import Iterable
from itertools import groupby

SIGNATURE = "-- "


def unfold(text: str, delete_space: bool) -> str:
    """Join the soft line breaks of a flowed text.

    `delete_space` is the parameter DelSp=yes: the space before the break is no text, as in
    Japanese. Quote marks are kept as "> " per level.
    """
    out: list[str] = []
    for depth, lines in groupby(map(_cut, text.split("\n")), key=lambda line: line[0]):
        mark = "> " * depth
        out += [(mark + line).rstrip(" ") if mark else line for line in _join(lines, delete_space)]
    return "\n".join(out)


def _cut(line: str) -> tuple[int, str]:
    """Split a line into its quote depth and its text, space stuffing removed."""
    words = line.lstrip(">")
    return len(line) - len(words), words.removeprefix(" ")


def _join(lines: Iterable[tuple[int, str]], delete_space: bool) -> list[str]:
    out: list[str] = []
    paragraph: list[str] = []
    for _, line in lines:
        soft = line.endswith(" ") and line != SIGNATURE
        if line == SIGNATURE and paragraph:
            out.append("".join(paragraph))
            paragraph = []
        paragraph.append(line[:-1] if soft and delete_space else line)
        if not soft:
            out.append("".join(paragraph))
            paragraph = []
    return [*out, "".join(paragraph)] if paragraph else out
