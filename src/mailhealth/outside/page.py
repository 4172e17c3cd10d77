"""components.toml, read: the components, their parts and metrics, and what each is worth."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from mailhealth.errors import BadData
from mailhealth.outside import formula
from mailhealth.rules import checks, toml

Range = tuple[float, float]

EMAIL = "email"  # the component that mail itself is read for
UNITS: Mapping[str, Range] = {  # what a number may be
    "share": (0, 1),
    "multiple": (0, 10),  # of what was there before; above that somebody wrote a percentage
    "ratio": (0, math.inf),
    "count": (0, math.inf),
    "money": (0, math.inf),
    "answer": (0, 10),
    "net": (-100, 100),
}
PERCENT = ("share", "multiple", "ratio")  # may be written 85 %
KINDS = {"rate": ("k", "n"), "net": ("up", "down", "n"), "value": ()}

_DAYS = 180
_FORMULAS = ("k", "n", "up", "down", "value")
_NUMBER = (int, float)
_PAGE: checks.Keys = {"independent": bool, "component": dict, "metric": dict}
_COMPONENT: checks.Keys = {"omega": _NUMBER, "asks": str, "parts": dict}
_METRIC: checks.Keys = {
    "component": str,
    "asks": str,
    "kind": str,
    "k": str,
    "n": str,
    "up": str,
    "down": str,
    "value": str,
    "unit": str,
    "direction": str,
    "days": int,
    "typical": _NUMBER,
    "prior": _NUMBER,
    "span": _NUMBER,
    "points": list,
    "because": dict,
    "example": dict,
    "gives": _NUMBER,
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One number about a customer, how it comes about, and what it is worth.

    `kind` is rate, net or value; `formula` holds its k and n, its up, down and n, or its value,
    and is empty for a value that is only given. `direction` is up where more is better, down
    where less is. The newest value of `days` counts. `typical` earns no points, `span` away from
    it on the scale of `unit` the larger of `points`; `prior` typical observations are mixed into
    a rate. `example` are numbers that come to `gives`.
    """

    name: str
    component: str
    asks: str
    kind: str
    formula: Mapping[str, str]
    unit: str
    direction: str
    days: int
    typical: float
    prior: float
    span: float
    points: tuple[float, float]
    because: Mapping[str, str]
    example: Mapping[str, float]
    gives: float | None

    @property
    def needs(self) -> frozenset[str]:
        """The parts and metrics that its formula speaks of."""
        return frozenset().union(*map(formula.names, self.formula.values()))

    @property
    def written(self) -> str:
        """Its formula in one line, "" where it is only given."""
        of = {key: f"({text})" if " " in text else text for key, text in self.formula.items()}
        if self.kind == "rate":
            return f"{of['k']} / {of['n']}"
        if self.kind == "net":
            return f"100 * ({self.formula['up']} - {self.formula['down']}) / {of['n']}"
        return self.formula.get("value", "")

    @property
    def range(self) -> float:
        """How many points lie between the least and the most it can earn; 0: not scored."""
        return self.points[1] - self.points[0]

    @property
    def doubt(self) -> float:
        """The variance of its points: they are taken as four standard deviations wide."""
        return (self.range / 4) ** 2


@dataclass(frozen=True, slots=True)
class Outside:
    """A component: its weight, its question, its raw parts, its metrics in their order."""

    name: str
    omega: float
    asks: str
    parts: Mapping[str, str]
    metrics: Mapping[str, Metric]

    @property
    def doubt(self) -> float:
        """The variance, in points squared, of all that could be said of it (see Metric.doubt)."""
        return math.fsum(metric.doubt for metric in self.metrics.values())

    def unit(self, name: str) -> str:
        """Return the unit of a metric or a part."""
        return self.metrics[name].unit if name in self.metrics else "count"


@dataclass(frozen=True, slots=True)
class Page:
    """components.toml, checked; `fingerprint` names its content.

    `independent` components that agree in nothing keep their spread when they are combined.
    """

    components: Mapping[str, Outside]
    independent: bool
    fingerprint: str


def shipped() -> str:
    """Return the text of the shipped components.toml."""
    return files("mailhealth.outside").joinpath("components.toml").read_text("utf-8")


@cache
def load(text: str | None = None, name: str = "components.toml") -> Page:
    """Read the text of a components.toml, by default the shipped one.

    Raises BadData, naming the table and the key, for a page that does not hold together.
    """
    table = toml.loads(shipped() if text is None else text, name)
    checks.keys(table, _PAGE, name)
    checks.need(table, tuple(_PAGE), name)
    own = checks.tables(table, "component", _COMPONENT, name)
    if EMAIL not in own:
        raise BadData(f"{name}: [component.{EMAIL}] is missing; its omega is the weight of e-mail")
    metrics: dict[str, dict[str, Metric]] = {component: {} for component in own}
    for key, each in checks.tables(table, "metric", _METRIC, name).items():
        where = f"{name}, [metric.{key}]"
        checks.need(each, ("component", "asks", "kind", "unit"), where)
        _known(each["component"], own, f"{where}: component")
        above = metrics[each["component"]]
        above[key] = _metric(key, each, {*own[each["component"]].get("parts", ()), *above}, where)
    content = json.dumps(table, sort_keys=True, ensure_ascii=False)
    return Page(
        {key: _outside(key, own[key], metrics[key], name) for key in own},
        table["independent"],
        hashlib.sha256(content.encode()).hexdigest()[:12],
    )


def weights(page: Page | None = None) -> dict[str, float]:
    """Return the weight of every component, e-mail's included."""
    return {key: each.omega for key, each in (page or load()).components.items()}


def _outside(
    key: str, table: Mapping[str, Any], metrics: Mapping[str, Metric], name: str
) -> Outside:
    where = f"{name}, [component.{key}]"
    checks.need(table, ("omega", "asks"), where)
    if table["omega"] <= 0:
        raise BadData(f"{where}: omega must be above 0; a component without weight is left out")
    parts = table.get("parts", {})
    if twice := sorted(parts.keys() & metrics.keys()):
        raise BadData(f"{where}: {twice[0]!r} is a part and a metric; give it one name of its own")
    used = frozenset().union(*(metric.needs for metric in metrics.values()))
    if idle := sorted(parts.keys() - used):
        raise BadData(f"{where}: no formula speaks of the part {idle[0]!r}")
    return Outside(key, float(table["omega"]), table["asks"], parts, metrics)


def _metric(key: str, table: Mapping[str, Any], above: set[str], where: str) -> Metric:
    _known(table["kind"], KINDS, f"{where}: kind")
    _known(table["unit"], UNITS, f"{where}: unit")
    checks.need(table, KINDS[table["kind"]], where)
    metric = Metric(
        name=key,
        component=table["component"],
        asks=table["asks"],
        kind=table["kind"],
        formula={name: table[name] for name in _FORMULAS if name in table},
        unit=table["unit"],
        direction=table.get("direction", ""),
        days=checks.days(table.get("days", _DAYS), where),
        typical=float(table.get("typical", 0)),
        prior=float(table.get("prior", 0)),
        span=float(table.get("span", 1)),
        points=checks.pair(table.get("points", [0, 0]), f"{where}: points"),
        because=table.get("because", {}),
        example=table.get("example", {}),
        gives=table.get("gives"),
    )
    _formulas(metric, above, where)
    if metric.range:
        _worth(metric, where)
    return metric


def _formulas(metric: Metric, above: set[str], where: str) -> None:
    """Refuse formulas that this kind has no use for, or that speak of what is not there."""
    allowed = KINDS[metric.kind] or ("value",)
    if wrong := [name for name in metric.formula if name not in allowed]:
        raise BadData(f"{where}: {metric.kind} has no {wrong[0]!r}; it has {', '.join(allowed)}")
    for key, text in metric.formula.items():
        for name in sorted(formula.names(text)):
            if name not in above:
                told = checks.hint(name, above) or "; a formula speaks of what stands above it"
                raise BadData(f"{where}: {key} speaks of {name!r}{told}")


def _worth(metric: Metric, where: str) -> None:
    """Refuse points that cannot be reckoned, and sentences that cannot be said."""
    low, high = UNITS[metric.unit]
    least, most = metric.points
    complaints = (
        (not least <= 0 <= most, "points must be [least, most] around 0, such as [-12, 12]"),
        (metric.span <= 0, "span must be above 0; direction says which way is better"),
        (metric.prior < 0, "prior must not be negative"),
        (metric.direction not in ("up", "down"), "direction must be up or down"),
        (not low < metric.typical < high, f"typical must lie inside {low:g} to {high:g}"),
        (set(metric.because) != {"en", "ja"}, "because must be two sentences, en and ja"),
        (not all(map(_says, metric.because.values())), "because may fill in {value:.0%} only"),
    )
    for wrong, why in complaints:
        if wrong:
            raise BadData(f"{where}: {why}")


def _says(sentence: object) -> bool:
    try:
        return isinstance(sentence, str) and bool(sentence.format(value=0.5))
    except (LookupError, ValueError, AttributeError):
        return False


def _known(word: str, words: Mapping[str, Any], where: str) -> None:
    if word not in words:
        told = checks.hint(word, words) or f"; there are {', '.join(words)}"
        raise BadData(f"{where}: no {word!r}{told}")
