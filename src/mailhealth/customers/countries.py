"""Countries, as a customer file writes them: by code or by name, English or Japanese."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from unicodedata import normalize

from mailhealth.errors import UnknownName


def country_code(written: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country, given as a code or by its name.

    Raises UnknownName with the nearest ones.
    """
    known = _codes()
    key = _key(written)
    if key not in known:
        raise UnknownName(f"no country '{written}'; {_nearest(key, known)}")
    return known[key]


def countries() -> Mapping[str, list[str]]:
    """Return every code with its names, the usual English one first."""
    import tomllib
    from importlib.resources import files

    text = files("mailhealth.customers").joinpath("countries.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def _codes() -> dict[str, str]:
    """Every code and every name, as they are compared, to its code."""
    named = {_key(name): code for code, names in countries().items() for name in names}
    return named | {_key(code): code for code in countries()}


def _key(written: str) -> str:
    plain = normalize("NFKC", written).casefold().replace(".", "").replace("&", "and")
    return " ".join(plain.split())


def _nearest(key: str, known: Mapping[str, str]) -> str:
    """Who mistakes a language for a country (JA) is helped by the names that begin so."""
    begun = [name for name in known if len(name) > len(key) > 1 and name.startswith(key)]
    alike = get_close_matches(key, known, n=3, cutoff=0.7)
    close = begun + sorted(alike, key=lambda name: name[0] != key[0])
    codes = list(dict.fromkeys(known[name] for name in close))[:3]
    told = [f"{code} ({names[0]})" for code in codes for names in [countries()[code]]]
    if told:
        return f"did you mean {' or '.join(told)}?"
    return "write its ISO 3166 code, such as JP, or its English name"
