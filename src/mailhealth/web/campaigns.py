"""One page that works offline: how the campaigns landed, how that moves, and each of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from mailhealth.campaigns import By, Fatigue, Landing, Report, sentences
from mailhealth.errors import BadSource
from mailhealth.health import Health

WORDS = {
    "en": {
        "title": "Campaigns",
        "as_of": "as of",
        "campaign": "campaign",
        "sent_on": "sent on",
        "sent": "sent",
        "delivered": "delivered",
        "bounced": "bounced",
        "opened": "opened",
        "opened_raw": "opened, machines too",
        "clicked": "clicked",
        "click_to_open": "of openers",
        "unsubscribed": "unsubscribed",
        "complained": "complained",
        "replied": "replied",
        "coming_in": "still coming in",
        "bounds": (
            "In brackets: the least and the most it can have been, where machines leave a doubt. "
            "The number before them supposes that people behind a proxy do as the others."
        ),
        "compared": "Compared",
        "over_time": "Over time",
        "timeline": "Clicks by people (the band is the 95 % interval), campaign by campaign.",
        "fatigue": "Too much mail?",
        "touches": "Answers (clicks and replies) by mails to a contact in 30 days; 95 % intervals.",
        "mails": "mails in 30 days",
        "variant": "version",
        "link": "link",
        "customer": "customer",
        "more": "more, in 'mailhealth campaigns --by'",
        "nobody": "(none)",
        "top": "to the list",
        "figure": "figure",
        "share": "share",
        "people": "people for certain",
        "interval": "95 % interval",
        "hard": "hard",
        "soft": "soft",
        "blocked": "blocked",
        "unclassed": "of no class",
        "dropped": "not sent by the platform",
    },
    "ja": {
        "title": "配信キャンペーン",
        "as_of": "基準日時",
        "campaign": "キャンペーン",
        "sent_on": "配信日",
        "sent": "送信",
        "delivered": "到達",
        "bounced": "不達",
        "opened": "開封",
        "opened_raw": "開封（機械を含む）",
        "clicked": "クリック",
        "click_to_open": "開封者中のクリック",
        "unsubscribed": "配信停止",
        "complained": "迷惑メール報告",
        "replied": "返信",
        "coming_in": "集計途中",
        "bounds": (
            "［］内は機械の疑いが残る場合の下限と上限。その前の数値は、"
            "プロキシ経由の受信者もほかの受信者と同じように行動したと仮定した推定値です。"
        ),
        "compared": "比較",
        "over_time": "推移",
        "timeline": "キャンペーンごとの人によるクリック率（帯は95 %区間）",
        "fatigue": "配信は多すぎないか",
        "touches": "30日あたりの受信数別の反応率（クリックと返信、95 %区間）",
        "mails": "30日あたりの受信数",
        "variant": "バージョン",
        "link": "リンク",
        "customer": "顧客",
        "more": "件（mailhealth campaigns --by で表示）",
        "nobody": "（なし）",
        "top": "一覧へ",
        "figure": "指標",
        "share": "割合",
        "people": "確かな人数",
        "interval": "95 %区間",
        "hard": "恒久的",
        "soft": "一時的",
        "blocked": "拒否",
        "unclassed": "区分なし",
        "dropped": "配信基盤で中止",
    },
}
BYS: tuple[By, ...] = ("variant", "link", "customer")
SECTIONS = 30  # campaigns that have a section of their own, the newest
SHOWN = 10  # parts shown of a campaign
WIDTH, HEIGHT = 640, 200
INK = "#3d5a80"


def write(
    health: Health,
    file: Path,
    *,
    name: str | None = None,
    compare: tuple[str, str] | None = None,
    as_of: str | None = None,
    lang: str = "en",
) -> None:
    """Write the page to a file; raises BadSource when it cannot be written there."""
    report = health.campaigns(name, by=BYS, compare=compare, as_of=as_of)
    text = page(report, lang=lang)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", "replace")
    except OSError as error:
        raise BadSource(f"{file}: the page cannot be written ({error.strerror})") from error


def page(report: Report, *, lang: str = "en") -> str:
    """Render the page of a report with its parts by variant, link and customer. HTML, escaped."""
    from jinja2 import Environment, PackageLoader

    pages = PackageLoader("mailhealth.web", ".")
    environment = Environment(loader=pages, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["share"] = partial(sentences.share, lang=lang)
    environment.filters["bounds"] = partial(sentences.bounds, lang=lang)
    environment.filters["basis"] = sentences.basis
    environment.filters["note"] = partial(sentences.note, lang=lang)
    environment.filters["day"] = _day
    return environment.get_template("campaigns.html").render(
        lang=lang,
        words=WORDS[lang],
        report=report,
        compared=sentences.differences([d for d in report.differences if not d.campaign], lang),
        timeline=timeline(report.campaigns),
        trends=[sentences.trend(each, lang) for each in report.trends],
        touches=touches(report.fatigue, WORDS[lang]["mails"]),
        fatigue=sentences.fatigue(report.fatigue, lang),
        sections=[_section(report, each, lang) for each in report.campaigns[:SECTIONS]],
    )


def _section(report: Report, landing: Landing, lang: str) -> dict[str, Any]:
    parts: dict[str, Sequence[Landing]] = {
        by: [part for part in report.parts.get(by, ()) if part.campaign == landing.campaign]
        for by in BYS
    }
    told = [each for each in report.differences if each.campaign == landing.campaign]
    return {
        "landing": landing,
        "differences": sentences.differences(told, lang),
        "parts": {by: _most(each) for by, each in parts.items() if _worth(each)},
        "more": {by: max(0, len(each) - SHOWN) for by, each in parts.items()},
    }


def _worth(parts: Sequence[Landing]) -> bool:
    """One part without a name says nothing that the whole does not."""
    return any(part.part for part in parts)


def _most(parts: Sequence[Landing]) -> list[Landing]:
    def weight(part: Landing) -> tuple[float, int, str]:
        return (-(part.clicked.low.k or 0), -(part.delivered or 0), part.part)

    return sorted(parts, key=weight)[:SHOWN]


def timeline(landings: Sequence[Landing]) -> str:
    """Draw the click rates in time as SVG, unknown ones left out; "" for under two."""
    import altair as alt
    import pandas as pd

    known = [
        {
            "day": _day(landing.started),
            "value": landing.clicked.low.value,
            "low": landing.clicked.low.low,
            "high": landing.clicked.low.high,
        }
        for landing in landings
        if landing.clicked.low.value is not None and not landing.coming_in
    ]
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    base = alt.Chart(pd.DataFrame(known)).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%Y-%m-%d", labelOverlap=True))
    )
    share = alt.Y("value:Q", title=None, axis=alt.Axis(format=".1%"))
    area = base.mark_area(opacity=0.15, color=INK).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(color=INK, strokeWidth=2, point={"color": INK}).encode(y=share)
    return _drawn(area + line)


def touches(fatigue: Fatigue, title: str) -> str:
    """Draw the answer rates by touches as SVG; "" where there is one class or none."""
    import altair as alt
    import pandas as pd

    known = [
        {
            "touches": each.touches,
            "value": each.answered.value,
            "low": each.answered.low,
            "high": each.answered.high,
        }
        for each in fatigue.classes
    ]
    if len(known) < 2:  # noqa: PLR2004 - nothing to compare
        return ""
    base = alt.Chart(pd.DataFrame(known)).encode(
        x=alt.X("touches:N", title=title, sort=None, axis=alt.Axis(labelAngle=0))
    )
    share = alt.Y("value:Q", title=None, axis=alt.Axis(format=".1%"))
    rule = base.mark_rule(color=INK, strokeWidth=2).encode(y="low:Q", y2="high:Q")
    return _drawn(rule + base.mark_point(color=INK, filled=True, size=80).encode(y=share))


def _drawn(chart: Any) -> str:
    import vl_convert

    sized = chart.properties(width=WIDTH, height=HEIGHT).configure_view(stroke=None)
    return str(vl_convert.vegalite_to_svg(sized.to_json()))


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
