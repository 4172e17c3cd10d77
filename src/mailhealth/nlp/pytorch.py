"""The same ONNX file on torch: for GPUs, where windows are read in batches and in bf16."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor
from torch.nn import functional

from mailhealth.nlp.runtimes import Floats, Run

TOKENS = 16_384  # of a batch on a GPU, padding included
MIDDLE = 128  # what means zero among the 8-bit weights

Step = Callable[[list[Tensor], Tensor], Tensor]  # inputs, mask (batch x tokens) -> output


def load(weights: Path, *, tokens: int | None = None) -> Run:
    """Load an ONNX file of ours; its nodes are computed one after the other.

    On a CPU one window at a time in fp32; on a GPU batches of like length in bf16. `tokens` of a
    batch, padding included, where that is not wanted.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    graph = onnx.load(str(weights)).graph
    known = {w.name: torch.tensor(numpy_helper.to_array(w)).to(device) for w in graph.initializer}
    steps = [(_step(node, known), list(node.input), node.output[0]) for node in graph.node]
    most = tokens or (TOKENS if device.type == "cuda" else 1)

    @torch.inference_mode()
    def run(windows: Sequence[Sequence[int]]) -> Floats:
        answer: list[Any] = [None] * len(windows)
        for numbers in _batches([len(ids) for ids in windows], most):
            ids, mask = _padded([windows[number] for number in numbers])
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                found = _compute(steps, known, ids.to(device), mask=mask.to(device))
            for number, row in zip(numbers, found.float().cpu().numpy(), strict=True):
                answer[number] = row
        return np.stack(answer)

    return run


def _batches(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Group windows of like length, the longest first, at most `most` tokens a group."""
    groups: list[list[int]] = []
    for number in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if groups and (len(groups[-1]) + 1) * lengths[groups[-1][0]] <= most:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _padded(windows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    width = max(map(len, windows))
    ids = torch.tensor([[*each, *[0] * (width - len(each))] for each in windows])
    mask = torch.tensor([[True] * len(each) + [False] * (width - len(each)) for each in windows])
    return ids, mask


def _compute(
    steps: Sequence[tuple[Step, list[str], str]],
    known: Mapping[str, Tensor],
    ids: Tensor,
    *,
    mask: Tensor,
) -> Tensor:
    values = {"input_ids": ids}
    result = ids
    for step, names, output in steps:
        inputs = [values[name] if name in values else known[name] for name in names if name]
        result = values[output] = step(inputs, mask)
    return result


def _step(node: onnx.NodeProto, known: dict[str, Tensor]) -> Step:
    """Turn a node into a function; raise ValueError for one that our files do not have."""
    said = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    if node.op_type == "MatMulNBits":
        known[node.input[1]] = _unpacked(known[node.input[1]], known[node.input[2]])
    if node.op_type == "MatMulInteger":
        known[node.input[1]] = known[node.input[1]].float()
    if node.op_type not in STEPS:
        raise ValueError(f"no {node.op_type} in models of ours")
    return partial(STEPS[node.op_type], said)


def _unpacked(numbers: Tensor, scales: Tensor) -> Tensor:
    """Turn 8-bit weights (rows x blocks x block) into numbers (rows x columns)."""
    rows, blocks, _ = numbers.shape
    return ((numbers.float() - MIDDLE) * scales.view(rows, blocks, 1)).flatten(1)


Said = Mapping[str, Any]  # a node's attributes


def _attend(said: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    texts, tokens, width = inputs[0].shape
    heads = said["num_heads"]
    asked, keys, seen = (x.view(texts, tokens, heads, -1).transpose(1, 2) for x in inputs)
    seen = functional.scaled_dot_product_attention(asked, keys, seen, mask[:, None, None, :])
    return seen.transpose(1, 2).reshape(texts, tokens, width)


def _norm(said: Said, inputs: list[Tensor], _: Tensor) -> Tensor:
    states, weight, bias = inputs
    return functional.layer_norm(states, weight.shape, weight, bias, said["epsilon"])


def _add_norm(said: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    new, old, weight, bias = inputs
    return _norm(said, [new + old, weight, bias], mask)


def _softmax(_: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    """Over the tokens of a window, none of them padding."""
    return inputs[0].float().masked_fill(~mask[:, :, None], -torch.inf).softmax(1)


def _sum(_: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    return inputs[0].float().masked_fill(~mask[:, :, None], 0).sum(1)


def _mean(said: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    return _sum(said, inputs, mask) / mask.sum(1, keepdim=True)


def _quantise(_: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    """Bring numbers to the file's scale, but round none: a GPU gains nothing by whole numbers.

    And rounding would make a whole step of the last digit in which a padded batch differs.
    """
    numbers, scale, zero = inputs
    return numbers.float() / scale + zero


def _multiply(_: Said, inputs: list[Tensor], mask: Tensor) -> Tensor:
    numbers, weights, zero = inputs
    return (numbers - zero) @ weights


STEPS: Mapping[str, Callable[[Said, list[Tensor], Tensor], Tensor]] = {
    "Abs": lambda _, x, mask: x[0].abs(),
    "Add": lambda _, x, mask: x[0] + x[1],
    "Cast": lambda _, x, mask: x[0].float(),
    "Div": lambda _, x, mask: x[0] / x[1],
    "Gather": lambda _, x, mask: x[0][x[1]],
    "Gelu": lambda _, x, mask: functional.gelu(x[0]),
    "Gemm": lambda _, x, mask: functional.linear(*x),
    "LayerNormalization": _norm,
    "MatMul": lambda _, x, mask: x[0] @ x[1],
    "MatMulInteger": _multiply,
    "MatMulNBits": lambda _, x, mask: functional.linear(x[0], x[1], x[3]),
    "Max": lambda _, x, mask: torch.maximum(*x),
    "Mul": lambda _, x, mask: x[0] * x[1],
    "MultiHeadAttention": _attend,
    "QuantizeLinear": _quantise,
    "ReduceMax": lambda _, x, mask: x[0].amax(-1, keepdim=True),
    "ReduceMean": _mean,
    "ReduceSum": _sum,
    "Shape": lambda _, x, mask: torch.tensor([x[0].shape[1]]),
    "SkipLayerNormalization": _add_norm,
    "Slice": lambda _, x, mask: x[0][: int(x[2])],
    "Softmax": _softmax,
}
