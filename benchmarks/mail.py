"""Measure how mail is read: `python benchmarks/mail.py [--ham FOLDER] [--mbox-mb 2000]`.

Writes docs/mail.toml, from which docs/mail.md prints its table (`make docs`).
"""

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import mail_bounces
import mail_peers
import mail_rows
import mail_speed
from mail_rows import Row

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "samples"
PAGE = ROOT / "docs" / "mail.toml"
HAM = ("easy-ham-1", "easy-ham-2", "hard-ham-1")

Part = Callable[[argparse.Namespace], Iterator[Row]]


def main() -> None:
    """Measure what the options name, print it, and write the page's figures."""
    options = _options()
    if not (options.samples / "mail").is_dir():
        raise SystemExit(f"There are no mail samples in {options.samples}: name them by --samples.")
    rows = []
    for part in options.parts.split(","):
        for row in PARTS[part](options):
            print(f"{row.what}: {row.measured}  [{row.reach}] {row.note}", flush=True)
            rows.append(row)
    if options.parts == ",".join(PARTS):
        PAGE.write_text(_toml(rows), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=Path, default=SAMPLES, help="collected mail samples")
    parser.add_argument("--ham", type=Path, help="folder of the SpamAssassin corpus, unpacked")
    parser.add_argument("--sisimai", type=Path, help="checkout of rb-sisimai, for its verdicts")
    parser.add_argument("--mbox-mb", type=int, default=2000, help="size of the generated mbox")
    parser.add_argument(
        "--parts",
        default=",".join(PARTS),
        help="what to measure (default: %(default)s; only all of them write the page)",
    )
    return parser.parse_args()


def _corpus(options: argparse.Namespace, folders: tuple[str, ...] = ()) -> list[Path]:
    """The messages of the SpamAssassin corpus, or of some of its folders; none without --ham."""
    files = sorted(options.ham.rglob("[0-9]*.txt")) if options.ham else []
    return [file for file in files if not folders or file.parent.name in folders]


def robustness(options: argparse.Namespace) -> Iterator[Row]:
    """Every sample and every message of the corpus."""
    samples = sorted(file for file in (options.samples / "mail").rglob("*") if file.is_file())
    files = [*samples, *_corpus(options)]
    yield mail_rows.robustness(files)
    for name, reader in mail_peers.parsers().items():
        yield mail_rows.robustness(files, reader, f" ({name})")


def words(options: argparse.Namespace) -> Iterator[Row]:
    """Own words of the collected replies."""
    cases = mail_rows.reply_cases(options.samples)
    yield mail_rows.own_words(cases)
    for name, peer in mail_peers.splitters().items():
        yield mail_rows.own_words(cases, peer, f" ({name})")


def machines(options: argparse.Namespace) -> Iterator[Row]:
    """Bounces of the collection, people of the corpus."""
    verdicts = mail_bounces.verdicts(options.sisimai) if options.sisimai else {}
    files, ham = mail_rows.bounce_files(options.samples, verdicts), _corpus(options, HAM)
    yield from mail_rows.bounces(files, verdicts)
    for name, peer in mail_peers.bounce_readers().items():
        yield mail_rows.recognised(files, peer, f" ({name})")
    if ham:
        yield mail_rows.called_machines(ham)
        for name, peer in mail_peers.bounce_readers().items():
            yield mail_rows.called_machines(ham, peer, f" ({name})")


def speed(options: argparse.Namespace) -> Iterator[Row]:
    """Messages a second on one core and on two."""
    if not (files := _corpus(options)):
        return
    for cores, reach in ((1, 1_000), (2, 1_800)):
        found = mail_speed.best_speed(files, cores)
        on = "one core" if cores == 1 else f"{cores} cores"
        yield Row(
            f"parse, own words, class, thread: messages a second on {on}",
            f"{found.per_cpu:,.0f}",
            f">= {reach:,}",
            f"by CPU time, best of {mail_speed.TIMES}; {found.per_wall:,.0f} by the clock",
        )


def memory(options: argparse.Namespace) -> Iterator[Row]:
    """Peak memory on a large mbox, generated and removed again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.mbox"
        mail_speed.write_mbox(path, options.mbox_mb * mail_speed.MB)
        count, peak = mail_speed.memory(path)
    yield Row(
        f"peak memory on an mbox of {options.mbox_mb:,} MB",
        f"{peak / mail_speed.MB:,.0f} MB",
        "<= 300 MB",
        f"{count:,} mails",
    )


PARTS: dict[str, Part] = {
    part.__name__: part for part in (robustness, words, machines, speed, memory)
}


def _toml(rows: list[Row]) -> str:
    """The rows as TOML; a JSON string is a TOML string."""
    about = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": platform.python_version(),
        "left_out": ", ".join(mail_peers.absent()),
    }
    head = "".join(f"{name} = {_string(value)}\n" for name, value in about.items())
    blocks = [
        "\n[[row]]\n" + "".join(f"{key} = {_string(value)}\n" for key, value in asdict(row).items())
        for row in rows
    ]
    known = "".join(
        f"\n[[machine_in_ham]]\nmail = {_string(mail)}\nreason = {_string(reason)}\n"
        for mail, reason in mail_rows.KNOWN_MACHINES.items()
    )
    return "# Written by benchmarks/mail.py.\n" + head + "".join(blocks) + known


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


if __name__ == "__main__":
    main()
