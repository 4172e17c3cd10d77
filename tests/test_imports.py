"""Logs into the store: whatever comes twice counts once, and what happened twice counts twice."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from mailhealth import sources, store
from mailhealth.health.batches import batches
from mailhealth.records import Answer, Found, Skipped
from mailhealth.sources.repeats import RECENT, Repeats
from mailhealth.store import inbox

TOML = """
title = "Shop mailer"
reader = ["csv", "json"]
dates = ["iso", "unix"]
[event]
recipient = "mail"
type = "what"
at = "when"
campaign = "list"
url = "link"
[types]
open = "opened"
click = "clicked"
[[form]]
columns = ["nr"]
replayed = true
[form.event]
id = "nr"
[[form]]
columns = ["hook"]
replayed = true
"""
NOW = 1790812800
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


class Happened(NamedTuple):
    """One event of an invented log; `second` is when."""

    second: int
    mail: str
    what: str
    link: str


happenings = st.lists(
    st.builds(
        Happened,
        second=st.integers(0, 3),
        mail=st.sampled_from(["a@b.example", "Info@b.example"]),
        what=st.sampled_from(["open", "click"]),
        link=st.sampled_from(["", "https://x.example"]),
    ),
    max_size=25,
).map(sorted)


@pytest.fixture
def shop(tmp_path: Path) -> sources.Connector:
    """A platform that tells its events by export and by webhook."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "connector.toml").write_text(TOML, encoding="utf-8")
    return sources.connector(str(tmp_path / "shop"))


@cache
def _empty() -> bytes:
    """An empty database of the newest schema, made once."""
    with TemporaryDirectory() as folder:
        db = store.connect(Path(folder) / "empty.db")
        db.execute("pragma journal_mode = delete")
        content = db.conn.serialize()
        db.close()
    return content


class Folder:
    """A database of its own, and the files that are imported into it."""

    def __init__(self, folder: Path, connector: sources.Connector) -> None:
        self.files = iter(folder / f"{number}" for number in range(100))
        self.connector = connector
        self.db = Database(memory=True)
        self.db.conn.deserialize(_empty())
        inbox.add_source(self.db, inbox.Source("log", "shop", {}))

    def export(self, happened: Sequence[Happened]) -> int:
        """Import a table of these events; return how many were new."""
        lines = ["mail,what,when,list,link"]
        lines += [f"{h.mail},{h.what},{NOW + h.second},x,{h.link}" for h in happened]
        return self._read("\n".join(lines) + "\n")

    def hooks(self, happened: Sequence[tuple[int, Happened]], key: str = "nr") -> int:
        """Import calls that tell these events, each with its number."""
        return self._read("".join(self._calls(happened, key)) or "[]")

    def _calls(self, happened: Sequence[tuple[int, Happened]], key: str) -> Iterator[str]:
        for number, each in happened:
            told = {"mail": each.mail, "what": each.what, "when": NOW + each.second, "list": "x"}
            yield json.dumps({**told, key: str(number)}) + "\n"

    def _read(self, text: str) -> int:
        file = next(self.files)
        file.write_text(text, encoding="utf-8")
        items = sources.read(self.connector, {"path": str(file)}, {})
        saved = [inbox.save(self.db, "log", batch, known_at=NOW) for batch in batches(items)]
        assert not any(each.skipped for each in saved)
        return sum(each.new for each in saved)

    def count(self) -> int:
        """How many events are kept."""
        return self.db.table("events").count


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(happened=happenings)
def test_an_export_imported_twice_counts_once(
    tmp_path: Path, shop: sources.Connector, happened: list[Happened]
) -> None:
    folder = Folder(tmp_path, shop)

    first, second = folder.export(happened), folder.export(happened)

    assert (first, second, folder.count()) == (len(happened), 0, len(happened))


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(happened=happenings, cuts=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_overlapping_exports_are_the_whole(
    tmp_path: Path, shop: sources.Connector, happened: list[Happened], cuts: tuple[int, int]
) -> None:
    start, end = sorted(cuts)
    folder = Folder(tmp_path, shop)

    folder.export([each for each in happened if each.second >= start])
    folder.export([each for each in happened if each.second <= end])

    assert folder.count() == len(happened)


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(happened=happenings, data=st.data())
def test_an_export_and_the_webhook_of_one_platform_count_once_in_either_order(
    tmp_path: Path, shop: sources.Connector, happened: list[Happened], data: st.DataObject
) -> None:
    numbered = list(enumerate(happened))
    again = data.draw(st.lists(st.sampled_from(numbered), max_size=5)) if numbered else []
    calls = data.draw(st.permutations(numbered + again))
    first, second = Folder(tmp_path, shop), Folder(tmp_path, shop)

    new = [first.export(happened), first.hooks(calls), first.hooks(calls)]
    second_new = [second.hooks(calls), second.export(happened), second.export(happened)]

    assert new == second_new == [len(happened), 0, 0]


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(happened=happenings, data=st.data())
def test_calls_without_a_number_that_repeat_exactly_are_one_event(
    tmp_path: Path, shop: sources.Connector, happened: list[Happened], data: st.DataObject
) -> None:
    numbered = list(enumerate(happened))  # "hook" differs from call to call, and is no id
    again = data.draw(st.lists(st.sampled_from(numbered), max_size=5)) if numbered else []
    folder = Folder(tmp_path, shop)

    new = [folder.hooks([*numbered, *again], "hook"), folder.export(happened)]

    assert new == [len(happened), 0]


def test_what_is_met_again_in_a_long_file_is_still_counted() -> None:
    with Repeats() as repeats:
        first = [repeats.number(hash(str(key))) for key in range(RECENT + 5_000)]
        again = [repeats.number(hash(str(key))) for key in range(0, RECENT, 1_000)]
        same = [repeats.same(hash("click"), hash(("row", row))) for row in "abac"]

    assert set(first) == {0}
    assert set(again) == {1}
    assert same == [0, 1, 0, 2]


def test_two_clicks_in_one_second_count_twice(tmp_path: Path, shop: sources.Connector) -> None:
    click = Happened(1, "a@b.example", "click", "")

    assert Folder(tmp_path, shop).export([click, click]) == 2


def test_who_got_a_campaign_is_a_contact_even_if_only_machines_wrote_before(
    tmp_path: Path, shop: sources.Connector
) -> None:
    folder = Folder(tmp_path, shop)
    folder.db.execute("insert into contacts (contact, name, why) values (?, '', ?)",
                      ["a@b.example", inbox.MACHINE_ONLY])  # fmt: skip
    folder.db.execute("insert into addresses values ('a@b.example', 'a@b.example')")

    folder.export([Happened(1, "a@b.example", "open", "")])

    assert folder.db.execute("select contact, why from contacts").fetchall() == [
        ("a@b.example", None)
    ]


def test_what_is_left_out_on_purpose_is_kept_apart_from_what_could_not_be_read(
    tmp_path: Path, shop: sources.Connector
) -> None:
    db = Folder(tmp_path, shop).db
    items: list[Any] = [
        Skipped("x.csv", "2 rows: left out", meant=True),
        Skipped("a.csv:2", "is no date"),
    ]

    saved = inbox.save(db, "log", items, known_at=NOW)

    assert (saved.skipped, saved.left_out) == (1, 1)
    assert [each["place"] for each in inbox.skipped(db)] == ["a.csv:2", "x.csv"]


def test_answers_are_kept_with_who_gave_them(tmp_path: Path, shop: sources.Connector) -> None:
    db = Folder(tmp_path, shop).db
    answers = [
        Answer("Mia@globex.example", "nps", NOW, "autumn", "1", 9.0, comment="良い"),
        Answer("kai@globex.example", "csat", NOW, "autumn", "2", None, scale=5, asked_at=NOW),
    ]
    items = [Found("x.csv", answer) for answer in answers]

    new = [inbox.save(db, "log", items, known_at=NOW).new for _ in range(2)]

    assert new == [2, 0]
    assert list(db.query("select recipient, value, scale, comment, read_by from answers")) == [
        {"recipient": "Mia@globex.example", "value": 9, "scale": 10, "comment": "良い",
         "read_by": None},
        {"recipient": "kai@globex.example", "value": None, "scale": 5, "comment": "",
         "read_by": None},
    ]  # fmt: skip
