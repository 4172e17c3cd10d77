"""One part of a timing: `python benchmarks/score_speed.py make|engine|pandas`; prints JSON."""

import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DB = Path(tempfile.gettempdir()) / "mailhealth-benchmark-score.db"
AS_OF = "2026-10-15T00:00:00Z"
END = 1_792_022_400
DAY = 86_400
MESSAGES, EVENTS, CUSTOMERS, DAYS = 1_000_000, 5_000_000, 2_000, 540


def make() -> dict[str, Any]:
    """Make the company; it ends at the day that is asked for."""
    from mailhealth import simulate

    world = simulate.world(
        customers=CUSTOMERS, days=DAYS, end=AS_OF[:10], messages=MESSAGES, events=EVENTS
    )
    DB.unlink(missing_ok=True)
    simulate.write(DB, world)
    return {}


def engine() -> dict[str, Any]:
    """Time the fit, one day, an update after 0.1 % new mail, and explaining one customer."""
    import mailhealth
    from mailhealth import rules, signals
    from mailhealth.signals import fits

    page = rules.load()
    fit, known = _timed(lambda: signals.fit(DB, page, [fits.through(END)]))
    day, rows = _timed(lambda: sum(1 for _ in signals.compute(DB, page, [AS_OF], fits=known)))
    found = {"fit": fit, "day": day, "rows": rows, **_sizes(), "peak": _peak()}
    with mailhealth.open(DB) as health:
        health.evaluate([AS_OF])
        names = _new_mail(MESSAGES // 1000)
        update, touched = _timed(lambda: health.update(AS_OF))
        health.explain(names[0])
        explain, _ = _timed(lambda: [health.explain(name) for name in names[1:11]])
    return found | {"update": update, "touched": touched, "explain": explain * 100}


def pandas() -> dict[str, Any]:
    """Time ten signals of one window, read and counted plainly in pandas."""
    cpu, frame = _timed(_plainly)
    return {"cpu": cpu, "rows": len(frame)}


def _plainly() -> Any:
    import pandas as pd

    start = END - 90 * DAY
    mails, tones, events = _read()
    mails = mails.sort_values(["customer", "thread", "at", "message"])
    window = mails[mails["at"] >= start]
    received = window[window["direction"] == "in"]
    by = received.groupby("customer")
    frame = pd.DataFrame({"inbound": by.size(), "active_days": by["at"].apply(_days)})
    frame["contacts"] = by["sender"].nunique()
    frame["outbound"] = window[window["direction"] == "out"].groupby("customer").size()
    frame["sentiment"] = received.merge(tones, on="message").groupby("customer")["value"].mean()
    _replies(frame, mails, start)
    _campaigns(frame, events[events["at"] >= start])
    return frame


def _read() -> Any:
    import pandas as pd

    with sqlite3.connect(DB) as store:
        mails = pd.read_sql(
            "select mine.customer, m.thread, m.at, m.direction, m.sender, m.message"
            " from messages m join message_customers mine on mine.message = m.message"
            " where m.kind = 'human' and m.direction in ('in', 'out') and m.at < ?",
            store,
            params=[END],
        )
        tones = pd.read_sql(
            "select message, value from annotations where task = 'sentiment'", store
        )
        events = pd.read_sql(
            "select c.customer, e.recipient, e.campaign, e.type, e.at, e.machine from events e"
            " join addresses a on a.address = e.recipient"
            " join contact_customers c on c.contact = a.contact where e.at < ?",
            store,
            params=[END],
        )
    return mails, tones, events


def _replies(frame: Any, mails: Any, start: int) -> None:
    thread = mails.groupby(["customer", "thread"])
    mails["next_side"] = thread["direction"].shift(-1)
    mails["wait"] = thread["at"].shift(-1) - mails["at"]
    asks = mails[(mails["direction"] == "out") & (mails["at"] >= start - 5 * DAY)]
    asks = asks[asks["at"] < END - 5 * DAY]
    answered = (asks["next_side"] == "in") & (asks["wait"] <= 5 * DAY)
    frame["reply_rate"] = answered.groupby(asks["customer"]).mean()
    replied = asks[answered]
    frame["response_hours"] = (replied["wait"] / 3600).groupby(replied["customer"]).median()


def _campaigns(frame: Any, recent: Any) -> None:
    key = ["customer", "recipient", "campaign"]
    sent = recent[recent["type"].isin(["sent", "delivered"])].drop_duplicates(key)
    frame["delivered"] = sent.groupby("customer").size()
    for kind in ("opened", "clicked"):
        acts = recent[(recent["type"] == kind) & (recent["machine"] != 1)].drop_duplicates(key)
        frame[kind] = acts.groupby("customer").size() / frame["delivered"]


def _days(at: Any) -> int:
    return int((at // DAY).nunique())


def _new_mail(count: int) -> list[str]:
    """Write new mails of the last day, and return the customers who wrote."""
    with sqlite3.connect(DB) as store:
        senders = store.execute(
            "select cc.customer, a.address from contact_customers cc"
            " join addresses a on a.contact = cc.contact group by cc.customer order by cc.customer"
        ).fetchall()[: count // 5]
        for i in range(count):
            customer, sender = senders[i % len(senders)]
            store.execute(
                "insert into messages (message, message_id, thread, at, known_at, sender, subject,"
                " kind, lang, new_text, quoted_text, signature, attachments, problems, direction,"
                " read_by) select ?1, ?1, ?1, ?2, ?2, ?3, '', 'human', 'en', 'One more question.',"
                " '', '', '[]', '[]', 'in', read_by from messages limit 1",
                (f"benchmark-{i}", END - 1 - i % DAY, sender),
            )
            store.execute(
                "insert into message_customers (customer, message) values (?, ?)",
                (customer, f"benchmark-{i}"),
            )
    store.close()
    return [customer for customer, _ in senders]


def _sizes() -> dict[str, int]:
    with sqlite3.connect(DB) as store:
        sizes = {
            table: store.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("messages", "events", "customers")
        }
    store.close()
    return sizes


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps({"make": make, "engine": engine, "pandas": pandas}[sys.argv[1]]()))
