# What a developer runs; `make` alone lists it.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Python's programs are run as modules: the scripts of a virtual environment break when the directory is moved.
LOCK := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --custom-compile-command "make lock"
# Browsers and servers can miss a time limit on a busy machine, so of the whole suite a test that fails is run once more.
# The summary lists it as RERUN. One test file is never run again: there a failure is a failure.
AGAIN := --reruns 1 -raR

.DEFAULT_GOAL := help
.PHONY: help setup run test coverage bench load check audit fix lock docs mutants
.DELETE_ON_ERROR:

help: ## List what make can do here
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Install everything into .venv, checked by hash; quick when nothing changed

$(VENV)/.installed: requirements.txt requirements-dev.txt
	@command -v $(PYTHON) >/dev/null || { echo "Conveyor needs Python 3.11 or newer; there is no $(PYTHON) here. Name yours: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Conveyor needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: setup ## Start Conveyor on http://127.0.0.1:8000 (PORT=..., SANDBOX="--droplets 1000 --token-lifetime 20")
	@exec $(RUN) -m conveyor.devserver $(SANDBOX)

test: setup ## Run all tests, or one file (T=tests/test_walls.py)
	@$(RUN) -m pytest $(or $(T),-n auto $(AGAIN))

coverage: setup ## Run all tests and show which lines and branches no test runs; takes half as long again
	@$(RUN) -m pytest -n auto $(AGAIN) --cov --cov-report=term

mutants: setup ## Put small mistakes into the code and see that a test notices each (N="tokens" for some)
	@$(RUN) -m tests.mutants $(N)

bench: setup ## Measure the speed and write docs/benchmarks.md (M=warm for one benchmark, PROFILE=1 for a profile)
	@$(RUN) -m tests.bench $(M) $(if $(PROFILE),--profile)

load: setup ## Run Conveyor under load while its parts are killed, and write docs/load.md (MINUTES=10 PEOPLE=200)
	@$(RUN) -m tests.load $(if $(MINUTES),--minutes $(MINUTES)) $(if $(PEOPLE),--people $(PEOPLE)) $(if $(DIRECTORY),--directory $(DIRECTORY))

check: setup ## Check lint, formatting, types, imports between folders, lock files, migrations and deployment settings
check: export ENV_FILE := tests/support/deployment.env
check: export STATIC_ROOT := $(VENV)/staticfiles
check:
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy
	@$(RUN) -c 'from importlinter.cli import lint_imports_command as lint; lint()' --no-logo
	@$(RUN) -m tests.support.lock
	@$(RUN) manage.py makemigrations --check --dry-run
	@$(RUN) manage.py collectstatic --no-input --verbosity 0
	@$(RUN) manage.py check --deploy --fail-level WARNING

audit: setup ## Look for known vulnerabilities in what Conveyor installs; needs the network
	@$(RUN) .ci/audit.py

fix: setup ## Fix what lint and formatting can fix by themselves
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

lock: setup ## Write requirements.txt and requirements-dev.txt from the .in files (UPGRADE=1 for newer indirect packages)
	@$(LOCK) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	@$(LOCK) $(if $(UPGRADE),--upgrade) requirements-dev.in -c requirements.txt -o requirements-dev.txt

docs: setup ## Write docs/token-faults.md from what the tests observe
	@WRITE_DOCS=1 $(RUN) -m pytest -q tests/service/test_fault_table.py
