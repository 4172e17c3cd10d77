"""Customer health scores from e-mail: what customers write, how campaigns land, and why.

    import mailhealth

    with mailhealth.open("acme.db") as health:
        health.connect("support", "mbox", path="support.mbox")
        health.sync()
        for score in health.scores(band="unhealthy"):
            print(score.customer, round(score.value), score.because)

Three functions need no database: `parse`, `own_words` and `annotate`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import MailhealthError
from mailhealth.records import Annotation, Event, Message, OwnWords, Score, SignalValue, Text

if TYPE_CHECKING:
    from mailhealth.health import Health

__all__ = [
    "Annotation",
    "Event",
    "MailhealthError",
    "Message",
    "OwnWords",
    "Score",
    "SignalValue",
    "Text",
    "annotate",
    "open",
    "own_words",
    "parse",
]


def open(path: str | Path, *, rules: Path | None = None) -> "Health":
    """Open a mailhealth database, making it where there is none.

    `rules` replaces the shipped health.toml. Raises BadSource when the file is something else.
    """
    from mailhealth.health import Health

    return Health(path, rules=rules)


def parse(raw: bytes) -> Message:
    """Read the bytes of one e-mail: headers, class, language, own words apart from quotes.

    Never raises: what had to be repaired stands in `message.mail.problems`.
    """
    from mailhealth import sources
    from mailhealth.records import Raw

    return sources.message(Raw(place="", content=raw))


def own_words(text: str) -> OwnWords:
    """Take a mail's text apart: new text, quoted text, signature."""
    from mailhealth import reply

    return reply.split(text)


def annotate(
    texts: Iterable[str | Text], *, model: str = "mail", topics: str = ""
) -> Iterator[Annotation]:
    """Read sentiment, intents, topics and survey answers in texts, in input order.

    A plain string gets its position as id. `model` is a shipped model or a model folder,
    `topics` the path of a topics.toml ("": the shipped one).
    """
    from mailhealth import nlp

    numbered = enumerate(texts)
    given = (text if isinstance(text, Text) else Text(str(i), text) for i, text in numbered)
    return nlp.annotate(given, model=model, topics=topics)
