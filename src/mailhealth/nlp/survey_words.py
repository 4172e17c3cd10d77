"""The patterns of survey answers, for spaCy's Matcher, and the words that may stand around them."""

from typing import Any

Pattern = list[dict[str, Any]]

SCALE = {"nps": 10, "csat": 5}


def _words(text: str) -> list[str]:
    return text.split()


_NAMES = (_words("zero one two three four five six seven eight nine ten"), "〇一二三四五六七八九十")
NUMBERS = {name: str(number) for names in _NAMES for number, name in enumerate(names)}

# What may follow a rating; everything else may be a unit (9 users, 10点が破損).
_SIGNS = ["\n", *_words("/ . , ; : ! ? ) ( - – — … ~ \" ' ” ’ * 。 、 」 』")]
_AFTER = [
    *_SIGNS,
    *_words("because but since thanks thank as overall although though due for from point points"),
    *_words("です でし だ かな くらい ぐらい 程度 位 という って とし を という ということ ね よ"),
    *_words("満足 満足度 推奨 推奨度"),
]
AFTER_ALONE = frozenset(_AFTER)
AFTER = frozenset(
    [*_AFTER, *_words("and so right at on today now this if when with in only just stars")]
)

# A rating of another time, or none at all.
EARLIER = frozenset(
    _words("last previous previously earlier formerly ago 前回 昨年 去年 先月 前年 以前 従来")
)
# Their own figures, or a rating that is denied.
THEIRS = frozenset(
    [
        *_words("our their his her its average mean target goal benchmark industry"),
        *_words("not never n't cannot can't wouldn't couldn't have had should"),
        *_words("弊社 当社 自社 平均 目標 業界"),
    ]
)


def _is(words: str, often: str = "") -> dict[str, Any]:
    return {"TEXT": {"IN": words.split()}, **({"OP": often} if often else {})}


_NUMBER = {"TEXT": {"REGEX": r"^\d{1,3}$"}}
_LINE: dict[str, Any] = {"TEXT": "\n"}
_POINT = _is("点 つ", "?")
_LINK = _is(": = score rating rate is was of a an の は が を も 、 点数 評価 - ( [ *", "{0,4}")
_RATES = _is("give giving gave rate rated rating recommend")
_SCORES = _is("score scored scoring")
# They gave us 9/10; I recommend version 9/10.
_NO_RATING = _words("us me our access of version chapter page section step phase part")
_FILLER = {"IS_ALPHA": True, "TEXT": {"NOT_IN": _NO_RATING}, "OP": "{0,6}"}
_WORDS = {**_FILLER, "OP": "{1,6}"}
_COLON = _is(": =", "?")
_THING = _is("service support team product software tool app platform experience onboarding it you")
_ALONE = _is(
    "i 'd i'd would be say it it's its that's 's you a an my score rating answer vote mark is was"
    " are the overall definitely easily solid strong probably we give gave rate go with for"
    " : - = * > ("
    " 回答 は 評価 点数 スコア 私 答え 、 お すすめ 勧め 推奨 満足 度 の 度合い 度合 点 で 弊社"
    " として total",
    "{0,7}",
)
_LIKES = [_is("推奨 勧め 薦め すすめ おすすめ お勧め オススメ"), _is("度")]
_LIKES_JOINED = [_is("推奨度 お勧め度 おすすめ度 オススメ度")]
_OUT_OF = ([_is("out"), _is("of")], [_is("/")], [_is("of")], [_is("点", "?"), _is("/")])
_UP_TO = (
    [_is("点"), _is("満点", "?"), _is("中 で の 、", "{1,3}"), _is("うち 内 は", "?")],
    [_is("点満点"), _is("中 で の 、", "{1,3}"), _is("は", "?")],
    [_is("段階"), _is("評価 中 で の は なら だと 、 、", "{0,4}")],
)


def _rules(what: str, top: str) -> list[tuple[str, int, Pattern]]:
    """The patterns of one kind of rating, with the place of the answer among their numbers."""
    scale = _is(top)
    written: list[Pattern] = [[*of, scale] for of in _OUT_OF]
    rules: list[tuple[str, int, Pattern]] = []
    for after in written:
        rules.append((what, 0, [_RATES, _FILLER, _COLON, _NUMBER, *after]))
        rules.append((what, 0, [_SCORES, _WORDS, _COLON, _NUMBER, *after]))
        rules.append((what, 0, [_SCORES, _is(": ="), _NUMBER, *after]))
        rules.append(
            (what, 0, [_THING, _is("is was are gets deserves"), _is("a an", "?"), _NUMBER, *after])
        )
    for before in _UP_TO:
        rules.append((what, 1, [scale, *before, _NUMBER, _POINT]))
    rules.append(
        (what, 0, [_NUMBER, _is("点"), _is("( /"), scale, _is("点 段階"), _is("満点", "?")])
    )
    rules.append((what, 0, [_NUMBER, _is("/"), scale, _is("点")]))
    return rules


def _named(what: str, top: str, names: list[Pattern]) -> list[tuple[str, int, Pattern]]:
    """The patterns of a rating that is called by its name: NPS 9, 満足度は4."""
    rules: list[tuple[str, int, Pattern]] = []
    for name in names:
        rules.append((what, 0, [*name, _LINK, _NUMBER, _POINT]))
        rules += [(what, 0, [*name, _LINK, _NUMBER, *of, _is(top), _POINT]) for of in _OUT_OF]
    return rules


# (what, which number of the match is the answer, pattern)
PATTERNS: list[tuple[str, int, Pattern]] = [
    *_rules("nps", "10"),
    *_rules("csat", "5"),
    *_named(
        "nps",
        "10",
        [
            [_is("nps")],
            [_is("net"), _is("promoter")],
            [_is("likelihood"), _is("to"), _is("recommend")],
            _LIKES,
            _LIKES_JOINED,
        ],
    ),
    *_named(
        "csat",
        "5",
        [[_is("csat")], [_is("satisfaction")], [_is("満足"), _is("度")], [_is("満足度")]],
    ),
    ("alone", 0, [_LINE, _ALONE, _NUMBER, _POINT]),
    ("alone", 0, [_LINE, _ALONE, _is("10 5"), _is("点"), _is("満点")]),
    ("alone", 0, [_LINE, _ALONE, _is("10 5"), _is("点満点")]),
    *(("alone", 0, [_LINE, _ALONE, _NUMBER, *of, _is("10 5"), _POINT]) for of in _OUT_OF),
    *(("alone", 1, [_LINE, _is("10 5"), *before, _NUMBER, _POINT]) for before in _UP_TO),
]
