"""Our components for any spaCy pipeline: the reader, the topics, the survey.

`mailhealth_reader` fills `doc.cats` with the probability of every sentiment and intent and
`doc._.sentiment` with P(positive) - P(negative); both stay empty where there is nothing to read.
`mailhealth_topics` fills `doc.spans["topics"]`, `mailhealth_survey` `doc._.nps` and `doc._.csat`;
it reads numbers alone as answers where `doc._.asked` says that nps, csat or either was asked.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

from mailhealth.nlp import survey
from mailhealth.nlp import topics as taxonomy
from mailhealth.nlp.reader import Reader, load, read
from mailhealth.nlp.runtimes import Floats
from mailhealth.rules import toml

for _name in ("sentiment", "nps", "csat"):
    if not Doc.has_extension(_name):
        Doc.set_extension(_name, default=None)
if not Doc.has_extension("asked"):
    Doc.set_extension("asked", default="")

_MOST = 12_000  # characters at once: SudachiPy refuses more than 49,149 bytes


@registry.tokenizers("mailhealth.ja")  # type: ignore[untyped-decorator]
def make_japanese() -> Callable[[Language], Callable[[str], Doc]]:
    """Make the Japanese tokenizer: SudachiPy, short units (split mode A), small dictionary.

    spaCy's own one insists on the core dictionary (70 MB) and on parts of speech in two schemes.
    Tags and norms are the same as its: 名詞-普通名詞-一般, サーバ -> サーバー.
    """
    from sudachipy import Dictionary, SplitMode  # type: ignore[import-untyped]

    split = Dictionary(dict="small").tokenizer(mode=SplitMode.A)

    def make(nlp: Language) -> Callable[[str], Doc]:
        def tokenise(text: str) -> Doc:
            parts = (text[at : at + _MOST] for at in range(0, len(text), _MOST))
            found = [token for part in parts for token in split.tokenize(part) if token.surface()]
            words = [token.surface() for token in found]
            tags = ["-".join(_known(token.part_of_speech()[:3])) for token in found]
            doc = Doc(nlp.vocab, words=words, spaces=[False] * len(words), tags=tags)
            for token, morpheme in zip(doc, found, strict=True):
                token.norm_ = morpheme.normalized_form()
            return doc

        return tokenise

    return make


def _known(parts: Sequence[str]) -> Iterator[str]:
    return (part for part in parts if part != "*")


class MailReader:
    """The transformer as a component; `lang` chooses its calibration ("": each document's own)."""

    def __init__(self, reader: Reader, lang: str = "") -> None:
        self.reader = reader
        self.lang = lang

    def __call__(self, doc: Doc) -> Doc:
        """Read one document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """Read a stream of documents, `batch_size` at a time."""
        documents = iter(stream)
        while batch := list(islice(documents, max(batch_size, 1))):
            found = read(self.reader, batch, self.lang or batch[0].lang_)
            for doc, answer in zip(batch, found, strict=True):
                if answer is not None:
                    self._note(doc, *answer)
            yield from batch

    def _note(self, doc: Doc, feelings: Floats, wants: Floats) -> None:
        names = (*self.reader.sentiments, *self.reader.intents)
        doc.cats.update(zip(names, map(float, [*feelings, *wants]), strict=True))
        doc._.sentiment = doc.cats["positive"] - doc.cats["negative"]


@Language.factory(
    "mailhealth_reader", default_config={"model": "mail", "lang": ""}, assigns=["doc.cats"]
)
def make_reader(nlp: Language, name: str, model: str, lang: str) -> MailReader:
    """Make the transformer component of a shipped model's name, a model folder or a TOML file."""
    return MailReader(load(model), lang)


@Language.factory("mailhealth_topics", default_config={"topics": ""}, assigns=["doc.spans"])
def make_topics(nlp: Language, name: str, topics: str) -> Callable[[Doc], Doc]:
    """Make the component that finds the topics of a topics.toml, by default the shipped one.

    Raises BadData for a file that does not hold together.
    """
    page = toml.text(Path(topics)) if topics else None
    return taxonomy.finder(nlp, taxonomy.load(page, Path(topics).name or "topics.toml"))


@Language.factory("mailhealth_survey")
def make_survey(nlp: Language, name: str) -> Callable[[Doc], Doc]:
    """Make the component that reads written-out survey answers."""
    rules = survey.matcher(nlp.vocab)

    def read(doc: Doc) -> Doc:
        found = survey.answers(doc, rules, doc._.asked)
        doc._.nps, doc._.csat = found.get("nps"), found.get("csat")
        return doc

    return read
