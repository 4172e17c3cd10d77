"""Other systems: files come in whole or not at all, formulas are the standard ones, sums add up."""

import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import mailhealth
from mailhealth import outside
from mailhealth.cli import main
from mailhealth.customers import CustomerRow
from mailhealth.errors import BadData, BadSource, UnknownName
from mailhealth.health import Health
from mailhealth.outside import EMAIL, EVERYBODY, Component, Figure, formula
from mailhealth.records import Contribution
from mailhealth.store import people

PAGE = outside.load()
METRICS = {
    name: metric for each in PAGE.components.values() for name, metric in each.metrics.items()
}
FORMULAS = [metric for metric in METRICS.values() if metric.formula]
SCORED = [metric for metric in METRICS.values() if metric.range]
OTHERS = [name for name in PAGE.components if name != EMAIL]
HEAD = "customer,component,metric,value,at\n"
AS_OF = "2026-11-01T00:00:00Z"
NOW = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
DAY = 86_400


@pytest.fixture
def health(tmp_path: Path) -> Health:
    """An installation that knows three customers in two segments, and no mail."""
    health = mailhealth.open(tmp_path / "acme.db")
    empty = CustomerRow("", (), None, None, None, None)
    rows = [
        replace(empty, customer="globex.example", segment="enterprise"),
        replace(empty, customer="Umbra", segment="small"),
        replace(empty, customer="星野物流", segment="enterprise"),
    ]
    people.replace_customers(health.db, rows)
    return health


def write(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    file = folder / "figures.csv"
    file.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding)
    return file


def known(health: Health, **asked: str) -> dict[tuple[str, str], float]:
    rows = health.outside(**{"as_of": AS_OF, **asked})
    return {(row["customer"], row["metric"]): row["value"] for row in rows}


def refused(health: Health, file: Path) -> list[str]:
    """What is said of a file, line by line; nothing of it may stay."""
    before = kept(health)
    with pytest.raises(BadData) as error:
        health.import_outside(file)
    assert kept(health) == before
    *wrong, last = str(error.value).splitlines()
    assert last == "nothing was changed"
    return [line.removeprefix(f"{file}:") for line in wrong]


def kept(health: Health) -> list[tuple[object, ...]]:
    return health.db.execute("select * from outside order by 1, 2, 3, 4").fetchall()


def told(metric: outside.Metric, numbers: dict[str, float], who: str = "a") -> outside.Measured:
    """What a metric is on a day on which these numbers are known."""
    figures = [Figure(who, metric.component, name, NOW - DAY, of) for name, of in numbers.items()]
    return next(each for each in outside.measured(figures, AS_OF) if each.metric == metric.name)


# ---------------------------------------------------------------- formulas


@pytest.mark.parametrize("metric", FORMULAS, ids=lambda metric: metric.name)
def test_every_formula_gives_what_its_worked_example_says(metric: outside.Metric) -> None:
    assert metric.gives is not None, "a formula needs an example"

    assert told(metric, dict(metric.example)).value == pytest.approx(metric.gives, rel=1e-4)


def test_the_definitions_that_are_often_got_wrong(health: Health, tmp_path: Path) -> None:
    day = "2026-09-30"
    lines = {
        "sales": {"start": 10_000, "end": 12_000, "new": 5_000, "arpa": 100, "margin": "70%"},
        "marketing": {"sent": 1_000, "bounced": 50, "clickers": 100},
        "voc": {"promoters": 300, "passives": 100, "detractors": 100},
        "billing": {"start_mrr": 100, "contraction": 5, "churned_mrr": 10, "expansion": 20},
        "social": {"interactions": 750, "audience": 10_000},
    }
    month = ["*,sales,churn,10%,2026-08-31", "*,sales,months,1,2026-08-31"]
    year = ["segment:small,sales,churn,0.08333333333,2026-09-30"]
    year += ["segment:small,sales,arpa,100,2026-09-30", "segment:small,sales,margin,0.7,2026-09-30"]
    rows = [f"*,{c},{m},{v},{day}" for c, of in lines.items() for m, v in of.items()]

    health.import_outside(write(tmp_path, *rows, *month, *year))
    found = known(health)

    assert found[EVERYBODY, "retention"] == 0.70  # not (end - start) / start = 20 %
    assert found[EVERYBODY, "churn"] == 0.30
    assert found[EVERYBODY, "annual_churn"] == pytest.approx(0.718, abs=5e-4)  # not 120 %
    assert found["segment:small", "lifetime_revenue"] == pytest.approx(1200)
    assert found["segment:small", "clv"] == pytest.approx(840)  # not the revenue
    assert found[EVERYBODY, "ctr"] == pytest.approx(0.105, abs=5e-4)  # of 950 delivered
    assert found[EVERYBODY, "nps"] == 40
    assert found[EVERYBODY, "grr"] == 0.85
    assert found[EVERYBODY, "nrr"] == 1.05
    assert found[EVERYBODY, "social_engagement"] == 0.075  # not "about"


def test_an_nps_of_500_answers_is_40_within_7(health: Health, tmp_path: Path) -> None:
    answers = ("promoters,300", "passives,100", "detractors,100")
    health.import_outside(write(tmp_path, *(f"*,voc,{each},2026-09-30" for each in answers)))

    (row,) = health.outside(as_of=AS_OF)

    assert row["n"] == 500
    assert (row["high"] - row["low"]) / 2 == pytest.approx(7.0, abs=0.05)


def test_a_rate_has_its_n_and_wilsons_interval() -> None:
    answer = told(METRICS["csat"], {"csat_top": 8, "csat_answers": 10})

    assert (answer.k, answer.n) == (8, 10)
    assert (answer.low, answer.high) == pytest.approx((0.4902, 0.9433), abs=5e-5)


@pytest.mark.parametrize(
    "numbers",
    [
        {"logged_in": 0, "provisioned": 0},
        {"logged_in": 5},
        {"logged_in": 5, "provisioned": 3},
    ],
    ids=["nobody", "one part", "more than all"],
)
def test_what_cannot_be_told_is_unknown_and_not_zero(numbers: dict[str, float]) -> None:
    with pytest.raises(StopIteration):
        told(METRICS["login_rate"], numbers)


def test_parts_count_together_only_on_one_day() -> None:
    figures = [
        Figure("a", "product", "provisioned", NOW - 9 * DAY, 10),
        Figure("a", "product", "logged_in", NOW - 9 * DAY + 60, 5),
        Figure("a", "product", "logged_in", NOW - 2 * DAY, 9),
    ]

    (answer,) = outside.measured(figures, AS_OF)

    assert (answer.value, answer.at) == (0.5, "2026-10-23")


def test_parts_win_over_the_number_itself_because_they_carry_their_n() -> None:
    both = {"login_rate": 0.9, "logged_in": 5, "provisioned": 10}

    assert told(METRICS["login_rate"], both).value == 0.5
    assert told(METRICS["login_rate"], {"login_rate": 0.9}).n is None


def test_a_value_speaks_for_180_days_and_an_nps_answer_for_270() -> None:
    def still(metric: str, days: int) -> bool:
        component = METRICS[metric].component
        return bool(
            [*outside.measured([Figure("a", component, metric, NOW - days * DAY, 1)], AS_OF)]
        )

    assert still("login_rate", 180)
    assert not still("login_rate", 181)
    assert still("nps_answer", 270)
    assert not still("nps_answer", 271)


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "a.b", "a[0]", "a if b else c", "f(a)", "a +", "'x' * 3", "", "a < b"],
)
def test_a_formula_is_arithmetic_and_nothing_else(text: str) -> None:
    with pytest.raises(BadData, match="no formula"):
        formula.names(text)


def test_a_formula_without_an_answer_is_unknown() -> None:
    numbers = {"a": 1.0, "zero": 0.0, "minus": -8.0, "large": 1e99}

    for text in ("a / zero", "minus ** 0.5", "large ** large", "a + nobody"):
        assert formula.evaluate(text, numbers.get) is None


# ---------------------------------------------------------------- files


def test_the_same_file_twice_changes_nothing(health: Health, tmp_path: Path) -> None:
    line = "globex.example,product,login_rate,0.7,2026-10-31"
    file = write(tmp_path, line, line, "*,sales,churn,0.1,2026-10-31")

    first, before = health.import_outside(file).figures, kept(health)
    second = health.import_outside(file).figures

    assert (first.new, first.replaced, first.known) == (2, 0, 0)
    assert (second.new, second.replaced, second.known) == (0, 0, 2)
    assert kept(health) == before


def test_a_later_value_of_the_same_time_replaces(health: Health, tmp_path: Path) -> None:
    line = "globex.example,product,login_rate,{},2026-10-31"
    health.import_outside(write(tmp_path, line.format("0.7"), line.format("0.6")))
    assert known(health) == {("globex.example", "login_rate"): 0.6}

    again = health.import_outside(write(tmp_path, line.format("0.5"))).figures

    assert (again.new, again.replaced) == (0, 1)
    assert known(health) == {("globex.example", "login_rate"): 0.5}


def test_every_wrong_line_is_named_with_the_nearest_right_word(
    health: Health, tmp_path: Path
) -> None:
    health.import_outside(write(tmp_path, "Umbra,voc,csat,0.9,2026-10-01"))
    wrong = {
        "globx.example,product,login_rate,0.7,2026-10-31": (
            "no customer 'globx.example'; did you mean 'globex.example'?"
        ),
        "segment:entreprise,product,login_rate,0.7,2026-10-31": (
            "no segment:entreprise; did you mean 'segment:enterprise'?"
        ),
        "Umbra,prodct,login_rate,0.7,2026-10-31": (
            "no component 'prodct'; did you mean 'product'?"
        ),
        "Umbra,product,login_rte,0.7,2026-10-31": (
            "no metric 'login_rte' in product; did you mean 'login_rate'?"
        ),
        "Umbra,product,csat,0.7,2026-10-31": "no metric 'csat' in product; it is one of voc",
        "Umbra,product,login_rate,85,2026-10-31": (
            "login_rate is 85, but lies from 0 to 1; write 0.85 or 85%"
        ),
        "Umbra,product,login_rate,,2026-10-31": "value is '', not a number such as 42 or 0.7",
        "Umbra,product,login_rate,nan,2026-10-31": "value is 'nan', not a number such as 42 or 0.7",
        "Umbra,product,provisioned,-1,2026-10-31": "provisioned is -1, but lies at 0 or above",
        "Umbra,product,provisioned,1,200,2026-10-31": (
            "has 6 cells where the header has 5; is there a comma in a number?"
        ),
        'Umbra,product,provisioned,"1,200",2026-10-31': (
            "value is '1,200', not a number such as 42 or 0.7; write 1200 without a comma"
        ),
        "Umbra,voc,nps,40%,2026-10-31": (
            "value is '40%', but nps is no percentage; write a plain number"
        ),
        "Umbra,voc,nps,40,2026/10/31": (
            "at is '2026/10/31', not a date like 2026-10-31; write 2026-10-31"
        ),
        "Umbra,voc,nps,40,1962-10-31": (
            "at is 1962-10-31, which lies before 1970; is the year right?"
        ),
        ",voc,nps,40,2026-10-31": "names no customer; '*' stands for all of them together",
    }

    said = refused(health, write(tmp_path, *wrong))

    assert said == [f"{number}: {why}" for number, why in enumerate(wrong.values(), 2)]


def test_all_that_is_wrong_with_a_line_is_told_at_once(health: Health, tmp_path: Path) -> None:
    said = refused(health, write(tmp_path, "Umbre,product,login_rte,85,yesterday"))

    assert said == [
        "2: no customer 'Umbre'; did you mean 'Umbra'?",
        "2: no metric 'login_rte' in product; did you mean 'login_rate'?",
        "2: at is 'yesterday', not a date like 2026-10-31",
    ]


def test_the_future_is_refused_but_not_a_day_that_has_begun_in_the_east(tmp_path: Path) -> None:
    def read(at: str) -> list[Figure]:
        return outside.read_file(write(tmp_path, f"a,voc,csat,1,{at}"), ["a"], now=NOW - 3600)

    assert read("2026-11-01")  # in Tokyo it is the first already
    assert read("2026-11-01T07:59:00+09:00")
    for at in ("2026-11-02", "2026-11-01T08:01:00+09:00", "2026-10-31T23:00:01Z"):
        with pytest.raises(BadData, match=r"lies in the future; nothing is known of it yet"):
            read(at)


def test_a_value_at_or_after_the_day_is_not_read() -> None:
    late = [Figure("a", "voc", "csat", at, 1.0) for at in (NOW, NOW + 1)]

    assert [*outside.measured(late, AS_OF)] == []
    assert outside.components(late, AS_OF) == {}


def test_lines_that_cannot_be_true_together_are_refused(health: Health, tmp_path: Path) -> None:
    lines = ["Umbra,product,provisioned,60,2026-10-30", "Umbra,product,logged_in,61,2026-10-30"]

    said = refused(health, write(tmp_path, *lines))

    assert said == ["3: login_rate would be 61 of 60 (logged_in of provisioned)"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_japanese_customers_are_read_in_every_usual_encoding(
    health: Health, tmp_path: Path, encoding: str
) -> None:
    health.import_outside(
        write(tmp_path, "星野物流,voc,nps_answer,９,2026-10-31", encoding=encoding)
    )

    assert known(health) == {("星野物流", "nps_answer"): 9}


def test_words_are_compared_without_regard_to_case_and_width(
    health: Health, tmp_path: Path
) -> None:
    file = tmp_path / "excel.csv"
    file.write_text(
        "Customer;Component;Metric;Value;At;note\r\n"
        "ＵＭＢＲＡ;Product;Login Rate;85 %;2026-10-31 09:00;x;;\r\n\r\n"
    )

    health.import_outside(file)

    assert known(health) == {("Umbra", "login_rate"): 0.85}


def test_customers_that_differ_in_case_only_are_told_apart_by_it(tmp_path: Path) -> None:
    lines = [f"{name},voc,csat,1,2026-10-31" for name in ("Umbra", "umbra", "GLOBEX")]

    figures = outside.read_file(write(tmp_path, *lines), ["Umbra", "umbra", "Globex"], now=NOW)

    assert [figure.customer for figure in figures] == ["Umbra", "umbra", "Globex"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", r":1: no column 'customer'.* has nothing"),
        (b"customer,component,metrics,value,at\n", r"no column 'metric' \(is it 'metrics'\?\)"),
        (b"customer,component,metric,value,at,at\n", "more than one column 'at'"),
        (HEAD.encode() + b'a,voc,"csat,1,2026-10-31\n', ":2: no CSV that can be read"),
        (HEAD.encode("utf-16"), "neither UTF-8 nor CP932"),
    ],
    ids=["empty", "misspelt", "twice", "quote", "utf-16"],
)
def test_a_file_that_is_no_table_of_figures_is_refused(
    tmp_path: Path, content: bytes, why: str
) -> None:
    file = tmp_path / "figures.csv"
    file.write_bytes(content)

    with pytest.raises(BadData, match=why):
        outside.read_file(file, ["a"], now=NOW)
    with pytest.raises(BadSource, match="cannot read the file"):
        outside.read_file(tmp_path, ["a"], now=NOW)


def test_a_wrong_file_is_refused_at_once_however_long_it_is(tmp_path: Path) -> None:
    lines = [f"stranger{n},voc,csat,1,2026-10-31" for n in range(5_000)]
    customers = [f"customer{n}.example" for n in range(400)]

    with pytest.raises(BadData) as error:
        outside.read_file(write(tmp_path, *lines), customers, now=NOW)

    assert len(str(error.value).splitlines()) == 102
    assert "... and 4900 more" in str(error.value)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "junk.csv"
    file.write_bytes(HEAD.encode() + junk)

    try:
        assert isinstance(outside.read_file(file, ["a"], now=NOW), list)
    except BadData as error:
        assert "junk.csv" in str(error)


def test_parts_that_nothing_can_use_are_told_of(health: Health, tmp_path: Path) -> None:
    lines = ["Umbra,product,logged_in,5,2026-10-31", "Umbra,product,provisioned,9,2026-10-30"]

    taken = health.import_outside(write(tmp_path, *lines))
    assert taken.idle[("product", "logged_in")] == {"provisioned"}

    taken = health.import_outside(write(tmp_path, "Umbra,product,provisioned,9,2026-10-31"))
    assert taken.idle == {}


# ---------------------------------------------------------------- points


def typical(component: str, who: str = "a", at: int = NOW - DAY) -> list[Figure]:
    return [
        Figure(who, component, metric.name, at, metric.typical)
        for metric in SCORED
        if metric.component == component
    ]


@pytest.mark.parametrize("component", OTHERS)
def test_a_typical_customer_stands_at_70_in_every_component(component: str) -> None:
    ((found,),) = outside.components(typical(component), AS_OF).values()

    assert found.raw == pytest.approx(70, abs=1e-12)
    assert found.coverage == pytest.approx(1)
    assert found.doubt == 0


@pytest.mark.parametrize("metric", SCORED, ids=lambda metric: metric.name)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_better_is_never_worth_less_and_no_metric_more_than_its_points(
    metric: outside.Metric, data: st.DataObject
) -> None:
    top = {"share": 1.0, "ratio": 5.0, "answer": 10.0}[metric.unit]
    values = sorted(data.draw(st.tuples(*[st.floats(0, top)] * 2)))
    answers = [told(metric, {metric.name: value}) for value in values]

    less, more = (outside.points(metric, answer) for answer in answers)

    assert less <= more if metric.direction == "up" else more <= less
    assert metric.points[0] <= min(less, more) <= max(less, more) <= metric.points[1]


def test_a_rate_that_rests_on_little_earns_little() -> None:
    metric = METRICS["login_rate"]
    few, many = ({"logged_in": 0, "provisioned": n} for n in (2, 200))

    assert outside.points(metric, told(metric, many)) == metric.points[0]
    assert metric.points[0] < outside.points(metric, told(metric, few)) < 0


def test_what_is_missing_earns_nothing_and_lowers_only_the_coverage() -> None:
    figures = typical("product")
    ((whole,),) = outside.components(figures, AS_OF).values()
    ((part,),) = outside.components(figures[:1], AS_OF).values()

    assert part.raw == whole.raw
    assert 0 < part.coverage < whole.coverage
    assert part.doubt > whole.doubt


def test_all_customers_together_and_segments_are_told_and_not_scored(
    health: Health, tmp_path: Path
) -> None:
    lines = ["*,voc,csat,0.1,2026-10-31", "segment:small,voc,csat,0.2,2026-10-31"]
    lines += ["Umbra,sales,churn,1,2026-10-31"]
    health.import_outside(write(tmp_path, *lines))

    figures = [Figure(who, "voc", "csat", NOW - 1, 0.1) for who in (EVERYBODY, "segment:small")]
    figures.append(Figure("Umbra", "sales", "churn", NOW - 1, 1))

    assert len(health.outside(as_of=AS_OF)) == 3
    assert outside.components(figures, AS_OF) == {}
    assert outside.configured({}) == {EMAIL}


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_line_says_itself_in_both_languages(lang: str) -> None:
    figures = [each for component in OTHERS for each in typical(component)]

    (found,) = outside.components(figures, AS_OF, lang=lang).values()
    said = [line.because for each in found for line in each.lines]

    assert len(said) == len(set(said)) == len(SCORED)
    assert not [each for each in said if "{" in each or each.isascii() != (lang == "en")]


FIGURES = st.lists(
    st.builds(
        Figure,
        customer=st.sampled_from(["a", "b", EVERYBODY]),
        component=st.just("product"),
        metric=st.sampled_from(["logged_in", "provisioned", "login_rate", "stickiness", "dau"]),
        at=st.integers(NOW - 3 * DAY, NOW + 2 * DAY),
        value=st.integers(0, 9).map(lambda n: n / 8),
    ),
    max_size=25,
    unique_by=lambda each: (each.customer, each.metric, each.at),
)


@settings(deadline=None)
@given(FIGURES, st.randoms(use_true_random=False))
def test_neither_the_future_nor_the_order_of_reading_changes_anything(
    figures: list[Figure], chance: object
) -> None:
    past = [each for each in figures if each.at < NOW]
    chance.shuffle(past)  # type: ignore[attr-defined]

    assert outside.components(past, AS_OF) == outside.components(figures, AS_OF)
    assert [*outside.measured(past, AS_OF)] == [*outside.measured(figures, AS_OF)]


# ---------------------------------------------------------------- combining


def component(
    name: str, points: Sequence[float], coverage: float = 1.0, base: float = 70
) -> Component:
    lines = tuple(Contribution(f"{name}.{n}", each, name) for n, each in enumerate(points))
    return Component(name, base + math.fsum(points), coverage, lines, doubt=9.0)


POINTS = st.lists(st.floats(-25, 25), max_size=6)
WORLDS = st.fixed_dictionaries({}, optional=dict.fromkeys(OTHERS, POINTS))


@settings(deadline=None)
@given(st.data())
def test_the_lines_add_up_to_the_formula(data: st.DataObject) -> None:
    mail, world = data.draw(POINTS), data.draw(WORLDS)
    base, independent = data.draw(st.sampled_from([70.0, 79.0])), data.draw(st.booleans())
    configured = data.draw(st.sets(st.sampled_from(OTHERS)))
    email = component(EMAIL, mail, base=base)
    others = [component(name, points) for name, points in world.items()]
    weights = outside.weights()

    whole = outside.combine(email, others, weights, configured, base=base, independent=independent)

    chosen = {EMAIL, *configured}
    total = sum(weights[name] for name in chosen)
    present = [each for each in (email, *others) if each.name in chosen]
    kappa = total / math.sqrt(sum(weights[name] ** 2 for name in chosen)) if independent else 1
    louder = min(1.5, math.sqrt(total / sum(weights[each.name] for each in present)))
    sums = sum(weights[each.name] / total * (each.raw - 70) for each in present)
    assert whole.raw == pytest.approx(70 + kappa * louder * sums, abs=1e-9)
    assert base + math.fsum(line.points for line in whole.lines) == pytest.approx(
        whole.raw, abs=1e-9
    )


@settings(deadline=None)
@given(POINTS, st.floats(0, 1), st.sampled_from([70.0, 79.0, 79.3]))
def test_without_other_systems_the_score_of_email_stays_as_it_was_bit_for_bit(
    points: list[float], coverage: float, base: float
) -> None:
    email = component(EMAIL, points, coverage, base)

    whole = outside.combine(email, (), outside.weights(), outside.configured({}), base=base)

    assert (whole.raw, whole.lines) == (email.raw, email.lines)
    assert (whole.coverage, whole.doubt) == (email.coverage, email.doubt)


def test_combining_keeps_the_spread_of_independent_components() -> None:
    weights = {EMAIL: 1.0, "product": 1.0, "support": 1.0, "billing": 1.0}
    four = [component(name, [sign * 20]) for name, sign in zip(weights, (1, 1, 1, -1), strict=True)]

    apart = outside.combine(four[0], four[1:], weights, weights)
    alike = outside.combine(four[0], four[1:], weights, weights, independent=False)

    assert apart.raw == 90  # 70 + 2 * (20 + 20 + 20 - 20) / 4
    assert alike.raw == 80  # the plain mean


def test_a_missing_component_is_no_zero_and_makes_the_others_louder_by_a_root() -> None:
    weights = {EMAIL: 3.0, "product": 1.0}
    email = component(EMAIL, [-20])
    both = outside.combine(email, [component("product", [0])], weights, weights)
    alone = outside.combine(email, [], weights, weights)

    assert alone.raw - 70 == pytest.approx((both.raw - 70) * math.sqrt(4 / 3))
    assert alone.coverage == 0.75
    assert alone.doubt > both.doubt


def test_what_is_known_speaks_at_most_half_as_loud_again() -> None:
    weights = {EMAIL: 1.0, "product": 99.0}

    whole = outside.combine(component(EMAIL, [-20]), [], weights, weights)

    kappa = 1 / math.sqrt(0.01**2 + 0.99**2)
    assert whole.factors[EMAIL] == pytest.approx(1.5 * kappa * 0.01)


def test_where_email_knows_nothing_the_others_speak_from_70() -> None:
    email = Component(EMAIL, 79.0, 0.0, (), doubt=200.0)
    weights = outside.weights()

    whole = outside.combine(email, [component("product", [-20])], weights, ["product"], base=79)
    nothing = outside.combine(email, [], weights, ["product"], base=79)

    assert whole.raw == pytest.approx(70 + whole.factors["product"] * -20)
    assert nothing.raw == 79.0


def test_a_component_without_a_weight_is_named() -> None:
    with pytest.raises(UnknownName, match="no weight for the component 'web'"):
        outside.combine(component(EMAIL, []), [], {EMAIL: 1.0}, ["web"])


def test_the_example_of_the_page_prints_what_it_says() -> None:
    page = (Path(__file__).parents[1] / "docs" / "outside.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)

    done = subprocess.run(
        [sys.executable, "-c", example[0]], capture_output=True, text=True, check=False
    )

    assert (done.stderr, done.stdout) == ("", example[1])


# ---------------------------------------------------------------- the page


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("omega = 30", "omga = 30", r"product\]: unknown key 'omga'; did you mean 'omega'"),
        ("omega = 30", "omega = 0", "omega must be above 0"),
        ("[component.email]", "[component.mail]", r"\[component.email\] is missing"),
        ('n          = "provisioned"', 'n = "provisoned"', "'provisoned'; did you mean"),
        ('n          = "provisioned"', "", r"\[metric.login_rate\]: n is missing"),
        ('n          = "provisioned"', 'n = "exec(1)"', "no formula"),
        ('value      = "dau / mau"', 'value = "clv"', "a formula speaks of what stands above it"),
        ('value      = "dau / mau"', "", "no formula speaks of the part 'dau'"),
        ("points     = [-15, 8]", "points = [8, -15]", "points must be"),
        ('direction  = "up"', 'direction = "higher"', "direction must be up or down"),
        ("typical    = 0.6", "typical = 60", "typical must lie inside 0 to 1"),
        ("{value:.0%} of the people", "{share} of the people", "because may fill in"),
        ('unit       = "share"', 'unit = "shares"', "unit: no 'shares'; did you mean 'share'"),
    ],
)  # fmt: skip
def test_a_slip_in_the_page_is_named_by_table_and_key(old: str, new: str, why: str) -> None:
    assert old in outside.shipped()

    with pytest.raises(BadData, match=why):
        outside.load(outside.shipped().replace(old, new, 1), "mine.toml")


def test_an_own_page_counts_from_then_on(health: Health, tmp_path: Path) -> None:
    logins = '[metric.logins]\ncomponent = "product"\nasks = "?"\nkind = "value"\nunit = "count"\n'
    health.outside_page(outside.shipped() + logins)

    health.import_outside(write(tmp_path, "Umbra,product,logins,7,2026-10-31"))
    assert known(health) == {("Umbra", "logins"): 7}

    health.outside_page("")
    assert known(health) == {}


# ---------------------------------------------------------------- the command line


def run(health: Health, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["--db", str(health.path), *map(str, words)])


def test_figures_come_in_and_are_told_on_the_command_line(health: Health, tmp_path: Path) -> None:
    lines = ["Umbra,product,provisioned,60,2026-10-31", "Umbra,product,logged_in,42,2026-10-31"]
    file = write(tmp_path, *lines, "*,voc,csat,0.9,2026-10-31")

    done = run(health, "import", "outside", file)
    rows = json.loads(run(health, "outside", "--as-of", "2026-11-01", "--json").stdout)
    table = run(health, "outside", "--as-of", "2026-11-01", "--customer", "Umbra", "--csv").stdout

    assert (done.exit_code, done.stdout) == (0, "")
    assert "3 figures new, 0 replaced, 0 known" in done.stderr
    assert [(row["customer"], row["metric"], row["value"]) for row in rows] == [
        ("*", "csat", 0.9),
        ("Umbra", "login_rate", 0.7),
    ]
    assert table.splitlines() == [
        "customer,component,metric,value,n,low,high,at",
        "Umbra,product,login_rate,0.7,60,0.5749,0.801,2026-10-31",
    ]


def test_a_wrong_file_is_an_error_on_the_command_line(health: Health, tmp_path: Path) -> None:
    done = run(health, "import", "outside", write(tmp_path, "Umbrella,voc,csat,0.9,2026-10-31"))

    assert done.exit_code == 1
    assert "figures.csv:2: no customer 'Umbrella'; did you mean 'Umbra'?" in done.stderr
    assert "no customer 'Umbr'" in run(health, "outside", "--customer", "Umbr").stderr


def test_the_command_line_lists_what_a_file_may_tell(health: Health) -> None:
    rows = json.loads(run(health, "outside", "--metrics", "--json").stdout)
    formulas = {row["metric"]: row["formula"] for row in rows}

    assert formulas["retention"] == "(end - new) / start"
    assert formulas["nps"] == "100 * (promoters - detractors) / (promoters + passives + detractors)"
    assert formulas.keys() >= METRICS.keys() | {"logged_in", "sent"}
    assert run(health, "outside", "--print").stdout == outside.shipped()
