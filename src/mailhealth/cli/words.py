"""The heads and sentences of the terminal in other languages than English."""

from collections.abc import Mapping
from functools import cache


def tell(english: str, lang: str, **values: object) -> str:
    """Say a head or a sentence in a language, its places filled with `values`.

    What has no words in that language stays English: a head too few is better than an error.
    """
    told = english if lang == "en" else _words().get(english, english)
    return told.format(**values) if values else told


@cache
def _words() -> Mapping[str, str]:
    import tomllib
    from importlib.resources import files

    return tomllib.loads(files("mailhealth.cli").joinpath("words.toml").read_text("utf-8"))
