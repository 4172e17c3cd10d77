"""Surveys: what was asked and answered, told apart from silence and from what programs fetch."""

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import mailhealth
from mailhealth import intervals, sources
from mailhealth.cli import surveys  # noqa: F401 - registers the verb
from mailhealth.cli.app import main
from mailhealth.errors import BadData, BadSource, NotRecognised, UnknownName
from mailhealth.health import Health
from mailhealth.health.batches import batches
from mailhealth.records import Answer, Found, Skipped
from mailhealth.store import inbox, people
from mailhealth.store.answers import SurveyResult
from tests.letters import START, letter

AS_OF = "2026-11-01T00:00:00Z"
HEADER = ("Email", "NPS", "Comment", "Asked at", "Answered at")
END = datetime(2026, 11, 1, tzinfo=UTC)


def day(back: float) -> str:
    """So many days before AS_OF, as an export writes it."""
    return f"{END - timedelta(days=back):%Y-%m-%dT%H:%M:%SZ}"


def export(folder: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
    """Write a survey's export, one more in a folder."""
    path = folder / f"survey{len(list(folder.glob('*.csv')))}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def read(path: Path, connector: str = "survey_csv", **said: str) -> list[Answer | Skipped]:
    """What a connector makes of a file; without the Marks."""
    items = sources.read(sources.connector(connector), {"path": str(path), **said}, {})
    found = [item.what if isinstance(item, Found) else item for item in items]
    return [item for item in found if isinstance(item, Answer | Skipped)]


def asked(health: Health, *exports: Path, **said: str) -> Health:
    """Read some exports into a database, each as a source of its own."""
    for number, path in enumerate(exports):
        name = f"{path.stem}-{number}"
        source = health.connect(name, "survey_csv", path=path, **said)
        items = sources.read(sources.connector("survey_csv"), source.settings, {})
        for batch in batches(items):
            inbox.save(health.db, name, batch, known_at=0)
    people.assign(health.db)
    return health


@pytest.fixture
def health(tmp_path: Path) -> Health:
    return mailhealth.open(tmp_path / "acme.db")


def only(results: list[SurveyResult]) -> SurveyResult:
    assert len(results) == 1
    return results[0]


# From rows to answers


def test_a_row_without_an_answer_was_asked_and_is_silent(tmp_path: Path) -> None:
    path = export(tmp_path, ("ann@globex.example", "", "", day(30), ""))

    (answer,) = read(path)

    assert isinstance(answer, Answer)
    assert answer.value is None
    assert answer.at == answer.asked_at == int((END - timedelta(days=30)).timestamp())


@pytest.mark.parametrize("value", ["11", "-1", "7.5", "100", "ten", "9/5", "nan", "1e1"])
def test_what_lies_outside_the_scale_is_refused_with_its_value(value: str, tmp_path: Path) -> None:
    path = export(tmp_path, ("ann@globex.example", value, "", "", day(1)))

    (skipped,) = read(path)

    assert isinstance(skipped, Skipped)
    assert skipped.place.endswith(":2")
    assert skipped.why == f"'{value}' is no answer from 0 to 10"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9", 9),
        ("9.0", 9),
        ("９", 9),
        ("9/10", 9),
        ("9点", 9),
        ("10 - Extremely likely", 10),
        ("0", 0),
    ],
)
def test_an_answer_is_read_as_people_and_programs_write_it(
    text: str, value: int, tmp_path: Path
) -> None:
    path = export(tmp_path, ("ann@globex.example", text, "", "", day(1)))

    (answer,) = read(path)

    assert isinstance(answer, Answer)
    assert answer.value == value


def test_a_second_row_of_headings_is_left_out_and_no_failure() -> None:
    items = read(Path(__file__).parents[1] / "connectors/surveymonkey/sample.csv", "surveymonkey")

    left = [item for item in items if isinstance(item, Skipped)]
    assert [(item.why, item.meant) for item in left] == [
        ("has no recipient", False),
        ("1 row: is a second row of headings", True),
    ]


def test_one_wrong_answer_of_a_row_leaves_the_other(tmp_path: Path) -> None:
    header = ("Email", "NPS", "CSAT", "Comment", "Answered at")
    path = export(tmp_path, ("ann@globex.example", "12", "4", "fine", day(1)), header=header)

    answer, skipped = read(path)

    assert isinstance(answer, Answer)
    assert (answer.kind, answer.value, answer.scale, answer.comment) == ("csat", 4, 5, "fine")
    assert isinstance(skipped, Skipped)


def test_the_comment_of_a_row_is_kept_once(tmp_path: Path) -> None:
    header = ("Email", "NPS", "CSAT", "Comment", "Answered at")
    path = export(tmp_path, ("ann@globex.example", "", "4", "fine", day(1)), header=header)

    comments = {each.kind: each.comment for each in read(path) if isinstance(each, Answer)}

    assert comments == {"nps": "", "csat": "fine"}


def test_a_formula_is_refused_and_a_dash_before_a_word_is_a_comment(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        ("ann@globex.example", "9", '=HYPERLINK("https://attacker.example")', "", day(1)),
        ("bob@globex.example", "8", "- support(Tom) was great", "", day(1)),
    )

    formula, comment = read(path)

    assert isinstance(formula, Skipped)
    assert "holds a formula" in formula.why
    assert isinstance(comment, Answer)


def test_a_question_in_other_words_is_named_by_the_user(tmp_path: Path) -> None:
    header = (
        "Email Address",
        "Respondent ID",
        "Collector ID",
        "Start Date",
        "End Date",
        "Wie war es?",
    )
    row = ("ann@globex.example", "1", "2", "04/02/2026 09:58:11 AM", "04/02/2026 10:02:40 AM", "6")
    path = export(tmp_path, row, header=header)
    connector = sources.connector("surveymonkey")

    with pytest.raises(NotRecognised, match="give value= with the column of the answers"):
        sources.check(connector, {"path": str(path)})
    (answer,) = read(path, "surveymonkey", value="Wie war es?", kind="csat", scale="7")

    assert isinstance(answer, Answer)
    assert (answer.kind, answer.value, answer.scale) == ("csat", 6, 7)


@pytest.mark.parametrize("said", [{"kind": "ces"}, {"kind": "csat", "scale": "6"}, {"scale": "x"}])
def test_a_kind_or_scale_that_there_is_not_is_refused(said: dict[str, str], tmp_path: Path) -> None:
    path = export(tmp_path, ("ann@globex.example", "9", "", "", day(1)))

    with pytest.raises(BadSource, match=r"kind|scale"):
        sources.check(sources.connector("survey_csv"), {"path": str(path), **said})


@pytest.mark.parametrize(
    "answer",
    [
        'recipient = "Email"\nat = "Date"',
        'recipient = "Email"\nvalue = "NPS"',
        'recipient = "Email"\nvalue = "NPS"\nat = "Date"\nkind = "ces"',
        'recipient = "Email"\nvalue = "NPS"\nat = "Date"\nscale = 5',
        'recipient = "Email"\nvalue = "NPS"\nat = "Date"\nvalues = { good = "5" }',
        'recipient = "Email"\nvalue = "NPS"\nat = "Date"\nanswerer = "Name"',
    ],
)
def test_a_wrong_answer_table_is_refused_in_one_sentence(answer: str, tmp_path: Path) -> None:
    text = f'title = "X"\nreader = ["csv"]\n[answer]\n{answer}\n'
    (tmp_path / "connector.toml").write_text(text, encoding="utf-8")

    with pytest.raises(BadData, match=r"\[answer\]"):
        sources.connector(str(tmp_path))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.text(max_size=12)] * 5), max_size=8))
def test_no_row_of_an_export_raises(rows: list[tuple[str, ...]]) -> None:
    from mailhealth.records import Row
    from mailhealth.sources.answers import answers

    connector = sources.connector("survey_csv")
    said = (
        Row(f"x:{number}", dict(zip(HEADER, row, strict=True))) for number, row in enumerate(rows)
    )

    items = list(answers(connector, connector.forms[-1], said, file=Path("x.csv"), settings={}))

    assert all(isinstance(item, Found | Skipped) for item in items)


# What they add up to


def test_nps_is_promoters_minus_detractors_with_an_adjusted_wald_interval(
    health: Health, tmp_path: Path
) -> None:
    values = [10] * 6 + [8] * 2 + [3] * 2
    rows = [
        (f"p{n}@globex.example", str(value), "", day(3), day(2)) for n, value in enumerate(values)
    ]

    result = only(asked(health, export(tmp_path, *rows)).surveys(as_of=AS_OF))

    # By hand: shares 6.75/13 and 2.75/13, difference 4/13, variance (9.5/13 - 16/169)/13.
    assert (result.kind, result.n, result.value) == ("nps", 10, 40)
    assert result.low == pytest.approx(-12.59, abs=0.01)
    assert result.high == pytest.approx(74.12, abs=0.01)


def test_the_interval_of_a_net_promoter_score_holds_for_few_answers() -> None:
    random_ = random.Random(4)
    shares, trials = (0.55, 0.25), 3_000
    held = 0
    for _ in range(trials):
        draws = [random_.random() for _ in range(12)]
        up = sum(draw < shares[0] for draw in draws)
        down = sum(draw > 1 - shares[1] for draw in draws)
        low, high = intervals.net_promoter(up, down, 12)
        held += low is not None and high is not None and low <= 0.3 <= high

    assert 0.93 < held / trials < 0.98


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_net_promoter_interval_holds_the_score_and_lies_within_the_scale(
    up: int, middle: int, down: int
) -> None:
    low, high = intervals.net_promoter(up, down, up + middle + down)

    if up + middle + down:
        assert low is not None and high is not None
        assert -1 <= low <= (up - down) / (up + middle + down) <= high <= 1
    else:
        assert low is None and high is None


def test_of_several_answers_within_seconds_the_last_counts_and_all_rows_stay(
    health: Health, tmp_path: Path
) -> None:
    burst = [f"2026-10-20T09:00:{second:02}Z" for second in (0, 4, 9, 16)]
    rows = [
        ("ann@globex.example", value, "", day(20), at)
        for value, at in zip("0379", burst, strict=True)
    ]

    health = asked(health, export(tmp_path, *rows))

    assert only(health.surveys(as_of=AS_OF)).value == 100
    counted = health.db.execute("select value from survey_answers").fetchall()
    assert counted == [(9,)]
    assert health.db.table("answers").count == 4


def test_the_newest_answer_of_a_person_speaks_for_270_days(health: Health, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        ("ann@globex.example", "2", "", "", day(200)),
        ("ann@globex.example", "9", "", "", day(100)),
        ("bob@globex.example", "0", "", "", day(271)),
    )

    health = asked(health, path)

    result = only(health.surveys(as_of=AS_OF))
    assert (result.n, result.value) == (1, 100)
    then = only(health.surveys(as_of=day(150)))
    assert (then.n, then.value) == (2, -100)


def test_asked_and_silent_is_not_never_asked(health: Health, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        ("ann@globex.example", "9", "", day(60), day(55)),
        ("bob@globex.example", "8", "", day(60), day(30)),
        ("cleo@globex.example", "", "", day(60), ""),
        ("dan@globex.example", "", "", day(5), ""),
        ("eve@initech.example", "", "", day(60), ""),
    )
    health = asked(health, path)
    health.import_customers(_customers(tmp_path, "globex", "initech", "hooli"))

    by_customer = {each.group: each for each in health.surveys(by="customer", as_of=AS_OF)}

    assert set(by_customer) == {"Globex", "Initech"}  # Hooli was never asked
    globex, initech = by_customer["Globex"], by_customer["Initech"]
    assert (globex.asked, globex.answered, globex.silent, globex.n) == (3, 1, 1, 2)
    assert globex.response_rate == pytest.approx(1 / 3)
    assert (initech.asked, initech.silent, initech.n, initech.value) == (1, 1, 0, None)


def _customers(folder: Path, *names: str) -> Path:
    path = folder / "customers.txt"
    rows = [f"{name.capitalize()},{name}.example,{name[:1]}\n" for name in names]
    path.write_text("customer,domain,segment\n" + "".join(rows), encoding="utf-8")
    return path


def test_an_answer_to_the_second_request_leaves_the_first_one_silent(
    health: Health, tmp_path: Path
) -> None:
    first = export(tmp_path, ("ann@globex.example", "", "", day(100), ""))
    second = export(tmp_path, ("ann@globex.example", "9", "", day(50), day(49)))
    for path in (first, second):
        path.rename(path.with_name("survey.csv"))
        health = asked(health, path.with_name("survey.csv"))

    result = only(health.surveys(as_of=AS_OF))

    assert (result.asked, result.answered, result.silent) == (2, 1, 1)


def test_silence_is_broken_by_an_answer_in_a_later_export(health: Health, tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    export(tmp_path, ("ann@globex.example", "", "", day(50), "")).rename(path)
    health = asked(health, path)
    before = only(health.surveys(as_of=AS_OF))
    path.unlink()
    export(tmp_path, ("ann@globex.example", "9", "", day(50), day(49))).rename(path)

    after = only(asked(health, path, path).surveys(as_of=AS_OF))

    assert (before.asked, before.silent, before.n) == (1, 1, 0)
    assert (after.asked, after.answered, after.silent, after.n) == (1, 1, 0, 1)


def test_satisfied_are_those_at_four_fifths_of_the_scale(health: Health, tmp_path: Path) -> None:
    header = ("Email", "CSAT", "Answered at")
    values = ["7", "6", "5", "4"]
    rows = [(f"p{n}@globex.example", value, day(n + 1)) for n, value in enumerate(values)]

    result = only(
        asked(health, export(tmp_path, *rows, header=header), kind="csat", scale="7").surveys(
            as_of=AS_OF
        )
    )

    assert (result.kind, result.n, result.value) == ("csat", 4, 0.5)
    assert (result.low, result.high) == pytest.approx(intervals.wilson(2, 4))


def test_answers_in_mails_join_in(health: Health, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        ("ann@globex.example", "2", "", "", day(200)),
        ("bob@globex.example", "9", "", "", day(10)),
    )
    health = asked(health, path)
    back = (END.timestamp() - START) / 86_400 - 5
    mail = letter("m", "ann@globex.example", "us@acme.example", day=back)
    inbox.save(health.db, "survey0-0", [mail], known_at=0)
    health.us("acme.example")
    health.db.execute("update messages set read_by = 'mail-1'")
    health.db.table("annotations").insert(
        {"message": "m", "model": "mail-1", "task": "nps", "label": "answer", "value": 10.0}
    )

    result = only(health.surveys(as_of=AS_OF))

    assert (result.n, result.value) == (2, 100)


def test_our_own_people_try_surveys_and_are_not_counted(health: Health, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        ("tom@acme.example", "10", "", day(9), day(8)),
        ("ann@globex.example", "0", "", day(9), day(8)),
    )
    health = asked(health, path)
    health.us("acme.example")

    result = only(health.surveys(as_of=AS_OF))

    assert (result.n, result.value) == (1, -100)


def test_nothing_after_the_instant_is_counted(health: Health, tmp_path: Path) -> None:
    path = export(tmp_path, ("ann@globex.example", "9", "late", day(60), day(40)))
    health = asked(health, path)

    assert health.surveys(as_of=day(61)) == []
    silent = only(health.surveys(as_of=day(45)))
    assert (silent.asked, silent.silent, silent.n) == (1, 1, 0)
    assert health.survey_comments(as_of=day(45)) == []
    assert only(health.surveys(as_of=AS_OF)).n == 1


def test_the_signals_count_answers_from_every_export(health: Health, tmp_path: Path) -> None:
    header = ("Email", "NPS", "CSAT", "Answered at")
    path = export(tmp_path, ("ann@globex.example", "3", "4", day(20)), header=header)
    health = asked(health, path)
    health.evaluate([AS_OF])

    frame = health.signals().set_index("signal")
    signals = frame.loc[["nps", "csat"]]["value"].to_dict()
    (evidence,) = health.explain("globex.example").evidence["nps"]

    assert signals == {"nps": 3, "csat": pytest.approx(1, abs=0.5)}
    assert evidence.what == "survey0: 3 of 10"


def test_comments_are_read_by_the_model_and_shown_with_their_tone(
    health: Health, tmp_path: Path
) -> None:
    path = export(
        tmp_path,
        ("ann@globex.example", "1", "I am very unhappy, this is terrible.", "", day(3)),
        ("aoi@asahina.example", "10", "とても満足しています。ありがとうございます。", "", day(2)),
        ("bob@globex.example", "7", "", "", day(1)),
    )
    health = asked(health, path)

    read_once, read_again = health.read_texts(), health.read_texts()

    assert (read_once, read_again) == (2, 0)
    tones = {each["value"]: each["sentiment"] for each in health.survey_comments(as_of=AS_OF)}
    assert tones == {1: "negative", 10: "positive"}


def test_reading_an_export_again_changes_nothing(health: Health, tmp_path: Path) -> None:
    path = export(
        tmp_path,
        ("ann@globex.example", "9", "good", day(9), day(8)),
        ("bob@globex.example", "", "", day(9), ""),
    )
    before = list(asked(health, path).db.query("select * from answers"))

    again = list(asked(health, path).db.query("select * from answers"))

    assert before == again


def test_the_verb_lists_results_and_comments(tmp_path: Path) -> None:
    with mailhealth.open(tmp_path / "acme.db") as health:
        asked(health, export(tmp_path, ("ann@globex.example", "9", "good", day(9), day(8))))

    def run(*options: str) -> list[dict[str, object]]:
        db = str(tmp_path / "acme.db")
        result = CliRunner().invoke(
            main, ["--db", db, "surveys", "--as-of", AS_OF, "--json", *options]
        )
        assert result.exit_code == 0, result.output
        found: list[dict[str, object]] = json.loads(result.output)
        return found

    assert run()[0]["value"] == 100
    assert run("--by", "survey")[0]["survey"] == "survey0"
    assert (
        run("--by", "customer", "--customer", "globex.example")[0]["customer"] == "globex.example"
    )
    assert run("--comments")[0]["comment"] == "good"


def test_a_customer_or_group_that_there_is_not_is_refused(health: Health) -> None:
    with pytest.raises(UnknownName, match="no customer"):
        health.surveys(customer="nobody")
    with pytest.raises(UnknownName, match="customer, segment, survey"):
        health.surveys(by="owner")  # type: ignore[arg-type]
