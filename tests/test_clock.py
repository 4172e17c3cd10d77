"""Clocks: working hours of the replier, and activity in which no holiday is a silence."""

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import holidays
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhealth import rules
from mailhealth.signals import fitting
from mailhealth.signals.clock import Clock, Office, Pace, clock, country_of, zone_of
from tests.reference import DAY, Place

TOKYO = Office("Asia/Tokyo", "JP")
START, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2025, 2027))
OFFICES = (
    TOKYO,
    Office("America/New_York", "US", 8 * 3600, 17 * 3600 + 1800),
    Office("Europe/Berlin", "DE"),
    Office("Asia/Jerusalem", ""),
    Office("-03:30", "", 0, 24 * 3600),
)
CLOCKS = [clock(office, Pace(), START, END) for office in OFFICES]


def moment(written: str, zone: str) -> int:
    """Read what a clock on the wall shows."""
    return int(datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).timestamp())


def hours(office: Office, begun: str, ended: str) -> float:
    there = clock(office, Pace(), START, END)
    worked = there.worked([moment(begun, office.zone), moment(ended, office.zone)])
    return int(worked[1] - worked[0]) / 3600


@pytest.mark.parametrize(
    ("office", "begun", "ended", "worked"),
    [
        (TOKYO, "2026-06-12 17:30", "2026-06-15 09:30", 1.0),  # over a weekend
        (TOKYO, "2026-05-01 17:00", "2026-05-07 10:00", 2.0),  # over Golden Week
        (TOKYO, "2025-12-31 17:00", "2026-01-02 10:00", 2.0),  # New Year's Day is free
        (TOKYO, "2026-06-15 05:00", "2026-06-15 08:59", 0.0),  # before the office opens
        (TOKYO, "2026-06-15 22:00", "2026-06-16 07:00", 0.0),  # by night
        (OFFICES[2], "2026-03-27 17:00", "2026-03-30 10:00", 2.0),  # summer time begins
        (OFFICES[2], "2026-10-23 17:00", "2026-10-26 10:00", 2.0),  # and ends
        (OFFICES[3], "2026-03-27 08:00", "2026-03-27 20:00", 9.0),  # begins on a Friday there
        (OFFICES[1], "2026-11-25 17:00", "2026-11-27 08:30", 1.0),  # Thanksgiving, other hours
    ],
)
def test_only_working_hours_count_as_waiting(
    office: Office, begun: str, ended: str, worked: float
) -> None:
    assert hours(office, begun, ended) == worked


moments = st.integers(START, END)


@given(st.sampled_from(range(len(OFFICES))), st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_clocks_never_run_backwards_and_count_the_same_from_wherever(
    which: int, times: list[int]
) -> None:
    for counted in (CLOCKS[which].worked(times), CLOCKS[which].active(times)):
        first, second, third = counted.tolist()
        assert first <= second <= third
    later = clock(OFFICES[which], Pace(), times[0], END)
    for name in ("worked", "active"):
        whole, part = (getattr(each, name)(times) for each in (CLOCKS[which], later))
        assert (whole - whole[0]).tolist() == (part - part[0]).tolist()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(range(len(OFFICES))), moments, st.integers(0, 60 * DAY))
def test_clocks_show_what_the_judge_counts_day_by_day(which: int, begun: int, wait: int) -> None:
    office, there, ended = OFFICES[which], CLOCKS[which], min(END, begun + wait)
    judge = Place(office.zone, office.country, office.opens, office.closes)

    worked, active = (there.worked([begun, ended]), there.active([begun, ended]))

    assert worked[1] - worked[0] == judge.worked(begun, ended)
    assert (active[1] - active[0]) / (1000 * DAY) == pytest.approx(judge.active(begun, ended))


def test_a_week_without_holidays_is_seven_days_of_activity() -> None:
    shown = CLOCKS[2].active([moment("2026-06-08 00:00", "UTC"), moment("2026-06-15 00:00", "UTC")])

    assert (shown[1] - shown[0]) / (1000 * DAY) == pytest.approx(7.0)


HOME = Office("Europe/Berlin", "DE")
JULY, JANUARY = moment("2026-07-01 12:00", "UTC"), moment("2026-01-10 12:00", "UTC")


@pytest.mark.parametrize(
    ("country", "offset", "said", "zone"),
    [
        ("JP", None, JULY, "Asia/Tokyo"),
        ("US", None, JULY, "America/New_York"),  # where most people live
        ("US", -300, JULY, "America/Chicago"),
        ("US", -300, JANUARY, "America/New_York"),
        ("US", 480, JULY, "America/New_York"),  # a forwarder's clock
        ("", None, JULY, "Europe/Berlin"),  # ours
        ("", 120, JULY, "Europe/Berlin"),
        ("", 120, JANUARY, "+02:00"),
        ("", -210, JULY, "-03:30"),
        ("XX", 60, JANUARY, "Europe/Berlin"),
    ],
)
def test_country_and_offset_tell_whose_clock_it_is(
    country: str, offset: int | None, said: int, zone: str
) -> None:
    assert zone_of(country, offset, said, HOME) == zone


@pytest.mark.parametrize(
    ("told", "customer", "country"),
    [
        ("JP", "hoshino.de", "JP"),
        (None, "hoshino.co.jp", "JP"),
        (None, "smith.co.uk", "GB"),
        (None, "startup.io", ""),
        (None, "globex.example", ""),
        (None, "Hoshino", ""),
    ],
)
def test_the_customer_file_or_the_domain_tells_the_country(
    told: str | None, customer: str, country: str
) -> None:
    assert country_of(told, customer) == country


# Quiet days: a world of Japanese customers who write at random, but little around Obon and the
# turn of the year.

JAPAN = holidays.country_holidays("JP")
BORN = date(2024, 11, 20)
DAYS = [BORN + timedelta(days=i) for i in range(640)]
ORDINARY = ("2026-02-05", "2026-03-12", "2026-06-11", "2026-07-09")
AFTER = {
    "New Year": ("2026-01-05", "2026-01-06"),
    "Golden Week": ("2026-05-07", "2026-05-08"),
    "Obon": ("2026-08-17", "2026-08-18"),
}


def _written_on(day: date) -> float:
    week = 1.36 if day.weekday() < 5 else 0.1
    if (day.month, day.day) in {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}:
        return 0.08 * week
    if day.month == 8 and 13 <= day.day <= 16:
        return 0.25 * week
    return week * (0.1 if day in JAPAN else 1.0)


@pytest.fixture(scope="module")
def wrote() -> npt.NDArray[np.bool_]:
    """Which of 2,000 customers, who all are well, wrote on which of DAYS."""
    chance = np.random.default_rng(1)
    rates = np.exp(chance.normal(math.log(0.25), 0.7, 2000))
    expected = rates[:, None] * np.array([_written_on(day) for day in DAYS])
    return chance.random(expected.shape) < 1 - np.exp(-expected)


def _noon(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())


def _pace(wrote: npt.NDArray[np.bool_], as_of: date) -> Pace:
    """Fit the pace of a month by what was written in the 400 days before it."""
    through = as_of.replace(day=1)
    counts: Mapping[date, int] = {
        day: int(count)
        for day, count in zip(DAYS, wrote.sum(axis=0), strict=True)
        if through - timedelta(days=400) <= day < through and count
    }
    return fitting._pace("JP", counts)


def _silent(wrote: npt.NDArray[np.bool_], as_of: date, pace: Pace, office: Office) -> float:
    """Return the share of those with five days of writing whose silence has p < 0.05."""
    end = _noon(as_of) - DAY // 2
    there = clock(office, pace, end - 400 * DAY, end)
    lately = [i for i, day in enumerate(DAYS) if end - 365 * DAY <= _noon(day) < end]
    customer, place = np.nonzero(wrote[:, lately])
    days = np.array([_noon(DAYS[i]) for i in lately])
    return _unlikely(there, end, customer, days[place])


def _unlikely(
    there: Clock, end: int, customer: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]
) -> float:
    """Ask the shipped SQL of silence."""
    (sql,) = (signal.value for signal in rules.load().signals if signal.name == "silence")
    begun, ended = there.active([end - 365 * DAY, end]).tolist()
    active = there.active(moments)
    with duckdb.connect() as memory:
        memory.register("wrote", {"customer": customer, "day": moments, "active": active})
        row = memory.execute(
            f"""
            select avg(case when silence < log10(5e-2) then 1 else 0 end) from (
                select customer, {sql} as silence, count(*) as days
                from (
                    select *, {begun} as start_active, {ended} as end_active,
                        0 as since_active, null as away_from, null as away_until
                    from wrote
                ) as rhythm
                group by customer, start_active, end_active
            ) as silences
            where days >= 5
            """
        ).fetchone()
    assert row
    return float(row[0])


@pytest.fixture(scope="module")
def ordinary(wrote: npt.NDArray[np.bool_]) -> float:
    """The share of silences that look unlikely on ordinary days."""
    days = [date.fromisoformat(day) for day in ORDINARY]
    return float(np.mean([_silent(wrote, day, _pace(wrote, day), TOKYO) for day in days]))


@pytest.mark.parametrize("feast", AFTER)
def test_after_a_feast_silences_are_hardly_likelier_to_look_false(
    wrote: npt.NDArray[np.bool_], ordinary: float, feast: str
) -> None:
    days = [date.fromisoformat(day) for day in AFTER[feast]]

    shares = [_silent(wrote, day, _pace(wrote, day), TOKYO) for day in days]
    by_calendar = [_silent(wrote, day, Pace((1.0,) * 7), Office("Asia/Tokyo", "")) for day in days]

    assert 0.01 < ordinary < 0.05
    assert np.mean(shares) <= 1.5 * ordinary
    assert np.mean(by_calendar) > 2 * ordinary  # without all this


def test_obon_is_learned_from_what_was_written(wrote: npt.NDArray[np.bool_]) -> None:
    pace = _pace(wrote, date(2026, 9, 10))

    assert pace.days["2026-08-14"] == pytest.approx(0.25, abs=0.1)
    assert pace.days.get("2026-08-21", 1.0) == pytest.approx(1.0, abs=0.1)


def test_obon_is_expected_where_it_was_the_year_before(wrote: npt.NDArray[np.bool_]) -> None:
    pace = _pace(wrote, date(2026, 8, 10))

    assert pace.days["2026-08-14"] == pytest.approx(0.25, abs=0.1)
    # Marine Day was the 21st of July in 2025 and is the 20th in 2026.
    assert _pace(wrote, date(2026, 7, 9)).days.get("2026-07-21", 1.0) == 1.0


def test_what_is_written_in_the_month_itself_teaches_nothing(
    wrote: npt.NDArray[np.bool_],
) -> None:
    other = wrote.copy()
    other[:, [i for i, day in enumerate(DAYS) if day >= date(2026, 8, 1)]] = True

    assert _pace(other, date(2026, 8, 20)) == _pace(wrote, date(2026, 8, 20))


def test_a_few_mails_teach_no_quiet_days() -> None:
    counts = Counter({date(2026, 3, 2): 1, date(2026, 4, 6): 1})

    pace = fitting._pace("", counts)

    assert min(pace.days.values(), default=1.0) > 0.9
    assert pace.week == pytest.approx(Pace().week, abs=0.1)


def test_what_was_quiet_on_the_29th_of_february_is_expected_a_day_later() -> None:
    days = {date(2027, 12, 1) + timedelta(days=i): 50 for i in range(200)}
    days[date(2028, 2, 29)] = 1
    leap = {day: count for day, count in days.items() if day < date(2028, 12, 1)}
    leap |= {date(2028, 12, 1) + timedelta(days=i): 50 for i in range(70)}

    pace = fitting._pace("", leap)

    assert pace.days["2028-02-29"] < 0.5
    assert "2029-02-28" not in pace.days or pace.days["2029-02-28"] > 0.5
