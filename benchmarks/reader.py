"""Measure how fast mail is read: `python benchmarks/reader.py`.

Every way of reading runs in a process of its own, on one thread, over the same whole mails of
`models/mail/data`; `transformers.pipeline` reads them with the same weights beside it. The figures
go to docs/reader.toml.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

STAGES = Path(__file__).with_name("reader_stages.py")
PAGE = Path(__file__).parents[1] / "docs" / "reader.toml"
MODEL = Path(str(files("mailhealth.models") / "mail"))
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
MEAN = 75  # tokens of a mail
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    reach: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one way took: CPU seconds, load seconds, peak bytes, and what it answered."""

    cpu: float
    load: float
    peak: float
    found: Any


def main() -> None:
    """Measure, print the table, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=400)
    options = parser.parse_args()
    texts, lengths = _texts(options.mails)
    rows = list(_rows(texts, lengths))
    _print(rows)
    PAGE.write_text(_toml(rows), encoding="utf-8")


def _texts(most: int) -> tuple[list[dict[str, str]], list[int]]:
    """The shortest whole mails of our own, as many as have MEAN tokens in the mean; evenly thinned.

    Shuffled by a fixed seed: mail does not come sorted by length.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    mails = []
    for file in sorted((MODEL / "data").glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            mail = json.loads(line)
            text = f"{mail['subject']}\n\n{mail['text']}"
            mails.append((len(tokenizer.encode(text).ids), text, file.name[:2]))
    mails.sort()
    sums = accumulate(tokens for tokens, _, _ in mails)
    fit = [mail for mail, total, n in zip(mails, sums, range(1, 10**6), strict=False)
           if total <= MEAN * n]  # fmt: skip
    step = max(len(fit) / most, 1.0)
    chosen = [fit[int(number * step)] for number in range(int(len(fit) / step))]
    order = np.random.default_rng(1).permutation(len(chosen))
    chosen = [chosen[number] for number in order]
    return [{"text": t, "lang": lang} for _, t, lang in chosen], [n for n, _, _ in chosen]


def _rows(texts: list[dict[str, str]], lengths: list[int]) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        theirs = _cost("pipeline", file, "onnxruntime")
        yield _speed("transformers.pipeline, torch fp32, batch 32", theirs, lengths, theirs)
        whole = _cost("annotate", file, "onnxruntime")
        yield _speed("annotate, all of it", whole, lengths, theirs, reach=">= 4 times")
        lean = _cost("network", file, "onnxruntime")
        yield _speed("tokenizer and network on onnxruntime", lean, lengths, theirs)
        yield _flips("onnxruntime", lean, theirs)
        if find_spec("openvino"):
            yield from _openvino(file, lengths, theirs)
        load = _cost("load", file, "onnxruntime")
        yield Row("loading the model, its libraries and checksums included",
                  f"{load.load:.2f} s", "< 1 s", "spaCy is loaded before")  # fmt: skip
        yield Row("peak memory of annotate", f"{whole.peak / MB:,.0f} MB", "<= 400 MB",
                  "without torch: where it is installed spaCy loads it too")  # fmt: skip


def _openvino(file: Path, lengths: list[int], theirs: Cost) -> Iterator[Row]:
    whole = _cost("annotate", file, "openvino")
    yield _speed("annotate with openvino", whole, lengths, theirs)
    fast = _cost("network", file, "openvino")
    yield _speed("tokenizer and network on openvino", fast, lengths, theirs)
    yield _flips("openvino", fast, theirs)
    done = _operations(lengths) / fast.cpu
    yield Row(
        "openvino's share of one core's int8 GEMM peak",
        f"{done / _peak():.0%}",
        ">= 50 %",
        "of torch's _int_mm, 1024 x 1024 x 1024, best of 20",
    )
    yield Row("peak memory of annotate with openvino", f"{whole.peak / MB:,.0f} MB")
    load = _cost("load", file, "openvino")
    yield Row("loading the model with openvino", f"{load.load:.2f} s")


def _cost(way: str, file: Path, runtime: str) -> Cost:
    """Run one way in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(STAGES), way, str(file)],
        env={**os.environ, **ONE_THREAD, "MAILHEALTH_RUNTIME": runtime},
        stdout=subprocess.PIPE,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return Cost(told["cpu"], told["load"], told["peak"], np.array(told["found"]))


def _speed(name: str, cost: Cost, lengths: list[int], theirs: Cost, *, reach: str = "") -> Row:
    times = theirs.cpu / cost.cpu
    mails = f"{len(lengths)} mails, {np.mean(lengths):.0f} tokens in the mean"
    return Row(
        f"{name}: mails a CPU second",
        f"{len(lengths) / cost.cpu:.0f}" + (f" ({times:.1f} times)" if cost is not theirs else ""),
        reach,
        mails if cost is theirs else "",
    )


def _flips(name: str, cost: Cost, theirs: Cost) -> Row:
    ours, fp32 = cost.found, theirs.found
    sentiments = (ours[:, :3].argmax(1) != fp32[:, :3].argmax(1)).mean()
    intents = ((ours[:, 3:] > 0) != (fp32[:, 3:] > 0)).mean()
    return Row(
        f"labels that {name} tells otherwise than fp32",
        f"{sentiments:.1%}",
        "<= 1 %",
        f"sentiments; {intents:.2%} of the intents (at one half)",
    )


def _operations(lengths: list[int]) -> float:
    """Additions and multiplications of the network for mails of so many tokens."""
    import onnx

    graph = onnx.load(str(MODEL / "model.onnx")).graph
    sizes = {weights.name: int(np.prod(weights.dims)) for weights in graph.initializer}
    kinds = [node.op_type for node in graph.node]
    width = next(w.dims[0] for w in graph.initializer if len(w.dims) == 1 and w.dims[0] > 1)
    matrices = sum(
        sizes[node.input[1]]
        for node in graph.node
        if node.op_type in ("MatMulNBits", "MatMulInteger")
    )
    attention = kinds.count("MultiHeadAttention") * width * sum(each**2 for each in lengths)
    return 2.0 * matrices * sum(lengths) + 4.0 * attention


def _peak() -> float:
    """Additions and multiplications a second of an int8 matrix product on one core."""
    import torch

    torch.set_num_threads(1)
    size = 1_024
    a, b = (torch.randint(-99, 99, (size, size), dtype=torch.int8) for _ in "ab")
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        torch._int_mm(a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def _print(rows: list[Row]) -> None:
    table = Table("what", "measured", "to reach", "note")
    for row in rows:
        table.add_row(row.what, row.measured, row.reach, row.note)
    Console(width=140).print(table)


def _toml(rows: list[Row]) -> str:
    """The rows as TOML; a JSON string is a TOML string."""
    missing = "" if find_spec("openvino") else "openvino"
    about = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "left_out": missing,
    }
    head = "".join(f"{name} = {json.dumps(value)}\n" for name, value in about.items())
    blocks = [
        "\n[[row]]\n"
        + "".join(
            f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
            for key, value in asdict(row).items()
        )
        for row in rows
    ]
    return "# Written by benchmarks/reader.py.\n" + head + "".join(blocks)


if __name__ == "__main__":
    main()
