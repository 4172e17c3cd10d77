"""A connector and a place become messages and events."""

from mailhealth.sources.border import Connector, connector, connectors
from mailhealth.sources.mails import message
from mailhealth.sources.reading import arrivals, look, on_server, read
from mailhealth.sources.recognition import check, recognise

__all__ = [
    "Connector",
    "arrivals",
    "check",
    "connector",
    "connectors",
    "look",
    "message",
    "on_server",
    "read",
    "recognise",
]
