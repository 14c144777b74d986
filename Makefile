# `make try` and `make test` need nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
else
BIN = $(VENV)/bin
endif

.PHONY: try test test-builders test-oracle test-slow test-fuzz fast check rules equivalence clean

try: $(VENV)/installed
	@cd fixtures/demo && echo '$$ stagelint' && ../../$(BIN)/stagelint || test $$? -eq 1
	@cd fixtures/demo && echo '$$ stagelint --diff' && ../../$(BIN)/stagelint --diff || test $$? -eq 1
	@cd fixtures/demo && echo '$$ stagelint graph Dockerfile' && ../../$(BIN)/stagelint graph Dockerfile

# Builders mostly wait: `make -j3 test` takes half as long. What takes longest begins first.
test: test-slow test-builders test-fuzz test-oracle fast

test-builders: $(VENV)/developed
	$(BIN)/python -m pytest -m builder tests/builder --ignore=tests/builder/oracle

# What BuildKit would build, of which it runs nothing.
test-oracle: $(VENV)/developed
	$(BIN)/python -m pytest -m builder tests/builder/oracle

test-slow: $(VENV)/developed
	$(BIN)/python -m pytest -m "slow and not builder"

test-fuzz: $(VENV)/developed
	$(BIN)/python -m pytest -m fuzz tests/test_fuzz.py

fast: $(VENV)/developed
	$(BIN)/python -m pytest

check: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

# Thousands of pairs of Dockerfiles by a real BuildKit and by the proof of fixes; half an hour.
equivalence: $(VENV)/developed
	$(BIN)/python -m bench.equivalence --pairs 5000 --report equivalence.txt

rules: $(VENV)/installed
	$(BIN)/python -m stagelint.catalogue

$(VENV)/python:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis .mypy_cache .ruff_cache
