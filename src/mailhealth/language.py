"""Which language a text is in: script first, then py3langid among the languages we serve."""

import re
from array import array
from functools import cache
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SERVED = ("en", "ja", "de", "fr", "es", "it", "pt", "nl", "ru", "zh", "ko")
ENOUGH = 250  # characters: of 5,668 mails none is told differently by 500; more only takes time
PIECE = 1 << 20  # bytes
SURE = 3  # letters; below that nothing can be told

_KANA = re.compile(r"[぀-ヿ]")
_HANGUL = re.compile(r"[가-힯]")
_NOT_WORDS = re.compile(r"https?://\S+|\S+@\S+|[\d\W_]+")


@cache
def _identifier() -> "LanguageIdentifier":
    """py3langid's model with our languages alone, loaded without ever holding it twice.

    Its own loader takes 105 MB and keeps 77 of them, this one takes 82 and keeps 61.
    """
    import lzma
    import shutil
    from tempfile import TemporaryFile

    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    with TemporaryFile() as file:
        with lzma.open(MODEL_DIR / MODEL_FILE) as packed:
            shutil.copyfileobj(packed, file, length=PIECE)
        moves = _moves(file)
        file.seek(0)
        chances, usual, names, rows, found = _tables(file)
    return LanguageIdentifier(chances, usual, names, moves, found, tk_row=rows)


def _moves(file: IO[bytes]) -> "array[int]":
    """The steps from state to state, by far the largest part, piece by piece."""
    import zipfile

    import numpy as np

    with zipfile.ZipFile(file) as parts, parts.open("nextmove.npy") as part:
        np.lib.format.read_magic(part)
        _, _, kind = np.lib.format.read_array_header_1_0(part)
        moves = array({2: "H", 4: "I"}[kind.itemsize])
        while piece := part.read(PIECE):
            moves.frombytes(piece)
    return moves


def _tables(file: IO[bytes]) -> tuple[Any, ...]:
    """What each feature says of our languages, and where features are found."""
    import numpy as np

    with np.load(file, allow_pickle=False) as data:
        names = data["classes"].tolist()
        ours = [place for place, name in enumerate(names) if name in SERVED]
        rows = data["nextmove_row"]
        numbers = array({2: "H", 4: "I"}[rows.itemsize], rows.tobytes())
        chosen = [names[place] for place in ours]
        chances = data["ptc"][:, ours]
        return chances, data["pc"][ours], chosen, numbers, data["out_feat"].tolist()


def identify(text: str) -> str:
    """Name the language of a text as ISO 639-1, or "" where nothing can be told.

    Kana means Japanese and hangul Korean, whatever else is there: py3langid alone confuses
    short Japanese and Chinese.
    """
    letters = _NOT_WORDS.sub(" ", text[:ENOUGH]).strip()
    if len(letters) < SURE:
        return ""
    if _KANA.search(letters):
        return "ja"
    if _HANGUL.search(letters):
        return "ko"
    return str(_identifier().classify(letters)[0])
