"""The score on one page, read: health.toml and the facts its signals stand on."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from mailhealth.errors import BadData
from mailhealth.rules import checks
from mailhealth.rules.checks import PLACE
from mailhealth.rules.facts import facts, lineage
from mailhealth.rules.page import Boundary, Cap, Enough, Rules, Signal

__all__ = ["DAY", "PLACE", "Boundary", "Cap", "Enough", "Rules", "Signal", "build", "facts", "load"]

DAY = 86400


def load(path: Path | None = None) -> Rules:
    """Read a health.toml, by default the shipped one.

    Raises BadData, naming the table and the key, for a file that does not hold together. The
    SQL in it is not run here.
    """
    name = "health.toml" if path is None else path.name
    return build(_read(path, name), name)


def build(page: Mapping[str, Any], name: str) -> Rules:
    """Check a page that is already parsed, and return its rules; raises BadData as `load`."""
    checks.keys(page, checks.PAGE, name)
    checks.need(page, tuple(checks.PAGE), name)
    windows = tuple(checks.days(window, f"{name}, windows") for window in page["windows"])
    if not windows:
        raise BadData(f"{name}: windows names no window; write windows = [28, 90]")
    signals = _signals(page, windows, name)
    names = {signal.name for signal in signals}
    bands = checks.tables(page, "bands", checks.BAND, name)
    caps = checks.tables(page, "cap", checks.CAP, name)
    checks.need(bands, ("at_risk", "healthy"), f"{name}, [bands]")
    return Rules(
        base=float(page["base"]),
        windows=windows,
        at_risk=_boundary(bands["at_risk"], f"{name}, [bands.at_risk]"),
        healthy=_boundary(bands["healthy"], f"{name}, [bands.healthy]"),
        enough=_enough(page["enough"], names, f"{name}, [enough]"),
        caps=tuple(_cap(table, names, f"{name}, [cap.{key}]") for key, table in caps.items()),
        signals=signals,
        model=_fingerprint([page, [signal.definition for signal in signals]]),
    )


def _read(path: Path | None, name: str) -> dict[str, Any]:
    source = files("mailhealth").joinpath(name) if path is None else path
    try:
        return tomllib.loads(source.read_text("utf-8"))
    except OSError as error:
        raise BadData(f"{name}: it cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadData(f"{name}: it is not TOML ({error})") from error


def _signals(page: Mapping[str, Any], windows: tuple[int, ...], name: str) -> tuple[Signal, ...]:
    tables = checks.tables(page, "signal", checks.SIGNAL, name)
    built = tuple(_signal(key, tables, windows, f"{name}, [signal.{key}]") for key in tables)
    for signal in built:
        for sentences in (signal.because, signal.good):
            checks.sentences(sentences, {*checks.OWN, *tables}, f"{name}, [signal.{signal.name}]")
    return built


def _signal(key: str, tables: Mapping[str, Any], windows: tuple[int, ...], where: str) -> Signal:
    table = tables[key]
    checks.kind(table, where)
    base = _measured(table, tables, where)
    own = (checks.days(base["days"], where),) if "days" in base else windows
    signal = Signal(
        name=key,
        component=table["component"],
        asks=table["asks"],
        kind=table["kind"],
        measures=base["kind"],
        because=table["because"],
        good=table.get("good", table["because"]),
        from_=base["from"],
        of=table.get("of", ""),
        k=base.get("k", ""),
        n=base.get("n", ""),
        value=base.get("value", ""),
        each=base.get("each", ""),
        by=base.get("by", ""),
        shows=base.get("shows", ""),
        risk=base.get("risk", ""),
        per=float(base.get("per", 0)),
        windows=own,
        window=table.get("window", own[-1]),
        past=base.get("past", True),
        scale=table.get("scale", _scale(table["kind"])),
        typical=float(table.get("typical", 0)),
        prior=float(table.get("prior", 0)),
        span=float(table.get("span", 1)),
        band=checks.pair(table["band"], f"{where}: band") if "band" in table else None,
        points=checks.pair(table.get("points", [0, 0]), f"{where}: points"),
        definition=_fingerprint([table, base, lineage(base["from"])]),
    )
    checks.numbers(signal, where)
    return signal


def _measured(table: Mapping[str, Any], tables: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """Return the table that says what is counted: its own, or that of the signal it follows."""
    base = table
    if table["kind"] == "change":
        base = tables.get(table["of"], {})
        if base.get("kind", "change") in ("change", "value"):
            raise BadData(
                f"{where}: of must name a rate, count, mean or median, not {table['of']!r}"
            )
        checks.kind(base, where)
    if base["from"] not in facts():
        raise BadData(f"{where}: no fact {base['from']!r}{checks.hint(base['from'], facts())}")
    return base


def _scale(kind: str) -> str:
    return {"rate": "logit", "median": "log"}.get(kind, "linear")


def _boundary(table: Mapping[str, Any], where: str) -> Boundary:
    checks.need(table, tuple(checks.BAND), where)
    boundary = Boundary(float(table["from"]), float(table["up"]), float(table["down"]))
    if not boundary.down <= boundary.at <= boundary.up:
        raise BadData(f"{where}: down <= from <= up must hold")
    return boundary


def _cap(table: Mapping[str, Any], names: set[str], where: str) -> Cap:
    checks.need(table, tuple(checks.CAP), where)
    checks.known_signal(table["signal"], names, where)
    checks.sentences(table["because"], names, where)
    return Cap(table["signal"], float(table["from"]), float(table["value"]), table["because"])


def _enough(table: Mapping[str, Any], names: set[str], where: str) -> Enough:
    checks.keys(table, checks.ENOUGH, where)
    checks.need(table, tuple(checks.ENOUGH), where)
    checks.known_signal(table["signal"], names, where)
    checks.known_signal(table["unless"], names, where)
    checks.sentences(table["because"], names | {"n"}, where)
    return Enough(
        table["signal"], table["n"], float(table["coverage"]), table["unless"], table["because"]
    )


def _fingerprint(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
