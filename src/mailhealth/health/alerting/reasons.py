"""Why an alert is one: its sentences, the messages behind it, and what is to be done."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mailhealth import alerts
from mailhealth.health import evaluating
from mailhealth.health import office as offices
from mailhealth.health.alerting.cases import Case
from mailhealth.health.alerting.pages import Pages
from mailhealth.health.evaluating import Engine
from mailhealth.records import Contribution, Score
from mailhealth.signals.clock import Holidays, holidays
from mailhealth.store import alerts as kept

_REASONS = 3
_WORTH_SAYING = 0.5  # points
_MESSAGES = 20
_OF_SCORE = ("cap", "clip")  # lines of a score that are no signal's

Keys = Mapping[str, Sequence[str]]  # of messages, by signal


@dataclass(frozen=True, slots=True)
class Told:
    """A step with its reasons by language, the keys of the messages behind it, and its tasks."""

    step: alerts.Step
    opened: str
    because: Mapping[str, Sequence[str]]
    evidence: Sequence[str]
    tasks: Sequence[alerts.Task]


def told(
    engine: Engine,
    day: str,
    steps: Sequence[alerts.Step],
    known: tuple[Mapping[str, Case], Pages],
) -> list[Told]:
    """Give every step its reasons; a cleared alert keeps those that it had."""
    cases, now = known
    before = {row["alert"]: row for row in kept.listing(engine.db(), among=_numbers(steps))}
    standing = [step for step in steps if step.change != "cleared"]
    shown = {
        step: _shown(now.kinds[step.kind], cases[step.customer], now.alerts) for step in standing
    }
    keys, free = _behind(engine, day, shown), _holidays(engine)
    found = []
    for step in steps:
        row = before.get(step.alert)
        opened = row["opened"] if row else day
        if row and step not in shown:
            found.append(Told(step, opened, row["because"], row["evidence"], ()))
            continue
        case = cases[step.customer]
        messages = [key for name in shown[step] for key in keys[step.customer].get(name, ())]
        found.append(
            Told(
                step=step,
                opened=opened,
                because=_because(now.kinds[step.kind], case, now.alerts),
                evidence=list(dict.fromkeys(messages))[:_MESSAGES],
                tasks=_tasks(step, case, now, (day, free)),
            )
        )
    return found


def _numbers(steps: Sequence[alerts.Step]) -> list[int]:
    return [step.alert for step in steps if step.alert is not None]


def _behind(
    engine: Engine, day: str, shown: Mapping[alerts.Step, Collection[str]]
) -> Mapping[str, Keys]:
    """Look up the messages behind the signals that show why there is an alert."""
    from mailhealth import signals

    names = {name for each in shown.values() for name in each}
    some = tuple(signal for signal in engine.rules.signals if signal.name in names)
    customers = sorted({step.customer for step in shown})
    if not some:
        return {customer: {} for customer in customers}
    fits = evaluating.fits(engine, [day])
    rules = replace(engine.rules, signals=some)
    with engine.released():
        return signals.evidence(engine.path, rules, customers, day, fits=fits)


def _holidays(engine: Engine) -> Holidays:
    """Our own public holidays, where this company told its country."""
    office = offices.told(engine.db())
    return holidays(office.country if office else "")


def _because(kind: alerts.Kind, case: Case, page: alerts.Page) -> dict[str, list[str]]:
    """Say, by language, what the alert says, and the three reasons that weigh most against."""
    signals = case.standing.signals
    asked = {name: name for name in signals} | {c.signal: c.answer for c in kind.opens.conditions}
    values = {name: signals[each].value for name, each in asked.items() if each in signals}
    sentences = {}
    for lang, score in case.scores.items():
        own = alerts.fill(kind.because[lang], values)
        drop = kind.watches == "evidence"
        worst = _worst(score, (*kind.opens.signals, *kind.keeps.signals))
        reasons = _made_of(case, page, lang) if drop else [line.because for line in worst]
        sentences[lang] = list(dict.fromkeys([own, *reasons]))
    return sentences


def _worst(score: Score, said: Collection[str] = ()) -> list[Contribution]:
    """Pick the lines of a score that take most from it, three at most, and none of those said."""
    silent = {*_OF_SCORE, *said}
    lines = (line for line in score.contributions if line.signal not in silent)
    taking = [line for line in lines if line.points <= -_WORTH_SAYING]
    return sorted(taking, key=lambda line: line.points)[:_REASONS]


def _made_of(case: Case, page: alerts.Page, lang: str) -> list[str]:
    return [
        alerts.fill(page.terms[name].because[lang], {"seen": seen, "usual": usual})
        for name, seen, usual in case.drop.made_of
    ]


def _shown(kind: alerts.Kind, case: Case, page: alerts.Page) -> tuple[str, ...]:
    """Name the signals whose messages are behind an alert; of a band, those that weigh most."""
    if kind.watches == "evidence":
        return tuple(page.terms[name].signal for name, _, _ in case.drop.made_of)
    if kind.opens.signals:
        return kind.opens.signals
    return tuple(line.signal for line in _worst(case.scores["en"]))


def _tasks(
    step: alerts.Step, case: Case, now: Pages, when: tuple[str, Holidays]
) -> list[alerts.Task]:
    """Plan what is to be done when an alert opens or is raised."""
    if step.change not in ("opened", "raised"):
        return []
    day, free = when
    alert = (step.kind, date.fromisoformat(day[:10]))
    customer = (case.standing.signals, case.standing.band, case.who)
    return alerts.tasks(now.playbooks, alert, customer, free)
