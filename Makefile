# The two commands:  make demo  and  make test
# Prerequisites: git, make, Python 3.10 or newer with venv. Choose one with PYTHON=python3.12.

PYTHON ?= python3
DEMO_ENV := .venv-demo
TEST_ENV := .venv-test
# Test workers; more than cores does not help.
JOBS ?= 2
FUZZ_INPUTS ?= 1000000
PIP := -m pip --disable-pip-version-check -qq install

.DEFAULT_GOAL := help
.PHONY: help demo test coverage heavy fuzz bench lint types docs tools check-python clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_ENV)/ready ## Mark the sample album, verify it, look into a file
	@tools/demo $(DEMO_ENV)/bin/noai

test: tools lint types docs ## Everything that CI runs
	PATH="$(CURDIR)/$(TEST_ENV)/bin:$$PATH" $(TEST_ENV)/bin/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

coverage: tools $(TEST_ENV)/ready ## Which lines the tests reach (twice as long as the tests alone)
	PATH="$(CURDIR)/$(TEST_ENV)/bin:$$PATH" $(TEST_ENV)/bin/python -m pytest -n $(JOBS) --cov --cov-report=term $(PYTEST_ARGS)

# One environment each: what they pin rules each other out. TORCH is what pip is to take for PyTorch.
TORCH ?= torch
HEAVY := lhotse nemo-curator img2dataset
heavy: $(HEAVY:%=heavy-%) ## Integrations with very large packages, each in an environment of its own

heavy-%: tools | check-python
	$(PYTHON) -m venv .venv-heavy-$*
	.venv-heavy-$*/bin/python $(PIP) --editable '.[$*,http,parquet,remote]' '$(TORCH)' hypothesis mutagen pytest
	PATH="$(CURDIR)/.venv-heavy-$*/bin:$$PATH" .venv-heavy-$*/bin/python -m pytest tests/integrations/heavy/test_$(subst -,_,$*).py $(PYTEST_ARGS)

fuzz: tools $(TEST_ENV)/ready ## Fuzz every parser for a long time (FUZZ_INPUTS=1000000)
	$(TEST_ENV)/bin/python -m tests.fuzz.long_run --inputs $(FUZZ_INPUTS) --jobs $(JOBS)

bench: tools $(TEST_ENV)/ready ## Measure noai beside others (half an hour, 9 GB; less with BENCH_ARGS=--quick)
	$(TEST_ENV)/bin/python $(PIP) --editable '.[bench,remote]'
	$(TEST_ENV)/bin/python benchmarks/run.py $(BENCH_ARGS)

lint: $(TEST_ENV)/ready ## Style
	$(TEST_ENV)/bin/ruff check --extend-exclude '.venv-*' .
	$(TEST_ENV)/bin/ruff format --extend-exclude '.venv-*' --check .

types: $(TEST_ENV)/ready ## Types
	$(TEST_ENV)/bin/mypy

docs: $(TEST_ENV)/ready ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(TEST_ENV)/bin/mkdocs build --strict

tools: ## Install the command line tools that the tests compare noai with
	@tools/install-test-tools

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "noai needs Python 3.10 or newer; choose one with: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo "this Python has no venv; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# "ready" is made last, so that an interrupted installation is done again.
$(DEMO_ENV)/ready: pyproject.toml | check-python
	$(PYTHON) -m venv --clear $(DEMO_ENV)
	$(DEMO_ENV)/bin/python $(PIP) --editable .
	@touch $@

$(TEST_ENV)/ready: pyproject.toml | check-python
	$(PYTHON) -m venv --clear $(TEST_ENV)
	$(TEST_ENV)/bin/python $(PIP) --editable '.[test,docs]'
	@touch $@

clean: ## Remove everything that these commands made
	rm -rf $(DEMO_ENV) $(TEST_ENV) .venv-heavy-* demo site fuzz-corpus .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache
