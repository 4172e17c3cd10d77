"""The libraries to compare with, where they are installed: each as a function, or the reason."""

import email
import logging
from collections.abc import Callable
from email import policy
from importlib.util import find_spec

Splitter = Callable[[str], str]
Reader = Callable[[bytes], object]

MODULES = {
    "mail-parser-reply": "mailparser_reply",
    "email-reply-parser": "email_reply_parser",
    "quotequail": "quotequail",
    "flufl.bounce": "flufl",
    "mail-parser": "mailparser",
}


def absent() -> list[str]:
    """Name the libraries that are not installed, and whose rows are therefore left out."""
    return [name for name, module in MODULES.items() if find_spec(module) is None]


def splitters() -> dict[str, Splitter]:
    """The libraries that tell own words from quoted text."""
    known = {
        "mail-parser-reply": _mail_parser_reply,
        "email-reply-parser": _email_reply_parser,
        "quotequail": _quotequail,
    }
    return {name: peer for name, peer in known.items() if name not in absent()}


def bounce_readers() -> dict[str, Reader]:
    """The libraries that find the failed addresses of a bounce."""
    return {} if "flufl.bounce" in absent() else {"flufl.bounce": _flufl_bounce}


def parsers() -> dict[str, Reader]:
    """The libraries that parse mail: subject, people, date and all texts, decoded."""
    known: dict[str, Reader] = {"email, policy.default": _standard_library}
    return known if "mail-parser" in absent() else {**known, "mail-parser": _mail_parser}


def _mail_parser_reply(text: str) -> str:
    from mailparser_reply import EmailReplyParser

    languages = ["en", "de", "fr", "it", "ja", "nl", "pl", "sv", "es", "ko", "zh", "cs", "da"]
    return str(EmailReplyParser(languages=languages).parse_reply(text) or "")


def _email_reply_parser(text: str) -> str:
    from email_reply_parser import EmailReplyParser

    return str(EmailReplyParser.parse_reply(text))


def _quotequail(text: str) -> str:
    import quotequail

    return "\n".join(part for shown, part in quotequail.quote(text, quote_intro_line=True) if shown)


def _flufl_bounce(content: bytes) -> object:
    from flufl.bounce import scan_message

    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)  # it logs what it survives
    return scan_message(email.message_from_bytes(content))


def _standard_library(content: bytes) -> object:
    message = email.message_from_bytes(content, policy=policy.default)
    headers = [message["subject"], message["from"], message["to"], message["date"]]
    texts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    return headers, [part.get_content() for part in texts]


def _mail_parser(content: bytes) -> object:
    import mailparser

    mail = mailparser.parse_from_bytes(content)
    return mail.subject, mail.from_, mail.to, mail.date, mail.text_plain, mail.text_html
