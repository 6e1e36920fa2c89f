# Two commands for a machine with nothing but Python 3.11+ and git: make signals, make test.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCK   := .ci/requirements.lock
STATE  := .signal-harness
RESULTS ?= $(STATE)/results.json

# The tests start the command hundreds of times: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup signals demo tools test test-commands test-stories test-verdicts unit lint bench truth truth-apps truth-check audit-check scale faults engines programs gallery advice bisect packages image first-finding pictures outputs rules schema reference site doctor engine-up engine-down clean fuzz audit-dependencies lock

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

# The virtual environment is made again when the project's dependencies change. It holds what the lock file names, and
# no package whose hash is another. What of it is imported is compiled then.
$(VENV)/.made: pyproject.toml $(LOCK)
	@echo "making $(VENV) with signal-harness in it"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { echo "python3-venv is missing: apt-get install -y python3-venv"; exit 2; }
	@$(PIP) install --no-compile --require-hashes --requirement $(LOCK)
	@$(PIP) install --no-deps --no-build-isolation --editable .
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

# What the tests drive beside the engine: a browser, a registry, a terminal, a compiler for an app in C, and
# an sshd (whose package would start one where systemd runs: there, its tests are skipped).
tools:
	@missing=; \
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$$missing chromium"; \
	command -v docker-registry >/dev/null || missing="$$missing docker-registry"; \
	command -v tmux >/dev/null || missing="$$missing tmux"; \
	test -x /usr/sbin/sshd || test -d /run/systemd/system || missing="$$missing openssh-server"; \
	command -v cc >/dev/null || missing="$$missing gcc libc6-dev"; \
	test -z "$$missing" || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { echo "missing:$$missing; as root: apt-get install$$missing"; exit 2; }; \
	  echo "installing$$missing"; \
	  apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >/dev/null; }

test: setup tools ## lint, and every test, the matrix among them
	@$(MAKE) --no-print-directory -j 4 --output-sync=target lint test-commands test-stories test-verdicts

# Most tests wait for containers: three processes wait at the same time; with a fourth, two processors are at their
# limit, and all takes 0.94 times as long. Labs and demo share an engine without a network.
test-commands:
	@$(BIN)/python -m pytest tests/cli tests/third_party tests/benchmarks

test-stories:
	@$(BIN)/python -m pytest tests/docs tests/demo tests/lab tests/browser tests/pictures tests/upgrade tests/containers tests/programs tests/contract tests/truth

test-verdicts:
	@$(BIN)/python -m pytest tests/unit tests/engine tests/field dockerfiles

unit: $(VENV)/.made ## the tests that need no engine
	@$(BIN)/python -m pytest tests/unit

# Strict: what could not be looked up is an error, and not sound.
audit-dependencies: $(VENV)/.made ## known vulnerabilities of what the lock file names, as PyPI knows them
	@$(BIN)/python -m pip_audit --strict --disable-pip --progress-spinner off --requirement $(LOCK)

lock: $(VENV)/.made ## write the lock file anew: the newest of all that pyproject.toml asks for, for every platform
	@$(PIP) install 'uv>=0.9'
	@$(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-config \
	  --python-version 3.11 --all-extras --group dev --group build --output-file $(LOCK) pyproject.toml

lint: $(VENV)/.made ## ruff, mypy strict, import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## a run's time against the engine's floor and the usual ways, a check's against one container's life, an audit's
	@$(BIN)/python -m benchmarks.floor
	@$(BIN)/python -m benchmarks.isolation
	@$(BIN)/python -m benchmarks.usual_ways
	@$(BIN)/python -m benchmarks.life
	@$(BIN)/python -m benchmarks.audit_many

scale: setup ## thousands of cells, scripted and real: time to plan, memory, threads, files
	@$(BIN)/python -m benchmarks.scale

engines: setup ## the matrix on Docker and Podman of Debian 12 and 13, with runc and with crun, compared; needs mmdebstrap
	@$(BIN)/python -m benchmarks.engines

fuzz: $(VENV)/.made ## broken input of all kinds for every parser, and what each does with it
	@$(BIN)/python -m benchmarks.fuzz

truth: setup ## verdicts without the kernel's record against the record, on a busy machine
	@$(BIN)/python -m benchmarks.truth

faults: setup ## runs on an engine that harm is done to, signals at random moments, hostile containers: what is wrong, what is left
	@$(BIN)/python -m benchmarks.faults

truth-apps: setup ## verdicts on apps that are not ours against the record, with it and without
	@$(BIN)/python -m benchmarks.truth_apps

programs: setup ## check nginx, a JVM, Celery, PM2 and others as they are and behind a shell
	@SIGNAL_HARNESS_PROGRAMS=all $(BIN)/python -m pytest tests/programs

bisect: setup ## search all releases of npm from 9.0.0 to 10.5.0 for those that changed what SIGTERM does
	@SIGNAL_HARNESS_BISECT=all $(BIN)/python -m pytest tests/engine/test_bisect.py

gallery: setup ## run all famous cases of docs/gallery.md, and compare what they print
	@SIGNAL_HARNESS_GALLERY=all $(BIN)/python -m pytest tests/docs/test_gallery.py

advice: setup ## follow the advice on every bad cell of both bases, and see whether it helps
	@SIGNAL_HARNESS_ADVICE=all $(BIN)/python -m pytest tests/engine/test_advice.py

truth-check: setup ## check, on every image of the catalogue, against matrix and record, with it and without
	@$(BIN)/python -m benchmarks.truth_check

DIST ?= dist
PYTHON_IMAGE ?= python:3.13-slim
IMAGE ?= signal-harness

packages: $(VENV)/.made ## build the packages for the index, check them, and list what they are made of
	@rm -rf $(DIST)
	@$(BIN)/python -m build --no-isolation --outdir $(DIST) .
	@$(BIN)/python -m twine check --strict $(DIST)/*
	@$(BIN)/python -m tests.support.bill_of_materials $(DIST)

image: $(VENV)/.made ## build an image of the tool, for whoever has an engine and no Python
	@ls $(DIST)/*.whl >/dev/null 2>&1 || $(BIN)/python -m build --no-isolation --wheel --outdir $(DIST) .
	@rm -rf image/packages
	@$(BIN)/python -m pip install --quiet --target image/packages --only-binary :all: \
	  --python-version "$$(docker run --rm --entrypoint python3 $(PYTHON_IMAGE) -c 'import platform; print(platform.python_version())')" $(DIST)/*.whl
	@docker build --quiet --build-arg PYTHON=$(PYTHON_IMAGE) --tag $(IMAGE) image
	@rm -rf image/packages

first-finding: setup ## how long a new user takes from the wheel to the first finding
	@$(BIN)/python -m benchmarks.first_finding

audit-check: setup ## audit on every container of the catalogue, against the stop that follows
	@$(BIN)/python -m benchmarks.audit_check

pictures: setup ## draw the pictures of the docs anew, by the commands in docs/pictures/list
	@grep -v '^#' docs/pictures/list | while read -r name words; do \
	  echo "drawing docs/pictures/$$name"; \
	  $(BIN)/signal-harness $$words --svg docs/pictures/$$name >/dev/null </dev/null || exit; \
	done

outputs: setup ## run the commands of the docs, and paste what they print anew
	@$(BIN)/python -m tests.support.pasted
	@$(BIN)/python -m tests.support.gallery

rules: setup ## write the pages on rules anew, and what their examples print
	@$(BIN)/python -m tests.support.rule_pages

reference: $(VENV)/.made ## write the reference of all commands anew
	@$(BIN)/python -m tests.support.command_pages

site: $(VENV)/.made ## build the docs as a site
	@$(BIN)/python -m zensical build --strict --config-file mkdocs.yml

schema: $(VENV)/.made ## write the JSON Schema of the config anew
	@$(BIN)/python -m tests.support.config_schema

doctor: $(VENV)/.made ## check engine, bases, evidence, leftovers
	@$(BIN)/signal-harness doctor

engine-down: $(VENV)/.made ## stop the engine that we started, and no other
	@$(BIN)/signal-harness engine down

clean: ## remove what killed runs left, and the virtual environment
	@test ! -x $(BIN)/signal-harness || $(BIN)/signal-harness clean || true
	@rm -rf $(VENV)
