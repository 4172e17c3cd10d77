"""What computes the network: onnxruntime, unless something faster is installed."""

import os
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mailhealth.errors import BadData

Floats = npt.NDArray[np.floating[Any]]
Run = Callable[[Sequence[Sequence[int]]], Floats]  # tokens of windows -> (windows x labels) logits

NEEDS = {"onnxruntime": ("onnxruntime",), "openvino": ("openvino",), "torch": ("torch", "onnx")}
VARIABLE = "MAILHEALTH_RUNTIME"


def choose(wish: str = "") -> str:
    """Name the runtime to use: the environment's MAILHEALTH_RUNTIME, else `wish`, else the best.

    The best is torch where there is a GPU, else OpenVINO where it is installed, else onnxruntime.
    Raises BadData for one that is not there.
    """
    wish = os.environ.get(VARIABLE) or wish or "auto"
    if wish == "auto":
        return "torch" if _gpu() else "openvino" if _installed("openvino") else "onnxruntime"
    if wish not in NEEDS:
        raise BadData(f"There is no runtime {wish!r}; there are auto, {', '.join(NEEDS)}.")
    if not _installed(wish):
        raise BadData(
            f"The runtime {wish} is not installed; `pip install 'mailhealth[{wish}]'` adds it."
        )
    return wish


def load(runtime: str, weights: Path) -> Run:
    """Load an ONNX file of ours into a runtime."""
    if runtime == "openvino":
        from mailhealth.nlp import openvino

        return openvino.load(weights)
    if runtime == "torch":
        from mailhealth.nlp import pytorch

        return pytorch.load(weights)
    return _load(weights)


def _installed(runtime: str) -> bool:
    return all(find_spec(package) is not None for package in NEEDS[runtime])


def _gpu() -> bool:
    """Whether there is a GPU that torch can use: torch is only imported to be asked (5 s)."""
    if not _installed("torch"):
        return False
    if not (shutil.which("nvidia-smi") or Path("/dev/nvidiactl").exists()):
        return False
    import torch

    return torch.cuda.is_available()


def _exact() -> bool:
    """Whether this processor is known to add products of 8-bit numbers in 32 bits (VNNI).

    Older ones add pairs in 16, which are too few for ours; onnxruntime can go round that, a third
    slower.
    """
    try:
        return "vnni" in Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False


def _load(weights: Path) -> Run:
    """Load onnxruntime, one thread, one window at a time.

    On one thread a batch gains 5 %, and then what else is in the batch would move the last
    digits, and now and then a label.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    if not _exact():
        options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(
        str(weights), options, providers=["CPUExecutionProvider"]
    )

    def run(windows: Sequence[Sequence[int]]) -> Floats:
        found = [session.run(None, {"input_ids": np.array([ids], np.int64)})[0] for ids in windows]
        answer: Floats = np.concatenate(found)
        return answer

    return run
