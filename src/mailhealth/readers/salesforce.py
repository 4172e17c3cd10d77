"""Salesforce Marketing Cloud's tables: events joined with the jobs and subscribers beside them."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from mailhealth.readers import csv
from mailhealth.records import Mark, Row, Skipped

JOBS = ("sendjobs.csv", "_job.csv", "job.csv")
SUBSCRIBERS = ("subscribers.csv", "_subscribers.csv")
_JOB = ("sendid", "jobid")
_KEYS = ("subscriberid", "subscriberkey")

_Fields = dict[str, str]


def read(settings: Mapping[str, str], cursors: Mapping[str, str]) -> Iterator[Row | Skipped | Mark]:
    """The rows of one table (`path`), with `EmailName`, `Subject` and `EmailAddress`.

    Name and subject of a mailing stand in the table of send jobs in the same folder. Data
    views have no address: where the table of subscribers lies beside them, it is looked up
    there, and else the row comes without.
    """
    file = Path(settings.get("path", ""))
    jobs = _jobs(file, settings) if file.is_file() else {}
    with closing(sqlite3.connect("")) as people:
        lacks = file.is_file() and "emailaddress" not in map(str.casefold, csv.columns(settings))
        known = lacks and _remember(people, file, settings)
        for item in csv.read(settings, cursors):
            if isinstance(item, Row):
                fields = _joined(item.fields, jobs)
                yield Row(item.place, _addressed(fields, people) if known else fields)
            else:
                yield item


def takes(file: Path) -> bool:
    """Whether a file looks like a table."""
    return csv.takes(file)


def columns(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The names in the header of one table (`path`)."""
    return csv.columns(settings)


def _beside(file: Path, names: tuple[str, ...], settings: Mapping[str, str]) -> Iterator[_Fields]:
    """The rows of a table in the same folder, their names folded; none where it is not there."""
    try:
        there = sorted(file.parent.iterdir())
    except OSError:  # a folder that one may pass through and not list
        return
    for path in there:
        if path.name.casefold() in names and path.is_file():
            for row in csv.read({**settings, "path": str(path)}, {}):
                if isinstance(row, Row):
                    yield {name.casefold(): str(value) for name, value in row.fields.items()}


def _jobs(file: Path, settings: Mapping[str, str]) -> dict[str, _Fields]:
    """Name and subject of every mailing, by its id."""
    return {
        _first(job, _JOB): {
            "EmailName": job.get("emailname", ""),
            "Subject": _first(job, ("subject", "emailsubject")),
        }
        for job in _beside(file, JOBS, settings)
    }


def _remember(people: sqlite3.Connection, file: Path, settings: Mapping[str, str]) -> bool:
    """Put the address of every subscriber into a temporary database; False where there is none.

    There may be millions: SQLite keeps on disk what does not fit into its cache.
    """
    people.executescript(
        "pragma synchronous = off; pragma journal_mode = off;"
        "create table people (key text primary key, address text not null) without rowid"
    )
    people.executemany(
        "insert or ignore into people values (?, ?)",
        (
            (row[key], row.get("emailaddress", ""))
            for row in _beside(file, SUBSCRIBERS, settings)
            for key in _KEYS
            if row.get(key)
        ),
    )
    return people.execute("select 1 from people limit 1").fetchone() is not None


def _joined(fields: Mapping[str, str], jobs: Mapping[str, _Fields]) -> _Fields:
    folded = {name.casefold(): value for name, value in fields.items()}
    return {**jobs.get(_first(folded, _JOB), {}), **fields}


def _addressed(fields: _Fields, people: sqlite3.Connection) -> _Fields:
    folded = {name.casefold(): value for name, value in fields.items()}
    for key in _KEYS:
        found = people.execute(
            "select address from people where key = ?", (folded.get(key, ""),)
        ).fetchone()
        if found:
            return {**fields, "EmailAddress": found[0]}
    return fields


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if fields.get(name)), "")
