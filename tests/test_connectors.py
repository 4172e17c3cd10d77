"""The grammar of connectors/: every folder reads its samples and recognises only them."""

from pathlib import Path

import pytest

from mailhealth import sources
from mailhealth.errors import NotRecognised
from mailhealth.records import Found, Skipped
from tests.rewrite import CONNECTORS, given, golden, samples

NAMES = [folder.parent.name for folder in sorted(CONNECTORS.glob("*/connector.toml"))]
SAMPLES = [sample for name in NAMES for sample in samples(name)]
SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "eventlogs"


@pytest.mark.parametrize("name", NAMES)
def test_a_connector_holds_together_and_has_a_title(name: str) -> None:
    connector = sources.connectors()[name]

    assert connector.title
    assert connector.readers


@pytest.mark.parametrize("name", [name for name in NAMES if samples(name)])
def test_a_connector_reads_its_samples(name: str) -> None:
    expected = (CONNECTORS / name / "expected.jsonl").read_text(encoding="utf-8")

    assert golden(name) == expected


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_sample_is_recognised_as_its_own_connectors_and_passes_its_check(sample: Path) -> None:
    name = sources.recognise(sample)
    sources.check(sources.connector(name), given(sample))

    assert name == sample.parent.name


@pytest.mark.parametrize("name", [name for name in NAMES if sources.connector(name).forms])
def test_a_log_connector_brings_a_sample(name: str) -> None:
    assert samples(name)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider samples are not on this machine")
def test_every_elastic_email_file_is_read_whole_or_refused_with_a_reason() -> None:
    connector = sources.connector("elastic_email")
    read: dict[str, int] = {}
    refused = {}

    for file in sorted((SHARED / "elasticemail").iterdir()):
        try:
            assert sources.recognise(file) == "elastic_email"
        except NotRecognised as error:
            refused[file.name] = str(error)
            continue
        items = list(sources.read(connector, {"path": str(file)}, {}))
        read[file.name] = sum(isinstance(item, Found) for item in items)
        assert not [item for item in items if isinstance(item, Skipped)]

    assert read == {
        "dashboard_log_export_variant.csv": 3,
        "v2_log_events.json": 1,
        "v4_events.json": 10,
        "v4_events_export.csv": 10,
        "webhook_get_query.txt": 7,
    }
    assert list(refused) == ["webhook_post_json_signed.http"]
    assert "save the JSON below its headers" in refused["webhook_post_json_signed.http"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider samples are not on this machine")
def test_a_log_is_never_taken_for_one_of_another_platform() -> None:
    taken: dict[str, set[str]] = {}

    for file in sorted(path for path in SHARED.rglob("*") if path.is_file()):
        try:
            name = sources.recognise(file).replace("_", "")
        except NotRecognised:
            continue
        platform = file.relative_to(SHARED).parts[0].replace("_", "")
        taken.setdefault(platform, set()).add(name)

    others = {"jpgeneric": "recipientlist", "sfmc": "salesforce"}
    assert taken == {platform: {others.get(platform, platform)} for platform in taken}
