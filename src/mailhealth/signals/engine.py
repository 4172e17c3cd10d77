"""The facts in DuckDB, and the questions that are asked there."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from mailhealth import warehouse
from mailhealth.errors import BadData
from mailhealth.rules import DAY, Rules, Signal, facts
from mailhealth.signals.answers import Cell, Sums, cells
from mailhealth.signals.tables import TABLES
from mailhealth.warehouse import Memory, Store

Found = Mapping[tuple[str, str, Cell], Sums]  # by signal, customer and cell
Since = Mapping[tuple[str, str], int]  # by customer and side: when it could first be seen

# Nothing a window of 365 days asks for is older: a turn and its answer take another 35 days.
_HORIZON = 400 * DAY
_MESSAGES_AT_ONCE = 2_000_000
_EVIDENCE = 20


def buckets(store: Store, customers: Sequence[str] | None) -> list[list[str]]:
    """Return the customers, all or those of `customers` that exist, in groups to load at once."""
    with store.cursor() as cursor:
        cursor.execute("select customer from customers order by customer")
        names = [str(row[0]) for row in cursor.fetchall()]
        cursor.execute("select count(*) from message_customers")
        messages = cursor.fetchall()[0][0]
    if customers is not None:
        wanted = set(customers)
        names = [name for name in names if name in wanted]
    groups = 1 + messages // _MESSAGES_AT_ONCE
    return [group for i in range(groups) if (group := names[i::groups])]


@contextmanager
def loaded(store: Store, customers: Sequence[str], ends: Sequence[int]) -> Iterator[Memory]:
    """Open a DuckDB in memory that holds these customers' rows and knows the facts.

    Nothing at or after the last of `ends` is in it. It reaches no file and no network: a
    health.toml from elsewhere may be run in it.
    """
    asked = (min(ends) - _HORIZON, max(ends), json.dumps(list(customers)))
    with warehouse.memory() as memory:
        for table, (columns, sql) in TABLES.items():
            warehouse.copy(store, memory, table, columns, sql, asked)
        for name, sql in facts().items():
            memory.execute(f"create or replace temporary view {name} as {sql}")
        yield memory


def since(loaded: Memory) -> Since:
    """Return, by customer and side, the first moment at which such mail could be seen."""
    rows = loaded.execute("select customer, side, since from risk").fetchall()
    return {(customer, side): at for customer, side, at in rows}


def found(loaded: Memory, rules: Rules, ends: Sequence[int]) -> Found:
    """Return the sums of every signal, customer and cell in which something happened.

    Each fact is scanned once, for all its signals. Raises BadData for SQL that does not run.
    """
    by_fact: dict[str, list[Signal]] = {}
    for signal in rules.signals:
        by_fact.setdefault(signal.from_, []).append(signal)
    sums: dict[tuple[str, str, Cell], Sums] = {}
    for signals in by_fact.values():
        for customer, end, days, *numbers in _ask(loaded, _scan(signals, ends), signals):
            for i, signal in enumerate(signals):
                mine = numbers[4 * i : 4 * i + 4]
                sums[signal.name, customer, (end, days)] = Sums(*map(_float, mine))
    return sums


def _scan(signals: Sequence[Signal], ends: Sequence[int]) -> str:
    needed = {cell for end in ends for signal in signals for cell in cells(signal, end)}
    columns = ", ".join(column for signal in signals for column in _columns(signal))
    return f"""
        select customer, cell_end, cell_days, {columns}
        from {signals[0].from_}
        join {_cells_table(needed)} on moment >= cell_start and moment < cell_end
        group by customer, cell_start, cell_end, cell_days
    """


def _cells_table(needed: Iterable[Cell]) -> str:
    rows = ", ".join(f"({end - days * DAY}, {end}, {days})" for end, days in sorted(needed))
    return f"(values {rows}) as cells (cell_start, cell_end, cell_days)"


def _float(number: Any) -> float | None:
    return None if number is None else float(number)


def shown(loaded: Memory, signal: Signal, cell: Cell) -> dict[str, tuple[str, ...]]:
    """Return, by customer, the keys of the newest rows behind a signal in a cell, at most 20."""
    sql = f"""
        select customer, shown
        from {signal.from_}
        join {_cells_table([cell])} on moment >= cell_start and moment < cell_end
        where {signal.shows or "true"}
        group by customer, shown
        window newest as (partition by customer order by max(moment) desc, shown desc)
        qualify row_number() over newest <= {_EVIDENCE}
        order by customer, max(moment) desc, shown desc
    """
    keys: dict[str, list[str]] = {}
    for customer, key in _ask(loaded, sql, [signal]):
        keys.setdefault(customer, []).append(str(key))
    return {customer: tuple(each) for customer, each in keys.items()}


def _ask(loaded: Memory, sql: str, signals: Sequence[Signal]) -> list[tuple[Any, ...]]:
    try:
        return loaded.execute(sql).fetchall()
    except duckdb.Error as error:
        names = ", ".join(signal.name for signal in signals)
        why = str(error).splitlines()[0]
        raise BadData(f"health.toml: the SQL of {names} does not run ({why})") from error


def _columns(signal: Signal) -> tuple[str, str, str, str]:
    """Return k, n, value and spread as SQL, whatever the signal's kind."""
    if not signal.each:
        return (signal.k or "null", signal.n or "null", signal.value or "null", "null")
    each = f"({signal.each})"
    if signal.measures == "mean":
        return ("null", f"count{each}", f"sum{each} / count{each}", _spread(each))
    median = f"percentile_cont(5e-1) within group (order by {each})"
    # Kept to 1/65536 like the tones: sums of such numbers do not depend on their order.
    return ("null", f"count{each}", median, _spread(f"(round(ln{each} * 65536e0) / 65536e0)"))


def _spread(each: str) -> str:
    squares = f"sum({each} * {each}) - sum{each} * sum{each} / count{each}"
    return f"case when count{each} > 1 then sqrt(greatest({squares}, 0e0) / (count{each} - 1)) end"
