"""Learning the weights of the score from who left, honestly: later days decide."""

from mailhealth.learn.churn import Leaver, notices, read
from mailhealth.learn.gate import Gate
from mailhealth.learn.integers import Line, Table, table
from mailhealth.learn.landmarks import HORIZON, STEP, TENURE, Client, Panel, Terms, panel
from mailhealth.learn.measures import Band, Lead, Measured
from mailhealth.learn.redraws import Estimate
from mailhealth.learn.report import Part, Report, SignalReport
from mailhealth.learn.trial import backtest, ready
from mailhealth.learn.weights import EXPERT, Fitted, choose, fit
from mailhealth.learn.writing import write, written

__all__ = [
    "EXPERT",
    "HORIZON",
    "STEP",
    "TENURE",
    "Band",
    "Client",
    "Estimate",
    "Fitted",
    "Gate",
    "Lead",
    "Leaver",
    "Line",
    "Measured",
    "Panel",
    "Part",
    "Report",
    "SignalReport",
    "Table",
    "Terms",
    "backtest",
    "choose",
    "fit",
    "notices",
    "panel",
    "read",
    "ready",
    "table",
    "write",
    "written",
]
