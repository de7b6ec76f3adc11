# `make` lists the commands. All but `help` set the project up first when that is needed.

.DEFAULT_GOAL := help
BIN := .venv/bin
PYTHON ?=
ARGS ?=
m ?=

# A venv holds absolute paths: the stamp names the folder it was made for, so a moved checkout is set up again.
STAMP := .venv/.ready-$(shell pwd -P | cksum | cut -d ' ' -f 1)

.PHONY: help setup demo dev test fast chaos check bench fmt migration openapi clients lock FORCE

help: ## List these commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything (PYTHON=python3.12 picks the interpreter)

$(STAMP): pyproject.toml requirements/build.txt requirements/dev.txt requirements/models.txt scripts/setup.sh
	@PYTHON='$(PYTHON)' sh scripts/setup.sh $@

# The interpreter of .venv is gone or was replaced.
ifeq ($(shell $(BIN)/python -c 'print("ok")' 2>/dev/null),)
$(STAMP): FORCE
endif

demo: $(STAMP) ## Put a product photo on a new background, through the whole stack
	@$(BIN)/backlot demo $(ARGS)

dev: $(STAMP) ## Run API, workers, PostgreSQL and Valkey here until Ctrl-C
	@$(BIN)/backlot dev $(ARGS)

test: $(STAMP) ## Run all tests (ARGS="-k ledger" narrows)
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

fast: $(STAMP) ## Run the tests that need no database
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder -m "not db" $(ARGS)

chaos: $(STAMP) ## Kill at the whole stack for ten minutes: nothing may be lost (ARGS="--minutes 2 --seed 7")
	@$(BIN)/python -m scripts.chaos $(ARGS)

check: $(STAMP) ## Format, lint, types, imports, migrations, OpenAPI: all that CI asks besides tests
	@$(BIN)/python -m scripts.check $(ARGS)

bench: $(STAMP) ## Measure the hot paths beside their limit on this machine
	@$(BIN)/python -m scripts.bench $(ARGS)

fmt: $(STAMP) ## Format, and mend what the linter can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

migration: $(STAMP) ## Write a migration from what the models say (m="add tasks")
	@$(if $(strip $(m)),,echo 'Say what it does: make migration m="add tasks"' >&2; exit 2)
	@$(BIN)/python -m scripts.migration "$(m)"

openapi: $(STAMP) ## Rewrite docs/openapi.json and docs/permissions.md from the routes
	@$(BIN)/python -m scripts.openapi

clients: $(STAMP) ## Generate the packages in clients/ from docs/openapi.json, and compile the TypeScript (needs a network)
	@$(BIN)/python -m scripts.clients

lock: $(STAMP) ## Lock the requirements again (ARGS=--upgrade takes newer releases)
	@sh scripts/lock.sh $(ARGS)
