"""How campaigns are laid out in rows: for tables, JSON and CSV."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.campaigns import Landing, Rate, Report

FIGURES: Mapping[str, str] = {
    "opened_raw": "opened, machines too",
    "opened_low": "opened, at the least",
    "opened_adjusted": "opened, about",
    "opened_high": "opened, at the most",
    "clicked_low": "clicked, at the least",
    "clicked_adjusted": "clicked, about",
    "clicked_high": "clicked, at the most",
    "unsubscribed_low": "unsubscribed, at the least",
    "unsubscribed_adjusted": "unsubscribed, about",
    "unsubscribed_high": "unsubscribed, at the most",
    "click_to_open": "clicked, of those who opened",
    "complained": "complained",
    "replied": "replied",
}


def landing_row(landing: "Landing") -> dict[str, Any]:
    """Flatten a landing for JSON and CSV: each rate with its k, n and interval."""
    row: dict[str, Any] = {
        "campaign": landing.campaign,
        "part": landing.part,
        "started": _day(landing.started),
        "coming_in": landing.coming_in,
        "sent": landing.sent,
        "delivered": landing.delivered,
        **{f"bounced_{name}": count for name, count in landing.bounces.items()},
    }
    for figure, rate in _rates(landing).items():
        row |= _rate_row(figure, rate)
    return row | {"notes": list(landing.notes)}


def _rates(landing: "Landing") -> Mapping[str, "Rate"]:
    bounds = {
        "opened": landing.opened,
        "clicked": landing.clicked,
        "unsubscribed": landing.unsubscribed,
    }
    between = {
        f"{name}_{end}": getattr(each, end)
        for name, each in bounds.items()
        for end in ("low", "adjusted", "high")
    }
    return {
        "opened_raw": landing.opened_raw,
        **between,
        "click_to_open": landing.click_to_open,
        "complained": landing.complained,
        "replied": landing.replied,
    }


def _rate_row(name: str, rate: "Rate") -> dict[str, Any]:
    return {
        name: rate.value,
        f"{name}_k": rate.k,
        f"{name}_n": rate.n,
        f"{name}_from": rate.low,
        f"{name}_to": rate.high,
    }


def summary_row(landing: "Landing", by: str | None, lang: str) -> dict[str, str]:
    """One line of the table; in brackets stand the bounds, where a machine leaves a doubt."""
    from mailhealth.campaigns.sentences import bounds, share

    bounced = [count for count in landing.bounces.values() if count is not None]
    part = {by: name(landing.part, lang)} if by else {}
    return {
        "campaign": name(landing.campaign, lang),
        **part,
        "sent on": _day(landing.started)[:10] + (" …" if landing.coming_in else ""),
        "delivered": "–" if landing.delivered is None else f"{landing.delivered:,}",
        "bounced": f"{sum(bounced):,}" if bounced else "–",
        "opened": bounds(landing.opened, lang),
        "clicked": bounds(landing.clicked, lang),
        "of openers": share(landing.click_to_open, lang),
        "unsubscribed": bounds(landing.unsubscribed, lang),
        "complained": share(landing.complained, lang),
        "replied": share(landing.replied, lang),
    }


def detail_rows(landing: "Landing", lang: str) -> list[dict[str, str]]:
    """One campaign, figure by figure, each with what it rests on."""
    from mailhealth.campaigns.sentences import basis, share

    counts = {"sent": landing.sent, "delivered": landing.delivered}
    counts |= {f"bounced, {kind}": count for kind, count in landing.bounces.items()}
    return [
        {"figure": figure, "share": "", "people": "–" if count is None else f"{count:,}"}
        | {"95 % interval": ""}
        for figure, count in counts.items()
    ] + [
        {"figure": FIGURES[figure], "share": share(rate, lang), **basis(rate)}
        for figure, rate in _rates(landing).items()
    ]


def difference_rows(report: "Report", lang: str, *, told: bool) -> list[dict[str, Any]]:
    """Give the differences as plain data; `told` adds the sentence of each."""
    from mailhealth.campaigns import sentences

    return [
        {
            "measure": each.measure,
            "a": each.a,
            "b": each.b,
            "rate_a": each.rate_a.value,
            "rate_b": each.rate_b.value,
            "difference": each.value,
            "from": each.low,
            "to": each.high,
            "needed": each.needed,
        }
        | ({"says": sentences.difference(each, lang)} if told else {})
        for each in report.differences
    ]


def trend_rows(report: "Report") -> list[dict[str, Any]]:
    """Give the trends as plain data: shares in 30 days."""
    return [
        {
            "measure": each.measure,
            "campaigns": each.campaigns,
            "slope": each.slope,
            "from": each.low,
            "to": each.high,
            "sign": each.sign,
        }
        for each in report.trends
    ]


def touch_rows(report: "Report") -> list[dict[str, Any]]:
    """Give the answers by touches as plain data, each with the slope within contacts."""
    slope = report.fatigue
    within = {"slope": slope.slope, "slope_from": slope.low, "slope_to": slope.high}
    return [
        {"touches": each.touches, "mails": each.mails, **_rate_row("answered", each.answered)}
        | within
        for each in report.fatigue.classes
    ]


def _day(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def name(given: str, lang: str) -> str:
    """Write a campaign's or a part's name; one that has none says so."""
    return printable(given) or tell("(no name)", lang)


def printable(text: str) -> str:
    """Leave out what is no character: names of other people's files never move the cursor."""
    return "".join(character for character in text if character.isprintable())
