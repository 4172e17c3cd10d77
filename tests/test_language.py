"""Languages: script first, then statistics."""

import pytest

from mailhealth import language


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Could you resend the invoice, please?", "en"),
        ("お世話になっております。", "ja"),
        ("了解です", "ja"),
        ("Vielen Dank, das hat geklappt.", "de"),
        ("감사합니다", "ko"),
        ("ok", ""),
        ("", ""),
        ("https://globex.example/12 +49 555 0101", ""),
    ],
)
def test_a_text_names_its_language(text: str, lang: str) -> None:
    assert language.identify(text) == lang
