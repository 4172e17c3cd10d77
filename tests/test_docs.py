"""The pages: what they show is run, what they print is current."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def blocks(language: str, page: str = README) -> list[str]:
    """The code blocks of a page (the README) in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as the reader of the README would, with this installation's mailhealth."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "SUPPORT_PASSWORD": "not used here"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_command_of_the_readme_does_what_it_says(tmp_path: Path) -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line for line in lines if not line.startswith("make ")]

    for command in commands:
        done = shell(command, tmp_path)

        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (tmp_path / "report.html").exists()


def test_the_pipeline_of_the_page_on_reading_finds_the_invoice() -> None:
    (example,) = blocks("python", (ROOT / "docs" / "reader.md").read_text("utf-8"))

    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "'billing'" in done.stdout


def test_every_python_example_of_the_readme_runs(
    tmp_path: Path, demo_run: tuple[Path, Result]
) -> None:
    (tmp_path / "demo").symlink_to(demo_run[0])

    for example in blocks("python"):
        done = subprocess.run(
            [sys.executable, "-c", example],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, f"{example}\n{done.stderr}"
        assert done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    if not (ROOT / "src").exists():
        pytest.skip("only a checkout has what the pages link to")
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_verb_stands_in_the_readme() -> None:
    from mailhealth.cli import main

    assert [verb for verb in main.commands if f"`{verb}`" not in README] == []
