"""The forms of a platform's files: what connector.toml can say of them, and what is told."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mailhealth import sources
from mailhealth.errors import BadData, BadSource, NotRecognised
from mailhealth.records import Event, Found, Mark, Skipped
from mailhealth.sources.border import Marks
from mailhealth.sources.recognition import marked

TOML = """
title = "Shop mailer"
reader = ["csv", "json"]
dates = ["iso", "%Y/%m/%d", "unix"]
[event]
recipient = "mail"
type = "what"
at = "when"
campaign = "list"
url = "link"
id = "nr"
[types]
open = "opened"
proxy_open = "opened/machine"
click = "clicked"
bounce = "bounced/soft"
"bounce/unknown" = "bounced/hard"
"""


def own(folder: Path, toml: str) -> sources.Connector:
    """Write a connector of one's own and open it."""
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / "connector.toml").write_text(toml, encoding="utf-8")
    return sources.connector(str(folder / "shop"))


def with_event(more: str) -> str:
    """The shop's connector with more lines in its [event]."""
    return TOML.replace("[types]", more + "\n[types]")


def table(file: Path, *lines: str) -> Path:
    """Write a text of some lines."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def read(connector: sources.Connector, path: Path, **more: str) -> list[Any]:
    """What a source gives the first time, without the places and the Marks."""
    items = sources.read(connector, {"path": str(path), **more}, {})
    whats = [item.what if isinstance(item, Found) else item for item in items]
    return [what for what in whats if isinstance(what, Event | Skipped)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("[[form]]\nfiels = ['x']", r"\[\[form\]\] 1: unknown key 'fiels'; did you mean 'files'"),
        ("[[form]]\nreplayed = true", r"\[\[form\]\] 1: needs 'files' or 'columns'"),
        (
            "[[form]]\nfiles = ['x']\n[form.event]\nis = 'openned'",
            r"\[\[form\]\] 1, \[form.event\], 'is': no such word 'openned'.*mean 'opened'",
        ),
        ("[[form]]\nfiles = ['x']\n[form.event]\nis = 'opened'\ntype = 'x'", "exclude each other"),
        ("[[form]]\nfiles = ['x']\ndates = 'noon'", r"\[\[form\]\] 1: 'noon' is no date format"),
        ("[form]\nfiles = ['x']", r"must be a list of tables, written \[\[form\]\]"),
        ("[machine]\napple = 'yes'", r"\[machine\]: 'apple' must be true or false"),
    ],
)
def test_a_wrong_form_is_refused_with_its_number_and_what_was_meant(
    tmp_path: Path, wrong: str, sentence: str
) -> None:
    with pytest.raises(BadData, match=sentence):
        own(tmp_path, f"{TOML}{wrong}\n")


def test_the_first_form_that_fits_a_file_is_taken_for_all_its_rows(tmp_path: Path) -> None:
    connector = own(
        tmp_path,
        TOML
        + """
[[form]]
files = ["activity/opens/*.csv"]
[form.event]
is = "opened"
campaign = "file.name"
[[form]]
columns = ["mail", "moment"]
zone = "Asia/Tokyo"
[form.event]
is = "bounced/hard"
at = "moment"
campaign = "file.folder"
""",
    )
    table(
        tmp_path / "e" / "activity" / "opens" / "秋.csv",
        "mail,when",
        "a@b.example,2026-10-01T00:00",
    )
    table(tmp_path / "e" / "autumn" / "x.csv", "mail,moment", "a@b.example,2026-10-01T09:00")
    table(tmp_path / "e" / "y.csv", "mail,what,when,list", "a@b.example,click,2026-10-01T00:00,z")

    found = read(connector, tmp_path / "e")

    assert [(e.type, e.bounce, e.campaign, e.at) for e in found] == [
        ("opened", None, "秋", 1790812800),
        ("bounced", "hard", "autumn", 1790812800),
        ("clicked", None, "z", 1790812800),
    ]


def test_a_kind_of_file_that_is_not_imported_is_told_and_no_failure(tmp_path: Path) -> None:
    connector = own(tmp_path, TOML + '[[form]]\ncolumns = ["total"]\nleft_out = true\n')
    file = table(tmp_path / "sums.csv", "mail,total", "a@b.example,3")

    [told] = read(connector, file)
    sources.check(connector, {"path": str(file)})

    assert told == Skipped(str(file), "shop imports none of it", meant=True)


def test_one_row_gives_one_event_for_each_date_it_has(tmp_path: Path) -> None:
    connector = own(
        tmp_path,
        TOML
        + """
[[form]]
columns = ["mail", "opened_at"]
[[form.event]]
is = "sent"
at = "sent_at"
[[form.event]]
is = "opened"
at = "opened_at"
""",
    )
    file = table(
        tmp_path / "log.csv",
        "nr,mail,list,sent_at,opened_at",
        "1,a@b.example,x,2026-10-01T08:00,2026-10-02T08:00",
        "2,c@d.example,x,2026-10-01T08:00,",
        "3,e@f.example,x,,",
    )

    *found, told = read(connector, file)

    assert [(event.identity, event.type) for event in found] == [
        ("shop:1/sent", "sent"),
        ("shop:1/opened", "opened"),
        ("shop:2/sent", "sent"),
    ]
    assert told.why == "1 row: nothing has happened yet (sent_at, opened_at)"


def test_the_first_category_that_makes_a_known_pair_decides(tmp_path: Path) -> None:
    connector = own(tmp_path, with_event('category = ["why", "kind"]'))
    file = table(
        tmp_path / "log.csv",
        "mail,what,why,kind,when",
        "a@b.example,bounce,odd,unknown,2026-10-01",
        "a@b.example,bounce,odd,odd,2026-10-01",
    )

    assert [event.bounce for event in read(connector, file)] == ["hard", "soft"]


def test_a_pair_of_words_can_be_left_out_where_the_word_alone_is_not(tmp_path: Path) -> None:
    toml = TOML.replace("[event]", 'left_out = ["open/test"]\n[event]\ncategory = "why"')
    file = table(
        tmp_path / "log.csv",
        "mail,what,why,when",
        "a@b.example,open,test,2026-10-01",
        "a@b.example,open,,2026-10-01",
    )

    event, told = read(own(tmp_path, toml), file)

    assert event.type == "opened"
    assert told.why.startswith("1 row: 'open/test' is left out on purpose")


def test_a_row_that_another_has_replaced_is_no_event(tmp_path: Path) -> None:
    connector = own(tmp_path, with_event('void = "obsoletedBy"'))
    file = tmp_path / "log.json"
    row = {"mail": "a@b.example", "what": "open", "when": 1790812800}
    file.write_text(json.dumps([{**row, "obsoletedBy": {"id": "x"}}, {**row, "obsoletedBy": None}]))

    event, told = read(connector, file)

    assert event.type == "opened"
    assert (told.why, told.meant) == ("1 row: is void: obsoletedBy says so", True)


@pytest.mark.parametrize(
    ("word", "column", "machine"),
    [
        ("open", "", None),
        ("open", "no", False),
        ("open", "Apple", True),
        ("open", "Gmail", None),
        ("proxy_open", "", True),
    ],
)
def test_a_platform_says_in_its_own_words_whether_a_machine_opened(
    tmp_path: Path, word: str, column: str, machine: bool | None
) -> None:
    connector = own(tmp_path, with_event('machine = "bot"') + "[machine]\napple = true\n")
    file = table(
        tmp_path / "log.csv", "mail,what,when,bot", f"a@b.example,{word},2026-10-01,{column}"
    )

    assert read(connector, file)[0].machine is machine


def test_two_columns_together_can_be_the_id(tmp_path: Path) -> None:
    connector = own(tmp_path, TOML.replace('id = "nr"', 'id = [["when", "nr"]]'))
    file = table(
        tmp_path / "log.csv",
        "nr,mail,what,when",
        "7,a@b.example,open,2026-10-01",
        ",a@b.example,open,2026-10-01",
    )

    numbered, plain = read(connector, file)

    assert (numbered.identity, numbered.alike) == ("shop:2026-10-01:7", plain.identity[:32])
    assert plain.alike == ""


def test_variant_message_id_and_method_are_read(tmp_path: Path) -> None:
    connector = own(tmp_path, with_event('variant = "ab"\nmessage_id = "smtp-id"\nmethod = "verb"'))
    file = table(
        tmp_path / "log.csv",
        "mail,what,when,ab,smtp-id,verb",
        "a@b.example,open,2026-10-01,B,<1@x.example>,post",
    )

    [event] = read(connector, file)

    assert (event.variant, event.message_id, event.method) == ("B", "1@x.example", "POST")


@pytest.mark.parametrize(
    ("when", "exact"),
    [
        ("2026-10-01", False),
        ("2026/10/01", False),
        ("2026-10-01T00:00", True),
        ("1790812800", True),
    ],
)
def test_a_date_without_a_time_of_day_is_not_exact(tmp_path: Path, when: str, exact: bool) -> None:
    file = table(tmp_path / "log.csv", "mail,what,when", f"a@b.example,open,{when}")

    [event] = read(own(tmp_path, TOML), file)

    assert (event.at, event.exact) == (1790812800, exact)


def test_the_links_of_one_day_are_told_apart_where_no_time_is(tmp_path: Path) -> None:
    connector = own(tmp_path, TOML)
    files = [
        table(tmp_path / f"{n}.csv", "mail,what,when,link", f"a@b.example,click,2026-10-01,{n}")
        for n in "12"
    ]

    assert len({event.identity for file in files for event in read(connector, file)}) == 2


def test_what_no_column_says_the_user_can_say(tmp_path: Path) -> None:
    connector = own(tmp_path, 'title = "x"\nreader = "csv"\n[event]\nrecipient = "アドレス"\n')
    file = tmp_path / "clickers.csv"
    file.write_text("アドレス,氏名\nsato@sakura.example,佐藤\n", encoding="cp932")
    said = {"type": "clicked", "campaign": "秋", "at": "2026-10-01", "zone": "Asia/Tokyo"}
    sources.check(connector, {"path": str(file), **said})

    [event] = read(connector, file, **said)

    assert (event.type, event.campaign, event.at, event.exact) == (
        *("clicked", "秋", 1790780400, False),
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, r"nothing that says the type \(give type=\)"),
        ({"type": "clicked"}, r"nothing that says the at \(give at=\)"),
        ({"type": "clicked", "at": "2026-10-01"}, "nothing that says the campaign; give campaign="),
        ({"type": "klick"}, "no such type 'klick'; there are sent, .*did you mean 'clicked'"),
        ({"type": "clicked", "at": "gestern"}, "at: 'gestern' is no date"),
    ],
)
def test_what_the_user_has_not_said_is_asked_for_before_anything_is_read(
    tmp_path: Path, said: dict[str, str], sentence: str
) -> None:
    connector = own(tmp_path, 'title = "x"\nreader = "csv"\n[event]\nrecipient = "to"\n')
    file = table(tmp_path / "list.csv", "to,name", "a@b.example,Mia")

    with pytest.raises(BadSource, match=sentence):
        sources.check(connector, {"path": str(file), **said})


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("https://evil.example","x")',
        "=cmd|'/C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "=1+cmd|' /C calc'!A0",
        "+SUM(A1)",
        "-2+3+cmd|' /C calc'!D2",
    ],
)
def test_a_formula_in_a_cell_costs_its_row_alone(tmp_path: Path, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    file = table(
        tmp_path / "log.csv",
        "mail,what,when,list",
        f"a@b.example,open,2026-10-01,{quoted}",
        "c@d.example,open,2026-10-01,-20% (today only)",
        "e@f.example,open,2026-10-01,=== Sale ===",
        "g@h.example,open,2026-10-01,@home | the news!",
    )

    skipped, *events = read(own(tmp_path, TOML), file)

    assert skipped == Skipped(f"{file}:2", f"campaign holds a formula: '{cell}'")
    assert len(events) == 3


def test_a_file_whose_first_line_never_ends_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    file = tmp_path / "log.csv"
    file.write_text("mail,what,when," + "x" * 5_000_000, encoding="utf-8")

    with pytest.raises(NotRecognised, match="begins with a line of more than 4 MB"):
        sources.check(own(tmp_path, TOML), {"path": str(file)})
    with pytest.raises(NotRecognised, match="begins with a line of more than 4 MB"):
        sources.recognise(file)


def test_a_folder_is_recognised_by_the_files_in_it_at_any_depth(tmp_path: Path) -> None:
    marks = Marks(files=("Opens.csv", "jobs/*.csv"))
    table(tmp_path / "export" / "Opens.csv", "a,b")

    before = marked(marks, tmp_path)
    table(tmp_path / "export" / "jobs" / "1.CSV", "a,b")

    assert (before, marked(marks, tmp_path)) == (False, True)


def test_reading_goes_on_where_it_was_in_an_archive_that_has_not_changed(tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("in/log.csv", "mail,what,when,list\na@b.example,open,2026-10-01,x\n")
    connector = own(tmp_path, TOML)

    items = list(sources.read(connector, {"path": str(file)}, {}))
    cursors = {item.place: item.cursor for item in items if isinstance(item, Mark)}

    assert [item.place for item in items if isinstance(item, Found)] == [f"{file}/in/log.csv:2"]
    assert list(sources.read(connector, {"path": str(file)}, cursors)) == []
