# leaseledger: everything a person does with a checkout. `make` alone prints this help.
#
# Needs make and a Python 3.11, 3.12 or 3.13. `uv` is used when it is on PATH, else it is installed, pinned by hash,
# into .tools/. Nothing outside the checkout is changed except uv's own package cache.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

DATA ?= ./var
# More than two cores, since tests wait for processes and servers.
N ?= 3
ARGS ?=
BASE ?= HEAD
CODE := $(wildcard domain chain adapters projections api tests)

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The machine's own Python, never a downloaded one.
export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# Tests start a hundred programs; each would compile all its modules where the caller's environment keeps no bytecode.
unexport PYTHONDONTWRITEBYTECODE

# Sets $$py to the first suitable interpreter or stops with a sentence that says what to install.
FIND_PYTHON = \
	for py in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		"$$py" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && break; \
		py=; \
	done; \
	if [ -z "$$py" ]; then \
		echo "leaseledger needs Python 3.11, 3.12 or 3.13; python3 here is: $$(python3 --version 2>&1)." >&2; \
		echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or give it: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi

# Sets $$uv: the one on PATH if it runs, else the pinned one in .tools/, installed first when it is not there.
FIND_UV = \
	if uv --version >/dev/null 2>&1; then uv=uv; else \
		uv=.tools/bin/uv; \
		if ! "$$uv" --version >/dev/null 2>&1; then \
			echo "Installing uv into .tools/ ..."; \
			rm -rf .tools; mkdir -p .tools; \
			awk '/^[a-z]/ { on = /^uv==/ } on' requirements.lock > .tools/uv.lock; \
			if "$$py" -c 'import ensurepip, venv' 2>/dev/null && "$$py" -m venv .tools/venv; then \
				.tools/venv/bin/python -m pip install -q --require-hashes --no-deps -r .tools/uv.lock || exit 1; \
				mkdir -p .tools/bin; ln -s ../venv/bin/uv "$$uv"; \
			elif "$$py" -m pip --version >/dev/null 2>&1; then \
				"$$py" -m pip install -q --require-hashes --no-deps --target .tools -r .tools/uv.lock || exit 1; \
			else \
				echo "$$py has neither the venv module nor pip, and uv is not on PATH." >&2; \
				echo "Install one of them (Debian, Ubuntu: apt install python3-venv)." >&2; \
				exit 1; \
			fi; \
		fi; \
	fi; \
	if [ -z "$$UV_CACHE_DIR" ] && ! mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}/uv" 2>/dev/null; then \
		UV_CACHE_DIR=.tools/cache; export UV_CACHE_DIR; \
	fi

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  DATA=$(DATA)  data directory"
	@echo "  N=$(N)         test processes      ARGS=  more arguments for test, fast, bench, faults"

.PHONY: setup
setup: $(STAMP) ## Install everything that is pinned in requirements.lock into .venv (again only when it changes)
	@echo "Ready: $(BIN)/leaseledger"

$(STAMP): requirements.lock pyproject.toml
	@$(FIND_PYTHON); $(FIND_UV); \
	if ! $(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
		"$$uv" venv -q --clear --python "$$py" $(VENV) || exit 1; \
	fi; \
	echo "Installing the packages of requirements.lock into $(VENV) ..."; \
	export VIRTUAL_ENV=$(VENV); \
	"$$uv" pip sync -q --require-hashes requirements.lock && \
	"$$uv" pip install -q --no-deps --no-build-isolation --editable . && \
	touch $@

.PHONY: run
run: $(STAMP) ## Live one rental and one car lease in DATA/demonstration, verify the ledger, say where to look
	@$(BIN)/leaseledger --data "$(DATA)" demo

.PHONY: test
test: $(STAMP) ## Run the tests in random order on N processes
	@$(BIN)/python -m pytest -n $(N) --dist worksteal -m "not slow" $(ARGS)

.PHONY: deep
deep: $(STAMP) ## The same tests with 25 times the examples and all seeds (hours; ARGS= a folder)
	@HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -n $(N) --dist worksteal -m "not slow" $(ARGS)

.PHONY: structure
structure: $(STAMP) ## Files in the fullest folder and longest chain of imports, room by room
	@$(BIN)/python -m tests.tidy.structure

.PHONY: lint
lint: $(STAMP) ## ruff, mypy --strict, import contracts; no tests
	@red=; \
	$(BIN)/ruff check $(CODE) || red="$$red ruff-check"; \
	$(BIN)/ruff format --check --quiet $(CODE) || red="$$red ruff-format(make fmt)"; \
	$(BIN)/mypy $(CODE) || red="$$red mypy"; \
	$(BIN)/lint-imports --no-logo || red="$$red lint-imports"; \
	if [ -n "$$red" ]; then echo "Red:$$red" >&2; exit 1; fi

.PHONY: check
check: lint test ## Everything that must be green before a commit: lint, executable style, tests

.PHONY: fast
fast: $(STAMP) ## Lint and test only what changed since BASE (a commit), stop at the first failure
	@changed=$$({ git diff --name-only --diff-filter=d $(BASE) -- '*.py' 2>/dev/null; \
		git ls-files --others --exclude-standard -- '*.py'; } | sort -u); \
	if [ -z "$$changed" ]; then echo "No Python file changed since $(BASE)."; exit 0; fi; \
	tests=$$(for path in $$changed; do path=$${path#tests/}; [ -d "tests/$${path%%/*}" ] && echo "tests/$${path%%/*}"; \
		done | sort -u | grep -v '^tests/tidy$$'); \
	$(BIN)/ruff check $$changed && $(BIN)/ruff format --check $$changed && $(BIN)/mypy $$changed && \
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -x -q -n $(N) --dist worksteal -m "not slow" tests/tidy $$tests $(ARGS)

.PHONY: fmt
fmt: $(STAMP) ## Format the code and apply the safe fixes
	@$(BIN)/ruff check -q --fix-only $(CODE)
	@$(BIN)/ruff format $(CODE)

.PHONY: bench
bench: $(STAMP) ## Measure against the peers, print a table, write DATA/bench.json
	@LEASELEDGER_DATA="$(DATA)" $(BIN)/python -m tests.bench $(ARGS)

.PHONY: neighbours
neighbours: $(STAMP) ## Let one of two tenants do its worst for ten minutes, print the figures of both (ARGS= seconds alone, seconds beside)
	@$(BIN)/python -m tests.bench.neighbours $(or $(ARGS),60 600)

.PHONY: faults
faults: $(STAMP) ## Kill servers and processes at random moments, check that nothing is lost or doubled (minutes)
	@$(BIN)/python -m pytest -m slow --ignore=tests/clients $(ARGS)

CLIENTS := .tools/clients
RECORDED ?= $(addprefix tests/api/http/,reads/test_contract_reads.py reads/test_lease_reads.py endpoints/test_keys.py test_money.py \
	endpoints/test_offers.py test_problems.py)

.PHONY: clients
clients: $(STAMP) ## Let generated clients (Python, TypeScript) finish a journey, generated models parse recorded answers (RECORDED= tests)
	@$(FIND_PYTHON); $(FIND_UV); \
	mkdir -p $(CLIENTS); rm -f $(CLIENTS)/recorded.jsonl; \
	{ "$$uv" venv -q --clear --python $(BIN)/python $(CLIENTS)/venv && \
		VIRTUAL_ENV=$(CLIENTS)/venv "$$uv" pip sync -q --require-hashes tests/clients/requirements.lock; } || \
		echo "The generators of Python could not be installed; their tests are skipped." >&2; \
	cp tests/clients/package.json $(CLIENTS)/package.json; \
	npm install --prefix $(CLIENTS) --no-package-lock --ignore-scripts --no-audit --no-fund --silent || \
		echo "npm or the generator of TypeScript could not be installed; its tests are skipped." >&2; \
	if [ -n "$(RECORDED)" ]; then \
		LEASELEDGER_RECORD_ANSWERS=$(CLIENTS)/recorded.jsonl $(BIN)/python -m pytest -q -n $(N) $(RECORDED) || exit 1; \
	fi; \
	$(BIN)/python -m pytest -m slow tests/clients $(ARGS)

.PHONY: mutate
mutate: $(STAMP) ## Change domain/ and chain/ in thousands of ways; every change some test does not notice is listed
	@$(BIN)/mutmut run --max-children $(N) $(ARGS) || exit 1; $(BIN)/mutmut results | grep -v 'not checked$$' || echo 'Every change was noticed.'

.PHONY: lock
lock: ## Resolve the newest allowed versions into requirements.lock (all platforms, with hashes)
	@$(FIND_PYTHON); $(FIND_UV); \
	"$$uv" pip compile -q --upgrade --universal --python-version 3.11 --group dev --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock >/dev/null

.PHONY: clean
clean: ## Remove .venv, .tools and all caches; the data directory stays
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis mutants dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
