"""A connector and a place become messages and events."""

from mailhealth.sources.border import Connector, connector, connectors
from mailhealth.sources.mails import message
from mailhealth.sources.reading import read
from mailhealth.sources.recognition import check, recognise

__all__ = ["Connector", "check", "connector", "connectors", "message", "read", "recognise"]
