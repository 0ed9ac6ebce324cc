# `make demo` shows a real pipeline, `make test` passes the tests; everything else is a part of one of them.

PYTHON ?= python3
BIN := .venv/bin
# What `make lock` resolves with; nothing else needs it.
UV := uv==0.13.8

.DEFAULT_GOAL := help
.PHONY: help setup lock lint test demo serve bench docs docs-linkcheck coverage-tables clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

setup: ## make .venv with the pinned dependencies (all other commands do so themselves)
	@$(PYTHON) demo/bootstrap.py

demo: setup ## run the example pipeline in a real Airflow against the emulator, check its data, stop everything
	@$(BIN)/python -m demo.demo

serve: setup ## leave Airflow and the emulator running to look at and play with, until Ctrl-C
	@$(BIN)/python -m demo.serve

test: setup ## run all tests
	@$(BIN)/python -m demo.browser
	$(BIN)/python -m pytest -n auto --dist loadgroup

lint: setup docs ## check style, types, and the links within the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## measure against the peers
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group bench
	@$(BIN)/python -m benchmarks

# From nothing each time: Sphinx tells a page's faults only when it reads the page.
docs: setup ## build the documentation into build/docs, with its own links checked
	$(BIN)/python -m sphinx -W --keep-going -n -q -E -b html docs build/docs

docs-linkcheck: setup ## check the documentation's links to the internet
	$(BIN)/python -m sphinx --keep-going -q -E -b linkcheck docs build/linkcheck

coverage-tables: setup ## rewrite the documentation's tables of what the emulator and its U-SQL compiler cover
	@$(BIN)/python -m airflow_provider_datalake.usql.coverage
	@$(BIN)/python -m airflow_provider_datalake.emulator.coverage

lock: setup ## refresh constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip compile pyproject.toml --upgrade --extra emulator --extra demo --group dev --group bench \
	    --python-version 3.11 --no-header --output-file constraints.txt

clean: ## remove what setup, demo and serve made
	rm -rf .venv .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis build
