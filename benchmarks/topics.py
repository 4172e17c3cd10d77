"""Measure how right the topics are: `python benchmarks/topics.py [--topics MINE.toml]`.

tests/topics names, for 240 mails of `models/mail/data`, the topics that each is about. A mail is
about a topic, by its title, if whoever looks after that topic would have to read it: it asks for,
tells, decides or judges something of the topic, between the writer and us; what is only mentioned
in passing, or is somebody else's, is no topic. One reading, made before the words were tried. The
taxonomy's words were mended on the voices 1 and 9; 7 and 8 are held out. Mails are read as a sync
reads them, without greetings, closings and signatures. Beside it the same words are looked for in
the same texts as plain substrings.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mailhealth import intervals, reply
from mailhealth.nlp import tokens, topics
from mailhealth.records import Text

ROOT = Path(__file__).parents[1]
PARTS = {"held out": "78", "mended on": "19"}  # the voices of either
LANGUAGES = ("en", "ja")
ALL = "all (micro)"

Topics = Mapping[str, set[str]]  # of each mail, by its id


@dataclass(frozen=True, slots=True)
class Score:
    """Mails called by a topic's name, mails about it, and how many are both."""

    both: int
    called: int
    about: int

    def shares(self) -> tuple[str, str]:
        """Write precision and recall, each with its 95 % interval."""
        return _share(self.both, self.called), _share(self.both, self.about)


Scores = dict[str, Score]  # by topic


def main() -> None:
    """Measure both parts and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topics", type=Path, help="a taxonomy of one's own")
    given = parser.parse_args().topics
    taxonomy = topics.load(given.read_text("utf-8") if given else None)
    for part, voices in PARTS.items():
        _print(f"{part}: voices {' and '.join(voices)}", list(_rows(taxonomy, voices)))


def _rows(taxonomy: topics.Taxonomy, voices: str) -> Iterator[tuple[str, ...]]:
    for lang in LANGUAGES:
        ours, plain = scores(taxonomy, lang, voices)
        for name, score in ours.items():
            yield lang, name, str(score.about), *score.shares(), *plain[name].shares()


def scores(taxonomy: topics.Taxonomy, lang: str, voices: str) -> tuple[Scores, Scores]:
    """Score the matcher and the substrings on the mails of some voices."""
    texts, about = _labelled(lang, voices)
    found, plain = _found(taxonomy, texts), _substrings(taxonomy, texts)
    names = [topic.name for topic in taxonomy.topics]
    return _scores(found, about, names), _scores(plain, about, names)


def _labelled(lang: str, voices: str) -> tuple[list[Text], Topics]:
    """The labelled mails of some voices, and what each is about."""
    mails: dict[str, Any] = {}
    for voice in voices:
        page = ROOT / "models" / "mail" / "data" / f"{lang}{voice}.jsonl"
        mails |= {mail["id"]: mail for mail in _lines(page)}
    labels = _lines(ROOT / "tests" / "topics" / f"{lang}.jsonl")
    about = {each["id"]: set(each["topics"]) for each in labels if each["id"] in mails}
    texts = [Text(key, _own(mails[key]["text"]), mails[key]["subject"], lang=lang) for key in about]
    return texts, about


def _lines(page: Path) -> list[Any]:
    """The objects of a page of JSON lines."""
    return [json.loads(line) for line in page.read_text("utf-8").splitlines()]


def _own(text: str) -> str:
    """A mail's own words, as the mailbox keeps them."""
    said = reply.split(text).new_text
    for start, end in reversed(reply.courtesies(said)):
        said = said[:start] + said[end:]
    return said.strip()


def _found(taxonomy: topics.Taxonomy, texts: list[Text]) -> Topics:
    found = tokens.each(texts, lambda nlp: topics.counter(nlp, taxonomy))
    return {key: set(counts) for key, counts in found}


def _substrings(taxonomy: topics.Taxonomy, texts: list[Text]) -> Topics:
    """The baseline: a topic wherever one of its phrases is a part of the text, but for case."""

    def said(topic: topics.Topic, text: Text) -> bool:
        phrases = (*topic.phrases.get(text.lang or "", ()), *topic.phrases.get("any", ()))
        words = tokens.words(text).casefold()
        return any(phrase.removeprefix("=").casefold() in words for phrase in phrases)

    return {text.id: {each.name for each in taxonomy.topics if said(each, text)} for text in texts}


def _scores(found: Topics, about: Topics, names: list[str]) -> Scores:
    """Score each topic, and all together (micro-average)."""
    called, meant = (
        Counter(name for each in mails.values() for name in each) for mails in (found, about)
    )
    both = Counter(name for key in about for name in found[key] & about[key])
    each = {name: Score(both[name], called[name], meant[name]) for name in names}
    return each | {ALL: Score(both.total(), called.total(), meant.total())}


def _share(k: int, n: int) -> str:
    low, high = intervals.wilson(k, n)
    if low is None or high is None:
        return "-"
    return f"{k / n:.2f} ({low:.2f}-{high:.2f}) {k}/{n}"


def _print(title: str, rows: list[tuple[str, ...]]) -> None:
    heads = ("", "topic", "n", "precision", "recall", "substrings: precision", "and recall")
    table = Table(*heads, title=title)
    for row in rows:
        table.add_row(*row, end_section=row[1] == ALL)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
