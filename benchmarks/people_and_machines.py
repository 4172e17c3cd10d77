"""An invented send log in which every open, click and unsubscribe is known to be whose it was.

People read late, in bursts, at the office or on the phone; machines fetch, scan and preview.
What either does is written from what is known of the field, not from the rules that judge it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from recipients import Gateway, Person, population

BEGIN = datetime(2026, 1, 6, 9, tzinfo=UTC)
EVERY = timedelta(days=5)  # between two campaigns
HOUR = 3_600.0  # seconds
LEAVE = "https://news.acme.example/unsubscribe"

APPLE = "Mozilla/5.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
PREVIEWERS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1;line-poker/1.0",
)
CAMPAIGNS = (
    "Price list",
    "春のご案内",
    "Product news",
    "メールマガジン",
    "Webinar",
    "展示会のご案内",
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log; `machine` is the truth, None where the question makes no sense.

    `known` says that the platform knows the machine behind it (a vendor's flag tells).
    """

    type: str
    at: float
    recipient: str
    campaign: str
    reference: str
    url: str = ""
    agent: str = ""
    ip: str = ""
    machine: bool | None = None
    known: bool = False


@dataclass(slots=True)
class Mailing:
    """One campaign's mail to one person, while its lines are being written."""

    person: Person
    campaign: str
    reference: str
    links: tuple[str, ...]
    sent: float
    delivered: float
    lines: list[Line] = field(default_factory=list)

    def add(self, type_: str, at: float, **others: str | bool | None) -> None:
        """Write a line about this mail."""
        about = (self.person.address, self.campaign, self.reference)
        self.lines.append(Line(type_, at, *about, **others))  # type: ignore[arg-type]


def log(seed: int = 1, recipients: int = 1_000) -> Iterator[Line]:
    """Give the lines of campaign after campaign to the same people, without end.

    Within a campaign they stand in the order of time. Who unsubscribes gets no more; whom a
    machine unsubscribed is put back by hand, as happens.
    """
    random = Random(seed)
    everybody = population(random, recipients)
    gone: set[str] = set()
    number = 0
    while True:
        lines: list[Line] = []
        sent = (BEGIN + number * EVERY).timestamp() + random.uniform(0, 2 * HOUR)
        name = f"{CAMPAIGNS[number % len(CAMPAIGNS)]} {number:04}"
        links = tuple(
            f"https://www.acme.example/{number:04}/{at}" for at in range(random.randint(2, 8))
        )
        for person in everybody:
            if person.address not in gone:
                lines += _fate(random, _mailing(random, person, name, links, sent=sent))
        gone.update(x.recipient for x in lines if x.type == "unsubscribed" and not x.machine)
        yield from sorted(lines, key=lambda line: line.at)
        number += 1


def _mailing(
    random: Random, person: Person, campaign: str, links: tuple[str, ...], *, sent: float
) -> Mailing:
    sent += random.uniform(0, 600)  # a platform sends over some minutes
    reference = f"{random.getrandbits(64):016x}"
    return Mailing(person, campaign, reference, links, sent, sent + random.uniform(1, 20))


def _fate(random: Random, mailing: Mailing) -> list[Line]:
    person = mailing.person
    mailing.add("sent", mailing.sent)
    if random.random() < 0.015:
        mailing.add("bounced", mailing.delivered)
        return mailing.lines
    mailing.add("delivered", mailing.delivered)
    if person.gateway:
        _scan(random, mailing, person.gateway)
    _fetch(random, mailing)
    if random.random() < person.interest:
        _read(random, mailing)
    return mailing.lines


def _scan(random: Random, mailing: Mailing, gateway: Gateway) -> None:
    """A gateway looks at a mail: at all of it, late, at a link or two, or at images only."""
    if gateway.habit == "on click" or random.random() < 0.35:  # it has seen the like
        return
    at = mailing.delivered + gateway.lead + random.expovariate(1 / 6)
    if gateway.habit == "delayed":
        at = mailing.delivered + random.uniform(120, 900)
    if gateway.habit == "images" or random.random() < 0.5:
        agent = "" if gateway.habit == "images" else random.choice(gateway.agents)
        _by_gateway(random, mailing, "opened", at, agent=agent)
    if gateway.habit == "images":
        return
    share = 1.5 / len(mailing.links) if gateway.habit == "sample" else gateway.share
    for link in mailing.links:
        if random.random() < share:
            at += random.expovariate(1 / gateway.pause)
            _by_gateway(random, mailing, "clicked", at, url=link)
    if gateway.leaves and gateway.habit != "sample":
        _by_gateway(random, mailing, "unsubscribed", at + random.uniform(0, 3), url=LEAVE)


def _by_gateway(
    random: Random,
    mailing: Mailing,
    type_: str,
    at: float,
    *,
    url: str = "",
    agent: str | None = None,
) -> None:
    gateway = mailing.person.gateway
    if gateway:
        mailing.add(
            type_,
            at,
            url=url,
            agent=random.choice(gateway.agents) if agent is None else agent,
            ip=f"{random.choice(gateway.networks)}.{random.randint(1, 60)}",
            machine=True,
            known=gateway.known,
        )


def _fetch(random: Random, mailing: Mailing) -> None:
    """A mail program's proxy fetches the images before anybody looks: Apple's nearly always."""
    app = mailing.person.app
    if app == "apple" and random.random() < 0.95:
        at = mailing.delivered + 4 + _lognormal(random, 1_500, 1.4)
        ip = f"17.{random.randint(56, 58)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
        mailing.add("opened", at, agent=APPLE, ip=ip, machine=True, known=True)
    rarely = {"gmail": (0.03, GMAIL, "66.249.88"), "yahoo": (0.1, YAHOO, "98.137.66")}.get(app)
    if rarely and random.random() < rarely[0]:
        at = mailing.delivered + random.uniform(0.5, 4)
        ip = f"{rarely[2]}.{random.randint(1, 254)}"
        mailing.add("opened", at, agent=rarely[1], ip=ip, machine=True)


def _read(random: Random, mailing: Mailing) -> None:
    """A person opens the mail when there is time, perhaps again, clicks, seldom leaves."""
    person = mailing.person
    at = mailing.delivered + 2 + _patience(random, person, mailing.delivered)
    _by_person(random, mailing, "opened", at)
    again = at
    while random.random() < 0.25:
        again += 20 + _lognormal(random, 8 * HOUR, 1.6)
        _by_person(random, mailing, "opened", again)
    if random.random() < person.clicks:
        at = _click(random, mailing, at)
    if random.random() < 0.004:
        _by_person(random, mailing, "unsubscribed", at + random.uniform(6, 120), url=LEAVE)


def _patience(random: Random, person: Person, delivered: float) -> float:
    if person.eager:
        return _lognormal(random, 12, 0.7)
    if person.office and random.random() < 0.4:  # when the day begins, or after lunch
        nine, day = 9 * HOUR, 24 * HOUR
        wait = min((start - delivered) % day for start in (nine, nine + 4 * HOUR))
        return wait + random.expovariate(1 / 1_200)
    return _lognormal(random, 3 * HOUR, 1.7)


def _click(random: Random, mailing: Mailing, at: float) -> float:
    person = mailing.person
    count = min(len(mailing.links), random.choices((1, 2, 3, 5), (68, 20, 9, 3))[0])
    at += 1 + _lognormal(random, 3 if person.eager else 14, 0.9)
    for link in random.sample(mailing.links, count):
        _by_person(random, mailing, "clicked", at, url=link)
        if random.random() < 0.02:
            _by_person(random, mailing, "clicked", at + 0.4, url=link)
        if person.gateway and person.gateway.habit == "on click":
            _by_gateway(random, mailing, "clicked", at + random.uniform(0, 2), url=link)
        if random.random() < 0.03:
            _preview(random, mailing, at + 30 + _lognormal(random, 600, 1.2), link)
        at += random.uniform(0.7, 3) if person.opens_tabs else 2 + _lognormal(random, 25, 1.1)
    return at


def _preview(random: Random, mailing: Mailing, at: float, link: str) -> None:
    """The reader passes a link on in a chat, whose machine looks at it."""
    agent, ip = random.choice(PREVIEWERS), f"198.19.200.{random.randint(1, 254)}"
    mailing.add("clicked", at, url=link, agent=agent, ip=ip, machine=True, known=True)


def _by_person(random: Random, mailing: Mailing, type_: str, at: float, *, url: str = "") -> None:
    person = mailing.person
    agent, ip = person.agent, person.ip
    if type_ == "opened":
        if person.app == "apple" or not person.shows_images:
            return  # nothing is fetched (again) when the person looks
        if person.app == "gmail":
            agent, ip = GMAIL, f"66.249.88.{random.randint(1, 254)}"
        elif person.app == "yahoo":
            agent, ip = YAHOO, f"98.137.66.{random.randint(1, 254)}"
    # Vendors take a person for a machine, too, though seldom.
    known = random.random() < 0.002
    mailing.add(type_, at, url=url, agent=agent, ip=ip, machine=False, known=known)


def _lognormal(random: Random, median: float, spread: float) -> float:
    return random.lognormvariate(math.log(median), spread)
