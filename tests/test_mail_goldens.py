"""Whole mails, written as mail programs write them, are read as their golden files say."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from mailhealth.records import Notice, Raw
from mailhealth.sources.mails import message
from tests import fuzz_mail

SAMPLES = sorted(fuzz_mail.GOLDENS.glob("*.eml"))
SHARED = Path(__file__).parents[1].parent / "shared" / "samples" / "mail"
LIMIT = 1.0  # seconds of CPU one message may take


def lines(text: str) -> list[str]:
    """The lines that are not blank, without the white space around them."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def said(notice: Notice) -> dict[str, str]:
    """What a notice says, without what it leaves open and the reason in the server's words."""
    return {name: value for name, value in asdict(notice).items() if value and name != "reason"}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_a_mail_is_read_as_its_golden_file_says(sample: Path) -> None:
    expected = json.loads(sample.with_suffix(".json").read_text("utf-8"))

    found = message(Raw(sample.name, sample.read_bytes()))

    assert {
        "kind": found.kind,
        "lang": found.lang,
        "subject": found.mail.subject,
        "new_text": lines(found.words.new_text),
        "quoted_text": lines(found.words.quoted_text),
        "signature": lines(found.words.signature),
        "notices": [said(notice) for notice in found.notices],
    } == expected


@pytest.mark.parametrize("end", [b"\n", b"\r"], ids=["line feed", "carriage return"])
def test_a_mail_with_other_line_ends_says_the_same(end: bytes) -> None:
    for sample in SAMPLES:
        content = sample.read_bytes()

        once = message(Raw("usual", content))
        again = message(Raw("other", content.replace(b"\r\n", end)))

        assert (again.words, again.kind) == (once.words, once.kind), sample.stem


def test_broken_mails_are_read_too() -> None:
    samples = [sample.read_bytes() for sample in SAMPLES]

    fuzz_mail.smoke(samples, rounds=1_000, seed=3)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the collected samples are not on this machine")
def test_no_collected_sample_raises_or_takes_more_than_a_second() -> None:
    files = [file for file in SHARED.rglob("*") if file.is_file()]

    for file in files:
        start = time.process_time()
        message(Raw(file.name, file.read_bytes()))

        assert time.process_time() - start < LIMIT, file
