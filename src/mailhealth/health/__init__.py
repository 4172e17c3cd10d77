"""Health: the one module that knows every room.

Mail and send logs come in through `sources`, are kept by `store`, read by `nlp`, counted by
`signals` and weighed by `score`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from mailhealth import campaigns, learn, store
from mailhealth.customers import belonging, contact_of
from mailhealth.errors import BadSource, UnknownName
from mailhealth.health import (
    correcting,
    evaluating,
    explaining,
    judging,
    learning,
    naming,
    outside,
    past,
    reading,
    sentences,
    watching,
    weighing,
)
from mailhealth.health import office as offices
from mailhealth.health import people as who
from mailhealth.health import portfolio as standing
from mailhealth.health import topics as written
from mailhealth.health.answers import Evidence, Explanation, SourceReport, SyncReport
from mailhealth.health.instants import instant, moment, seconds, this_hour
from mailhealth.health.reading import Progress
from mailhealth.records import Score
from mailhealth.rules import Rules
from mailhealth.rules import load as load_rules
from mailhealth.store import answers, campaign_replies, contract, inbox, people, results, touched
from mailhealth.store import corrections as told
from mailhealth.store import subscriptions as wishes
from mailhealth.store import verdicts as judged

if TYPE_CHECKING:
    from threading import Event

    import pandas as pd

    from mailhealth import outside as elsewhere
    from mailhealth.alerts.sending import Place, Sent
    from mailhealth.health.alerting import Alert, Decision, Pages, Task
    from mailhealth.portfolio import By, Group, Page, Renewal, Risk

MODEL = "mail"
FILES = {"path", "ca_file", "client_file", "key_file", "certificate_file"}  # of a source

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
    def rules(self) -> Rules:
        """The score on one page: the shipped health.toml, or the user's own."""
        if self._rules is None:
            self._rules = load_rules(self._rules_path)
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
        for file in FILES & given.keys():
            given[file] = str(Path(given[file]).expanduser().resolve())
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

    def login(
        self, name: str, *, show: Callable[[str], None], ask: Callable[[str], str], port: int = 0
    ) -> None:
        """Log in to the mailbox of a source once, for every sync to come.

        `show` gets what a person must read to consent, whose browser answers to `port` (0: any);
        a source with a password asks for that of `user@host` instead. No secret is written here.
        """
        from mailhealth import oauth

        settings = self._mailbox(name)
        if oauth.asked(settings):
            oauth.consent(settings, show=show, port=port)
        else:
            oauth.passwords.keep(settings, ask)

    def logout(self, name: str) -> bool:
        """Forget the consent or the password of a source; say whether there was one."""
        from mailhealth import oauth

        return oauth.forget(self._mailbox(name))

    def _mailbox(self, name: str) -> dict[str, str]:
        """What a source and its connector are set to, and what the source is called."""
        from mailhealth import sources

        (source,) = self._chosen([name])
        connector = sources.connector(source.connector)
        return {**connector.settings, **source.named}

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

    def folders(self, name: str) -> list[dict[str, Any]]:
        """List the folders of a mailbox: which are read, and whether all that is there is kept.

        One row a folder: folder, role, reads ("yes", or why not), on_server, stored, skipped,
        gone (from the server; kept here), missing. The server is asked, and nothing is changed.
        """
        from mailhealth.health import mailbox

        (source,) = self._chosen([name])
        return mailbox.folders(self.db, source)

    def us(self, *values: str) -> list[str]:
        """Add domains or addresses that are ours; return all that are known to be."""
        return who.ours(self.db, values)

    def skipped(self) -> list[dict[str, str]]:
        """List everything that could not be read: source, place, why."""
        return inbox.skipped(self.db)

    def warnings(self, *, lang: str = "en") -> list[str]:
        """Say what makes the numbers poorer than they could be, one sentence each."""
        came, went = inbox.sides(self.db)
        return sentences.warnings(came, went, ours=bool(self.us()), lang=lang)

    def sync(
        self, *names: str, as_of: str | None = None, progress: Progress | None = None
    ) -> SyncReport:
        """Read what is new in the named sources (or all), annotate it, score the customers.

        Mailboxes on servers are read at the same time. A source that fails does not hold back the
        others: its report says why. Running it again changes nothing; an interrupted run goes on
        where it was. Scores are as of the end of this hour unless told, so that within it only
        the customers are computed again of whom something came in.
        """
        progress = progress or _silent
        reports = reading.read(self.db, self.path, self._chosen(names), progress)
        people.assign(self.db)
        campaign_replies.find(self.db)
        annotated = self.read_texts(progress=progress)
        day = instant(as_of) if as_of else this_hour()
        scored = self.update(day, progress=progress)
        return SyncReport(reports, annotated, scored, day)

    def watch(
        self, *names: str, stop: "Event", progress: Progress | None = None
    ) -> Iterator[SyncReport | watching.Refused]:
        """Sync the named mailboxes (or all) when mail comes, until `stop` is set; yield reports.

        Servers tell of new mail themselves; every five minutes all folders are looked at. A source
        whose server refuses the login is told as Refused and left alone. Raises BadSource where
        there is no mailbox on a server.
        """
        chosen = watching.watched(self._chosen(names))
        for due in watching.rounds(chosen, stop):
            if isinstance(due, watching.Refused):
                yield due
            else:
                yield self.sync(*due, progress=progress)

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
        return judging.judge(self._engine, page)

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
        correcting.correct(
            self.db, self.model, message, sentiment=sentiment, intents=intents, note=note
        )

    def clear_correction(self, message: str) -> None:
        """Take a correction back: the model's word counts again."""
        correcting.clear(self.db, message)

    def corrections(self) -> list[dict[str, Any]]:
        """List the corrections, the newest first, beside what the model had read."""
        return told.listing(self.db)

    def choose_thresholds(self) -> list[told.Threshold]:
        """Choose from the corrections how sure the model must be of an intent here, and use it.

        Raises BadData where no intent has enough of them.
        """
        return correcting.choose(self.db, self.model)

    def shipped_thresholds(self) -> None:
        """Go back to the thresholds that come with the model."""
        correcting.shipped(self.db)

    # Who is who

    def import_customers(self, path: str | Path) -> int:
        """Take over a customer file (it replaces the one before); return its customers."""
        return who.take_over(self.db, Path(path))

    def customers(self) -> list[dict[str, Any]]:
        """List the customers with their counts of contacts, messages and campaign events."""
        return people.customers(self.db)

    def consumer(self, on: bool | None = None) -> bool:
        """Say whether customers are persons, not companies: one person, one customer.

        Without an answer the setting is only looked up.
        """
        return who.consumer(self.db, on)

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
        return evaluating.evaluate(self._engine, sorted(map(instant, as_ofs)), progress or _silent)

    def update(self, as_of: str, *, progress: Progress | None = None) -> int:
        """Bring an instant that was evaluated up to what is known now; count the new scores.

        Only customers of whom something came in since are computed again; the result is that of
        `evaluate`, which does it where anybody may be concerned.
        """
        day = instant(as_of)
        updated = None
        if results.complete(self.db, day, self.rules.model) and not touched.judged(self.db, day):
            updated = evaluating.update(self._engine, day, judging.anew(self._engine))
        return self.evaluate([day], progress=progress) if updated is None else updated

    @property
    def _engine(self) -> evaluating.Engine:
        return evaluating.Engine(lambda: self.db, self.path, self._released, self.rules)

    def history(self, *, until: str | None = None, weeks: int = 52) -> list[str]:
        """List weekly instants back from `until` (default: the newest evaluation).

        They start with the first week that has mail or events, so that no chart begins with
        an empty year.
        """
        return past.weeks(results.first_fact(self.db), until or self.as_of(), weeks)

    def as_of(self) -> str:
        """The newest evaluated instant; now, where nothing was evaluated yet."""
        return results.newest(self.db) or instant(None)

    def _day(self, as_of: str | None) -> str:
        return instant(as_of) if as_of else self.as_of()

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
        who.know(self.db, customer)
        if keep:
            self.update(as_of or self.as_of())
        values = weighing.values(self._engine, self._day(as_of), customer)
        return weighing.frame(values, self.rules.signals, wide=wide)

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
        weighed = weighing.weighed(self._engine, self._day(as_of), lang)
        return weighing.ranked((each.score for each in weighed.values()), band)

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

    def explain(self, customer: str, *, as_of: str | None = None, lang: str = "en") -> Explanation:
        """Say why a customer's score is what it is: lines, signals, and the mail behind each.

        The others are only looked at where the instant was never evaluated: a rank needs them.
        """
        who.know(self.db, customer)
        day = self._day(as_of)
        known = self._at_hand = explaining.at_hand(self._engine, day, lang, self._at_hand)
        return explaining.explain(self._engine, customer, known)

    def explanations(self, *, as_of: str | None = None, lang: str = "en") -> Iterator[Explanation]:
        """Explain every customer, in the order of `scores`."""
        weighed = weighing.weighed(self._engine, self._day(as_of), lang)
        ranked = weighing.ranked(each.score for each in weighed.values())
        return explaining.explained(self._engine, [weighed[each.customer] for each in ranked])

    def score_history(self, customer: str) -> list[dict[str, Any]]:
        """List a customer's kept scores: as_of, value, band, low, high; oldest first."""
        return results.history(self.db, customer, self.rules.model)

    def campaigns(
        self,
        name: str | None = None,
        *,
        by: Sequence[campaigns.By] = (),
        compare: tuple[str, str] | None = None,
        as_of: str | None = None,
    ) -> campaigns.Report:
        """Say how campaigns landed: all or the one of that `name`, with the parts `by`.

        `compare` names two variants of that campaign, or two campaigns; `as_of` is the newest
        evaluation unless told.
        """
        day = self._day(as_of)
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
        who.know(self.db, customer)
        return answers.results(self.db, seconds(instant(as_of)), by=by, customer=customer)

    def survey_comments(
        self, *, customer: str | None = None, as_of: str | None = None
    ) -> list[dict[str, Any]]:
        """List what people wrote beside their answers, with the sentiment that was read there."""
        who.know(self.db, customer)
        return answers.comments(self.db, seconds(instant(as_of)), customer=customer)

    def topics(
        self,
        *,
        customer: str | None = None,
        as_of: str | None = None,
        days: int = 90,
        page: str | None = None,
        lang: str = "en",
    ) -> list[written.Mention]:
        """Say what customers, or one, write about in a window of days, and in the one before.

        First the topics of the taxonomy, then phrases that nobody listed. `page` is the text of
        a topics.toml that counts from now on ("": the shipped one). `as_of` is now unless told.
        """
        who.know(self.db, customer)
        end = seconds(instant(as_of))
        return written.asked(self.db, page, customer=customer, end=end, days=days, lang=lang)

    def portfolio_page(self, text: str | None = None) -> "Page":
        """Give the portfolio.toml that counts, from now on that of `text` ("": the shipped one)."""
        return standing.page(self.db, self.rules, text)

    def portfolio(self, *, by: "By" = "segment", as_of: str | None = None) -> "list[Group]":
        """Count customers, bands, scores and revenue at risk by group, most at risk first."""
        return standing.groups(self._engine, self._day(as_of), by)

    def risks(
        self, *, as_of: str | None = None, lang: str = "en", everyone: bool = False
    ) -> "list[Risk]":
        """List who is at risk or unhealthy (or `everyone`), the largest expected loss first."""
        return standing.risks(self._engine, self._day(as_of), lang, everyone=everyone)

    def expansion(self, *, as_of: str | None = None, lang: str = "en") -> list[standing.Expansion]:
        """List who could buy more, with the messages behind each sign; the healthy first."""
        return standing.expansion(self._engine, self._day(as_of), lang)

    def renewals(
        self, *, days: int = 120, as_of: str | None = None, lang: str = "en"
    ) -> "list[Renewal]":
        """List the renewals due within so many days, the next one first."""
        return standing.renewals(self._engine, self._day(as_of), lang, days=days)

    def import_outside(self, path: str | Path) -> outside.Taken:
        """Take over a CSV of what other systems know; where one line is wrong, nothing of it.

        Signals of e-mail stay as they are. Raises BadData with every wrong line.
        """
        return outside.take_over(self.db, Path(path))

    def outside(
        self, *, customer: str | None = None, as_of: str | None = None
    ) -> list[dict[str, Any]]:
        """List what other systems know of all, of segments, of customers; now unless told."""
        outside.know(self.db, customer)
        return outside.listing(self.db, instant(as_of), customer)

    def outside_metrics(self) -> list[dict[str, Any]]:
        """List what a file may tell: every metric and its formula, and the parts of formulas."""
        return outside.catalogue(self.outside_page())

    def outside_page(self, text: str | None = None) -> "elsewhere.Page":
        """Give the components.toml that counts: the shipped one (""), or a `text` from now on."""
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
    ) -> learn.Report:
        """Say how well the score told who left, and whether learnt points would tell it better.

        `churn` is a CSV with customer, churned and perhaps announced. Looks back from `as_of`
        (default: the newest evaluation) every 30 days; needs the extra mailhealth[learn].
        Raises BadSource or BadData for a file that is none, with nothing changed.
        """
        learn.ready()
        day = self._day(as_of)
        left = learning.leavers(self.db, Path(churn), day)
        self.judge()
        panel = learning.panel(self._engine, left, day, progress or _silent)
        return learn.backtest(panel, seed=seed)

    def apply_points(self, report: learn.Report) -> Path:
        """Write learnt points into the user's own health.toml; return where that is.

        Without one, it becomes a copy of the shipped page beside the database. Raises BadData
        where the gate is closed.
        """
        return learning.apply(self._rules_path, self.path, report)

    def alerts(
        self, *, as_of: str | None = None, dry_run: bool = False, lang: str = "en"
    ) -> "list[Alert]":
        """Decide what becomes of every alert as of an instant (default: the newest evaluation).

        They are kept, with the tasks that playbooks ask for, unless it is a `dry_run`. An instant
        before the newest that was kept can only be looked at.
        """
        return self.look(as_of=as_of, dry_run=dry_run, lang=lang).alerts

    def look(
        self, *, as_of: str | None = None, dry_run: bool = False, lang: str = "en"
    ) -> "Decision":
        """Decide as `alerts` does, and count whom it passed over.

        The first look at a history opens what is true now, as many alerts as the budget of
        alerts.toml allows a week; what is older opens when it comes anew or gets worse.
        """
        from mailhealth.health import alerting

        return alerting.decide(self._engine, self._day(as_of), dry_run=dry_run, lang=lang)

    def close_alert(self, alert: int, reason: str) -> None:
        """Close an open alert by hand; the reason is kept, and its kind waits as after any other.

        Raises UnknownName where none of that number is open, BadData without a reason.
        """
        from mailhealth.health import alerting

        alerting.close_alert(self.db, alert, reason)

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

        who.know(self.db, customer)
        return alerting.tasks(
            self._engine, owner=owner, customer=customer, everything=everything, lang=lang
        )

    def close_task(self, task: int, state: Literal["done", "dropped"]) -> None:
        """Say that a task is done or dropped."""
        from mailhealth.health import alerting

        alerting.close(self.db, task, state)


def _refuse_secrets(settings: Mapping[str, str]) -> None:
    secrets = ("password", "token", "secret", "client_secret")
    if secret := next((key for key in secrets if key in settings), None):
        raise BadSource(
            f"a {secret} is not kept in the database; give password_env=NAME_OF_A_VARIABLE or "
            "password_command='a command that prints it'"
        )


def _silent(stage: str, done: int, total: int | None) -> None:
    """Nobody watches."""
