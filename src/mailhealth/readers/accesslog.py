"""Web server access logs: one row for each call of a page of ours."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from mailhealth.readers import _files
from mailhealth.records import Mark, Row, Skipped

LONGEST_LINE = 1 << 16  # characters; servers refuse longer request lines
MOST_PARAMETERS = 200
LOOKED_AT = 1_000  # lines of a log that show its columns
REFUSED = 400  # the status from which a server says no
METHODS = ("GET", "POST")
# The Common Log Format, with the referrer and the agent of the Combined one where they follow.
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r"(?:\S{1,300} )?(?P<ip>[0-9a-fA-F.:]{2,45}) \S{1,300} \S{1,300} \[(?P<time>[^\]]{1,40})\] "
    r'"(?P<method>[A-Z]{1,20}) (?P<target>\S{1,16000})(?: HTTP/[\d.]{1,5})?" (?P<status>\d{3}) \S+'
    rf"(?: {_QUOTED} {_QUOTED})?"
)


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The calls of some pages in a log, or in all changed logs of a folder.

    `settings`: `path`, and `pages`: words (separated by commas), one of which the path of a page
    holds; without them, every page. A row has the parameters of the address, and
    `request.ip`, `.time`, `.method`, `.page` and `.agent`. Calls of other pages, by other
    methods than GET and POST, or refused by the server, are counted and left out.
    """
    pages = _pages(settings)
    return _files.unread(settings, cursors, takes, lambda file: _rows(file, pages))


def takes(file: Path) -> bool:
    """Whether a file begins with a line of such a log."""
    return bool(_LINE.match(_files.head(file).lstrip()))


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names in the first call of these pages in one log (`path`, `pages`), () without one."""
    with _files.text(Path(settings["path"])) as opened:
        lines = (opened.readline(LONGEST_LINE) for _ in range(LOOKED_AT))
        calls = (_call(line, _pages(settings)) for line in lines)
        return next((tuple(call) for call in calls if isinstance(call, dict)), ())


def _pages(settings: Mapping[str, str]) -> tuple[str, ...]:
    words = settings.get("pages", "").split(",")
    return tuple(word.strip().casefold() for word in words if word.strip())


def _rows(file: Path, pages: tuple[str, ...]) -> Iterator[Row | Skipped]:
    place = _files.place(file)
    left: Counter[str] = Counter()
    with _files.text(file) as opened:
        for number, line in enumerate(iter(lambda: opened.readline(LONGEST_LINE), ""), 1):
            call = _call(line, pages) if line.strip() else ""
            if isinstance(call, dict):
                yield Row(f"{place}:{number}", call)
            elif call:
                left[call] += 1
    for why, count in left.items():
        yield Skipped(place, f"{count} {'line' if count == 1 else 'lines'}: {why}", meant=True)


def _call(line: str, pages: tuple[str, ...]) -> dict[str, str] | str:
    """One call as a row, or why it is none."""
    if not (found := _LINE.match(line)):
        return "no line of an access log"
    page, _, query = found["target"].partition("?")
    page = unquote(page, errors="replace")
    if pages and not any(word in page.casefold() for word in pages):
        return "other pages"
    if found["method"] not in METHODS:
        return "neither GET nor POST"
    if int(found["status"]) >= REFUSED:
        return "refused by the server"
    try:
        fields = dict(parse_qsl(query, max_num_fields=MOST_PARAMETERS, errors="replace"))
    except ValueError:
        return f"more than {MOST_PARAMETERS} parameters"
    # Ours last: nobody can call a parameter "request.ip" and be believed.
    return {
        **fields,
        "request.ip": found["ip"],
        "request.time": found["time"],
        "request.method": found["method"],
        "request.page": page,
        "request.agent": (found[7] or "").removeprefix("-"),
    }
