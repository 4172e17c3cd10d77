"""The labelled log that the verdicts are measured on: the same for a seed, and like a real one."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The benchmarks are programs, not a package: they find each other by their folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in ("people_and_machines", "recipients", "send_logs"):
        sys.modules.pop(name, None)


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    from people_and_machines import log

    first, again, other = (list(islice(log(seed, 100), 2_000)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_a_log_has_people_and_machines_of_every_kind_in_it() -> None:
    from people_and_machines import log

    counts = Counter((line.type, line.machine) for line in islice(log(1, 1_000), 50_000))
    clicked = counts["clicked", True] + counts["clicked", False]

    assert min(counts[type_, who] for type_ in ("opened", "clicked") for who in (True, False)) > 500
    assert counts["unsubscribed", True] and counts["unsubscribed", False]
    assert 0.3 < counts["clicked", True] / clicked < 0.8


def test_some_machines_wait_for_minutes_and_some_people_click_within_seconds() -> None:
    from people_and_machines import Line, log

    lines = list(islice(log(3, 1_000), 50_000))
    delivered = {line.reference: line.at for line in lines if line.type == "delivered"}

    def after(line: Line) -> float:
        return line.at - delivered[line.reference]

    clicks = [line for line in lines if line.type == "clicked" and line.reference in delivered]
    assert sum(after(line) > 120 for line in clicks if line.machine) > 100
    assert sum(after(line) < 20 for line in clicks if not line.machine) > 10


def test_an_office_behind_one_network_has_many_people_clicking() -> None:
    from people_and_machines import log

    offices: dict[str, set[str]] = defaultdict(set)
    for line in islice(log(1, 1_000), 50_000):
        if line.type == "clicked" and not line.machine:
            offices[line.ip.rpartition(".")[0]].add(line.recipient)

    assert max(map(len, offices.values())) >= 10


@pytest.mark.parametrize(
    ("kind", "told"),
    [("flag", {"sg_machine_open"}), ("agent + ip", {"useragent", "ip"}), ("neither", set())],
)
def test_a_platforms_log_is_read_whole_and_tells_no_more_than_it_should(
    kind: str, told: set[str], tmp_path: Path
) -> None:
    import send_logs

    from mailhealth import sources
    from mailhealth.records import Event, Found

    path = tmp_path / f"log.{send_logs.suffix(kind)}"
    truth = send_logs.write(kind, path, 1_500, seed=1, recipients=200)
    connector = sources.connector(send_logs.connector(kind))
    items = list(sources.read(connector, {"path": str(path)}, {}))

    events = [item.what for item in items if isinstance(item, Found)]
    assert len(events) == 1_500
    assert truth
    assert any(isinstance(e, Event) and e.machine is not None for e in events) == (kind == "flag")
    assert any(isinstance(e, Event) and e.agent != "" for e in events) == (kind == "agent + ip")
    assert told <= set(path.read_text("utf-8").replace('"', " ").split())
