"""One page that works offline: the ranking, and one section per customer with a time line."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailhealth.errors import BadSource
from mailhealth.health import Explanation, Health

# The bands as colours that a colour-blind reader can tell apart by lightness too.
COLOURS = {"healthy": "#1a7f5a", "at risk": "#d99a1c", "unhealthy": "#b3261e", "unknown": "#8a8f98"}
WORDS = {
    "en": {
        "title": "Customer health",
        "as_of": "as of",
        "customer": "customer",
        "score": "score",
        "band": "band",
        "because": "because",
        "points": "points",
        "signal": "signal",
        "evidence": "messages behind it",
        "interval": "80 % interval",
        "coverage": "of the points have data behind them",
        "healthy": "healthy",
        "at risk": "at risk",
        "unhealthy": "unhealthy",
        "unknown": "too little to tell",
        "more": "more",
        "timeline": "Score over time; the band around it is the 80 % interval.",
        "customers": "customers",
        "top": "to the ranking",
    },
    "ja": {
        "title": "顧客ヘルス",
        "as_of": "基準日時",
        "customer": "顧客",
        "score": "スコア",
        "band": "区分",
        "because": "理由",
        "points": "点",
        "signal": "シグナル",
        "evidence": "根拠のメール",
        "interval": "80 %区間",
        "coverage": "の配点にデータあり",
        "healthy": "良好",
        "at risk": "要注意",
        "unhealthy": "危険",
        "unknown": "判断材料不足",
        "more": "件",
        "timeline": "スコアの推移（帯は80 %区間）",
        "customers": "社",
        "top": "一覧へ",
    },
}
SHOWN = 3  # messages named behind one line
WIDTH, HEIGHT = 640, 170


def write(health: Health, file: Path, *, lang: str = "en") -> None:
    """Write the page to a file; raises BadSource when it cannot be written there."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(health, lang=lang), "utf-8")
    except OSError as error:
        raise BadSource(f"{file}: the page cannot be written ({error.strerror})") from error


def page(health: Health, *, lang: str = "en") -> str:
    """Render the page: the worst customers first, the unknown ones last. HTML, escaped."""
    from jinja2 import Environment, PackageLoader

    pages = PackageLoader("mailhealth.web", ".")
    environment = Environment(loader=pages, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["when"] = _when
    told = list(health.explanations(lang=lang))
    return environment.get_template("report.html").render(
        lang=lang,
        words=WORDS[lang],
        colours=COLOURS,
        as_of=health.as_of(),
        warnings=health.warnings(lang=lang),
        counts=_counts([each.score.band for each in told]),
        sections=[_section(health, each, number) for number, each in enumerate(told)],
    )


def _section(health: Health, told: Explanation, number: int) -> dict[str, Any]:
    history = health.score_history(told.score.customer)
    return {
        "id": f"customer-{number}",
        "score": told.score,
        "chart": chart(history),
        "lines": [
            {
                "points": line.points,
                "signal": line.signal,
                "because": line.because,
                "evidence": told.evidence.get(line.signal, ())[:SHOWN],
                "more": max(0, len(told.evidence.get(line.signal, ())) - SHOWN),
            }
            for line in sorted(told.score.contributions, key=lambda line: -abs(line.points))
        ],
    }


def chart(history: Sequence[dict[str, Any]]) -> str:
    """Draw a customer's scores over time as SVG, unknown days left out; "" for under two."""
    import altair as alt
    import pandas as pd
    import vl_convert

    known = [day for day in history if day["band"] != "unknown"]
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    days = pd.DataFrame(known)
    score = alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, 100]))
    base = alt.Chart(days).encode(x=alt.X("as_of:T", title=None, axis=alt.Axis(format="%Y-%m")))
    area = base.mark_area(opacity=0.15, color="#3d5a80").encode(y="low:Q", y2="high:Q")
    line = base.mark_line(color="#3d5a80", strokeWidth=2).encode(y=score)
    drawn = (_bands() + area + line).properties(width=WIDTH, height=HEIGHT)
    return str(vl_convert.vegalite_to_svg(drawn.configure_view(stroke=None).to_json()))


def _bands() -> Any:
    """The three bands behind the line."""
    import altair as alt
    import pandas as pd

    edges = pd.DataFrame(
        {
            "from": [0, 40, 70],
            "to": [40, 70, 100],
            "colour": [COLOURS[band] for band in ("unhealthy", "at risk", "healthy")],
        }
    )
    return (
        alt.Chart(edges)
        .mark_rect(opacity=0.1)
        .encode(
            y=alt.Y("from:Q", scale=alt.Scale(domain=[0, 100]), title=None),
            y2="to:Q",
            color=alt.Color("colour:N", scale=None),
        )
    )


def _counts(bands: Sequence[str]) -> dict[str, int]:
    return {band: bands.count(band) for band in COLOURS if band in bands}


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
