"""How the dates of an unknown log are written, and in which zone."""

import re
from collections.abc import Sequence

from mailhealth.errors import BadSource
from mailhealth.sources.dates import Clock, instant
from mailhealth.sources.mapping import dateforms
from mailhealth.sources.mapping.asked import Told, Unclear, plain
from mailhealth.sources.mapping.specimen import Sample, filled

SHOWN = 40  # characters of a date
JAPAN = "Asia/Tokyo"
_KANA = re.compile("[\u3040-\u30ff]")
_JAPANESE = ("cp932", "shift_jis", "euc_jp", "iso2022_jp")


def dates(sample: Sample, names: Sequence[str], told: Told) -> tuple[tuple[str, ...], str]:
    """The formats of the dates and their zone. Raises Unclear where the order of day and month,
    or the zone, is not to be seen."""
    values = [text for name in names for text in filled(sample, name)]
    if told.dates:
        formats: tuple[str, ...] = (told.dates,)
        _fits(sample, values, told.dates)
    else:
        formats = _formats(sample, values)
    return formats, told.zone or _zone(sample, values, formats)


def _fits(sample: Sample, values: Sequence[str], form: str) -> None:
    if values and not any(instant(text, Clock((form,), dateforms.UTC)) for text in values):
        raise BadSource(plain(f"{sample.file}: '{values[0][:SHOWN]}' is no date written as {form}"))


def _formats(sample: Sample, values: Sequence[str]) -> tuple[str, ...]:
    if not values:
        return ("iso",)
    found = dateforms.fitting(values)
    if found is None:
        raise Unclear(
            "dates",
            f"{sample.file}: '{values[0][:SHOWN]}' is a date in no format known here; --dates "
            "says it, such as '%Y/%m/%d %H:%M'",
        )
    if found.others:
        raise Unclear(
            "dates",
            f"{sample.file}: is '{values[0][:SHOWN]}' month first or day first? Say it with "
            f"--dates '{found.formats[0]}' or --dates '{found.others[0]}'",
            (found.formats[0], found.others[0]),
        )
    return found.formats


def _zone(sample: Sample, values: Sequence[str], formats: Sequence[str]) -> str:
    if values and dateforms.names_zone(values, formats):
        return "UTC"
    if _is_japanese(sample):
        return JAPAN
    raise Unclear(
        "zone",
        f"{sample.file}: the times name no zone; --zone says it, such as UTC or America/New_York",
        likely="UTC",
    )


def _is_japanese(sample: Sample) -> bool:
    some = (text for name in sample.names for text in (name, *sample.values[name][:100]))
    return sample.encoding in _JAPANESE or any(map(_KANA.search, some))
