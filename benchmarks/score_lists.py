"""A mailing list, looked back on: `python benchmarks/score_lists.py FOLDER`.

Every sender is a customer, and who writes nothing in the days to come fell silent: real people's
rhythm, as far as help among strangers is like custom. FOLDER holds the list's archives (mbox,
*.txt). Of a mail only its time, its thread and a keyed hash of its sender are kept, in a temporary
folder; the key is forgotten. Prints one JSON object of counts and AUCs.
"""

import hashlib
import json
import mailbox
import secrets
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import mailhealth
from mailhealth import learn
from mailhealth.health import Health, evaluating
from mailhealth.health.instants import moment
from mailhealth.learn.redraws import Redraws
from mailhealth.records import Message
from mailhealth.rules import DAY

HORIZONS = (90, 30)  # days: the product's, and one of which half a year holds more
HISTORY = 60 * DAY  # of the list before the first landmark
RHYTHM = 3  # days written on, without which nobody has a rhythm
FIXED = 30  # days, of the rule that knows no rhythm
FACTS = ("recency", "written", "lately", "silence_ahead")  # what is fitted (the methodology, 4.4)

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Writing = Mapping[str, Floats]  # the days since 1970 on which each sender wrote


@dataclass(frozen=True, slots=True)
class Look:
    """Senders on landmarks, `panel.y` 1 for who fell silent, and what foretells it, by row."""

    panel: learn.Panel
    written: Floats  # on how many days before
    risks: Mapping[str, Floats]
    facts: Floats  # columns of FACTS

    def take(self, rows: Flags) -> "Look":
        """Return the same look with some of its rows."""
        risks = {name: risk[rows] for name, risk in self.risks.items()}
        return Look(self.panel.take(rows), self.written[rows], risks, self.facts[rows])


def main() -> None:
    """Read the list without its people, look back on it, and print how well silence was told."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "list.mbox"
        end = _nameless(Path(sys.argv[1]), archive)
        with mailhealth.open(Path(folder) / "list.db") as health:
            health.us("list.example")
            health.consumer(True)
            health.connect("list", "mbox", path=archive)
            health.sync(as_of=moment(end))
            writing = _writing(health)
            looks = {days: _look(health, writing, end, days) for days in HORIZONS}
    told = [
        {"days": days, "who": who, **_told(look.take(look.written >= least), days * DAY)}
        for days, look in looks.items()
        for who, least in (("with a rhythm", RHYTHM), ("all", 1))
    ]
    print(json.dumps({"senders": len(writing), "told": told}))


def _nameless(folder: Path, archive: Path) -> int:
    """Write people's mails anew, without names and words; return the midnight after the last."""
    key, last = secrets.token_bytes(32), 0
    with archive.open("wb") as out:
        for path in sorted(folder.glob("*.txt")):
            for raw in mailbox.mbox(path, create=False):
                read = mailhealth.parse(raw.as_bytes())
                if read.kind == "human" and read.mail.sender and read.mail.date:
                    out.write(_letter(read, lambda value: _hashed(value, key)))
                    last = max(last, read.mail.date)
    return last - last % DAY + DAY


def _hashed(value: str, key: bytes) -> str:
    return hashlib.blake2b(value.encode(), key=key, digest_size=10).hexdigest()


def _letter(read: Message, hashed: Callable[[str], str]) -> bytes:
    mail = read.mail
    before = [f"<{hashed(each)}@list.example>" for each in mail.references]
    lines = (
        "From MAILER Thu Jan  1 00:00:00 1970",
        f"From: <{hashed(mail.sender.address if mail.sender else '')}@a.example>",
        "To: <all@list.example>",
        f"Date: {format_datetime(datetime.fromtimestamp(mail.date or 0, UTC))}",
        f"Message-ID: <{hashed(mail.message_id or '')}@list.example>",
        *([f"References: {' '.join(before)}"] if before else []),
    )
    return ("\n".join(lines) + "\n\n\n").encode()


def _writing(health: Health) -> Writing:
    found: dict[str, set[int]] = defaultdict(set)
    for name, at in health.db.execute(
        "select customer, at from message_customers join messages using (message)"
        " where kind = 'human'"
    ):
        found[name].add(at // DAY)
    return {name: np.array(sorted(days), dtype=np.float64) for name, days in found.items()}


def _look(health: Health, writing: Writing, end: int, days: int) -> Look:
    """Look back every 30 days on all who wrote before: who writes nothing in so many days after?"""
    first = int(min(some[0] for some in writing.values())) * DAY
    landmarks = sorted(range(end - days * DAY, first + HISTORY - 1, -learn.STEP))
    values = evaluating.computed(health._engine, [moment(at) for at in landmarks])
    clients = {name: learn.Client(since=-np.inf) for name in writing}
    panel = learn.panel(values, health.rules, {}, clients, until=np.inf)
    began = np.array([writing[name][0] for name in panel.customers])
    panel = panel.take(began[panel.customer] < panel.at / DAY)
    names = [panel.customers[i] for i in panel.customer]
    rows = [(writing[name], at / DAY) for name, at in zip(names, panel.at, strict=True)]
    silent = [not ((wrote >= at) & (wrote < at + days)).any() for wrote, at in rows]
    panel = replace(panel, y=np.array(silent, dtype=np.float64))
    return _foretold(panel, [wrote[wrote < at] for wrote, at in rows])


def _foretold(panel: learn.Panel, past: Sequence[Floats]) -> Look:
    """Gather what foretells silence: more is worse, and no rhythm stands in the middle."""
    at = panel.at / DAY
    recency = panel.others[:, panel.terms.others.index("days_silent")]
    silence = -panel.values[:, panel.terms.names.index("silence")]
    ahead = panel.others[:, panel.terms.others.index("silence_ahead")]
    written = np.array([len(wrote) for wrote in past], dtype=np.float64)
    lately = np.array([(wrote >= day - 90).sum() for wrote, day in zip(past, at, strict=True)])
    risks = {
        "recency": recency,
        "silence": np.where(np.isnan(silence), np.nanmedian(silence), silence),
        "silence_ahead": ahead,
        "fixed": (recency >= FIXED).astype(np.float64),
    }
    sure = np.clip(ahead, 1e-9, 1 - 1e-9)
    facts = np.column_stack(
        (np.log1p(recency), np.log1p(written), np.log1p(lately), np.log(sure / (1 - sure)))
    )
    return Look(panel, written, risks, facts)


def _told(look: Look, horizon: int) -> dict[str, Any]:
    """Tell how each way ranks who fell silent, less recency, with 95 % intervals over senders."""
    redraws = Redraws(look.panel, 0)
    recency = look.risks["recency"]
    return {
        "rows": len(look.panel.y),
        "people": len(np.unique(look.panel.customer)),
        "silent": float(look.panel.y.mean()),
        "rhythm": float((look.written >= RHYTHM).mean()),
        "recency": redraws.auc(recency).value,
        "less": {
            name: _less(redraws, risk, recency)
            for name, risk in look.risks.items()
            if name != "recency"
        },
        "fitted": _fitted(look, horizon),
    }


def _fitted(look: Look, horizon: int) -> dict[str, Any] | None:
    """Learn from the earlier landmarks, test on the later half; None: no time lies between."""
    landmarks = np.unique(look.panel.at)
    begins = landmarks[len(landmarks) // 2]
    earlier, later = (
        look.take(rows) for rows in (look.panel.at + horizon <= begins, look.panel.at >= begins)
    )
    if not earlier.panel.leavers:
        return None
    train, test = (_of_facts(some) for some in (earlier, later))
    fitted = learn.fit(train, lam=learn.choose(train))
    less = _less(Redraws(test, 0), fitted.risk(test), later.risks["recency"])
    return {"train": len(train.y), "test": len(test.y), "less": less}


def _of_facts(look: Look) -> learn.Panel:
    """Return a panel of the facts, of which no expert has said anything."""
    none = np.zeros(len(FACTS))
    terms = replace(look.panel.terms, names=FACTS, expert=none, harmful=none > 0)
    return replace(look.panel, terms=terms, X=look.facts)


def _less(redraws: Redraws, risk: Floats, recency: Floats) -> list[float]:
    won = (redraws.auc(risk).value or 0.0) - (redraws.auc(recency).value or 0.0)
    return [won, *np.nanquantile(redraws.aucs(risk) - redraws.aucs(recency), (0.025, 0.975))]


if __name__ == "__main__":
    main()
