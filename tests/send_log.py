"""A store with campaigns only, written row by row, and a slow second count of it."""

import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mailhealth import store

DAY = 86_400
START = 1_790_000_000


@dataclass(frozen=True, slots=True)
class Happened:
    """One event and its verdict: `machine` 0, 1 or None (suspect), behind a proxy or not."""

    campaign: str
    recipient: str
    type: str
    at: int
    bounce: str | None = None
    machine: int | None = 0
    hides: int = 0
    url: str = ""
    variant: str = ""
    exact: int = 1


class SendLog:
    """A store of an invented company's campaigns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        store.connect(path, create=True).close()
        self.db = sqlite3.connect(path)
        self.db.execute("insert into sources values ('log', 'elastic_email', '{}')")
        self.count = 0

    def contacts(self, recipients: Iterable[str]) -> None:
        """Know addresses; one whose local part has a '+' goes by the person before it."""
        known = {row[0] for row in self.db.execute("select address from addresses")}
        for address in sorted(set(recipients) - known):
            local, _, domain = address.partition("@")
            contact = f"{local.partition('+')[0]}@{domain}"
            row = (contact, "", domain)
            self.db.execute(
                "insert or ignore into customers (customer, origin, segment) values (?, 'file', ?)",
                (domain, "big" if domain == "hooli.example" else "small"),
            )
            self.db.execute(
                "insert or ignore into contacts (contact, name, customer) values (?, ?, ?)", row
            )
            self.db.execute(
                "insert or ignore into contact_customers values (?, ?, '', '')", (contact, domain)
            )
            self.db.execute("insert into addresses values (?, ?)", (address, contact))

    def write(self, events: Iterable[Happened]) -> None:
        """Keep events with their verdicts."""
        events = list(events)
        self.contacts(event.recipient for event in events)
        rows, verdicts = [], []
        for event in events:
            self.count += 1
            key = f"e{self.count:07}"
            rows.append(
                (self.count, key, event.campaign, event.recipient, event.type, event.at, event.at,
                 event.bounce, event.url, event.variant, event.exact)
            )  # fmt: skip
            if event.machine != 0 or event.hides:
                verdicts.append((self.count, event.machine, event.hides))
        self.db.executemany(
            "insert into events (row, event, source, campaign, recipient, type, at, known_at,"
            " bounce, url, variant, exact, subject, reference, agent, ip, reason, raw, message_id,"
            " method, alike)"
            " values (?, ?, 'log', ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', '', '', '{}', '', '',"
            " '')",
            rows,
        )
        self.db.executemany("insert into suspects values (?, ?, ?, 2.0, '[]')", verdicts)
        self.db.commit()

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()


def random_events(rng: random.Random, campaign: str) -> list[Happened]:
    """Return a log that nobody would believe: anything happens to up to six addresses."""
    people = ["ann", "ann+news", "bo", "cy", "di", "eve"][: rng.randint(1, 6)]
    addresses = [f"{name}@{rng.choice(['globex', 'hooli'])}.example" for name in people]
    events = []
    for address in addresses:
        if rng.random() < 0.95:
            sent = Happened(campaign, address, "sent", START, variant=rng.choice(["A", "B"]))
            events.append(sent)
        events += [_anything(rng, campaign, address) for _ in range(rng.randint(0, 4))]
    return events


def _anything(rng: random.Random, campaign: str, address: str) -> Happened:
    kinds = ["delivered", "deferred", "bounced", "dropped", "complained", "unsubscribed"]
    event = Happened(
        campaign, address, rng.choice([*kinds, *["opened", "clicked"] * 4]),
        START + rng.choice([5, 600, DAY, 2 * DAY, 4 * DAY, 30 * DAY]), exact=rng.randint(0, 1),
    )  # fmt: skip
    if event.type == "bounced":
        return replace(event, bounce=rng.choice(["hard", "soft", "blocked", None]))
    if event.type in ("opened", "clicked", "unsubscribed"):
        event = replace(event, machine=rng.choice([0, 0, 1, None]))
    if event.type == "opened" and event.machine != 0:
        event = replace(event, hides=rng.randint(0, 1))
    if event.type == "clicked":
        event = replace(event, url=f"https://acme.example/{rng.choice(['a', 'b?x=1', 'optout'])}")
    return event


def recount(events: Sequence[Happened], as_of: int) -> dict[str, dict[str, float | None]]:
    """Count campaigns the slow way, from the definitions: by campaign, figure by name."""
    by_campaign: dict[str, dict[str, list[Happened]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        late = 60 if event.exact and event.type in ("opened", "clicked", "unsubscribed") else 0
        if event.at + late < as_of:
            by_campaign[event.campaign][event.recipient].append(event)
    return {name: _recounted(addresses, as_of) for name, addresses in by_campaign.items()}


def _recounted(addresses: Mapping[str, Sequence[Happened]], as_of: int) -> dict[str, float | None]:
    people: dict[str, list[str]] = defaultdict(list)
    for address in addresses:
        local, _, domain = address.partition("@")
        people[f"{local.partition('+')[0]}@{domain}"].append(address)
    counts: Counter[str] = Counter()
    for theirs in people.values():
        counts["sent"] += 1
        if all(_failed(addresses[address], as_of) for address in theirs):
            continue
        counts["delivered"] += 1
        for did in _did([event for address in theirs for event in addresses[address]]):
            counts[did] += 1
    openly, sure = (
        counts["opened"] - counts["hidden opened"],
        counts["delivered"] - counts["hidden"],
    )
    share = openly / sure if sure else None
    return {
        "sent": counts["sent"],
        "delivered": counts["delivered"],
        "opened raw": counts["raw"],
        "opened low": counts["opened"],
        "opened high": counts["opened"] + counts["hidden"] - counts["hidden opened"],
        "opened adjusted": counts["opened"] if not counts["hidden"]
        else None if share is None
        else openly + max(counts["hidden opened"], share * counts["hidden"]),
        "clicked low": counts["clicked"],
        "clicked high": counts["clicked"] + counts["click?"],
        "unsubscribed low": counts["left"],
        "unsubscribed high": counts["left"] + counts["left?"],
        "complained": counts["complained"],
    }  # fmt: skip


def _failed(events: Sequence[Happened], as_of: int) -> bool:
    if any(event.bounce == "hard" for event in events):
        return True
    back = [e for e in events if e.type in {"dropped", "bounced"}]
    if not back:
        return False
    last = max(event.at for event in back)
    if any(_person(event) or event.type == "complained" for event in events):
        return False
    arrived = any(
        event.type in ("delivered", "opened", "clicked") and last <= event.at <= last + 3 * DAY
        for event in events
    )
    over = last + 3 * DAY < as_of or any(event.type == "dropped" for event in back)
    return over and not arrived


def _person(event: Happened) -> bool:
    return event.type in ("opened", "clicked", "unsubscribed") and event.machine == 0


def _did(events: Sequence[Happened]) -> set[str]:
    opens = [event for event in events if event.type == "opened"]
    clicks = [e for e in events if e.type == "clicked" and "optout" not in e.url]
    leaves = [event for event in events if event.type == "unsubscribed"]
    did = {"raw"} if opens else set()
    if any(_person(click) for click in clicks):
        did |= {"clicked", "opened"}
    elif any(click.machine is None for click in clicks):
        did |= {"click?", "hidden"}
    if any(_person(each) for each in opens):
        did.add("opened")
    if any(each.machine is None or (each.machine == 1 and each.hides) for each in opens):
        did.add("hidden")
    if any(_person(leave) for leave in leaves):
        did.add("left")
    elif any(leave.machine is None for leave in leaves):
        did.add("left?")
    if any(event.type == "complained" for event in events):
        did.add("complained")
    return did | ({"hidden opened"} if {"hidden", "opened"} <= did else set())
