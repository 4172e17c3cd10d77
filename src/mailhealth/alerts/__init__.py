"""Alerts: who must be looked at now, and what is to be done about it.

`alerts.toml` says what opens an alert, `course` what becomes of it, `evidence` whether week after
week speaks for a drop, `playbooks.toml` what to do then, and `sending` tells people.
"""

from importlib.resources import files

from mailhealth.alerts.cases import fill
from mailhealth.alerts.course import Known, Sign, Standing, Step, course, signs
from mailhealth.alerts.looking import Looked, Over, first, later
from mailhealth.alerts.page import SEVERITIES, Kind, Page, load, shipped
from mailhealth.alerts.playbooks import Playbook, Task, own_kinds, tasks

__all__ = [
    "SEVERITIES",
    "Kind",
    "Known",
    "Looked",
    "Over",
    "Page",
    "Playbook",
    "Sign",
    "Standing",
    "Step",
    "Task",
    "course",
    "fill",
    "first",
    "later",
    "load",
    "own_kinds",
    "shipped",
    "signs",
    "tasks",
    "weeks_sql",
]


def weeks_sql() -> str:
    """Return the question that the weeks of `evidence` are read with."""
    return files("mailhealth.alerts").joinpath("weeks.sql").read_text("utf-8")
