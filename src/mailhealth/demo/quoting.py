"""How mail programs quote the mail they answer: Gmail, Outlook, Apple Mail, Becky!, Thunderbird."""

import re
import textwrap
from collections.abc import Callable
from datetime import datetime
from html import escape

from mailhealth.demo.stories import Letter, Person

# strftime speaks the machine's language; the sample must not.
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
YOUBI = "月火水木金土日"
JAPANESE = re.compile("[\u3041-\u30ff\u4e00-\u9fff]")  # kana and kanji
FRAME = re.compile(r"[\W_]{4,}")  # ━━━━, ＿＿＿＿, ******: a signature in a frame of its own


def is_japanese(text: str) -> bool:
    """Whether a text holds kana or kanji, so that its author's mail program speaks Japanese."""
    return JAPANESE.search(text) is not None


def plain(letter: Letter, answered: Letter | None, subject: str, quoted: str) -> str:
    """The text/plain body: own words, signature, and `quoted` in the style of the client."""
    body = letter.text + _signature(letter.author)
    if answered is None:
        return body + "\n"
    line = attribution(letter, answered, subject)
    if letter.author.client == "outlook":
        rule = "________________________________" if letter.author.html else _original(letter)
        return f"{body}\n\n{rule}\n{line}\n\n{quoted}"
    if letter.author.client == "apple":
        return f"{body}\n\n" + _with_marks(f"{line}\n\n{quoted}")
    return f"{body}\n\n{line}\n\n{_with_marks(quoted)}"


def html(letter: Letter, answered: Letter | None, subject: str, quoted: str) -> str:
    """The text/html body without its page; `quoted` is that of the answered mail."""
    own = _lines(letter.text + _signature(letter.author))
    line = "" if answered is None else attribution(letter, answered, subject)
    if letter.author.client == "outlook":
        return _outlook_html(own, line, quoted)
    if letter.author.client == "apple":
        return _apple_html(own, line, quoted)
    return _gmail_html(own, line, quoted)


def page(letter: Letter, fragment: str) -> str:
    """The document around a body; Gmail sends the bare body."""
    if letter.author.client == "gmail":
        return fragment
    return f'<html><body style="overflow-wrap: break-word;">\n{fragment}</body></html>\n'


def as_html(text: str) -> str:
    """A plain body as a mail program shows it when it is quoted in HTML."""
    return "<br>\n".join(_lines(text))


def attribution(letter: Letter, answered: Letter, subject: str) -> str:
    """The line or block above a quotation, in the answering author's language and time zone."""
    when = answered.at.astimezone(letter.at.tzinfo)
    style = STYLES[letter.author.client]
    line = style(when, answered, subject, is_japanese(letter.text))
    if letter.author.client != "gmail" or is_japanese(letter.text):
        return line
    return textwrap.fill(line, 76, break_long_words=False, break_on_hyphens=False)


def _gmail(when: datetime, answered: Letter, subject: str, japanese: bool) -> str:
    who = _who(answered.author)
    if japanese:
        day = f"{when.year}年{when.month}月{when.day}日({YOUBI[when.weekday()]})"
        return f"{day} {when:%H:%M} {who}:"
    day, month = DAYS[when.weekday()][:3], MONTHS[when.month - 1][:3]
    if _american(when):
        return f"On {day}, {month} {when.day}, {when.year} at {_twelve(when)} {who} wrote:"
    return f"On {day}, {when.day} {month} {when.year} at {when:%H:%M}, {who} wrote:"


def _outlook(when: datetime, answered: Letter, subject: str, japanese: bool) -> str:
    to = "; ".join(_who(person) for person in answered.to)
    if japanese:
        day = f"{when.year}年{when.month}月{when.day}日 {when.hour}:{when:%M}"
        return f"差出人: {_who(answered.author)}\n送信日時: {day}\n宛先: {to}\n件名: {subject}"
    month = MONTHS[when.month - 1]
    day = f"{when.day} {month} {when.year} {when:%H:%M}"
    if _american(when):
        day = f"{DAYS[when.weekday()]}, {month} {when.day}, {when.year} {_twelve(when)}"
    return f"From: {_who(answered.author)}\nSent: {day}\nTo: {to}\nSubject: {subject}"


def _apple(when: datetime, answered: Letter, subject: str, japanese: bool) -> str:
    who = _who(answered.author)
    if japanese:
        return f"{when:%Y/%m/%d %H:%M}、{who}のメール:"
    month = MONTHS[when.month - 1][:3]
    if _american(when):
        return f"On {month} {when.day}, {when.year}, at {_twelve(when)}, {who} wrote:"
    return f"On {when.day} {month} {when.year}, at {when:%H:%M}, {who} wrote:"


def _becky(when: datetime, answered: Letter, subject: str, japanese: bool) -> str:
    day, month = DAYS[when.weekday()][:3], MONTHS[when.month - 1][:3]
    stamp = f"{day}, {when.day:02d} {month} {when.year} {when:%H:%M:%S %z}"
    return f"On {stamp}\n{_who(answered.author)} wrote:"


def _thunderbird(when: datetime, answered: Letter, subject: str, japanese: bool) -> str:
    day = f"{when:%Y/%m/%d %H:%M}" if japanese else f"{when:%d/%m/%Y %H:%M}"
    return f"On {day}, {answered.author.name} wrote:"


STYLES: dict[str, Callable[[datetime, Letter, str, bool], str]] = {
    "gmail": _gmail,
    "outlook": _outlook,
    "apple": _apple,
    "becky": _becky,
    "plain": _thunderbird,
}


def _gmail_html(own: list[str], line: str, quoted: str) -> str:
    body = '<div dir="ltr">' + "<br>\n".join(own) + "</div>\n"
    if not line:
        return body
    head = "<br>".join(_lines(line.replace("\n", " ")))
    style = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"
    return (
        f'{body}<br>\n<div class="gmail_quote gmail_quote_container">'
        f'<div dir="ltr" class="gmail_attr">{head}<br></div>\n'
        f'<blockquote class="gmail_quote" style="{style}">\n{quoted}\n</blockquote></div>\n'
    )


def _outlook_html(own: list[str], line: str, quoted: str) -> str:
    body = "\n".join(f'<p class="MsoNormal">{text or "&nbsp;"}</p>' for text in own)
    if line:
        head = "<br>\n".join(re.sub(r"^(\S+?:)", r"<b>\1</b>", text) for text in _lines(line))
        rule = "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"
        body += f'\n<div style="{rule}" id="divRplyFwdMsg">\n<p class="MsoNormal">{head}</p></div>'
        body += f"\n<div>{quoted}</div>"
    return f'<div class="WordSection1">\n{body}\n</div>\n'


def _apple_html(own: list[str], line: str, quoted: str) -> str:
    body = "\n".join(f"<div>{text or '<br>'}</div>" for text in own)
    if line:
        head = "<br>".join(_lines(line))
        body += f'\n<br><blockquote type="cite"><div>{head}</div>'
        body += f'<br class="Apple-interchange-newline"><div>{quoted}</div></blockquote>'
    return f"{body}\n"


def _signature(author: Person) -> str:
    """The signature as it is glued on: after "-- ", or as it stands where it brings a frame."""
    if not author.signature:
        return ""
    framed = FRAME.fullmatch(author.signature.splitlines()[0].strip())
    return f"\n\n{author.signature}" if framed else f"\n\n-- \n{author.signature}"


def _lines(text: str) -> list[str]:
    return [escape(line, quote=False) for line in text.rstrip("\n").split("\n")]


def _with_marks(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    marked = (f">{line}" if line.startswith(">") or not line else f"> {line}" for line in lines)
    return "\n".join(marked) + "\n"


def _original(letter: Letter) -> str:
    return "-----元のメッセージ-----" if is_japanese(letter.text) else "-----Original Message-----"


def _who(person: Person) -> str:
    return f"{person.name} <{person.address}>"


def _american(when: datetime) -> bool:
    offset = when.utcoffset()
    return offset is not None and offset.total_seconds() < 0


def _twelve(when: datetime) -> str:
    return f"{(when.hour - 1) % 12 + 1}:{when:%M} {('AM', 'PM')[when.hour // 12]}"
