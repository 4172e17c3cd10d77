"""What the invented customers and people are called, and on which day something was."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from mailhealth.simulate.calendar import Integers
from mailhealth.simulate.mail import Scene
from mailhealth.simulate.page import Constants

_STEP = 7919  # a prime: names that follow each other are unlike


@dataclass(frozen=True, slots=True)
class Names:
    """Domains of customers, addresses of our people, and names and addresses of theirs.

    `contacts` lists the people of all customers; those of a customer begin at `begins`.
    """

    customers: list[str]
    owners: list[str]
    contacts: list[tuple[str, str]]
    begins: Integers
    langs: list[str]  # of each country

    def contact(self, customer: Integers, place: Integers) -> Integers:
        """Return where a customer's contacts, by their place there, stand among all."""
        found: Integers = self.begins[customer] + place
        return found


def names(scene: Scene) -> Names:
    """Name everybody."""
    c, people = scene.constants, scene.people
    customers = _domains(c, len(people))
    langs = [country["lang"] for country in c["country"].values()]
    size = (people.weight > 0).sum(axis=1)
    contacts = [
        person
        for i, (domain, country) in enumerate(zip(customers, people.country, strict=True))
        for person in _people(c["names"], langs[country], i, int(size[i]), domain=domain)
    ]
    owners = [f"{name}@{c['ours']['domain']}" for name in c["ours"]["owners"]]
    return Names(customers, owners, contacts, np.cumsum(size) - size, langs)


def day(scene: Scene, number: int) -> str:
    """Write a day, counted from the first one told, as a date."""
    return (date(1970, 1, 1) + timedelta(days=scene.calendar.start + int(number))).isoformat()


def _domains(c: Constants, count: int) -> list[str]:
    """Name so many companies by domains of three syllables, no two alike."""
    syllables = c["names"]["syllables"]
    size = len(syllables)
    domains = []
    for i in range(count):
        place, more = (i + 1) * _STEP % size**3, i // size**3
        parts = (syllables[place // size**k % size] for k in (2, 1, 0))
        domains.append(f"{''.join(parts)}{more or ''}.example")
    return domains


def _people(
    known: Constants, lang: str, customer: int, size: int, *, domain: str
) -> list[tuple[str, str]]:
    """Name the people of one customer, no two alike, with their addresses."""
    given, family = known["given"][lang], known["family"][lang]
    named = [
        (given[(5 * customer + k) % len(given)], family[(3 * customer + k) % len(family)])
        for k in range(size)
    ]
    return [(f"{g} {f}", f"{g}.{f}@{domain}".lower()) for g, f in named]
