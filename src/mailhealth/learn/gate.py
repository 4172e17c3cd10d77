"""The gate: learnt weights are used only where they were better on days they had not seen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mailhealth.errors import UnknownName
from mailhealth.learn.measures import Predicted
from mailhealth.learn.redraws import Estimate, Redraws
from mailhealth.learn.weights import log_losses

Why = Literal[
    "too few", "too few after", "chance", "ranks worse", "no sharper", "not sure", "better"
]

LEAVERS = 10  # fewer teach nothing
TESTED = 5  # fewer test nothing
_WORSE = 0.01  # AUC that may be lost
_SURE = 0.8  # of the draws

_SAID: Mapping[str, Mapping[Why, str]] = {
    "en": {
        "too few": (
            "The expert's points stay: it takes {needed} customers who left to learn from, and up"
            " to {cut} there are {leavers}."
        ),
        "too few after": (
            "The expert's points stay: it takes {needed} customers who left to test on, and after"
            " {cut} there are {leavers}."
        ),
        "chance": (
            "The expert's points stay: after {cut} the learnt weights told leavers from stayers no"
            " better than chance (AUC {learnt:.3f}, 95 % interval {low:.3f} to {high:.3f})."
        ),
        "ranks worse": (
            "The expert's points stay: after {cut} the learnt weights ranked customers worse"
            " (AUC {learnt:.3f}, the expert's {expert:.3f})."
        ),
        "no sharper": (
            "The expert's points stay: after {cut} the learnt weights said no better how likely"
            " customers were to leave (log-loss {loss:.4f}, the expert's {expert_loss:.4f})."
        ),
        "not sure": (
            "The expert's points stay: after {cut} the learnt weights were better in only"
            " {sure:.0%} of {draws} redraws of the customers, and {needed_sure:.0%} are needed."
        ),
        "better": (
            "The learnt points may be used: after {cut} they were better in {sure:.0%} of {draws}"
            " redraws of the customers (AUC {learnt:.3f}, the expert's {expert:.3f})."
        ),
    },
    "ja": {
        "too few": (
            "既定の配点のままにします。学習には解約した顧客が{needed}社以上必要ですが、"
            "{cut}までには{leavers}社です。"
        ),
        "too few after": (
            "既定の配点のままにします。検証には解約した顧客が{needed}社以上必要ですが、"
            "{cut}より後には{leavers}社です。"
        ),
        "chance": (
            "既定の配点のままにします。{cut}より後の期間で、学習した重みは解約と継続を"
            "偶然以上に見分けられませんでした（AUC {learnt:.3f}、95 %区間 {low:.3f}～{high:.3f}）。"
        ),
        "ranks worse": (
            "既定の配点のままにします。{cut}より後の期間で、学習した重みの順位付けは"
            "既定より劣りました（AUC {learnt:.3f}、既定は{expert:.3f}）。"
        ),
        "no sharper": (
            "既定の配点のままにします。{cut}より後の期間で、学習した重みの解約確率は"
            "既定より正確ではありませんでした（対数損失 {loss:.4f}、既定は{expert_loss:.4f}）。"
        ),
        "not sure": (
            "既定の配点のままにします。{cut}より後の期間で、顧客の再抽出{draws}回のうち"
            "学習した重みが優れていたのは{sure:.0%}で、{needed_sure:.0%}以上が必要です。"
        ),
        "better": (
            "学習した配点を使えます。{cut}より後の期間で、顧客の再抽出{draws}回のうち{sure:.0%}で"
            "優れていました（AUC {learnt:.3f}、既定は{expert:.3f}）。"
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the learnt weights may be used, why or why not, and the numbers that say so."""

    open: bool
    why: Why
    numbers: Mapping[str, float | str]

    def sentence(self, lang: str = "en") -> str:
        """Say it in one sentence, English or Japanese."""
        if lang not in _SAID:
            raise UnknownName(f"no sentences in {lang!r}; there are en and ja")
        return _SAID[lang][self.why].format(**self.numbers)


def judge(
    expert: Predicted, learnt: Predicted | None, redraws: Redraws, *, leavers: int, cut: str
) -> Gate:
    """Open the gate where the learnt weights rank at least as well, and say better how likely.

    Out of time, AUC >= the expert's - 0.01 and a lower log-loss, both together in 80 % of the
    draws; and an AUC whose interval lies above a half. (Without the last, weights that say
    nothing would win where the expert's say nothing more loudly.) `leavers` are those learnt from.
    """
    if learnt is None or leavers < LEAVERS:
        return Gate(False, "too few", {"leavers": leavers, "needed": LEAVERS, "cut": cut})
    if redraws.leavers < TESTED or not redraws.both:
        tested: dict[str, float | str] = {"leavers": redraws.leavers, "needed": TESTED, "cut": cut}
        return Gate(False, "too few after", tested)
    compared = _Compared(expert, learnt, redraws)
    why: Why = next(compared.objections(), "better")
    return Gate(why == "better", why, {"cut": cut, **compared.numbers()})


class _Compared:
    """Two models on the same rows and the same draws."""

    def __init__(self, expert: Predicted, learnt: Predicted, redraws: Redraws) -> None:
        self.aucs: tuple[Estimate, Estimate] = redraws.auc(expert.risk), redraws.auc(learnt.risk)
        losses = [
            log_losses(each.probability, redraws.y)
            for each in (expert, learnt)
            if each.probability is not None  # there is one wherever anything was learnt
        ]
        self.losses = float(losses[0].mean()), float(losses[1].mean())
        gained = redraws.aucs(learnt.risk) - redraws.aucs(expert.risk)
        better = (gained >= -_WORSE) & (redraws.sums(losses[1] - losses[0]) < 0)
        self.sure = float(better[~np.isnan(gained)].mean())
        self.draws = len(gained)

    def objections(self) -> Iterator[Why]:
        expert, learnt = (each.value or 0.0 for each in self.aucs)
        if learnt < expert - _WORSE:
            yield "ranks worse"
        if (self.aucs[1].low or 0.0) <= 0.5:  # noqa: PLR2004 - a coin's AUC
            yield "chance"
        if self.losses[1] >= self.losses[0]:
            yield "no sharper"
        if self.sure < _SURE:
            yield "not sure"

    def numbers(self) -> Mapping[str, float]:
        expert, learnt = self.aucs
        return {
            "expert": expert.value or 0.0,
            "learnt": learnt.value or 0.0,
            "low": learnt.low or 0.0,
            "high": learnt.high or 0.0,
            "expert_loss": self.losses[0],
            "loss": self.losses[1],
            "sure": self.sure,
            "needed_sure": _SURE,
            "draws": self.draws,
        }
