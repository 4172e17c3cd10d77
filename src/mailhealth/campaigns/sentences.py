"""What the figures say, in words, English or Japanese."""

from collections.abc import Mapping, Sequence

from mailhealth.campaigns.numbers import Bounds, Difference, Fatigue, Rate, Trend
from mailhealth.campaigns.trend import LEAST

_DONE: Mapping[str, Mapping[str, str]] = {
    "en": {
        "opened": "opened",
        "clicked": "clicked",
        "replied": "answered",
        "unsubscribed": "unsubscribed from",
    },
    "ja": {
        "opened": "開封率",
        "clicked": "クリック率",
        "replied": "返信率",
        "unsubscribed": "配信停止率",
    },
}
_RATES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "opened": "open rate",
        "clicked": "click rate",
        "replied": "reply rate",
        "unsubscribed": "unsubscribe rate",
    },
    "ja": _DONE["ja"],
}
_NOTES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "coming in": "still coming in: sent less than 3 days before",
        "not sent": "the log does not tell to whom it was sent, so no share is known",
        "no bounces": "no bounces are told of: delivered is what was sent",
        "no opens": "no opens are told of",
        "no clicks": "no clicks are told of",
        "no unsubscribes": "no unsubscribes are told of",
        "no complaints": "no complaints are told of",
        "no replies": "no mailbox of those days was read, so replies are unknown",
    },
    "ja": {
        "coming in": "配信から3日未満のため集計途中です",
        "not sent": "送信先の記録がないため、割合は不明です",
        "no bounces": "不達の記録がないため、送信数を到達数としています",
        "no opens": "開封の記録がありません",
        "no clicks": "クリックの記録がありません",
        "no unsubscribes": "配信停止の記録がありません",
        "no complaints": "迷惑メール報告の記録がありません",
        "no replies": "当時のメールボックスを読んでいないため、返信は不明です",
    },
}


def share(rate: Rate, lang: str) -> str:
    """Write a rate; where only its count is known the count, where nothing is a dash."""
    if rate.value is not None:
        return f"{rate.value * 100:.1f} %"
    return "–" if rate.k is None or rate.n == 0 else _people(f"{rate.k:,.0f}", lang)


def bounds(told: Bounds, lang: str) -> str:
    """Write the adjusted rate, and in brackets the least and the most, where these differ."""
    low, high = told.low, told.high
    if low.k is None or high.k is None or low.k == high.k:
        return share(low, lang)
    if low.value is None or high.value is None:
        return _people(f"{low.k:,.0f}–{high.k:,.0f}", lang)
    middle = "?" if told.adjusted.value is None else share(told.adjusted, lang)
    return f"{middle} [{low.value * 100:.1f}–{high.value * 100:.1f}]"


def basis(rate: Rate) -> dict[str, str]:
    """Write what a rate rests on: so many people of so many, and the 95 % interval."""
    if rate.k is None:
        return {"people": "–", "95 % interval": ""}
    k = f"{rate.k:,.0f}"
    if rate.low is None or rate.high is None:
        return {"people": k, "95 % interval": ""}
    between = f"{rate.low * 100:.1f}–{rate.high * 100:.1f} %"
    return {"people": f"{k} / {rate.n:,}", "95 % interval": between}


def _people(count: str, lang: str) -> str:
    return {"en": f"{count} people", "ja": f"{count}人"}[lang]


def note(word: str, lang: str) -> str:
    """Spell out a word of `Landing.notes`."""
    return _NOTES[lang][word]


def difference(told: Difference, lang: str) -> str:
    """Say which of two did better, or that it cannot be told, and how many more would tell."""
    if told.value is None or told.low is None or told.high is None:
        return {
            "en": f"the {_RATES[lang][told.measure]}s cannot be compared: one of them is unknown",
            "ja": f"{_RATES[lang][told.measure]}は不明なため比べられません",
        }[lang]
    if told.low > 0 or told.high < 0:
        return _better(told, lang)
    return _undecided(told, lang)


def differences(told: Sequence[Difference], lang: str) -> list[str]:
    """Say it in every measure of which at least one side is known."""
    return [
        difference(each, lang)
        for each in told
        if each.rate_a.value is not None or each.rate_b.value is not None
    ]


def _better(told: Difference, lang: str) -> str:
    value, low, high = told.value or 0.0, told.low or 0.0, told.high or 0.0
    more, less = told.b, told.a
    if value < 0:
        value, low, high, more, less = -value, -high, -low, told.a, told.b
    points, between = _points(value), _between(low, high, lang)
    done = _DONE[lang][told.measure]
    return {
        "en": f"{more} was {done} by {points} points more than {less} ({between})",
        "ja": f"「{more}」の{done}は「{less}」より{points}ポイント高い（{between}）",
    }[lang]


def _undecided(told: Difference, lang: str) -> str:
    low, high = told.low or 0.0, told.high or 0.0
    rate = _RATES[lang][told.measure]
    if told.needed is None:
        most = _points(max(-low, high))
        return {
            "en": f"no difference in the {rate} can be told; it is at most {most} points",
            "ja": f"{rate}に差があるとは言えません（あっても{most}ポイント以内）",
        }[lang]
    return {
        "en": (
            f"no difference in the {rate} can be told yet; "
            f"about {told.needed:,} more recipients are needed"
        ),
        "ja": f"{rate}の差はまだ判断できません。あと約{told.needed:,}人の受信者が必要です",
    }[lang]


def trend(told: Trend, lang: str) -> str:
    """Say where a rate goes, only where that is clear."""
    rate = _RATES[lang][told.measure]
    if told.slope is None or told.low is None or told.high is None:
        return {
            "en": f"no trend in the {rate}: {told.campaigns} campaigns tell it, {LEAST} must",
            "ja": f"{rate}の傾向は不明です（対象{told.campaigns}件、必要{LEAST}件）",
        }[lang]
    between = _between(told.low, told.high, lang)
    if not told.sign:
        return {
            "en": f"no trend in the {rate} can be told ({between} points in 30 days)",
            "ja": f"{rate}に明らかな傾向はありません（30日あたり{between}ポイント）",
        }[lang]
    points, between = _points(abs(told.slope)), _moved(told, lang)
    way = {"en": ("falls", "rises"), "ja": ("低下", "上昇")}[lang][told.sign > 0]
    return {
        "en": f"the {rate} {way} by {points} points in 30 days ({between})",
        "ja": f"{rate}は30日あたり{points}ポイント{way}しています（{between}）",
    }[lang]


def fatigue(told: Fatigue, lang: str) -> str:
    """Say whether people answer less when they get more, only where that is clear."""
    if told.slope is None or told.low is None or told.high is None:
        return {
            "en": "too few contacts got more in some months than in others to tell tiredness",
            "ja": "月ごとの配信数に差のある連絡先が少なく、配信疲れは判断できません",
        }[lang]
    between = _between(told.low, told.high, lang)
    if not told.sign:
        return {
            "en": f"no tiredness can be told ({between} points for each mail more in 30 days)",
            "ja": f"配信疲れは見られません（30日に1通増えるごとに{between}ポイント）",
        }[lang]
    points, between = _points(abs(told.slope)), _moved(told, lang)
    way = {"en": ("fewer", "more"), "ja": ("下がります", "上がります")}[lang][told.sign > 0]
    return {
        "en": f"with each mail more in 30 days, {points} points {way} are answered ({between})",
        "ja": f"30日に1通増えるごとに、反応率が{points}ポイント{way}（{between}）",
    }[lang]


def _moved(told: Trend | Fatigue, lang: str) -> str:
    """The interval of a slope whose sentence says up or down already."""
    low, high = told.low or 0.0, told.high or 0.0
    return _between(low, high, lang) if told.sign > 0 else _between(-high, -low, lang)


def _points(share: float) -> str:
    text = f"{share * 100:.1f}"
    # A small difference is small, and not none.
    return f"{share * 100:.2g}" if share and not float(text) else text


def _between(low: float, high: float, lang: str) -> str:
    return {"en": f"{_points(low)} to {_points(high)}", "ja": f"{_points(low)}～{_points(high)}"}[
        lang
    ]
