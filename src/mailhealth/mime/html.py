"""HTML to text, as a reader sees it, with "> " before each line for every level of quotation."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

LARGEST = 2_000_000  # characters of HTML that are read
DEEPEST = 2_000  # open elements; lexbor's time grows with their square
QUOTES = 20  # levels of quotation that are shown
EMOJI = 3  # characters, joined ones included
ATTRIBUTES = 2_000  # words in one tag; lexbor compares each attribute with all before it
COSTLIEST = 10_000_000  # open formatting elements x tags; lexbor repeats the former in each block


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER = _names("head style script title template noscript object svg select textarea")
_BLOCKS = _names(
    "address article aside blockquote body center dd details dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section summary "
    "table tbody tfoot thead tr ul"
)
# Paragraphs for which Outlook declares, in a style sheet, that they have no margins.
_LINES = ("msonormal", "msoplaintext")
_SPACED = _names("p h1 h2 h3 h4 h5 h6 blockquote ul ol pre")
_FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
_CLOSE_THEMSELVES = _names(
    "area base br col dd dt embed hr img input li link meta option p param source td th tr "
    "tbody thead tfoot track wbr"
)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9:]{0,20})")
_ANY_TAG = re.compile(r"<[^<>]*>")
_LONG_TAG = re.compile(r"<[^<>]{10000,}")
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_HIDDEN = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|(?:max-height|opacity):0(?![.\d])"
)
_MARGIN = re.compile(r"(?:^|;)\s*margin(-top|-bottom)?\s*:([^;]*)")
# Word writes .0001pt for nought.
_NOUGHT = re.compile(r"-?(?:0{0,4}\.?0{0,4}|0?\.0001)(?:[a-z]{2,3}|%)?")
_FONT_SIZE = re.compile(r"font-size:([\d.]{1,8})")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
_RULE = "_" * 32  # what Outlook writes for its line in plain text
_ORIGINAL = "-----Original Message-----"


class _Shown(NamedTuple):
    """What an element hands down to its children."""

    quotes: int = 0
    pre: bool = False
    tiny: bool = False  # font-size:0, which a child may undo
    line_from: int | None = None  # lines written before the paragraph without margins it is in


@dataclass(slots=True)
class _Page:
    """The text written so far, and how the next character is to be written."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    shown: _Shown = field(default_factory=_Shown)
    gap: bool = False  # a blank line is due before the next one
    depth: int = 0  # of quotation, in the line above

    def write(self, text: str) -> None:
        if not text.isascii():
            text = _INVISIBLE.sub("", text)
        if self.shown.pre:
            self._write_pre(text)
            return
        text = _SPACE.sub(" ", text)
        if text == " " and (not self.line or self.line[-1].endswith((" ", "\t"))):
            return
        if text:
            self.line.append(text)

    def _write_pre(self, text: str) -> None:
        first, *more = text.replace("\r", "").split("\n")
        self.line.append(first)
        for part in more:
            self.end_line()
            self.line.append(part)

    def end_line(self) -> None:
        quotes, text = self.shown.quotes, "".join(self.line).rstrip()
        if self.gap and self.lines:
            self.lines.append(("> " * min(quotes, self.depth)).rstrip())
        text = text if self.shown.pre else text.strip(" ")
        self.lines.append(("> " * quotes + text).rstrip())
        self.line.clear()
        self.gap, self.depth = False, quotes

    def fresh_line(self) -> None:
        if "".join(self.line).strip():
            self.end_line()
        self.line.clear()

    def blank_line(self) -> None:
        self.fresh_line()
        self.gap = True


def to_text(html: str, problems: list[str]) -> str:
    """Render HTML as plain text; never raises.

    Hidden preheaders, styles and scripts are dropped, table cells of one row stay on one
    line, block quotations get "> ". Only the first 2 million characters are read.
    """
    if len(html) > LARGEST:
        problems.append("HTML cut at 2 million characters")
        html = html[:LARGEST]
    if _is_hostile(html):
        problems.append("HTML nested too deep")
        return _without_tags(html)
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html.replace("\x00", "")).root
    page = _Page()
    if root is not None:
        _walk(root, page)
    page.fresh_line()
    return "\n".join(page.lines).strip("\n")


def _is_hostile(html: str) -> bool:
    """Tell whether lexbor would need more than a second: its costs grow with open elements."""
    if any(len(tag.split()) > ATTRIBUTES for tag in _LONG_TAG.findall(html)):
        return True
    depth = deepest = formatting = most_formatting = tags = 0
    for slash, name in _TAG.findall(html.lower()):
        tags += 1
        if name in _CLOSE_THEMSELVES:
            continue
        step = -1 if slash else 1
        depth = max(0, depth + step)
        deepest = max(deepest, depth)
        if name in _FORMATTING:
            formatting = max(0, formatting + step)
            most_formatting = max(most_formatting, formatting)
    return deepest > DEEPEST or most_formatting * tags > COSTLIEST


def _without_tags(html: str) -> str:
    return _SPACE.sub(" ", _INVISIBLE.sub("", _ANY_TAG.sub(" ", html))).strip()


def _walk(root: "LexborNode", page: _Page) -> None:
    """Visit every node in order, without recursion: what opens is closed from the stack."""
    stack: list[tuple[LexborNode, _Shown]] = []
    node: LexborNode | None = root
    while node is not None or stack:
        if node is None:
            node, before = stack.pop()
            _close(node.tag or "", before, page)
            node = node.next if stack else None
            continue
        before = page.shown
        child = node.child if _open(node, page) else None
        if child is not None:
            stack.append((node, before))
            node = child
            continue
        _close(node.tag or "", before, page)
        node = node.next if stack else None


def _open(node: "LexborNode", page: _Page) -> bool:
    """Write what a node writes when it opens, and tell whether its children are shown."""
    tag = node.tag or ""
    if tag == "-text":
        if not page.shown.tiny:
            page.write(node.text_content or "")
        return False
    if tag in _NEVER or not node.is_element_node:
        return False
    attributes = node.attributes
    declared = (attributes.get("style") or "")[:2_000].lower()
    style = _SPACE.sub("", declared)
    if "hidden" in attributes or (style and _HIDDEN.search(style)):
        return False
    is_line = tag == "p" and _is_line(attributes, declared)
    _start(tag, attributes, is_line, page)
    page.shown = _inherit(tag, attributes, style, page.shown)
    if tag == "p":
        page.shown = page.shown._replace(line_from=len(page.lines) if is_line else None)
    return True


def _is_line(attributes: dict[str, str | None], style: str) -> bool:
    """Tell a paragraph without margins, which is a line, from one with blank lines around it."""
    names = (attributes.get("class") or "")[:200].lower().split()
    above, below = "0", "0" if any(name.endswith(_LINES) for name in names) else "1em"
    for side, value in _MARGIN.findall(style):
        sizes = value.replace("!important", "").split()[:4] or ["1em"]
        if side != "-bottom":
            above = sizes[0]
        if side != "-top":
            below = (sizes[2:3] or sizes)[0]  # margin: top right bottom left
    return all(_NOUGHT.fullmatch(size) for size in (above, below))


def _start(tag: str, attributes: dict[str, str | None], is_line: bool, page: _Page) -> None:
    if tag in _SPACED and not is_line:
        page.blank_line()
    elif tag in _BLOCKS:
        page.fresh_line()
    if write := _MARKS.get(tag):
        write(attributes, page)
    if attributes.get("id") == "divRplyFwdMsg":
        page.write(_ORIGINAL)
        page.fresh_line()


def _cell(_: dict[str, str | None], page: _Page) -> None:
    if "".join(page.line).strip():
        page.line.append("\t")


def _picture(attributes: dict[str, str | None], page: _Page) -> None:
    # Emoji come as pictures; a longer alternative text is decoration.
    alt = attributes.get("alt") or ""
    if 0 < len(alt) <= EMOJI and not alt.isascii():
        page.write(alt)


_MARKS: dict[str, Callable[[dict[str, str | None], _Page], None]] = {
    "br": lambda _, page: page.end_line(),
    "hr": lambda _, page: page.write(_RULE),
    "li": lambda _, page: page.write("- "),
    "td": _cell,
    "th": _cell,
    "img": _picture,
}


def _inherit(tag: str, attributes: dict[str, str | None], style: str, shown: _Shown) -> _Shown:
    if tag == "blockquote" and not _is_indent(attributes, style):
        shown = shown._replace(quotes=min(shown.quotes + 1, QUOTES))
    if tag == "pre" or "white-space:pre" in style:
        shown = shown._replace(pre=True)
    if style and (size := _FONT_SIZE.search(style)):
        shown = shown._replace(tiny=not size[1].strip("0."))
    return shown


def _is_indent(attributes: dict[str, str | None], style: str) -> bool:
    """Tell Gmail's "indent more", a block quotation without a line, from a quotation."""
    return "border:none" in style and attributes.get("type") != "cite"


def _close(tag: str, before: _Shown, page: _Page) -> None:
    if tag in _BLOCKS:
        page.fresh_line()
    line_from, page.shown = page.shown.line_from, before
    # A line without words was left blank by the writer.
    if tag in _SPACED and (tag != "p" or line_from is None or line_from == len(page.lines)):
        page.blank_line()
