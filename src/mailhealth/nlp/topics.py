"""What a text is about: the topics of a taxonomy that the user writes, found by their words."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mailhealth.errors import BadData
from mailhealth.nlp.stems import stem
from mailhealth.rules import toml

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.matcher import PhraseMatcher
    from spacy.tokens import Doc, Token
    from spacy.vocab import Vocab

EVERYWHERE = "any"
_TITLE = "title"
_NAME = re.compile(r"[a-z0-9_-]{1,40}")
_LANGUAGE = re.compile(r"[a-z]{2}|any")
_EXACT = "="
_MOST_TOPICS, _MOST_PHRASES, _LONGEST = 200, 500, 100


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its words and phrases by language ("any": in all), its titles by language."""

    name: str
    phrases: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The topics of a topics.toml; `version` names the content, such as "topics@0123abcd"."""

    topics: tuple[Topic, ...]
    version: str


def shipped() -> str:
    """Return the text of the shipped topics.toml, to begin an own one with."""
    return files("mailhealth.nlp").joinpath("topics.toml").read_text("utf-8")


def load(page: str | None = None, name: str = "topics.toml") -> Taxonomy:
    """Read the text of a topics.toml, by default the shipped one.

    Raises BadData, naming the table and the key, for a page that does not hold together.
    """
    page = shipped() if page is None else page
    table = toml.loads(page, name)
    given = table.get("topic")
    if not isinstance(given, dict) or not given or len(table) > 1:
        raise BadData(
            f"{name}: it must hold tables [topic.NAME] and nothing else, such as [topic.login]"
            ' with en = ["log in", "password"]'
        )
    if len(given) > _MOST_TOPICS:
        raise BadData(f"{name}: there may be {_MOST_TOPICS} topics, no more")
    topics = tuple(_topic(key, given[key], name) for key in given)
    content = json.dumps(table, ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()
    return Taxonomy(topics, f"topics@{digest[:8]}")


def _topic(name: str, table: Any, page: str) -> Topic:
    where = f"{page}, [topic.{name}]"
    if not _NAME.fullmatch(name):
        raise BadData(f"{where}: a topic's name is made of a-z, 0-9, _ and -, 40 at most")
    if not isinstance(table, dict):
        raise BadData(f"{page}, [topic]: {name} must be a table, such as [topic.{name}]")
    titles = table.get(_TITLE, {})
    if not isinstance(titles, dict) or not all(isinstance(said, str) for said in titles.values()):
        raise BadData(f'{where}: title must be a table such as {{ en = "Login", ja = "ログイン" }}')
    phrases = {
        lang: _phrases(lang, given, where) for lang, given in table.items() if lang != _TITLE
    }
    if not any(phrases.values()):
        raise BadData(f'{where}: it needs words of a language, such as en = ["log in"]')
    return Topic(name, phrases, titles)


def _phrases(lang: str, given: Any, where: str) -> tuple[str, ...]:
    if not _LANGUAGE.fullmatch(lang):
        raise BadData(
            f"{where}: unknown key {lang!r}; the keys are title, any and languages (en, ja, de ...)"
        )
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BadData(f'{where}: {lang} must be a list of words, such as ["log in", "password"]')
    if len(given) > _MOST_PHRASES:
        raise BadData(f"{where}: {lang} may list {_MOST_PHRASES} words, no more")
    for phrase in given:
        if not any(map(str.isalnum, phrase)) or len(phrase) > _LONGEST:
            raise BadData(f"{where}: {lang} lists {phrase[:20]!r}, which is no word or phrase")
    return tuple(given)


def finder(nlp: "Language", taxonomy: Taxonomy) -> "Callable[[Doc], Doc]":
    """Make the component that fills `doc.spans["topics"]`, each span's label a topic's name.

    A phrase is met in any plural or verb form: words are compared by lemma where the pipeline
    has lemmas, else by norm, and without their English endings. "=word" is met only as written,
    but for case. Phrases of the pipeline's language count, and those for "any".
    """
    matchers = {exact: _matcher(nlp, taxonomy, exact=exact) for exact in (False, True)}

    def find(doc: "Doc") -> "Doc":
        tokens = _tokens(doc)
        spans = {
            span
            for exact, matcher in matchers.items()
            if len(matcher)
            for span in _matches(tokens, matcher, nlp.vocab, exact=exact)
        }
        cut = (doc.char_span(*each) for each in _longest(spans))
        doc.spans["topics"] = [span for span in cut if span is not None]
        return doc

    return find


def _matcher(nlp: "Language", taxonomy: Taxonomy, *, exact: bool) -> "PhraseMatcher":
    from spacy.matcher import PhraseMatcher

    matcher = PhraseMatcher(nlp.vocab)
    for topic in taxonomy.topics:
        phrases = {*topic.phrases.get(str(nlp.lang), ()), *topic.phrases.get(EVERYWHERE, ())}
        chosen = sorted(each for each in phrases if each.startswith(_EXACT) is exact)
        said = (_tokens(nlp.make_doc(each.removeprefix(_EXACT))) for each in chosen)
        docs = [_forms(nlp.vocab, tokens, exact=exact) for tokens in said]
        if docs:
            matcher.add(topic.name, docs)
    return matcher


def _tokens(doc: "Doc") -> "list[Token]":
    """Leave white space out, so that a phrase may go over the end of a line."""
    return [token for token in doc if not token.is_space]


def _matches(
    tokens: "Sequence[Token]", matcher: "PhraseMatcher", vocab: "Vocab", *, exact: bool
) -> Iterator[tuple[int, int, str]]:
    """Yield where phrases are met, as start and end in characters and the topic's name."""
    for key, start, end in matcher(_forms(vocab, tokens, exact=exact)):
        last = tokens[end - 1]
        yield tokens[start].idx, last.idx + len(last), vocab.strings[key]


def _forms(vocab: "Vocab", tokens: "Sequence[Token]", *, exact: bool) -> "Doc":
    """Write tokens in the forms that are compared: a document of its own, so that nobody else's
    norms are changed."""
    from spacy.tokens import Doc

    return Doc(vocab, words=[_form(token, exact=exact) for token in tokens])


def _form(token: "Token", *, exact: bool) -> str:
    said = token.text if exact else token.lemma_ or token.norm_ or token.text
    form = unicodedata.normalize("NFKC", said).lower() or "_"
    return form if exact else stem(form)


def _longest(spans: set[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Keep, of one topic's spans that overlap, the longest; in the order of the text."""
    kept: list[tuple[int, int, str]] = []
    ends: dict[str, int] = {}
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1], span[2])):
        if start >= ends.get(label, 0):
            kept.append((start, end, label))
            ends[label] = end
    return kept


def counter(nlp: "Language", taxonomy: Taxonomy) -> "Callable[[Doc], dict[str, int]]":
    """Make what finds and counts a taxonomy's topics in documents of a pipeline."""
    find = finder(nlp, taxonomy)
    return lambda doc: count(find(doc))


def count(doc: "Doc") -> dict[str, int]:
    """Count how often each topic is met in a document that the component has seen."""
    counts: dict[str, int] = {}
    for span in doc.spans.get("topics", ()):
        counts[span.label_] = counts.get(span.label_, 0) + 1
    return counts
