"""A model folder: where it lies, what it says of itself, and whether it is whole."""

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from mailhealth.errors import BadData, UnknownName

CARD = "model.toml"
FILES = ("model.onnx", "tokenizer.json")
SENTIMENTS = ["negative", "neutral", "positive"]
NEEDED = ("name", "version", "languages", "sentiments", "intents", "files", "calibration")


def find(model: str) -> Path:
    """Find the folder of a shipped model by name, or of any model by path.

    A path may also be a TOML file that names other models (`foreign`). Raises UnknownName where
    none of them is there.
    """
    shipped = Path(str(files("mailhealth.models")))
    for place in (shipped / model, Path(model)):
        if model and (place / CARD).is_file():
            return place
    file = Path(model)
    if file.name == CARD and file.is_file():
        return file.parent
    if file.suffix == ".toml" and file.is_file():
        return file
    names = ", ".join(sorted(path.parent.name for path in shipped.glob(f"*/{CARD}")))
    raise UnknownName(
        f"There is no model {model!r}; shipped are {names}, or give a model folder, or a TOML file "
        "that names other models."
    )


def describe(folder: Path) -> Mapping[str, Any]:
    """Read what a model folder says of itself; raise BadData where that is not enough."""
    try:
        card = tomllib.loads((folder / CARD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"{folder / CARD} cannot be read as TOML ({error}).") from error
    missing = [key for key in NEEDED if key not in card]
    missing += [name for name in FILES if name not in card.get("files", ())]
    if missing:
        raise BadData(
            f"{folder / CARD} has no {', '.join(missing)}; `mailhealth train` writes them."
        )
    if card["sentiments"] != SENTIMENTS:
        raise BadData(f"{folder / CARD} must name the sentiments {', '.join(SENTIMENTS)}.")
    return card


def check(folder: Path, card: Mapping[str, Any]) -> None:
    """Raise BadData unless every file of the model is the one that was trained."""
    for name, digest in card["files"].items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise BadData(f"The model in {folder} lacks its file {name}.") from error
        if found != digest:
            raise BadData(
                f"{folder / name} is not the file that {CARD} describes; restore or retrain it."
            )


@cache
def version(model: str = "mail") -> str:
    """Name a model and its weights, such as "mail@1+0123abcd", without loading it."""
    place = find(model)
    if place.suffix == ".toml":
        from mailhealth.nlp import foreign

        return foreign.version(place)
    card = describe(place)
    return f"{card['name']}@{card['version']}+{str(card['files']['model.onnx'])[:8]}"


def intents(model: str = "mail") -> list[str]:
    """Name the intents that a model can tell, without loading it."""
    place = find(model)
    if place.suffix == ".toml":
        from mailhealth.nlp import foreign

        return foreign.intents(place)
    return list(describe(place)["intents"])
