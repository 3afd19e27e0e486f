# The developer's whole vocabulary: `make` lists it.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Python's programs are run as modules: the scripts of a virtual environment break when the directory is moved.

.DEFAULT_GOAL := help
.PHONY: help setup run test coverage bench check fix docs
.DELETE_ON_ERROR:

help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make .venv with everything in it; quick when nothing changed

$(VENV)/.installed: requirements.txt requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Conveyor needs Python 3.11 or newer; there is no $(PYTHON) here. Name yours: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Conveyor needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: setup ## Start Conveyor on http://127.0.0.1:8000 (PORT=..., SANDBOX="--droplets 1000 --token-lifetime 20")
	@exec $(RUN) -m conveyor.devserver $(SANDBOX)

test: setup ## Run the whole suite, or one file of it (T=tests/test_walls.py)
	@$(RUN) -m pytest $(or $(T),-n auto)

coverage: setup ## Run the whole suite and tell which lines and branches it never came to; half as long again
	@$(RUN) -m pytest -n auto --cov --cov-report=term

bench: setup ## Measure how fast it is, into docs/benchmarks.md (M=warm for one measure, PROFILE=1 for where time goes)
	@$(RUN) -m tests.bench $(M) $(if $(PROFILE),--profile)

check: setup ## Lint, formatting, types, walls between the apps, migrations, settings of a deployment
check: export ENV_FILE := tests/support/deployment.env
check:
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@$(RUN) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-logo
	@$(RUN) manage.py makemigrations --check --dry-run
	@$(RUN) manage.py check --deploy --fail-level WARNING

fix: setup ## Repair what lint and formatting can repair by themselves
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

docs: setup ## Write docs/token-faults.md anew, from what happens
	@WRITE_DOCS=1 $(RUN) -m pytest -q tests/service/test_fault_table.py
