"""Portfolio: the customer file's worth and whereabouts, groups, risks, chances, renewals."""

import csv
import io
import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import mailhealth
from mailhealth import portfolio, rules, store
from mailhealth.cli import main
from mailhealth.customers import CustomerRow, read_file
from mailhealth.customers.amounts import amount
from mailhealth.customers.countries import countries, country_code
from mailhealth.errors import BadData, UnknownName
from mailhealth.health import Health
from mailhealth.portfolio import Candidate, Standing
from mailhealth.records import Score, SignalValue
from mailhealth.rules import conditions
from mailhealth.store import people

AS_OF = "2026-11-01T00:00:00Z"
DAY = date(2026, 11, 1)
KEPT = ("2026-08-01T00:00:00Z", "2026-10-01T00:00:00Z", AS_OF)
END = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
NAMES = {signal.name for signal in rules.load().signals}
PAGE = portfolio.load(None, NAMES)
HEADER = "customer,domain,segment,owner,started,renews,country,revenue,stage"


def customer_file(
    folder: Path, *lines: str, header: str = "customer,country,revenue,stage"
) -> Path:
    file = folder / "customers.csv"
    file.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    return file


def answer(signal: str, value: float | None, **columns: float) -> SignalValue:
    row: dict[str, float | None] = dict.fromkeys(conditions.COLUMNS)
    row |= {"value": value, **columns}
    return SignalValue(
        customer="a", as_of=AS_OF, window_days=90, signal=signal, definition="d", **row
    )


def standing(
    name: str = "a", value: float = 70.0, band: str | None = None, **told: object
) -> Standing:
    """A customer with a score, and signals given as values by name."""
    known = {key: answer(key, each) for key, each in dict(told.pop("signals", {})).items()}  # type: ignore[call-overload]
    bands = ("unhealthy", "at risk", "healthy")
    found = band or bands[(value >= 40) + (value >= 70)]
    score = Score(
        customer=name,
        as_of=AS_OF,
        value=value,
        raw=value,
        band=found,
        coverage=0.8,
        low=0,
        high=100,
        rank=None,
        contributions=(),
        because=("one", "two", "three"),
        model="m",
    )
    return Standing(name, score, known, dict(told.pop("before", {})), **told)  # type: ignore[arg-type,call-overload]


# ---------------------------------------------------------------- the customer file


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("jp", "JP"),
        ("Japan", "JP"),
        ("日本", "JP"),
        ("ＵＳ", "US"),
        ("U.S.A.", "US"),
        ("uk", "GB"),
        (" south  korea ", "KR"),
        ("Trinidad & Tobago", "TT"),
    ],
)
def test_a_country_is_known_by_its_code_or_a_name(written: str, code: str) -> None:
    assert country_code(written) == code


def test_every_country_is_found_by_its_code_and_all_its_names() -> None:
    for code, names in countries().items():
        assert [country_code(each) for each in (code, code.lower(), *names)] == [code] * (
            2 + len(names)
        )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("A,JA,,", r"customers.csv:2: no country 'JA'; did you mean .*JP \(Japan\)"),
        ("A,Germny,,", r":2: no country 'Germny'; did you mean DE \(Germany\)"),
        ("A,!!,,", ":2: no country '!!'; write its ISO 3166 code"),
        ("A,,-5,", ":2: revenue '-5' is negative"),
        ('A,,"1,200",', ":2: revenue '1,200' may mean 1200 or 1.200; .*: 1200$"),
        ("A,,1.200,", ":2: revenue '1.200' may mean 1200 or 1.200"),
        ("A,,¥1200,", ":2: revenue '¥1200' is no number"),
        ("A,,1e6,", ":2: revenue '1e6' is no number"),
        ("A,,inf,", ":2: revenue 'inf' is no number"),
        ('A,,"12,00,000",', ":2: revenue '12,00,000' is no number"),
        (f"A,,{'9' * 400},", ":2: revenue '999.* is no number"),
        ("A,,12,\nA,,1300000,", ":3: 'A' has a revenue of 1300000 here and of 12 before"),
    ],
)
def test_a_wrong_country_or_revenue_is_told_by_file_and_line(
    tmp_path: Path, line: str, told: str
) -> None:
    file = customer_file(tmp_path, line)

    with pytest.raises(BadData, match=told):
        read_file(file)


@given(st.integers(0, 10**12), st.integers(0, 99), st.sampled_from([(",", "."), (".", ",")]))
def test_thousands_marked_in_either_way_read_the_same_unless_they_can_be_read_in_two(
    whole: int, cents: int, marks: tuple[str, str]
) -> None:
    thousands, decimal = marks
    grouped = f"{whole:,}".replace(",", thousands) + f"{decimal}{cents:02}"

    assert amount(grouped) == pytest.approx(whole + cents / 100)
    assert amount(f"{whole}.{cents:02}") == pytest.approx(whole + cents / 100)
    assert amount(f"{whole:,}".replace(",", " ")) == whole


@given(st.text(max_size=30))
def test_any_text_is_a_sum_that_is_not_negative_or_a_clear_refusal(text: str) -> None:
    try:
        assert amount(text) >= 0
    except BadData as error:
        assert "\n" not in str(error).replace(text, "")


def test_the_new_columns_are_kept_and_a_file_without_them_still_works(tmp_path: Path) -> None:
    db = store.connect(tmp_path / "acme.db")
    full = customer_file(tmp_path, "A,jp,1200000,Adoption", "B,,0,検討中")

    people.replace_customers(db, read_file(full))
    there = {row["customer"]: row for row in people.customers(db)}
    people.replace_customers(db, read_file(customer_file(tmp_path, "A", header="customer")))
    (gone,) = (row for row in people.customers(db) if row["customer"] == "A")
    db.close()

    told = ("country", "revenue", "stage")
    assert [there["A"][name] for name in told] == ["JP", 1_200_000, "adoption"]
    assert [there["B"][name] for name in told] == [None, 0, "検討中"]
    assert [gone[name] for name in told] == [None, None, None]


def test_a_revenue_of_nothing_is_not_an_unknown_one(tmp_path: Path) -> None:
    file = customer_file(tmp_path, "A,,0,", "A,JP,,", "B,,,")
    db = store.connect(tmp_path / "acme.db")

    people.replace_customers(db, read_file(file))
    rows = {row["customer"]: (row["revenue"], row["country"]) for row in people.customers(db)}
    db.close()

    assert rows == {"A": (0.0, "JP"), "B": (None, None)}


def test_a_database_from_before_the_columns_keeps_its_customers(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.close()
    db = mailhealth.store.Database(path)
    store._migrations().apply(db, stop_before="010_customers")
    db.execute("insert into customers (customer, segment, origin) values ('A', 'mid', 'file')")
    db.conn.commit()
    db.close()

    db = store.connect(path)
    (row,) = people.customers(db)
    db.close()

    assert (row["customer"], row["segment"], row["revenue"]) == ("A", "mid", None)


def test_a_row_of_the_customer_file_can_still_be_made_without_the_new_columns() -> None:
    row = CustomerRow("A", (), None, None, None, None)

    assert (row.stage, row.country, row.revenue) == (None, None, None)


# ---------------------------------------------------------------- the page


def test_the_shipped_page_names_only_signals_of_the_shipped_health_toml() -> None:
    assert portfolio.page._named(portfolio.shipped()) <= NAMES


def test_the_shipped_page_can_be_read_beside_a_health_toml_that_lacks_its_signals() -> None:
    assert portfolio.load(None, {"silence"}) == PAGE


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("silence < -1.301", "silense < -1.301", "no signal 'silense'; did you mean 'silence'"),
        ("nps >= 9", "nps about 9", "'nps about 9' is no condition; write it like"),
        ('share.n >= 5"]', 'share.m >= 5"]', r"no column 'm'"),
        ("[churn]", "[churm]", r"unknown key 'churm'; did you mean 'churn'"),
        ("probability = 0.06", "probability = 6", "probability must lie between 0 and 1"),
        ("younger  = 90", "younger  = 0", r"\[stage.onboarding\]: younger: 0 is no number of days"),
        ("younger  = 90", "youngr  = 90", "unknown key 'youngr'; did you mean 'younger'"),
        ('because.ja = "追加利用の相談があります"', "", "because must be two sentences, en and ja"),
        ("[churn]", "[churn", "it is not TOML"),
        ("enough = 2", "", r"\[expansion\]: enough is missing"),
        ('title.ja   = "沈黙"', 'title.de   = "still"', "title must be words, en and ja"),
    ],
)
def test_a_page_with_a_typo_is_refused_in_one_sentence(old: str, new: str, told: str) -> None:
    assert old in portfolio.shipped()

    with pytest.raises(BadData, match=told):
        portfolio.load(portfolio.shipped().replace(old, new, 1), NAMES, "own.toml")


# ---------------------------------------------------------------- stages and behaviours


@pytest.mark.parametrize(
    ("told", "stage"),
    [
        ({"stage": "pilot", "started": DAY}, "pilot"),
        ({"started": DAY - timedelta(days=89)}, "onboarding"),
        ({"started": DAY - timedelta(days=90)}, "established"),
        ({"first_mail": DAY - timedelta(days=10)}, "onboarding"),
        ({"started": DAY - timedelta(days=400), "first_mail": DAY}, "established"),
        ({"started": date(2025, 1, 1), "renews": DAY + timedelta(days=90)}, "renewal"),
        ({"started": date(2025, 1, 1), "renews": DAY + timedelta(days=91)}, "established"),
        ({"started": date(2025, 1, 1), "renews": DAY - timedelta(days=1)}, "established"),
        ({"started": DAY, "renews": DAY}, "onboarding"),
        ({"renews": DAY}, "unknown"),
    ],
)
def test_the_stage_is_the_files_word_else_follows_from_tenure_and_renewal(
    told: dict[str, object], stage: str
) -> None:
    assert portfolio.stage(standing(**told), PAGE, DAY) == stage


@pytest.mark.parametrize(
    ("signals", "behaviour"),
    [
        ({"silence": -1.5, "active_days": 4.0}, "silent"),
        ({"days_silent": 200.0}, "silent"),
        ({"complaint_mails@28": 2.0, "silence": -1.5}, "firefighting"),
        ({"campaigns_delivered": 3.0, "active_days": 0.0}, "only campaigns"),
        ({"active_days": 3.0, "reply_rate": 0.6}, "engaged"),
        ({"active_days": 3.0, "reply_rate": 0.2, "contacts_writing": 2.0}, "engaged"),
        ({"active_days": 1.0, "days_silent": 3.0}, "occasional"),
        ({"active_days": 0.0, "days_silent": 100.0}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_behaviour_is_the_first_whose_conditions_hold(
    signals: dict[str, float], behaviour: str
) -> None:
    assert portfolio.behaviour(standing(signals=signals), PAGE) == behaviour


def test_one_voice_needs_five_mails() -> None:
    for n, behaviour in ((4, "occasional"), (5, "one voice")):
        share = answer("top_contact_share", 0.9, n=n)
        signals = {"top_contact_share": share, "active_days": answer("active_days", 2.0)}

        known = Standing("a", None, signals | {"days_silent": answer("days_silent", 2.0)}, {})
        assert portfolio.behaviour(known, PAGE) == behaviour


# ---------------------------------------------------------------- groups


def crowd(seed: int) -> list[Standing]:
    chance = random.Random(seed)
    return [
        standing(
            f"c{i}",
            chance.uniform(0, 100),
            chance.choice([None, None, "unknown"]),
            segment=chance.choice([None, "small", "large"]),
            revenue=chance.choice([None, 0.0, 1000.0, 2500.0]),
            before={28: chance.uniform(0, 100)} if chance.random() < 0.5 else {},
        )
        for i in range(chance.randrange(0, 40))
    ]


@given(st.integers(0, 10_000), st.sampled_from(portfolio.BY))
def test_groups_part_the_customers_and_their_sums_are_those_of_all(
    seed: int, by: portfolio.By
) -> None:
    standings = crowd(seed)

    parts = portfolio.groups(standings, PAGE, by=by, day=DAY)

    for name in ("customers", "healthy", "at_risk", "unhealthy", "unknown", "judged", "untold"):
        (whole,) = portfolio.groups(standings, PAGE, by="all", day=DAY) or [None]
        assert sum(getattr(part, name) for part in parts) == getattr(whole, name, 0)
    for part in parts:
        assert part.judged == part.healthy + part.at_risk + part.unhealthy
        assert (part.mean is None) == (part.judged == 0)
        if part.share is not None and part.low is not None and part.high is not None:
            assert 0 <= part.low <= part.share <= part.high <= 1


def test_a_group_tells_its_scores_its_share_at_risk_and_what_is_at_stake() -> None:
    some = [
        standing("a", 20, revenue=1000.0, before={28: 50.0}),
        standing("b", 60),
        standing("c", 90, revenue=500.0, before={28: 80.0, 90: 95.0}),
        standing("d", 70, "unknown", revenue=9000.0, before={28: 10.0}),
    ]

    (group,) = portfolio.groups(some, PAGE, by="all", day=DAY)

    assert (group.healthy, group.at_risk, group.unhealthy, group.unknown) == (1, 1, 1, 1)
    assert group.mean == pytest.approx(170 / 3)
    assert group.median == 60
    assert group.share == pytest.approx(2 / 3)
    assert group.low == pytest.approx(0.2077, abs=1e-4)  # Wilson, 2 of 3
    assert group.high == pytest.approx(0.9385, abs=1e-4)
    assert (group.revenue, group.revenue_at_risk, group.untold) == (10_500, 1000, 1)
    assert group.changes == {28: (-10.0, 2), 90: (-5.0, 1)}


def test_nothing_at_risk_is_zero_and_no_revenue_told_is_unknown() -> None:
    (healthy,) = portfolio.groups([standing(value=90, revenue=5.0)], PAGE, by="all", day=DAY)
    (untold,) = portfolio.groups([standing(value=90)], PAGE, by="all", day=DAY)
    (risky,) = portfolio.groups([standing(value=9)], PAGE, by="all", day=DAY)

    assert (healthy.revenue_at_risk, untold.revenue_at_risk) == (0, None)
    assert (risky.revenue_at_risk, risky.untold) == (None, 1)


def test_the_group_with_most_at_risk_is_first_and_the_nameless_one_last() -> None:
    some = [
        standing("a", 20, owner=None),
        standing("b", 20, owner=None),
        standing("c", 90, owner="ann@acme.example"),
        standing("d", 20, owner="bob@acme.example"),
    ]

    found = portfolio.groups(some, PAGE, by="owner", day=DAY)

    assert [group.name for group in found] == ["bob@acme.example", "ann@acme.example", None]


# ---------------------------------------------------------------- risk x value


def odds(value: float) -> float:
    probability = portfolio.churn_probability(value, PAGE.churn)
    return probability / (1 - probability)


@given(st.floats(0, 100))
def test_twenty_points_less_double_the_odds_of_churn(value: float) -> None:
    assert odds(value - 20) == pytest.approx(2 * odds(value))


def test_the_reference_customer_leaves_as_assumed() -> None:
    assert portfolio.churn_probability(70, PAGE.churn) == pytest.approx(0.06)
    assert portfolio.churn_probability(40, PAGE.churn) == pytest.approx(0.1529, abs=1e-4)


def test_risks_stand_by_expected_loss_then_those_without_revenue_by_score() -> None:
    some = [
        standing("untold", 10),
        standing("worse untold", 5),
        standing("small", 10, revenue=100.0),
        standing("large", 60, revenue=10_000.0),
        standing("nothing", 20, revenue=0.0),
        standing("fine", 90, revenue=1e6),
        standing("new", 70, "unknown", revenue=5.0),
    ]

    found = portfolio.risks(some, PAGE)
    every = portfolio.risks(some, PAGE, everyone=True)

    assert [each.standing.customer for each in found] == [
        *("large", "small", "nothing", "worse untold", "untold")
    ]
    assert found[0].expected_loss == pytest.approx(
        10_000 * portfolio.churn_probability(60, PAGE.churn)
    )
    assert found[-1].expected_loss is None
    assert every[0].standing.customer == "fine"
    assert (every[-1].standing.customer, every[-1].probability) == ("new", None)


def test_ones_own_churn_rate_is_taken() -> None:
    own = portfolio.load(portfolio.shipped().replace("= 0.06", "= 0.02"), NAMES)

    (risk,) = portfolio.risks([standing(value=50, revenue=1000.0)], own)

    assert risk.probability == pytest.approx(2 * 0.02 / 0.98 / (1 + 2 * 0.02 / 0.98))


# ---------------------------------------------------------------- expansion and renewals


def candidates(*some: Standing) -> list[tuple[str, str, list[str]]]:
    found: list[Candidate] = portfolio.expansion(some, PAGE)
    return [(e.standing.customer, e.advice, [sign.name for sign in e.signs]) for e in found]


def test_whoever_asks_for_more_is_a_candidate_if_healthy_and_is_mended_first_if_not() -> None:
    asks = {"expansion_intent": 0.9}
    some = (
        standing("risky", 50, signals=asks),
        standing("fine", 90, signals=asks | {"praise_intent": 0.5}),
        standing("unknown", 90, "unknown", signals=asks),
        standing("quiet", 95),
        standing("praising only", 95, signals={"praise_intent": 1.0}),
        standing("recommends", 80, signals={"nps": 9.0}),
    )

    assert candidates(*some) == [
        ("fine", "expand", ["asks_for_more", "praises"]),
        ("recommends", "expand", ["recommends"]),
        ("risky", "mend first", ["asks_for_more"]),
    ]


def test_growth_counts_only_where_it_is_sure_and_without_complaints() -> None:
    grows = {"inbound_change": answer("inbound_change", 0.9, low=0.1)}
    maybe = {"inbound_change": answer("inbound_change", 0.9, low=-0.1)}
    calm = {"complaint_mails": answer("complaint_mails", 0.0), "nps": answer("nps", 9.0)}
    loud = {"complaint_mails": answer("complaint_mails", 1.0), "nps": answer("nps", 9.0)}
    score = standing("a", 90).score

    signs = [
        candidates(Standing("a", score, known, {}))[0][2]
        for known in (grows | calm, maybe | calm, grows | loud)
    ]

    assert signs == [["recommends", "writes_more"], ["recommends"], ["recommends"]]


def test_renewals_are_due_from_the_day_on_to_the_last_one_asked_for() -> None:
    days = {"past": -1, "today": 0, "last": 120, "later": 121}
    some = [standing(name, renews=DAY + timedelta(days=n)) for name, n in days.items()]

    found = portfolio.renewals([*some, standing("none")], day=DAY, days=120)

    assert [(each.standing.customer, each.left) for each in found] == [("today", 0), ("last", 120)]


# ---------------------------------------------------------------- the database


def mail(health: Health, customer: str, days_ago: float, **more: object) -> str:
    """One mail of a customer's, so many days before AS_OF; `intent` is what was read in it."""
    intent, tone = more.pop("intent", None), more.pop("tone", 0.1)
    at = END - int(days_ago * 86_400)
    key = f"{customer} {days_ago:09.3f}"
    person = f"ann@{customer}"
    empty = ("subject", "new_text", "quoted_text", "signature")
    row = dict.fromkeys(empty, "") | {"message": key, "thread": key, "at": at, "known_at": at}
    row |= {"sender": person, "kind": "human", "lang": "en", "direction": "in", "read_by": "test"}
    contact = {"contact": person, "name": "", "customer": customer, "ours": 0}
    span = {"contact": person, "customer": customer, "valid_from": "", "valid_to": ""}
    read = [("sentiment", "neutral", tone)] + ([("intent", str(intent), 0.9)] if intent else [])
    db = health.db
    with db.atomic():
        store.insert(db, "contacts", [contact])
        store.insert(db, "addresses", [{"address": person, "contact": person}])
        store.insert(db, "contact_customers", [span])
        store.insert(db, "messages", [row | {"attachments": "[]", "problems": "[]"}])
        store.insert(db, "message_customers", [{"customer": customer, "message": key}])
        known = {"message": key, "model": "test"}
        for task, label, value in read:
            found = {"task": task, "label": label, "value": value}
            store.insert(db, "annotations", [known | found])
    return key


FILE = (
    "umbra.example,umbra.example,mid,ann@acme.example,2025-01-01,2026-12-01,DE,12000,",
    "globex.example,globex.example,mid,bob@acme.example,2025-02-01,2027-02-01,JP,50000,Adoption",
    "initech.example,initech.example,small,bob@acme.example,2025-03-01,2027-09-01,US,,",
    "later.example,later.example,small,bob@acme.example,2026-12-01,,US,70000,",
)


def fill(path: Path) -> None:
    """A company whose umbra speaks of leaving and whose globex asks for more."""
    with mailhealth.open(path) as health:
        people.replace_customers(
            health.db, read_file(customer_file(path.parent, *FILE, header=HEADER))
        )
        for days_ago in range(2, 300, 6):
            for customer in ("umbra.example", "globex.example", "initech.example"):
                mail(health, customer, days_ago)
        for days_ago in (4, 11):
            mail(health, "umbra.example", days_ago + 0.5, intent="cancel", tone=-0.9)
            mail(health, "initech.example", days_ago + 0.5, intent="cancel", tone=-0.5)
            mail(health, "globex.example", days_ago + 0.5, intent="expansion", tone=0.9)
        health.evaluate(KEPT)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portfolio") / "acme.db"
    fill(path)
    return path


@pytest.fixture
def health(filled: Path, tmp_path: Path) -> Iterator[Health]:
    copy = tmp_path / "acme.db"
    source, target = sqlite3.connect(filled), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    with mailhealth.open(copy) as opened:
        yield opened


def test_a_portfolio_is_told_from_the_file_the_scores_and_the_scores_before(
    health: Health,
) -> None:
    found = {group.name: group for group in health.portfolio(by="owner")}
    scores = {score.customer: score for score in health.scores()}
    before = {row["as_of"][:10]: row for row in health.score_history("umbra.example")}

    assert scores["umbra.example"].band == "unhealthy"
    assert set(found) == {"ann@acme.example", "bob@acme.example"}
    umbra = found["ann@acme.example"]
    assert (umbra.customers, umbra.unhealthy, umbra.revenue_at_risk) == (1, 1, 12_000)
    assert umbra.changes[28] == (
        pytest.approx(scores["umbra.example"].value - before["2026-10-01"]["value"]),
        1,
    )
    assert umbra.changes[90][1] == 1
    assert sum(group.customers for group in found.values()) == 3  # one starts later


def test_stages_countries_and_behaviours_cut_the_same_customers(health: Health) -> None:
    def names(by: portfolio.By) -> dict[str | None, int]:
        return {group.name: group.customers for group in health.portfolio(by=by)}

    assert names("stage") == {"renewal": 1, "adoption": 1, "established": 1}
    assert names("country") == {"DE": 1, "JP": 1, "US": 1}
    assert sum(names("behaviour").values()) == 3


def test_a_score_kept_by_another_health_toml_is_not_compared(health: Health) -> None:
    health.db.execute("delete from contributions where as_of < '2026-10-15'")
    health.db.execute("update scores set model = 'another' where as_of < '2026-10-15'")
    health.db.conn.commit()

    (group,) = health.portfolio(by="all")

    assert group.changes == {28: (None, 0), 90: (None, 0)}


def test_risks_and_renewals_give_the_reasons_of_the_score(health: Health) -> None:
    risks = health.risks(lang="ja")
    (renewal,) = health.renewals(days=60)
    score = next(s for s in health.scores(lang="ja") if s.customer == "umbra.example")

    assert risks[0].standing.customer == "umbra.example"
    assert risks[0].standing.score == score
    assert renewal.standing.customer == "umbra.example"
    assert renewal.left == 30
    assert renewal.standing.change(28) is not None


def test_expansion_shows_the_messages_behind_every_sign(health: Health) -> None:
    (found,) = [e for e in health.expansion() if e.candidate.standing.customer == "globex.example"]

    assert found.candidate.advice == "expand"
    assert [each.id for each in found.evidence["asks_for_more"]] == [
        "globex.example 00004.500",
        "globex.example 00011.500",
    ]


def told(health: Health, as_of: str) -> list[object]:
    if as_of not in KEPT:  # each question computes the day; this one tells all that is known
        return [health.renewals(as_of=as_of, days=400)]
    return [
        *(health.portfolio(by=by, as_of=as_of) for by in portfolio.BY),
        health.risks(as_of=as_of, everyone=True),
        health.expansion(as_of=as_of),
        health.renewals(as_of=as_of, days=400),
    ]


@pytest.mark.parametrize("as_of", ["2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z"])
def test_nothing_at_or_after_as_of_is_read(health: Health, as_of: str) -> None:
    before = told(health, as_of)

    for days_ago in (26.9, 20, 1, -3):
        mail(health, "initech.example", days_ago, intent="cancel", tone=-1.0)
        mail(health, "globex.example", days_ago, intent="expansion", tone=1.0)
    health.db.execute("insert into customers (customer, origin) values ('new.example', 'domain')")
    mail(health, "new.example", 10)
    health.db.execute("delete from contributions where as_of > '2026-10-10'")
    health.db.execute("delete from scores where as_of > '2026-10-10'")
    health.db.conn.commit()

    assert told(health, as_of) == before


def test_groups_by_something_else_are_refused(health: Health) -> None:
    with pytest.raises(UnknownName, match="no groups by 'size'; there are all, segment"):
        health.portfolio(by="size")  # type: ignore[arg-type]


def test_an_own_page_counts_until_the_shipped_one_is_asked_for_again(health: Health) -> None:
    own = portfolio.shipped().replace("= 0.06", "= 0.5")

    health.portfolio_page(own)
    (first, *_) = health.risks()
    with pytest.raises(BadData):
        health.portfolio_page("[churm]")
    kept = health.portfolio_page().churn.probability
    health.portfolio_page("")

    assert first.probability is not None
    assert first.probability > 0.5
    assert (kept, health.portfolio_page().churn.probability) == (0.5, 0.06)


# ---------------------------------------------------------------- the verbs


def run(health: Health, *words: str) -> Result:
    done = CliRunner().invoke(main, ["--db", str(health.path), *words])
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.parametrize(
    "words",
    [
        *(("portfolio", "--by", by) for by in portfolio.BY),
        ("risks",),
        ("expansion",),
        ("renewals",),
    ],
    ids=" ".join,
)
def test_every_listing_is_a_table_json_and_csv_with_the_same_columns(
    health: Health, words: tuple[str, ...]
) -> None:
    table = run(health, *words).stdout
    rows = json.loads(run(health, *words, "--json").stdout)
    lines = list(csv.DictReader(io.StringIO(run(health, *words, "--lang", "ja", "--csv").stdout)))

    assert table.strip()
    assert [list(line) for line in lines] == [list(row) for row in rows] != []


def test_whoever_lacks_a_revenue_is_named_so_after_the_others(health: Health) -> None:
    table = run(health, "risks").stdout
    rows = json.loads(run(health, "risks", "--json").stdout)

    assert "(not told)" in table
    assert rows[-1]["customer"] == "initech.example"
    assert (rows[-1]["revenue"], rows[-1]["expected_loss"]) == (None, None)
    assert "assumed: 6 % of the customers" in run(health, "risks").stderr


def test_money_is_told_to_the_last_digit_in_csv(health: Health) -> None:
    health.db.execute("update customers set revenue = 1234567.5 where customer = 'umbra.example'")
    health.db.conn.commit()

    done = run(health, "customers", "--csv")

    assert "1234567.5" in done.stdout


def test_an_empty_database_says_so(tmp_path: Path) -> None:
    with mailhealth.open(tmp_path / "acme.db") as empty:
        for verb in ("portfolio", "risks", "expansion", "renewals"):
            done = run(empty, verb, "--lang", "ja")

            assert not done.stdout.strip()
            assert not done.stderr.splitlines()[0].isascii()


def test_a_typo_in_an_own_page_is_one_sentence_and_changes_nothing(
    health: Health, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(portfolio.shipped().replace("nps >= 9", "npss >= 9"), "utf-8")

    done = CliRunner().invoke(main, ["--db", str(health.path), "portfolio", "--page", str(own)])

    assert done.exit_code == 1
    assert "own.toml, [sign.recommends]: all: no signal 'npss'; did you mean 'nps'" in done.output
    assert health.portfolio_page() == PAGE
