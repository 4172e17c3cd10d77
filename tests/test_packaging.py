"""The package: everything named, nothing heavy at the door."""

import json
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import pytest

import mailhealth

ROOT = Path(__file__).parents[1]
HEAVY = ("spacy", "torch", "transformers", "onnxruntime", "pandas", "duckdb", "imapclient")


@pytest.mark.skipif(not (ROOT / "src").exists(), reason="only a checkout has the sources")
def test_every_folder_with_code_is_named_in_pyproject() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    source = ROOT / "src"

    folders = {
        ".".join(file.parent.relative_to(source).parts) for file in source.rglob("__init__.py")
    }

    assert folders | {"mailhealth.connectors", "mailhealth.models"} == set(named["packages"])


@pytest.mark.skipif(not (ROOT / "src").exists(), reason="only a checkout has the sources")
def test_every_data_file_is_installed() -> None:
    package = ROOT / "src" / "mailhealth"
    data = [f for f in package.rglob("*") if f.is_file() and f.suffix not in {".py", ".pyc"}]

    named = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    matched = {
        file
        for name, patterns in named["package-data"].items()
        if name not in {"mailhealth.connectors", "mailhealth.models"}
        for pattern in patterns
        for file in package.joinpath(*name.split(".")[1:]).glob(pattern)
    }

    assert set(data) <= matched


def test_the_command_line_answers_without_loading_anything_heavy() -> None:
    code = (
        "import sys, json, mailhealth.cli as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stderr.splitlines()[-1]) == []


def test_what_is_public_is_named() -> None:
    visible = {
        name
        for name, value in vars(mailhealth).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("mailhealth")
    }

    assert visible == set(mailhealth.__all__)


def test_connectors_and_models_are_found_where_they_are_installed() -> None:
    for name in ("connectors", "models"):
        folder = resources.files(f"mailhealth.{name}")
        assert any(each.is_dir() and not each.name.startswith("_") for each in folder.iterdir())
