"""Write every connector's expected.jsonl anew: python -m tests.rewrite, then read the diff."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from mailhealth import sources
from mailhealth.records import Event, Found, Mark, Skipped

CONNECTORS = Path(__file__).parents[1] / "connectors"


def samples(name: str) -> list[Path]:
    """The sample files of a connector."""
    return sorted((CONNECTORS / name).glob("sample.*"))


def golden(name: str) -> str:
    """What a connector gives for its samples: one JSON object a line, without the Marks."""
    return "".join(
        json.dumps(line, ensure_ascii=False) + "\n"
        for sample in samples(name)
        for line in _lines(name, sample)
    )


def _lines(name: str, sample: Path) -> Iterator[dict[str, object]]:
    for item in sources.read(sources.connector(name), {"path": str(sample)}, {}):
        place = Path(item.place).name
        if isinstance(item, Found):
            kind = "event" if isinstance(item.what, Event) else "message"
            yield {"place": place, kind: asdict(item.what)}
        elif isinstance(item, Skipped):
            yield {"place": place, "skipped": item.why}
        else:
            assert isinstance(item, Mark)


if __name__ == "__main__":
    for folder in sorted(CONNECTORS.iterdir()):
        if samples(folder.name):
            (folder / "expected.jsonl").write_text(golden(folder.name), encoding="utf-8")
