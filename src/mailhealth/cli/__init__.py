"""The command line: a thin skin over Health.

Every verb is a method of Health of the same name. Errors are one sentence on standard error
and exit status 1; what could not be read makes the exit status 1 too.
"""

from mailhealth.cli import reading, asking, alone  # isort: skip - the order of the verbs in --help
from mailhealth.cli.app import main

__all__ = ["alone", "asking", "main", "reading"]
