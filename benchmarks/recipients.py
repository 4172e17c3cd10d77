"""The invented recipients of a send log: people, their mail programs, offices and gateways."""

from dataclasses import dataclass
from random import Random
from typing import Literal

DESKTOPS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
)
PHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Mobile Safari/537.36",
)
TELLING = (
    "python-requests/2.31.0",
    "curl/8.5.0",
    "Go-http-client/1.1",
    "BarracudaCentral LinkProtect/1.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " HeadlessChrome/119.0.0.0 Safari/537.36",
)

Habit = Literal["all", "delayed", "sample", "images", "on click"]
App = Literal["desktop", "apple", "gmail", "yahoo"]


@dataclass(frozen=True, slots=True)
class Gateway:
    """What a company's mail passes through; `share` of the links, `lead` seconds after delivery.

    A negative `lead` means that mail is scanned before it is accepted; `pause` is the mean of
    the seconds between two links. `leaves`: it fetches the link to unsubscribe as well.
    """

    habit: Habit
    agents: tuple[str, ...]
    networks: tuple[str, ...]
    share: float
    lead: float
    pause: float
    leaves: bool
    known: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Who gets mail: `interest` is the probability of reading one, `office` a shared /24."""

    address: str
    app: App
    agent: str
    ip: str
    interest: float
    clicks: float
    eager: bool
    opens_tabs: bool
    shows_images: bool
    office: bool
    gateway: Gateway | None


def population(random: Random, recipients: int) -> list[Person]:
    """Invent the recipients: six in ten at companies of 3 to 80 people, the rest at home."""
    found: list[Person] = []
    company = 0
    while len(found) < recipients * 0.6:
        size = min(80, 3 + int(random.expovariate(1 / 12)))
        found += _staff(random, company, size)
        company += 1
    home = ("gmail.example", "yahoo.example", "cloud.example", "look.example", "free.example")
    while len(found) < recipients:
        number = len(found)
        address = f"person{number}@{home[number % len(home)]}"
        own: tuple[App, ...] = ("gmail", "yahoo", "apple", "desktop", "desktop")
        # Any mailbox may be read with Apple's program.
        app = "apple" if random.random() < 0.3 else own[number % len(own)]
        ip = f"100.{64 + number % 64}.{number // 64 % 256}.{random.randint(1, 254)}"
        found.append(_person(random, address, app, ip))
    return found[:recipients]


def _staff(random: Random, company: int, size: int) -> list[Person]:
    gateway = _gateway(random) if random.random() < 0.18 else None
    network = f"198.{18 + company // 256 % 2}.{company % 256}"
    shares = random.random() < 0.6  # else they work from home, each from somewhere
    devoted = size < 8 and random.random() < 0.06  # a few people who read it all, at once
    return [
        _person(
            random,
            f"person{number}@company{company:04}.example",
            random.choices(("desktop", "apple", "gmail"), (55, 35, 10))[0],
            f"{network}.{random.randint(1, 9)}"
            if shares
            else f"100.{64 + random.randint(0, 63)}.{random.randint(0, 255)}.7",
            gateway=gateway,
            office=shares,
            devoted=devoted,
        )
        for number in range(size)
    ]


def _person(
    random: Random,
    address: str,
    app: App,
    ip: str,
    *,
    gateway: Gateway | None = None,
    office: bool = False,
    devoted: bool = False,
) -> Person:
    return Person(
        address=address,
        app=app,
        agent=random.choice(PHONES if random.random() < 0.45 else DESKTOPS),
        ip=ip,
        interest=0.9 if devoted else random.betavariate(1.2, 2.2),
        clicks=0.8 if devoted else random.betavariate(1.2, 6),
        eager=devoted or random.random() < 0.04,
        opens_tabs=random.random() < 0.03,
        shows_images=random.random() < 0.85,
        office=office,
        gateway=gateway,
    )


def _gateway(random: Random) -> Gateway:
    habits: tuple[Habit, ...] = ("all", "delayed", "sample", "images", "on click")
    habit = random.choices(habits, (50, 20, 10, 12, 8))[0]
    tells = random.random() < 0.4
    cloud = random.choice(("203.0.113", "198.51.100", "192.0.2", "198.19.240", "198.19.241"))
    return Gateway(
        habit=habit,
        agents=(random.choice(TELLING),) if tells else DESKTOPS[:2],
        networks=(cloud, random.choice(("198.19.250", "198.19.251"))),
        share=random.uniform(0.75, 1),
        lead=-8.0 if random.random() < 0.2 else random.uniform(1, 25),
        pause=random.choices((0.2, 1, 4, 20), (45, 30, 15, 10))[0],
        leaves=random.random() < 0.4,
        known=random.random() < 0.8,
    )
