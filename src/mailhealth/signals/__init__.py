"""Stored facts -> email_signals: DuckDB scans each fact once, Python turns sums into answers."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mailhealth.errors import BadData
from mailhealth.records import SignalValue
from mailhealth.rules import DAY, Rules, Signal
from mailhealth.signals.answers import NOTHING, Answer, cells, change, measure

if TYPE_CHECKING:
    from mailhealth.signals.engine import Found, Since


def compute(
    db: Path, rules: Rules, as_ofs: Sequence[str], *, customers: Sequence[str] | None = None
) -> Iterator[SignalValue]:
    """Yield every signal of every customer, on every one of `as_ofs` and in every window.

    An as_of is an ISO instant in UTC; nothing that happened at or after it is read. Customers
    of whom nothing is known get their rows too, with values of None; a name in `customers`
    that is nobody's is passed over. Raises BadSource for a
    file that is no store of ours and BadData for an as_of or an SQL text that is wrong.
    """
    from mailhealth import warehouse
    from mailhealth.signals import engine

    ends = [_moment(as_of) for as_of in as_ofs]
    if not ends:
        return
    with warehouse.opened(db) as store:
        for names in engine.buckets(store, customers):
            with engine.loaded(store, names, ends) as loaded:
                found = engine.found(loaded, rules, ends)
                since = engine.since(loaded)
            for as_of in as_ofs:
                for name in names:
                    yield from _rows(rules, name, as_of, (found, since))


def evidence(
    db: Path, rules: Rules, customers: Sequence[str], as_of: str
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return, by customer and signal, the keys of the messages or events a number stands on.

    Newest first, at most 20, from the window that is scored. Raises as `compute` does.
    """
    from mailhealth import warehouse
    from mailhealth.signals import engine

    end = _moment(as_of)
    behind: dict[str, dict[str, tuple[str, ...]]] = {customer: {} for customer in customers}
    with warehouse.opened(db) as store, engine.loaded(store, customers, [end]) as loaded:
        for signal in rules.signals:
            shown = engine.shown(loaded, signal, (end, signal.window))
            for customer, known in behind.items():
                known[signal.name] = shown.get(customer, ())
    return behind


def _moment(as_of: str) -> int:
    try:
        moment = datetime.fromisoformat(as_of)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise BadData(f"as_of: {as_of!r} is no moment; write 2026-11-01T00:00:00Z") from error


def _rows(
    rules: Rules, customer: str, as_of: str, known: tuple["Found", "Since"]
) -> Iterator[SignalValue]:
    end = _moment(as_of)
    for signal in rules.signals:
        for days, answer in _answers(signal, customer, end, known):
            yield SignalValue(
                customer=customer,
                as_of=as_of,
                window_days=days,
                signal=signal.name,
                value=answer.value,
                n=answer.n,
                k=answer.k,
                low=answer.interval[0],
                high=answer.interval[1],
                definition=signal.definition,
            )


def _answers(
    signal: Signal, customer: str, end: int, known: tuple["Found", "Since"]
) -> Iterator[tuple[int, Answer]]:
    """Yield a customer's answer for each window of a signal."""
    found, since = known
    start = since.get((customer, signal.risk))
    for days in signal.windows:
        answers = [
            measure(
                signal,
                found.get((signal.name, customer, (cell_end, days)), NOTHING),
                _risk(start, cell_end, days),
            )
            for cell_end, cell_days in cells(signal, end)
            if cell_days == days
        ]
        yield days, change(signal, *answers) if signal.kind == "change" else answers[0]


def _risk(start: int | None, end: int, days: int) -> float | None:
    """Return the days of the window in which mail could have been seen; None: never."""
    return None if start is None else max(0.0, min(days * DAY, end - start) / DAY)
