"""Health: the one module that knows every room.

Mail and send logs come in through `sources`, are kept by `store`, read by `nlp`, counted by
`signals` and weighed by `score`.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from mailhealth import store
from mailhealth.customers import belonging, contact_of, read_file
from mailhealth.errors import BadSource, UnknownName
from mailhealth.health import evaluating, explaining, naming, past, reading, sentences
from mailhealth.health import office as offices
from mailhealth.health.answers import Evidence, Explanation, SourceReport, SyncReport
from mailhealth.health.batches import chunks
from mailhealth.health.instants import instant, iso, moment, seconds
from mailhealth.health.reading import Progress
from mailhealth.records import Score, SignalValue
from mailhealth.store import answers, campaign_replies, contract, inbox, people, results, touched
from mailhealth.store import corrections as told
from mailhealth.store import subscriptions as wishes
from mailhealth.store import topics as kept_topics
from mailhealth.store import verdicts as judged

if TYPE_CHECKING:
    import pandas as pd

    from mailhealth import campaigns, learn
    from mailhealth import outside as elsewhere
    from mailhealth.alerts.sending import Place, Sent
    from mailhealth.health.alerting import Alert, Pages, Task
    from mailhealth.health.outside import Taken
    from mailhealth.health.portfolio import Expansion
    from mailhealth.health.topics import Mention
    from mailhealth.portfolio import By, Group, Page, Renewal, Risk, Standing
    from mailhealth.rules import Rules

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
        self._at_hand: explaining.AtHand | None = None

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
            self._at_hand = None

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

    def office(self, **given: str) -> offices.Office | None:
        """Say where we work: `country`, `zone`, `hours`; return what is known (None: nothing).

        Working hours and holidays follow from it. Until it is told, our own mail's clocks say
        which hours are ours, and no holiday is known.
        """
        if not given:
            return offices.told(self.db)
        touched.everybody(self.db)
        return offices.keep(self.db, given)

    def sources(self) -> list[inbox.Source]:
        """List the connected sources."""
        return inbox.sources(self.db)

    def us(self, *values: str) -> list[str]:
        """Add domains or addresses that are ours; return all that are known to be."""
        if values:
            people.add_ours(self.db, values)
            people.assign(self.db)
            touched.everybody(self.db)
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
        scored = self.update(day, progress=progress)
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
        from mailhealth import nlp

        touched.by_model(self.db, nlp.version(self.model))
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
            touched.everybody(self.db)
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
        touched.everybody(self.db)
        told.correct(
            self.db, found, at=int(time.time()), sentiment=sentiment, intents=intents, note=note
        )

    def clear_correction(self, message: str) -> None:
        """Take a correction back: the model's word counts again."""
        told.clear(self.db, told.find(self.db, message))
        touched.everybody(self.db)

    def corrections(self) -> list[dict[str, Any]]:
        """List the corrections, the newest first, beside what the model had read."""
        return told.listing(self.db)

    def choose_thresholds(self) -> list[told.Threshold]:
        """Choose from the corrections how sure the model must be of an intent here, and use it.

        Raises BadData where no intent has enough of them.
        """
        from mailhealth import nlp

        touched.everybody(self.db)
        return told.choose(self.db, nlp.version(self.model), nlp.intents(self.model))

    def shipped_thresholds(self) -> None:
        """Go back to the thresholds that come with the model."""
        told.shipped(self.db)
        touched.everybody(self.db)

    # Who is who

    def import_customers(self, path: str | Path) -> int:
        """Take over a customer file (it replaces the one before); return its customers."""
        rows = read_file(Path(path))
        people.replace_customers(self.db, rows)
        people.assign(self.db)
        touched.everybody(self.db)
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
            touched.everybody(self.db)
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
        self.judge()
        return evaluating.evaluate(self._engine, sorted(as_ofs), progress or _silent)

    def update(self, as_of: str, *, progress: Progress | None = None) -> int:
        """Bring an instant that was evaluated up to what is known now; count the new scores.

        Only customers of whom something came in since are computed again; the result is that of
        `evaluate`, which does it where anybody may be concerned.
        """
        day = instant(as_of)
        updated = None
        if results.complete(self.db, day, self.rules.model) and not touched.judged(self.db, day):
            updated = evaluating.update(self._engine, day, self._judge_anew())
        return self.evaluate([day], progress=progress) if updated is None else updated

    def _judge_anew(self) -> list[str]:
        """Judge what is due; return the events whose verdict is another one now."""
        before = judged.standing(self.db)
        self.judge()
        return sorted({event for event, *_ in before ^ judged.standing(self.db)})

    @property
    def _engine(self) -> evaluating.Engine:
        return evaluating.Engine(lambda: self.db, self.path, self._released, self.rules)

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
        return results.newest(self.db) or instant(None)

    def signals(
        self,
        *,
        as_of: str | None = None,
        customer: str | None = None,
        wide: bool = False,
        keep: bool = False,
    ) -> "pd.DataFrame":
        """Give the table email_signals as of an instant (default: the newest) as a frame.

        An instant that was never evaluated is computed; with `keep`, scores too, and kept.
        `wide` gives a row a customer, with the value and the reliability of each signal.
        """
        import pandas as pd

        self._know(customer)
        if keep:
            self.update(as_of or self.as_of())
        values = self._values(as_of, customer)
        if wide:
            return pd.DataFrame(contract.wide(values, self.rules.signals))
        columns = list(SignalValue.__dataclass_fields__)
        rows = ([getattr(value, name) for name in columns] for value in values)
        return pd.DataFrame(rows, columns=pd.Index(columns))

    def signal_changes(self, since: int) -> contract.Changes:
        """Say what changed in email_signals after a revision (0: everything), and the newest.

        For readers who keep a copy: docs/email_signals.md. Raises BadData for a revision that
        this database has not come to.
        """
        return contract.changes(self.db, since)

    def scores(
        self, *, band: str | None = None, as_of: str | None = None, lang: str = "en"
    ) -> list[Score]:
        """Rank the customers by health, the worst first; the unknown ones stand at the end.

        `band` keeps one band only, `as_of` asks for an earlier day (default: the newest),
        `lang` is the language of the reasons, en or ja.
        """
        bands = ("unhealthy", "at risk", "healthy", "unknown")
        if band is not None and band not in bands:
            raise UnknownName(f"no band '{band}'; there are {', '.join(bands)}")
        day = instant(as_of) if as_of else self.as_of()
        found = self._scored(self._values(day), day, lang)
        ranked = sorted(found, key=lambda s: (s.band == "unknown", s.value, s.customer))
        return [s for s in ranked if band in (None, s.band)]

    def _scored(self, values: Iterable[SignalValue], day: str, lang: str) -> list[Score]:
        """Weigh the signals of an instant, beside the scores of the one before."""
        from mailhealth import score
        from mailhealth.health.outside import beside

        previous = results.previous(self.db, day, self.rules.model)
        known = beside(self.db, day, lang)
        return score.scores(values, self.rules, previous=previous, beside=known, lang=lang)

    def scores_between(
        self,
        start: str,
        end: str | None = None,
        *,
        every: past.Every = "week",
        progress: Progress | None = None,
    ) -> list[dict[str, Any]]:
        """Rebuild the history from a day to another (default: the newest), and keep it.

        Evaluates the instants from `end` back in such steps, as `evaluate` does, and lists each
        customer's scores then: customer, as_of, value, band, low, high, coverage; oldest first.
        """
        days = past.days(start, end or self.as_of(), every)
        self.evaluate(days, progress=progress)
        return results.scores_of(self.db, days, self.rules.model)

    def scored_days(self) -> list[str]:
        """List the instants that were evaluated by the rules that count now, oldest first."""
        return results.evaluated(self.db, self.rules.model)

    def _values(self, as_of: str | None, customer: str | None = None) -> list[SignalValue]:
        """The signals as of an instant: those kept, else computed without being kept."""
        day = instant(as_of) if as_of else self.as_of()
        definitions = [signal.definition for signal in self.rules.signals]
        kept = results.signals(self.db, day, definitions, customer)
        if kept:
            return kept
        names = None if customer is None else [customer]
        found = evaluating.computed(self._engine, [day], names)
        return sorted(found, key=attrgetter("customer", "signal", "window_days"))  # as kept

    def explain(self, customer: str, *, as_of: str | None = None, lang: str = "en") -> Explanation:
        """Say why a customer's score is what it is: lines, signals, and the mail behind each.

        The others are not looked at: the score has a rank only where the instant was evaluated.
        """
        self._know(customer)
        day = instant(as_of) if as_of else self.as_of()
        values = self._values(day, customer)
        engine = self._engine
        known = self._at_hand = explaining.at_hand(engine, day, lang, self._at_hand)
        score = explaining.score(engine, values, known)
        evidence = self._evidence(explaining.keys(engine, customer, known))
        return Explanation(score, tuple(values), evidence)

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
            known = evaluating.fits(self._engine, [some[0].as_of])
            with self._released():
                keys = signals.evidence(self.path, self.rules, names, some[0].as_of, fits=known)
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
        return results.history(self.db, customer, self.rules.model)

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

    def portfolio_page(self, text: str | None = None) -> "Page":
        """Give the portfolio.toml that counts, from now on that of `text` ("": the shipped one)."""
        from mailhealth.health import portfolio as standing

        return standing.page(self.db, self.rules, text)

    def portfolio(self, *, by: "By" = "segment", as_of: str | None = None) -> "list[Group]":
        """Count customers, bands, scores and revenue at risk by group, most at risk first."""
        from mailhealth import portfolio

        if by not in portfolio.BY:
            raise UnknownName(f"no groups by '{by}'; there are {', '.join(portfolio.BY)}")
        day, known = self._standings(as_of)
        return portfolio.groups(known, self.portfolio_page(), by=by, day=day)

    def risks(
        self, *, as_of: str | None = None, lang: str = "en", everyone: bool = False
    ) -> "list[Risk]":
        """List who is at risk or unhealthy (or `everyone`), the largest expected loss first."""
        from mailhealth import portfolio

        _, known = self._standings(as_of, lang)
        return portfolio.risks(known, self.portfolio_page(), everyone=everyone)

    def expansion(self, *, as_of: str | None = None, lang: str = "en") -> "list[Expansion]":
        """List who could buy more, with the messages behind each sign; the healthy first."""
        from mailhealth import portfolio
        from mailhealth.health import portfolio as standing

        _, known = self._standings(as_of, lang)
        found = portfolio.expansion(known, self.portfolio_page())
        scores = [each.standing.score for each in found if each.standing.score]
        told = {each.score.customer: each.evidence for each in self._explained(scores, as_of)}
        return [standing.Expansion(each, standing.behind(each, told)) for each in found]

    def renewals(
        self, *, days: int = 120, as_of: str | None = None, lang: str = "en"
    ) -> "list[Renewal]":
        """List the renewals due within so many days, the next one first."""
        from mailhealth import portfolio

        day, known = self._standings(as_of, lang)
        return portfolio.renewals(known, day=day, days=days)

    def _standings(self, as_of: str | None, lang: str = "en") -> "tuple[date, list[Standing]]":
        """What is known of each customer as of an instant, and its day."""
        from mailhealth.health import portfolio as standing

        day = instant(as_of) if as_of else self.as_of()
        values = self._values(day)
        scores = self._scored(values, day, lang)
        known = standing.standings(self.db, self.rules, day, scores=scores, values=values)
        return date.fromisoformat(day[:10]), known

    def import_outside(self, path: str | Path) -> "Taken":
        """Take over a CSV of what other systems know; where one line is wrong, nothing of it.

        Signals of e-mail stay as they are. Raises BadData with every wrong line.
        """
        from mailhealth.health import outside

        touched.everybody(self.db)
        return outside.take_over(self.db, Path(path), now=int(time.time()))

    def outside(
        self, *, customer: str | None = None, as_of: str | None = None
    ) -> list[dict[str, Any]]:
        """List what other systems know of all, of segments, of customers; now unless told."""
        from mailhealth.health import outside

        outside.know(self.db, customer)
        return outside.listing(self.db, instant(as_of), customer)

    def outside_metrics(self) -> list[dict[str, Any]]:
        """List what a file may tell: every metric and its formula, and the parts of formulas."""
        from mailhealth.health import outside

        return outside.catalogue(self.outside_page())

    def outside_page(self, text: str | None = None) -> "elsewhere.Page":
        """Give the components.toml that counts: the shipped one (""), or a `text` from now on."""
        from mailhealth.health import outside

        if text is not None:
            touched.everybody(self.db)
            self._rules = None
        return outside.page(self.db, text)

    # Who left

    def backtest(
        self,
        churn: str | Path,
        *,
        as_of: str | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> "learn.Report":
        """Say how well the score told who left, and whether learnt points would tell it better.

        `churn` is a CSV with customer, churned and perhaps announced. Looks back from `as_of`
        (default: the newest evaluation) every 30 days; needs the extra mailhealth[learn].
        Raises BadSource or BadData for a file that is none, with nothing changed.
        """
        from mailhealth import learn
        from mailhealth.health import learning

        learn.ready()
        day = instant(as_of) if as_of else self.as_of()
        left = learning.leavers(self.db, Path(churn), day)
        self.judge()
        panel = learning.panel(self._engine, left, day, progress or _silent)
        return learn.backtest(panel, seed=seed)

    def apply_points(self, report: "learn.Report") -> Path:
        """Write learnt points into the user's own health.toml; return where that is.

        Without one, it becomes a copy of the shipped page beside the database. Raises BadData
        where the gate is closed.
        """
        from mailhealth.health import learning

        return learning.apply(self._rules_path, self.path, report)

    def alerts(
        self, *, as_of: str | None = None, dry_run: bool = False, lang: str = "en"
    ) -> "list[Alert]":
        """Decide what becomes of every alert as of an instant (default: the newest evaluation).

        They are kept, with the tasks that playbooks ask for, unless it is a `dry_run`. An instant
        before the newest that was kept can only be looked at.
        """
        from mailhealth.health import alerting

        day = instant(as_of) if as_of else self.as_of()
        values = self._values(day)
        scores = {
            each: {score.customer: score for score in self._scored(values, day, each)}
            for each in ("en", "ja")
        }
        weighed = alerting.Weighed(day, scores, values)
        return alerting.decide(self._engine, weighed, dry_run=dry_run, lang=lang)

    def open_alerts(self, *, lang: str = "en") -> "list[Alert]":
        """List the alerts that are open, the severest first."""
        from mailhealth.health import alerting

        return alerting.listing(self._engine, lang=lang)

    def alert_pages(self, *, alerts: str | None = None, playbooks: str | None = None) -> "Pages":
        """Give the alerts.toml and playbooks.toml that count; a text counts from now on."""
        from mailhealth.health import alerting

        return alerting.pages(self.db, self.rules, page=alerts, books=playbooks)

    def send_alerts(self, place: "Place", *, lang: str = "en") -> "tuple[Sent, int]":
        """Tell people, through Apprise, of the open alerts that nobody was told of; count them."""
        from mailhealth.health import alerting

        return alerting.send(self._engine, place, lang=lang)

    def tasks(
        self,
        *,
        owner: str | None = None,
        customer: str | None = None,
        everything: bool = False,
        lang: str = "en",
    ) -> "list[Task]":
        """List the tasks that are open (or `everything`), what is due next first."""
        from mailhealth.health import alerting

        self._know(customer)
        found = alerting.tasks(self._engine, lang=lang, everything=everything)
        wanted = {"owner": owner, "customer": customer}
        asked = {name: value for name, value in wanted.items() if value is not None}
        return [t for t in found if all(getattr(t, name) == v for name, v in asked.items())]

    def close_task(self, task: int, state: Literal["done", "dropped"]) -> None:
        """Say that a task is done or dropped."""
        from mailhealth.health import alerting

        alerting.close(self.db, task, state)

    def _know(self, customer: str | None) -> None:
        if customer and not people.known(self.db, customer):
            there = people.names(self.db)
            raise UnknownName(f"no customer '{customer}'; {_nearest(customer, there)}")


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
