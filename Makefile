# Every command of the project. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo check-demo test test-postgresql chaos lint docs compiled bench bench-peers lock messages clean prerequisites

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

prerequisites: ## say what the machine lacks
	@bash tools/prerequisites.sh "$(PYTHON)"

setup: $(READY) ## make the environment in .venv

$(READY): locks/development.txt pyproject.toml tools/prerequisites.sh
	@bash tools/prerequisites.sh "$(PYTHON)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY) ## a demo hospital and the service on this machine, until Ctrl-C
	@exec $(BIN)/stride demo

check-demo: $(READY) ## play the whole story headless and say each step
	$(BIN)/stride demo --check

test: $(READY) ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-postgresql: $(READY) ## what touches a database, again on PostgreSQL (Debian: apt-get install postgresql)
	$(BIN)/python -m pytest -n 2 --dist loadfile --database=postgresql --touching-the-database

chaos: $(READY) ## kill -9, faults and races, the long form (an hour; STRIDE_CHAOS_SEED repeats a run)
	STRIDE_CHAOS=long $(BIN)/python -m pytest -s tests/chaos

lint: $(READY) ## style, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## make the generated reference pages anew
	$(BIN)/python -m tools.reference

compiled: build/.compiled ## the packages with the clinical engine as C, in build/compiled (two minutes; wants gcc)

# The mark is as old as the copying: what changes while the compiler runs is copied the next time.
build/.compiled: $(READY) $(shell find models mappings cds_hooks smart_launch fhirapp tools/compiled -type f -not -name '*.pyc')
	@mkdir -p build && touch build/.compiling
	$(BIN)/python -m tools.compiled.tree
	@mv build/.compiling $@

bench: $(READY) compiled ## all measurements, with the engine as C; the engine alone as Python too
	$(BIN)/python -m bench.engine
	cd build/compiled && ../../$(BIN)/python -m bench

bench-peers: $(READY) compiled ## requests per second beside HealthChain (quiet machine; makes an environment for it)
	cd build/compiled && ../../$(BIN)/python -m bench.side_by_side

messages: $(READY) ## collect the texts to translate
	$(BIN)/python -m fhirapp.translations.extract

lock: $(READY) ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra dev -o locks/development.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra compile -c locks/development.txt -o locks/compiling.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra postgres -c locks/development.txt -o locks/production.txt

clean: ## remove what was made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
