"""Texts in, labels out: spaCy carries the texts, a small transformer reads them."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from mailhealth import language
from mailhealth.nlp import survey
from mailhealth.nlp import topics as taxonomy
from mailhealth.nlp.folder import intents, version
from mailhealth.nlp.reader import Reader, load, load_folder
from mailhealth.nlp.tokens import apart, tokenizer, words
from mailhealth.records import Annotation, Text

__all__ = ["annotate", "forget", "intents", "pipeline", "version", "words"]

CHUNK = 256  # texts that are taken from the stream at a time
_LOG = logging.getLogger("mailhealth")
_ENDS = [*"。！？｡．.!?…", "!!", "??", "...", *("\n" * times for times in range(1, 5)), "\r\n"]


def annotate(
    texts: Iterable[Text], *, model: str = "mail", topics: str = ""
) -> Iterator[Annotation]:
    """Read texts as a stream, in their order; `model` is a shipped model's name, a folder, or
    a TOML file that names other models (`foreign`); `topics` is a topics.toml ("": the shipped).

    The sentiment is "unknown" where there is nothing to read: no letters, or a language that
    the model was not made for. Of a text only the first 48,000 bytes are read. Raises UnknownName
    and BadData for the model, nothing for a text: one that cannot be read is "unknown", and the
    log "mailhealth" says why.
    """
    reader = load(model)
    stream = iter(texts)
    while chunk := list(islice(stream, CHUNK)):
        yield from _read(chunk, reader, model=model, topics=topics)


@cache
def pipeline(lang: str, model: str = "mail", topics: str = "") -> Language:
    """Make the spaCy pipeline of a language: tokens, sentences, survey, topics, the reader."""
    nlp = tokenizer(lang)
    nlp.add_pipe("sentencizer", config={"punct_chars": _ENDS})
    nlp.add_pipe("mailhealth_survey")
    nlp.add_pipe("mailhealth_topics", config={"topics": topics})
    nlp.add_pipe("mailhealth_reader", config={"model": model, "lang": lang})
    return nlp


def forget() -> None:
    """Forget every loaded model, because its folder has been written anew."""
    for remembered in (pipeline, version, load_folder):
        remembered.cache_clear()


def _read(chunk: Sequence[Text], reader: Reader, *, model: str, topics: str) -> list[Annotation]:
    texts = [words(text) for text in chunk]
    langs = [text.lang or language.identify(said) for text, said in zip(chunk, texts, strict=True)]
    answers: dict[int, Annotation] = {}
    for lang in sorted(set(langs)):
        numbers = [number for number, found in enumerate(langs) if found == lang]
        said = [(texts[number], chunk[number].subject, chunk[number].asked) for number in numbers]
        docs = _docs(said, lang, reader, model=model, topics=topics)
        for number, doc in zip(numbers, docs, strict=True):
            if isinstance(doc, Exception):
                _LOG.warning("text %s cannot be read (%s)", chunk[number].id, doc)
                doc = Doc(Vocab())  # noqa: PLW2901 - as empty as what is known of it
            answers[number] = _annotation(chunk[number].id, lang, doc, reader)
    return [answers[number] for number in range(len(chunk))]


def _docs(
    said: Sequence[tuple[str, ...]], lang: str, reader: Reader, *, model: str, topics: str
) -> Iterator[Doc | Exception]:
    """Read texts of one language, with subject and what was asked before; where that fails one
    by one, to know which of them fails."""
    served = lang in reader.languages
    nlp = pipeline(lang if served else "xx", model, topics)
    off = [] if served else ["mailhealth_reader"]
    said = [(apart(text, nlp), *asked) for text, *asked in said]
    # the zone lets spaCy forget the words of a chunk: its store of strings only grows
    with nlp.select_pipes(disable=off), nlp.memory_zone():
        try:
            docs = (survey.document(nlp, *each) for each in said)
            yield from list(nlp.pipe(docs, batch_size=CHUNK))
        except Exception:  # whatever a component, theirs or ours, makes of a hostile text
            yield from [_doc(nlp, *each) for each in said]


def _doc(nlp: Language, text: str, *asked: str) -> Doc | Exception:
    try:
        return nlp(survey.document(nlp, text, *asked))
    except Exception as error:
        return error


def _annotation(number: str, lang: str, doc: Doc, reader: Reader) -> Annotation:
    read = bool(doc.cats) and any(any(map(str.isalpha, token.text)) for token in doc)
    cats = doc.cats if read else {}
    feelings = {name: cats[name] for name in reader.sentiments if read}
    wants = {name: cats[name] for name in reader.intents if read}
    limits = reader.calibration(lang).thresholds
    return Annotation(
        id=number,
        lang=lang,
        sentiment=_sentiment(feelings, limits) if read else "unknown",
        score=doc._.sentiment if read else None,
        probabilities=feelings,
        intents=wants,
        labels=tuple(name for name in wants if wants[name] >= limits[name]),
        topics=tuple(sorted(taxonomy.count(doc))),
        nps=doc._.nps,
        csat=doc._.csat,
        model=reader.version,
    )


def _sentiment(feelings: Mapping[str, float], limits: Mapping[str, float]) -> str:
    """The likeliest sentiment; a negative one that is not sure enough is no news."""
    likeliest = max(feelings, key=feelings.__getitem__)
    if likeliest == "negative" and feelings["negative"] < limits["negative"]:
        return "neutral"
    return likeliest
