"""What the user says of an export, for what its files do not say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailhealth.errors import BadSource
from mailhealth.sources import forms
from mailhealth.sources.dates import Clock, instant
from mailhealth.sources.forms import Columns, Form, Word
from mailhealth.sources.toml import folded

FILE = "file"  # "file.name" and "file.folder" are columns that every file has


@dataclass(frozen=True, slots=True)
class Given:
    """What stands in for columns without a value: "" and None are not said."""

    word: Word | None = None
    campaign: str = ""
    at: tuple[int, bool] | None = None


def clock(form: Form, settings: Mapping[str, str]) -> Clock:
    """The date formats and the zone of an export: the user's (`dates`, `zone`), else the form's.

    Raises BadSource for a zone that there is not.
    """
    zone = settings.get("zone", form.zone)
    formats = (settings["dates"],) if "dates" in settings else form.dates
    try:
        return Clock(formats, ZoneInfo(zone))
    except (KeyError, OSError, ValueError) as error:
        raise BadSource(f"no time zone '{zone}'; one is 'Asia/Tokyo'") from error


def given(settings: Mapping[str, str], timing: Clock) -> Given:
    """The user's `type`, `campaign` and `at`. Raises BadSource for a word or date that is none."""
    type_, at = settings.get("type", ""), settings.get("at", "")
    if type_ and not forms.word(type_):
        raise BadSource(f"no such type '{type_}'; there are {forms.known_words(type_)}")
    when = instant(at, Clock(("iso", *timing.formats), timing.zone)) if at else None
    if at and not when:
        raise BadSource(f"at: '{at}' is no date; one is '2026-10-01' or '2026-10-01T09:30'")
    return Given(forms.word(type_), settings.get("campaign", ""), when)


def lacking(columns: Columns, names: Iterable[str], settings: Mapping[str, str]) -> str:
    """Which column without which there is no event is not among these names, in words.

    What the form itself or the user says needs no column.

    >>> lacking(Columns(recipient=("To",), type=("Event",), at=("Date",)), ["to", "event"], {})
    'no column for at (Date)'
    """
    there = {FILE, *(folded(name) for name in names)}
    needed = {"recipient": columns.recipient}
    if not (columns.word or settings.get("type")):
        needed["type"] = columns.type
    if not settings.get("at"):
        needed["at"] = columns.at
    for ours, theirs in needed.items():
        if not theirs:
            return f"nothing that says the {ours} (give {ours}=)"
        if not any(folded(x) in there or folded(x.partition(".")[0]) in there for x in theirs):
            return f"no column for {ours} ({', '.join(theirs)})"
    return ""
