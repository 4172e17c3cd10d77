"""The same ONNX file on OpenVINO, told in its own words, windows of like length together.

OpenVINO multiplies whole numbers only where a FakeQuantize says so, and a change of length costs
it a fifth of its time. So the file's products are put in that form, and windows are filled up to
few lengths and read a handful at a time. What fills them up weighs nothing, and each sum is over
one window: how many others are read with it changes not one bit.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mailhealth.nlp.runtimes import Floats, Run

SETTINGS: dict[str, Any] = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 128,  # in older files: as many as share a scale in weights
    "ENABLE_CPU_PINNING": False,
}  # no precision: between the products bf16 where the processor has it, else f32
STEP = 16  # tokens: a window is filled up to a multiple of it
TOGETHER = 4  # windows read at a time; eight are no faster
NOTHING = -1  # stands where a window has no token
HIDDEN = -1e9  # what a softmax adds there: a weight of zero

Numbers = npt.NDArray[np.int64]


def load(weights: Path) -> Run:
    """Load an ONNX file of ours, on one thread."""
    from openvino import Core

    core = Core()
    model = core.read_model(str(weights))
    _quantize(model)
    _hide(model)
    compiled = core.compile_model(model, "CPU", SETTINGS)
    request, logits = compiled.create_infer_request(), compiled.output(0)

    def run(windows: Sequence[Sequence[int]]) -> Floats:
        answers = np.empty((len(windows), logits.partial_shape[1].get_length()), np.float32)
        for numbers, ids in _batches(windows):
            answers[numbers] = request.infer({"input_ids": ids})[logits]
        return answers

    return run


def _batches(windows: Sequence[Sequence[int]]) -> Iterator[tuple[list[int], Numbers]]:
    """Yield windows of like length, TOGETHER or alone: their numbers and their tokens.

    No other heights: OpenVINO compiles every shape that it meets.
    """
    lengths: dict[int, list[int]] = {}
    for number, window in enumerate(windows):
        lengths.setdefault(-(-len(window) // STEP), []).append(number)
    for steps, numbers in sorted(lengths.items()):
        while numbers:
            height = TOGETHER if len(numbers) >= TOGETHER else 1
            taken, numbers[:height] = numbers[:height], []
            ids = np.full((height, steps * STEP), NOTHING, np.int64)
            for row, number in zip(ids, taken, strict=True):
                row[: len(windows[number])] = windows[number]
            yield taken, ids


def _quantize(model: Any) -> None:
    """Put every product of rounded states and 8-bit weights in the form that the plugin knows."""
    from openvino import opset13 as op

    bounds = [op.constant(np.float32(bound)) for bound in (-128, 127, -128, 127)]
    rounded: dict[str, Any] = {}  # query, key and value share their states
    for product in model.get_ordered_ops():
        if product.get_type_name() != "MatMul" or not product.get_element_type().is_integral():
            continue
        states = _above(product, "Divide")
        name = states.get_name()
        if name not in rounded:
            rounded[name] = op.fake_quantize(states, *bounds, 256)
        cast = _reader(product)
        tokens = _reader(cast)  # the product with the tokens' scales; the next is with the rows'
        rows = _reader(tokens)
        weights = _weights(product, rows)
        cast.output(0).replace(op.matmul(rounded[name], weights, False, False).output(0))
        rows.output(0).replace(tokens.output(0))


def _weights(product: Any, rows: Any) -> Any:
    """The weights of a product, k x n, times the scales of their n rows."""
    from openvino import opset13 as op

    kept = _above(product.input_value(1).get_node(), "Constant")
    return op.multiply(op.convert(kept, "f32"), _above(rows.input_value(1).get_node(), "Constant"))


def _hide(model: Any) -> None:
    """Give no weight to what is NOTHING, wherever tokens are weighed: in attention and at the end.

    (Attention is the only other place where one token sees another.)
    """
    from openvino import opset13 as op

    ids = model.input(0).get_node()
    readers = list(ids.output(0).get_target_inputs())
    tokens = op.maximum(ids, np.int64(0))
    for reader in readers:
        reader.replace_source_output(tokens.output(0))
    hidden = op.select(op.less(ids, np.int64(0)), np.float32(HIDDEN), np.float32(0))
    across, down = op.unsqueeze(hidden, np.array([1, 2])), op.unsqueeze(hidden, np.array([2]))
    for node in model.get_ordered_ops():
        if node.get_type_name() == "ScaledDotProductAttention":
            asked = [node.input_value(number) for number in range(3)]
            seen = op.scaled_dot_product_attention(*asked, across)
            node.output(0).replace(seen.output(0))
        elif node.get_type_name() == "Softmax":
            look = node.input(0)
            look.replace_source_output(op.add(look.get_source_output(), down).output(0))


def _above(node: Any, kind: str) -> Any:
    """The nearest node of a kind on the way up through first inputs, itself included."""
    while node.get_type_name() != kind:
        node = node.input_value(0).get_node()
    return node


def _reader(node: Any) -> Any:
    """The one node that reads a node's output."""
    (reader,) = node.output(0).get_target_inputs()
    return reader.get_node()
