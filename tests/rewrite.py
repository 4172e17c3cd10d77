"""Write every connector's expected.jsonl anew: python -m tests.rewrite, then read the diff."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from mailhealth import sources
from mailhealth.records import Found, Mark, Skipped

CONNECTORS = Path(__file__).parents[1] / "connectors"


def samples(name: str) -> list[Path]:
    """The samples of a connector: files, archives or folders."""
    return sorted((CONNECTORS / name).glob("sample.*"))


def given(sample: Path) -> dict[str, str]:
    """Where a sample is, and what a user would say of it: samples.toml has a table for it."""
    said = sample.parent / "samples.toml"
    tables = tomllib.loads(said.read_text("utf-8")) if said.exists() else {}
    return {"path": str(sample), **tables.get("*", {}), **tables.get(sample.name, {})}


def golden(name: str) -> str:
    """What a connector gives for its samples: one JSON object a line, without the Marks."""
    return "".join(
        json.dumps(line, ensure_ascii=False) + "\n"
        for sample in samples(name)
        for line in _lines(name, sample)
    )


def _lines(name: str, sample: Path) -> Iterator[dict[str, object]]:
    for item in sources.read(sources.connector(name), given(sample), {}):
        place = item.place.removeprefix(f"{sample.parent}/")
        if isinstance(item, Found):
            kind = type(item.what).__name__.lower()
            yield {"place": place, kind: asdict(item.what)}
        elif isinstance(item, Skipped):
            yield {"place": place, "left out" if item.meant else "skipped": item.why}
        else:
            assert isinstance(item, Mark)


if __name__ == "__main__":
    for folder in sorted(CONNECTORS.iterdir()):
        if samples(folder.name):
            (folder / "expected.jsonl").write_text(golden(folder.name), encoding="utf-8")
