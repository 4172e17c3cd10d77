"""The figures of a backtest, line by line, with their names in English and Japanese."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailhealth.learn.measures import BANDS, Measured
from mailhealth.learn.report import Report

LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "auc": "AUC",
        "auc_low": "AUC, 95 % interval from",
        "auc_high": "AUC, 95 % interval to",
        "auc_unannounced": "AUC without those who had announced it",
        "lift": "lift: leavers in the riskiest tenth, against all",
        "log_loss": "log-loss",
        "brier": "Brier score",
        "brier_skill": "Brier skill, against everybody's share",
        "slope": "calibration slope (1 is right)",
        "in_the_large": "left / expected to leave (1 is right)",
        "unhealthy_share": "unhealthy: share of customers",
        "unhealthy_relative": "unhealthy: left, against all",
        "capped_share": "unhealthy by a cap alone: share of customers",
        "capped_relative": "unhealthy by a cap alone: left, against all",
        "at_risk_share": "at risk: share of customers",
        "at_risk_relative": "at risk: left, against all",
        "healthy_share": "healthy: share of customers",
        "healthy_relative": "healthy: left, against all",
        "unhealthy_warned": "leavers who stood at unhealthy",
        "unhealthy_days": "unhealthy: days before the notice (median)",
        "at_risk_warned": "leavers who stood at risk or worse",
        "at_risk_days": "at risk or worse: days before the notice (median)",
    },
    "ja": {
        "auc": "AUC（識別力）",
        "auc_low": "AUCの95 %区間（下限）",
        "auc_high": "AUCの95 %区間（上限）",
        "auc_unannounced": "AUC（解約の意思を示していた顧客を除く）",
        "lift": "リフト（危険度上位10 %の解約率 ÷ 全体）",
        "log_loss": "対数損失",
        "brier": "ブライアスコア",
        "brier_skill": "ブライアスキル（全体の解約率を基準）",
        "slope": "較正の傾き（1が理想）",
        "in_the_large": "実際の解約 ÷ 予測した解約（1が理想）",
        "unhealthy_share": "危険：顧客の割合",
        "unhealthy_relative": "危険：解約率 ÷ 全体",
        "capped_share": "上限のみで危険：顧客の割合",
        "capped_relative": "上限のみで危険：解約率 ÷ 全体",
        "at_risk_share": "要注意：顧客の割合",
        "at_risk_relative": "要注意：解約率 ÷ 全体",
        "healthy_share": "良好：顧客の割合",
        "healthy_relative": "良好：解約率 ÷ 全体",
        "unhealthy_warned": "危険と判定されていた解約顧客の割合",
        "unhealthy_days": "危険：解約通知までの日数（中央値）",
        "at_risk_warned": "要注意以下と判定されていた解約顧客の割合",
        "at_risk_days": "要注意以下：解約通知までの日数（中央値）",
    },
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of every model; None: it cannot be told."""

    name: str
    values: Mapping[str, float | None]


def figures(report: Report) -> list[Figure]:
    """List the figures of a report's models: how they rank, how sharp they are, bands, leads."""
    told = {model.model: dict(_figures(model)) for model in report.models}
    return [
        Figure(name, {model: values[name] for model, values in told.items()})
        for name in LABELS["en"]
    ]


def _figures(model: Measured) -> Iterator[tuple[str, float | None]]:
    yield "auc", model.auc.value
    yield "auc_low", model.auc.low
    yield "auc_high", model.auc.high
    yield "auc_unannounced", model.auc_unannounced.value
    for name in ("lift", "log_loss", "brier", "brier_skill", "slope", "in_the_large"):
        yield name, getattr(model, name)
    for name, band in zip((*BANDS, "capped"), (*model.bands, model.capped), strict=True):
        key = name.replace(" ", "_")
        yield f"{key}_share", band.share
        yield f"{key}_relative", band.relative
    for name, lead in zip(BANDS, model.leads, strict=False):
        key = name.replace(" ", "_")
        yield f"{key}_warned", lead.share
        yield f"{key}_days", lead.days
