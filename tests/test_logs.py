"""The log readers: CSV, JSON and web server logs, as they come from the world."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailhealth.errors import BadSource
from mailhealth.readers import csv as tables
from mailhealth.readers import json as objects
from mailhealth.readers import querylog
from mailhealth.records import Mark, Row, Skipped

KINDS = (tables, objects, querylog)


def rows(reader: Any, path: Path, **more: str) -> list[tuple[str, dict[str, Any]]]:
    """The rows a reader finds, each with its place relative to the folder of the path."""
    return [
        (item.place.removeprefix(str(path.parent) + "/"), dict(item.fields))
        for item in items(reader, path, **more)
        if isinstance(item, Row)
    ]


def skipped(reader: Any, path: Path, **more: str) -> list[tuple[str, str]]:
    """What a reader skips, each with the last part of its place."""
    return [
        (Path(item.place).name, item.why)
        for item in items(reader, path, **more)
        if isinstance(item, Skipped)
    ]


def items(reader: Any, path: Path, **more: str) -> Iterator[Row | Skipped | Mark]:
    """Everything a reader yields for a path that it has not seen before."""
    found: Iterator[Row | Skipped | Mark] = reader.read({"path": str(path), **more}, {})
    return found


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_japanese_table_reads_the_same_in_every_coding(
    tmp_path: Path, coding: str, delimiter: str
) -> None:
    file = tmp_path / "配信.csv"
    text = "メール,件名\r\nsato@sakura.example,春のご案内\r\n".replace(",", delimiter)
    file.write_bytes(text.encode(coding))

    assert rows(tables, file) == [
        ("配信.csv:2", {"メール": "sato@sakura.example", "件名": "春のご案内"})
    ]


def test_a_table_from_a_western_spreadsheet_keeps_its_letters(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes("Name;Stadt\nJörg Geschäft;Köln\n".encode("cp1252"))

    assert rows(tables, file)[0][1] == {"Name": "Jörg Geschäft", "Stadt": "Köln"}


def test_a_coding_that_cannot_be_seen_can_be_told(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes("宛先,件名\nsato@sakura.example,春のご案内\n".encode("euc-jp"))

    assert rows(tables, file, encoding="euc-jp")[0][1]["件名"] == "春のご案内"


def test_an_unknown_coding_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("a,b\n1,2\n")

    with pytest.raises(BadSource, match="no encoding 'kp932'; one is 'cp932'"):
        rows(tables, file, encoding="kp932")


def test_a_quoted_line_break_stays_in_its_cell_and_the_line_count_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text('to,reason\na@b.example,"550\nuser unknown"\nc@d.example,ok\n')

    assert rows(tables, file) == [
        ("log.csv:2", {"to": "a@b.example", "reason": "550\nuser unknown"}),
        ("log.csv:4", {"to": "c@d.example", "reason": "ok"}),
    ]


def test_a_ragged_row_is_skipped_with_its_line_and_the_rest_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("to,type\na@b.example\nc@d.example,open,more\ne@f.example,open,\n")

    assert skipped(tables, file) == [
        ("log.csv:2", "has 1 cells where the header has 2"),
        ("log.csv:3", "has 3 cells where the header has 2"),
    ]
    assert rows(tables, file) == [("log.csv:4", {"to": "e@f.example", "type": "open"})]


def test_the_line_on_which_excel_states_the_separator_is_no_header(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("sep=;\nto;a,b\nx@y.example;1\n")

    assert rows(tables, file) == [("log.csv:3", {"to": "x@y.example", "a,b": "1"})]


def test_two_columns_of_one_name_keep_both_their_cells(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("to,date,date\nx@y.example,1,2\n")

    assert rows(tables, file)[0][1] == {"to": "x@y.example", "date": "1", "date (3)": "2"}


def test_a_quote_that_is_never_closed_costs_its_row_and_not_the_run(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text('to,type\na@b.example,"open\n' + "c@d.example,open\n" * 20_000)

    found = list(items(tables, file))

    assert [item.place.rpartition(":")[2] for item in found if isinstance(item, Skipped)] == ["2"]
    assert sum(isinstance(item, Row) for item in found) > 10_000


def test_an_array_an_envelope_and_lines_of_json_give_the_same_rows(tmp_path: Path) -> None:
    records = [{"to": "a@b.example", "n": 1}, {"to": "c@d.example", "n": None}]
    array, envelope, lines = (tmp_path / name for name in ("a.json", "e.json", "l.jsonl"))
    array.write_text(json.dumps(records))
    envelope.write_text(json.dumps({"data": {"to": "x", "rows": records}}))
    lines.write_text("".join(json.dumps(record) + "\n" for record in records))

    found = [
        [row for _, row in rows(objects, file, rows="data.rows")]
        for file in (array, envelope, lines)
    ]

    assert found == [records, records, records]


def test_an_array_on_the_way_gives_its_elements_and_a_row_what_stands_around_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "activity.json"
    people = [
        {"email": "a@b.example", "id": 1, "activity": [{"action": "open"}, {"action": "click"}]},
        {"email": "c@d.example", "id": 2, "activity": [{"action": "open", "id": "own"}]},
        {"email": "e@f.example", "id": 3, "activity": []},
    ]
    file.write_text(json.dumps({"emails": people, "campaign": "spring", "links": [1]}))

    found = [row for _, row in rows(objects, file, rows="emails.activity")]

    assert found == [
        {"campaign": "spring", "email": "a@b.example", "id": 1, "action": "open"},
        {"campaign": "spring", "email": "a@b.example", "id": 1, "action": "click"},
        {"campaign": "spring", "email": "c@d.example", "id": "own", "action": "open"},
    ]


def test_an_array_of_any_length_knows_what_stands_behind_it(tmp_path: Path) -> None:
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    people = [{"to": f"a{n}@b.example", "at": [{"n": n}, {"n": -n}]} for n in range(40_000)]
    for file, some in ((small, people[:10]), (large, people)):
        file.write_text(json.dumps({"a": 1, "data": {"rows": some, "b": "春"}, "c": 2}))

    few = [row for _, row in rows(objects, small, rows="data.rows.at")]
    many = [row for _, row in rows(objects, large, rows="data.rows.at")]

    assert few[-1] == {"a": 1, "b": "春", "c": 2, "to": "a9@b.example", "n": -9}
    assert many[:20] == few
    assert len(many) == 80_000


def test_an_object_at_the_end_of_the_way_is_one_row(tmp_path: Path) -> None:
    file = tmp_path / "hooks.jsonl"
    file.write_text('{"type": "open", "data": {"to": "a@b.example"}}\n{"type": "x", "to": "y"}\n')

    assert [row for _, row in rows(objects, file, rows="data")] == [
        {"type": "open", "to": "a@b.example"},
        {"type": "x", "to": "y"},
    ]


def test_a_line_longer_than_any_log_has_is_one_miss_and_the_rest_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("to,type\na@b.example," + "x" * 5_000_000 + "\nc@d.example,open\n")

    assert [place for place, _ in skipped(tables, file)] == ["log.csv:2"]
    assert "a line is longer than 1048576 characters" in skipped(tables, file)[0][1]
    assert rows(tables, file) == [("log.csv:3", {"to": "c@d.example", "type": "open"})]


def test_of_a_file_with_an_endless_first_line_nothing_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text("to,type," + "x" * 5_000_000 + "\nc@d.example,open\n")

    assert len(skipped(tables, file)) == 1
    assert rows(tables, file) == []


def test_a_json_row_stands_on_the_line_where_it_begins(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text('[\n {"n": 1,\n  "m": "\\n"},\n\n {"n": 2}\n]\n')

    assert [place for place, _ in rows(objects, file)] == ["log.json:2", "log.json:5"]


def test_a_torn_line_of_json_costs_that_line_only(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"n": 1}\n{"n": "to\n{"n": 3}\n7\n{"n": 4}\n')

    assert [row["n"] for _, row in rows(objects, file)] == [1, 3, 4]
    assert [place for place, _ in skipped(objects, file)] == ["log.jsonl:2", "log.jsonl:4"]


def test_json_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text('{"data": {"rows": [{"n": 1}, {"n": 2}, {"n": ')

    assert [row["n"] for _, row in rows(objects, file, rows="data.rows")] == [1, 2]
    assert "is no JSON" in skipped(objects, file, rows="data.rows")[0][1]


def test_json_longer_than_many_blocks_is_read_piece_by_piece(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    records = [{"n": n, "text": "あ" * (n % 300)} for n in range(3_000)]
    records.append({"n": 3_000, "text": "x" * 500_000})
    file.write_text(json.dumps({"rows": records}, ensure_ascii=False), encoding="utf-8")

    assert [row for _, row in rows(objects, file, rows="rows")] == records


def test_json_nested_without_end_is_refused_and_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "log.json"
    file.write_text("[" + "[" * 100_000)

    assert "nested too deeply" in skipped(objects, file)[0][1]


def test_the_parameters_of_a_request_are_a_row(tmp_path: Path) -> None:
    file = tmp_path / "access.txt"
    file.write_text(
        '192.0.2.1 - - [x] "GET /hook?to=sato%40sakura.example&subject=%E6%98%A5 HTTP/1.1" 200\n'
        '192.0.2.1 - - [x] "GET /health HTTP/1.1" 200\n'
    )

    assert rows(querylog, file) == [
        ("access.txt:1", {"to": "sato@sakura.example", "subject": "春"})
    ]
    assert skipped(querylog, file) == [
        ("access.txt:2", "holds no GET or POST request with a query")
    ]


def test_a_request_line_that_never_ends_is_one_miss(tmp_path: Path) -> None:
    file = tmp_path / "access.txt"
    file.write_text("GET /hook?to=a%40b.example\n" + "x" * 1_000_000 + "\nGET /hook?to=b\n")

    assert [place for place, _ in skipped(querylog, file)] == ["access.txt:2"]
    assert [place for place, _ in rows(querylog, file)] == ["access.txt:1", "access.txt:3"]


@pytest.mark.parametrize("reader", KINDS)
def test_a_packed_file_is_named_and_not_read(tmp_path: Path, reader: Any) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(gzip.compress(b"a,b\n1,2\n"))

    assert "is gzip; unpack it" in skipped(reader, file)[0][1]


def test_a_file_that_has_not_changed_yields_nothing_and_one_that_has_is_read_again(
    tmp_path: Path,
) -> None:
    file = tmp_path / "log.csv"
    file.write_text("to,type\na@b.example,open\n")
    first = list(items(tables, file))
    cursors = {item.place: item.cursor for item in first if isinstance(item, Mark)}

    again = list(tables.read({"path": str(file)}, cursors))
    file.write_text("to,type\na@b.example,open\nc@d.example,open\n")
    grown = list(tables.read({"path": str(file)}, cursors))

    assert isinstance(first[-1], Mark)
    assert again == []
    assert sum(isinstance(item, Row) for item in grown) == 2


def test_in_a_folder_each_reader_takes_what_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.csv").write_text("to,n\na@b.example,1\n")
    (tmp_path / "b.json").write_text('[{"to": "a@b.example", "n": 2}]')
    (tmp_path / "c.txt").write_text("GET /hook?to=a%40b.example&n=3\n")
    (tmp_path / ".hidden.csv").write_text("to,n\na@b.example,4\n")

    numbers = [[row["n"] for _, row in rows(reader, tmp_path)] for reader in KINDS]

    assert numbers == [["1"], [2], ["3"]]


@pytest.mark.parametrize("reader", KINDS)
def test_a_path_that_is_not_there_is_one_sentence(tmp_path: Path, reader: Any) -> None:
    with pytest.raises(BadSource, match="there is no such file or folder"):
        list(items(reader, tmp_path / "nowhere.csv"))


@pytest.mark.parametrize("reader", KINDS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text('{}[]",:;ab1\\\n ', max_size=80).map(str.encode))
def test_whatever_a_file_holds_it_is_read_to_its_end(
    tmp_path: Path, reader: Any, content: bytes
) -> None:
    file = tmp_path / "any"
    file.write_bytes(content)

    assert isinstance(list(items(reader, file, rows="a.b"))[-1], Mark)
