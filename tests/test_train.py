"""Training on a few invented rows and a tiny random base: the whole way to a model folder."""

import gzip
import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

pytest.importorskip("torch", reason="training is the extra mailhealth[train]")

from mailhealth import nlp, train
from mailhealth.errors import BadData, UnknownName
from mailhealth.records import Text
from mailhealth.train import (
    calibration,
    card,
    export,
    fit,
    measure,
    network,
    reading,
    recipe,
    written,
)
from mailhealth.train.example import NO, UNKNOWN, YES, Example

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of torch and transformers
]

RECIPE = """
name = "tiny"
version = 1
languages = ["en", "ja"]
sentiments = ["negative", "neutral", "positive"]
intents = ["cancel", "question"]
window = 128

[recipe]
base = "nowhere"
layers = 1
frozen = 0
pieces = 400
seed = 3
cycles = [8]
batch_tokens = 200
max_tokens = 32
rate = 1e-3
head_rate = 1e-2
wrapped = 0.3
measured = 100
mistaken = 0.05

[recipe.precision]
other = 0.8

[recipe.before]
en = ["Hello,"]
ja = ["お世話になっております。"]
[recipe.after]
en = ["Best regards"]
ja = ["よろしくお願いいたします。"]

[[recipe.source]]
file = "data"
name = "mails"
voices = { train = ["en1"], dev = ["en2"], test = ["ja1"] }
calibrates = true

[[recipe.source]]
file = "written.tsv"
knows = ["cancel"]

[[recipe.source]]
file = "chats.jsonl.gz"
field = "label"
each = 20
questions = true
knows = ["cancel"]
yes = { cancel = ["close"] }
unsure = { question = ["close"] }
sentiment = { negative = ["angry"], positive = ["glad"] }
light = { positive = 0.5 }
"""

WRITTEN = [
    "part\tlang\tsentiment\tintents\ttext",
    "train\ten\tneutral\tcancel\tplease close our account",
    "train\tja\tneutral\tcancel\t解約をお願いします。",
    "train\ten\tneutral\tquestion\thow many users fit in ?",
    "test\tja\tneutral\tcancel\t契約を解約したいです。",
]
LETTER = "Hello,\n\nthis is {} and late in {}, close the plan\n\nBest regards\nBob"
MAILS = {
    "en1": [("bad", "negative", ["cancel"]), ("good", "positive", [])] * 5,
    "en2": [("bad", "negative", ["cancel"]), ("good", "positive", ["question"])] * 6,
    "ja1": [("bad", "negative", ["cancel"]), ("good", "neutral", ["question"])] * 6,
}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
CHATS = {"angry": "this is bad and late", "glad": "this is good and fast", "close": "stop the plan"}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of two thin layers with a tokenizer of our own words, the same every time."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("base")
    tokenizer = Tokenizer(models.Unigram(_pieces(), unk_id=SPECIAL.index("<unk>")))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=140,
    )
    torch.manual_seed(3)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def _pieces() -> list[tuple[str, float]]:
    """Every word and character of the texts, likelier the longer: no training, no chance in it."""
    texts = [*WRITTEN, *CHATS.values(), "0123456789"]
    words = {f"▁{word}" for text in texts for word in text.split()}
    signs = {"▁", *"".join(texts)} - {"\t", " "}
    return [
        *((name, 0.0) for name in SPECIAL),
        *((each, -10.0) for each in sorted(words)),
        *((c, -20.0) for c in sorted(signs)),
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of invented chats."""
    folder = tmp_path_factory.mktemp("data")
    rows = [
        {"text": f"{text} {number}", "label": label, "lang": "en", "split": "all"}
        for label, text in CHATS.items()
        for number in range(150)
    ]
    with gzip.open(folder / "chats.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return folder


def _folder(place: Path) -> Path:
    place.mkdir(exist_ok=True)
    (place / "model.toml").write_text(RECIPE, "utf-8")
    (place / "written.tsv").write_text("\n".join(WRITTEN) + "\n", "utf-8")
    (place / "data").mkdir(exist_ok=True)
    for voice, mails in MAILS.items():
        rows = [
            {
                "id": f"{voice}-{number}",
                "subject": "plan",
                "text": LETTER.format(word, f"{voice} {number}"),
            }
            | {"sentiment": sentiment, "intents": intents, "hard": ""}
            for number, (word, sentiment, intents) in enumerate(mails)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (place / "data" / f"{voice}.jsonl").write_text(text, "utf-8")
    return place


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, base: Path, data: Path) -> Path:
    """A model folder trained once for the tests of this module."""
    folder = _folder(tmp_path_factory.mktemp("model"))
    train.train(folder, data=data, base=str(base))
    return folder


def test_a_trained_folder_reads_mail(trained: Path) -> None:
    texts = [Text("1", "this is bad and late", lang="en"), Text("2", "", lang="en")]

    bad, empty = nlp.annotate(texts, model=str(trained))

    assert bad.sentiment == "negative"
    assert bad.model.startswith("tiny@1+")
    assert empty.sentiment == "unknown"


def test_training_writes_files_thresholds_and_scores_below_the_mark(trained: Path) -> None:
    text = (trained / "model.toml").read_text("utf-8")

    model = tomllib.loads(text)

    assert text.startswith(RECIPE.rstrip())
    assert set(model["files"]) == {"model.onnx", "tokenizer.json"}
    assert set(model["calibration"]) == {"en", "other"}
    assert set(model["calibration"]["en"]["thresholds"]) == {"negative", "cancel", "question"}
    assert {"written.tsv", "chats.jsonl.gz", "data/ja1.jsonl"} <= set(model["data"])
    mails = [row for row in model["scores"]["mails"] if row["lang"] == "ja"]
    assert [row["source"] for row in mails] == ["mails", "mails, own words"]
    assert {row["baseline"] for row in model["scores"]["baselines"]} >= {"TF-IDF + LR"}


def test_the_same_seed_gives_the_same_weights(
    trained: Path, tmp_path: Path, base: Path, data: Path
) -> None:
    model = recipe.read(_folder(tmp_path))
    rows = [e for e in recipe.examples(model, tmp_path, data) if e.part == "train"]

    net, tokenizer = network.build(str(base), model, rows)
    fit.fit(net, tokenizer, examples=rows, recipe=model["recipe"], progress=print)
    export.export(net, tmp_path / "model.onnx", window=128)

    assert (tmp_path / "model.onnx").read_bytes() == (trained / "model.onnx").read_bytes()


def test_evaluation_prints_the_tables_of_the_card(trained: Path, data: Path, base: Path) -> None:
    model = recipe.read(trained)

    found = train.evaluate(trained, data=data, base=str(base))

    assert found == card.tables(model)
    assert "| cancel | chats | en |" in found


def test_a_student_learns_what_its_teacher_says_of_texts_without_labels(
    trained: Path, base: Path, tmp_path: Path
) -> None:
    model = recipe.read(_folder(tmp_path))
    bare = [
        Example(f"{text} {n}", "en", UNKNOWN, (UNKNOWN, UNKNOWN), 1.0, "chats", "train")
        for text in CHATS.values()
        for n in range(30)
    ]

    pupils = reading.taught(trained, bare) * 4
    net, tokenizer = network.build(str(base), model, pupils)
    fit.fit(net, tokenizer, examples=pupils, recipe=model["recipe"], progress=print)

    said = net(*network.batch_of(tokenizer, [CHATS["angry"], CHATS["glad"]], 32))[:, :3]
    told = reading.read(trained, [bare[0], bare[30]]).sentiments
    assert said.argmax(dim=1).tolist() == told.tolist()


def test_a_changed_weights_file_is_refused(trained: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("model.toml", "tokenizer.json"):
        (broken / name).write_bytes((trained / name).read_bytes())
    (broken / "model.onnx").write_bytes(b"other weights")

    with pytest.raises(BadData, match="is not the file"):
        next(nlp.annotate([Text("1", "hello")], model=str(broken)))


def test_a_folder_without_training_is_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "bare")

    with pytest.raises(BadData, match="has no files, calibration"):
        nlp.version(str(folder))


def test_a_model_that_is_not_there_is_an_unknown_name() -> None:
    with pytest.raises(UnknownName, match="shipped are"):
        nlp.version("nobody")


def test_a_source_that_teaches_an_unknown_label_is_refused(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "typo")
    (folder / "model.toml").write_text(RECIPE.replace('knows = ["cancel"]', 'knows = ["cancle"]'))

    with pytest.raises(BadData, match="cancle"):
        recipe.read(folder)


def test_a_missing_data_file_is_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "model")
    model = recipe.read(folder)

    with pytest.raises(BadData, match=r"chats\.jsonl\.gz is neither in"):
        list(recipe.examples(model, folder, tmp_path))


def test_a_base_that_cannot_be_loaded_is_refused(tmp_path: Path, data: Path) -> None:
    folder = _folder(tmp_path / "model")

    with pytest.raises(BadData, match="No encoder could be loaded"):
        train.train(folder, data=data, base=str(tmp_path))


def test_an_absent_label_is_unknown_unless_the_source_knows_better(
    tmp_path: Path, data: Path
) -> None:
    folder = _folder(tmp_path / "model")

    rows = list(recipe.examples(recipe.read(folder), folder, data))

    angry = next(row for row in rows if row.text.startswith("this is bad"))
    close = next(row for row in rows if row.text.startswith("stop"))
    assert angry.intents == (NO, UNKNOWN)
    assert close.intents == (YES, UNKNOWN)
    assert close.sentiment == UNKNOWN


def test_no_text_is_on_both_sides_of_the_split(tmp_path: Path, data: Path) -> None:
    folder = _folder(tmp_path / "model")

    rows = list(recipe.examples(recipe.read(folder), folder, data))

    parts = [{row.text for row in rows if row.part == part} for part in ("train", "dev", "test")]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert all(parts)


def test_a_trimmed_vocabulary_keeps_every_sign_it_knew(base: Path) -> None:
    encoder, tokenizer = network.load(str(base), layers=1)

    smaller = network.trim(encoder, tokenizer, ["close"], pieces=0)

    after = smaller.encode("解約をお願いします。")
    assert smaller.get_vocab_size() < tokenizer.get_vocab_size()
    assert encoder.embeddings.word_embeddings.weight.shape[0] == smaller.get_vocab_size()
    assert smaller.decode(after.ids).replace(" ", "") == "▁解約をお願いします。"
    assert smaller.token_to_id("<unk>") not in after.ids


def test_the_exported_file_says_what_the_network_says(base: Path, tmp_path: Path) -> None:
    import onnxruntime
    import torch

    torch.manual_seed(0)
    encoder, _ = network.load(str(base), layers=2)
    net = network.Network(encoder, 3, 2).eval()
    ids = torch.tensor([[0, 20, 21, 22, 2]])

    export.export(net, tmp_path / "model.onnx")

    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    found = session.run(None, {"input_ids": ids.numpy()})[0]
    told = net(ids, torch.ones_like(ids)).detach().numpy()
    assert np.abs(found - told).max() < 0.05 * np.abs(told).max()


def test_moving_centre_and_spread_into_the_heads_changes_no_answer(base: Path) -> None:
    import torch

    encoder, tokenizer = network.load(str(base), layers=2)
    net = network.Network(encoder, 3, 2).eval()
    for part in (net.look, net.heads):
        torch.nn.init.normal_(part.weight)
    net.centre.copy_(torch.linspace(-1, 1, 32))
    net.spread.fill_(0.25)
    batch = network.batch_of(tokenizer, ["this is bad", "stop the plan and close"], 32)
    before = net(*batch)
    net.fold()
    assert not net.centre.any()
    assert float(net.spread) == 1
    torch.testing.assert_close(net(*batch), before, atol=1e-4, rtol=1e-4)


def test_before_training_a_label_is_as_likely_as_it_is_often(base: Path) -> None:
    import torch

    encoder, tokenizer = network.load(str(base), layers=2)
    net = network.Network(encoder, 3, 2)
    rows = [
        Example(f"this is {n}", "en", n % 2, (YES if n < 5 else NO, UNKNOWN), 1, "mails", "train")
        for n in range(20)
    ]
    fit._settle(net, tokenizer, rows, {"seed": 1, "max_tokens": 32})
    said = net.eval()(*network.batch_of(tokenizer, ["this is 7"], 32))[0]
    assert said[:2].softmax(0).tolist() == pytest.approx([0.5, 0.5])
    assert said[3:].sigmoid().tolist() == pytest.approx([0.25, 0.01])
    spread = torch.stack(
        [
            encoder(*network.batch_of(tokenizer, [row.text], 32)).last_hidden_state[0].mean(0)
            for row in rows
        ]
    )
    assert ((spread - net.centre) / net.spread).square().mean().item() == pytest.approx(1, rel=1e-3)


def test_in_training_each_token_is_rounded_by_its_own_scale_and_the_slope_passes() -> None:
    import torch

    states = torch.tensor([[127.0, 1.4, -0.6], [0.0127, 0.00014, 0.0]], requires_grad=True)
    rounded = fit._rounded(torch.nn.Identity(), (states,))
    expected = torch.tensor([[127.0, 1.0, -1.0], [0.0127, 0.0001, 0.0]])
    torch.testing.assert_close(rounded, expected)
    rounded.sum().backward()
    assert torch.equal(states.grad, torch.ones_like(states))


def test_precision_and_recall_are_counted_by_hand() -> None:
    told = np.array([True, True, True, False])
    found = np.array([True, False, False, True])

    row = measure.prf(told, found)

    assert row == {"precision": 0.5, "recall": 0.333, "f1": 0.4, "n": 3}


def test_a_voice_is_in_one_part_only_and_a_mail_is_read_whole_and_bare(
    tmp_path: Path, data: Path
) -> None:
    folder = _folder(tmp_path / "model")

    rows = list(recipe.examples(recipe.read(folder), folder, data))

    mails = [row for row in rows if row.source.startswith("mails")]
    assert {(row.lang, row.part) for row in mails} == {
        ("en", "train"),
        ("en", "dev"),
        ("ja", "test"),
    }
    whole, bare = (row.text for row in mails[:2])
    assert whole.startswith("plan\n\nHello,")
    assert "this is bad" in bare
    assert "Hello" not in bare


def test_a_mail_with_an_unknown_label_is_named_with_its_line(tmp_path: Path, data: Path) -> None:
    folder = _folder(tmp_path / "model")
    file = folder / "data" / "en1.jsonl"
    file.write_text(file.read_text("utf-8").replace('"cancel"', '"cancle"', 1), "utf-8")

    with pytest.raises(BadData, match=r"en1\.jsonl, line 1 .* no intent cancle"):
        list(recipe.examples(recipe.read(folder), folder, data))


def test_a_sentence_says_nothing_of_an_intent_that_its_source_does_not_know() -> None:
    model = {"sentiments": ["negative", "neutral", "positive"], "intents": ["cancel", "renewal"]}
    path = Path(__file__).parents[1] / "models" / "mail" / "written.tsv"

    first = next(written.sentences(path, model, {"name": "ours", "knows": ["cancel"]}))

    assert first.intents[0] != UNKNOWN
    assert first.intents[1] == UNKNOWN


def test_a_threshold_reaches_its_precision_and_then_keeps_the_most() -> None:
    told = np.array([True, True, True, False, False])
    found = np.array([0.9, 0.8, 0.51, 0.61, 0.41])

    strict = calibration.threshold(told, found, np.ones(5), precision=0.9)
    loose = calibration.threshold(told, found, np.ones(5), precision=0.7)

    assert 0.61 < strict <= 0.8
    assert 0.41 < loose <= 0.51


def test_negative_is_said_of_few_neutral_mails() -> None:
    found = np.array([0.0] * 90 + [0.41] * 5 + [0.71] * 4 + [0.99])

    assert calibration.rare(found, share=0.05) == pytest.approx(0.425)
    assert calibration.rare(found, share=0.1) == pytest.approx(0.3)
    assert calibration.rare(found, share=0.0) == pytest.approx(0.95)


def test_overconfidence_is_cooled() -> None:
    model = {
        "sentiments": ["negative", "neutral", "positive"],
        "intents": [],
        "recipe": {"source": [], "precision": {"other": 0.8}, "mistaken": 0.05},
    }
    sure = np.tile([0.98, 0.01, 0.01], (100, 1))
    dev = [Example("x", "en", int(n >= 60), (), 1.0, "s", "dev") for n in range(100)]
    blank = np.zeros((100, 0))
    readings = reading.Readings(sure, blank, np.zeros(100, np.int64), blank.astype(bool))

    tables = calibration.calibrate(model, dev, readings)

    assert tables["en"]["sentiment"] > 2
    assert tables["en"] == tables["other"]


def test_the_calibration_error_is_counted_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False])

    found = measure.calibration_error(confidence, right)

    assert found == pytest.approx(0.05)


def test_recall_at_a_precision_counts_ties_together() -> None:
    told = np.array([True, True, False, True])
    found = np.array([0.9, 0.5, 0.5, 0.1])

    assert measure.recall_at(told, found, precision=0.9) == pytest.approx(0.333)
    assert measure.recall_at(told, found, precision=0.6) == pytest.approx(1)
