"""Our components for any spaCy pipeline: `mailhealth_reader` and `mailhealth_survey`.

The reader fills `doc.cats` with the probability of every sentiment and intent and
`doc._.sentiment` with P(positive) - P(negative); both stay empty where there is nothing to read.
The survey fills `doc._.nps` and `doc._.csat`.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

from mailhealth.nlp import survey, windows
from mailhealth.nlp.reader import Reader, load, logits, probabilities

for _name in ("sentiment", "nps", "csat"):
    if not Doc.has_extension(_name):
        Doc.set_extension(_name, default=None)


@registry.tokenizers("mailhealth.ja")  # type: ignore[untyped-decorator]
def make_japanese() -> Callable[[Language], Callable[[str], Doc]]:
    """Make the Japanese tokenizer: SudachiPy, short units (split mode A), small dictionary.

    spaCy's own one insists on the core dictionary (70 MB) and on parts of speech that nobody
    here reads.
    """
    from sudachipy import Dictionary, SplitMode  # type: ignore[import-untyped]

    split = Dictionary(dict="small").tokenizer(mode=SplitMode.A)

    def make(nlp: Language) -> Callable[[str], Doc]:
        def tokenise(text: str) -> Doc:
            words = [surface for token in split.tokenize(text) if (surface := token.surface())]
            return Doc(nlp.vocab, words=words, spaces=[False] * len(words))

        return tokenise

    return make


class MailReader:
    """The transformer as a component."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __call__(self, doc: Doc) -> Doc:
        """Read one document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 256) -> Iterator[Doc]:
        """Read a stream of documents, `batch_size` at a time."""
        documents = iter(stream)
        while batch := list(islice(documents, max(batch_size, 1))):
            self._read(batch)
            yield from batch

    def _read(self, docs: list[Doc]) -> None:
        texts = [windows.cut(doc, self.reader.tokenizer) for doc in docs]
        found = logits(
            self.reader, [text for cut in texts for text in cut], longest=windows.LONGEST
        )
        feelings, wants = probabilities(self.reader, found)
        stops = np.cumsum([len(cut) for cut in texts])
        for doc, stop, cut in zip(docs, stops, texts, strict=True):
            if cut:
                part = slice(stop - len(cut), stop)
                self._note(doc, *windows.strongest(feelings[part], wants[part]))

    def _note(self, doc: Doc, feelings: np.ndarray, wants: np.ndarray) -> None:
        names = (*self.reader.sentiments, *self.reader.intents)
        doc.cats.update(zip(names, map(float, [*feelings, *wants]), strict=True))
        doc._.sentiment = doc.cats["positive"] - doc.cats["negative"]


@Language.factory("mailhealth_reader", default_config={"model": "mail"}, assigns=["doc.cats"])
def make_reader(nlp: Language, name: str, model: str) -> MailReader:
    """Make the transformer component of a shipped model's name or a model folder."""
    return MailReader(load(model))


@Language.factory("mailhealth_survey")
def make_survey(nlp: Language, name: str) -> Callable[[Doc], Doc]:
    """Make the component that reads written-out survey answers."""
    rules = survey.matcher(nlp.vocab)

    def read(doc: Doc) -> Doc:
        found = survey.answers(doc, rules)
        doc._.nps, doc._.csat = found.get("nps"), found.get("csat")
        return doc

    return read
