"""The contract email_signals: it changes only with its version, and every reader can follow it.

`python -m tests.test_contract` writes the golden file anew, after the version was raised.
"""

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from sqlite_utils import Database

import mailhealth
from mailhealth import rules, store
from mailhealth.cli import main
from mailhealth.errors import BadData, UnknownName
from mailhealth.health import Health, evaluating, past
from mailhealth.records import SignalValue
from mailhealth.store import contract, people, results

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "contract" / "email_signals.json"
TABLES = ("email_signals", "definitions", "removals")
NOV = "2026-11-01T00:00:00Z"
OCT = "2026-10-01T00:00:00Z"
KEY = ("customer", "as_of", "window_days", "signal", "definition")

SIGNALS = rules.load().signals

Told = dict[str, dict[str, Any]]  # a table or "a row of JSON" -> its columns, each as it is


# What is promised


def promised(db: Database) -> Told:
    """The tables and the JSON row as they are now."""
    tables = {table: _columns(db, table) for table in TABLES}
    schema = contract.schema()
    row = {
        name: {key: said for key, said in told.items() if key != "description"}
        | {"required": name in schema["required"]}
        for name, told in schema["properties"].items()
    }
    return {**tables, "a row of JSON": row}


def _columns(db: Database, table: str) -> dict[str, Any]:
    rows = db.execute(f"pragma table_info({table})").fetchall()
    return {
        name: {"type": kind.lower(), "null": not (needed or key), "key": key}
        for _, name, kind, needed, _, key in rows
    }


def complaint(golden: Mapping[str, Any], now: Told, version: str) -> str:
    """What must be done before this may be shipped; "": nothing."""
    major, minor = _differences(golden["promised"], now)
    old, new = (_version(each) for each in (golden["version"], version))
    if major and new[0] <= old[0]:
        return _raise(major, "a major", (old[0] + 1, 0, 0))
    if minor and new[:2] <= old[:2]:
        return _raise(minor, "a minor", (old[0], old[1] + 1, 0))
    if major or minor or new != old:
        return "the golden file is of before; write it anew: python -m tests.test_contract"
    return ""


def _differences(old: Told, new: Told) -> tuple[list[str], list[str]]:
    """What asks for a major version, and what for a minor one."""
    major, minor = [], []
    for table in sorted(old.keys() | new.keys()):
        before, after = old.get(table, {}), new.get(table, {})
        major += [f"{table} lost {name}" for name in sorted(before.keys() - after.keys())]
        minor += [f"{table} has a new {name}" for name in sorted(after.keys() - before.keys())]
        both = sorted(before.keys() & after.keys())
        major += [f"{table} changed {name}" for name in both if before[name] != after[name]]
    return major, minor


def _raise(what: list[str], kind: str, version: tuple[int, int, int]) -> str:
    told = ".".join(map(str, version))
    return (
        f"{', '.join(what)}: that is {kind} version; make it {told} in contract.CONTRACT, in the"
        " $id of email_signals.schema.json and in a new schema/*.sql (settings: email_signals)"
    )


def _version(told: str) -> tuple[int, int, int]:
    major, minor, patch = map(int, told.split("."))
    return major, minor, patch


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = store.connect(tmp_path / "acme.db")
    yield found
    found.close()


def test_the_contract_changes_only_with_its_version(db: Database) -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))

    assert complaint(golden, promised(db), contract.CONTRACT) == ""


def test_the_version_is_told_alike_everywhere(db: Database) -> None:
    kept = db.execute("select value from settings where name = 'email_signals'").fetchone()

    assert contract.schema()["$id"] == f"urn:mailhealth:email_signals:{contract.CONTRACT}"
    assert kept == (contract.CONTRACT,)


def test_a_row_of_json_has_the_columns_of_the_table(db: Database) -> None:
    now = promised(db)

    assert now["a row of JSON"].keys() == now["email_signals"].keys()
    for name, column in now["email_signals"].items():
        told = now["a row of JSON"][name]["type"]
        assert ("null" in told) == column["null"], name
    assert set(SignalValue._fields) == set(contract.schema()["required"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("alter table email_signals add column mode text", "has a new mode: that is a minor"),
        ("alter table email_signals rename column k to hits", "lost k: that is a major"),
        ("alter table removals drop column revision", "lost revision: that is a major"),
    ],
)
def test_a_changed_column_says_which_version_to_raise(
    db: Database, change: str, sentence: str
) -> None:
    golden = {"version": contract.CONTRACT, "promised": promised(db)}
    db.execute("drop index removals_revision")
    db.execute("drop view email_signals_wide")
    db.execute(change)

    said = complaint(golden, promised(db), contract.CONTRACT)

    assert sentence in said
    assert "contract.CONTRACT" in said


def test_a_column_that_becomes_nullable_is_a_major_version(db: Database) -> None:
    golden = {"version": "2.0.0", "promised": promised(db)}
    now = promised(db)
    now["email_signals"]["reliability"]["null"] = True

    assert "changed reliability: that is a major version; make it 3.0.0" in complaint(
        golden, now, "2.1.0"
    )
    assert "golden file" in complaint(golden, now, "3.0.0")


# What programs read


@pytest.fixture(scope="module")
def company(demo_run: tuple[Path, Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy of the sample company for all who only ask."""
    return Path(shutil.copytree(demo_run[0], tmp_path_factory.mktemp("contract") / "demo"))


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--db", str(folder / "acme.db"), *words])


def test_every_row_of_the_sample_company_is_as_the_schema_says(company: Path) -> None:
    schema = json.loads(run(company, "signals", "--schema").stdout)
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema).validate
    rows = json.loads(run(company, "signals", "--json").stdout)

    assert len(rows) > 1_000
    for row in rows:
        valid(row)
        assert set(row) == set(schema["required"])


def test_changes_are_rows_of_the_same_schema(company: Path) -> None:
    told = json.loads(run(company, "signals", "--changes-since", "51", "--json").stdout)

    assert told["revision"] == 52
    assert {row["revision"] for row in told["rows"]} == {52}
    Draft202012Validator(contract.schema()).validate(told["rows"][0])
    assert set(told["rows"][0]) == set(contract.schema()["properties"])
    assert told["definitions"].keys() == {signal.name for signal in SIGNALS}


def test_the_wide_view_is_what_the_wide_frame_says(company: Path) -> None:
    with mailhealth.open(company / "acme.db") as health:
        frame = health.signals(wide=True)
        view = health.db.execute(
            "select * from email_signals_wide where as_of = ? order by customer", [NOV]
        )
        heads = [column[0] for column in view.description]

        assert list(frame.columns) == heads
        told = frame.sort_values("customer").astype(object).where(frame.notna(), None)
        assert [tuple(row) for row in told.to_numpy()] == view.fetchall()


def test_wide_is_csv_with_every_digit_unless_told(company: Path) -> None:
    (line,) = csv.DictReader(
        io.StringIO(run(company, "signals", "--wide", "--customer", "umbra.example").stdout)
    )
    (row,) = json.loads(
        run(company, "signals", "--wide", "--customer", "umbra.example", "--json").stdout
    )

    assert list(line) == list(row)
    assert float(line["sentiment"]) == row["sentiment"]


def test_signals_of_one_customer_are_those_among_all(company: Path) -> None:
    with mailhealth.open(company / "acme.db") as health:
        everybody = health.signals()
        alone = health.signals(customer="globex.example")

    mine = everybody[everybody["customer"] == "globex.example"].reset_index(drop=True)
    assert alone.equals(mine)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("signals", "--customer", "umbrella.example"), "did you mean umbra.example"),
        (("signals", "--changes-since", "99"), "has come to revision 52"),
        (("signals", "--changes-since", "-1"), "-1 is not in the range"),
        (("signals", "--changes-since", "1", "--wide"), "stands alone, without --wide"),
        (("signals", "--keep"), "of which day?"),
        (("signals", "--as-of", "1 May"), "'1 May' is not a day like"),
        (("scores", "--to", "2026-10-01"), "--from a day"),
        (("scores", "--from", "2026-10-01", "--as-of", "2026-10-01"), "without --as-of"),
        (("scores", "--from", "2026-11-05"), "give the earlier day first"),
        (("scores", "--from", "soon"), "'soon' is not a day like"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    company: Path, words: tuple[str, ...], sentence: str
) -> None:
    with mailhealth.open(company / "acme.db") as health:
        before = contract.newest_revision(health.db)
        done = run(company, *words)

        assert done.exit_code != 0
        assert sentence in " ".join(done.stderr.split())
        assert "Traceback" not in done.output
        assert contract.newest_revision(health.db) == before


# Any day


def test_a_day_is_computed_and_kept_only_when_told(demo: Path) -> None:
    ask = ("signals", "--as-of", "2026-05-05", "--customer", "globex.example", "--json")
    looked = json.loads(run(demo, *ask).stdout)
    with mailhealth.open(demo / "acme.db") as health:
        before = health.scored_days()

    kept = json.loads(run(demo, *ask, "--keep").stdout)

    assert kept == looked
    assert "2026-05-05T00:00:00Z" not in before
    with mailhealth.open(demo / "acme.db") as health:
        assert "2026-05-05T00:00:00Z" in health.scored_days()


def test_history_is_rebuilt_back_from_its_end_and_kept(demo: Path) -> None:
    words = ("scores", "--from", "2026-09-10", "--to", "2026-10-31", "--every", "month")
    done = run(demo, *words, "--json")

    rows = json.loads(done.stdout)
    days = ["2026-09-30", "2026-10-31"]
    assert [row["as_of"][:10] for row in rows[:2]] == days
    assert len({row["customer"] for row in rows}) * 2 == len(rows)
    assert rows[1]["score"] == min(row["score"] for row in rows[1::2])
    with mailhealth.open(demo / "acme.db") as health:
        assert {day[:10] for day in health.scored_days()} > set(days)
        kept = {day["as_of"]: day["value"] for day in health.score_history(rows[0]["customer"])}
    assert [round(kept[row["as_of"]], 1) for row in rows[:2]] == [row["score"] for row in rows[:2]]


def test_a_history_is_one_line_a_customer_for_people(demo: Path) -> None:
    done = run(demo, "scores", "--from", "2026-11-01", "--band", "unhealthy", "--lang", "ja")

    assert done.exit_code == 0, done.output
    assert "推移" in done.stdout
    assert "umbra.example" in done.stdout
    assert "危険" in done.stdout
    assert "globex.example" not in done.stdout


@pytest.mark.parametrize(
    ("start", "end", "every", "found"),
    [
        ("2026-10-01", "2026-10-15", "week", ["10-01", "10-08", "10-15"]),
        ("2026-10-02", "2026-10-15", "week", ["10-08", "10-15"]),
        ("2026-02-27", "2026-03-01", "day", ["02-27", "02-28", "03-01"]),
        ("2026-01-31", "2026-03-31", "month", ["01-31", "02-28", "03-31"]),
        ("2026-10-15", "2026-10-15", "month", ["10-15"]),
    ],
)
def test_the_days_of_a_history_end_at_its_end(
    start: str, end: str, every: past.Every, found: list[str]
) -> None:
    assert [day[5:10] for day in past.days(start, end, every)] == found


def test_a_history_without_a_beginning_before_its_end_is_refused() -> None:
    with pytest.raises(BadData, match="give the earlier day first"):
        past.days("2026-10-02", "2026-10-01", "day")
    with pytest.raises(UnknownName, match="day, week, month"):
        past.days("2026-10-01", "2026-10-02", "year")  # type: ignore[arg-type]


# One customer


def test_an_explanation_is_the_same_alone_and_among_all(company: Path) -> None:
    with mailhealth.open(company / "acme.db") as health:
        among_all = {each.score.customer: each for each in health.explanations()}
        alone = {name: health.explain(name) for name in among_all}

    assert alone == among_all
    assert sum(len(keys) for each in alone.values() for keys in each.evidence.values()) > 1_000


def test_a_day_that_was_never_kept_is_explained_with_its_rank(company: Path) -> None:
    day = "2026-05-05T09:30:00Z"
    with mailhealth.open(company / "acme.db") as health:
        ranked = {each.customer: each for each in health.scores(as_of=day)}
        among_all = {each.score.customer: each for each in health.explanations(as_of=day)}
        alone = {name: health.explain(name, as_of=day) for name in ("globex.example", *ranked)}

        assert day not in health.scored_days()
    assert alone == among_all
    assert {name: each.score for name, each in alone.items()} == ranked
    assert alone["globex.example"].score.rank is not None
    assert any(alone["globex.example"].evidence.values())


def test_a_day_that_was_never_kept_is_computed_once(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = []
    compute = evaluating.computed

    def counted(*asked: Any) -> Iterator[SignalValue]:
        computed.append(asked)
        return compute(*asked)

    monkeypatch.setattr(evaluating, "computed", counted)
    with mailhealth.open(company / "acme.db") as health:
        list(health.explanations(as_of="2026-05-06T09:30:00Z"))
        assert len(computed) == 1
        for customer in ("globex.example", "umbra.example"):
            health.explain(customer, as_of="2026-05-06T09:30:00Z")

    assert len(computed) == 2


def test_sql_that_only_duckdb_speaks_still_has_its_evidence(company: Path, tmp_path: Path) -> None:
    page = (Path(rules.__file__).parents[1] / "health.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    ask = 'shows      = "list_contains([cancel], cancel)"'
    own.write_text(page.replace('shows      = "cancel is not null"', ask), "utf-8")
    assert ask in own.read_text("utf-8")

    with mailhealth.open(company / "acme.db") as health:
        told = health.explain("umbra.example", as_of=NOV)
    with mailhealth.open(company / "acme.db", rules=own) as health:
        own_words = health.explain("umbra.example", as_of=NOV)

    assert told.evidence["cancel_mails"]
    assert own_words.evidence == told.evidence


def test_what_is_at_hand_is_looked_up_anew_when_the_store_has_changed(demo: Path) -> None:
    with mailhealth.open(demo / "acme.db") as health:
        before = health.explain("umbra.example")
        assert health.explain("umbra.example") == before
        with mailhealth.open(demo / "acme.db") as other:
            other.db.execute("delete from email_signals where signal = 'sentiment'")
            other.db.execute("delete from suspects")
            other.db.conn.commit()

        after = health.explain("umbra.example")
        among_all = {each.score.customer: each for each in health.explanations()}

    assert after == among_all["umbra.example"]


# Definitions


def value(customer: str, signal: str, told: float | None, **given: Any) -> SignalValue:
    row: dict[str, Any] = {"as_of": NOV, "window_days": 90, "definition": "0" * 12, "change": None}
    numbers = dict.fromkeys(("n", "k", "low", "high", "shrunk"))
    return SignalValue(
        customer=customer, signal=signal, value=told, reliability=0.5, **{**row, **numbers, **given}
    )


def customers(db: Database, *names: str) -> None:
    store.insert(db, "customers", [{"customer": name, "origin": "domain"} for name in names])


HOSTILE = (
    "plain", "with space", 'quo"te', "apo'strophe", "解約", "select", "x;drop table customers;--",
    "Nps", "nPS", "customer", "as_of", "plain_reliability",
)  # fmt: skip


def test_the_names_of_signals_are_data_in_the_wide_view(db: Database) -> None:
    signals = [replace(SIGNALS[0], name=name, window=90, definition="0" * 12) for name in HOSTILE]
    customers(db, "globex.example")
    values = [value("globex.example", name, float(i)) for i, name in enumerate(HOSTILE)]
    contract.define(db, signals)

    results.save_day(db, NOV, values)

    (row,) = db.query("select * from email_signals_wide")
    assert row == contract.wide(values, signals)[0]
    assert [row[column] for column in contract.columns(signals).values()] == list(range(12))
    assert contract.columns(signals)["nPS"] == "nPS_2"
    assert contract.columns(signals)["customer"] == "customer_2"
    assert db.table("customers").count == 1


@given(st.lists(st.text(min_size=1).filter(lambda name: "\0" not in name), unique=True))
@settings(deadline=None)
def test_no_two_columns_of_the_wide_form_are_called_alike(names: list[str]) -> None:
    named = contract.columns([replace(SIGNALS[0], name=name) for name in names])

    heads = [head for column in named.values() for head in (column, f"{column}_reliability")]
    assert len({head.casefold() for head in ["customer", "as_of", *heads]}) == len(heads) + 2


def test_the_wide_view_is_laid_out_anew_only_where_signals_change(db: Database) -> None:
    contract.define(db, SIGNALS)
    laid_out = db.execute("pragma schema_version").fetchone()

    contract.define(db, SIGNALS)
    same = db.execute("pragma schema_version").fetchone()
    contract.define(db, [replace(SIGNALS[0], definition="f" * 12), *SIGNALS[1:]])

    assert same == laid_out
    assert db.execute("pragma schema_version").fetchone() != same
    assert contract.definitions(db)[SIGNALS[0].name] == "f" * 12
    old = "select current from definitions where signal = ? and definition = ?"
    assert db.execute(old, [SIGNALS[0].name, SIGNALS[0].definition]).fetchone() == (0,)


def test_another_definition_leaves_the_old_rows_beside_the_new(demo: Path, tmp_path: Path) -> None:
    page = (Path(rules.__file__).parents[1] / "health.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    question = "On how many days did the customer write?"
    own.write_text(page.replace(question, "How many days did they write on?"), "utf-8")
    with mailhealth.open(demo / "acme.db") as health:
        since = contract.newest_revision(health.db)

    with mailhealth.open(demo / "acme.db", rules=own) as health:
        looked = health.signals(as_of=NOV)
        days = health.scored_days()
        health.evaluate([NOV])
        found = health.signals(as_of=NOV)
        changed = health.signal_changes(since)

    assert days == []
    assert looked.equals(found)
    assert {row["signal"] for row in changed.rows} == {"active_days"}
    assert {row["definition"] for row in changed.rows} == {changed.definitions["active_days"]}
    assert changed.removed == []
    with mailhealth.open(demo / "acme.db") as health:
        before = health.signals(as_of=NOV)
    assert len(before) == len(found)
    assert set(before["definition"]) != set(found["definition"])


# Incremental readers


def follow(rows: dict[Any, Any], health: Health, revision: int) -> int:
    """Bring a copy up to date as the page tells its readers to."""
    page = (ROOT / "docs" / "email_signals.md").read_text("utf-8")
    (recipe,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    told: dict[str, Any] = {}
    exec(recipe, told)
    revision = told["follow"](health, rows, revision)
    return int(revision)


def everything(db: Database) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = db.query("select * from email_signals")
    return {tuple(row[name] for name in KEY): row for row in rows}


def test_an_earlier_instant_of_a_day_goes_and_readers_are_told(db: Database) -> None:
    customers(db, "globex.example")
    morning, noon = "2026-11-01T08:00:00Z", "2026-11-01T12:00:00Z"
    results.save_day(db, morning, [value("globex.example", "nps", 9.0, as_of=morning)])

    results.save_day(db, noon, [value("globex.example", "nps", 9.0, as_of=noon)])

    told = contract.changes(db, 1)
    assert told.removed == [{"customer": None, "as_of": morning, "revision": 2}]
    assert [(row["as_of"], row["revision"]) for row in told.rows] == [(noon, 3)]


def test_a_customer_that_goes_leaves_word(db: Database) -> None:
    customers(db, "globex.example", "umbra.example")
    results.save_day(db, NOV, [value("globex.example", "nps", 9.0)])

    people.assign(db)  # nobody belongs to either of them

    told = contract.changes(db, 1)
    assert people.names(db) == []
    assert told.removed == [{"customer": "globex.example", "as_of": None, "revision": 2}]
    assert (told.revision, told.rows) == (2, [])


def test_a_revision_is_never_given_twice(db: Database) -> None:
    customers(db, "globex.example")
    results.save_day(db, NOV, [value("globex.example", "nps", 9.0)])
    contract.remove(db, customers=["globex.example"])

    results.save_day(db, NOV, [value("globex.example", "nps", 9.0)])

    assert [row["revision"] for row in contract.changes(db, 2).rows] == [3]


def test_a_row_that_says_what_it_said_is_no_change(db: Database) -> None:
    customers(db, "globex.example")
    rows = [value("globex.example", "nps", 9.0), value("globex.example", "csat", None)]
    results.save_day(db, NOV, rows)

    results.save_day(db, NOV, [rows[0], value("globex.example", "csat", 1.0)])

    assert [row["signal"] for row in contract.changes(db, 1).rows] == ["csat"]


def test_what_was_kept_before_there_were_revisions_is_told_too(tmp_path: Path) -> None:
    old = Database(tmp_path / "old.db")
    store._migrations().apply(old, stop_before="007_signals")
    customers(old, "globex.example")
    row = {"customer": "globex.example", "as_of": NOV, "window_days": 90, "signal": "nps"}
    store.insert(old, "email_signals", [{**row, "value": 9.0, "definition": "0" * 12}])
    old.conn.commit()
    old.close()

    db = store.connect(tmp_path / "old.db")

    (told,) = contract.changes(db, 0).rows
    assert (told["value"], told["shrunk"], told["revision"]) == (9.0, 9.0, 1)
    db.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    store.connect(path).close()
    return path


NAMES = ("a.example", "b.example", "c.example")
INSTANTS = ("2026-10-01T00:00:00Z", "2026-10-01T12:00:00Z", "2026-10-02T00:00:00Z")
DAYS = st.tuples(
    st.just("evaluate"),
    st.sampled_from(INSTANTS),
    st.sampled_from(["a" * 12, "b" * 12]),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from([None, 1.0, 2.0]), min_size=1),
    st.booleans(),
)
STEPS = st.one_of(
    DAYS, st.tuples(st.just("go"), st.sampled_from(NAMES)), st.tuples(st.just("follow"))
)


def take(db: Database, step: tuple[Any, ...]) -> None:
    """One step of a database's life."""
    match step:
        case ("evaluate", as_of, definition, told, some):
            customers(db, *told)
            rows = [
                value(customer, "nps", number, as_of=as_of, definition=definition)
                for customer, number in told.items()
            ]
            results.save_day(db, as_of, rows, some=some)
        case ("go", customer):
            contract.remove(db, customers=[customer])


@given(st.lists(STEPS, max_size=12))
@settings(deadline=None, max_examples=50)
def test_whoever_follows_the_changes_has_the_table(empty: Path, steps: list[Any]) -> None:
    with TemporaryDirectory() as folder, Health(shutil.copy(empty, folder)) as health:
        copy: dict[Any, Any] = {}
        revision = 0

        for step in [*steps, ("follow",)]:
            take(health.db, step)
            if step == ("follow",):
                revision = follow(copy, health, revision)

        assert copy == everything(health.db)


def write_golden() -> None:
    """Write down what is promised now."""
    with TemporaryDirectory() as folder:
        db = store.connect(Path(folder) / "golden.db")
        told = {"version": contract.CONTRACT, "promised": promised(db)}
        db.close()
    GOLDEN.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    write_golden()
