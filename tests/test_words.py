"""The terminal and the pages speak Japanese where they are asked to, and programs English."""

import csv
import io
import json
import re
import shutil
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.table import Table

import mailhealth
from mailhealth.cli import main, show
from mailhealth.errors import UnknownName
from mailhealth.health import SourceReport, SyncReport
from mailhealth.web import campaigns, report

WORDS = tomllib.loads((resources.files("mailhealth.cli") / "words.toml").read_text("utf-8"))
PLACE = re.compile(r"\{[^}]*\}")
COMPARED = ("--compare", "news-2026-10", "tips-2026-10")
TABLES = (
    ("scores",),
    ("explain", "umbra.example"),
    ("topics",),
    ("topics", "--customer", "umbra.example"),
    ("campaigns",),
    ("campaigns", "tips-2026-10"),
    ("campaigns", "--by", "customer"),
    ("campaigns", "--by", "segment"),
    ("campaigns", "--by", "variant"),
    ("campaigns", "--by", "link"),
    ("campaigns", *COMPARED),
    ("campaigns", "--trend"),
    ("campaigns", "--fatigue"),
    ("portfolio", "--by", "all"),
    ("portfolio", "--by", "segment"),
    ("portfolio", "--by", "owner"),
    ("portfolio", "--by", "stage"),
    ("portfolio", "--by", "behaviour"),
    ("portfolio", "--by", "country"),
    ("risks",),
    ("expansion",),
    ("renewals",),
    ("alerts", "--dry-run"),
    ("alerts",),
    ("playbooks",),
    ("tasks",),
)
# They take --lang too, and print sentences, what `scores` prints, or are tried where they live.
PAGES = ("report", "demo", "backtest", "watch")


@pytest.fixture(scope="module")
def company(demo_run: tuple[Path, Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy for all who only ask."""
    return Path(shutil.copytree(demo_run[0], tmp_path_factory.mktemp("words") / "demo"))


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[Table]:
    """Every table that is built while the test runs."""
    found: list[Table] = []
    built = show._heads

    def heads(*names: str, lang: str) -> Table:
        found.append(built(*names, lang=lang))
        return found[-1]

    monkeypatch.setattr(show, "_heads", heads)
    return found


def run(demo: Path, *words: str | Path) -> Result:
    done = CliRunner().invoke(main, ["--db", str(demo / "acme.db"), *map(str, words)])
    assert done.exit_code == 0, done.output
    return done


def test_every_verb_that_takes_a_language_is_tried_here() -> None:
    speaking = {
        name for name, verb in main.commands.items() if "lang" in {p.name for p in verb.params}
    }

    assert speaking == {words[0] for words in TABLES} | set(PAGES)


@pytest.mark.parametrize("words", TABLES, ids=" ".join)
def test_every_head_of_every_table_has_a_japanese_word(
    company: Path, printed: list[Table], words: tuple[str, ...]
) -> None:
    run(company, *words, "--lang", "ja")

    heads = [str(column.header) for table in printed for column in table.columns]
    assert heads
    assert [head for head in heads if head and head.isascii()] == []


def test_no_cell_of_our_own_words_stays_english(company: Path, printed: list[Table]) -> None:
    run(company, "campaigns", "tips-2026-10", "--lang", "ja")
    run(company, "campaigns", *COMPARED, "--lang", "ja")
    run(company, "topics", "--lang", "ja")

    ours = {WORDS[name] for name in show.OURS}
    cells = [
        str(cell)
        for table in printed
        for column in table.columns
        if column.header in ours
        for cell in column.cells
    ]
    assert {"送信", "不達（恒久的）", "クリック（推定）", "トピック"} <= set(cells)
    assert [cell for cell in cells if cell and cell.isascii()] == []


def test_bands_are_called_on_the_terminal_as_on_the_page(company: Path) -> None:
    done = run(company, "scores", "--lang", "ja")
    told = run(company, "explain", "umbra.example", "--lang", "ja")

    page = report.WORDS["ja"]
    assert {band: WORDS[band] for band in show.BAND_STYLE} == {
        band: page[band] for band in show.BAND_STYLE
    }
    assert page["unhealthy"] in done.stdout
    assert page["healthy"] in done.stdout
    assert not re.search("healthy|at risk|unknown", done.stdout)
    assert "80 %区間" in told.stdout
    assert "80 % interval" not in told.stdout


@pytest.mark.parametrize("words", [report.WORDS, campaigns.WORDS], ids=["report", "campaigns"])
def test_what_the_pages_say_too_is_said_in_the_same_words(words: dict[str, dict[str, str]]) -> None:
    said = {words["en"][key]: japanese for key, japanese in words["ja"].items()}

    assert {k: WORDS[k] for k in said.keys() & WORDS} == {k: said[k] for k in said.keys() & WORDS}


def test_a_sentence_has_the_same_places_in_both_languages() -> None:
    for english, japanese in WORDS.items():
        assert sorted(PLACE.findall(english)) == sorted(PLACE.findall(japanese)), english
        assert not japanese.isascii(), english


def test_every_word_is_one_that_the_code_says() -> None:
    code = "\n".join(
        file.read_text("utf-8")
        for folder in ("cli", "campaigns", "health", "portfolio", "store")
        for file in (resources.files("mailhealth") / folder).iterdir()
        if file.name.endswith(".py")
    )
    joined = re.sub(r'"\s*\n\s*"', "", code)
    made = ("bounced, ", "answered_", "slope_")  # put together from parts

    for english in WORDS:
        assert english in joined or english.startswith(made), english


@pytest.mark.parametrize(
    "words", [("scores",), ("topics",), ("campaigns",), ("campaigns", *COMPARED)], ids=" ".join
)
def test_programs_read_english_keys_in_every_language(
    company: Path, words: tuple[str, ...]
) -> None:
    english = json.loads(run(company, *words, "--json").stdout)
    rows = json.loads(run(company, *words, "--json", "--lang", "ja").stdout)
    lines = list(csv.DictReader(io.StringIO(run(company, *words, "--csv", "--lang", "ja").stdout)))

    assert [list(row) for row in rows] == [list(row) for row in english]
    assert [list(line) for line in lines] == [list(row) for row in english]
    for key in ("band", "measure", "kind", "trend"):  # words that programs compare
        assert [row.get(key) for row in rows] == [row.get(key) for row in english]


def test_an_explanation_for_programs_has_english_keys_in_every_language(company: Path) -> None:
    words = ("explain", "umbra.example", "--json")

    english = json.loads(run(company, *words).stdout)
    told = json.loads(run(company, *words, "--lang", "ja").stdout)

    assert list(told) == list(english)
    assert told["band"] == english["band"]
    assert told["signals"] == english["signals"]


def test_an_empty_store_says_so_in_japanese(tmp_path: Path) -> None:
    mailhealth.open(tmp_path / "acme.db").close()
    asked = (("scores",), ("topics",), ("campaigns",), ("campaigns", "--by", "link"))
    for words in (*asked, ("campaigns", "--trend"), ("campaigns", "--fatigue")):
        said = run(tmp_path, *words, "--lang", "ja")

        lines = (said.stdout + said.stderr).splitlines()
        assert lines, words
        assert [line for line in lines if line.strip() and line.isascii()] == [], words


def test_what_a_sync_brought_is_said_in_japanese(capsys: pytest.CaptureFixture[str]) -> None:
    source = SourceReport("support", new=3, known=2, skipped=1, left_out=4)

    show.sync_report(SyncReport((source,), 3, 2, "2026-11-01T00:00:00Z"), lang="ja")

    assert capsys.readouterr().err.splitlines() == [
        "support：新規3件、取り込み済み2件、読み取り不可1件、対象外4件",
        "本文3件を解析し、顧客2件のスコアを算出しました（基準日時 2026-11-01T00:00:00Z）",
        "mailhealth: 読み取れなかったものがあります。'mailhealth skipped' で理由を確認できます",
    ]


def test_the_verbs_that_write_pages_say_so_in_japanese(company: Path, tmp_path: Path) -> None:
    for words in (("report",), ("campaigns", "--html")):
        done = run(company, *words, tmp_path / "page.html", "--lang", "ja")

        assert "page.html を作成しました" in done.stderr


def test_a_store_without_us_warns_in_japanese_on_screen_and_page(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        health.db.execute("delete from ours")
        health.db.conn.commit()

        (english,) = health.warnings()
        (japanese,) = health.warnings(lang="ja")
        html = report.page(health, lang="ja")

    assert "nothing is ours yet" in english
    assert "自社のドメインが未登録" in japanese
    assert english not in html
    assert "自社のドメインが未登録" in html
    assert japanese in run(demo, "scores", "--lang", "ja").stderr


def test_a_warning_in_an_unknown_language_is_an_error(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        health.db.execute("delete from ours")

        with pytest.raises(UnknownName, match="no sentences in 'xx'"):
            health.warnings(lang="xx")
