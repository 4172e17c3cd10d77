"""Surveys: what people were asked and answered, and what a model read in their comments."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlite_utils import Database

from mailhealth.intervals import Interval, net_promoter, wilson
from mailhealth.records import Text
from mailhealth.store import annotations
from mailhealth.store.people import THEN

By = Literal["all", "customer", "segment", "survey"]

VALID = 270 * 86_400  # seconds for which an answer speaks for somebody
RESPONSE = 14 * 86_400  # seconds within which an answer is a response
BURST = 10  # seconds after which an answer is known to be the last of several

GROUPS: dict[By, str] = {
    "all": "''",
    "customer": "coalesce(cc.customer, '')",
    "segment": "coalesce(customers.segment, '')",
    "survey": "said.survey",
}
# Whose the person was then; who belongs to nobody is counted where customers make no difference,
# who is one of us nowhere.
_PLACED = f"""
    join contacts who on who.contact = said.contact and not who.ours
    left join contact_customers cc
        on cc.contact = said.contact and {THEN.format(at="said.at")}
    left join customers on customers.customer = cc.customer
    where (:customer is null or cc.customer = :customer)"""
# One person has one say in a group: the newest. In mails people answer surveys without a name.
_ANSWERED = """
with said as (
    select survey, kind, contact, person, at, value, scale
    from survey_answers where at + :burst < :now and at >= :now - :valid
    union all
    select '', n.task, c.contact, coalesce(c.person, c.contact), m.at, n.value,
        iif(n.task = 'nps', 10, 5)
    from annotations n
    join messages m on m.message = n.message and m.read_by = n.model
    join addresses a on a.address = m.sender
    join contacts c on c.contact = a.contact
    where n.task in ('nps', 'csat') and m.kind = 'human' and m.direction = 'in'
        and m.at < :now and m.at >= :now - :valid
), ranked as (
    select {group} as name, said.*, row_number() over (
        partition by {group}, said.kind, said.person order by said.at desc, said.value
    ) as place
    from said {placed}
)
select name, kind, count(*),
    total(iif(kind = 'nps', value >= 9, value >= 0.8 * scale)),
    total(kind = 'nps' and value <= 6)
from ranked where place = 1 group by name, kind"""
# An answer belongs to the last time that its person was asked. Who was asked a short while ago
# is not silent yet.
_ASKED = """
with rows as (
    select answers.survey, answers.kind, c.contact, coalesce(c.person, c.contact) as person,
        iif(value is null, null, at) as at, iif(value is null, coalesce(asked_at, at), asked_at)
            as asked_at
    from answers
    join addresses a on a.address = answers.recipient
    join contacts c on c.contact = a.contact
), asked as (
    select *, lead(asked_at) over (
        partition by person, survey, kind order by asked_at
    ) as again
    from (select distinct survey, kind, contact, person, asked_at from rows
        where asked_at < :now)
), said as (
    select asked.survey, asked.kind, asked.contact, asked.person, asked.asked_at as at,
        min(rows.at) as answered_at
    from asked
    left join rows on rows.person = asked.person and rows.survey = asked.survey
        and rows.kind = asked.kind and rows.at >= asked.asked_at and rows.at < :now
        and (asked.again is null or rows.at < asked.again)
    where asked.asked_at + :response < :now and asked.asked_at >= :now - :valid
    group by asked.survey, asked.kind, asked.person, asked.asked_at
)
select name, kind, count(*), total(answered_at <= at + :response), total(answered_at is null)
from (
    select distinct {group} as name, said.kind, said.survey, said.person, said.at, answered_at
    from said {placed}
)
group by name, kind"""


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """One group's answers to one kind of survey; `group` is "" for people in none.

    `value` is the Net Promoter Score in [-100, 100], or the share in [0, 1] of the satisfied
    (at least 80 % of the scale: 4 of 5, 6 of 7), with its 95 % interval; None where nobody
    answered. `asked` counts requests that could be answered for 14 days, `answered` those that
    were by then, `silent` those never answered. Who has no request at all was never asked.
    """

    group: str
    kind: str
    n: int
    value: float | None
    low: float | None
    high: float | None
    asked: int
    answered: int
    silent: int
    response_rate: float | None


def results(
    db: Database, now: int, *, by: By = "all", customer: str | None = None
) -> list[SurveyResult]:
    """Count the answers that are valid at an instant (seconds), each person's newest.

    `customer` keeps one customer's people only.
    """
    given = {
        "now": now,
        "customer": customer,
        "valid": VALID,
        "response": RESPONSE,
        "burst": BURST,
    }
    answered, asked = (
        {(name, kind): tuple(map(int, counts)) for name, kind, *counts in rows}
        for rows in (
            db.execute(sql.format(group=GROUPS[by], placed=_PLACED), given).fetchall()
            for sql in (_ANSWERED, _ASKED)
        )
    )
    return [
        _result(*key, answered.get(key, (0, 0, 0)), asked.get(key, (0, 0, 0)))
        for key in sorted(answered.keys() | asked.keys())
    ]


def _result(
    group: str, kind: str, answers: tuple[int, ...], requests: tuple[int, ...]
) -> SurveyResult:
    n, best, worst = answers
    asked, answered, silent = requests
    value, (low, high) = _figure(kind, n, best, worst)
    return SurveyResult(
        group=group,
        kind=kind,
        n=n,
        value=value,
        low=low,
        high=high,
        asked=asked,
        answered=answered,
        silent=silent,
        response_rate=answered / asked if asked else None,
    )


def _figure(kind: str, n: int, best: int, worst: int) -> tuple[float | None, Interval]:
    if not n:
        return None, (None, None)
    if kind == "csat":
        return best / n, wilson(best, n)
    low, high = net_promoter(best, worst, n)
    return 100 * (best - worst) / n, (_times(100, low), _times(100, high))


def _times(factor: int, value: float | None) -> float | None:
    return None if value is None else factor * value


def comments(db: Database, now: int, *, customer: str | None = None) -> list[dict[str, Any]]:
    """List what people wrote beside their answers before an instant, the newest first.

    With the sentiment and the intents that the newest model read there, None and "" where it
    has not read it yet.
    """
    return list(
        db.query(
            f"""
            select datetime(said.at, 'unixepoch') as at, cc.customer, said.recipient as who,
                said.survey, said.kind, said.value, said.scale,
                (select n.label from answer_annotations n where n.answer = said.answer
                    and n.model = read.read_by and n.task = 'sentiment') as sentiment,
                coalesce((select group_concat(n.label, ', ') from answer_annotations n
                    where n.answer = said.answer and n.model = read.read_by
                    and n.task = 'intent'), '') as intents,
                said.comment
            from survey_answers said join answers read on read.answer = said.answer
            {_PLACED} and said.comment <> '' and said.at + :burst < :now
            order by said.at desc, said.answer
            """,
            {"now": now, "customer": customer, "burst": BURST},
        )
    )


def unread(db: Database, model: str) -> Iterator[list[Text]]:
    """Yield, in chunks, the comments that this model has not read yet.

    Save each chunk's annotations before taking the next.
    """
    for rows in annotations.unread(db, annotations.COMMENTS, "answer, comment", model):
        yield [Text(*row) for row in rows]
