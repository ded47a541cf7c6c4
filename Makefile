# `make help` lists what there is. Each target works alone in a fresh clone: it installs what it needs.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" pyproject.toml -
ARGS ?=
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help install up demo packages test lint format openapi bench lock clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

install: $(VENV)/.installed ## Make .venv with what running Notify on this machine takes.

up: install ## Run everything on this machine until Ctrl-C; ARGS="--concurrency 2" adds options.
	@exec $(BIN)/notify up $(ARGS)

demo: install ## Watch notifications being delivered, retried and failed over; takes two minutes at most.
	@exec $(BIN)/notify demo

packages: ## As root on Debian: install the servers that some tests use, quietly doing without what cannot be had.
	@.ci/packages

test: lint ## Everything that has to pass: lint, then all tests, side by side; ARGS="-k render" narrows them.
	$(BIN)/python -m pytest -n $(JOBS) --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.installed-dev ## ruff, mypy and the import rules.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PIP) check

format: $(VENV)/.installed-dev ## Let ruff put the code in order.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: install ## Write docs/openapi.json, which describes the API, from the code.
	$(BIN)/python -m notify.api docs/openapi.json

bench: install ## Measure throughput against an empty chain of three Celery tasks.
	$(BIN)/python -m benchmarks.throughput $(ARGS)

lock: ## Pin the newest versions that pyproject.toml allows; needs uv.
	echo 'setuptools>=80' | $(COMPILE) --upgrade --extra local --extra dev -o requirements-dev.lock
	echo 'setuptools>=80' | $(COMPILE) -c requirements-dev.lock --extra local -o requirements-local.lock
	echo 'setuptools>=80' | $(COMPILE) -c requirements-dev.lock -o requirements.lock

clean: ## Remove what the other targets made, except the data of `make up`.
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Notify needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

# Both stamps depend on the interpreter's existence only: its time changes with every upgrade of the system's.
$(VENV)/.installed: requirements-local.lock pyproject.toml | $(BIN)/python
	@echo "Installing what requirements-local.lock names ..."
	$(PIP) install --require-hashes -r requirements-local.lock
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what requirements-dev.lock names ..."
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@ $(VENV)/.installed
