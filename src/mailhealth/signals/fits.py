"""What a company's own data say of all its customers: waits, quiet days, cohorts.

A fit is made once a month from what happened before the month began, so that it looks at nothing
later, and one more mail of today moves only its own customer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from mailhealth.signals.clock import Pace

Prior = tuple[float, float]  # the cohort's mean, and how many observations it is worth
Priors = Mapping[str, Mapping[int, Mapping[str, Prior]]]  # by signal, window and cohort

WAIT = 5 * 86400


class Rhythm(NamedTuple):
    """How customers write, as `rhythm.fitted` means it; by default what is usual.

    Their rates are gamma(r, alpha), in days of writing an average day; how likely they stop after
    a day of writing is beta(a, b).
    """

    r: float = 1.6
    alpha: float = 6.9
    a: float = 0.2
    b: float = 20.0


USUAL = Rhythm()


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted `through` a moment.

    How long an ask is given to be answered (seconds), what our own mail says of our time zone,
    the pace of each country's customers, the cohorts' priors, and the customers' rhythm.
    """

    through: int
    wait: int = WAIT
    zone: str = "UTC"
    paces: Mapping[str, Pace] = field(default_factory=dict)
    priors: Priors = field(default_factory=dict)
    rhythm: Rhythm = USUAL

    def pace(self, country: str) -> Pace:
        """Return the pace of a country's customers."""
        return self.paces.get(country, Pace())

    def prior(self, signal: str, days: int, cohort: str) -> Prior | None:
        """Return the prior of a signal in a cohort; None: too little was seen."""
        return self.priors.get(signal, {}).get(days, {}).get(cohort)


def through(moment: int) -> int:
    """Return the beginning of a moment's month: through then its fit may look."""
    day = datetime.fromtimestamp(moment, UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp())


def written(fit: Fit) -> str:
    """Write a fit as JSON."""
    return json.dumps(
        {
            "through": fit.through,
            "wait": fit.wait,
            "zone": fit.zone,
            "paces": {
                country: {"week": pace.week, "days": dict(pace.days)}
                for country, pace in fit.paces.items()
            },
            "priors": fit.priors,
            "rhythm": fit.rhythm,
        },
        sort_keys=True,
    )


def read(text: str) -> Fit:
    """Read a fit that was written; one from before there was a rhythm has the usual one."""
    told = json.loads(text)
    return Fit(
        told["through"],
        told["wait"],
        told["zone"],
        {
            country: Pace(tuple(pace["week"]), pace["days"])
            for country, pace in told["paces"].items()
        },
        {
            signal: {
                int(days): {cohort: (mean, n) for cohort, (mean, n) in cohorts.items()}
                for days, cohorts in windows.items()
            }
            for signal, windows in told["priors"].items()
        },
        Rhythm(*told.get("rhythm", ())),
    )
