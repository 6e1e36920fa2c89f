# Two commands for a machine with nothing but Python 3.11+ and git: make signals, make test.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STATE  := .signal-harness
RESULTS ?= $(STATE)/results.json

.DEFAULT_GOAL := help
.PHONY: help setup signals demo tools test test-commands test-verdicts unit lint bench truth truth-apps truth-check programs pictures outputs doctor engine-up engine-down clean

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

# The virtual environment is made again when the project's dependencies change.
$(VENV)/.made: pyproject.toml
	@echo "making $(VENV) with signal-harness in it"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { echo "python3-venv is missing: apt-get install -y python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
	@touch $@

engine-up: $(VENV)/.made
	@$(BIN)/signal-harness engine up

setup: engine-up ## virtual environment, engine and default bases
	@$(BIN)/signal-harness bases get

signals: setup ## every variant on every base, every signal: the table
	@mkdir -p $(dir $(RESULTS))
	@$(BIN)/signal-harness run --json $(RESULTS)

demo: setup ## a told story for a room, with real containers
	@mkdir -p $(STATE)
	@$(BIN)/signal-harness demo --html $(STATE)/demo.html

# What the tests drive beside the engine: a browser, a registry, a terminal, and a compiler for an app in C.
tools:
	@missing=; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$$missing chromium"; \
	command -v docker-registry >/dev/null || missing="$$missing docker-registry"; \
	command -v tmux >/dev/null || missing="$$missing tmux"; \
	command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	test -z "$$missing" || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { echo "missing:$$missing; as root: apt-get install$$missing"; exit 2; }; \
	  echo "installing$$missing"; \
	  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >/dev/null; }

test: setup tools lint ## lint, and every test, the matrix among them
	@$(MAKE) --no-print-directory -j 2 --output-sync=target test-commands test-verdicts

# Most tests wait for containers: two processes wait at the same time.
test-commands:
	@$(BIN)/python -m pytest tests/cli tests/demo tests/browser tests/pictures tests/containers

test-verdicts:
	@$(BIN)/python -m pytest tests/unit tests/engine tests/upgrade tests/contract tests/field tests/programs tests/truth tests/benchmarks dockerfiles

unit: $(VENV)/.made ## the tests that need no engine
	@$(BIN)/python -m pytest tests/unit

lint: $(VENV)/.made ## ruff, mypy strict, import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## a run's wall time against the floor of the engine, and a check's against one container's life
	@$(BIN)/python -m benchmarks.floor
	@$(BIN)/python -m benchmarks.life

truth: setup ## verdicts without the kernel's record against the record, on a busy machine
	@$(BIN)/python -m benchmarks.truth

truth-apps: setup ## verdicts on apps that are not ours against the record, with it and without
	@$(BIN)/python -m benchmarks.truth_apps

programs: setup ## check nginx, a JVM, Celery, PM2 and others as they are and behind a shell
	@SIGNAL_HARNESS_PROGRAMS=all $(BIN)/python -m pytest tests/programs

truth-check: setup ## check, on every image of the catalogue, against matrix and record, with it and without
	@$(BIN)/python -m benchmarks.truth_check

pictures: setup ## draw the pictures of the docs anew, by the commands in docs/pictures/list
	@grep -v '^#' docs/pictures/list | while read -r name words; do \
	  echo "drawing docs/pictures/$$name"; \
	  $(BIN)/signal-harness $$words --svg docs/pictures/$$name >/dev/null </dev/null || exit; \
	done

outputs: setup ## run the commands of the docs, and paste what they print anew
	@$(BIN)/python -m tests.support.pasted

doctor: $(VENV)/.made ## check engine, bases, evidence, leftovers
	@$(BIN)/signal-harness doctor

engine-down: $(VENV)/.made ## stop the engine that we started, and no other
	@$(BIN)/signal-harness engine down

clean: ## remove what killed runs left, and the virtual environment
	@test ! -x $(BIN)/signal-harness || $(BIN)/signal-harness clean || true
	@rm -rf $(VENV)
