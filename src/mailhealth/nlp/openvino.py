"""The same ONNX file on OpenVINO: 8-bit weights, activations quantised in groups as they come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mailhealth.nlp.runtimes import Floats, Run

SETTINGS: dict[str, Any] = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 128,  # as many as share a scale among the weights
    "ENABLE_CPU_PINNING": False,
}


def load(weights: Path) -> Run:
    """Load an ONNX file of ours: one thread, one window at a time, so that none moves another."""
    from openvino import Core

    compiled = Core().compile_model(str(weights), "CPU", SETTINGS)
    request, logits = compiled.create_infer_request(), compiled.output(0)

    def run(windows: Sequence[Sequence[int]]) -> Floats:
        found = []
        for ids in windows:
            answer = request.infer({"input_ids": np.array([ids], np.int64)})[logits]
            found.append(np.array(answer, np.float32))  # the buffer is used again
        return np.concatenate(found)

    return run
