"""What the columns and words of an unknown log mean, and what has to be asked about them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mailhealth.errors import BadSource
from mailhealth.sources import forms
from mailhealth.sources.mapping import vocabulary
from mailhealth.sources.mapping.asked import Told, Unclear, plain
from mailhealth.sources.mapping.specimen import Kind, Sample, filled
from mailhealth.sources.mapping.vocabulary import LEFT_OUT
from mailhealth.sources.toml import folded, meant

MOST_WORDS = 40  # for what happened; a column with more is something else
FULL = 0.9  # of the rows of the fullest column: what each event has, and not only some
KNOWN = 0.5  # of its rows have a word we know, or it is not what happened
NONE = "-"  # told for a column: there is none
# Our columns in the order in which theirs are given away, and what they must hold.
_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "recipient": ("address",),
    "url": ("url",),
    "ip": ("ip",),
    "agent": ("agent", "text"),
    "machine": ("flag",),
    "message_id": ("text", "address"),
    "category": ("text",),
    "campaign": ("text", "flag", "instant"),
    "subject": ("text",),
    "variant": ("text", "flag"),
    "id": ("text", "instant"),
    "reference": ("text", "flag", "instant"),
    "reason": ("text", "flag"),
}
_SEEN = ("url", "ip", "agent")  # are known by what they hold, whatever they are called
COLUMNS = ("type", *_KINDS)  # that the user may name


def columns(sample: Sample, told: Told) -> dict[str, str]:
    """Our columns and theirs, but for that of the date. Raises Unclear without a recipient."""
    found = {ours: _named(sample, theirs) for ours, theirs in told.columns.items()}
    for ours in (*_KINDS, "type"):  # the type last: names and subjects are words, too
        if ours not in found:
            free = [name for name in sample.names if name not in found.values()]
            found[ours] = _guess(sample, ours, free, told)
    return {ours: theirs for ours, theirs in found.items() if theirs}


def _guess(sample: Sample, ours: str, free: Sequence[str], told: Told) -> str:
    if ours == "type":
        texts = [name for name in free if sample.kinds[name] == "text"]
        return "" if told.word else _type(sample, texts)
    holds = _KINDS[ours]
    held = [name for name in free if sample.kinds[name] in holds]
    if ours == "recipient":
        return _recipient(sample, held)
    empty = [name for name in free if sample.kinds[name] == "nothing"]
    best = _best(ours, [*held, *empty])
    if not best and ours in _SEEN:
        shown = [name for name in held if sample.kinds[name] == ours]
        return shown[0] if len(shown) == 1 else ""
    if ours == "id" and best and not _differ(filled(sample, best)):
        return ""
    return best


def _differ(values: Sequence[str]) -> bool:
    return len({value.casefold() for value in values}) == len(values)


def _named(sample: Sample, theirs: str) -> str:
    """The column that the user means; "" for none."""
    if theirs == NONE:
        return ""
    if found := [name for name in sample.names if folded(name) == folded(theirs)]:
        return found[0]
    there = ", ".join(sample.names)
    tail = meant(theirs, sample.names)
    raise BadSource(plain(f"{sample.file}: no column '{theirs}'; there are {there}{tail}"))


def _best(ours: str, free: Sequence[str]) -> str:
    """The column whose name says most surely that it is ours, "" where none does."""
    ranks = {name: vocabulary.rank(ours, name) for name in free}
    surest = min(free, key=lambda name: (-ranks[name][0], ranks[name][1]), default="")
    return surest if surest and ranks[surest][0] else ""


def _fullest(sample: Sample, names: Sequence[str]) -> list[str]:
    """Those columns that are filled in (nearly) as many rows as the fullest of them."""
    most = max((len(filled(sample, name)) for name in names), default=0)
    return [name for name in names if len(filled(sample, name)) >= FULL * most]


def _recipient(sample: Sample, free: Sequence[str]) -> str:
    """The column of recipients: the one that is called so, or the only one of addresses."""
    others = _fullest(sample, [n for n in free if not vocabulary.is_other(n)])
    if (best := _best("recipient", others)) or len(others) == 1:
        return best or others[0]
    if others:
        raise Unclear(
            "recipient",
            f"{sample.file}: which column holds the recipients, {' or '.join(others)}? "
            "Say it with --recipient COLUMN",
            others,
        )
    raise Unclear(
        "recipient",
        f"{sample.file}: no column holds e-mail addresses of recipients; --recipient COLUMN "
        "names one",
        sample.names,
    )


def _type(sample: Sample, free: Sequence[str]) -> str:
    """The column that says what happened: most of its words are known, or it is called so."""
    shares = {name: share for name in free if (share := _known(filled(sample, name))) >= KNOWN}
    if shares:
        return max(shares, key=lambda name: (vocabulary.rank("type", name)[0], shares[name]))
    called = [name for name in free if vocabulary.rank("type", name)[0] == vocabulary.SURE]
    few = [name for name in called if len(set(filled(sample, name))) <= MOST_WORDS]
    return few[0] if few and not _happenings(sample) else ""


def _known(values: Sequence[str]) -> float:
    """The share of values that are words we know, 0 where there are too many different ones."""
    counts = Counter(values)
    if not values or len(counts) > MOST_WORDS:
        return 0.0
    return sum(n for theirs, n in counts.items() if vocabulary.word(theirs)) / len(values)


def _happenings(sample: Sample) -> list[tuple[str, str]]:
    """Columns of dates whose names say what happened then: (our word, column)."""
    dated = [name for name in sample.names if _is_dated(sample, name)]
    named = [(vocabulary.word(name), name) for name in dated if not vocabulary.is_other(name)]
    return [(word, name) for word, name in named if word not in ("", LEFT_OUT)]


def _is_dated(sample: Sample, name: str) -> bool:
    """Whether a column holds dates, or is empty and called as if it would."""
    kind = sample.kinds[name]
    return kind == "instant" or (kind == "nothing" and vocabulary.says_when(name))


def moments(sample: Sample, columns: Mapping[str, str], told: Told) -> tuple[tuple[str, str], ...]:
    """The columns that say when, each with our word for what happened then.

    The word is "" where the type column says it. Raises Unclear.
    """
    if told.when:
        return ((_word(sample, columns, told, ""), ""),)
    if told.at:
        at = _named(sample, told.at)
        return ((_word(sample, columns, told, at), at),)
    if "type" not in columns and not told.word and (found := _happenings(sample)):
        # Where everybody has one row, all that happened to him stands in it side by side.
        if len(found) == 1 or _differ(filled(sample, columns["recipient"])):
            return tuple(found)
        raise _which(sample, [name for _, name in found])
    at = _date(sample, columns, told.word)
    return ((_word(sample, columns, told, at), at),)


def _date(sample: Sample, columns: Mapping[str, str], word: str) -> str:
    free = [name for name in sample.names if name not in columns.values()]
    dated = [name for name in free if sample.kinds[name] == "instant"]
    likely = _fullest(sample, [n for n in dated if not vocabulary.is_other(n)] or dated)
    if same := [name for name in likely if word and vocabulary.word(name) == word]:
        return same[0]
    if (best := _best("at", likely)) or len(likely) == 1:
        return best or likely[0]
    if likely:
        raise _which(sample, likely)
    raise Unclear(
        "at",
        f"{sample.file}: no column holds dates; --at COLUMN names one, --at 2026-10-01 says "
        "when all of it happened",
    )


def _which(sample: Sample, names: Sequence[str]) -> Unclear:
    return Unclear(
        "at",
        f"{sample.file}: which column says when it happened, {' or '.join(names)}? "
        "Say it with --at COLUMN",
        names,
        names[-1],
    )


def _word(sample: Sample, columns: Mapping[str, str], told: Told, at: str) -> str:
    """What every row is: told, or said by the name of the date, the file or another column."""
    if told.word:
        return _ours(told.word)
    if "type" in columns:
        return ""
    others = {
        word for name in sample.names if (word := vocabulary.word(name)) not in ("", LEFT_OUT)
    }
    said = [vocabulary.word(at), vocabulary.word(sample.file.stem)]
    said += others if len(others) == 1 else []
    if found := [word for word in said if word not in ("", LEFT_OUT)]:
        return found[0]
    raise Unclear(
        "word",
        f"{sample.file}: nothing says what happened; --is says it of every row (such as clicked), "
        "--type COLUMN names the column that does",
        vocabulary.ours(),
    )


def _ours(word: str) -> str:
    if word != LEFT_OUT and not forms.word(word):
        raise BadSource(f"no such word '{word}'; ours are {forms.known_words(word)}")
    return word


def doubt(columns: Mapping[str, str], moments: Sequence[tuple[str, str]]) -> str:
    """Why the times may be other ones than the types say, "" where nothing speaks for it."""
    at = moments[0][1]
    of = vocabulary.word(at)
    if "type" in columns and of not in ("", LEFT_OUT):
        return (
            f"'{at}' seems to say when a mail was {of.partition('/')[0]}: all else in "
            f"'{columns['type']}' would count as done at that time, too"
        )
    return ""


def words(sample: Sample, columns: Mapping[str, str], told: Told) -> dict[str, str]:
    """Their words in the type column and ours, "-" for no event. Raises Unclear."""
    given = {folded(theirs): _ours(ours) for theirs, ours in told.words.items()}
    found: dict[str, str] = {}
    for theirs, count in Counter(filled(sample, columns["type"])).most_common():
        if len(found) > MOST_WORDS:
            raise Unclear(
                "type",
                f"{sample.file}: '{columns['type']}' holds more than {MOST_WORDS} different words; "
                "--type COLUMN names the column that says what happened",
                sample.names,
            )
        ours = given.get(folded(theirs)) or vocabulary.word(theirs)
        if not ours:
            raise Unclear(
                f"word:{theirs}",
                f"{sample.file}: what does '{theirs[:60]}' ({count} rows) mean? Say it with "
                f"--word '{theirs[:60]}=opened', or '=-' for no event",
                [*vocabulary.ours(), LEFT_OUT],
            )
        found[theirs] = ours
    return {**found, **_pairs(sample, columns, found)}


def _pairs(sample: Sample, columns: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    """Bounces whose kind another column tells: "Bounce/hard" is harder than "Bounce"."""
    if "category" not in columns:
        return {}
    pairs = zip(sample.values[columns["type"]], sample.values[columns["category"]], strict=True)
    found = {}
    for type_, category in dict.fromkeys(pairs):
        told = vocabulary.word(category) if category else ""
        if words.get(type_, "").startswith("bounced") and told.startswith("bounced/"):
            found[f"{type_}/{category}"] = told
    return found
