"""Texts in, labels out: spaCy carries the texts, a small transformer reads them."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from mailhealth import language
from mailhealth.nlp import components  # noqa: F401  (importing registers the factories)
from mailhealth.nlp.folder import version
from mailhealth.nlp.reader import Reader, load, load_folder
from mailhealth.records import Annotation, Text

__all__ = ["annotate", "forget", "pipeline", "version"]

CHUNK = 256  # texts that are taken from the stream at a time
LONGEST = 48_000  # bytes of a text that are read: SudachiPy refuses more than 49,149 at once
TOKENISED = frozenset(["en", "de", "fr", "es", "it", "pt", "nl"])  # by spaCy, with no more packages
_RUN = re.compile(r"\S{80}")  # spaCy's rules for affixes are quadratic in a word's length
_ENDS = [*"。！？｡．.!?…", "!!", "??", "...", *("\n" * times for times in range(1, 5)), "\r\n"]
_REPLY = re.compile(r"\s*(re|aw|sv|fw|fwd|wg|tr|rv|返信|転送)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)


def annotate(texts: Iterable[Text], *, model: str = "mail") -> Iterator[Annotation]:
    """Read texts as a stream, in their order; `model` is a shipped model's name or a folder.

    The sentiment is "unknown" where there is nothing to read: no letters, or a language that
    the model was not made for. Of a text only the first 48,000 bytes are read. Raises UnknownName
    and BadData for the model, nothing for a text.
    """
    reader = load(model)
    stream = iter(texts)
    while chunk := list(islice(stream, CHUNK)):
        yield from _read(chunk, reader, model)


@cache
def pipeline(lang: str, model: str = "mail") -> Language:
    """Make the spaCy pipeline of a language: tokens, sentences, the reader, the survey rules."""
    if lang in {"ja", "zh"}:  # without kana a short text may be either; sentences end alike
        nlp = spacy.blank("ja", config={"nlp": {"tokenizer": {"@tokenizers": "mailhealth.ja"}}})
    else:
        nlp = spacy.blank(lang if lang in TOKENISED else "xx")
    nlp.add_pipe("sentencizer", config={"punct_chars": _ENDS})
    nlp.add_pipe("mailhealth_survey")
    nlp.add_pipe("mailhealth_reader", config={"model": model})
    return nlp


def forget() -> None:
    """Forget every loaded model, because its folder has been written anew."""
    for remembered in (pipeline, version, load_folder):
        remembered.cache_clear()


def _read(chunk: list[Text], reader: Reader, model: str) -> list[Annotation]:
    words = [_words(text) for text in chunk]
    langs = [text.lang or language.identify(said) for text, said in zip(chunk, words, strict=True)]
    answers: dict[int, Annotation] = {}
    for lang in sorted(set(langs)):
        numbers = [number for number, found in enumerate(langs) if found == lang]
        served = lang in reader.languages
        nlp = pipeline(lang if served else "xx", model)
        off = [] if served else ["mailhealth_reader"]
        # the zone lets spaCy forget the words of a chunk: its store of strings only grows
        with nlp.select_pipes(disable=off), nlp.memory_zone():
            some = [words[number] for number in numbers]
            if nlp.lang != "ja":
                some = [_RUN.sub(r"\g<0> ", said) for said in some]
            docs = nlp.pipe(some, batch_size=CHUNK)
            for number, doc in zip(numbers, docs, strict=True):
                answers[number] = _annotation(chunk[number].id, lang, doc, reader)
    return [answers[number] for number in range(len(chunk))]


def _words(text: Text) -> str:
    """Join subject and text; the subject of a reply is somebody else's words."""
    subject = "" if _REPLY.match(text.subject) else text.subject.strip()
    said = f"{subject}\n\n{text.text}" if subject else text.text
    clean = said[:LONGEST].replace("\x00", " ").replace("\r\n", "\n").encode("utf-8", "replace")
    return clean[:LONGEST].decode("utf-8", "ignore")


def _annotation(number: str, lang: str, doc: Doc, reader: Reader) -> Annotation:
    read = bool(doc.cats) and any(map(str.isalpha, doc.text))
    feelings = {name: doc.cats[name] for name in reader.sentiments} if read else {}
    wants = {name: doc.cats[name] for name in reader.intents} if read else {}
    return Annotation(
        id=number,
        lang=lang,
        sentiment=max(feelings, key=feelings.__getitem__) if read else "unknown",
        score=doc._.sentiment if read else None,
        probabilities=feelings,
        intents=wants,
        labels=tuple(name for name in wants if wants[name] >= reader.thresholds[name]),
        topics=(),
        nps=doc._.nps,
        csat=doc._.csat,
        model=reader.version,
    )
