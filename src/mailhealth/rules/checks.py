"""What may stand in health.toml; every complaint names the table and the key."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from mailhealth.errors import BadData
from mailhealth.rules.page import Signal

# A place in a sentence: {name}, {name:.1f}, {name:%}, {name:day|days}.
PLACE = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
OWN = ("value", "k", "n", "low", "high")  # names that are not another signal's

Type = type | tuple[type, ...]
Keys = Mapping[str, Type]

_FORM = re.compile(r"|%|\+?\.\df|[^|]*\|[^|]*")
_LONGEST = 365  # days
_LARGEST = 1e12
_NUMBER = (int, float)

NEEDS = {
    "rate": ("from", "k", "n"),
    "count": ("from", "k"),
    "mean": ("from", "each"),
    "median": ("from", "each"),
    "value": ("from", "value"),
    "change": ("of",),
}
PAGE: Keys = {
    "base": _NUMBER,
    "windows": list,
    "bands": dict,
    "enough": dict,
    "cap": dict,
    "signal": dict,
}
SIGNAL: Keys = {
    "component": str,
    "asks": str,
    "kind": str,
    "from": str,
    "of": str,
    "k": str,
    "n": str,
    "value": str,
    "each": str,
    "by": str,
    "shows": str,
    "risk": str,
    "per": _NUMBER,
    "days": int,
    "window": int,
    "past": bool,
    "scale": str,
    "typical": _NUMBER,
    "prior": _NUMBER,
    "span": _NUMBER,
    "band": list,
    "points": list,
    "because": dict,
    "good": dict,
}
BAND: Keys = {"from": _NUMBER, "up": _NUMBER, "down": _NUMBER}
CAP: Keys = {
    "signal": str,
    "from": _NUMBER,
    "value": _NUMBER,
    "because": dict,
}
ENOUGH: Keys = {
    "signal": str,
    "n": int,
    "coverage": _NUMBER,
    "unless": str,
    "because": dict,
}


def kind(table: Mapping[str, Any], where: str) -> None:
    """Refuse a signal without a kind, or without the keys its kind needs."""
    need(table, ("component", "asks", "kind", "because"), where)
    if table["kind"] not in NEEDS:
        raise BadData(f"{where}: no kind {table['kind']!r}; there are {', '.join(NEEDS)}")
    need(table, ("from", "by") if "by" in table else NEEDS[table["kind"]], where)


def numbers(signal: Signal, where: str) -> None:
    """Refuse numbers that would divide by zero, have no logarithm, or move points backwards."""
    low, high = signal.points
    complaints = (
        (not low <= 0 <= high, "points must be [least, most] around 0, such as [-12, 12]"),
        (signal.span == 0, "span must not be 0"),
        (signal.prior < 0, "prior must not be negative"),
        (signal.per < 0, "per must not be negative"),
        (signal.window not in signal.windows, f"window must be one of {list(signal.windows)}"),
        (signal.scale not in ("linear", "log", "logit"), "scale must be linear, log or logit"),
        (signal.risk not in ("", "in", "out", "touch"), "risk must be in, out or touch"),
        (signal.kind == "count" and not (signal.risk or signal.n), "a count needs risk or n"),
        (bool(signal.per) and not signal.risk, "per needs risk"),
        (_off_scale(signal), f"typical must lie inside the {signal.scale} scale, and prior be > 0"),
        (
            signal.band is not None and not 0 < signal.band[0] < signal.band[1],
            "band must rise from above 0",
        ),
    )
    for wrong, why in complaints:
        if wrong:
            raise BadData(f"{where}: {why}")


def _off_scale(signal: Signal) -> bool:
    scored = signal.points != (0.0, 0.0) and signal.band is None
    if not scored or signal.scale == "linear":
        return False
    top = 1.0 if signal.scale == "logit" else float("inf")
    return not (0 < signal.typical < top) or (signal.scale == "logit" and signal.prior <= 0)


def known_signal(name: str, names: set[str], where: str) -> None:
    """Refuse the name of a signal that is not there."""
    if name not in names:
        raise BadData(f"{where}: no signal {name!r}{hint(name, names)}")


def sentences(because: Mapping[str, Any], names: set[str], where: str) -> None:
    """Refuse sentences that lack a language, or have places nothing can fill."""
    if set(because) != {"en", "ja"} or not all(isinstance(text, str) for text in because.values()):
        raise BadData(f"{where}: because must be two sentences, en and ja")
    for text in because.values():
        if set(PLACE.sub("", text)) & {"{", "}"}:
            raise BadData(f"{where}: because has a brace that opens or ends no {{name}}")
        for name, form in PLACE.findall(text):
            if name not in names:
                raise BadData(f"{where}: because speaks of {name!r}{hint(name, names)}")
            if not _FORM.fullmatch(form):
                raise BadData(
                    f"{where}: because has {{{name}:{form}}}; write :.1f, :% or :day|days"
                )


def tables(page: Mapping[str, Any], prefix: str, known: Keys, name: str) -> Mapping[str, Any]:
    """Return the tables [prefix.*] of a page; refuse what is no table or has unknown keys."""
    for key, table in page[prefix].items():
        if not isinstance(table, dict):
            raise BadData(f"{name}, [{prefix}]: {key} must be a table")
        keys(table, known, f"{name}, [{prefix}.{key}]")
    found: Mapping[str, Any] = page[prefix]
    return found


def keys(table: Mapping[str, Any], known: Keys, where: str) -> None:
    """Refuse unknown keys and values of the wrong type or beyond all reason."""
    for key, value in table.items():
        if key not in known:
            raise BadData(f"{where}: unknown key {key!r}{hint(key, known)}")
        if not isinstance(value, known[key]) or isinstance(value, bool) != (known[key] is bool):
            raise BadData(f"{where}: {key} has the wrong type ({type(value).__name__})")
        if isinstance(value, _NUMBER) and not abs(value) < _LARGEST:
            raise BadData(f"{where}: {key} must be a number of reasonable size")


def need(table: Mapping[str, Any], wanted: tuple[str, ...], where: str) -> None:
    """Refuse a table in which one of the wanted keys is missing or empty."""
    for key in wanted:
        if table.get(key) in (None, ""):
            raise BadData(f"{where}: {key} is missing")


def days(value: object, where: str) -> int:
    """Return a window's length; refuse what is no number of days from 1 to 365."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LONGEST:
        return value
    raise BadData(f"{where}: {value!r} is no number of days from 1 to 365")


def pair(value: list[Any], where: str) -> tuple[float, float]:
    """Return two numbers; refuse anything else."""
    numeric = all(isinstance(part, _NUMBER) and abs(part) < _LARGEST for part in value)
    if not numeric or len(value) != 2:  # noqa: PLR2004
        raise BadData(f"{where} must be two numbers")
    return float(value[0]), float(value[1])


def hint(word: str, words: Mapping[str, Any] | set[str]) -> str:
    """Return "; did you mean ...?" for a word that is nearly one of the known ones."""
    near = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
