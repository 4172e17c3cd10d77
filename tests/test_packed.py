"""Archives of logs are read whole or not at all."""

import base64
import gzip
import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mailhealth.errors import BadSource
from mailhealth.readers import _packed, _zips
from mailhealth.readers import csv as tables
from mailhealth.records import Mark, Row, Skipped

LOG = b"To,Event\nann@globex.example,Open\n"
# opens.csv as `zip -P sesame` of Info-ZIP locks it (ZipCrypto, what Windows and platforms write).
LOCKED = base64.b64decode(
    "UEsDBAoACQAAAI0Adl1hi9rQLQAAACEAAAAJAAAAb3BlbnMuY3N2NV87xVWYtzjPb16FXtAUuPSgqFKDU2k9xcit+g6x"
    "edtPyp9b3oOY+7dSWsmuUEsHCGGL2tAtAAAAIQAAAFBLAQIeAwoACQAAAI0Adl1hi9rQLQAAACEAAAAJAAAAAAAAAAEA"
    "AACkgQAAAABvcGVucy5jc3ZQSwUGAAAAAAEAAQA3AAAAZAAAAAAA"
)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked: looked at by the tests, empty again after each."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip archive of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    """A packed tar archive of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def read(archive: Path, cursors: Mapping[str, str] | None = None) -> list[Row | Skipped | Mark]:
    """All that the table reader finds in an archive."""
    return list(_packed.read(archive, {}, cursors or {}, tables_in))


def tables_in(folder: Path) -> Iterator[Row | Skipped | Mark]:
    return tables.read({"path": str(folder)}, {})


def refusal(path: Path, content: bytes, **settings: str) -> str:
    """The one sentence with which an archive of this content is refused."""
    path.write_bytes(content)
    with pytest.raises(BadSource) as refused, _packed.unpacked(path, settings):
        pytest.fail("something was unpacked")
    return str(refused.value).removeprefix(f"{path.parent}/")


def test_the_rows_of_a_zip_stand_at_the_places_of_its_files(
    tmp_path: Path, temporary: Path
) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(zipped({"opens/秋.csv": LOG, "b.csv": LOG, "__MACOSX/._b.csv": b"\0\0"}))

    found = read(archive)

    assert [item.place.removeprefix(f"{tmp_path}/") for item in found] == [
        "export.zip/b.csv:2",
        "export.zip/b.csv",
        "export.zip/opens/秋.csv:2",
        "export.zip/opens/秋.csv",
        "export.zip",
    ]
    assert not list(temporary.iterdir())


def test_an_archive_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(zipped({"a.csv": LOG}))
    mark = read(archive)[-1]
    assert isinstance(mark, Mark)

    assert read(archive, {mark.place: mark.cursor}) == []


def test_a_file_packed_by_gzip_is_one_log(tmp_path: Path) -> None:
    archive = tmp_path / "opens.csv.gz"
    archive.write_bytes(gzip.compress(LOG))

    found = read(archive)

    assert isinstance(found[0], Row)
    assert found[0].fields == {"To": "ann@globex.example", "Event": "Open"}
    assert found[0].place == f"{archive}/opens.csv:2"


def test_what_is_no_archive_is_read_where_it_lies(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(LOG)

    with _packed.unpacked(log, {}) as file, _packed.unpacked(tmp_path, {}) as folder:
        assert (file, folder) == (log, tmp_path)


def test_a_name_in_japanese_windows_writing_is_kept(tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(zipped({"1234.csv": LOG}).replace(b"1234.csv", "開封.csv".encode("cp932")))

    assert read(archive)[0].place == f"{archive}/開封.csv:2"


def test_a_locked_zip_is_read_with_the_password_that_a_variable_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "log.zip"
    archive.write_bytes(LOCKED)
    monkeypatch.setenv("LOG_PASSWORD", "sesame")

    with _packed.unpacked(archive, {"password_env": "LOG_PASSWORD"}) as folder:
        assert (folder / "opens.csv").read_bytes() == LOG


@pytest.mark.parametrize("password", ["sesam", "パスワード"])
def test_a_wrong_password_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("LOG_PASSWORD", password)

    told = refusal(tmp_path / "log.zip", LOCKED, password_env="LOG_PASSWORD")

    assert told == "log.zip/opens.csv cannot be unlocked: the password is wrong, or it is damaged"


def test_a_locked_zip_without_a_password_says_how_to_give_one(tmp_path: Path) -> None:
    assert "--password-env" in refusal(tmp_path / "log.zip", LOCKED)


def test_a_zip_that_is_encrypted_with_aes_is_refused(tmp_path: Path) -> None:
    aes = bytearray(zipped({"a.csv": LOG}))
    aes[8] = aes[aes.index(b"PK\x01\x02") + 10] = 99  # the compression method, in both headers

    assert "encrypted with AES" in refusal(tmp_path / "log.zip", bytes(aes))


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "C:/out.csv", "a\\..\\..\\out.csv"])
def test_nothing_of_a_zip_is_unpacked_when_a_name_climbs_out(tmp_path: Path, name: str) -> None:
    told = refusal(tmp_path / "log.zip", zipped({"good.csv": LOG, name: LOG}))

    assert "climbs out" in told
    assert not list(tmp_path.rglob("*.csv"))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        link = zipfile.ZipInfo("passwords.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")

    assert "passwords.csv is a link" in refusal(tmp_path / "log.zip", packed.getvalue())


def test_a_zip_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    whole = zipped({"a.csv": LOG * 1000, "b.csv": LOG})

    for end in (10, 60, len(whole) - 1):
        assert "damaged or incomplete" in refusal(tmp_path / "log.zip", whole[:end])


def test_a_zip_with_one_wrong_byte_is_refused_whole(tmp_path: Path, temporary: Path) -> None:
    damaged = zipped({"a.csv": LOG, "b.csv": LOG})
    at = damaged.rindex(b"b.csv", 0, damaged.index(b"PK\x01\x02")) + 12
    damaged = damaged[:at] + bytes([damaged[at] ^ 0xFF]) + damaged[at + 1 :]

    assert "log.zip/b.csv is damaged" in refusal(tmp_path / "log.zip", damaged)
    assert not list(temporary.iterdir())


def test_a_gzip_that_is_cut_short_or_damaged_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(LOG * 1000)

    assert "cut short" in refusal(tmp_path / "log.csv.gz", whole[:-4])
    assert "cut short" in refusal(tmp_path / "log.csv.gz", whole[:-8] + b"12345678")


def test_what_is_made_to_fill_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_zips, "HARMLESS", 1_000_000)
    line = b"0" * 3_000_000

    assert "200 times" in refusal(tmp_path / "log.zip", zipped({"one_line.csv": line}))
    assert "200 times" in refusal(tmp_path / "log.csv.gz", gzip.compress(line))


@pytest.mark.parametrize(
    ("name", "files", "why"),
    [
        ("book.xlsx", {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}, "save it as"),
        ("empty.zip", {}, "holds no files"),
        ("twice.zip", {"a.csv": LOG, "a.csv/b.csv": LOG}, "cannot be unpacked"),
    ],
)
def test_what_is_no_archive_of_logs_is_refused(
    tmp_path: Path, name: str, files: Mapping[str, bytes], why: str
) -> None:
    assert why in refusal(tmp_path / name, zipped(files))


def test_a_tar_archive_is_refused(tmp_path: Path) -> None:
    assert "tar archive" in refusal(tmp_path / "logs.tar.gz", tarred({"a.csv": LOG}))
