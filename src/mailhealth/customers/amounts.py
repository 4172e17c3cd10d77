"""Sums of money as a customer file writes them: a number, and never a guess."""

import re
from unicodedata import normalize

from mailhealth.errors import BadData

LONGEST = 24  # characters: no company's revenue needs more
_EITHER = re.compile(r"[1-9]\d{0,2}([.,])\d{3}", re.ASCII)  # a thousand, or one and a bit
_PLAIN = re.compile(r"\d+([.]\d+|,\d\d?)?", re.ASCII)  # 12000, 12000.50 and 12000,50
_MARKED = re.compile(  # thousands marked so that they can be read in one way only
    r"\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?"  # 12 000 and 12'000.50
    r"|\d{1,3}(?:,\d{3}){2,}(?:[.]\d+)?|\d{1,3},\d{3}[.]\d+"  # 1,200,000 and 1,200.50
    r"|\d{1,3}(?:[.]\d{3}){2,}(?:,\d+)?|\d{1,3}[.]\d{3},\d+",  # 1.200.000 and 1.200,50
    re.ASCII,
)


def amount(written: str) -> float:
    """Read a sum that is not negative: 12000, 12000.50, 1,200,000 or 1.200.000,50.

    Raises BadData for what can be read in two ways (1,200), carries a currency, or is no number.
    """
    text = normalize("NFKC", written).strip().replace("’", "'")
    if text.startswith("-"):
        raise BadData(f"'{written}' is negative; write what is paid in a year, 0 for nothing")
    if either := _EITHER.fullmatch(text):
        whole, rest = text.split(either[1])
        raise BadData(
            f"'{written}' may mean {whole}{rest} or {whole}.{rest}; leave out the mark between "
            f"thousands: {whole}{rest}"
        )
    if len(text) > LONGEST or not (_PLAIN.fullmatch(text) or _MARKED.fullmatch(text)):
        raise BadData(f"'{written}' is no number like 12000 or 12000.50; write it without currency")
    return float(_unmarked(text))


def _unmarked(text: str) -> str:
    """Drop the marks between thousands; a last dot or comma that comes once marks decimals."""
    last = max(text.rfind("."), text.rfind(","))
    if last < 0 or text.count(text[last]) > 1:
        return re.sub(r"\D", "", text)
    return re.sub(r"\D", "", text[:last]) + "." + text[last + 1 :]
