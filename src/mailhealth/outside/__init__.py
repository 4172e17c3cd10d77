"""What other systems know of a customer: figures -> metrics -> components -> one raw score.

Everything here is computed from what it is given; no database is known. `components.toml` names
the components, their metrics and what each is worth.
"""

from mailhealth.outside.combine import Combined, combine
from mailhealth.outside.file import read_file
from mailhealth.outside.measure import EVERYBODY, SEGMENT, Figure, Measured, idle, measured
from mailhealth.outside.page import EMAIL, Metric, Outside, Page, load, shipped, weights
from mailhealth.outside.points import TYPICAL, Component, components, configured, points

__all__ = [
    "EMAIL",
    "EVERYBODY",
    "SEGMENT",
    "TYPICAL",
    "Combined",
    "Component",
    "Figure",
    "Measured",
    "Metric",
    "Outside",
    "Page",
    "combine",
    "components",
    "configured",
    "idle",
    "load",
    "measured",
    "points",
    "read_file",
    "shipped",
    "weights",
]
