"""machines.toml, read: the rules that suspect machines, and who is known to be one."""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from mailhealth.errors import BadData
from mailhealth.rules import checks, toml

TYPES = ("opened", "clicked", "unsubscribed")
Network = tuple[int, int]  # its first and its last address

_NARROWEST = 24
_MOST = 60  # rules: each is one bit of a whole number

_PAGE: checks.Keys = {"agent": dict, "network": dict, "rule": dict}
_AGENT: checks.Keys = {"is": list, "has": list}
_RULE: checks.Keys = {
    "points": (int, float),
    "types": list,
    "when": str,
    "hides": bool,
    "on": bool,
    "because": dict,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to take an event for a machine's: its points where `when` (SQL) holds."""

    name: str
    points: float
    types: tuple[str, ...]
    when: str
    hides: bool
    on: bool
    because: Mapping[str, str]  # by language: en, ja


@dataclass(frozen=True, slots=True)
class Agent:
    """A kind of user agent: the whole texts and the parts of texts by which it is known."""

    kind: str
    whole: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machines:
    """The page: rules, kinds of agents and of networks; `fingerprint` names its content."""

    rules: tuple[Rule, ...]
    agents: tuple[Agent, ...]
    networks: Mapping[str, tuple[Network, ...]]
    fingerprint: str


def shipped() -> str:
    """Return the text of the shipped machines.toml, to begin an own one with."""
    return files("mailhealth.verdicts").joinpath("machines.toml").read_text("utf-8")


def load(page: str | None = None, name: str = "machines.toml") -> Machines:
    """Read the text of a machines.toml, by default the shipped one.

    Raises BadData, naming the table and the key, for a page that does not hold together. The
    SQL in it is not run here.
    """
    page = shipped() if page is None else page
    table = toml.loads(page, name)
    checks.keys(table, _PAGE, name)
    checks.need(table, ("rule",), name)
    rules = checks.tables(table, "rule", _RULE, name)
    agents = checks.tables({"agent": {}} | table, "agent", _AGENT, name)
    if max(len(rules), len(agents)) > _MOST:
        raise BadData(f"{name}: there may be {_MOST} rules and {_MOST} kinds of agents, no more")
    return Machines(
        rules=tuple(_rule(key, rules[key], f"{name}, [rule.{key}]") for key in rules),
        agents=tuple(
            Agent(
                kind,
                _words(of, "is", f"{name}, [agent.{kind}]"),
                _words(of, "has", f"{name}, [agent.{kind}]"),
            )
            for kind, of in agents.items()
        ),
        networks=_networks(table.get("network", {}), f"{name}, [network]"),
        fingerprint=_fingerprint(table),
    )


def _rule(name: str, table: Mapping[str, Any], where: str) -> Rule:
    checks.need(table, ("points", "types", "when", "because"), where)
    types = _words(table, "types", where)
    if wrong := [word for word in types if word not in TYPES]:
        raise BadData(f"{where}: types knows no {wrong[0]!r}; there are {', '.join(TYPES)}")
    if not name.isidentifier():
        raise BadData(f"{where}: a rule's name is made of letters, digits and _")
    checks.sentences(table["because"], set(), where)
    return Rule(
        name=name,
        points=float(table["points"]),
        types=types,
        when=table["when"],
        hides=table.get("hides", False),
        on=table.get("on", True),
        because=table["because"],
    )


def _words(table: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    words = table.get(key, [])
    if not all(isinstance(word, str) and word for word in words):
        raise BadData(f"{where}: {key} is a list of texts, none of them empty")
    return tuple(words)


def _networks(table: Mapping[str, Any], where: str) -> dict[str, tuple[Network, ...]]:
    networks = {}
    for kind, words in table.items():
        try:
            found = [ipaddress.IPv4Network(word) for word in words]
            if any(net.prefixlen > _NARROWEST for net in found):
                raise ValueError(f"narrower than /{_NARROWEST}")
        except (ValueError, TypeError) as error:
            raise BadData(f"{where}: {kind}: {error}; write IPv4 networks as 17.0.0.0/8") from error
        networks[kind] = tuple((int(net[0]), int(net[-1])) for net in found)
    return networks


def _fingerprint(page: Mapping[str, Any]) -> str:
    content = json.dumps([page, *_scripts()], sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _scripts() -> list[str]:
    """The SQL that makes the features: where it changes, so do the verdicts."""
    folder = files("mailhealth.verdicts")
    return [folder.joinpath(name).read_text("utf-8") for name in ("gates.sql", "features.sql")]
