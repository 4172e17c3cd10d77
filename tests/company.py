"""Companies for the tests of signals, written row by row: a small one, and a busy one."""

import json
import random
import sqlite3
from dataclasses import astuple, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from mailhealth import rules, signals, verdicts
from mailhealth.records import SignalValue
from mailhealth.rules import Rules
from mailhealth.signals.fits import Fit, through
from mailhealth.store import connect
from tests.reference import DAY, INTENTS

AS_OF = "2026-11-01T00:00:00Z"
EARLIER = "2026-08-15T12:00:00Z"
END = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
EMPTY = (
    *("subject", "reference", "url", "agent", "ip", "reason"),
    *("variant", "message_id", "method", "alike"),
)
OFFICE = {"zone": "Europe/Berlin", "country": "DE", "opens": 8 * 3600, "closes": 17 * 3600}
TEXTS = (
    ("", "[]"),
    ("Could you send it again?", "[]"),
    ("Dear all, thank you", "[[0, 19]]"),
    ("Dear all, OK", "[[0, 9]]"),
    ("いつですか？", "[]"),
    ("ご連絡ください。", "[]"),
)
Values = dict[tuple[str, str, int, str], SignalValue]
CUSTOMERS = ("globex.example", "initech.example", "hooli.example", "quiet.example")


_OPENED = count(1)


class Company:
    """A store of an invented company, written row by row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = self.judged = 0
        self.store = _opened(path)
        empty().backup(self.store)
        self.store.execute("pragma journal_mode = delete")
        self.insert("sources", source="test", connector="mbox", settings="{}")
        self.contact("us@acme.example", None)

    @classmethod
    def of(cls, path: Path) -> "Company":
        """Return a company whose store is there already."""
        company = cls.__new__(cls)
        company.path, company.rows, company.judged = path, 100_000 * next(_OPENED), -1
        company.store = _opened(path)
        return company

    @classmethod
    def copy(cls, other: "Company", path: Path) -> "Company":
        """Return a company whose store is a copy of another's."""
        other.store.commit()
        company = cls.of(path)
        other.store.backup(company.store)
        return company

    def insert(self, table: str, known: str = "abort", **row: object) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        sql = f"insert or {known} into {table} ({names}) values ({marks})"
        self.store.execute(sql, tuple(row.values()))

    def customer(self, name: str, started: str | None = None, **more: object) -> None:
        self.insert("customers", customer=name, started=started, origin="file", **more)

    def contact(self, address: str, customer: str | None, since: str = "", until: str = "") -> None:
        new = {"contact": address, "name": "", "ours": 0, "customer": customer}
        self.insert("contacts", known="ignore", **new)
        self.insert("addresses", known="ignore", address=address, contact=address)
        if customer is not None:
            self.insert(
                "contact_customers",
                contact=address,
                customer=customer,
                valid_from=since,
                valid_to=until,
            )

    def reader(self, number: int) -> str:
        """Write a customer of one person, and return their address."""
        self.customer(f"reader{number}.example")
        self.contact(f"ann@reader{number}.example", f"reader{number}.example")
        return f"ann@reader{number}.example"

    def mail(self, customer: str, at: int, direction: str, **more: object) -> str:
        """Write one mail; `more` overrides columns, `person` names the customer's side."""
        self.rows += 1
        key = str(more.pop("message", f"m{self.rows:06}"))
        person = str(more.pop("person", f"ann@{customer}"))
        row = {
            "message": key,
            "thread": "t1",
            "at": at,
            "known_at": at,
            "sender": person if direction == "in" else "us@acme.example",
            "subject": "",
            "kind": "human",
            "lang": "en",
            "new_text": "",
            "quoted_text": "",
            "signature": "",
            "attachments": "[]",
            "problems": "[]",
            "direction": direction,
            "read_by": "mail@1",
        }
        self.insert("messages", **(row | more))
        self.insert("message_customers", customer=customer, message=key)
        if direction == "out":
            self.insert("recipients", message=key, role="to", address=person)
        return key

    def read(self, message: str, task: str, label: str, value: float | None) -> None:
        self.insert(
            "annotations", message=message, model="mail@1", task=task, label=label, value=value
        )

    def notice(self, kind: str, at: int, person: str, **more: object) -> str:
        """Write what a machine tells: that `person` is away, or that a mail to them came back or
        was reported as spam."""
        sender = person if kind == "absent" else "us@acme.example"
        mail_kinds = {"absent": "auto_reply", "bounced": "bounce", "complained": "complaint"}
        words = {"kind": mail_kinds[kind], "person": sender, "thread": f"notice {self.rows}"}
        key = self.mail(person.partition("@")[2], at, "in", **words)
        row = {"message": key, "type": kind, "recipient": "", "bounce": None, "until": ""}
        row |= dict.fromkeys(("code", "reason", "original"), "")
        if kind != "absent":
            row["recipient"] = person
        self.insert("notices", **(row | more))
        return key

    def leave(
        self, person: str, at: int, *, means: str = "mailto", sender: str = "", **more: object
    ) -> str:
        """Write a mail that asks for no more mail to `person`, by default in their own name."""
        words = {"kind": "list", "thread": f"leave {self.rows}", "person": sender or person} | more
        key = self.mail(person.partition("@")[2], at, str(words.pop("direction", "in")), **words)
        self.insert("unsubscribe_mails", message=key, recipient=person, means=means)
        return key

    def answer(self, person: str, at: int, **more: object) -> str:
        """Write what somebody answered to a survey on its platform."""
        self.rows += 1
        row = {
            "answer": f"a{self.rows:06}",
            "source": "test",
            "survey": "spring",
            "recipient": person,
            "kind": "nps",
            "at": at,
            "known_at": at,
            "asked_at": None,
            "value": 9,
            "scale": 10,
            "comment": "",
            "raw": "{}",
        }
        self.insert("answers", **(row | more))
        return str((row | more)["answer"])

    def event(self, recipient: str, kind: str, at: int, **more: object) -> str:
        self.rows += 1
        row = {
            "event": f"e{self.rows:06}",
            "source": "test",
            "campaign": "news",
            "recipient": recipient,
            "type": kind,
            "at": at,
            "known_at": at,
            "raw": "{}",
            "exact": 1,
        } | dict.fromkeys(EMPTY, "")
        self.insert("events", **(row | more))
        return str((row | more)["event"])

    def judge(self) -> None:
        """Let the shipped rules judge all events, where anything has changed."""
        self.store.commit()
        if self.store.total_changes == self.judged:
            return
        self.store.execute("delete from suspects")
        self.store.commit()
        events = self.store.execute("select count(*) from events").fetchone()[0]
        self.store.executemany(
            "insert into suspects values (?, ?, ?, ?, ?)",
            [astuple(verdict) for verdict in (verdicts.judge(self.path) if events else ())],
        )
        self.store.commit()
        self.judged = self.store.total_changes

    def values(self, *as_ofs: str, only: str = "", fit: Fit | None = None) -> Values:
        """Return the shipped signals, or one, by customer, as_of, window and name."""
        self.judge()
        fits = None if fit is None else {fit.through: fit}
        found = signals.compute(self.path, page(only), as_ofs or (AS_OF,), fits=fits)
        return {(each.customer, each.as_of, each.window_days, each.signal): each for each in found}

    def value(
        self, signal: str, days: int = 0, as_of: str = AS_OF, fit: Fit | None = None
    ) -> SignalValue:
        """Return a signal of the first customer, by default in the window that is scored and
        with nothing fitted."""
        (window,) = (each.window for each in page(signal).signals)
        plain = Fit(through(signals.moment(as_of)))
        found = self.values(as_of, only=signal, fit=fit or plain)
        return found[CUSTOMERS[0], as_of, days or window, signal]


@cache
def empty() -> sqlite3.Connection:
    """Return a store with nothing in it."""
    store = sqlite3.connect(":memory:")
    with TemporaryDirectory() as folder:
        made = connect(Path(folder) / "empty.db")
        made.conn.backup(store)
        made.close()
    return store


def _opened(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(path)
    store.execute("pragma synchronous = off")
    return store


@cache
def page(only: str = "") -> Rules:
    """Return the shipped rules, all or with a single signal."""
    whole = rules.load()
    some = tuple(signal for signal in whole.signals if only in ("", signal.name))
    return replace(whole, signals=some)


def small(path: Path) -> Company:
    """A company with one customer, seen on both sides for two years."""
    company = Company(path)
    company.customer(CUSTOMERS[0], "2024-01-15")
    company.contact(f"ann@{CUSTOMERS[0]}", CUSTOMERS[0])
    company.customer("other.example")
    for side in ("in", "out"):
        company.mail("other.example", END - 700 * DAY, side, person="us@acme.example")
    return company


def busy(path: Path) -> Company:
    """Three customers with a year of everything, and one that never says a word."""
    chance = random.Random(9)
    company = Company(path)
    company.insert("settings", name="office", value=json.dumps(OFFICE))
    for number, name in enumerate(CUSTOMERS):
        company.customer(
            name,
            "2025-03-01" if number == 1 else None,
            country=("JP", "US", None, "DE")[number],
            segment=("gold", "gold", None, "iron")[number],
        )
        for person in ("ann", "bob", "cy"):
            company.contact(f"{person}@{name}", name)
    company.contact("dan@both.example", CUSTOMERS[0], until="2026-09-01")
    company.contact("dan@both.example", CUSTOMERS[2], since="2026-09-01")
    for number, name in enumerate(CUSTOMERS[:3]):
        correspond(company, chance, name, (540, -300, -120)[number])
        _campaigns(company, chance, name)
        _surveys(company, chance, name)
    for name in CUSTOMERS[:3]:
        _leave(company, chance, name)
    return company


def correspond(
    company: Company, chance: random.Random, name: str, offset: int, *, threads: int = 40
) -> None:
    """Write conversations with all that can happen in them."""
    gaps = (600, 7200, 50_000, DAY, 3 * DAY, 6 * DAY)
    for thread in range(threads):
        at = END - chance.randrange(380) * DAY - chance.randrange(DAY)
        for _ in range(chance.randint(1, 8)):
            person = f"{chance.choice(('ann', 'ann', 'ann', 'bob', 'cy'))}@{name}"
            text, courtesies = chance.choice(TEXTS)
            key = company.mail(
                name,
                at,
                chance.choice(("in", "out")),
                thread=f"{name}{thread}",
                person=person,
                kind=chance.choice(("human",) * 8 + ("auto_reply", "calendar")),
                read_by=chance.choice(("mail@1",) * 6 + (None, "mail@0")),
                utc_offset=chance.choice((offset, offset, offset + 60, None)),
                message_id=f"{company.rows}@acme.example",
                new_text=text,
                courtesies=courtesies,
            )
            if chance.random() < 0.1:
                _notice(company, chance, name, (key, at, person))
            at += chance.choice(gaps) + chance.randrange(-300, 300)
            if chance.random() < 0.1:
                at -= 7200
            _annotate(company, chance, key)


def _notice(company: Company, chance: random.Random, name: str, told: tuple[str, int, str]) -> None:
    """Let a mail come back, or its reader be away."""
    message, at, person = told
    if chance.random() < 0.4:
        until = datetime.fromtimestamp(at + chance.randrange(15) * DAY, UTC).date().isoformat()
        company.notice("absent", at + 60, person, until=until)
    else:
        hard = chance.choice(("hard", "soft"))
        original = f"{int(message[1:]) - 1}@acme.example"
        late = chance.choice((60, 6 * DAY))
        company.notice("bounced", at + late, person, bounce=hard, original=original)


def _annotate(company: Company, chance: random.Random, key: str) -> None:
    if chance.random() < 0.1:
        company.read(key, "sentiment", "unknown", None)
    else:
        company.read(key, "sentiment", "neutral", chance.uniform(-1, 1))
    for intent in INTENTS:
        if chance.random() < 0.15:
            company.read(key, "intent", intent, chance.random())
    if chance.random() < 0.1:
        company.read(key, "nps", "answer", chance.randint(0, 10))
    if chance.random() < 0.1:
        company.read(key, "csat", "answer", chance.randint(1, 5))


def _surveys(company: Company, chance: random.Random, name: str) -> None:
    for _ in range(30):
        asked, wait = END - chance.randrange(330) * DAY, chance.choice((5, 3600, 20 * DAY))
        person = f"{chance.choice(('ann', 'bob', 'cy'))}@{name}"
        kind, scale = chance.choice((("nps", 10), ("csat", 5), ("csat", 7)))
        for late in chance.choice(((), (wait,), (wait, wait + 8), (wait, wait + 11))):
            company.answer(
                person,
                asked + late,
                kind=kind,
                scale=scale,
                asked_at=chance.choice((asked, asked, None)),
                value=chance.choice((None, chance.randint(1, scale))),
            )


def _campaigns(company: Company, chance: random.Random, name: str) -> None:
    for number in range(24):
        for person in (f"ann@{name}", f"bob@{name}", f"cy@{name}", "dan@both.example"):
            at = END - 370 * DAY + number * 15 * DAY + chance.randrange(3600)
            words = {"campaign": f"news {number}"}
            if number % 7 == 0:
                words = {"campaign": "", "reference": f"r{number}"}
            company.event(person, "sent", at, **words)
            for _ in range(chance.choice((0, 1, 2, 4, 7))):
                company.event(person, at=at + _wait(chance), **words, **_reaction(chance))


def _leave(company: Company, chance: random.Random, name: str) -> None:
    """Let people leave by mail, in all the ways it is told, and some of them come back."""
    for number, how in enumerate(("words", "mailto", "named", "hidden", "shared") * 3):
        at = END - chance.randrange(380) * DAY - chance.randrange(DAY)
        person, other = (f"{who}{number}@{name}" for who in ("eve", "fay"))
        for each in (person, other):
            company.contact(each, name)
        if how == "words":
            company.leave(person, at, means=how, kind="human")
        elif how == "mailto":
            company.leave(person, at, sender=chance.choice((person, other)))
        elif how == "named":
            company.notice("complained", at, person)
        else:
            mail = {"campaign": f"last {number}", "message_id": f"{name}{number}@mail.example"}
            for recipient in (person, other) if how == "shared" else (person,):
                company.event(recipient, "sent", at - 60, **mail)
            company.notice("complained", at, person, recipient="", original=mail["message_id"])
        if chance.random() < 0.5:
            company.event(person, "subscribed", at + chance.choice((0, 1, 20 * DAY)))


def _wait(chance: random.Random) -> int:
    return chance.choice((1, 2, 4, 9, 11, 60, 61, 63, 3600, 2 * DAY, 4 * DAY, 30 * DAY))


def _reaction(chance: random.Random) -> dict[str, object]:
    kinds = ("delivered", "opened", "opened", "clicked", "clicked", "bounced", "dropped")
    rare = ("unsubscribed", "complained", "deferred", "subscribed")
    return {
        "kind": chance.choice(kinds if chance.random() < 0.96 else rare),
        "bounce": chance.choice(("hard", "soft", "blocked", None)),
        "machine": chance.choice((None, None, None, 0, 1)),
        "agent": chance.choice(("", "Mozilla/5.0", "Mozilla/5.0 (X11)")),
        "url": chance.choice(("https://a.example", "https://b.example", "x/Unsubscribe?1")),
        "method": chance.choice(("", "POST", "GET")),
    }


def crowd(path: Path) -> Company:
    """Forty customers of one kind, each with its own readiness to answer, and its own tone."""
    chance = random.Random(3)
    company = Company(path)
    for number in range(40):
        name = f"c{number:02}.example"
        company.customer(name, "2024-01-15", segment="gold")
        company.contact(f"ann@{name}", name)
        ready, tone = chance.betavariate(2, 2), chance.gauss(0.1, 0.3)
        for thread in range(chance.randint(2, 12)):
            at = END - chance.randint(8, 85) * DAY
            company.mail(name, at, "out", thread=f"{name}{thread}", person=f"ann@{name}")
            if chance.random() < ready:
                wait = int(chance.lognormvariate(9, 1.5)) + 60
                told = company.mail(name, at + wait, "in", thread=f"{name}{thread}")
                company.read(told, "sentiment", "neutral", max(-1, min(1, chance.gauss(tone, 0.4))))
    return company
