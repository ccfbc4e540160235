# Every target sets up what it needs; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup run test lint format docs bench clean
READY := .venv/.complete

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## install everything into .venv, with the command .venv/bin/sentiment

$(READY): uv.lock pyproject.toml scripts/setup
	@scripts/setup

run: $(READY) ## train, judge and push a model (more settings: make run ARGS="--epochs 2")
	@.venv/bin/sentiment run $(ARGS)

test: $(READY) ## run the tests but the slow ones (a part: make test ARGS=tests/components; all: ARGS="-m ''")
	@.venv/bin/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

lint: $(READY) ## check style, documentation, types and which way imports point
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo

format: $(READY) ## bring the code into the project's style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

docs: $(READY) ## build the documentation into docs/_build/html; no network needed
	@.venv/bin/python -m scripts.architecture
	@.venv/bin/sphinx-build --fail-on-warning --keep-going --quiet docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(READY) ## measure on a quiet machine, and renew the tables (a part: make bench ARGS=latency)
	@.venv/bin/python -m benchmarks $(ARGS)

clean: ## remove the environment and caches; artifacts/ stays
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .import_linter_cache docs/_build
