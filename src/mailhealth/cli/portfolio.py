"""The verbs for a portfolio: groups, who may leave, who could buy more, renewals due."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mailhealth.cli.app import as_of_option, lang_option, listing, main, open_health
from mailhealth.cli.words import tell

if TYPE_CHECKING:
    from mailhealth.health import Health
    from mailhealth.health.portfolio import Expansion
    from mailhealth.portfolio import Behaviour, Group, Page, Renewal, Risk, Stage, Standing

BY = ("all", "segment", "owner", "stage", "behaviour", "country")
CHANGES = {28: "28 days", 90: "90 days"}  # heads
EMPTY = "no customer yet; 'mailhealth sync' reads the connected sources"


@main.command()
@click.option(
    "--by", type=click.Choice(BY), default="segment", show_default=True, help="A line for each."
)
@click.option(
    "--page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own portfolio.toml: stages, behaviours, signs and your churn rate from now on.",
)
@click.option("--shipped", is_flag=True, help="Go back to the shipped portfolio.toml.")
@click.option("--print", "printed", is_flag=True, help="Print the shipped portfolio.toml, to edit.")
@as_of_option
@lang_option
@listing
@click.pass_context
def portfolio(ctx: click.Context, /, *, printed: bool, form: str | None, **options: Any) -> None:
    """Say how groups of customers do: bands, scores, who is at risk, and what that is worth.

    The share at risk is of the customers that can be judged, with its 95 % interval. Changes
    are against the scores kept 28 and 90 days before.
    """
    from mailhealth import portfolio as room
    from mailhealth.cli import show

    if printed:
        click.echo(room.shipped(), nl=False)
        return
    health, by, lang = open_health(ctx), options["by"], options["lang"]
    text = _text(health, options["page"], shipped=options["shipped"])
    page = health.portfolio_page(text)
    found = health.portfolio(by=by, as_of=options["as_of"])
    titles = _titles(page, by, lang)
    rows = [_group_row(each, by) if form else _group_line(each, by, titles, lang) for each in found]
    show.rows(rows, form or "table", empty=EMPTY, lang=lang)


def _text(health: "Health", page: Path | None, *, shipped: bool) -> str | None:
    """The text of a page that counts from now on; "" is the shipped one, None leaves it."""
    from mailhealth import portfolio as room
    from mailhealth.rules import toml

    if page is None:
        return "" if shipped else None
    text = toml.text(page)
    room.load(text, {signal.name for signal in health.rules.signals}, page.name)
    return text


def _titles(page: "Page", by: str, lang: str) -> Mapping[str, str]:
    """What the groups are called: stages and behaviours have names of ours."""
    kinds: dict[str, Sequence[Stage | Behaviour]]
    kinds = {"stage": page.stages, "behaviour": page.behaviours}
    titles = {each.name: each.title.get(lang, each.name) for each in kinds.get(by, ())}
    return {"all": tell("all", lang), "unknown": tell("unknown", lang), **titles}


def _group_row(group: "Group", by: str) -> dict[str, Any]:
    row = {
        "group" if by == "all" else by: group.name,
        "customers": group.customers,
        "healthy": group.healthy,
        "at_risk": group.at_risk,
        "unhealthy": group.unhealthy,
        "unknown": group.unknown,
        "judged": group.judged,
        "mean": _round(group.mean, 1),
        "median": _round(group.median, 1),
        "share_at_risk": _round(group.share, 3),
        "low": _round(group.low, 3),
        "high": _round(group.high, 3),
        "revenue": group.revenue,
        "revenue_at_risk": group.revenue_at_risk,
        "revenue_untold": group.untold,
    }
    for back, (change, n) in group.changes.items():
        row |= {f"change_{back}": _round(change, 1), f"change_{back}_n": n}
    return row


def _group_line(group: "Group", by: str, titles: Mapping[str, str], lang: str) -> dict[str, Any]:
    name = (
        titles.get(group.name or "", group.name)
        if by in ("all", "stage", "behaviour")
        else group.name
    )
    share = (group.share, group.low, group.high)
    row = {
        "group" if by == "all" else by: name or tell("(not told)", lang),
        "count": group.customers,
        "healthy": group.healthy,
        "at risk": group.at_risk,
        "unhealthy": group.unhealthy,
        "unknown": group.unknown,
        "mean": _whole(group.mean),
        "median": _whole(group.median),
        "share at risk": _share(share, lang),
        "revenue at risk": _at_risk(group, lang),
    }
    for back, (change, n) in group.changes.items():
        given = {"change": change, "n": n}
        told = "" if change is None else tell("{change:+.1f} (n={n})", lang, **given)
        row |= {CHANGES[back]: told}
    return row


def _share(share: tuple[float | None, ...], lang: str) -> str:
    if None in share:
        return ""
    given = dict(zip(("share", "low", "high"), share, strict=True))
    return tell("{share:.0%} ({low:.0%} to {high:.0%})", lang, **given)


def _at_risk(group: "Group", lang: str) -> str:
    if group.revenue_at_risk is None:
        return tell("(not told)", lang) if group.untold else ""
    told = f"{group.revenue_at_risk:,.0f}"
    lack = tell(", {count} not told", lang, count=group.untold)
    return told + lack if group.untold else told


@main.command()
@click.option("--all", "everyone", is_flag=True, help="The healthy and the unknown ones too.")
@as_of_option
@lang_option
@listing
@click.pass_context
def risks(
    ctx: click.Context, /, *, everyone: bool, as_of: str | None, lang: str, form: str | None
) -> None:
    """List who may leave, by what it would cost: revenue x the churn that the score implies.

    Customers whose revenue is not told come after the others, the lowest score first.
    """
    from mailhealth.cli import show

    health = open_health(ctx)
    found = health.risks(as_of=as_of, lang=lang, everyone=everyone)
    rows = [_risk_row(each) if form else _risk_line(each, lang) for each in found]
    show.rows(rows, form or "table", empty="nobody is at risk", lang=lang)
    churn = health.portfolio_page().churn
    assumed = (
        "assumed: {percent:g} % of the customers with a score of 70 leave within {days} days,"
        " and every 20 points less double the odds"
    )
    show.say(tell(assumed, lang, percent=100 * churn.probability, days=churn.days))


def _risk_row(risk: "Risk") -> dict[str, Any]:
    return {
        **_who(risk.standing),
        "probability": _round(risk.probability, 4),
        "revenue": risk.standing.revenue,
        "expected_loss": _round(risk.expected_loss, 2),
        "because": _because(risk.standing),
    }


def _risk_line(risk: "Risk", lang: str) -> dict[str, Any]:
    return {
        **_who_line(risk.standing, lang),
        "churn": "" if risk.probability is None else f"{risk.probability:.0%}",
        "revenue": _money(risk.standing.revenue, lang),
        "expected loss": _money(risk.expected_loss, lang),
        "because": "\n".join(_because(risk.standing)),
    }


@main.command()
@as_of_option
@lang_option
@listing
@click.pass_context
def expansion(ctx: click.Context, /, *, as_of: str | None, lang: str, form: str | None) -> None:
    """List who could buy more, why, and the messages behind it; who is at risk is mended first."""
    from mailhealth.cli import show

    found = open_health(ctx).expansion(as_of=as_of, lang=lang)
    rows = [_chance_row(each, lang) if form else _chance_line(each, lang) for each in found]
    show.rows(rows, form or "table", empty="no sign of anybody who could buy more", lang=lang)


def _chance_row(each: "Expansion", lang: str) -> dict[str, Any]:
    standing = each.candidate.standing
    return {
        **_who(standing),
        "advice": each.candidate.advice,
        "revenue": standing.revenue,
        "because": [sign.because[lang] for sign in each.candidate.signs],
        "evidence": _messages(each),
    }


def _chance_line(each: "Expansion", lang: str) -> dict[str, Any]:
    from mailhealth.cli import show

    messages = _messages(each)
    more = len(messages) - show.SHOWN
    rest = [tell("… and {count} more", lang, count=more)] if more > 0 else []
    return {
        **_who_line(each.candidate.standing, lang),
        "advice": tell(each.candidate.advice, lang),
        "revenue": _money(each.candidate.standing.revenue, lang),
        "because": "\n".join(sign.because[lang] for sign in each.candidate.signs),
        "messages behind it": "\n".join([*messages[: show.SHOWN], *rest]),
    }


def _messages(each: "Expansion") -> list[str]:
    """The messages behind all signs, each once, those of the weightiest sign first."""
    return list(dict.fromkeys(e.id for some in each.evidence.values() for e in some))


@main.command()
@click.option(
    "--days", default=120, show_default=True, type=click.IntRange(0, 3660), help="How far ahead."
)
@as_of_option
@lang_option
@listing
@click.pass_context
def renewals(
    ctx: click.Context, /, *, days: int, as_of: str | None, lang: str, form: str | None
) -> None:
    """List the renewals that are due, the next one first, with the score, its change and why."""
    from mailhealth.cli import show

    found = open_health(ctx).renewals(days=days, as_of=as_of, lang=lang)
    rows = [_renewal_row(each) if form else _renewal_line(each, lang) for each in found]
    show.rows(rows, form or "table", empty="no renewal is due by then", lang=lang)


def _renewal_row(renewal: "Renewal") -> dict[str, Any]:
    standing = renewal.standing
    return {
        "renews": renewal.renews.isoformat(),
        "left": renewal.left,
        **_who(standing),
        **{f"change_{back}": _round(standing.change(back), 1) for back in CHANGES},
        "revenue": standing.revenue,
        "because": _because(standing),
    }


def _renewal_line(renewal: "Renewal", lang: str) -> dict[str, Any]:
    standing = renewal.standing
    changes = {back: standing.change(back) for back in CHANGES}
    return {
        "renews": renewal.renews.isoformat(),
        "days left": renewal.left,
        **_who_line(standing, lang),
        **{CHANGES[back]: "" if c is None else f"{c:+.1f}" for back, c in changes.items()},
        "revenue": _money(standing.revenue, lang),
        "because": "\n".join(_because(standing)),
    }


def _who(standing: "Standing") -> dict[str, Any]:
    return {
        "customer": standing.customer,
        "segment": standing.segment,
        "owner": standing.owner,
        "score": _round(standing.value, 1),
        "band": standing.band,
    }


def _who_line(standing: "Standing", lang: str) -> dict[str, Any]:
    return {
        "customer": standing.customer,
        "owner": standing.owner,
        "score": _whole(standing.value) or "–",
        "band": tell(standing.band, lang),
    }


def _because(standing: "Standing") -> list[str]:
    return list(standing.score.because) if standing.score else []


def _money(amount: float | None, lang: str) -> str:
    return tell("(not told)", lang) if amount is None else f"{amount:,.0f}"


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
