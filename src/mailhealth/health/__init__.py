"""Health: the one module that knows every room.

Mail and send logs come in through `sources`, are kept by `store`, read by `nlp`, counted by
`signals` and weighed by `score`.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mailhealth import store
from mailhealth.customers import belonging, contact_of, read_file
from mailhealth.errors import BadSource, UnknownName
from mailhealth.health import naming, reading, sentences
from mailhealth.health.answers import Evidence, Explanation, SourceReport, SyncReport
from mailhealth.health.batches import chunks
from mailhealth.health.instants import instant, iso, moment, seconds
from mailhealth.health.reading import Progress
from mailhealth.records import Score, SignalValue
from mailhealth.store import answers, campaign_replies, inbox, people, results
from mailhealth.store import corrections as told
from mailhealth.store import subscriptions as wishes
from mailhealth.store import topics as kept_topics
from mailhealth.store import verdicts as judged

if TYPE_CHECKING:
    import pandas as pd

    from mailhealth import campaigns
    from mailhealth.health.topics import Mention
    from mailhealth.rules import Rules

DAYS_AT_ONCE = 8  # instants computed together: one scan, and their signals in memory
EXPLAINED_AT_ONCE = 200  # customers whose evidence is looked up together
SENT_SEEN = 50  # with fewer than one mail of ours in so many, signals leave ours out (tables.py)
MODEL = "mail"

__all__ = [
    "Evidence",
    "Explanation",
    "Health",
    "Progress",
    "SourceReport",
    "SyncReport",
    "instant",
]


class Health:
    """A mailhealth database and everything that can be asked of it; a context manager."""

    def __init__(
        self,
        path: str | Path,
        *,
        create: bool = True,
        rules: Path | None = None,
        model: str = MODEL,
    ) -> None:
        self.model = model
        self.path = Path(path).absolute()
        self.db = store.connect(self.path, create=create)
        self._rules_path = rules
        self._rules: Rules | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database file."""
        self.db.close()

    @contextmanager
    def _released(self) -> Iterator[None]:
        """Let go of the file while the signal engine reads it.

        The engine's driver brings a copy of SQLite of its own, and two copies in one process
        drop each other's locks and cut the shared index of the write-ahead log under each
        other's feet (sqlite.org/howtocorrupt.html, 2.2.1): a bus error, or worse.
        """
        self.db.close()
        try:
            yield
        finally:
            self.db = store.connect(self.path)

    @property
    def rules(self) -> "Rules":
        """The score on one page: the shipped health.toml, or the user's own."""
        if self._rules is None:
            from mailhealth import rules

            self._rules = rules.load(self._rules_path)
        return self._rules

    # Where mail comes from

    def connect(self, name: str, connector: str | None = None, **settings: object) -> inbox.Source:
        """Remember a source: a connector, and where its mail or log lies.

        Without a connector, the file at `path` must be recognised by exactly one. Nothing is
        written when the source cannot be read. Passwords are named, never given:
        `password_env` or `password_command`.
        """
        from mailhealth import sources

        if not name.strip():
            raise BadSource("a source needs a name, such as 'support'")
        given = {key: str(value) for key, value in settings.items() if value is not None}
        _refuse_secrets(given)
        if "path" in given:
            given["path"] = str(Path(given["path"]).expanduser().resolve())
        if connector is None:
            if "path" not in given:
                raise BadSource(f"source '{name}': name a connector, or a file to recognise it by")
            connector = sources.recognise(Path(given["path"]), given)
        if Path(connector).is_dir():  # a connector of the user's own, wherever they stand later
            connector = str(Path(connector).resolve())
        sources.check(sources.connector(connector), given)
        source = inbox.Source(name, connector, given)
        inbox.add_source(self.db, source)
        if "user" in given:
            self._know_ourselves(given["user"])
        return source

    def _know_ourselves(self, user: str) -> None:
        """The mailbox we read is ours, and so is its company's domain."""
        if "@" in user:
            domain = belonging(user.casefold(), {}, ()).customer
            self.us(user, *((domain,) if domain else ()))

    def sources(self) -> list[inbox.Source]:
        """List the connected sources."""
        return inbox.sources(self.db)

    def us(self, *values: str) -> list[str]:
        """Add domains or addresses that are ours; return all that are known to be."""
        if values:
            people.add_ours(self.db, values)
            people.assign(self.db)
        return people.ours(self.db)

    def skipped(self) -> list[dict[str, str]]:
        """List everything that could not be read: source, place, why."""
        return inbox.skipped(self.db)

    def warnings(self, *, lang: str = "en") -> list[str]:
        """Say what makes the numbers poorer than they could be, one sentence each."""
        came, went = inbox.sides(self.db)
        if came and not self.us():
            return [sentences.nothing_is_ours(lang)]
        if came and went * SENT_SEEN < came + went:
            return [sentences.sent_mail_missing(went, came + went, lang)]
        return []

    def sync(
        self, *names: str, as_of: str | None = None, progress: Progress | None = None
    ) -> SyncReport:
        """Read what is new in the named sources (or all), annotate it, score the customers.

        A source that fails does not hold back the others: its report says why. Running it
        again changes nothing; an interrupted run goes on where it was.
        """
        progress = progress or _silent
        reports = tuple([reading.read(self.db, each, progress) for each in self._chosen(names)])
        people.assign(self.db)
        campaign_replies.find(self.db)
        annotated = self.read_texts(progress=progress)
        day = instant(as_of)
        scored = self.evaluate([day], progress=progress)
        return SyncReport(reports, annotated, scored, day)

    def sync_path(
        self,
        path: str | Path,
        *,
        as_of: str | None = None,
        progress: Progress | None = None,
        **settings: object,
    ) -> SyncReport:
        """Read one file, folder or archive, whose connector is found by itself, and score.

        It becomes a source named after the path; a path that is a source already stays that
        source, with the settings that are given now on top of its own.
        """
        known = naming.source_of(path, self.sources())
        given = {key: value for key, value in settings.items() if value is not None}
        source = self.connect(
            known.name if known else naming.free_name(path, self.sources()),
            known.connector if known else None,
            **{**(known.settings if known else {}), **given, "path": path},
        )
        return self.sync(source.name, as_of=as_of, progress=progress)

    def _chosen(self, names: Sequence[str]) -> list[inbox.Source]:
        known = {source.name: source for source in self.sources()}
        if missing := [name for name in names if name not in known]:
            there = ", ".join(known) or "none yet; 'mailhealth connect' adds one"
            raise UnknownName(f"no source '{missing[0]}'; there are {there}")
        if not known:
            raise BadSource(f"{self.path}: nothing to read yet; 'mailhealth connect' adds a source")
        return [known[name] for name in names] or list(known.values())

    def read_texts(self, *, progress: Progress | None = None) -> int:
        """Let the model read what it has not read: own words in mails, comments in surveys.

        Returns how many texts it read.
        """
        return reading.read_texts(self.db, self.model, progress or _silent)

    def judge(self, page: str | None = None) -> int:
        """Say of every open, click and unsubscribe not judged yet whether it was a person's.

        `page` is the text of a machines.toml that counts from now on ("": the shipped one);
        where the rules have changed, everything is judged again. The events themselves stay as
        they are. Returns how many events a rule suspects among those it judged.
        """
        from mailhealth import verdicts

        if page is not None:
            verdicts.load(page or None)
        own = judged.own_rules(self.db) if page is None else page or None
        machines = verdicts.load(own)
        due = judged.due(self.db, machines.fingerprint)
        saved = 0
        if due is not None:
            with self._released():
                found = verdicts.judge(self.path, due.since - verdicts.AHEAD, machines)
            saved = judged.save(self.db, found, machines.fingerprint, due, ahead=verdicts.AHEAD)
        if page is not None:
            judged.keep_rules(self.db, own)
        return saved

    def judged(self) -> list[dict[str, Any]]:
        """Count opens, clicks and unsubscribes: people's, machines', and the suspects."""
        return judged.counts(self.db)

    def correct(
        self,
        message: str,
        *,
        sentiment: str | None = None,
        intents: Sequence[str] | None = None,
        note: str = "",
    ) -> None:
        """Keep a person's word on a mail (its key or Message-ID): it wins over the model.

        Signals count it from their next evaluation on. What is None stays as it was.
        """
        from mailhealth import nlp

        found = told.find(self.db, message)
        told.check(nlp.intents(self.model), sentiment, intents)
        told.correct(
            self.db, found, at=int(time.time()), sentiment=sentiment, intents=intents, note=note
        )

    def clear_correction(self, message: str) -> None:
        """Take a correction back: the model's word counts again."""
        told.clear(self.db, told.find(self.db, message))

    def corrections(self) -> list[dict[str, Any]]:
        """List the corrections, the newest first, beside what the model had read."""
        return told.listing(self.db)

    def choose_thresholds(self) -> list[told.Threshold]:
        """Choose from the corrections how sure the model must be of an intent here, and use it.

        Raises BadData where no intent has enough of them.
        """
        from mailhealth import nlp

        return told.choose(self.db, nlp.version(self.model), nlp.intents(self.model))

    def shipped_thresholds(self) -> None:
        """Go back to the thresholds that come with the model."""
        told.shipped(self.db)

    # Who is who

    def import_customers(self, path: str | Path) -> int:
        """Take over a customer file (it replaces the one before); return its customers."""
        rows = read_file(Path(path))
        people.replace_customers(self.db, rows)
        people.assign(self.db)
        return len({row.customer for row in rows})

    def customers(self) -> list[dict[str, Any]]:
        """List the customers with their counts of contacts, messages and campaign events."""
        return people.customers(self.db)

    def consumer(self, on: bool | None = None) -> bool:
        """Say whether customers are persons, not companies: one person, one customer.

        Without an answer the setting is only looked up.
        """
        if on is not None:
            people.set_consumer(self.db, on)
            people.assign(self.db)
        return people.consumer(self.db)

    def contacts(self, customer: str | None = None) -> list[dict[str, Any]]:
        """List the contacts, of one customer or of all, with where they were seen."""
        return people.contacts(self.db, customer)

    def unassigned(self) -> list[dict[str, Any]]:
        """List the contacts that belong to no customer, with the reason."""
        return people.unassigned(self.db)

    def subscriptions(
        self, *, customer: str | None = None, as_of: str | None = None
    ) -> list[dict[str, Any]]:
        """List who unsubscribed or cannot be reached, since when, and by what it is known."""
        rows = wishes.standing(self.db, seconds(instant(as_of)), customer)
        return [row | {"since": moment(row["since"])} for row in rows]

    def subscription_history(
        self, contact: str, *, as_of: str | None = None
    ) -> list[dict[str, Any]]:
        """List all that was said of a contact's wish for mail, oldest first."""
        rows = wishes.changes(self.db, contact_of(contact), seconds(instant(as_of)))
        return [row | {"at": moment(row["at"])} for row in rows]

    # What it means

    def evaluate(self, as_ofs: Iterable[str], *, progress: Progress | None = None) -> int:
        """Compute and keep signals and scores as of some instants, oldest first.

        The newest evaluation of a day replaces the day's earlier one. Returns how many
        scores were kept.
        """
        progress = progress or _silent
        self.judge()
        days = sorted(as_ofs)
        kept = 0
        for done, (day, values, scores) in enumerate(self._evaluated(days), 1):
            with self.db.atomic():
                results.save_day(self.db, day, values)
                results.save_scores(self.db, scores)
            kept += len(scores)
            progress("scoring", done, len(days))
        return kept

    def _evaluated(
        self, days: Sequence[str]
    ) -> Iterator[tuple[str, list[SignalValue], list[Score]]]:
        from mailhealth import score, signals

        for some in chunks(days, DAYS_AT_ONCE):
            values: dict[str, list[SignalValue]] = {day: [] for day in some}
            with self._released():
                for value in signals.compute(self.path, self.rules, some):
                    values[value.as_of].append(value)
            for day in some:
                previous = results.previous(self.db, day)
                yield day, values[day], score.scores(values[day], self.rules, previous=previous)

    def history(self, *, until: str | None = None, weeks: int = 52) -> list[str]:
        """List weekly instants back from `until` (default: the newest evaluation).

        They start with the first week that has mail or events, so that no chart begins with
        an empty year.
        """
        end = datetime.fromisoformat(until or self.as_of())
        first = results.first_fact(self.db)
        days = (end - timedelta(weeks=back) for back in range(weeks, -1, -1))
        return [iso(day) for day in days if first is not None and day.timestamp() > first]

    def as_of(self) -> str:
        """The newest evaluated instant; now, where nothing was evaluated yet."""
        evaluated = results.evaluated(self.db)
        return evaluated[-1] if evaluated else instant(None)

    def signals(self, *, as_of: str | None = None, customer: str | None = None) -> "pd.DataFrame":
        """Give the table email_signals as of an instant (default: the newest) as a frame."""
        import pandas as pd

        columns = list(SignalValue.__dataclass_fields__)
        rows = ([getattr(value, name) for name in columns] for value in self._values(as_of))
        frame = pd.DataFrame(rows, columns=pd.Index(columns))
        return frame if customer is None else frame[frame["customer"] == customer]

    def scores(
        self, *, band: str | None = None, as_of: str | None = None, lang: str = "en"
    ) -> list[Score]:
        """Rank the customers by health, the worst first; the unknown ones stand at the end.

        `band` keeps one band only, `as_of` asks for an earlier day (default: the newest),
        `lang` is the language of the reasons, en or ja.
        """
        from mailhealth import score

        bands = ("unhealthy", "at risk", "healthy", "unknown")
        if band is not None and band not in bands:
            raise UnknownName(f"no band '{band}'; there are {', '.join(bands)}")
        day = instant(as_of) if as_of else self.as_of()
        previous = results.previous(self.db, day)
        found = score.scores(self._values(day), self.rules, previous=previous, lang=lang)
        ranked = sorted(found, key=lambda s: (s.band == "unknown", s.value, s.customer))
        return [s for s in ranked if band in (None, s.band)]

    def _values(self, as_of: str | None) -> list[SignalValue]:
        """The signals as of an instant: those kept, else computed without being kept."""
        from mailhealth import signals

        day = instant(as_of) if as_of else self.as_of()
        if kept := results.signals(self.db, day):
            return kept
        with self._released():
            return list(signals.compute(self.path, self.rules, [day]))

    def explain(self, customer: str, *, as_of: str | None = None, lang: str = "en") -> Explanation:
        """Say why a customer's score is what it is: lines, signals, and the mail behind each."""
        found = {score.customer: score for score in self.scores(as_of=as_of, lang=lang)}
        if customer not in found:
            raise UnknownName(f"no customer '{customer}'; {_nearest(customer, found)}")
        return next(self._explained([found[customer]], as_of))

    def explanations(self, *, as_of: str | None = None, lang: str = "en") -> Iterator[Explanation]:
        """Explain every customer, in the order of `scores`."""
        return self._explained(self.scores(as_of=as_of, lang=lang), as_of)

    def _explained(self, scores: Sequence[Score], as_of: str | None) -> Iterator[Explanation]:
        from mailhealth import signals

        values: dict[str, list[SignalValue]] = {}
        for value in self._values(as_of):
            values.setdefault(value.customer, []).append(value)
        for some in chunks(scores, EXPLAINED_AT_ONCE):
            names = [score.customer for score in some]
            with self._released():
                keys = signals.evidence(self.path, self.rules, names, some[0].as_of)
            for score in some:
                evidence = self._evidence(keys[score.customer])
                yield Explanation(score, tuple(values[score.customer]), evidence)

    def _evidence(self, keys: Mapping[str, Sequence[str]]) -> dict[str, tuple[Evidence, ...]]:
        behind = results.evidence(self.db, {key for each in keys.values() for key in each})
        return {
            signal: tuple(Evidence(**behind[key]) for key in each if key in behind)
            for signal, each in keys.items()
        }

    def score_history(self, customer: str) -> list[dict[str, Any]]:
        """List a customer's kept scores: as_of, value, band, low, high; oldest first."""
        return results.history(self.db, customer)

    def campaigns(
        self,
        name: str | None = None,
        *,
        by: "Sequence[campaigns.By]" = (),
        compare: tuple[str, str] | None = None,
        as_of: str | None = None,
    ) -> "campaigns.Report":
        """Say how campaigns landed: all or the one of that `name`, with the parts `by`.

        `compare` names two variants of that campaign, or two campaigns; `as_of` is the newest
        evaluation unless told.
        """
        from mailhealth import campaigns

        day = instant(as_of) if as_of else self.as_of()
        with self._released():
            return campaigns.report(self.path, day, name=name, by=by, compare=compare)

    def surveys(
        self, *, by: answers.By = "all", customer: str | None = None, as_of: str | None = None
    ) -> list[answers.SurveyResult]:
        """Say what people answered, each one's newest answer of 270 days, and who is silent.

        One line for each group and kind of question. A group without a line was never asked.
        `as_of` is now unless told.
        """
        if by not in answers.GROUPS:
            raise UnknownName(f"surveys by '{by}'? there are {', '.join(answers.GROUPS)}")
        self._know(customer)
        return answers.results(self.db, seconds(instant(as_of)), by=by, customer=customer)

    def survey_comments(
        self, *, customer: str | None = None, as_of: str | None = None
    ) -> list[dict[str, Any]]:
        """List what people wrote beside their answers, with the sentiment that was read there."""
        self._know(customer)
        return answers.comments(self.db, seconds(instant(as_of)), customer=customer)

    def topics(
        self,
        *,
        customer: str | None = None,
        as_of: str | None = None,
        days: int = 90,
        page: str | None = None,
        lang: str = "en",
    ) -> "list[Mention]":
        """Say what customers, or one, write about in a window of days, and in the one before.

        First the topics of the taxonomy, then phrases that nobody listed. `page` is the text of
        a topics.toml that counts from now on ("": the shipped one). `as_of` is now unless told.
        """
        from mailhealth.health import topics as written
        from mailhealth.nlp import topics as taxonomies

        self._know(customer)
        own = kept_topics.own_page(self.db) if page is None else page or None
        taxonomy = taxonomies.load(own)
        if page is not None:
            kept_topics.keep_page(self.db, own)
        written.find(self.db, taxonomy)
        end = seconds(instant(as_of))
        return written.mentions(self.db, taxonomy, customer=customer, end=end, days=days, lang=lang)

    def _know(self, customer: str | None) -> None:
        names = [each["customer"] for each in self.customers()] if customer else []
        if customer and customer not in names:
            raise UnknownName(f"no customer '{customer}'; {_nearest(customer, names)}")


def _refuse_secrets(settings: Mapping[str, str]) -> None:
    if secret := next((key for key in ("password", "token", "secret") if key in settings), None):
        raise BadSource(
            f"a {secret} is not kept in the database; give password_env=NAME_OF_A_VARIABLE or "
            "password_command='a command that prints it'"
        )


def _nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    there = list(names)
    close = get_close_matches(name, there, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(there[:5])} ..." if there else "there are none yet"


def _silent(stage: str, done: int, total: int | None) -> None:
    """Nobody watches."""
