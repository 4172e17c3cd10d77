"""What is known of one customer as of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mailhealth.portfolio.page import Page
from mailhealth.records import Score
from mailhealth.rules.conditions import UNKNOWN, Signals, holds

BACK = (28, 90)  # days: with what the score is compared
AT_RISK = ("unhealthy", "at risk")
HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer: what the customer file tells, the score, the signals, the scores before.

    `first_mail` is the day of their or our first mail. `before` holds, by days back (BACK), the
    values that were kept then; unknown ones are left out. `signals` are named as conditions
    name them: NAME is the window that is scored, NAME@DAYS any.
    """

    customer: str
    score: Score | None
    signals: Signals
    before: Mapping[int, float]
    segment: str | None = None
    owner: str | None = None
    stage: str | None = None
    country: str | None = None
    revenue: float | None = None
    started: date | None = None
    renews: date | None = None
    first_mail: date | None = None

    @property
    def band(self) -> str:
        """The band, "unknown" where nothing was scored."""
        return self.score.band if self.score else UNKNOWN

    @property
    def value(self) -> float | None:
        """The score; None: too little is known to judge."""
        return self.score.value if self.score and self.score.band != UNKNOWN else None

    def change(self, back: int) -> float | None:
        """By how much the score rose in so many days; None: not known now or then."""
        then = self.before.get(back)
        return None if self.value is None or then is None else self.value - then


def stage(standing: Standing, page: Page, day: date) -> str:
    """Tell how far a customer has come: the customer file's word, else by tenure and renewal."""
    if standing.stage:
        return standing.stage
    since = standing.started or standing.first_mail
    if since is None:
        return UNKNOWN
    tenure = (day - since).days
    left = (standing.renews - day).days if standing.renews else None
    for each in page.stages:
        young = each.younger is None or tenure < each.younger
        near = each.nearer is None or (left is not None and 0 <= left <= each.nearer)
        if young and near and not each.told:
            return each.name
    return UNKNOWN


def behaviour(standing: Standing, page: Page) -> str:
    """Tell how a customer deals with us: the first behaviour whose conditions hold."""
    return next(
        (each.name for each in page.behaviours if holds(each.when, standing.signals)), UNKNOWN
    )
