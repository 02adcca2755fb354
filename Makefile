# The targets people guess. `make build` and `make test` set everything up first.
.DEFAULT_GOAL := help
.PHONY: help setup build test lint types format bench release lock doctor clean
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

CONFIG ?= configs/mobilenet.yaml
PYTHON ?=
BIN := .venv/bin
PAGE := pipeline/browser
CLIENT := pipeline/client

help: ## Show the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

build: setup ## Make, prove and publish CONFIG (default: configs/mobilenet.yaml).
	$(BIN)/pipeline build $(CONFIG)

test: setup lint ## Run the whole test suite.
	$(BIN)/pytest

lint: .venv/.ready $(CLIENT)/node_modules/.ready ## Check style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	npm run --silent --prefix $(CLIENT) check

types: $(CLIENT)/node_modules/.ready ## Write the client's types of manifests anew from their schema.
	npm run --silent --prefix $(CLIENT) types

format: .venv/.ready ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Time builds against the converters' own command lines.
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.releases

release: setup ## Build every config that ships its weights; RELEASE_CONFIGS for others.
	$(BIN)/pipeline build $(or $(RELEASE_CONFIGS),$(CONFIG))

doctor: .venv/.ready ## List what is there and what is missing.
	$(BIN)/pipeline doctor

setup: .venv/.ready $(PAGE)/node_modules/.ready $(CLIENT)/node_modules/.ready .venv/.browser ## Set up only.

.venv/.ready: requirements.lock pyproject.toml
	@python=''; for p in $(PYTHON) python3 python3.12 python3.11; do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; \
	  then python=$$p; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo 'error: no Python 3.11 or 3.12 found; install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12' >&2; exit 5; fi; \
	if ! "$$python" -c 'import ensurepip' 2>/dev/null; then \
	  version=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  sudo=''; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	  echo "installing $$version"; \
	  $$sudo apt-get -qq update && $$sudo apt-get -qq -y install "$$version" || { \
	    echo "error: $$python cannot make environments; run: sudo apt-get install $$version" >&2; exit 5; }; fi; \
	echo "creating .venv with $$("$$python" --version)"; \
	"$$python" -m venv --clear .venv
	@# pip installs the locked uv, and uv the rest, in a tenth of pip's time. Without pyproject.toml's
	@# overrides, which are for resolving: they would replace the pins of what they name.
	@awk '/^uv==/{p=1; print; next} /^[A-Za-z]/{p=0} p' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	@echo 'installing the locked packages'
	@$(BIN)/uv pip install --no-config --quiet --python .venv --require-hashes --no-deps --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat -e .
	@# As installers do for the packages that they copy: else every process compiles this one again.
	@$(BIN)/python -m compileall -q pipeline
	@touch $@

%/node_modules/.ready: %/package-lock.json
	@command -v npm > /dev/null || { echo 'error: npm is missing; run: sudo apt-get install npm' >&2; exit 5; }
	@echo 'installing the packages of $*'
	@npm ci --prefix $* --no-fund --no-audit --silent --ignore-scripts
	@touch $@

.venv/.browser: .venv/.ready $(PAGE)/install.py $(PAGE)/optional.py
	@$(BIN)/python -m pipeline.browser.install
	@touch $@

lock: ## Resolve requirements.lock anew from pyproject.toml.
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet -o requirements.lock $(UPGRADE)

clean: ## Remove the environment and the store; what is published stays.
	rm -rf .venv $(PAGE)/node_modules $(CLIENT)/node_modules artifacts/store
