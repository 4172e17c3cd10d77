"""The command line: a thin skin over Health.

Every verb is a method of Health of the same name. Errors are one sentence on standard error
and exit status 1; what could not be read makes the exit status 1 too.
"""

from mailhealth.cli import reading, mapping, subscriptions  # isort: skip - the order of the verbs
from mailhealth.cli import asking, topics, campaigns, surveys, judging, correcting, alone  # isort: skip - in --help
from mailhealth.cli.app import main

__all__ = [
    "alone",
    "asking",
    "campaigns",
    "correcting",
    "judging",
    "main",
    "mapping",
    "reading",
    "subscriptions",
    "surveys",
    "topics",
]
