"""Mail archives are read whole, once, without being changed."""

import gzip
import io
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhealth import mime
from mailhealth.errors import BadSource
from mailhealth.readers import _from_lines, _zips, eml, maildir, mbox
from mailhealth.records import Mark, Raw, Skipped
from tests.archives import samples

SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail"
LETTER = b"From: ann@example.com\nSubject: Hello\n\nHello\n"
START = b"From ann@example.com Mon Mar  9 10:00:00 2026\n"

Item = Raw | Skipped | Mark


def contents(items: list[Item]) -> list[bytes]:
    return [item.content for item in items if isinstance(item, Raw)]


def skipped(items: list[Item]) -> list[tuple[str, str]]:
    return [(Path(item.place).name, item.why) for item in items if isinstance(item, Skipped)]


def zipped(files: Mapping[str, bytes], level: int = 6) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


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

    found = list(_from_lines.messages(io.BytesIO(START + LETTER + body), "x"))

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
    [found] = _from_lines.messages(io.BytesIO(START + LETTER + b">From Ann\n>>From Bo\n"), "x")

    assert isinstance(found, Raw)
    assert found.content == LETTER + b"From Ann\n>From Bo\n"


def test_within_a_true_content_length_nothing_begins() -> None:
    body = b"Look:\n\n" + START + LETTER
    whole = b"Content-Length: %d\n" % len(body) + LETTER[:-6] + body
    box = START + whole + b"\n" + START + LETTER

    found = [
        each.content for each in _from_lines.messages(io.BytesIO(box), "x") if isinstance(each, Raw)
    ]

    assert found == [whole + b"\n", LETTER]


def test_a_false_content_length_hides_nothing() -> None:
    box = START + b"Content-Length: 60\n" + LETTER + b"\n" + START + LETTER

    assert len(list(_from_lines.messages(io.BytesIO(box), "x"))) == 2


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"From ann@example.com Mon Mar  9 10:00:00 2026\n", 1_773_050_400),
        (b"From ann@example.com Mon Mar  9 10:00:00 2026 +0900\n", 1_773_018_000),
        (b"From 1854@xxx Mon Mar 09 10:00:00 +0000 2026\n", 1_773_050_400),
        (b"From - Mon Mar  9 10:00 2026\n", 1_773_050_400),
        (b"From ann@example.com Mon Foo 99 10:00:00 2026\n", None),
    ],
)
def test_the_first_line_dates_a_mail_that_has_no_date_itself(
    line: bytes, seconds: int | None
) -> None:
    [undated] = _from_lines.messages(io.BytesIO(line + LETTER), "x")
    [dated] = _from_lines.messages(
        io.BytesIO(line + b"date: Tue, 10 Mar 2026 09:00\n" + LETTER), "x"
    )

    assert isinstance(undated, Raw)
    assert undated.received == seconds
    assert isinstance(dated, Raw)
    assert dated.received is None


def test_a_word_date_in_the_body_dates_nothing() -> None:
    [found] = _from_lines.messages(io.BytesIO(START + LETTER + b"\nDate: tomorrow\n"), "x")

    assert isinstance(found, Raw)
    assert found.received


def test_a_pipermail_archive_is_read_packed_and_its_addresses_are_addresses(
    tmp_path: Path,
) -> None:
    letter = b"From: ann at example.com (Ann Sato)\nSubject: Hello\n\nHello\n"
    line = b"From ann at example.com  Wed Apr  1 00:18:23 2015\n"
    path = tmp_path / "2015-April.txt.gz"
    path.write_bytes(gzip.compress(line + letter))

    [found, mark] = read_mbox(path)

    assert isinstance(found, Raw)
    assert found.place == f"{path}:0"
    sender = mime.parse(found.content).sender
    assert sender
    assert (sender.name, sender.address) == ("Ann Sato", "ann@example.com")
    assert isinstance(mark, Mark)


def test_a_gzip_that_is_cut_short_yields_what_stands_before_the_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox.gz"
    noise = b"".join(os.urandom(30).hex().encode() + b"\n" for _ in range(3_000))
    packed = gzip.compress((START + LETTER + noise + b"\n") * 2)
    path.write_bytes(packed[: len(packed) - 20_000])

    items = read_mbox(path)

    assert len(contents(items)) == 1
    assert "is damaged or cut short" in skipped(items)[0][1]
    assert read_mbox(path, marks(items)) == []


def test_google_takeout_is_read_from_its_zip_with_labels_and_threads(tmp_path: Path) -> None:
    path = tmp_path / "takeout.zip"
    samples.takeout(path)

    items = read_mbox(path)

    places = [item.place.removeprefix(str(path)) for item in items if isinstance(item, Raw)]
    assert places == [
        "/Takeout/Mail/All mail Including Spam and Trash.mbox:0",
        "/Takeout/Mail/All mail Including Spam and Trash.mbox:413",
        "/Takeout/Mail/顧客.mbox:0",
    ]
    headers = dict(mime.parse(contents(items)[0]).headers)
    assert headers["x-gm-thrid"] == "1854000000000000001"
    assert headers["x-gmail-labels"] == "Inbox,Important,顧客"
    assert read_mbox(path, marks(items)) == []


def test_a_zip_of_messages_is_read_and_named_in_its_own_writing(tmp_path: Path) -> None:
    (tmp_path / "mails.zip").write_bytes(zipped({"in/a.eml": LETTER, "b.txt": b"x"}))
    old = zipped({"1234.eml": LETTER}).replace(b"1234.eml", "受信.eml".encode("cp932"))
    (tmp_path / "old.zip").write_bytes(old)

    items = list(eml.read({"path": str(tmp_path)}, {}))

    assert contents(items) == [LETTER, LETTER]
    assert [item.place for item in items if isinstance(item, Raw)] == [
        f"{tmp_path}/mails.zip/in/a.eml",
        f"{tmp_path}/old.zip/受信.eml",
    ]
    assert list(eml.read({"path": str(tmp_path)}, marks(items))) == []


def test_what_is_not_safe_in_a_zip_is_skipped_with_its_reason(tmp_path: Path) -> None:
    files = {"../a.mbox": START + LETTER, "C:\\b.mbox": START, "c.mbox": START + LETTER}
    locked = bytearray(zipped({"d.mbox": START + LETTER}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(zipped(files))
    (tmp_path / "b.zip").write_bytes(locked)
    (tmp_path / "c.zip").write_bytes(zipped(files)[:-30])

    items = read_mbox(tmp_path)

    assert contents(items) == [LETTER]
    assert [why.split(":")[0] for _, why in skipped(items)[:3]] == [
        "Its name climbs out of the archive",
        "Its name climbs out of the archive",
        "It is encrypted",
    ]
    assert "damaged or incomplete zip archive" in skipped(items)[3][1]


def test_a_zip_that_is_made_to_fill_the_disk_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_zips, "HARMLESS", 1_000_000)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.mbox": START + LETTER + bytes(2_000_000)}, level=9))

    items = read_mbox(path)

    assert skipped(items) == [("a.mbox", _zips.BOMB)]
    assert contents(items) == []


def test_members_that_share_their_bytes_are_a_bomb_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_zips, "HARMLESS", 1_000_000)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"a.mbox": START + LETTER + os.urandom(1_000) * 100}))

    with _zips.opened(path) as archive:
        archive.infolist().extend(archive.infolist() * 100)
        found = list(_zips.members(archive, "a.zip", path.stat().st_size))

    assert found == [Skipped("a.zip", _zips.BOMB)]


def test_a_gzip_that_grows_without_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_zips, "HARMLESS", 1_000_000)
    path = tmp_path / "a.mbox.gz"
    path.write_bytes(gzip.compress(START + LETTER + b"\n" + START + LETTER + b"\n" * 3_000_000))

    items = read_mbox(path)

    assert len(contents(items)) == 1
    assert skipped(items) == [("a.mbox.gz", _zips.BOMB)]


@given(st.binary(max_size=300))
def test_any_damage_to_a_zip_is_told_in_a_sentence(tail: bytes) -> None:
    whole = zipped({"a.mbox": START + LETTER, "b.eml": LETTER})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.zip"
        path.write_bytes(whole[: len(whole) - len(tail)] + tail)
        for reader in (mbox, eml):
            try:
                list(reader.read({"path": str(path)}, {}))
            except BadSource as error:
                assert str(error)


@given(st.binary(max_size=500))
def test_any_bytes_after_a_first_header_are_one_or_more_messages(body: bytes) -> None:
    assert list(_from_lines.messages(io.BytesIO(START + LETTER + body), "x"))


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
    (tmp_path / "b.mbox.gz").write_bytes(gzip.compress(START + LETTER))
    (tmp_path / "c.zip").write_bytes(zipped({"notes.pdf": b"%PDF"}))
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b"a,b"))
    (tmp_path / "notes.txt").write_text("Notes")
    (tmp_path / ".hidden").write_bytes(START + LETTER)

    items = read_mbox(tmp_path)

    assert contents(items) == [LETTER, LETTER]
    assert skipped(items) == [
        ("c.zip", "The file is a zip archive that holds no mbox file."),
        ("notes.txt", 'The file is no mbox: its first line is not a "From " line.'),
    ]


def test_a_folder_named_with_a_dot_is_an_mbox_and_a_saved_mail_is_none(tmp_path: Path) -> None:
    (tmp_path / "Orders 2.0").write_bytes(START + LETTER)
    (tmp_path / "a.eml").write_bytes(START + LETTER)
    (tmp_path / "Orders 2.0.msf").write_bytes(b"// index")

    items = read_mbox(tmp_path)

    assert contents(items) == [LETTER]
    assert skipped(items) == []


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
    found = list(islice(_from_lines.messages(Endless(), "x"), 1_000))  # type: ignore[arg-type]

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
            counts[file.name] = len(list(_from_lines.messages(stream, file.name)))

    assert counts == {
        "content-length-summary.txt": 29,
        "issue1189-summary.txt": 4,
        "issue1189.mbox.txt": 4,
        "jwz-summary.txt": 152,
        "simple.mbox.txt": 3,
        "unmunged.mbox.txt": 2,
    }
