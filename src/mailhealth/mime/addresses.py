"""Address lists (From, To, Cc) as mail really writes them."""

import re
from dataclasses import dataclass, field

from mailhealth.mime.headers import LONGEST, decode_header, printable, storable
from mailhealth.records import Address

# Encoded words first: broken senders leave commas and colons in them.
_TOKEN = re.compile(
    r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]{0,1500}\?="
    r'|"(?:[^"\\]|\\.)*"?'
    r"|<[^<>]*>?"
    r"|\\."
    r"|[(),;:]"
    r'|[^"<\\(),;:=]+'
    r"|.",
    re.DOTALL,
)
_BARE = re.compile(r"[^\s<>\"']{1,256}@[^\s<>\"']{1,256}")
_AT_WORD = re.compile(r"^([\w.+=/-]{1,64}) (?:at|AT|\(at\)) ([\w-]{1,63}(?:\.[\w-]{1,63})+)$")
_ESCAPED = re.compile(r"\\(.)")
MOST = 5_000  # addresses of one header that are kept


@dataclass(slots=True)
class _Mailbox:
    """One mailbox while its tokens are being read."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    angle: str = ""


def addresses(value: str, problems: list[str], hint: str | None = None) -> tuple[Address, ...]:
    """Read an address list from a raw header value.

    Structure is read before encoded words are decoded, because a decoded name may hold a
    comma. Groups give their members; what holds no address is left out.
    """
    found: list[Address] = []
    box, depth = _Mailbox(), 0
    for token in _TOKEN.findall(value[:LONGEST].replace("\r", "").replace("\n", "")):
        if token in "()" or depth:
            depth = max(0, depth + (token == "(") - (token == ")"))
            if token not in "()":
                box.comments.append(token)
        elif token in ",;" or (token == ":" and _is_group_name(box)):
            _finish(box, found, problems, hint)
            box = _Mailbox()
        elif token.startswith("<"):
            box = _next(box, found, problems, hint)
            box.angle = token
        else:
            box.words.append(token)
        if len(found) >= MOST:
            break
    _finish(box, found, problems, hint)
    return tuple(found)


def _is_group_name(box: _Mailbox) -> bool:
    return not box.angle and "@" not in "".join(box.words) and box.words != ["mailto"]


def _next(box: _Mailbox, found: list[Address], problems: list[str], hint: str | None) -> _Mailbox:
    """Start a new mailbox where a second <...> follows without a comma."""
    if "@" not in box.angle:
        return box
    _finish(box, found, problems, hint)
    return _Mailbox()


def _finish(box: _Mailbox, found: list[Address], problems: list[str], hint: str | None) -> None:
    words = "".join(box.words).strip()
    written, name = _angle(box.angle), words
    if not written:
        written, name = _bare(words)
    if not written:
        return
    name = name or "".join(box.comments)
    found.append(Address(_display(name, problems, hint), _address(written)))


def _angle(token: str) -> str:
    """Take the address out of <...>: source routes and mailto: removed."""
    inner = token.strip("<> \t")
    if "@" not in inner:
        return ""
    if inner.lower().startswith("mailto:"):
        inner = inner[7:]
    if inner.startswith("@") and ":" in inner:
        inner = inner.rsplit(":", 1)[1]
    return inner


def _bare(words: str) -> tuple[str, str]:
    """Find an address that stands without brackets; what is left is the name.

    Mailing-list archives write `user at host.example`.
    """
    if at := _AT_WORD.match(words):
        return f"{at[1]}@{at[2]}", ""
    if match := _BARE.search(words):
        written = match[0].removeprefix("mailto:")
        return written, (words[: match.start()] + words[match.end() :]).strip()
    return "", ""


def _address(written: str) -> str:
    local, _, domain = printable("".join(storable(written).split())).rpartition("@")
    return f"{local.strip(chr(34))}@{domain.rstrip('.,').lower()}"


def _display(name: str, problems: list[str], hint: str | None) -> str:
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    return _ESCAPED.sub(r"\1", decode_header(name, problems, hint)).strip().strip('"').strip()
