"""Texts to spaCy documents without the transformer, for the rules that need none."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from mailhealth import language
from mailhealth.records import Text

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

T = TypeVar("T")
_RUN = re.compile(r"\S{80}")  # spaCy's rules for affixes are quadratic in a word's length


def each(
    texts: Iterable[Text], make: "Callable[[Language], Callable[[Doc], T]]"
) -> Iterator[tuple[str, T]]:
    """Yield, by the texts' ids, what is found in them; `make` is called once for a language."""
    from mailhealth.nlp import words

    looks: dict[str, Callable[[Doc], T]] = {}
    for text in texts:
        said = words(text)
        nlp = blank(text.lang or language.identify(said))
        name = str(nlp.lang)
        if name not in looks:
            looks[name] = make(nlp)
        # the zone lets spaCy forget the words of a text: its store of strings only grows
        with nlp.memory_zone():
            cut = said if name == "ja" else _RUN.sub(r"\g<0> ", said)
            found = looks[name](nlp.make_doc(cut))
        yield text.id, found


@cache
def blank(lang: str) -> "Language":
    """Make the tokenizer of a language: our own for Japanese, spaCy's or its general one else."""
    import spacy

    from mailhealth.nlp import TOKENISED

    if lang in {"ja", "zh"}:  # without kana a short text may be either
        return spacy.blank("ja", config={"nlp": {"tokenizer": {"@tokenizers": "mailhealth.ja"}}})
    return spacy.blank(lang if lang in TOKENISED else "xx")
