"""Signals -> scores: points on a scale that adds up, caps, bands and the reasons."""

import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from re import Match
from statistics import NormalDist

from mailhealth.errors import UnknownName
from mailhealth.outside import EMAIL, Combined, Component, Page, combine, load, weights
from mailhealth.records import Contribution, Score, SignalValue
from mailhealth.rules import PLACE, Boundary, Cap, Rules, Signal

UNHEALTHY, AT_RISK, HEALTHY, UNKNOWN = "unhealthy", "at risk", "healthy", "unknown"

_LADDER = (UNHEALTHY, AT_RISK, HEALTHY)
_REASONS = 3
_WORTH_SAYING = 0.5  # points
_Z80 = NormalDist().inv_cdf(0.9)


@dataclass(frozen=True, slots=True)
class Beside:
    """What other systems know: each customer's components, and which of them anybody has."""

    components: Mapping[str, Sequence[Component]]
    configured: Collection[str]
    page: Page


def _nothing() -> Beside:
    return Beside({}, (), load())


_Known = Mapping[str, SignalValue]  # one customer's answers, by signal, in the scored window


def scores(
    values: Iterable[SignalValue],
    rules: Rules,
    *,
    previous: Mapping[str, tuple[str, float]] | None = None,
    beside: Beside | None = None,
    lang: str = "en",
) -> list[Score]:
    """Weigh the signals of one as_of into one score per customer, in order of appearance.

    `previous` holds each customer's band and value at the evaluation before, for bands that
    do not flicker; `beside` what other systems know of them. `lang` ("en" or "ja") is the
    language of the sentences. Raises UnknownName for another language.
    """
    if lang not in ("en", "ja"):
        raise UnknownName(f"no sentences in {lang!r}; there are en and ja")
    windows = {signal.name: signal.window for signal in rules.signals}
    customers: dict[tuple[str, str], dict[str, SignalValue]] = {}
    for value in values:
        known = customers.setdefault((value.customer, value.as_of), {})
        if windows.get(value.signal) == value.window_days:
            known[value.signal] = value
    before = previous or {}
    return _ranked(
        [
            _score(customer, as_of, known, _Setting(rules, before.get(customer), beside, lang))
            for (customer, as_of), known in customers.items()
        ]
    )


def _ranked(found: list[Score]) -> list[Score]:
    """Say of each judged customer what share of the judged stands lower."""
    values = sorted(score.value for score in found if score.band != UNKNOWN)
    others = max(len(values) - 1, 1)
    return [
        replace(score, rank=bisect_left(values, score.value) / others)
        if score.band != UNKNOWN
        else score
        for score in found
    ]


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a score depends on besides the answers."""

    rules: Rules
    previous: tuple[str, float] | None
    beside: Beside | None
    lang: str


def _score(customer: str, as_of: str, known: _Known, setting: _Setting) -> Score:
    rules = setting.rules
    email = _email(known, setting)
    whole = _whole(customer, email, setting)
    lines, raw = list(whole.lines), whole.raw
    clipped = min(100.0, max(0.0, raw))
    cap = _cap(known, rules)
    value = clipped if cap is None else min(clipped, cap.value)
    if clipped != raw:
        lines.append(Contribution("clip", clipped - raw, _CLIPPED[setting.lang]))
    if cap is not None and value != clipped:
        lines.append(
            Contribution("cap", value - clipped, _fill(cap.because, "", known, setting.lang))
        )
    judged = _judged(customer, email, known, setting)
    half = _Z80 * math.sqrt(whole.doubt)
    return Score(
        customer=customer,
        as_of=as_of,
        value=value,
        raw=raw,
        band=_band(value, cap is not None, setting) if judged else UNKNOWN,
        coverage=whole.coverage,
        low=max(0.0, value - half),
        high=min(100.0 if cap is None else cap.value, value + half),
        rank=None,
        contributions=tuple(lines),
        because=_because(lines if judged else [], _foreword(cap, judged, known, setting), cap),
        model=rules.model,
    )


def _email(known: _Known, setting: _Setting) -> Component:
    """Weigh the signals: what e-mail alone says."""
    lines = tuple(
        _contribution(signal, known, setting.lang)
        for signal in setting.rules.signals
        if _scored(signal) and _value(known, signal.name) is not None
    )
    return Component(
        name=EMAIL,
        raw=setting.rules.base + math.fsum(line.points for line in lines),
        coverage=_coverage(known, setting.rules),
        lines=lines,
        doubt=_doubt(known, setting.rules),
    )


def _whole(customer: str, email: Component, setting: _Setting) -> Combined:
    """Combine e-mail with what other systems know; alone it stays as it is."""
    beside = setting.beside or _nothing()
    return combine(
        email,
        beside.components.get(customer, ()),
        weights(beside.page),
        beside.configured,
        base=setting.rules.base,
        independent=beside.page.independent,
        lang=setting.lang,
        page=beside.page,
    )


_CLIPPED = {"en": "the scale ends here", "ja": "評価の上限または下限です"}


def points(signal: Signal, value: SignalValue) -> float:
    """Return what an answer earns: at most the signal's points, 0 for a typical one.

    Rates are compared in logits, durations in logarithms, the rest as they are, each as the
    signals have drawn it to its cohort (`shrunk`).
    """
    low, high = signal.points
    largest = max(-low, high)
    return min(high, max(low, largest * _distance(signal, value) / signal.span)) + 0.0


def _distance(signal: Signal, answer: SignalValue) -> float:
    """Return how far an answer is from typical, on the signal's scale and shrunk."""
    if signal.band is not None:
        return -_outside(answer.value or 0.0, signal.band) * abs(signal.span)
    if answer.shrunk is None:
        return 0.0
    if signal.scale == "logit":
        return _logit(answer.shrunk) - _logit(signal.typical)
    if signal.scale == "log":
        return math.log(max(answer.shrunk, 1e-9)) - math.log(signal.typical)
    return answer.shrunk - signal.typical


def _outside(value: float, band: tuple[float, float]) -> float:
    """Return 0 inside the band, 1 at four times too much or too little."""
    least, most = band
    if value <= 0:
        return 1.0
    far = max(0.0, math.log(least / value), math.log(value / most))
    return min(1.0, far / math.log(4))


def _logit(share: float) -> float:
    share = min(1 - 1e-9, max(1e-9, share))
    return math.log(share / (1 - share))


def reliability(answer: SignalValue | None) -> float:
    """Return how much of an answer is the customer's own, in [0, 1]; 0 where there is none."""
    return 0.0 if answer is None or answer.value is None else answer.reliability or 0.0


def _scored(signal: Signal) -> bool:
    return signal.points != (0.0, 0.0)


def _value(known: _Known, name: str) -> float | None:
    return known[name].value if name in known else None


def _contribution(signal: Signal, known: _Known, lang: str) -> Contribution:
    earned = points(signal, known[signal.name])
    sentences = signal.because if earned < 0 else signal.good
    return Contribution(signal.name, earned, _fill(sentences, signal.name, known, lang))


def _cap(known: _Known, rules: Rules) -> Cap | None:
    """Return the lowest cap in force."""
    in_force = [cap for cap in rules.caps if (_value(known, cap.signal) or 0.0) >= cap.at_least]
    return min(in_force, key=lambda cap: cap.value, default=None)


def _coverage(known: _Known, rules: Rules) -> float:
    """Return the share of all the points that had data behind them, by their reliability."""
    total = math.fsum(_range(signal) for signal in rules.signals)
    behind = math.fsum(
        _range(signal) * reliability(known.get(signal.name)) for signal in rules.signals
    )
    return behind / total if total else 0.0


def _range(signal: Signal) -> float:
    return signal.points[1] - signal.points[0]


def _judged(customer: str, email: Component, known: _Known, setting: _Setting) -> bool:
    """Tell whether enough is known to give a band: of e-mail, or of another component alone."""
    enough, beside = setting.rules.enough, setting.beside or _nothing()
    if (_value(known, enough.unless) or 0.0) > 0:
        return True
    if any(each.coverage >= enough.coverage for each in beside.components.get(customer, ())):
        return True
    return email.coverage >= enough.coverage and _seen(known, setting.rules) >= enough.n


def _seen(known: _Known, rules: Rules) -> float:
    answer = known.get(rules.enough.signal)
    return (answer.n if answer else None) or 0.0


def _doubt(known: _Known, rules: Rules) -> float:
    """Return the variance that is left: a signal's points are four standard deviations wide."""
    return math.fsum(
        (_range(signal) / 4) ** 2 * (1 - reliability(known.get(signal.name)))
        for signal in rules.signals
    )


def _band(value: float, at_once: bool, setting: _Setting) -> str:
    """Return the band; it changes when two evaluations running have passed the margin."""
    rules, previous = setting.rules, setting.previous
    if at_once or previous is None or previous[0] not in _LADDER:
        return _LADDER[(value >= rules.at_risk.at) + (value >= rules.healthy.at)]
    old = _LADDER.index(previous[0])
    boundaries = (rules.at_risk, rules.healthy)
    now, before = _step(old, value, boundaries), _step(old, previous[1], boundaries)
    if (now - old) * (before - old) <= 0:
        return previous[0]
    return _LADDER[min(now, before, key=lambda step: abs(step - old))]


def _step(old: int, value: float, boundaries: tuple[Boundary, ...]) -> int:
    """Return the step of the ladder that a value reaches from an old one."""
    reached = sum(value > boundary.up for boundary in boundaries)
    kept = sum(value >= boundary.down for boundary in boundaries)
    return max(reached, min(old, kept))


def _because(
    lines: list[Contribution], first: tuple[str, ...], told: Cap | None
) -> tuple[str, ...]:
    """Return what must be said first, then the lines that weigh most: three reasons at most."""
    silent = {"clip", "cap", told.signal if told else ""}
    weighty = [
        line for line in lines if abs(line.points) >= _WORTH_SAYING and line.signal not in silent
    ]
    weighty.sort(key=lambda line: -abs(line.points))
    return (first + tuple(line.because for line in weighty))[:_REASONS]


def _foreword(cap: Cap | None, judged: bool, known: _Known, setting: _Setting) -> tuple[str, ...]:
    """Return that too little is known, and the cap in force, if so."""
    enough, lang = setting.rules.enough, setting.lang
    lacking = () if judged else (_fill(enough.because, enough.signal, known, lang),)
    return lacking if cap is None else (*lacking, _fill(cap.because, "", known, lang))


def _fill(sentences: Mapping[str, str], own: str, known: _Known, lang: str) -> str:
    """Fill a sentence: {value}, {k}, {n} are the signal's own, other names are signals."""

    def place(match: Match[str]) -> str:
        name, form = match[1], match[2] or ""
        if name in ("value", "k", "n", "low", "high"):
            answer = known.get(own)
            return _say(getattr(answer, name) if answer else None, form)
        return _say(_value(known, name), form)

    return PLACE.sub(place, sentences[lang])


def _say(number: float | None, form: str) -> str:
    """Write a number as a sentence wants it: plain, as a percentage, or counted ("day|days")."""
    if number is None:
        return "?"
    if form == "%":
        return f"{number:.0%}"
    if "|" in form:
        one, many = form.split("|")
        said = _plain(number)
        return f"{said} {one if said == '1' else many}"
    return format(number, form) if form else _plain(number)


def _plain(number: float) -> str:
    return f"{number:.1f}" if 0 < abs(number) < 1 else f"{number:.0f}"
