"""The web server's own log is the record of our page to unsubscribe."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailhealth.readers import accesslog
from mailhealth.records import Row, Skipped

PAGE = "/unsubscribe?email=ann%40globex.example"
LINE = '203.0.113.20 - - [14/Nov/2026:09:40:02 +0000] "{} HTTP/1.1" {} 5 "-" "Mozilla/5.0 (X11)"\n'


def log(folder: Path, *lines: str) -> Path:
    """Write an access log."""
    file = folder / "access.log"
    file.write_text("".join(lines), "utf-8", errors="surrogatepass")
    return file


def read(file: Path, **more: str) -> list[dict[str, str] | str]:
    """The rows of a log, and why others were left out."""
    found: list[dict[str, str] | str] = []
    for item in accesslog.read({"path": str(file), **more}, {}):
        if isinstance(item, Row):
            found.append(dict(item.fields))
        elif isinstance(item, Skipped):
            assert item.meant
            found.append(item.why)
    return found


def test_a_row_has_the_parameters_and_what_the_server_saw(tmp_path: Path) -> None:
    file = log(tmp_path, LINE.format(f"POST {PAGE}&c=%E7%A7%8B", 200))

    assert accesslog.takes(file)
    assert read(file) == [
        {
            "email": "ann@globex.example",
            "c": "秋",
            "request.ip": "203.0.113.20",
            "request.time": "14/Nov/2026:09:40:02 +0000",
            "request.method": "POST",
            "request.page": "/unsubscribe",
            "request.agent": "Mozilla/5.0 (X11)",
        }
    ]


def test_the_common_format_and_that_with_the_name_of_a_host_are_read(tmp_path: Path) -> None:
    common = LINE.format(f"GET {PAGE}", 200).replace(' "-" "Mozilla/5.0 (X11)"', "")

    found = read(log(tmp_path, common, "www.acme.example:443 " + common))

    assert [row["request.ip"] for row in found if isinstance(row, dict)] == ["203.0.113.20"] * 2


def test_calls_that_unsubscribe_nobody_are_counted_and_left_out(tmp_path: Path) -> None:
    calls = [
        *(("GET /prices", 200), ("GET /favicon.ico", 404), (f"HEAD {PAGE}", 200)),
        *((f"POST {PAGE}", 500), (f"POST {PAGE}", 303)),
    ]
    file = log(tmp_path, *(LINE.format(*call) for call in calls), "what?\n")

    (row, *left) = read(file, pages="unsub,配信停止")

    assert isinstance(row, dict)
    assert left == [
        "2 lines: other pages",
        "1 line: neither GET nor POST",
        "1 line: refused by the server",
        "1 line: no line of an access log",
    ]


def test_nobody_can_claim_to_be_the_server(tmp_path: Path) -> None:
    file = log(tmp_path, LINE.format(f"GET {PAGE}&request.method=POST&request.ip=::1", 200))

    (row,) = read(file)

    assert isinstance(row, dict)
    assert (row["request.method"], row["request.ip"]) == ("GET", "203.0.113.20")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.sampled_from('a1.: -[]"\\%?=&;/\n\ud800\x00é'), max_size=60))
def test_any_line_is_a_row_or_left_out(tmp_path: Path, text: str) -> None:
    file = log(tmp_path, text + "\n", LINE.format("GET /" + text, 200))

    accesslog.takes(file)
    accesslog.columns({"path": str(file)})

    assert read(file)


@pytest.mark.parametrize("filler", ["a", "\\", '"', " ", "%", "&a=b"])
def test_a_long_line_takes_no_long_time(tmp_path: Path, filler: str) -> None:
    long = filler * (200_000 // len(filler))
    file = log(tmp_path, LINE.format(f"GET /{long}", 200), LINE[:-2] + long + "\n", long + "\n")

    assert read(file)  # a regular expression that tries all ways would not come back
