"""Texts to spaCy documents: what is read of a text, and a language's tokenizer."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TypeVar

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from mailhealth import language
from mailhealth.nlp import components  # noqa: F401  (importing registers the tokenizer)
from mailhealth.records import Text

T = TypeVar("T")
LONGEST = 48_000  # bytes of a text that are read: SudachiPy refuses more than 49,149 at once
TOKENISED = frozenset(["en", "de", "fr", "es", "it", "pt", "nl"])  # by spaCy, with no more packages
_RUN = re.compile(r"\S{80}")  # spaCy's rules for affixes are quadratic in a word's length
_REPLY = re.compile(r"\s*(re|aw|sv|fw|fwd|wg|tr|rv|返信|転送)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)


def words(text: Text) -> str:
    """Join subject and text; the subject of a reply is somebody else's words."""
    subject = "" if _REPLY.match(text.subject) else text.subject.strip()
    said = f"{subject}\n\n{text.text}" if subject else text.text
    clean = said[:LONGEST].replace("\x00", " ").replace("\r\n", "\n").encode("utf-8", "replace")
    return clean[:LONGEST].decode("utf-8", "ignore")


def apart(said: str, nlp: Language) -> str:
    """Break runs of letters that no tokenizer of spaCy's should meet; SudachiPy does not mind."""
    return said if nlp.lang == "ja" else _RUN.sub(r"\g<0> ", said)


def tokenizer(lang: str) -> Language:
    """Make a pipeline of nothing but a tokenizer: ours for Japanese, spaCy's or a general one."""
    if lang in {"ja", "zh"}:  # without kana a short text may be either; sentences end alike
        return spacy.blank("ja", config={"nlp": {"tokenizer": {"@tokenizers": "mailhealth.ja"}}})
    return spacy.blank(lang if lang in TOKENISED else "xx")


def each(
    texts: Iterable[Text], make: Callable[[Language], Callable[[Doc], T]]
) -> Iterator[tuple[str, T]]:
    """Yield, by the texts' ids, what is found in them; `make` is called once for a language."""
    looks: dict[str, Callable[[Doc], T]] = {}
    for text in texts:
        said = words(text)
        nlp = _kept(text.lang or language.identify(said))
        name = str(nlp.lang)
        if name not in looks:
            looks[name] = make(nlp)
        # the zone lets spaCy forget the words of a text: its store of strings only grows
        with nlp.memory_zone():
            found = looks[name](nlp.make_doc(apart(said, nlp)))
        yield text.id, found


_kept = cache(tokenizer)
