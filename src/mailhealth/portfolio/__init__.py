"""A portfolio of customers: groups, the value at risk, who could buy more, renewals due.

Everything here is a function of `Standing`s, what is known of each customer as of a day.
"""

from mailhealth.portfolio.chances import Candidate, expansion
from mailhealth.portfolio.groups import BY, By, Group, groups
from mailhealth.portfolio.page import Behaviour, Churn, Page, Sign, Stage, load, shipped
from mailhealth.portfolio.risks import Renewal, Risk, churn_probability, renewals, risks
from mailhealth.portfolio.standing import BACK, Standing, behaviour, stage

__all__ = [
    "BACK",
    "BY",
    "Behaviour",
    "By",
    "Candidate",
    "Churn",
    "Group",
    "Page",
    "Renewal",
    "Risk",
    "Sign",
    "Stage",
    "Standing",
    "behaviour",
    "churn_probability",
    "expansion",
    "groups",
    "load",
    "renewals",
    "risks",
    "shipped",
    "stage",
]
