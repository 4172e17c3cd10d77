"""The ways of reading that are compared, each in a process of its own: `reader_stages.py WAY FILE`.

FILE holds the texts as a JSON list of {"text", "lang"}. Prints seconds, memory and answers as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ATTENTION = "MultiHeadAttention"
NORM = ("LayerNormalization", "SkipLayerNormalization")
# Where the weights of a layer's six matrices go in a BERT encoder, in the order of the file.
PARTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
NORMS = ("attention.output.LayerNorm", "output.LayerNorm")
BATCH = 32
TIMES = 2  # the best of them counts

Texts = list[dict[str, str]]
Read = Callable[[], list[list[float]]]


def annotate(texts: Texts) -> Read:
    """All of it: language, spaCy, topics, survey answers, the network, labels."""
    from mailhealth import nlp
    from mailhealth.records import Text

    given = [Text(str(n), each["text"], lang=each["lang"]) for n, each in enumerate(texts)]
    next(nlp.annotate([Text("0", "Hello", lang="en")]))

    def read() -> list[list[float]]:
        return [[*each.probabilities.values()] for each in nlp.annotate(given)]

    return read


def network(texts: Texts) -> Read:
    """The tokenizer and the network alone, on the runtime that the environment names."""
    from mailhealth.nlp import reader

    logits = reader.load("mail").feelings.logits
    said = [each["text"] for each in texts]
    return lambda: logits(said).tolist()  # type: ignore[no-any-return]


def pipeline(texts: Texts) -> Read:
    """`transformers.pipeline` in fp32 on the same weights, 32 texts a batch."""
    import torch
    from transformers import PreTrainedTokenizerFast
    from transformers import pipeline as hugging_face

    from mailhealth.nlp import folder

    torch.set_num_threads(1)
    place = folder.find("mail")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(place / "tokenizer.json"),
        pad_token="<pad>",
        model_max_length=int(folder.describe(place).get("window", 128)),
        model_input_names=["input_ids", "attention_mask"],
    )
    model = encoder_and_head(place)
    run = hugging_face("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    said = [each["text"] for each in texts]

    def read() -> list[list[float]]:
        found = run(said, batch_size=BATCH, truncation=True, top_k=None, function_to_apply="none")
        return [
            [each["score"] for each in sorted(row, key=lambda e: int(e["label"][6:]))]
            for row in found
        ]

    return read


def encoder_and_head(place: Path) -> Any:
    """transformers' own BERT with the weights of the file, and the file's head behind it."""
    import onnx
    from onnx import numpy_helper
    from torch import Tensor, nn
    from transformers import BertConfig, BertModel, BertPreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

    from mailhealth.nlp import pytorch

    graph = onnx.load(str(place / "model.onnx")).graph
    known = {w.name: _tensor(numpy_helper.to_array(w)) for w in graph.initializer}
    steps = [(pytorch._step(node, known), list(node.input), node.output[0]) for node in graph.node]
    last = max(n for n, node in enumerate(graph.node) if node.op_type in NORM)
    states, head = graph.node[last].output[0], steps[last + 1 :]
    kinds = [node.op_type for node in graph.node]
    attention = graph.node[kinds.index(ATTENTION)]
    words = known[graph.node[0].input[0]].float() * known[graph.node[2].input[0]]
    places = known[graph.node[kinds.index("Slice")].input[0]]
    width = graph.output[0].type.tensor_type.shape.dim[1].dim_value
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=kinds.count(ATTENTION),
        num_attention_heads=attention.attribute[0].i,
        intermediate_size=_linears(graph, known)[4][0].shape[0],
        max_position_embeddings=len(places),
        layer_norm_eps=1e-12,
        num_labels=width,
    )

    class BertForSequenceClassification(BertPreTrainedModel):  # type: ignore[misc]
        """What the pipeline asks of a model, under a name that it knows."""

        def __init__(self) -> None:
            super().__init__(config)
            self.bert = BertModel(config, add_pooling_layer=False)
            self.post_init()

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SequenceClassifierOutput:
            seen = self.bert(input_ids=input_ids, attention_mask=attention_mask)
            values = {**known, states: seen.last_hidden_state}
            found = pytorch._compute(head, values, input_ids, mask=attention_mask.bool())
            return SequenceClassifierOutput(logits=found)

    model = BertForSequenceClassification()
    model.bert.load_state_dict(_weights(graph, known, words=words, places=places))
    assert isinstance(model, nn.Module)
    return model.eval()


def _tensor(array: Any) -> Any:
    import torch

    return torch.tensor(array)


def _linears(graph: Any, known: Any) -> list[tuple[Any, Any]]:
    """The matrices (rows of outputs) and biases of the encoder, in the order of the file."""
    reads = {name: node for node in graph.node for name in node.input}
    found = []
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            found.append((known[node.input[1]], known[node.input[5]]))
        elif node.op_type == "MatMulInteger":  # then Cast, Mul (tokens), Mul (rows), Add
            tokens = reads[reads[node.output[0]].output[0]]
            rows = reads[tokens.output[0]]
            bias = reads[rows.output[0]].input[1]
            found.append(((known[node.input[1]] * known[rows.input[1]]).T, known[bias]))
    return found


def _weights(graph: Any, known: Any, *, words: Any, places: Any) -> dict[str, Any]:
    """The file's weights under the names that transformers gives them."""
    first, *norms = [node.input[-2:] for node in graph.node if node.op_type in NORM]
    state = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": places,
        "embeddings.token_type_embeddings.weight": 0 * places[:2],  # the file adds it to the places
        "embeddings.LayerNorm.weight": known[first[0]],
        "embeddings.LayerNorm.bias": known[first[1]],
    }
    for number, (weight, bias) in enumerate(_linears(graph, known)):
        layer, part = divmod(number, len(PARTS))
        name = f"encoder.layer.{layer}.{PARTS[part]}"
        state |= {f"{name}.weight": weight, f"{name}.bias": bias}
    for number, (weight, bias) in enumerate(norms):
        layer, part = divmod(number, len(NORMS))
        name = f"encoder.layer.{layer}.{NORMS[part]}"
        state |= {f"{name}.weight": known[weight], f"{name}.bias": known[bias]}
    return state


def load(_: Texts) -> Read:
    """Nothing but loading the model, its libraries included."""
    from mailhealth.nlp import reader

    reader.load("mail")
    return list


def main() -> None:
    """Run one way, and print what it took."""
    way, file = sys.argv[1:]
    if way != "pipeline":
        sys.modules["torch"] = None  # type: ignore[assignment]  # a lean install: spaCy would load it
    import spacy  # noqa: F401 - whoever reads texts has it loaded

    texts = json.loads(Path(file).read_text("utf-8"))
    start = time.perf_counter()
    read = {each.__name__: each for each in (annotate, network, pipeline, load)}[way](texts)
    loaded = time.perf_counter() - start
    found: list[list[float]] = []
    seconds = []
    for _ in range(TIMES):
        begun = time.process_time()
        found = read()
        seconds.append(time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"load": loaded, "cpu": min(seconds), "peak": peak, "found": found}))


if __name__ == "__main__":
    main()
