# The targets people guess. `make build` and `make test` set everything up first.
.DEFAULT_GOAL := help
.PHONY: help setup ready chromium build test test-all lint lint-types lint-client lint-style types kernels format bench conformance configs release pack summary site assets wheel lock doctor clean
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

CONFIG ?= configs/mobilenet.yaml
# Where to prove it, in place of what CONFIG says: all, or names as in [all, tfjs-webgl@firefox].
BACKENDS ?=
PYTHON ?=
BIN := .venv/bin
PAGE := pipeline/backends/web
CLIENT := pipeline/client
BUNDLERS := tests/client/bundlers
WORKFLOWS := $(wildcard .github/workflows/*.yml)
ACTION := action.yml

# What a release is made of, and where it goes; .github/workflows/release.yml calls nothing else.
RELEASE_CONFIGS ?= $(CONFIG)
RELEASE_FLAGS ?=
CDN ?= artifacts/cdn
DIST ?= dist
SITE ?= site
SUMMARY ?= /dev/stdout

# How both locks are resolved: of all that is here, and of what an installed wheel needs.
LOCKS := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
  --no-annotate --quiet

# What of the tests to run, as words of pytest. What measures times runs after all else; of the rest
# JOBS files run at once.
TESTS ?=
JOBS ?= 2
ALONE := tests/client/test_long_tasks.py tests/validate/test_planted_slow_down.py
TOGETHER := --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ALONE:%=--ignore=%)

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

build: $(if $(BACKENDS),setup,ready) ## Make, prove and publish CONFIG (configs/mobilenet.yaml), on BACKENDS if named.
	$(BIN)/pipeline build $(CONFIG) $(if $(BACKENDS),--set 'validate.backends=$(BACKENDS)')

test: ## Run the test suite, but for what takes very long.
test-all: TESTS := -m ''
test-all: ## Run all of it, every artifact on every backend in every engine included.
test test-all: setup lint $(BUNDLERS)/node_modules/.ready
	$(BIN)/pytest $(TOGETHER) $(TESTS)
	$(BIN)/pytest $(ALONE) $(TESTS)

lint: .venv/.ready $(CLIENT)/node_modules/.ready ## Check style, types and workflows.
	@$(MAKE) --no-print-directory --jobs lint-types lint-client lint-style

# Side by side: the first takes as long as all others.
lint-types:
	$(BIN)/mypy

lint-client:
	npm run --silent --prefix $(CLIENT) check

lint-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/zizmor --offline --no-progress --quiet $(WORKFLOWS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions $(ACTION)
	$(BIN)/zizmor --offline --no-progress --quiet $(ACTION)

types: .venv/.ready $(CLIENT)/node_modules/.ready ## Write the client's types of manifests and tasks anew.
	npm run --silent --prefix $(CLIENT) types
	$(BIN)/python -m pipeline.publish.delivery.types

kernels: $(PAGE)/node_modules/.ready ## List anew which kernels the pinned TF.js has on each backend.
	node tools/kernels.mjs

format: .venv/.ready $(CLIENT)/node_modules/.ready ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	npm run --silent --prefix $(CLIENT) format

bench: setup ## Compare bytes, accuracy and times of builds, artifacts and pages with the peers' tools.
	$(BIN)/python -m tests.benchmarks.optimized
	$(BIN)/python -m tests.benchmarks.real_models
	$(BIN)/python -m tests.benchmarks.seeds
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.first_prediction
	$(BIN)/python -m tests.benchmarks.large_images
	$(BIN)/python -m tests.benchmarks.large_models
	$(BIN)/python -m tests.benchmarks.releases
	$(BIN)/python -m tests.benchmarks.cluster
	$(BIN)/python -m tests.benchmarks.from_nothing
	$(BIN)/python -m tests.benchmarks.from_nothing --wheel

conformance: setup ## Try every layer and architecture of Keras in every format; write docs/conformance.md.
	$(BIN)/python -m tests.conformance --huge --write

configs: ## Print configs=JSON, of all configs or those in CONFIGS, for a workflow's matrix.
	@python3 -c 'import glob, json, os, sys; \
	named = os.environ.get("CONFIGS", "").split(); \
	absent = [name for name in named if not os.path.isfile(name)]; \
	absent and sys.exit("error: there is no " + ", ".join(absent)); \
	print("configs=" + json.dumps(named or sorted(glob.glob("configs/*.yaml"))))'

release: setup ## Build RELEASE_CONFIGS (default: CONFIG), then pack.
	$(BIN)/pipeline build $(RELEASE_CONFIGS) --set publish.to=$(CDN) --set publish.compress=best $(RELEASE_FLAGS)
	@$(MAKE) --no-print-directory pack

pack: .venv/.ready ## Pack each model of the CDN folder into an archive in dist/.
	@mkdir -p $(DIST) && rm -f $(DIST)/*.tar.gz
	@for model in $(CDN)/*/releases; do \
	  name=$$(basename "$$(dirname "$$model")"); \
	  rm -rf "$(DIST)/$$name"; \
	  $(BIN)/pipeline copy "$(CDN)/$$name" --to "$(DIST)/$$name"; \
	  tar -C $(DIST) --exclude=.lock -czf "$(DIST)/$$name.tar.gz" "$$name" && rm -rf "$(DIST)/$$name"; \
	  echo "packed $(DIST)/$$name.tar.gz"; done

summary: .venv/.ready ## Write the report of each of RELEASE_CONFIGS, as Markdown, to SUMMARY.
	@for config in $(RELEASE_CONFIGS); do $(BIN)/pipeline report "$$config" --markdown >> "$(SUMMARY)"; done

site: .venv/.ready ## Put the models of all archives in dist/ into one CDN folder, SITE, or at a URL.
	@rm -rf $(DIST)/models && mkdir -p $(DIST)/models
	@for archive in $(DIST)/*.tar.gz; do tar -C $(DIST)/models -xzf "$$archive"; done
	$(BIN)/pipeline copy $(DIST)/models/* --to $(SITE)

assets: ## Attach the archives in dist/ to the GitHub release of TAG, which is made if need be.
	@gh release view "$(TAG)" > /dev/null 2>&1 || gh release create "$(TAG)" --verify-tag --generate-notes
	gh release upload "$(TAG)" $(DIST)/*.tar.gz --clobber

wheel: .venv/.ready ## Build the wheel into DIST.
	@rm -rf build/lib  # of the last time: what was removed since would come along
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir $(DIST)

doctor: .venv/.ready ## List what is there and what is missing.
	$(BIN)/pipeline doctor

setup: ready ## Set up only, with all that tests and releases need.
	@$(MAKE) --no-print-directory --jobs GOAL="$(MAKECMDGOALS)" $(CLIENT)/node_modules/.ready .venv/.browser

# What a build needs, side by side: most of it is downloads.
ready:
	@$(MAKE) --no-print-directory --jobs GOAL="$(MAKECMDGOALS)" .venv/.ready $(PAGE)/node_modules/.ready .venv/.chromium

.venv/.made: requirements.lock pyproject.toml
	@python=''; for p in $(PYTHON) python3 python3.12 python3.11; do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; \
	  then python=$$p; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo 'error: no Python 3.11 or 3.12 found; install one, or name it: make $(or $(GOAL),$(MAKECMDGOALS)) PYTHON=/path/to/python3.12' >&2; exit 5; fi; \
	if ! "$$python" -c 'import ensurepip' 2>/dev/null; then \
	  version=$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
	  sudo=''; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	  echo "installing $$version"; \
	  $$sudo apt-get -qq update && $$sudo apt-get -qq -y install "$$version" || { \
	    echo "error: $$python cannot make environments; run: sudo apt-get install $$version" >&2; exit 5; }; fi; \
	echo "creating .venv with $$("$$python" --version)"; \
	"$$python" -m venv --clear .venv
	@touch $@

.venv/.ready: .venv/.made
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

# Debian's package comes while Python's do.
.venv/.chromium: $(if $(wildcard .venv/.chromium),,chromium) .venv/.ready $(PAGE)/install.py
	@$(BIN)/python -m pipeline.backends.web.install
	@touch $@

chromium: .venv/.made
	@$(BIN)/python -m pipeline.backends.web.install --packages

.venv/.browser: .venv/.ready $(PAGE)/optional.py
	@$(BIN)/python -m pipeline.backends.web.optional
	@touch $@

lock: ## Resolve the locks anew from pyproject.toml.
	$(BIN)/uv pip compile $(LOCKS) --group dev -o requirements.lock $(UPGRADE)
	$(BIN)/uv pip compile $(LOCKS) --group environment -c requirements.lock -o pipeline/environment/requirements.lock

clean: ## Remove the environment and the store; what is published stays.
	rm -rf .venv $(PAGE)/node_modules $(CLIENT)/node_modules $(BUNDLERS)/node_modules artifacts/store
