"""The command line: a thin skin over Health.

Every verb is a method of Health of the same name. Errors are one sentence on standard error
and exit status 1; what could not be read makes the exit status 1 too.
"""

from mailhealth.cli import reading, login, mapping, outside  # isort: skip - the order of the verbs
from mailhealth.cli import subscriptions  # isort: skip
from mailhealth.cli import asking, alerting, watching, portfolio  # isort: skip - in --help
from mailhealth.cli import topics, campaigns  # isort: skip
from mailhealth.cli import surveys, judging, correcting, alone, backtesting, simulating  # isort: skip
from mailhealth.cli.app import main

__all__ = [
    "alerting",
    "alone",
    "asking",
    "backtesting",
    "campaigns",
    "correcting",
    "judging",
    "login",
    "main",
    "mapping",
    "outside",
    "portfolio",
    "reading",
    "simulating",
    "subscriptions",
    "surveys",
    "topics",
    "watching",
]
