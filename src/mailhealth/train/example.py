"""What training and measuring work on: a text and what is known of it."""

from dataclasses import dataclass

YES, NO, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Example:
    """One text with what is known of it.

    `sentiment` is an index into the model's sentiments or UNKNOWN; `intents` holds YES, NO or
    UNKNOWN for each of the model's intents; `part` is train, dev or test; `source` is the name
    of its source in the recipe. `taught` are the probabilities of a teacher, sentiments before
    intents; empty without one.
    """

    text: str
    lang: str
    sentiment: int
    intents: tuple[int, ...]
    weight: float
    source: str
    part: str
    taught: tuple[float, ...] = ()
