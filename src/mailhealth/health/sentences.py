"""What makes the numbers poorer than they could be, in words, English or Japanese."""

from collections.abc import Mapping

from mailhealth.errors import UnknownName

SENT_SEEN = 50  # with fewer than one mail of ours in so many, signals leave ours out (tables.py)


def warnings(came: int, went: int, *, ours: bool, lang: str) -> list[str]:
    """Say what is missing, given how many mails came and went, and whether anything is ours."""
    if came and not ours:
        return [nothing_is_ours(lang)]
    if came and went * SENT_SEEN < came + went:
        return [sent_mail_missing(went, came + went, lang)]
    return []


def nothing_is_ours(lang: str) -> str:
    """Say that answers cannot be told from questions."""
    return _in(
        lang,
        {
            "en": "nothing is ours yet, so no mail counts as an answer: 'mailhealth us DOMAIN'",
            "ja": (
                "自社のドメインが未登録のため、返信を判別できません。"
                "'mailhealth us ドメイン' で登録してください"
            ),
        },
    )


def sent_mail_missing(ours: int, mails: int, lang: str) -> str:
    """Say that hardly any of the mails are ours, and what stays unknown for it."""
    return _in(
        lang,
        {
            "en": (
                f"sent mail missing: {ours} of {mails} mails are ours, so reply rates and "
                "response times are unknown; connect the folder of sent mail too"
            ),
            "ja": (
                f"送信済みメールが不足しています（全{mails}通のうち自社からは{ours}通）。"
                "返信率と応答時間は不明です。送信済みフォルダーも接続してください"
            ),
        },
    )


def _in(lang: str, sentences: Mapping[str, str]) -> str:
    if lang not in sentences:
        raise UnknownName(f"no sentences in {lang!r}; there are en and ja")
    return sentences[lang]
