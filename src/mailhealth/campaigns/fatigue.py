"""Do people answer less when they get more?"""

import math
from collections.abc import Mapping, Sequence

from mailhealth import intervals
from mailhealth.campaigns.numbers import Fatigue, Rate, Touched
from mailhealth.warehouse import Memory

LEAST = 10  # contacts: below that the variance between them cannot be told

CLASSES = {1: "1", 2: "2-4", 3: "5-8", 4: "9-20", 5: ">20"}


def fatigue(memory: Memory) -> Fatigue:
    """Return the slope within contacts and the answer rate by touches (fatigue.sql has run).

    The slope is that of a regression of each mail's answer on the touches of its contact's
    month, both less the contact's mean (a fixed effect for everybody), so that eager people
    who get much mail do not look tireless. Its variance is clustered by contact (Liang & Zeger
    1986; Cameron & Miller 2015), with G/(G-1) and Student's t on G-1 degrees of freedom.
    """
    classes = tuple(_touched(row) for row in memory.execute("select * from classes").fetchall())
    sums = "select count(*), sum(spread), sum(together) from within"
    contacts, spread, together = memory.execute(sums).fetchall()[0]
    if contacts < LEAST:
        return Fatigue(contacts, classes=classes)
    slope = together / spread
    scores = "select sum(power(together - ? * spread, 2)) from within"
    (squares,) = memory.execute(scores, [slope]).fetchall()[0]
    error = math.sqrt(squares * contacts / (contacts - 1)) / spread
    half = intervals.t_quantile(0.95, contacts - 1) * error
    # DuckDB adds in any order; what differs stands behind the twelfth decimal.
    value, low, high = (round(each, 12) for each in (slope, slope - half, slope + half))
    return Fatigue(contacts, value, low, high, (low > 0) - (high < 0), classes)


def _touched(row: Sequence[int]) -> Touched:
    names = ("class", "mails", "answered", "contacts", "kk", "kn", "nn")
    counts = dict(zip(names, map(int, row), strict=True))
    return Touched(CLASSES[counts["class"]], counts["mails"], clustered(counts))


def clustered(counts: Mapping[str, int]) -> Rate:
    """Return a rate whose mails are several to a contact, with a wider interval.

    Wilson's with the effective number of mails: n by the design effect, the ratio of the
    variance clustered by contact to the binomial one (Korn & Graubard 1998), at least 1.
    """
    n, k, contacts = counts["mails"], counts["answered"], counts["contacts"]
    share = k / n
    binomial = n * share * (1 - share)
    between = counts["kk"] - 2 * share * counts["kn"] + share * share * counts["nn"]
    if binomial > 0 and contacts > 1:
        effect = max(1.0, between * contacts / (contacts - 1) / binomial)
    else:
        effect = n / contacts  # nobody, or everybody, answered: each contact speaks once
    return Rate(share, k, n, *intervals.wilson(k / effect, n / effect))
