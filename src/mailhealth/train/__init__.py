"""A recipe and its data -> a model folder: weights, tokenizer, thresholds, measured scores."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailhealth.errors import BadData

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from mailhealth.train.example import Example
    from mailhealth.train.network import Network
    from mailhealth.train.reading import Readings

__all__ = ["evaluate", "rate", "train"]

MARK = "# ---- Everything below is written by `mailhealth train`. ----"
WRITTEN = ("files", "calibration", "data", "scores")
COMPARED = 1_000  # dev texts on which the shipped file is compared with the network it came from

Progress = Callable[[str], None]


def train(folder: Path, *, data: Path, base: str = "", progress: Progress | None = None) -> None:
    """Train the model that `folder`/model.toml describes, and write it into the folder.

    `data` holds the recipe's files, `base` is a Hugging Face name or path ("": as the recipe
    says). Needs the extra mailhealth[train]. Raises BadData for a recipe, a file or a base that
    cannot be used. Everything else is told to `progress`.
    """
    _needs_torch()
    from mailhealth.train import fit, network, reading, recipe

    say = progress or (lambda _: None)
    model = recipe.read(folder)
    examples = list(recipe.examples(model, folder, data))
    trained = [example for example in examples if example.part == "train"]
    if not trained:
        raise BadData(f"The recipe in {folder} finds no training texts in {data}.")
    if "teacher" in model["recipe"]:
        trained = reading.taught(Path(model["recipe"]["teacher"]), trained)
    base = base or model["recipe"]["base"]
    net, tokenizer = network.build(base, model, trained)
    say(f"{len(trained)} texts, {tokenizer.get_vocab_size()} pieces")
    fit.fit(net, tokenizer, examples=trained, recipe=model["recipe"], progress=say)
    write(folder, data, net=net, tokenizer=tokenizer, examples=examples)
    say("written; now it is calibrated and measured")
    rate(folder, data=data, base=base)


def write(
    folder: Path,
    data: Path,
    *,
    net: "Network",
    tokenizer: "Tokenizer",
    examples: "Sequence[Example]",
) -> None:
    """Write a trained network into the model folder, not calibrated yet."""
    from mailhealth.nlp.folder import FILES
    from mailhealth.train import calibration, export, network, reading, recipe

    model = recipe.read(folder)
    network.save_tokenizer(tokenizer, folder / "tokenizer.json")
    export.export(net, folder / "model.onnx", window=model["window"])
    written: dict[str, Any] = {
        "files": {name: recipe.fingerprint(folder / name) for name in FILES},
        "calibration": calibration.blank(model),
        "data": {
            name: recipe.fingerprint(recipe.place(name, folder, data))
            for name in recipe.names(model)
        },
    }
    _append(folder, written)
    dev = [example for example in examples if example.part == "dev"]
    some = dev[:: max(len(dev) // COMPARED, 1)]
    written["scores"] = {"flips": _flips(net, tokenizer, some, reading.read(folder, some))}
    _append(folder, written)


def rate(folder: Path, *, data: Path, base: str = "") -> None:
    """Choose a trained folder's temperatures and thresholds anew, measure it, and write both.

    For data whose labels were mended after training. Arguments and errors as for `train`.
    """
    from mailhealth.train import calibration, reading, recipe

    model = recipe.read(folder)
    examples = list(recipe.examples(model, folder, data))
    written = {name: model[name] for name in WRITTEN}
    _append(folder, {**written, "calibration": calibration.blank(model)})
    dev = calibration.calibrating(model, [e for e in examples if e.part == "dev"])
    written["calibration"] = calibration.calibrate(model, dev, reading.read(folder, dev))
    _append(folder, written)
    written["scores"] = _scores(folder, examples, base)
    _append(folder, written)


def evaluate(folder: Path, *, data: Path, base: str = "") -> str:
    """Measure a model folder on the test parts of its data; return the card's tables.

    The baselines are trained and measured beside it, the untouched encoder `base` ("": as the
    recipe says) among them. Needs the extra mailhealth[train].
    """
    _needs_torch()
    from mailhealth.train import card, recipe

    examples = list(recipe.examples(recipe.read(folder), folder, data))
    return card.tables({"scores": _scores(folder, examples, base)})


def _scores(folder: Path, examples: "Sequence[Example]", base: str) -> dict[str, Any]:
    from mailhealth.train import baselines, measure, reading, recipe

    model = recipe.read(folder)
    test = [example for example in examples if example.part == "test"]
    return {
        "flips": model["scores"]["flips"],
        **measure.scores(model, test, reading.read(folder, test)),
        **baselines.compare(model, examples, base=base or model["recipe"]["base"]),
    }


def _needs_torch() -> None:
    try:
        import onnx  # noqa: F401
        import sklearn  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise BadData(
            f"Training needs {error.name}; install it with `pip install 'mailhealth[train]'`."
        ) from error


def _flips(
    net: "Network", tokenizer: "Tokenizer", dev: "Sequence[Example]", found: "Readings"
) -> float:
    """Share of texts whose likeliest sentiment differs between network and the file made of it."""
    import torch

    from mailhealth.train import network

    numbers = [n for n in range(len(dev)) if found.feelings[n].any()]
    longest = net.encoder.config.max_position_embeddings
    with torch.no_grad():
        batches = (network.batch_of(tokenizer, [dev[n].text], longest) for n in numbers)
        trained = [int(net(*batch)[0, : net.sentiments].argmax()) for batch in batches]
    shipped = found.feelings[numbers].argmax(axis=1)
    return round(float((shipped != trained).mean()), 4) if numbers else 0.0


def _append(folder: Path, written: Mapping[str, Any]) -> None:
    """Write the learnt tables below the mark of model.toml, and forget what was loaded."""
    from mailhealth.nlp import forget
    from mailhealth.train import toml

    path = folder / "model.toml"
    recipe = path.read_text("utf-8").partition(MARK)[0].rstrip()
    path.write_text(f"{recipe}\n\n{MARK}\n{toml.dumps(written)}", "utf-8")
    forget()
