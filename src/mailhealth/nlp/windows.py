"""Long mails: cut into windows the model can read, and its answers put together again."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from spacy.tokens import Doc

from mailhealth.nlp.runtimes import Floats

LONGEST = 128  # tokens of a window, where a model does not say how many it can read
HEAD, TAIL = 3, 2  # windows kept of a longer mail; the matter comes first, the request last


def cut(doc: Doc, tokenizer: Any, longest: int) -> list[str]:
    """Cut a document into at most HEAD + TAIL windows of at most `longest` tokens.

    A mail that fits stays whole, as the model learnt it. Of a longer one the windows are sentences
    of three quarters of `longest` together, so that the parts are alike in length.
    """
    whole = doc.text.strip()
    if not any(map(str.isalnum, whole)):
        return []
    # no piece of a vocabulary is so long that a longer text could fit
    if len(whole) <= 16 * longest and len(tokenizer.encode(whole).ids) <= longest:
        return [whole]
    windows: list[str] = []
    free = 0
    for sentence, tokens in _pieces(doc, tokenizer, longest - 2):
        if windows and tokens <= free:
            windows[-1] += sentence
            free -= tokens
        else:
            windows.append(sentence)
            free = longest * 3 // 4 - tokens
    if len(windows) > HEAD + TAIL:
        windows = windows[:HEAD] + windows[-TAIL:]
    return [window.strip() for window in windows]


def _pieces(doc: Doc, tokenizer: Any, most: int) -> Iterator[tuple[str, int]]:
    """Yield sentences, and the parts of those that are too long, with their token counts."""
    spans = doc.sents if doc.has_annotation("SENT_START") else [doc[:]]
    texts = [span.text_with_ws for span in spans if any(map(str.isalnum, span.text))]
    for text, coding in zip(
        texts, tokenizer.encode_batch(texts, add_special_tokens=False), strict=True
    ):
        ends = [end for _, end in coding.offsets[most - 1 :: most]]
        starts = [0, *(end for end in ends if end < len(text))]
        for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
            yield text[start:stop], min(most, len(coding.ids))


def strongest(feelings: Floats, wants: Floats) -> tuple[Floats, Floats]:
    """Put the answers for the windows of one mail together: sentiments, intents.

    An intent is there if any window has it. Sentiment is a mean in which a window weighs by
    the square of what it has of feeling, (1 - P(neutral))^2: one angry sentence among seven of
    greeting and detail must show, two opposite ones must cancel out, and a mail of nothing but
    neutral windows stays neutral.
    """
    weights = np.square(1 - feelings[:, 1:2]) + 1e-6
    mean: Floats = (feelings * weights).sum(axis=0) / weights.sum()
    return mean, wants.max(axis=0)
