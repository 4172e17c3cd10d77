"""Signals -> scores: points on a scale that adds up, caps, bands and the reasons."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from re import Match
from statistics import NormalDist

from mailhealth.errors import UnknownName
from mailhealth.records import Contribution, Score, SignalValue
from mailhealth.rules import PLACE, Boundary, Cap, Rules, Signal

UNHEALTHY, AT_RISK, HEALTHY, UNKNOWN = "unhealthy", "at risk", "healthy", "unknown"

_LADDER = (UNHEALTHY, AT_RISK, HEALTHY)
_REASONS = 3
_WORTH_SAYING = 0.5  # points
_Z80 = NormalDist().inv_cdf(0.9)

_Known = Mapping[str, SignalValue]  # one customer's answers, by signal, in the scored window


def scores(
    values: Iterable[SignalValue],
    rules: Rules,
    *,
    previous: Mapping[str, tuple[str, float]] | None = None,
    lang: str = "en",
) -> list[Score]:
    """Weigh the signals of one as_of into one score per customer, in order of appearance.

    `previous` holds each customer's band and value at the evaluation before, for bands that
    do not flicker. `lang` ("en" or "ja") is the language of the sentences. Raises UnknownName
    for another language.
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
    return [
        _score(customer, as_of, known, _Setting(rules, before.get(customer), lang))
        for (customer, as_of), known in customers.items()
    ]


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a score depends on besides the answers."""

    rules: Rules
    previous: tuple[str, float] | None
    lang: str


def _score(customer: str, as_of: str, known: _Known, setting: _Setting) -> Score:
    rules = setting.rules
    lines = [
        _contribution(signal, known, setting.lang)
        for signal in rules.signals
        if _scored(signal) and _value(known, signal.name) is not None
    ]
    raw = rules.base + math.fsum(line.points for line in lines)
    clipped = min(100.0, max(0.0, raw))
    cap = _cap(known, rules)
    value = clipped if cap is None else min(clipped, cap.value)
    if clipped != raw:
        lines.append(Contribution("clip", clipped - raw, _CLIPPED[setting.lang]))
    if cap is not None and value != clipped:
        lines.append(
            Contribution("cap", value - clipped, _fill(cap.because, "", known, setting.lang))
        )
    coverage = _coverage(known, rules)
    judged = _enough(known, coverage, rules)
    low, high = _interval(value, known, rules)
    return Score(
        customer=customer,
        as_of=as_of,
        value=value,
        raw=raw,
        band=_band(value, cap is not None, setting) if judged else UNKNOWN,
        coverage=coverage,
        low=low,
        high=high if cap is None else min(high, cap.value),
        contributions=tuple(lines),
        because=_because(lines if judged else [], _foreword(cap, judged, known, setting), cap),
        model=rules.model,
    )


_CLIPPED = {"en": "the scale ends here", "ja": "評価の上限または下限です"}


def points(signal: Signal, value: SignalValue) -> float:
    """Return what an answer earns: at most the signal's points, 0 for a typical one.

    Rates are compared in logits, durations in logarithms, the rest as they are, each after
    `prior` typical observations have been mixed in (empirical Bayes with a given prior).
    """
    low, high = signal.points
    largest = max(-low, high)
    return min(high, max(low, largest * _distance(signal, value) / signal.span)) + 0.0


def _distance(signal: Signal, answer: SignalValue) -> float:
    """Return how far an answer is from typical, on the signal's scale and shrunk."""
    value, typical = answer.value or 0.0, signal.typical
    share = reliability(signal, answer)
    if signal.band is not None:
        return -_outside(value, signal.band) * abs(signal.span)
    if signal.scale == "logit":
        return _logit(share * value + (1 - share) * typical) - _logit(typical)
    if signal.scale == "log":
        return share * (math.log(max(value, 1e-9)) - math.log(typical))
    return share * (value - typical)


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


def reliability(signal: Signal, answer: SignalValue | None) -> float:
    """Return how much of an answer is the customer's own, in [0, 1]: n / (n + prior)."""
    if answer is None or answer.value is None:
        return 0.0
    n = answer.n or 0.0
    return n / (n + signal.prior) if signal.prior > 0 else 1.0


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
        _range(signal) * reliability(signal, known.get(signal.name)) for signal in rules.signals
    )
    return behind / total if total else 0.0


def _range(signal: Signal) -> float:
    return signal.points[1] - signal.points[0]


def _enough(known: _Known, coverage: float, rules: Rules) -> bool:
    enough = rules.enough
    if (_value(known, enough.unless) or 0.0) > 0:
        return True
    return coverage >= enough.coverage and _seen(known, rules) >= enough.n


def _seen(known: _Known, rules: Rules) -> float:
    answer = known.get(rules.enough.signal)
    return (answer.n if answer else None) or 0.0


def _interval(value: float, known: _Known, rules: Rules) -> tuple[float, float]:
    """Return the 80 % interval: a signal's points are taken as four standard deviations wide."""
    doubt = math.fsum(
        (_range(signal) / 4) ** 2 * (1 - reliability(signal, known.get(signal.name)))
        for signal in rules.signals
    )
    half = _Z80 * math.sqrt(doubt)
    return max(0.0, value - half), min(100.0, value + half)


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
