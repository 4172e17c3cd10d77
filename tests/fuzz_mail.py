"""Fuzzes the mail rooms: `python -m tests.fuzz_mail FOLDER -max_total_time=300`.

Needs atheris (`pip install atheris`) and, to begin with, a folder of mails; without a folder it
begins with the golden samples. `smoke` is the same in seconds, without atheris.
"""

import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from random import Random

GOLDENS = Path(__file__).parent / "mail" / "goldens"
LIMIT = 1.0  # seconds of CPU one message may take
# What decides how the rest is read, and so what is worth breaking.
TOKENS = (
    b"Content-Type: multipart/mixed; boundary=cut\r\n",
    b"Content-Type: text/html; charset=iso-2022-jp\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"; format=flowed; delsp=yes",
    b"\r\n--cut\r\n",
    b"=?iso-2022-jp?B?GyRC",
    b"<blockquote>",
    b"\x1b$B",
    b"\x1b(B",
    b"\r\n> ",
    b"\r\n-- \r\n",
    b" wrote:\r\n",
    b"Action: failed\r\nFinal-Recipient: rfc822; ",
    b"\xff\xfe",
    b"\x00",
)


def understand(content: bytes) -> None:
    """Read one mail with every room; AssertionError where a promise of theirs is broken."""
    from mailhealth.records import Raw
    from mailhealth.sources.mails import message
    from mailhealth.threads import identifiers

    start = time.process_time()
    found = message(Raw("fuzz", content))
    named = identifiers(found.mail, found.key)
    spent = time.process_time() - start

    assert spent < LIMIT, f"{spent:.1f} s"
    assert named
    repr(found).encode("utf-8")  # half a surrogate pair cannot be stored
    words = found.words
    parts = words.new_text + words.quoted_text + words.signature
    assert Counter("".join(parts.split())) == Counter("".join(found.mail.text.split()))
    for begin, end in found.courtesies:
        assert 0 <= begin < end <= len(words.new_text)


def smoke(samples: list[bytes], *, rounds: int, seed: int) -> None:
    """Understand `rounds` samples, each broken in a few places: the same for the same seed."""
    randomness = Random(seed)
    for _ in range(rounds):
        understand(broken(randomness.choice(samples), randomness))


def broken(content: bytes, randomness: Random) -> bytes:
    """Break a mail in one to eight places: cut, double, overwrite, insert what decides."""
    mail = bytearray(content)
    for _ in range(randomness.randint(1, 8)):
        at = randomness.randrange(len(mail) + 1)
        end = at + randomness.randint(1, 1 + len(mail) // 4)
        match randomness.randrange(5):
            case 0:
                del mail[at:end]
            case 1:
                mail[at:at] = mail[at:end]
            case 2:
                mail[at : at + 3] = randomness.randbytes(3)
            case 3:
                mail[at:at] = randomness.choice(TOKENS)
            case _:
                mail[at:at] = randomness.choice(TOKENS) * randomness.randint(2, 200)
    return bytes(mail)


def main() -> None:
    """Let atheris look for a mail that breaks a promise."""
    import atheris

    with atheris.instrument_imports(include=["mailhealth"], enable_loader_override=False):
        for room in ("mime", "mime.html", "reply", "machine", "language", "threads"):
            import_module(f"mailhealth.{room}")  # what is loaded later is not instrumented
    arguments = sys.argv if len(sys.argv) > 1 else [sys.argv[0], str(GOLDENS)]
    atheris.Setup(arguments, understand)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
