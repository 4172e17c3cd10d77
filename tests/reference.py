"""The judge: every shipped signal computed by loops over plain rows, slowly and obviously.

It shares no code with the engine. A cell is (end, days); all times are whole seconds in UTC.
"""

import math
import sqlite3
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

DAY = 86400
NEVER = 10**12
Answer = tuple[float | None, float | None, float | None]  # value, n, k


class Reference:
    """One store, read whole; `signals` answers for one customer, end and window."""

    def __init__(self, db: Path) -> None:
        with sqlite3.connect(db) as store:
            self.customers = self._rows(store, "select * from customers")
            self.mails = self._rows(
                store,
                "select * from messages join message_customers using (message) left join"
                " addresses on address = sender where kind = 'human'"
                " and direction in ('in', 'out') order by at, message",
            )
            self.recipients = self._rows(
                store,
                "select distinct message, contact, customer from recipients"
                " join addresses using (address) join contacts using (contact)",
            )
            self.annotations = self._rows(store, "select * from annotations")
            self.events = self._rows(
                store,
                "select events.*, contact, customer, verdicts.machine as verdict, rules"
                " from events join addresses on address = recipient join contacts using (contact)"
                " left join verdicts using (event) order by at, event",
            )
        store.close()

    @staticmethod
    def _rows(store: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
        cursor = store.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def signals(self, customer: str, end: int, days: int) -> dict[str, Answer]:
        """Return value, n and k of every signal that does not compare two windows."""
        start = end - days * DAY
        return {
            **self._rhythm(customer, start, end),
            **self._replies(customer, start, end),
            **self._voice(customer, start, end),
            **self._campaigns(customer, start, end),
        }

    # rhythm

    def _since(self, customer: str, side: str) -> int | None:
        started = [
            int(_seconds(row["started"]))
            for row in self.customers
            if row["customer"] == customer and row["started"]
        ]
        own = [mail["at"] for mail in self.mails if mail["customer"] == customer]
        seen = [mail["at"] for mail in self.mails if side in (mail["direction"], "touch")]
        if side == "touch":
            seen = [mail["at"] for mail in self.mails if mail["direction"] == "out"]
            seen += [event["at"] for event in self.events]
        if not started + own or not seen:
            return None
        return max(min(started + own), min(seen))

    def _at_risk(self, customer: str, side: str, start: int, end: int) -> float | None:
        since = self._since(customer, side)
        return None if since is None else max(0.0, (end - max(start, since)) / DAY)

    def _per_risk(self, k: int, risk: float | None, per: float, share: int = 1) -> Answer:
        n = (risk or 0.0) * max(1, share)
        if risk is None or risk < 14:
            return None, n, k
        return (per * k / n if per else k), n, k

    def _mine(self, customer: str, side: str, start: int, end: int) -> list[dict[str, Any]]:
        return [
            mail
            for mail in self.mails
            if mail["customer"] == customer
            and mail["direction"] == side
            and start <= mail["at"] < end
        ]

    def _rhythm(self, customer: str, start: int, end: int) -> dict[str, Answer]:
        received = self._mine(customer, "in", start, end)
        sent = self._mine(customer, "out", start, end)
        days = {mail["at"] // DAY for mail in received}
        writers = {mail["contact"] for mail in received}
        risk_in = self._at_risk(customer, "in", start, end)
        risk_out = self._at_risk(customer, "out", start, end)
        silent = silence = None
        if received:
            last = received[-1]["at"]
            silent = (end - last) / DAY
            if len(days) >= 3:
                began = max(start, self._since(customer, "in") or 0)
                known = (last - began) / DAY
                tail = ((6.9 + known) / (6.9 + known + silent)) ** (1.6 + len(days))
                silence = math.log10(tail)
        touched = [
            row["contact"]
            for mail in sent
            for row in self.recipients
            if row["message"] == mail["message"] and row["customer"] == customer
        ]
        for pair in self._pairs(customer):
            if start <= pair["at"] < end:
                touched.append(pair["contact"])
        risk_touch = self._at_risk(customer, "touch", start, end)
        return {
            "inbound_volume": self._per_risk(len(received), risk_in, 30),
            "outbound_volume": self._per_risk(len(sent), risk_out, 30),
            "active_days": self._per_risk(len(days), risk_in, 0),
            "contacts_writing": self._per_risk(len(writers), risk_in, 0),
            "days_silent": (silent, len(received), None),
            "silence": (silence, len(days), None),
            "touch_pressure": self._per_risk(len(touched), risk_touch, 30, len(set(touched))),
        }

    # replies

    def _turns(self, customer: str) -> list[tuple[str, int, int]]:
        """Return side, time and wait for an answer of every turn; NEVER: none came."""
        threads = defaultdict(list)
        for mail in self.mails:
            if mail["customer"] == customer:
                threads[mail["thread"]].append(mail)
        turns = []
        for thread in threads.values():
            for i, mail in enumerate(thread):
                side, at = mail["direction"], mail["at"]
                before = thread[i - 1] if i else None
                if before and before["direction"] == side and at - before["at"] < DAY:
                    continue
                later = [other["at"] for other in thread[i + 1 :] if other["direction"] != side]
                turns.append((side, at, later[0] - at if later else NEVER))
        return turns

    def _replies(self, customer: str, start: int, end: int) -> dict[str, Answer]:
        asked: Counter[str] = Counter()
        answered: Counter[str] = Counter()
        hours = defaultdict(list)
        sees_us = self._since(customer, "out") or NEVER
        for side, at, wait in self._turns(customer):
            if wait <= 30 * DAY and start <= at + wait < end:
                hours[side].append(max(wait, 60) / 3600)
            if start <= at + 5 * DAY < end and (side == "out" or at >= sees_us):
                asked[side] += 1
                answered[side] += wait <= 5 * DAY
        return {
            "reply_rate": _share(answered["out"], asked["out"]),
            "our_reply_rate": _share(answered["in"], asked["in"]),
            "response_hours": _middle(hours["out"]),
            "our_response_hours": _middle(hours["in"]),
        }

    # voice

    def _voice(self, customer: str, start: int, end: int) -> dict[str, Answer]:
        tones: list[float] = []
        spoken: Counter[tuple[str, int]] = Counter()
        read = 0
        counts: Counter[str] = Counter()
        flags = {"cancel": 0.0, "complaint": 0.0, "praise": 0.0}
        surveys: dict[str, dict[int, list[float]]] = {"nps": {}, "csat": {}}
        for mail in self._mine(customer, "in", -NEVER, end):
            rows = [
                row
                for row in self.annotations
                if row["message"] == mail["message"] and row["model"] == mail["read_by"]
            ]
            inside = start <= mail["at"]
            if inside and any(row["task"] in ("sentiment", "intent") for row in rows):
                read += 1
            for row in rows:
                task, label, value = row["task"], row["label"], row["value"]
                if task == "sentiment" and label != "unknown":
                    place = (mail["thread"], mail["at"] // DAY)
                    spoken[place] += 1
                    if spoken[place] <= 3 and inside:
                        tones.append(round(value * 65536) / 65536)
                elif task == "intent" and label in flags and inside:
                    counts[label] += 1
                    faded = 0.5 ** ((end - mail["at"]) / DAY / 45)
                    flags[label] = max(flags[label], faded)
                elif task in surveys and inside:
                    surveys[task].setdefault(mail["at"], []).append(value)
        nps = surveys["nps"]
        csat = [mean(values) for values in surveys["csat"].values()]
        return {
            "sentiment": (mean(tones) if tones else None, len(tones), None),
            **{f"{name}_mails": _count(counts[name], read) for name in flags},
            **{f"{name}_intent": (flags[name] if read else None, read, None) for name in flags},
            "nps": (mean(nps[max(nps)]) if nps else None, len(nps), None),
            "csat": _share(sum(value >= 4 for value in csat), len(csat)),
        }

    # campaigns

    def _pairs(self, customer: str) -> list[dict[str, Any]]:
        events = defaultdict(list)
        for event in self.events:
            if event["customer"] == customer and not _is_opt_out(event):
                key = (event["contact"], event["campaign"] or event["reference"])
                events[key].append(event)
        left: dict[str, int] = {}
        for (contact, _), happened in events.items():
            for note, at in (note for event in happened for note in _notes(event)):
                if note in ("unsubscribed", "complained"):
                    left[contact] = min(left.get(contact, NEVER), at)
        pairs = [_pair(contact, happened) for (contact, _), happened in events.items()]
        pairs = [pair for pair in pairs if pair["at"] < NEVER]
        for pair in pairs:
            earlier = [
                other
                for other in pairs
                if other["contact"] == pair["contact"]
                and pair["at"] - 180 * DAY <= other["at"] <= pair["at"] - DAY
            ]
            by_machine = sum(other["machine"] <= other["at"] + DAY for other in earlier)
            pair["proxied"] = len(earlier) >= 3 and 2 * by_machine >= len(earlier)
            pair["left"] = left.get(pair["contact"], NEVER)
        return pairs

    def _campaigns(self, customer: str, start: int, end: int) -> dict[str, Answer]:
        pairs = [pair for pair in self._pairs(customer) if start <= pair["at"] < end]
        arrived = [pair for pair in pairs if pair["failed"] >= end]
        plain = [pair for pair in arrived if not pair["proxied"] and pair["machine"] >= end]
        opened = [pair for pair in pairs if min(pair["machine"], pair["opened"]) < end]
        people = {pair["contact"] for pair in pairs}
        gone = {pair["contact"] for pair in pairs if pair["left"] < end}

        def of(name: str, some: list[dict[str, Any]]) -> int:
            return sum(pair[name] < end for pair in some)

        return {
            "campaigns_delivered": _count(len(arrived), len(pairs)),
            "open_rate": _share(of("opened", plain), len(plain)),
            "open_rate_raw": _share(
                sum(min(p["machine"], p["opened"]) < end for p in arrived), len(arrived)
            ),
            "machine_open_share": _share(of("machine", pairs), len(opened)),
            "click_rate": _share(of("clicked", arrived), len(arrived)),
            "unsubscribe_rate": _share(of("unsubscribed", arrived), len(arrived)),
            "unsubscribed_contacts": _share(len(gone), len(people)),
            "bounce_rate": _share(of("failed", pairs), len(pairs)),
            "spam_complaints": _count(of("complained", arrived), len(arrived)),
        }


def _pair(contact: str, happened: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the first times of everything one campaign did at one contact."""
    notes = [note for event in happened for note in _notes(event)]

    def first(name: str) -> int:
        return min((at for noted, at in notes if noted == name), default=NEVER)

    soft, final = first("soft"), NEVER
    if soft < NEVER and first("arrived") > soft + 3 * DAY:
        final = soft + 3 * DAY
    names = ("at", "opened", "machine", "clicked", "unsubscribed", "complained")
    pair: dict[str, Any] = {name: first(name) for name in names}
    return {**pair, "contact": contact, "failed": min(first("hard"), final)}


def _notes(event: dict[str, Any]) -> list[tuple[str, int]]:
    """Return what one event is evidence of, and from when."""
    kind, at = event["type"], event["at"]
    hard = "hard" if event["bounce"] == "hard" else "soft"
    person = event["rules"] is None or event["verdict"] == 0
    return {
        "sent": [("at", at)],
        "deferred": [("at", at)],
        "delivered": [("at", at), ("arrived", at)],
        "bounced": [("at", at), (hard, at)],
        "dropped": [("soft", at)],
        "opened": [("at", at), ("arrived", at), ("opened" if person else "machine", at + 60)],
        "clicked": [("at", at), ("arrived", at)]
        + ([("opened", at + 60), ("clicked", at + 60)] if person else []),
        "unsubscribed": [("unsubscribed", at + 60)] if event["verdict"] != 1 else [],
    }.get(kind, [(kind, at)])


def _is_opt_out(event: dict[str, Any]) -> bool:
    words = ("unsubscribe", "optout", "opt-out")
    return event["type"] == "clicked" and any(word in event["url"].lower() for word in words)


def _share(k: float, n: float) -> Answer:
    return (k / n if n else None), n, (k if n else 0)


def _count(k: int, n: int) -> Answer:
    return (k if n else None), n, k


def _middle(values: list[float]) -> Answer:
    return (median(values) if values else None), len(values), None


def _seconds(day: str) -> float:
    from datetime import UTC, datetime

    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


class Suspicion:
    """The features that the rules of machines.toml ask of, by loops over all events."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.acts = [e for e in events if e["type"] in ("opened", "clicked", "unsubscribed")]
        self.handed = [e for e in events if e["exact"] and e["type"] in ("sent", "delivered")]
        self.clicks = [e for e in self.acts if e["type"] == "clicked" and e["url"]]

    def features(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the features of one act that need more than its own row."""
        at = event["at"]
        if not self._timed(event):
            company = []
        else:
            company = [e for e in self._mates(event) if self._timed(e)]
        if sum(e["type"] != "opened" for e in self._mates(event)) < 2:
            company = []
        return {
            "delay": self._delay(event),
            **{f"links_{s}s": self._best(company, at, s, _links) for s in (1, 3, 60)},
            "clicks_3s": self._best(company, at, 3, _clicks),
            "links_15m": _links(_between(company, at - 900, at + 60)) if company else None,
            "opt_out_among_others": _mixed(_between(company, at - 10, at + 10)),
            "campaign_links": self._campaign_links(event) if company else None,
            "neighbours": self._neighbours(event),
            **self._past(event),
            **self._gate(event),
            **self._habit(event),
            **self._read(event),
            "told": _told(event),
        }

    def _mates(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return [e for e in self.acts if _pair_of(e) == _pair_of(event)]

    def _handed(self, event: dict[str, Any]) -> int | None:
        before = [
            e for e in self.handed if _pair_of(e) == _pair_of(event) and e["at"] - 10 <= event["at"]
        ]
        last = max(before, key=lambda e: e["at"], default=None)
        near = last and event["at"] - last["at"] <= 30 * DAY
        return last["at"] if last and near else None

    def _timed(self, event: dict[str, Any]) -> bool:
        at, handed = event["at"], self._handed(event)
        if not event["exact"] or at % 60 or (handed is not None and handed % 60):
            return bool(event["exact"])
        return any(
            e["exact"] and e["at"] % 60 and at // 60 - 43200 <= e["at"] // 60 <= at // 60
            for e in self.acts
            if e["campaign"] == event["campaign"]
        )

    def _delay(self, event: dict[str, Any]) -> int | None:
        handed = self._handed(event)
        return event["at"] - handed if handed is not None and self._timed(event) else None

    @staticmethod
    def _best(company: list[dict[str, Any]], at: int, seconds: int, count: Any) -> int | None:
        starts = {e["at"] for e in company if at - seconds <= e["at"] <= at}
        counts = [count(_between(company, start, start + seconds)) for start in starts]
        return max(counts, default=None)

    def _campaign_links(self, event: dict[str, Any]) -> int | None:
        links = {
            e["url"]
            for e in self.clicks
            if e["campaign"] == event["campaign"]
            and e["at"] // (30 * DAY) == event["at"] // (30 * DAY)
            and e["at"] <= event["at"] + 60
        }
        return len(links) or None

    def _neighbours(self, event: dict[str, Any]) -> int | None:
        def near(e: dict[str, Any]) -> bool:
            return (
                e["type"] != "opened"
                and bool(e["ip"])
                and e["campaign"] == event["campaign"]
                and e["ip"].rpartition(".")[0] == event["ip"].rpartition(".")[0]
            )

        ever = [e for e in self.acts if near(e)]
        if not near(event) or not self._timed(event) or len({e["recipient"] for e in ever}) < 5:
            return None
        timed = [e for e in ever if self._timed(e)]
        return self._best(timed, event["at"], 60, lambda some: len({e["recipient"] for e in some}))

    def _past(self, event: dict[str, Any]) -> dict[str, Any]:
        names = ("campaign_opened", "opened")
        if event["type"] == "opened":
            return dict.fromkeys(names)
        at = event["at"]
        opens = [e for e in self.acts if e["type"] == "opened"]
        told = any(
            e["campaign"] == event["campaign"] and at // 60 - 43200 <= e["at"] // 60 <= at // 60
            for e in opens
        )
        opened = any(
            _pair_of(e) == _pair_of(event) and at - 90 * DAY <= e["at"] <= at + 60 for e in opens
        )
        return dict(zip(names, (told, opened), strict=True))

    def _gate(self, event: dict[str, Any]) -> dict[str, Any]:
        mails = self._mails(event, lambda mail: _gate_of(mail) == _gate_of(event))
        clicks = [
            [
                e
                for e in self._mates(mail)
                if e["type"] == "clicked" and e["exact"] and 0 <= e["at"] - mail["at"] <= 1800
            ]
            for mail in mails
        ]
        waits = [
            min(e["at"] for e in some) - mail["at"]
            for mail, some in zip(mails, clicks, strict=True)
            if _hurried(mail, some)
        ]
        return {
            "gate_mails": len(mails),
            "gate_clicked": sum(map(bool, clicks)),
            "gate_hurried": len(waits),
            "gate_wait": sum(waits) / len(waits) if waits else None,
        }

    def _mails(self, event: dict[str, Any], mine: Any) -> list[dict[str, Any]]:
        """Mails of 180 days, of which all is known on the day of the event."""
        today = event["at"] // DAY
        mails = [
            mail
            for mail in self.handed
            if mine(mail)
            and today - 181 <= mail["at"] // DAY <= today - 2
            and not any(
                _pair_of(e) == _pair_of(mail) and e["at"] < mail["at"] <= e["at"] + DAY
                for e in self.handed
            )
        ]
        return list({(_pair_of(mail), mail["at"]): mail for mail in mails}.values())

    def _habit(self, event: dict[str, Any]) -> dict[str, Any]:
        names = [f"habit_{name}" for name in ("mails", "opened", "soon", "again", "read")]
        if event["type"] != "opened" or _told(event):
            return dict.fromkeys(names)
        counts = [0] * 5
        for mail in self._mails(event, lambda mail: mail["recipient"] == event["recipient"]):
            mates = [
                (e["at"] - mail["at"], e["type"])
                for e in self._mates(mail)
                if e["exact"] and (e["type"] == "clicked" or not _told(e))
            ]
            opens = [after for after, kind in mates if kind == "opened" and 0 <= after <= DAY]
            clicks = [after for after, kind in mates if kind == "clicked" and 900 < after <= DAY]
            late = [after for after in opens if after > 900]
            facts = (
                True,
                bool(opens),
                min(opens, default=DAY) <= 6 * 3600,
                bool(late) and max(late) - min(late) >= 60,
                any(click - 600 <= after <= click for click in clicks for after in opens),
            )
            counts = [count + fact for count, fact in zip(counts, facts, strict=True)]
        return dict(zip(names, counts, strict=True))

    def _read(self, event: dict[str, Any]) -> dict[str, Any]:
        if event["type"] != "opened" or _told(event) or not self._timed(event):
            return {"read": None, "again": None}
        at = event["at"]
        mates = [e for e in self._mates(event) if self._timed(e)]
        opens = [e for e in mates if e["type"] == "opened" and not _told(e)]
        return {
            "read": any(e["type"] == "clicked" and 0 <= e["at"] - at <= 60 for e in mates),
            "again": any(
                60 <= at - e["at"] <= 30 * DAY and (self._delay(e) or 0) > 900 for e in opens
            ),
        }


def _told(event: dict[str, Any]) -> bool:
    return bool(event["agent"]) or event["machine"] is not None


def _hurried(mail: dict[str, Any], clicks: list[dict[str, Any]]) -> bool:
    links = [(e["at"], e["url"]) for e in clicks if e["url"]]
    seconds = any(e["at"] % 60 or mail["at"] % 60 for e in clicks)
    at_once = any(abs(a - b) <= 3 and one != other for a, one in links for b, other in links)
    return seconds and (at_once or len({url for _, url in links}) > 2)


def _pair_of(event: dict[str, Any]) -> tuple[str, str]:
    return event["campaign"], event["recipient"]


def _gate_of(event: dict[str, Any]) -> str:
    domain = str(event["recipient"]).rpartition("@")[2]
    return str(event["recipient"]) if domain == "gmail.com" else domain


def _between(some: list[dict[str, Any]], first: int, last: int) -> list[dict[str, Any]]:
    return [e for e in some if first <= e["at"] <= last]


def _links(some: list[dict[str, Any]]) -> int:
    return len({e["url"] for e in some if e["type"] == "clicked" and e["url"]})


def _clicks(some: list[dict[str, Any]]) -> int:
    return sum(e["type"] == "clicked" for e in some)


def _mixed(some: list[dict[str, Any]]) -> bool | None:
    known = {
        e["type"] == "unsubscribed" or "unsubscribe" in e["url"]
        for e in some
        if e["type"] == "unsubscribed" or (e["type"] == "clicked" and e["url"])
    }
    return len(known) == 2 if known else None
