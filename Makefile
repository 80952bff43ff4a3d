# One environment (.venv/), made on demand from the locks; every target makes sure of it first.
# `make` alone lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Any interpreter of 3.11 or newer: make demo PYTHON=/opt/python3.12/bin/python3
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TYPED  := include plugins dags sandbox demo distributed matrix bench real .ci/locks.py .ci/picture.py .ci/gates.py .ci/mutants.py
# Two workers: the smallest machine that runs CI has two cores.
WORKERS ?= 2

# Tests, the demo and the benchmark start many processes; each would compile all of its modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## list the targets (the default)
	@printf '%s\n\n' 'usage: make TARGET'
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(firstword $(MAKEFILE_LIST)) | while IFS= read -r line; do \
	    printf '  \033[1m%-13s\033[0m %s\n' "$${line%%:*}" "$${line##*## }"; done

# The interpreter is judged before anything is written, so that a refusal leaves nothing behind.
$(READY): requirements-bootstrap.txt requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "No '$(PYTHON)' on this machine: install Python 3.11 or newer, or name one with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name one with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "[1/4] environment in $(VENV)/ with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "[2/4] installer"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@echo "[3/4] $$(grep -c '^[a-z].*==' requirements-dev.txt) locked packages (about a minute the first time)"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) UV_HTTP_TIMEOUT=180 UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install --link-mode=copy --require-hashes -r requirements-dev.txt 2>&1 | grep -vE '^ [+~-] ' || \
	    { echo "The locked packages could not be installed; the lines above say why." >&2; exit 1; }
	@echo "[4/4] this project, editable"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: setup
setup: $(READY) ## make or renew the environment in .venv/

.PHONY: check
check: $(READY) ## format, lint, types, import rules, lock not stale
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/python .ci/locks.py check

.PHONY: picture
picture: $(READY) ## draw the layers anew from the code (docs/architecture.md)
	$(BIN)/python .ci/picture.py write

# Needs docker-compose; no container engine. The values stand in for those that only an operator has.
.PHONY: check-compose
check-compose: ## docker-compose.yaml is accepted by docker-compose
	@command -v docker-compose >/dev/null || { echo 'No docker-compose on this machine (Debian and Ubuntu: apt-get install docker-compose).' >&2; exit 1; }
	@filled=$$(mktemp); trap 'rm -f "$$filled"' EXIT; sed "s/=''/='filled-in'/" .env.example > "$$filled"; \
	    docker-compose --env-file "$$filled" config --quiet; \
	    docker-compose --env-file "$$filled" --profile sandbox --profile distributed --profile flower --profile metrics config --services | sort | tr '\n' ' '; echo

# No build environment of its own, so that nothing is downloaded: what builds is in requirements-bootstrap.txt.
.PHONY: wheel
wheel: $(READY) ## build the installable package into dist/
	@rm -f dist/acumatica_better_b2b_sync-*.whl
	@$(BIN)/python -m hatchling build -t wheel -d dist

.PHONY: lock
lock: $(READY) ## resolve pyproject.toml anew into the requirements files
	$(BIN)/python .ci/locks.py compile

.PHONY: test-fast
test-fast: $(READY) ## unit, property and in-memory conformance tests, without Airflow (30 seconds)
	$(BIN)/pytest $(wildcard tests/unit tests/properties tests/conformance) -m 'not long and not airflow and not live and not twins' -k 'not crash_matrix' -n $(WORKERS)

# The fast tier first: a broken rule is known after seconds, not after Airflow has started.
.PHONY: test
test: test-fast ## what every change must pass (10 minutes at most)
	$(BIN)/pytest --ignore=tests/unit --ignore=tests/properties --ignore=tests/e2e -m 'not long and not live' -k 'not in_memory or crash_matrix' -n $(WORKERS)

# Whole files: tests that share an Airflow must not be cut in two.
.PHONY: test-long
test-long: $(READY) ## everything marked long but what is for the night (15 minutes on two cores)
	$(BIN)/pytest --ignore=tests/e2e -m 'long and not nightly and not live' -n $(WORKERS) --dist loadfile || { code=$$?; test $$code -eq 5 || exit $$code; echo 'No test is marked long yet.'; }

.PHONY: test-nightly
test-nightly: $(READY) ## everything marked nightly: the rest of the crash matrix, more seeds, the largest store
	$(BIN)/pytest --ignore=tests/e2e -m 'nightly and not live' -n $(WORKERS)

.PHONY: test-all
test-all: test test-long test-nightly ## every test but e2e

# All that is too long for CI; bench builds an environment of its own for the peers.
.PHONY: nightly
nightly: test-nightly ## what is too long for CI: test-nightly, the benchmarks with their long loads, the versions of Airflow
	$(MAKE) bench FULL=1
	$(MAKE) matrix

# Both work on a copy in .cache/ with two processes at most; docs/mutants.md has the figures.
.PHONY: mutants
mutants: $(READY) ## change the rules and the planning in one place at a time: a test must fail (MUTANTS=rules.eligibility)
	@$(BIN)/python .ci/mutants.py $(MUTANTS) --minutes $(or $(MINUTES),60)

.PHONY: gates
gates: $(READY) ## take away one check at a time, gates and guards: a test must fail (GATES=steps.guard)
	@$(BIN)/python .ci/gates.py $(GATES)

# One process, in the order of the files: the tests share one Airflow. PICTURES=1 renews docs/pictures/.
.PHONY: e2e
e2e: $(READY) ## what a person sees and does, in a real Chromium (TESTS=tests/e2e/test_x.py narrows it)
	$(BIN)/pytest $(or $(TESTS),tests/e2e) -p no:randomly -m 'not live' --durations=10

.PHONY: pictures
pictures: ## renew the pictures of the documentation (docs/pictures/) from the browser tests
	@PICTURES=1 $(MAKE) e2e
	@PICTURES=1 $(BIN)/pytest tests/airflow/test_customers_in_browser.py -p no:randomly

.PHONY: demo
demo: $(READY) ## twins + Airflow + a first sync; stays up (ONCE=1 leaves after it, RESET=1 starts afresh, DB=postgres)
	@ONCE='$(ONCE)' RESET='$(RESET)' DB='$(DB)' $(BIN)/python -m demo

# The peers live in an environment of their own, so that none of their dependencies becomes ours.
PEERS := .cache/bench-venv
$(PEERS)/.ready: $(READY) requirements-bench.txt
	@echo "environment of the peers in $(PEERS)/"
	@test -x $(PEERS)/bin/python || $(PYTHON) -m venv --without-pip $(PEERS)
	@VIRTUAL_ENV=$(CURDIR)/$(PEERS) UV_HTTP_TIMEOUT=180 UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install --quiet --link-mode=copy --require-hashes -r requirements-bench.txt
	@touch $@

.PHONY: bench
bench: $(PEERS)/.ready ## benchmarks beside their peers (SCENARIO=name, REPEATS=5, QUICK=1, FULL=1)
	@$(BIN)/python -m bench $(SCENARIO) --repeats $(or $(REPEATS),5) $(if $(QUICK),--quick) $(if $(FULL),--full)

# What the containers hold, as an environment of its own: FAB and Celery want other versions of some packages.
COMPOSE_VENV := .cache/compose/venv
$(COMPOSE_VENV)/.ready: $(READY) requirements-compose.txt
	@echo "environment of the containers in $(COMPOSE_VENV)/ ($$(grep -c '^[a-z].*==' requirements-compose.txt) locked packages)"
	@test -x $(COMPOSE_VENV)/bin/python || $(BIN)/python -m venv $(COMPOSE_VENV)
	@$(COMPOSE_VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-bootstrap.txt
	@VIRTUAL_ENV=$(CURDIR)/$(COMPOSE_VENV) UV_HTTP_TIMEOUT=180 UV_COMPILE_BYTECODE=1 $(BIN)/uv pip install --quiet --link-mode=copy --require-hashes -r requirements-compose.txt
	@VIRTUAL_ENV=$(CURDIR)/$(COMPOSE_VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: distributed
distributed: $(COMPOSE_VENV)/.ready ## the compose file with Celery, PostgreSQL and Redis as processes, and with failures (KEEP=1)
	$(BIN)/python -m distributed $(if $(KEEP),--keep)

.PHONY: scale-model
scale-model: $(READY) ## the model of docs/scaling.md with 1 and 200 connectors (CONNECTORS=50 for less)
	$(BIN)/python -m distributed.simulate $(if $(CONNECTORS),--connectors $(CONNECTORS))

.PHONY: real
real: $(READY) ## bytes of real systems, tried on clients, twins and sync (REAL=FOLDER, docs/real.md)
	@$(BIN)/python -m real $(if $(REAL),'$(REAL)') $(if $(PART),--part $(PART))

# The environments are made once, below .cache/matrix/ (about 600 MB each), on every interpreter of 3.11 to 3.13 that
# this machine has. CI does not run it: it downloads some 600 packages.
.PHONY: matrix
matrix: wheel ## the wheel on Airflow 3.2.1, 3.3.1 and the newest (ROWS="3.2.1 lock" PYTHONS=3.11 for less)
	@$(BIN)/python -m matrix $(if $(ROWS),--rows $(ROWS)) $(if $(PYTHONS),--pythons $(PYTHONS))

.PHONY: clean
clean: ## remove .venv/, .demo/ and all caches
	rm -rf $(VENV) .demo .cache dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
