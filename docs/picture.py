"""Draw docs/demo.svg: what `mailhealth demo` prints (python docs/picture.py DATABASE)."""

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

import mailhealth
from mailhealth.cli import show


def draw(database: Path, picture: Path) -> None:
    """Print the scores to a recording console and save it as SVG."""
    recorder = Console(record=True, width=124, file=io.StringIO())
    show.console = lambda: recorder
    with mailhealth.open(database) as health:
        show.scores(health.scores(), "table")
    recorder.save_svg(str(picture), title="mailhealth demo", theme=MONOKAI)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(__file__).with_name("demo.svg"))
