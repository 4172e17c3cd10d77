"""What the user is asked about an unknown log, and what he has told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from mailhealth.errors import BadSource
from mailhealth.sources.dates import Clock, instant


class Unclear(BadSource):
    """A question that the log does not answer; the message names the option that would.

    `about` is a column of ours, "word", "at", "dates", "zone" or "word:theirs"; `choices` are the
    answers there can be (none: any), `likely` is one of them or "".
    """

    def __init__(
        self, about: str, sentence: str, choices: Sequence[str] = (), likely: str = ""
    ) -> None:
        super().__init__(plain(sentence))
        self.about = about
        self.choices = tuple(choices)
        self.likely = likely


@dataclass(frozen=True, slots=True)
class Told:
    """What the user says of an unknown log; "" and an empty mapping for what is left to guess.

    `columns` maps ours to theirs ("-": there is none), `at` names the column of dates, `when`
    is the date of every row where there is no such column, `word` is what every row is,
    `words` are theirs -> ours.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    at: str = ""
    when: str = ""
    word: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    dates: str = ""
    zone: str = ""
    name: str = ""


def answered(told: Told, about: str, answer: str) -> Told:
    """What is told once a question has its answer."""
    if about.startswith("word:"):
        return replace(told, words={**told.words, about.removeprefix("word:"): answer})
    if about == "at":
        return replace(told, when=answer) if is_date(answer) else replace(told, at=answer)
    if about in ("word", "dates", "zone"):
        said: dict[str, Any] = {about: answer}
        return replace(told, **said)
    return replace(told, columns={**told.columns, about: answer})


def plain(text: str) -> str:
    """A text of a log's as it can be shown: a file is hostile, and moves no cursor."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def is_date(text: str) -> bool:
    """Whether what the user says of the time is a date, not the name of a column."""
    return instant(text, Clock(("iso",), ZoneInfo("UTC"))) is not None
