# `make demo` and `make test` on a fresh machine: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
# The tests of a file stay together: they share what is dear to make.
SPREAD := --numprocesses 2 --dist loadfile
BIN := $(VENV)/bin

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	touch $@

# torch before the rest: its pinned build is the one without GPU packages.
$(VENV)/.developing: $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[train,learn,alerts,pst,oauth]' --group dev
	touch $@

.PHONY: demo test check docs clean

demo: $(VENV)/.installed      ## the sample company: scores, reasons, demo/report.html
	$(BIN)/mailhealth demo demo

test: $(VENV)/.developing     ## everything that is tested
	$(BIN)/python -m pytest -q $(SPREAD)

check: $(VENV)/.developing    ## format, lint, types, floors, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m cogapp --check README.md docs/*.md models/*/README.md models/*/data/README.md

docs: $(VENV)/.developing     ## print the generated parts of the pages anew
	$(BIN)/python -m cogapp -r README.md docs/*.md models/*/README.md models/*/data/README.md

clean:
	rm -rf $(VENV) demo dist build src/*.egg-info
