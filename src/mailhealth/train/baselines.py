"""What a reader must beat: lexicons, words counted, and the encoder before any training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mailhealth.errors import BadData
from mailhealth.train import measure
from mailhealth.train.calibration import calibrating, threshold
from mailhealth.train.example import UNKNOWN, YES, Example
from mailhealth.train.reading import Floats, Numbers

LEXICONS = {"en": "VADER", "ja": "asari"}
COUNTED, FROZEN = "TF-IDF + LR", "frozen encoder + LR"
CUTS = np.arange(-0.95, 0.96, 0.05)  # tried between the sentiments of a lexicon's score
ENCODED = 4_000  # training texts that the frozen encoder reads: whole mails first
LONGEST = 512  # tokens
COUNTS = 200_000  # most frequent words or runs that are counted
STRENGTH = 4.0  # C of the logistic regressions

Row = dict[str, Any]
Scorer = Callable[[str], float]
Encode = Callable[[Sequence[str]], Any]


def compare(
    model: Mapping[str, Any], examples: Sequence[Example], *, base: str
) -> dict[str, list[Row]]:
    """Measure the baselines on the test part: rows of `baselines`, and who was `skipped` and why.

    Everything that they need is chosen on train and dev, as it is for the model.
    """
    rows: list[Row] = []
    skipped: list[Row] = []
    for lang in sorted({example.lang for example in examples} & LEXICONS.keys()):
        here = [example for example in examples if example.lang == lang]
        kinds: dict[str, Callable[[], list[Row]]] = {
            LEXICONS[lang]: partial(_lexicon, lang, model, here),
            COUNTED: partial(_regress, partial(_counter, lang), model, here),
            FROZEN: partial(_regress, partial(_encoder, base), model, _fewer(here)),
        }
        for name, answers in kinds.items():
            try:
                rows += [{"baseline": name, **row} for row in answers()]
            except (ImportError, BadData) as error:
                skipped.append({"baseline": name, "lang": lang, "reason": str(error).rstrip(".")})
    return {"baselines": rows, "skipped": skipped}


def _parts(examples: Sequence[Example]) -> dict[str, list[Example]]:
    return {
        part: [example for example in examples if example.part == part]
        for part in ("train", "dev", "test")
    }


def _fewer(examples: Sequence[Example]) -> list[Example]:
    """Keep the longest of the training texts, which are the whole mails, and everything else."""
    parts = _parts(examples)
    longest = sorted(parts["train"], key=lambda example: -len(example.text))
    return [*longest[:ENCODED], *parts["dev"], *parts["test"]]


def _rows(
    model: Mapping[str, Any], test: Sequence[Example], feelings: Numbers, wants: Any
) -> list[Row]:
    """Score one baseline's answers per set; `wants` is None where it reads no intents."""
    rows = []
    for head, numbers in measure.places(test):
        told = np.array([test[n].sentiment for n in numbers])
        row = measure.sentiment(model["sentiments"], told, feelings[numbers])
        kept = {key: row[key] for key in ("n", "macro_f1", "confusion") if row}
        if wants is not None:
            kept |= _together([test[n] for n in numbers], wants[numbers])
        if kept:
            rows.append({**head, **kept})
    return rows


def _together(some: Sequence[Example], found: Any) -> Row:
    told = np.array([example.intents for example in some])
    if (told == UNKNOWN).any():
        return {}
    return {"micro_f1": measure.prf((told == YES).ravel(), found.ravel())["f1"]}


def _lexicon(lang: str, model: Mapping[str, Any], examples: Sequence[Example]) -> list[Row]:
    """A ready-made scorer from -1 to 1; where neutral begins and ends is chosen on dev."""
    score = {"en": _vader, "ja": _asari}[lang]()
    parts = _parts(examples)
    dev = [example for example in calibrating(model, parts["dev"]) if example.sentiment != UNKNOWN]
    told = np.array([example.sentiment for example in dev])
    low, high = _cuts(model["sentiments"], told, np.array([score(e.text) for e in dev]))
    found = np.array([score(example.text) for example in parts["test"]])
    return _rows(model, parts["test"], _cut(found, low, high), None)


def _cut(found: Floats, low: float, high: float) -> Numbers:
    """Negative (0) below `low`, positive (2) from `high`, else neutral (1)."""
    cut: Numbers = (found >= low).astype(np.int64) + (found >= high)
    return cut


def _cuts(names: Sequence[str], told: Numbers, found: Floats) -> tuple[float, float]:
    def worth(cuts: tuple[float, float]) -> float:
        return float(measure.sentiment(names, told, _cut(found, *cuts)).get("macro_f1", 0.0))

    return max(((low, high) for low in CUTS for high in CUTS if low < high), key=worth)


def _vader() -> Scorer:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    return lambda text: float(analyser.polarity_scores(text)["compound"])


def _asari() -> Scorer:
    """asari's own network, without its demand for an American locale (it only lowers letters)."""
    import asari
    import onnx
    import onnxruntime
    from asari.preprocess import tokenize

    graph = onnx.load(str(Path(asari.__file__).parent / "data" / "pipeline.onnx"))
    for node in graph.graph.node:
        if node.op_type == "StringNormalizer":
            node.attribute.append(onnx.helper.make_attribute("locale", "C"))
    session = onnxruntime.InferenceSession(graph.SerializeToString())

    def score(text: str) -> float:
        words = np.array([tokenize(text)])
        shares = session.run(None, {session.get_inputs()[0].name: words})[1][0]
        return float(shares["positive"] - shares["negative"])

    return score


def _counter(lang: str) -> Encode:
    """Words and pairs of words in English, runs of one to three signs in Japanese."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = {"analyzer": "word", "ngram_range": (1, 2)}
    signs = {"analyzer": "char", "ngram_range": (1, 3)}
    chosen = signs if lang == "ja" else words
    vectors = TfidfVectorizer(**chosen, max_features=COUNTS, sublinear_tf=True)
    seen: list[bool] = []

    def encode(texts: Sequence[str]) -> Any:
        """The first call, with the training texts, fits."""
        found = vectors.transform(texts) if seen else vectors.fit_transform(texts)
        seen.append(True)
        return found

    return encode


def _encoder(base: str) -> Encode:
    """Mean of the token states of the untouched encoder."""
    import torch

    from mailhealth.train import network

    encoder, tokenizer = network.load(base, layers=network.ALL)
    encoder.eval()

    def encode(texts: Sequence[str]) -> Any:
        rows = []
        for text in texts:
            ids, _ = network.batch_of(tokenizer, [text], LONGEST)
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                states = encoder(input_ids=ids).last_hidden_state
            rows.append(states[0].float().mean(dim=0).numpy())
        found = np.array(rows)
        return found / np.linalg.norm(found, axis=1, keepdims=True) * 10

    return encode


@dataclass(frozen=True, slots=True)
class _Encoded:
    """Examples with a vector each (rows x features)."""

    examples: Sequence[Example]
    vectors: Any


def _regress(
    make: Callable[[], Encode], model: Mapping[str, Any], examples: Sequence[Example]
) -> list[Row]:
    """Logistic regressions on encoded texts: sentiment, and each intent where it is known."""
    encode = make()
    parts = _parts(examples)
    parts["dev"] = calibrating(model, parts["dev"])
    train, dev, test = (
        _Encoded(some, encode([example.text for example in some]) if some else None)
        for some in parts.values()
    )
    told = [example.sentiment for example in train.examples]
    if len({*told} - {UNKNOWN}) < 2:  # noqa: PLR2004  a regression tells two things apart
        raise BadData("its training texts know one sentiment only")
    feelings = _fitted(train, told)
    wants = np.zeros((len(test.examples), len(model["intents"])), bool)
    aims = model["recipe"]["precision"]
    for column, name in enumerate(model["intents"]):
        aim = aims.get(name, aims["other"])
        wants[:, column] = _intent(column, train, dev, test=test, precision=aim)
    return _rows(model, test.examples, feelings.predict(test.vectors), wants)


def _fitted(train: _Encoded, told: Sequence[int]) -> Any:
    from sklearn.linear_model import LogisticRegression

    rows = [n for n, answer in enumerate(told) if answer != UNKNOWN]
    regression = LogisticRegression(C=STRENGTH, max_iter=300, class_weight="balanced")
    weights = [train.examples[n].weight for n in rows]
    return regression.fit(train.vectors[rows], [told[n] for n in rows], sample_weight=weights)


def _intent(
    column: int, train: _Encoded, dev: _Encoded, *, test: _Encoded, precision: float
) -> Any:
    """Flag one intent in the test texts; the threshold is chosen on dev as the model's is."""
    told = [example.intents[column] for example in train.examples]
    if len({*told} - {UNKNOWN}) < 2:  # noqa: PLR2004  yes and no
        return np.zeros(len(test.examples), bool)
    regression = _fitted(train, told)
    asked = np.array([example.intents[column] for example in dev.examples])
    rows = np.flatnonzero(asked != UNKNOWN)
    limit = 0.5
    if len(rows):
        found = regression.predict_proba(dev.vectors[rows])[:, 1]
        limit = threshold(asked[rows] == YES, found, np.ones(len(rows)), precision=precision)
    return regression.predict_proba(test.vectors)[:, 1] >= limit
