"""Is it a person? And what does a machine say of another mail, or of its owner?"""

from mailhealth.machine.absences import absences
from mailhealth.machine.bounces import bounces
from mailhealth.machine.kinds import kind
from mailhealth.machine.reports import complaints, displays
from mailhealth.records import Kind, Mail, Notice

__all__ = ["kind", "notices"]

_READERS = {
    "bounce": bounces,
    "complaint": complaints,
    "receipt": displays,
    "auto_reply": absences,
}


def notices(mail: Mail, kind: Kind) -> tuple[Notice, ...]:
    """Read what a machine's mail says; one notice for each address, none for other mail.

    A bounce gives the failed addresses, a complaint who complained, a receipt the mail that was
    displayed, an automatic answer the absence of its sender (none, if it speaks of no absence).
    """
    reader = _READERS.get(kind)
    return reader(mail) if reader else ()
