"""The word lists of words.toml, ready to be looked up."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_UNSPACED = "\u2e80"  # from here on, scripts are written without spaces between words
_SIGNS = r"[ \t　,，、.。!！?？~〜:：;…–—-]"


@dataclass(frozen=True, slots=True)
class Words:
    """What the splitter looks for: patterns match in lower case, one line at a time."""

    verb: re.Pattern[str]
    opener: re.Pattern[str]
    month: re.Pattern[str]
    weekday: re.Pattern[str]
    phrases: tuple[str, ...]
    bare: frozenset[str]
    labels: dict[str, str]  # "gesendet" -> "date"
    sent_from: tuple[str, ...]
    contact: re.Pattern[str]
    disclaimer: re.Pattern[str]
    salute: re.Pattern[str]
    addressees: frozenset[str]
    address_ending: re.Pattern[str]
    opening: re.Pattern[str]
    introduction: re.Pattern[str]
    closing: re.Pattern[str]
    thanks: re.Pattern[str]
    grateful: re.Pattern[str]
    gratitude: re.Pattern[str]
    company: re.Pattern[str]
    particles: frozenset[str]


@cache
def words() -> Words:
    """Load the word lists once."""
    data = tomllib.loads(files("mailhealth.reply").joinpath("words.toml").read_text("utf-8"))
    attribution, signature = data["attribution"], data["signature"]
    courtesies: dict[str, list[str]] = data["courtesies"]
    leads = _phrase(courtesies["leads"])
    thanking = [
        each for name in ("thanks", "grateful", "appreciating") for each in courtesies[name]
    ]
    spaced, unspaced = _any(attribution["verbs"]), _any(attribution["verbs_unspaced"])
    return Words(
        verb=re.compile(rf"(?<!\w)(?:{spaced})(?!\w)|(?:{unspaced})"),
        opener=re.compile(rf"(?:{_any(attribution['openers'])})(?:\s|,|(?=\d))"),
        month=re.compile(rf"(?<![^\W\d_])(?:{_any(data['dates']['months'])})"),
        weekday=re.compile(rf"(?:{_any(data['dates']['weekdays'])})\w{{0,8}}[.,]?\s"),
        phrases=tuple(data["separators"]["phrases"]),
        bare=frozenset(data["separators"]["bare"]),
        labels={word: kind for kind, found in data["labels"].items() for word in found},
        sent_from=tuple(signature["sent_from"]),
        contact=_contact(signature["contact"]),
        disclaimer=re.compile(_any(signature["disclaimers"])),
        salute=re.compile(_phrase(courtesies["salutes"]), re.IGNORECASE),
        addressees=frozenset(courtesies["addressees"]),
        address_ending=_address(courtesies["address_endings"]),
        opening=_phrases(courtesies["openings"], leads),
        introduction=_introduction(courtesies["organisations"], courtesies["surnames"]),
        closing=_phrases(courtesies["closings"] + courtesies["thanks"], leads),
        thanks=_phrases(courtesies["thanks"], leads),
        grateful=re.compile(_phrase(thanking), re.IGNORECASE),
        gratitude=_gratitude(courtesies),
        company=re.compile(rf"[^。、！？!?]*?(?:{_any(courtesies['companies'])})[^。、！？!?]*"),
        particles=frozenset(courtesies["particles"]),
    )


def _any(found: Iterable[str]) -> str:
    # Longest first, so that "sent from" does not end at "sent".
    return "|".join(re.escape(word) for word in sorted(found, key=len, reverse=True))


def _phrase(found: list[str]) -> str:
    """Match one phrase; where words are parted by spaces, only whole words."""
    spaced = _any(word for word in found if word[-1] < _UNSPACED)
    unspaced = _any(word for word in found if word[-1] >= _UNSPACED)
    return rf"(?>(?:{spaced})(?!\w)|{unspaced or '(?!)'})"


def _phrases(found: list[str], leads: str) -> re.Pattern[str]:
    """Match phrases in a row and the signs after them; possessive, so that nothing is retried."""
    return re.compile(rf"(?:(?:{leads}{_SIGNS}*+)*+{_phrase(found)}{_SIGNS}*+)++", re.IGNORECASE)


def _gratitude(courtesies: dict[str, list[str]]) -> re.Pattern[str]:
    """Match sentences that only thank: "Many thanks for your help!", ご対応ありがとうございます。

    Possessive: the words of a sentence are not tried again in another way.
    """
    grateful = _phrase(courtesies["grateful"] + courtesies["thanks"])
    appreciating, polite = _phrase(courtesies["appreciating"]), _phrase(courtesies["closings"])
    lightly = _phrase(courtesies["gratefully"] + courtesies["leads"])
    around = rf"(?>(?!{grateful}){lightly}{_SIGNS}*+)"
    spaced = _phrase([word for word in courtesies["thanked_for"] if word[-1] < _UNSPACED])
    unspaced = _phrase([word for word in courtesies["thanked_for"] if word[-1] >= _UNSPACED])
    after = rf"(?>{spaced}[ \t]*+)"
    before = rf"(?>{unspaced}[ \t　、]*+)"
    thanks = (
        rf"{before}*+{around}*+(?:{appreciating}[ \t]++{after}++"
        rf"|{grateful}[ \t]*+{around}*+(?:for[ \t]++{after}++)?)"
    )
    sentence = rf"{around}*+(?>{thanks}|{polite}){_SIGNS}*+\s*+"
    return re.compile(rf"(?:{sentence})++", re.IGNORECASE)


def _address(endings: list[str]) -> re.Pattern[str]:
    """Match a short line that ends in a title of courtesy: 営業部 佐藤様."""
    return re.compile(rf"[^。．.!?！？、，,\n]{{0,24}}?(?:{_any(endings)})[、，,:：!！。. 　]*$")


def _introduction(organisations: list[str], surnames: list[str]) -> re.Pattern[str]:
    """Match "株式会社…の佐藤です", which names an organisation, "佐藤です" or "…と申します"."""
    place = rf"[^。\n]{{0,30}}(?:{_any(organisations)})[^。\n]{{0,12}}の"
    return re.compile(
        rf"(?:(?:{place}[^。、\nのはがを]{{1,10}}|(?:{_any(surnames)}))(?:です|でございます)"
        r"|[^。\n]{1,40}と申します)(?:[。、!！ 　]+|$)"
    )


def _contact(found: list[str]) -> re.Pattern[str]:
    """Match a word that belongs to a signature, a telephone number or an address."""
    latin = _any(word for word in found if word.isascii())
    other = _any(word for word in found if not word.isascii())
    return re.compile(
        rf"(?<![^\W\d_])(?:{latin})(?![^\W\d_])|{other}"
        r"|[\w.+-]{1,64}@[\w-]{1,63}\.|\+?\(?\d{2,4}\)?[ ./-]\(?\d{2,4}\)?[ ./-]\d{3,4}"
    )
