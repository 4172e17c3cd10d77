"""Key phrases that nobody listed: what one group of mails says more than the others do.

Class-based TF-IDF (Grootendorst 2022, BERTopic, arXiv:2203.05794): the groups are the classes.
"""

import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from mailhealth.nlp import tokens
from mailhealth.nlp.stems import stem
from mailhealth.records import Text

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

Key = tuple[str, ...]  # the words of a phrase without their endings
Said = Mapping[Key, tuple[int, str]]  # how often in one mail, and as it is written there

LEAST = 3  # mails that say it
_LONGEST = 3  # words of a phrase, in a run of content words
_DOUBT = 0.05
_SAME = 0.7  # a phrase within a longer one that is said in so many of its mails is that one
_HIRAGANA = re.compile(r"[ぁ-ゖー]+")
_NO_NOUN = ("数詞", "助動詞語幹", "副詞可能")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of a group: its c-TF-IDF weight, and in how many of the mails it is said."""

    key: Key
    phrase: str
    weight: float
    mails: int
    elsewhere: int


def read(texts: Iterable[Text], ignore: Iterable[str] = ()) -> Iterator[tuple[str, Said]]:
    """Yield the candidates of each text by its id; words of `ignore` (names) are none.

    Languages without a word list have no candidates.
    """
    names = frozenset(
        stem(word)
        for name in ignore
        for word in "".join(c if c.isalnum() else " " for c in name.casefold()).split()
    )

    def make(nlp: "Language") -> "Callable[[Doc], Said]":
        return lambda doc: _candidates(doc, names) if nlp.lang != "xx" else {}

    return tokens.each(texts, make)


def _candidates(doc: "Doc", names: frozenset[str]) -> Said:
    joint = "" if doc.lang_ == "ja" else " "
    common = _common(doc.lang_)
    found: dict[Key, tuple[int, str]] = {}
    for run in _runs(doc):
        for start in range(len(run)):
            for end in range(start + 1, min(start + _LONGEST, len(run)) + 1):
                part = run[start:end]
                key = tuple(map(_form, part))
                if not names.intersection(key) and _stands(part, key, common):
                    count, written = found.get(key, (0, joint.join(t.text for t in part)))
                    found[key] = count + 1, written
    return found


def _runs(doc: "Doc") -> Iterator[list["Token"]]:
    """Cut a document where no content word is: in Japanese, where no noun is."""
    content = _noun if doc.lang_ == "ja" else _content
    run: list[Token] = []
    for token in doc:
        if content(token):
            run.append(token)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _content(token: "Token") -> bool:
    return (
        len(token) > 1
        and any(map(str.isalpha, token.text))
        and not (token.is_stop or token.like_url or token.like_email or token.like_num)
        and "'" not in token.text.replace("’", "'")
    )


def _noun(token: "Token") -> bool:
    tag = token.tag_
    return (
        tag.startswith(("名詞", "接尾辞-名詞的", "接頭辞"))
        and not tag.endswith(_NO_NOUN)
        and any(map(str.isalpha, token.text))
    )


def _stands(part: Sequence["Token"], key: Key, common: frozenset[str]) -> bool:
    """Whether words can stand alone: no bare prefix, suffix or letter, no word of every mail."""
    written = "".join(token.lower_ for token in part)
    return (
        not part[0].tag_.startswith("接尾辞")
        and not part[-1].tag_.startswith("接頭辞")
        and sum(map(len, part)) > 1
        and not common.intersection(("".join(key), written))
        and not _HIRAGANA.fullmatch(written)
    )


@cache
def _common(lang: str) -> frozenset[str]:
    """Words that alone say nothing: met in the business mail of anybody."""
    page = tomllib.loads(files("mailhealth.nlp").joinpath("common.toml").read_text("utf-8"))
    words = page.get(lang, "").split()
    return frozenset([*words, *map(stem, words)])


def _form(token: "Token") -> str:
    return stem(unicodedata.normalize("NFKC", token.lemma_ or token.norm_ or token.text).lower())


def distinctive(
    groups: Mapping[str, Sequence[Said]], group: str, *, least: int = LEAST, most: int = 20
) -> list[Phrase]:
    """Find what the mails of a group say more often than all others do, the weightiest first.

    weight = tf log(1 + A / f): tf is the phrase's share of the group's phrases, f how often all
    groups say it, A the mean number of phrases of a group. Kept is what at least `least` mails
    say, and a larger share of them than elsewhere, where there is an elsewhere: Fisher's exact
    test, one-sided, at 5 % over all the phrases that are tried (Bonferroni).
    """
    inside = groups.get(group, ())
    mails = Counter(key for said in inside for key in said)
    kept = {key for key, count in mails.items() if count >= least}
    outside = [said for name, others in groups.items() if name != group for said in others]
    elsewhere = Counter(key for said in outside for key in said if key in kept)
    tried = len(kept)
    kept = {
        key
        for key in kept
        if not outside
        or _chance(mails[key], len(inside), elsewhere[key], len(outside)) * tried < _DOUBT
    }
    weights = _weights(groups, group, kept)
    ranked = sorted(kept, key=lambda key: (-weights[key], key))
    chosen = _apart(ranked, mails)[:most]
    written = _written(inside, set(chosen))
    return [Phrase(key, written[key], weights[key], mails[key], elsewhere[key]) for key in chosen]


def _chance(k: int, n: int, k0: int, n0: int) -> float:
    """P(at least `k` of `n`), were all that say it spread by chance over the `n` and `n0`."""
    if k * n0 <= k0 * n:
        return 1.0
    said, ways = k + k0, _log_choose(n + n0, k + k0)
    return sum(
        math.exp(_log_choose(n, each) + _log_choose(n0, said - each) - ways)
        for each in range(max(k, said - n0), min(n, said) + 1)
    )


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _weights(groups: Mapping[str, Sequence[Said]], group: str, keys: set[Key]) -> dict[Key, float]:
    """The c-TF-IDF of some phrases in a group."""
    sizes = dict.fromkeys(groups, 0)
    everywhere: Counter[Key] = Counter()
    here: Counter[Key] = Counter()
    for name, mails in groups.items():
        for said in mails:
            sizes[name] += sum(count for count, _ in said.values())
            for key in said.keys() & keys:
                everywhere[key] += said[key][0]
                here[key] += said[key][0] if name == group else 0
    mean = sum(sizes.values()) / max(len(sizes), 1)
    return {key: here[key] / sizes[group] * math.log(1 + mean / everywhere[key]) for key in keys}


def _apart(ranked: Sequence[Key], mails: Mapping[Key, int]) -> list[Key]:
    """Keep of phrases within one another the longer, where it is said nearly as often."""
    chosen: list[Key] = []
    for key in ranked:
        rivals = [other for other in chosen if _within(key, other) or _within(other, key)]
        if any(len(key) < len(other) or mails[key] < _SAME * mails[other] for other in rivals):
            continue
        chosen = [other for other in chosen if other not in rivals] + [key]
    return sorted(chosen, key=list(ranked).index)


def _within(short: Key, long: Key) -> bool:
    size = len(short)
    return any(long[at : at + size] == short for at in range(len(long) - size + 1))


def _written(inside: Iterable[Said], keys: set[Key]) -> dict[Key, str]:
    """How each phrase is mostly written."""
    ways: dict[Key, Counter[str]] = {key: Counter() for key in keys}
    for said in inside:
        for key in said.keys() & keys:
            ways[key][said[key][1]] += 1
    return {key: min(count, key=lambda way: (-count[way], way)) for key, count in ways.items()}
