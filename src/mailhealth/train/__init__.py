"""A recipe and its data -> a model folder: weights, tokenizer, thresholds, measured scores."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailhealth.errors import BadData

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from mailhealth.train.network import Network
    from mailhealth.train.recipe import Example

__all__ = ["evaluate", "train"]

MARK = "# ---- Everything below is written by `mailhealth train`. ----"
COMPARED = 1_000  # dev texts on which the shipped file is compared with the network it came from

Progress = Callable[[str], None]


def train(folder: Path, *, data: Path, base: str = "", progress: Progress | None = None) -> None:
    """Train the model that `folder`/model.toml describes, and write it into the folder.

    `data` holds the recipe's files, `base` is a Hugging Face name or path ("": as the recipe
    says). Needs the extra mailhealth[train]. Raises BadData for a recipe, a file or a base that
    cannot be used. Everything else is told to `progress`.
    """
    _needs_torch()
    from mailhealth.train import fit, network, recipe

    say = progress or (lambda _: None)
    model = recipe.read(folder)
    examples = list(recipe.examples(model, folder, data))
    trained = [example for example in examples if example.part == "train"]
    if not trained:
        raise BadData(f"The recipe in {folder} finds no training texts in {data}.")
    net, tokenizer = network.build(base or model["recipe"]["base"], model, trained)
    say(f"{len(trained)} texts, {tokenizer.get_vocab_size()} pieces")
    fit.fit(net, tokenizer, examples=trained, recipe=model["recipe"], progress=say)
    write(folder, data, net=net, tokenizer=tokenizer, examples=examples)


def write(
    folder: Path,
    data: Path,
    *,
    net: "Network",
    tokenizer: "Tokenizer",
    examples: "Sequence[Example]",
) -> None:
    """Write a trained network into the model folder: files, calibration and scores."""
    from mailhealth.nlp.folder import FILES
    from mailhealth.train import export, measure, network, recipe

    model = recipe.read(folder)
    network.save_tokenizer(tokenizer, folder / "tokenizer.json")
    export.export(net, folder / "model.onnx")
    written: dict[str, Any] = {
        "files": {name: recipe.fingerprint(folder / name) for name in FILES},
        "calibration": {"temperature": 1.0, "thresholds": dict.fromkeys(model["intents"], 0.5)},
        "data": {
            source["file"]: recipe.fingerprint(recipe.place(source["file"], folder, data))
            for source in model["recipe"]["source"]
        },
    }
    _append(folder, written)
    dev = [example for example in examples if example.part == "dev"]
    found = _logits(folder, dev)
    written["calibration"] = measure.calibrate(model, dev, found)
    _append(folder, written)
    written["scores"] = {
        "flips": _flips(net, tokenizer, dev[:: max(len(dev) // COMPARED, 1)], folder),
        **_scores(folder, examples),
    }
    _append(folder, written)


def evaluate(folder: Path, *, data: Path) -> str:
    """Measure a model folder on the test parts of its data; return the card's tables."""
    from mailhealth.train import card, recipe

    model = recipe.read(folder)
    examples = list(recipe.examples(model, folder, data))
    return card.tables({"scores": _scores(folder, examples)})


def _needs_torch() -> None:
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise BadData(
            f"Training needs {error.name}; install it with `pip install 'mailhealth[train]'`."
        ) from error


def _logits(folder: Path, examples: "Sequence[Example]") -> Any:
    from mailhealth.nlp import reader, windows

    texts = [example.text for example in examples]
    return reader.logits(reader.load(str(folder)), texts, longest=windows.LONGEST)


def _scores(folder: Path, examples: "Sequence[Example]") -> dict[str, list[dict[str, Any]]]:
    from mailhealth.nlp import reader
    from mailhealth.nlp.folder import describe
    from mailhealth.train import measure

    test = [example for example in examples if example.part == "test"]
    model = describe(folder)
    feelings, wants = reader.probabilities(reader.load(str(folder)), _logits(folder, test))
    return measure.scores(
        model, model["calibration"], examples=test, feelings=feelings, wants=wants
    )


def _flips(
    net: "Network", tokenizer: "Tokenizer", examples: "Sequence[Example]", folder: Path
) -> float:
    """Share of texts whose sentiment differs between the network and the file made of it."""
    import torch

    from mailhealth.nlp import windows
    from mailhealth.train import network

    width, texts = net.sentiments, [example.text for example in examples]
    shipped = _logits(folder, examples)[:, :width].argmax(axis=1)
    with torch.no_grad():
        trained = [
            int(net(*network.batch_of(tokenizer, [text], windows.LONGEST))[0, :width].argmax())
            for text in texts
        ]
    return round(float((shipped != trained).mean()), 4) if examples else 0.0


def _append(folder: Path, written: Mapping[str, Any]) -> None:
    """Write the learnt tables below the mark of model.toml, and forget what was loaded."""
    from mailhealth.nlp import forget
    from mailhealth.train import toml

    path = folder / "model.toml"
    recipe = path.read_text("utf-8").partition(MARK)[0].rstrip()
    path.write_text(f"{recipe}\n\n{MARK}\n{toml.dumps(written)}", "utf-8")
    forget()
