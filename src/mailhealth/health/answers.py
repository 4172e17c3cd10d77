"""What Health answers with, besides the records of the rooms."""

from collections.abc import Mapping
from dataclasses import dataclass

from mailhealth.records import Score, SignalValue


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a sync brought from one source; `error` says why it ended early, if it did.

    `skipped` could not be read; `left_out` are the kinds of rows that are known and not counted.
    """

    source: str
    new: int
    known: int
    skipped: int
    error: str | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did: one line a source, the texts read, the customers scored."""

    sources: tuple[SourceReport, ...]
    annotated: int
    scored: int
    as_of: str

    @property
    def complete(self) -> bool:
        """Whether everything that was there could be read."""
        return not any(source.skipped or source.error for source in self.sources)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One message or campaign event behind a number."""

    id: str
    at: int
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a customer's score is what it is: the lines, the signals, the mail behind them."""

    score: Score
    signals: tuple[SignalValue, ...]
    evidence: Mapping[str, tuple[Evidence, ...]]
