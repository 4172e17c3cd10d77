"""The nouns that travel between the rooms: frozen, no behaviour.

All times are whole seconds since 1970 in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

Kind = Literal["human", "auto_reply", "bounce", "complaint", "receipt", "list", "calendar"]
EventType = Literal[
    "sent",
    "delivered",
    "deferred",
    "bounced",
    "opened",
    "clicked",
    "complained",
    "unsubscribed",
    "subscribed",
    "replied",
    "dropped",
]
Bounce = Literal["hard", "soft", "blocked"]
NoticeType = Literal["bounced", "complained", "displayed", "absent"]


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox: the display name as decoded, the address with its domain in lower case."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is not text to read: its file name, media type and size in bytes."""

    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part that machines write for machines (delivery status, feedback report, calendar)."""

    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Mail:
    """What the bytes of one e-mail say, decoded (`mime.parse`).

    `headers` keeps every header in order, names in lower case, values decoded; the fields
    after it are the ones everybody needs. `text` is the text to read: plain text, or HTML as
    text with "> " before each line for every level of quotation. `problems` lists repairs.
    """

    headers: tuple[tuple[str, str], ...]
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    date: int | None
    utc_offset: int | None  # minutes east of Greenwich, as the sender's clock claims
    received: int | None  # the topmost Received header
    sender: Address | None
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    text: str
    parts: tuple[Part, ...]
    attachments: tuple[Attachment, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnWords:
    """A text taken apart (`reply.split`): what is new, what is quoted, what is signature."""

    new_text: str
    quoted_text: str
    signature: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a machine says of another mail or of its owner (`machine.notices`).

    `bounced`: `recipient` is the failed address, with `bounce`, the enhanced status `code` and
    the `reason` line. `complained`: `recipient` is who complained. `displayed`: the mail
    `original` (a Message-ID) was shown to `recipient`. `absent`: until the ISO date `until`, ""
    where none is named. What is not said is "".
    """

    type: NoticeType
    recipient: str = ""
    bounce: Bounce | None = None
    code: str = ""
    reason: str = ""
    original: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail, understood: the mail, its class, its language and its author's own words.

    `courtesies` are the spans (start, end) of greetings and closings in the new text.
    """

    key: str  # the identity in the store: a hash, because Message-IDs repeat and go missing
    mail: Mail
    kind: Kind
    lang: str  # ISO 639-1, or "" where nothing can be told
    words: OwnWords
    at: int  # when it happened: topmost Received, else the server's date, else Date; 0: unknown
    courtesies: tuple[tuple[int, int], ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a send log in our words.

    `campaign` names the mailing, `variant` its version where two were tried, `reference` is the
    platform's id of the message to this recipient, `message_id` the mail's own. `machine` is the
    platform's own verdict (None: it does not say), `method` how a link to unsubscribe was called.
    `exact` is False where only the day is known. `identity` is what makes the row the same row
    in another export; `alike` what another form of the same platform's log would call it, where
    `identity` is the platform's own id. `raw` is the row as it was, as JSON.
    """

    recipient: str
    type: EventType
    at: int
    campaign: str
    identity: str
    subject: str = ""
    reference: str = ""
    url: str = ""
    bounce: Bounce | None = None
    machine: bool | None = None
    agent: str = ""
    ip: str = ""
    reason: str = ""
    raw: str = "{}"
    variant: str = ""
    message_id: str = ""
    method: Literal["", "GET", "POST"] = ""
    exact: bool = True
    alike: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one event: the row where it stands in the store, and what fired.

    `machine` is None for a suspect, of whom it cannot be told. `hides`: a proxy opened the
    mail, behind which a person's own open cannot be seen. `rules` is a JSON list of names.
    """

    row: int
    machine: bool | None
    hides: bool
    points: float
    rules: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of a survey export in our words: what somebody was asked, and answered.

    `value` is None for who was asked and is silent; `scale` is the highest value one can give
    (10 for NPS; 5, 7, 10 or 100 for CSAT), `at` when it was answered (asked, where silent).
    """

    recipient: str
    kind: Literal["nps", "csat"]
    at: int
    survey: str
    identity: str
    value: float | None = None
    scale: int = 10
    asked_at: int | None = None
    comment: str = ""
    raw: str = "{}"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message lies on an IMAP server.

    A UID counts in its folder, as long as the folder's `validity` (UIDVALIDITY) is the same. The
    `fingerprint` tells the same message under another number; "" where nothing does.
    """

    folder: str
    validity: int
    uid: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """What a mail reader yields: the bytes of one message and where they lay."""

    place: str
    content: bytes
    received: int | None = None  # the server's or the file system's date
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What `sources.read` yields: a message, an event or an answer, and where it stood."""

    place: str
    what: "Message | Event | Answer"
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Met:
    """A message that is kept already, met again in a folder that was numbered anew."""

    place: str
    spot: Spot
    message: str  # its key


@dataclass(frozen=True, slots=True)
class Present:
    """All UIDs that a folder of a server holds, as ranges (first, last): others are gone."""

    folder: str
    validity: int
    uids: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Renamed:
    """A folder of a server that has another name now."""

    was: str
    now: str


class Kept(Protocol):
    """What is kept of the messages on a server, for the reader that meets them again."""

    def renumbered(self, folder: str, validity: int) -> bool:
        """Whether messages of this folder are kept under another UIDVALIDITY."""

    def messages(self, fingerprints: Sequence[str]) -> Mapping[str, str]:
        """The keys of the messages that are kept, by fingerprint."""

    def sample(self, folder: str, validity: int) -> Mapping[int, str]:
        """The fingerprints of a few messages of a folder, by UID."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a log reader yields: one record and where it stood (file and line)."""

    place: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not read: where it lies, and why in one sentence.

    `meant` is True for what the connector leaves out on purpose: it is told, and no failure.
    """

    place: str
    why: str
    meant: bool = False
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A reader's promise: of this place, everything up to `cursor` has been yielded."""

    place: str
    cursor: str


# What a source yields.
Item = Found | Skipped | Mark | Met | Present | Renamed


@dataclass(frozen=True, slots=True)
class Text:
    """One text to read (`nlp.annotate`).

    `asked` is what its thread began with, where that was ours: a bare "9" answers a survey.
    """

    id: str
    text: str
    subject: str = ""
    lang: str = ""  # "" means: find out
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the model read in one text.

    `sentiment` is one of negative, neutral, positive, unknown, with `score` in [-1, 1] (None
    when unknown) and the three probabilities. `intents` maps every intent to its probability,
    `labels` are those above their thresholds. `nps` is 0 to 10, `csat` 1 to 5, else None.
    """

    id: str
    lang: str
    sentiment: str
    score: float | None
    probabilities: Mapping[str, float]
    intents: Mapping[str, float]
    labels: tuple[str, ...]
    topics: tuple[str, ...]
    nps: int | None
    csat: int | None
    model: str


class SignalValue(NamedTuple):  # made by the million: a tuple, five times as fast
    """One answer: a row of `email_signals`.

    `value` rests on `n` (of which `k` counted) and lies with 95 % between `low` and `high`;
    `shrunk` is the value drawn to its cohort's by how little it rests on, `reliability` in
    [0, 1] the share that stayed its own, `change` the difference (of counts the logarithm of the
    ratio) to the customer's own 270 days before the window. None is unknown.
    """

    customer: str
    as_of: str
    window_days: int
    signal: str
    value: float | None
    n: float | None
    k: float | None
    low: float | None
    high: float | None
    shrunk: float | None
    reliability: float | None
    change: float | None
    definition: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """One line of a score: what a signal gave or took, and the sentence that says so."""

    signal: str
    points: float
    because: str


@dataclass(frozen=True, slots=True)
class Score:
    """One customer's health on one day.

    `value` = base + the sum of all contributions (caps and clipping are lines of their own),
    in [0, 100]; `raw` is the sum before caps and clipping. `because` are the two or three
    reasons that weigh most. `low` and `high` hold the 80 % interval, `coverage` in [0, 1] the
    share of the points that had data behind them, `rank` in [0, 1] the share of the judged
    customers that stand lower (None: the band is unknown); it never decides the band.
    """

    customer: str
    as_of: str
    value: float
    raw: float
    band: str  # healthy, at risk, unhealthy, unknown
    coverage: float
    low: float
    high: float
    rank: float | None
    contributions: tuple[Contribution, ...]
    because: tuple[str, ...]
    model: str
