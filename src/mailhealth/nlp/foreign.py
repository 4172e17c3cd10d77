"""Other models than ours, named in a TOML file, and how their labels become ours.

    [sentiment]
    model = "a Hugging Face name or a folder"
    labels = { LABEL_0 = "negative", LABEL_1 = "neutral", LABEL_2 = "positive" }

    [intents]
    model = "another one"
    zero_shot = true
    hypotheses = { cancel = "The writer wants to cancel.", praise = "The writer thanks us." }
    thresholds = { cancel = 0.8 }

A table that is left out is read by the model "mail", or by the folder that its `model` names.
"""

import hashlib
import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mailhealth.errors import BadData, MailhealthError
from mailhealth.nlp import folder as model_folder
from mailhealth.nlp.reader import OTHER, Calibration, Network, Reader, load_folder

TASKS = ("sentiment", "intents")
TOP = {*TASKS, "name", "languages"}
KEYS = {"model", "labels", "zero_shot", "hypotheses", "thresholds", "multi_label"}
MAIL = "mail"  # the model that reads what is not named
THRESHOLD = 0.5


def load(file: Path) -> Reader:
    """Load the models that a file names; raise BadData where it or they cannot be used."""
    tables = _read(file)
    ours = {task: _ours(tables[task], file) for task in TASKS}
    mail = load_folder(model_folder.find(MAIL))
    readers = {task: load_folder(place) if place else None for task, place in ours.items()}
    feelings = readers["sentiment"].feelings if readers["sentiment"] else None
    wants = readers["intents"].wants if readers["intents"] else None
    intents = readers["intents"].intents if readers["intents"] else _targets(tables["intents"])
    return Reader(
        feelings or _network(tables["sentiment"], file),
        wants or _network(tables["intents"], file),
        mail.sentiments,
        tuple(intents),
        frozenset(tables.get("languages", mail.languages)),
        _calibrations(readers, tables, intents),
        version(file),
    )


def version(file: Path) -> str:
    """Name what a file says and the weights of the folders it names, without loading them."""
    tables = _read(file)
    told = hashlib.sha256(file.read_bytes())
    for task in TASKS:
        place = _ours(tables[task], file)
        if place:
            told.update(model_folder.version(str(place)).encode())
        else:
            told.update(_weights(_place(tables[task]["model"], file)).encode())
    return f"{tables.get('name', file.stem)}@1+{told.hexdigest()[:8]}"


def intents(file: Path) -> list[str]:
    """Name the intents that the models of a file can tell, without loading them."""
    table = _read(file)["intents"]
    place = _ours(table, file)
    return model_folder.intents(str(place)) if place else _targets(table)


def _weights(place: str) -> str:
    """What tells one state of a folder from another: a hash of gigabytes would take too long."""
    found = sorted(Path(place).glob("*")) if Path(place).is_dir() else []
    return f"{[(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in found]}"


def _read(file: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadData(f"{file} cannot be read as TOML ({error}).") from error
    _only(tables, TOP, file, "table")
    for task in TASKS:
        table = tables.setdefault(task, {})
        if not isinstance(table, dict):
            raise BadData(f"{file}: {task} must be a table such as [{task}].")
        table.setdefault("model", MAIL)
        _only(table, KEYS, file, f"key in [{task}]")
        if not isinstance(table["model"], str):
            raise BadData(f"{file}: model in [{task}] must be a name or a folder, in quotes.")
        limits = table.get("thresholds", {})
        if not isinstance(limits, dict) or not all(map(_is_number, limits.values())):
            raise BadData(f"{file}: thresholds in [{task}] must be such as {{ cancel = 0.8 }}.")
        if _ours(table, file) is None:
            _check(table, task, file)
    langs = tables.get("languages", [])
    if not isinstance(langs, list) or not all(map(_is_text, langs)):
        raise BadData(f'{file}: languages must be such as ["en", "ja"].')
    return tables


def _only(given: Collection[str], known: Collection[str], where: Path, what: str) -> None:
    for name in given:
        if name not in known:
            raise BadData(f"{where}: there is no {what} {name!r}; {_nearest(name, known)}.")


def _nearest(name: object, known: Collection[str]) -> str:
    close = get_close_matches(str(name), list(known), n=1)
    return f"did you mean {close[0]!r}?"[:-1] if close else f"there are {', '.join(sorted(known))}"


def _place(model: str, file: Path) -> str:
    """A folder, from where the file lies; else the name as it is."""
    beside = file.parent / Path(model).expanduser()
    return str(beside) if beside.is_dir() else model


def _ours(table: Mapping[str, Any], file: Path) -> Path | None:
    """The folder of a model of ours; None: it is a Hugging Face one."""
    try:
        place = model_folder.find(_place(table["model"], file))
    except MailhealthError:
        return None
    return place if place.is_dir() else None


def _check(table: Mapping[str, Any], task: str, file: Path) -> None:
    """Raise BadData unless a table says which of its model's answers are which of our labels."""
    wanted = "hypotheses" if table.get("zero_shot") else "labels"
    words = table.get(wanted)
    if not isinstance(words, dict) or not words or not all(map(_is_text, words.values())):
        example = (
            'hypotheses = { cancel = "The writer wants to cancel." }'
            if wanted == "hypotheses"
            else 'labels = { LABEL_0 = "negative" }'
        )
        raise BadData(f"{file}: [{task}] needs {wanted}, such as {example}.")
    known = _known(task)
    for label in (*_targets(table), *table.get("thresholds", {})):
        if label not in known:
            raise BadData(f"{file}: {label!r} in [{task}] is no label; {_nearest(label, known)}.")
    if task == "sentiment" and not {"negative", "positive"} <= set(_targets(table)):
        raise BadData(f"{file}: {wanted} of [sentiment] must reach negative and positive.")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _known(task: str) -> list[str]:
    if task == "sentiment":
        return model_folder.SENTIMENTS
    return list(model_folder.describe(model_folder.find(MAIL))["intents"])


def _targets(table: Mapping[str, Any]) -> list[str]:
    """Our labels that a table speaks of, each once."""
    if table.get("zero_shot"):
        return list(table["hypotheses"])
    return list(dict.fromkeys(table["labels"].values()))


def _network(table: Mapping[str, Any], file: Path) -> Network:
    from mailhealth.nlp import transformer

    place = _place(table["model"], file)
    labels = model_folder.SENTIMENTS if "negative" in _targets(table) else _targets(table)
    if table.get("zero_shot"):
        return transformer.zero_shot(place, labels, table["hypotheses"])
    return transformer.classifier(place, labels, table["labels"], several=table.get("multi_label"))


def _calibrations(
    readers: Mapping[str, Reader | None], tables: Mapping[str, Any], intents: Collection[str]
) -> dict[str, Calibration]:
    """A model of ours keeps its calibration, any other answers as it is."""
    plain = Calibration(1.0, 1.0, {**dict.fromkeys(intents, THRESHOLD), "negative": 0.0})
    langs = {lang for each in readers.values() if each for lang in each.calibrations} | {OTHER}
    found = {}
    for lang in langs:
        felt, wanted = (
            reader.calibration(lang) if (reader := readers[task]) else plain for task in TASKS
        )
        limits = {**wanted.thresholds, "negative": felt.thresholds["negative"]}
        for task in TASKS:
            limits |= tables[task].get("thresholds", {})
        found[lang] = Calibration(felt.sentiment, wanted.intents, limits)
    return found
