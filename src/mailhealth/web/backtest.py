"""One page that works offline: how well the score told who left, and what was learnt."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mailhealth.errors import BadSource
from mailhealth.learn import Line, Measured, Report, SignalReport
from mailhealth.learn.figures import LABELS, figures
from mailhealth.web.report import COLOURS

WORDS = {
    "en": {
        "title": "Backtest: did the score tell who left?",
        "customers": "customers",
        "landmarks": "days looked at",
        "leavers": "customers who left",
        "learnt_from": "Learnt from",
        "tested_on": "Tested on",
        "to": "to",
        "rows": "rows",
        "verdict": "Verdict",
        "figures": "Figures",
        "figure": "figure",
        "expert": "expert",
        "learnt": "learnt",
        "table": "integer table",
        "out_of_time": (
            "All figures are of the days after the cut, which nothing was learnt from. Intervals"
            " are 95 %, from redraws of the customers."
        ),
        "bands": "Bands",
        "bands_told": (
            "Left within 90 days, against all customers (1), by the bands of each score. In"
            " brackets: the share of the customers there."
        ),
        "curve": "Reliability",
        "curve_told": "Predicted and observed share who left, tenth by tenth; right is the line.",
        "signals": "Each signal alone",
        "signals_told": (
            "AUC with its 95 % interval; 0.5 is chance. With points: above 0.5, the points point"
            " the right way. Without points: above 0.5, leavers had more of it."
        ),
        "points_table": "The points as a table of whole numbers",
        "table_told": "Start with {base}, and add one line of each signal; unknown adds nothing.",
        "signal": "signal",
        "answers": "answers",
        "points": "points",
        "share": "share",
        "weight": "weight",
        "known": "known",
        "segments": "Segments",
        "segments_told": "Log-odds of leaving of a customer with no points, by segment.",
        "over": "over {low}",
        "upto": "up to {high}",
        "between": "over {low} up to {high}",
        "any": "any",
        "predicted": "predicted",
        "observed": "observed",
        "unhealthy": "unhealthy",
        "at risk": "at risk",
        "healthy": "healthy",
        "with_points": "with points",
        "without_points": "without points",
        "none": "(none)",
    },
    "ja": {
        "title": "バックテスト：スコアは解約を見分けていたか",
        "customers": "顧客数",
        "landmarks": "基準日の数",
        "leavers": "解約した顧客",
        "learnt_from": "学習期間",
        "tested_on": "検証期間",
        "to": "～",
        "rows": "行数",
        "verdict": "判定",
        "figures": "指標",
        "figure": "指標",
        "expert": "既定の配点",
        "learnt": "学習した配点",
        "table": "整数の配点表",
        "out_of_time": (
            "数値はすべて、学習に使っていない期間のものです。"
            "区間は顧客を再抽出して求めた95 %区間です。"
        ),
        "bands": "区分",
        "bands_told": (
            "90日以内の解約率（全顧客を1とする）を配点ごとの区分で示します。"
            "括弧内は顧客の割合です。"
        ),
        "curve": "信頼度曲線",
        "curve_told": "予測と実際の解約率（10等分ごと）。線上にあれば正確です。",
        "signals": "シグナル別の識別力",
        "signals_told": (
            "AUCと95 %区間（0.5は偶然と同じ）。配点があるシグナルは、0.5を超えれば配点の向きが"
            "正しいことを示します。配点がないシグナルは、0.5を超えれば解約した顧客のほうが"
            "大きいことを示します。"
        ),
        "points_table": "整数の配点表",
        "table_told": "{base}点から始め、シグナルごとに1行ずつ加えます。不明なら加点しません。",
        "signal": "シグナル",
        "answers": "値の範囲",
        "points": "点",
        "share": "割合",
        "weight": "重み",
        "known": "データあり",
        "segments": "セグメント",
        "segments_told": "加点・減点のない顧客が解約する対数オッズ（セグメント別）。",
        "over": "{low}超",
        "upto": "{high}以下",
        "between": "{low}超～{high}以下",
        "any": "すべて",
        "predicted": "予測",
        "observed": "実際",
        "unhealthy": "危険",
        "at risk": "要注意",
        "healthy": "良好",
        "with_points": "配点あり",
        "without_points": "配点なし",
        "none": "（なし）",
    },
}
WIDTH = 520
INK, SOFT = "#3d5a80", "#8a8f98"
MODELS = ("expert", "learnt", "table")


def write(report: Report, file: Path, *, lang: str = "en") -> None:
    """Write the page to a file; raises BadSource when it cannot be written there."""
    text = page(report, lang=lang)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8", "replace")
    except OSError as error:
        raise BadSource(f"{file}: the page cannot be written ({error.strerror})") from error


def page(report: Report, *, lang: str = "en") -> str:
    """Render a backtest as one page of HTML; what is not ours is escaped."""
    from jinja2 import Environment, PackageLoader

    words = WORDS[lang]
    pages = PackageLoader("mailhealth.web", ".")
    environment = Environment(loader=pages, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = _number
    environment.filters["share"] = _share
    return environment.get_template("backtest.html").render(
        lang=lang,
        words=words,
        report=report,
        labels=LABELS[lang],
        figures=figures(report),
        told=[model.model for model in report.models],
        verdict=report.gate.sentence(lang),
        bands=_drawn(bands(report.models, words)),
        curve=_drawn(curve(report.models, words)),
        signals=_drawn(signals(report.signals, words)),
        lines=_lines(report, words),
    )


def bands(models: Sequence[Measured], words: dict[str, str]) -> Any:
    """Chart who left in each band against all, by model; None where nobody did."""
    import altair as alt
    import pandas as pd

    rows = [
        {
            "model": words[model.model],
            "band": words[band.band],
            "left": band.relative,
            "says": f"{band.relative:.1f} ({band.share:.0%})",
        }
        for model in models
        for band in model.bands
        if band.relative is not None
    ]
    if not rows:
        return None
    names = ("unhealthy", "at risk", "healthy")
    order = [words[name] for name in names]
    colours = alt.Scale(domain=order, range=[COLOURS[name] for name in names])
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=alt.X("left:Q", title=None),
        y=alt.Y("band:N", title=None, sort=order),
    )
    bars = base.mark_bar().encode(color=alt.Color("band:N", scale=colours, legend=None))
    text = base.mark_text(align="left", dx=4).encode(text="says:N")
    one = (bars + text).properties(width=WIDTH, height=70)
    columns = [words[model.model] for model in models]
    return one.facet(row=alt.Row("model:N", title=None, sort=columns))


def curve(models: Sequence[Measured], words: dict[str, str]) -> Any:
    """Chart predicted against observed shares; None where no model tells a probability."""
    import altair as alt
    import pandas as pd

    rows = [
        {"model": words[model.model], "predicted": said, "observed": observed}
        for model in models
        for said, observed in model.curve
    ]
    if not rows:
        return None
    end = max(share for model in models for point in model.curve for share in point)
    x = alt.X("predicted:Q", title=words["predicted"], axis=alt.Axis(format="%"))
    y = alt.Y("observed:Q", title=words["observed"], axis=alt.Axis(format="%"))
    right = pd.DataFrame({"predicted": [0, end], "observed": [0, end]})
    line = alt.Chart(right).mark_line(color=SOFT, strokeDash=[4, 4]).encode(x=x, y=y)
    columns = [words[model.model] for model in models]
    colours = alt.Scale(domain=columns, range=[SOFT, INK, COLOURS["at risk"]][: len(columns)])
    points = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(x=x, y=y, color=alt.Color("model:N", title=None, scale=colours))
    )
    return (line + points).properties(width=WIDTH, height=300)


def signals(told: Sequence[SignalReport], words: dict[str, str]) -> Any:
    """Chart each signal's AUC with its interval, the best told apart first; None for none."""
    import altair as alt
    import pandas as pd

    rows = [
        {
            "signal": each.signal,
            "auc": each.auc.value,
            "low": each.auc.low,
            "high": each.auc.high,
            "kind": words["with_points" if each.scored else "without_points"],
        }
        for each in told
        if each.auc.value is not None
    ]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    scale = alt.Scale(domain=[words["with_points"], words["without_points"]], range=[INK, SOFT])
    colour = alt.Color("kind:N", title=None, scale=scale)
    y = alt.Y("signal:N", title=None, sort=[row["signal"] for row in _best_first(rows)])
    x = alt.X("auc:Q", title="AUC", scale=alt.Scale(zero=False))
    base = alt.Chart(frame).encode(y=y, color=colour)
    lines = base.mark_rule().encode(x=alt.X("low:Q", title="AUC"), x2="high:Q")
    chance = alt.Chart(pd.DataFrame({"auc": [0.5]})).mark_rule(color=SOFT, strokeDash=[4, 4])
    drawn = chance.encode(x=x) + lines + base.mark_point(filled=True, size=50).encode(x=x)
    return drawn.properties(width=WIDTH, height=alt.Step(17))


def _best_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -abs(row["auc"] - 0.5))


def _drawn(chart: Any) -> str:
    """Turn a chart into SVG; "" for none."""
    import vl_convert

    if chart is None:
        return ""
    return str(vl_convert.vegalite_to_svg(chart.configure_view(stroke=None).to_json()))


def _lines(report: Report, words: dict[str, str]) -> list[dict[str, Any]]:
    """The points table, grouped by signal."""
    by_signal: dict[str, list[dict[str, Any]]] = {}
    for line in report.table.lines if report.table else ():
        row = {"answers": _range(line, words), "points": line.points, "share": line.share}
        by_signal.setdefault(line.signal, []).append(row)
    return [{"signal": signal, "lines": lines} for signal, lines in by_signal.items()]


def _range(line: Line, words: dict[str, str]) -> str:
    if line.low is None and line.high is None:
        return words["any"]
    name = "upto" if line.low is None else "over" if line.high is None else "between"
    return words[name].format(low=_number(line.low), high=_number(line.high))


def _number(number: float | None) -> str:
    return "–" if number is None else f"{number:.3g}"


def _share(number: float | None) -> str:
    return "–" if number is None else f"{number:.1%}"
