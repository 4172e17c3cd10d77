"""Mail archives are read whole, once, without being changed."""

import gzip
import io
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhealth.errors import BadSource
from mailhealth.readers import eml, maildir, mbox
from mailhealth.records import Mark, Raw, Skipped

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail"
LETTER = b"From: ann@example.com\nSubject: Hello\n\nHello\n"
START = b"From ann@example.com Mon Mar  9 10:00:00 2026\n"

Item = Raw | Skipped | Mark


def contents(items: list[Item]) -> list[bytes]:
    return [item.content for item in items if isinstance(item, Raw)]


def marks(items: list[Item]) -> dict[str, str]:
    return {item.place: item.cursor for item in items if isinstance(item, Mark)}


def read_mbox(path: Path, cursors: Mapping[str, str] | None = None) -> list[Item]:
    return list(mbox.read({"path": str(path)}, cursors or {}))


@pytest.fixture
def box(tmp_path: Path) -> Path:
    path = tmp_path / "box"
    for part in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new"):
        (path / part).mkdir(parents=True)
    (path / "cur" / "1.a:2,S").write_bytes(LETTER)
    (path / "new" / "2.b").write_bytes(LETTER)
    (path / ".Sent" / "cur" / "3.c:2,").write_bytes(LETTER)
    return path


def read_maildir(path: Path, cursors: Mapping[str, str] | None = None) -> list[Item]:
    return list(maildir.read({"path": str(path)}, cursors or {}))


def test_an_mbox_is_cut_at_its_from_lines_and_placed_by_offset(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_bytes(START + LETTER + b"\n" + START + LETTER)

    items = read_mbox(path)

    assert contents(items) == [LETTER + b"\n", LETTER]
    assert [item.place for item in items] == [
        f"{path}:0",
        f"{path}:{len(START + LETTER) + 1}",
        str(path),
    ]


def test_a_sentence_that_begins_with_from_cuts_nothing() -> None:
    body = b"Hello\n\nFrom here on it fails.\n\nFrom Ann we heard: Mon Mar  9 10:00 2026.\n"

    found = list(mbox.messages(io.BytesIO(START + LETTER + body), "x"))

    assert len(found) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"From - Mon Mar  9 10:00:00 2026\n",
        b"From - \n",
        b"From 1234567890@xxx Mon Mar 09 10:00:00 +0000 2026\n",
        b"From ann at example.com  Wed Apr  1 00:18:23 2015\n",
        b"From MAILER-DAEMON Mon Mar  9 10:00:00 2026 +0900\r\n",
        b"\xef\xbb\xbfFrom ann@example.com Mon Mar  9 10:00:00 2026\n",
    ],
)
def test_the_first_lines_that_programs_write_are_known(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_bytes(line + LETTER)

    assert contents(read_mbox(path)) == [LETTER]


def test_a_quoted_from_line_loses_its_mark() -> None:
    [found] = mbox.messages(io.BytesIO(START + LETTER + b">From Ann\n>>From Bo\n"), "x")

    assert isinstance(found, Raw)
    assert found.content == LETTER + b"From Ann\n>From Bo\n"


@given(st.binary(max_size=500))
def test_any_bytes_after_a_first_header_are_one_or_more_messages(body: bytes) -> None:
    assert list(mbox.messages(io.BytesIO(START + LETTER + body), "x"))


def test_an_mbox_that_has_not_changed_yields_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_bytes(START + LETTER)
    cursors = marks(read_mbox(path))

    again = read_mbox(path, cursors)
    path.write_bytes(START + LETTER + b"\n" + START + LETTER)

    assert again == []
    assert len(contents(read_mbox(path, cursors))) == 2


def test_a_folder_of_mboxes_skips_what_is_none_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.mbox").write_bytes(START + LETTER)
    (tmp_path / "b.mbox").write_bytes(gzip.compress(START + LETTER))
    (tmp_path / "notes.txt").write_text("Notes")
    (tmp_path / ".hidden").write_bytes(START + LETTER)

    items = read_mbox(tmp_path)

    assert len(contents(items)) == 1
    assert [(Path(item.place).name, item.why) for item in items if isinstance(item, Skipped)] == [
        ("b.mbox", "The file is gzip-compressed: unpack it first."),
        ("notes.txt", 'The file is no mbox: its first line is not a "From " line.'),
    ]


@pytest.mark.parametrize("reader", [mbox, maildir, eml])
def test_a_missing_path_is_a_bad_source(reader: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="is not there"):
        list(reader.read({"path": str(tmp_path / "no")}, {}))
    with pytest.raises(BadSource, match="is not there"):
        reader.check({"path": str(tmp_path / "no")})


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        (mbox, b"Hello"),
        (mbox, b"\x1f\x8b\x08"),
        (eml, b""),
        (eml, b"\xd0\xcf\x11\xe0"),
        (maildir, b"x"),
    ],
)
def test_one_file_that_is_no_such_archive_is_a_bad_source(
    reader: ModuleType, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(BadSource):
        list(reader.read({"path": str(path)}, {}))


class Endless(io.RawIOBase):
    """A stream of messages without end, a line at a time."""

    def __init__(self) -> None:
        self.lines = self._lines()

    def _lines(self) -> Iterator[bytes]:
        while True:
            yield from (START + LETTER + b"\n").splitlines(keepends=True)

    def readline(self, size: int | None = -1, /) -> bytes:
        return next(self.lines)


def test_an_mbox_is_streamed() -> None:
    found = list(islice(mbox.messages(Endless(), "x"), 1_000))  # type: ignore[arg-type]

    assert len(found) == 1_000


def test_a_maildir_is_read_with_its_folders(box: Path) -> None:
    items = read_maildir(box)

    assert [item.place for item in items if isinstance(item, Raw)] == ["1.a", "2.b", ".Sent/3.c"]
    assert set(marks(items)) == {str(box), str(box / ".Sent")}


def test_reading_a_mail_elsewhere_does_not_make_it_new(box: Path) -> None:
    cursors = marks(read_maildir(box))

    (box / "new" / "2.b").rename(box / "cur" / "2.b:2,S")

    assert read_maildir(box, cursors) == []


def test_a_maildir_yields_what_has_come_since_and_not_what_is_old(box: Path) -> None:
    cursors = marks(read_maildir(box))
    digest, _, newest = cursors[str(box)].partition(":")
    (box / "new" / "4.d").write_bytes(LETTER)

    items = read_maildir(box, cursors)
    later = read_maildir(box, {**cursors, str(box): f"{digest}:{int(newest) + 7_200}"})

    assert "4.d" in {item.place for item in items}
    assert contents(later) == []


def test_a_maildir_is_never_changed(box: Path) -> None:
    before = sorted((str(path), path.stat().st_mtime_ns) for path in box.rglob("*"))

    read_maildir(box)

    assert sorted((str(path), path.stat().st_mtime_ns) for path in box.rglob("*")) == before


def test_eml_files_are_found_in_all_folders(tmp_path: Path) -> None:
    (tmp_path / "2026" / "03").mkdir(parents=True)
    (tmp_path / "a.eml").write_bytes(LETTER)
    (tmp_path / "2026" / "03" / "b.EML").write_bytes(LETTER)
    (tmp_path / "c.emlx").write_bytes(b"%d\n" % len(LETTER) + LETTER + b"<?xml version='1.0'?>")
    (tmp_path / "d.txt").write_bytes(LETTER)

    items = list(eml.read({"path": str(tmp_path)}, {}))

    assert contents(items) == [LETTER] * 3
    assert list(eml.read({"path": str(tmp_path)}, marks(items))) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(LETTER)
    (tmp_path / "a.eml").chmod(0)

    [skipped, _] = eml.read({"path": str(tmp_path)}, {})

    assert isinstance(skipped, Skipped)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the wider mail samples are not on this machine")
def test_shared_archives_are_cut_where_their_owners_cut_them() -> None:
    boxes = SHARED / "mimekit" / "mbox"

    counts = {}
    for file in sorted(boxes.glob("*.txt")):
        with file.open("rb") as stream:
            counts[file.name] = len(list(mbox.messages(stream, file.name)))

    assert counts == {
        "content-length-summary.txt": 29,
        "issue1189-summary.txt": 4,
        "issue1189.mbox.txt": 4,
        "jwz-summary.txt": 152,
        "simple.mbox.txt": 3,
        "unmunged.mbox.txt": 2,
    }
