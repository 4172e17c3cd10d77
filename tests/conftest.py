"""The sample company, read once for all the tests that look at its database."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailhealth.cli import main


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """`mailhealth demo` as a newcomer runs it: its folder, and what it printed."""
    folder = tmp_path_factory.mktemp("company") / "demo"
    return folder, CliRunner().invoke(main, ["demo", str(folder)])


@pytest.fixture
def demo(demo_run: tuple[Path, Result], tmp_path: Path) -> Path:
    """A copy of the sample company's folder, to do with as a test likes."""
    return Path(shutil.copytree(demo_run[0], tmp_path / "demo"))
