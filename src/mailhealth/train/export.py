"""The network as one ONNX file: 8-bit weights, 8-bit word embeddings, 8-bit sums.

The graph is written node by node, because that is shorter and plainer than correcting what a
tracer makes of it. It reads texts one by one, without padding and without a mask: on a CPU a batch
is no faster (docs/decisions/030), and no text can change another's answer.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from mailhealth.train.network import LEVELS, TINY, Network

MIDDLE = 128  # what means zero among a token's 8-bit numbers
OPSET, MICROSOFT, IR = 20, 1, 10

Array = npt.NDArray[Any]


class Graph:
    """An ONNX graph under construction: nodes in order, weights by name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, array: Array) -> str:
        """Store an array and return its name."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, *inputs: str, ours: bool = False, **attributes: Any) -> str:
        """Append an operation and return the name of its output; `ours`: of onnxruntime."""
        name = f"n{len(self.nodes)}"
        domain = "com.microsoft" if ours else ""
        self.nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name


def export(network: Network, path: Path, *, window: int = 512) -> None:
    """Write the network as ONNX: input_ids (int64, batch x tokens, no padding) -> logits.

    `window` is the number of tokens of the longest text that it can read.
    """
    graph = Graph()
    encoder = network.encoder
    states = _embed(graph, encoder.embeddings, window)
    for layer in encoder.encoder.layer:
        states = _layer(graph, layer, states, encoder.config)
    _head(graph, network, states)
    graph.nodes[-1].output[0] = "logits"
    labels = network.heads.out_features
    body = helper.make_graph(
        graph.nodes,
        "mailhealth",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])],
        graph.weights,
    )
    sets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", MICROSOFT)]
    onnx.save(helper.make_model(body, opset_imports=sets, ir_version=IR), str(path))


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().float().numpy()
    return array


def _embed(graph: Graph, embeddings: Any, window: int) -> str:
    """Word + position + type embeddings, normalised."""
    words = _array(embeddings.word_embeddings.weight)
    scales = np.maximum(np.abs(words).max(axis=1, keepdims=True), TINY) / LEVELS
    table = graph.weight(np.round(words / scales).astype(np.int8))
    rows = graph.node("Gather", table, "input_ids")
    rows = graph.node("Cast", rows, to=TensorProto.FLOAT)
    scale = graph.node("Gather", graph.weight(scales.astype(np.float32)), "input_ids")
    rows = graph.node("Mul", rows, scale)
    places = _array(embeddings.position_embeddings.weight)[:window]
    places = places + _array(embeddings.token_type_embeddings.weight)[:1]
    length = graph.node("Shape", "input_ids", start=1, end=2)
    zero = graph.weight(np.array([0], np.int64))
    place = graph.node("Slice", graph.weight(places), zero, length, zero)
    norm = embeddings.LayerNorm
    return graph.node(
        "LayerNormalization",
        graph.node("Add", rows, place),
        graph.weight(_array(norm.weight)),
        graph.weight(_array(norm.bias)),
        epsilon=norm.eps,
    )


def _layer(graph: Graph, layer: Any, states: str, config: Any) -> str:
    attention = layer.attention
    itself = attention.self
    rounded = _rounded(graph, states)
    asked = [_linear(graph, part, rounded) for part in (itself.query, itself.key, itself.value)]
    heads = config.num_attention_heads
    seen = graph.node("MultiHeadAttention", *asked, ours=True, num_heads=heads)
    seen = _linear(graph, attention.output.dense, _rounded(graph, seen))
    states = _add_norm(graph, attention.output.LayerNorm, seen, states)
    thought = _linear(graph, layer.intermediate.dense, _rounded(graph, states))
    thought = graph.node("Gelu", thought)
    thought = _linear(graph, layer.output.dense, _rounded(graph, thought))
    return _add_norm(graph, layer.output.LayerNorm, thought, states)


def _add_norm(graph: Graph, norm: Any, new: str, old: str) -> str:
    """Two plain nodes: onnxruntime's fused one is slower (a sixth of all the time)."""
    weight, bias = graph.weight(_array(norm.weight)), graph.weight(_array(norm.bias))
    summed = graph.node("Add", new, old)
    return graph.node("LayerNormalization", summed, weight, bias, epsilon=norm.eps)


def _rounded(graph: Graph, states: str) -> tuple[str, str]:
    """Round each token's numbers to 8 bits around MIDDLE; return them and the token's scale.

    A scale of its own for each token: neither its neighbours nor other texts can change it.
    """
    largest = graph.node("Abs", states)
    largest = graph.node("ReduceMax", largest, graph.weight(np.array([-1], np.int64)), keepdims=1)
    scale = graph.node("Mul", largest, graph.weight(np.array(1 / LEVELS, np.float32)))
    scale = graph.node("Max", scale, graph.weight(np.array(TINY, np.float32)))
    one, middle = np.array(1, np.float32), np.array(MIDDLE, np.uint8)
    numbers = graph.node(
        "QuantizeLinear",
        graph.node("Div", states, scale),
        graph.weight(one),
        graph.weight(middle),
    )
    return numbers, scale


def _linear(graph: Graph, linear: nn.Linear, rounded: tuple[str, str]) -> str:
    """Multiply whole numbers: a matrix whose rows are 8-bit numbers with one scale each."""
    numbers, scale = rounded
    matrix = _array(linear.weight)
    scales = np.maximum(np.abs(matrix).max(axis=1), TINY) / LEVELS
    kept = graph.weight(np.round(matrix / scales[:, None]).astype(np.int8).T)
    product = graph.node("MatMulInteger", numbers, kept, graph.weight(np.array(MIDDLE, np.uint8)))
    product = graph.node("Mul", graph.node("Cast", product, to=TensorProto.FLOAT), scale)
    product = graph.node("Mul", product, graph.weight(scales.astype(np.float32)))
    return graph.node("Add", product, graph.weight(_array(linear.bias)))


def _head(graph: Graph, network: Network, states: str) -> str:
    """Weigh and judge every token for every label, in full precision."""
    look = graph.node("MatMul", states, graph.weight(_array(network.look.weight).T))
    judged = graph.node("MatMul", states, graph.weight(_array(network.heads.weight).T))
    judged = graph.node("Add", judged, graph.weight(_array(network.heads.bias)))
    weighed = graph.node("Mul", graph.node("Softmax", look, axis=1), judged)
    return graph.node("ReduceSum", weighed, graph.weight(np.array([1], np.int64)), keepdims=0)
