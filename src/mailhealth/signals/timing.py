"""What clocks showed: each customer gets one, and every mail and absence is looked up on it."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mailhealth.signals.clock import DAY, Clock, Office, clock, country_of, zone_of
from mailhealth.signals.fits import Fit
from mailhealth.warehouse import Memory, Store

HOME = 0  # the number of our own zone
_LATELY = 90 * DAY  # how long offsets of mails say where somebody is
_AHEAD = 70 * DAY  # an absence may end so much later


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks that were needed (ours is the first), and each customer's number and country."""

    clocks: Sequence[Clock]
    numbers: Mapping[str, int]
    countries: Mapping[str, str]

    def active(self, customers: Sequence[str], moments: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the activity that each customer's clock showed at its moment."""
        numbers = np.array([self.numbers[customer] for customer in customers], dtype=np.int64)
        asked = np.asarray(moments, dtype=np.int64)
        found = np.zeros(len(customers), dtype=np.int64)
        for number in np.unique(numbers):
            mine = numbers == number
            found[mine] = self.clocks[number].active(asked[mine])
        return found


def office(store: Store | sqlite3.Connection, fit: Fit) -> Office:
    """Return where we work: as this company told, else as our own mail's clocks say."""
    with closing(store.cursor()) as cursor:
        cursor.execute("select value from settings where name = 'office'")
        rows = cursor.fetchall()
    return Office(**json.loads(rows[0][0])) if rows else Office(zone=fit.zone)


def tell(memory: Memory, fit: Fit, home: Office, span: tuple[int, int]) -> Clocks:
    """Make the tables customers, mails, absences and begun: what was loaded, with the clocks'
    readings. `span` is from the first to the last moment that is asked for."""
    made = clocks(memory, fit, home, span)
    names, numbers = list(made.numbers), list(made.numbers.values())
    beside(memory, "zones", {"customer": names, "zone": numbers})
    memory.execute(
        "create table customers as"
        " select customer, started, zone from clients join zones using (customer)"
    )
    memory.execute("create table placed as select * from letters join zones using (customer)")
    _read_off(memory, made, "placed", ("moment",))
    memory.execute(_MAILS)
    memory.execute("create table gone as select * from away join zones using (customer)")
    _read_off(memory, made, "gone", ("moment", "until"))
    memory.execute(_ABSENCES)
    return made


def clocks(
    memory: Memory | sqlite3.Connection,
    fit: Fit,
    home: Office,
    span: tuple[int, int],
    *,
    made: dict[tuple[str, str], Clock] | None = None,
) -> Clocks:
    """Give each customer in the tables clients and letters a clock.

    `made` are those that are there already, by zone and country; new ones join them.
    """
    made = {} if made is None else made
    rows = memory.execute(_OFFSETS, [fit.through - _LATELY, fit.through]).fetchall()
    written = {customer: (offset, at) for customer, offset, at in rows}
    clients = memory.execute("select customer, country from clients order by customer").fetchall()
    places = {(home.zone, home.country): HOME}
    numbers, countries = {}, {}
    for customer, told in clients:
        country = country_of(told, customer)
        zone = zone_of(country, *written.get(customer, (None, fit.through)), home)
        place = (zone, country or (home.country if zone == home.zone else ""))
        numbers[customer] = places.setdefault(place, len(places))
        countries[customer] = place[1]
    for place in places.keys() - made.keys():
        there = Office(*place, home.opens, home.closes)
        made[place] = clock(there, fit.pace(place[1]), span[0], span[1] + _AHEAD)
    return Clocks([made[place] for place in places], numbers, countries)


def beside(memory: Memory, table: str, columns: Mapping[str, npt.ArrayLike]) -> None:
    """Make a table of a column of customers, and of whole numbers beside them."""
    names, *numbers = columns
    given = {name: np.asarray(columns[name], dtype=np.int64) for name in numbers}
    given[names] = np.asarray(columns[names], dtype=np.str_).astype(object)
    memory.register("given_columns", given)
    kept = ", ".join(f"given_columns.{name}" for name in numbers)
    memory.execute(
        f"create table {table} as select clients.customer, {kept}"
        " from clients join given_columns using (customer)"
    )
    memory.unregister("given_columns")


def _read_off(memory: Memory, clocks: Clocks, table: str, columns: Sequence[str]) -> None:
    """Make the table read_off, row by row beside another: what its zones' clocks showed."""
    asked = memory.execute(f"select zone, {', '.join(columns)} from {table}").fetchnumpy()
    zones = np.asarray(asked["zone"], dtype=np.int64)
    found: dict[str, npt.NDArray[np.int64]] = {}
    for column in columns:
        moments = np.asarray(asked[column], dtype=np.int64)
        ours = clocks.clocks[HOME].worked(moments)
        found |= {f"{column}_active": ours.copy(), f"{column}_worked": ours.copy()}
        found[f"{column}_ours"] = ours
        for number in np.unique(zones):
            mine, there = zones == number, clocks.clocks[number]
            found[f"{column}_active"][mine] = there.active(moments[mine])
            found[f"{column}_worked"][mine] = there.worked(moments[mine])
    memory.register("reading", found)
    memory.execute("create or replace table read_off as select * from reading")
    memory.unregister("reading")


_OFFSETS = """
select customer, utc_offset, lately
from (
    select
        customer, utc_offset, max(moment) as lately,
        row_number() over (partition by customer order by count(*) desc, utc_offset) as place
    from letters
    where side = 'in' and utc_offset is not null and moment >= ? and moment < ?
    group by customer, utc_offset
) as counted
where place = 1"""

_MAILS = """
create table mails as
select
    customer, message, thread, moment, side, contact, closing, bounced_at,
    moment_active as active, moment_worked as worked, moment_ours as our_worked
from placed positional join read_off"""

_ABSENCES = """
create table absences as
select customer, message, contact, moment, moment_active as active, until_active
from gone positional join read_off"""
