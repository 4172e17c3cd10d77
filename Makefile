# `make demo` and `make test` on a fresh machine: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# torch first: its pinned build is the one without GPU packages.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train]' --group dev
	touch $(INSTALLED)

.PHONY: demo test check docs clean

demo: $(INSTALLED)          ## the sample company: scores, reasons, demo/report.html
	$(BIN)/mailhealth demo demo

test: $(INSTALLED)          ## everything that is tested
	$(BIN)/python -m pytest -q

check: $(INSTALLED)         ## format, lint, types, floors, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cogapp --check README.md docs/*.md models/*/README.md

docs: $(INSTALLED)          ## print the generated parts of the docs anew
	$(BIN)/python -m cogapp -r README.md docs/*.md models/*/README.md

clean:
	rm -rf $(VENV) demo dist build src/*.egg-info
