# What developers run. Needs Python 3.11 or newer, make and git; all else is fetched or built.
PYTHON ?= python3
BIN := .venv/bin
# Most tests wait for a cluster, so that more run at a time than there are cores.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 1); test $$n -gt 4 && echo $$n || echo 4)
RUN := $(BIN)/python
LOCK := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url
# Addresses of registries and paths of somebody's machine, which no committed file may hold.
PRIVATE := --(extra-)?index-url[ =]|(pypi|goproxy|proxy\.golang|deb\.debian)[a-z.]*\.(org|io|com)/|/(home|Users|work)/[a-z]

.DEFAULT_GOAL := help
.PHONY: help venv cluster demo demo-autoscaler test soak faults lint generate charts lock bench-canary bench-canary-live \
	bench-autoscaler bench-runtime image clean

help: ## Tell what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

venv: .venv/.installed ## Make the virtual environment from hash-locked requirements

.venv/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is none: make PYTHON=/path/to/python3.x"; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. On Debian or Ubuntu: apt-get install python3-venv"; \
		exit 1; }
	@echo "installing requirements/dev.txt into .venv, about a minute ..."
	@$(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

cluster: venv ## Start a real control plane with Istio, Envoy and Prometheus; NODE=real: a node, too
	$(RUN) -m hack.cluster up $(if $(NODE),--node)
	@echo 'to work with it: eval "$$($(RUN) -m hack.cluster env)"; to end it: $(RUN) -m hack.cluster down'

demo: venv ## Promote a good model and roll back a bad one, on real traffic
	$(RUN) -m hack.demo

demo-autoscaler: venv ## Meet a peak that recurs ahead of time, beside the HPA
	$(RUN) -m hack.demo.autoscaler

test: venv ## Run all tests, on clusters of their own; as root on Linux, on a real node too
	$(RUN) -m hack.cluster build --node
	$(RUN) -m hack.charts --check
	@rm -rf build/rights
	@rm -f .pytest_cache/v/cache/lastfailed
	$(RUN) -m pytest -n $(WORKERS) --dist worksteal --junitxml build/tests.xml || $(RUN) -m hack.again
	$(RUN) -m pytest -n 2 --dist worksteal --junitxml build/e2e.xml --e2e tests/e2e || \
		$(RUN) -m hack.again --e2e tests/e2e
	$(RUN) -m hack.rights

soak: venv ## Run the stories that take long at the durations that users have, some hours
	$(RUN) -m hack.cluster --name soak up --scrape-seconds 15
	@MODELYARD_CLUSTER=.cluster/soak MODELYARD_PACE=full $(RUN) -m pytest -n $(WORKERS) \
		--dist worksteal --timeout 10800 tests/cluster/test_autoscaler_*.py; \
		code=$$?; $(RUN) -m hack.cluster --name soak down; exit $$code
	MODELYARD_PACE=full $(RUN) -m pytest -n 2 --timeout 3600 -m soak --e2e tests/e2e
	MODELYARD_SOAK_SECONDS=7200 $(RUN) -m pytest --timeout 9000 tests/faults/test_soak.py

faults: venv ## Play every fault alone and as long as an outage lasts, about half an hour
	$(RUN) -m hack.cluster build
	MODELYARD_FAULTS=full $(RUN) -m pytest -n $(WORKERS) --dist worksteal --timeout 900 tests/faults

lint: venv ## Check style, types, imports, generated files and that nothing private is committed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(RUN) -m mypy
	$(BIN)/lint-imports
	$(RUN) -m hack.generate --check
	@git grep -n -e '://' -- requirements; test $$? -eq 1
	@git grep -nIE -e '$(PRIVATE)' -- ':!Makefile'; test $$? -eq 1

generate: venv ## Render the CRDs, access rights and reference pages from the models
	$(RUN) -m hack.generate

charts: venv ## Render deploy/install.yaml from the charts, by Helm
	$(RUN) -m hack.charts

lock: venv ## Pin requirements/*.txt again from requirements/*.in
	$(LOCK) requirements/operator.in -o requirements/operator.txt
	$(LOCK) requirements/demo.in -c requirements/operator.txt -o requirements/demo.txt
	$(LOCK) requirements/dev.in -c requirements/demo.txt -o requirements/dev.txt
	$(LOCK) requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	$(LOCK) requirements/model-server.in -c requirements/operator.txt -o requirements/model-server.txt
	$(LOCK) requirements/go.in -o requirements/go.txt

bench-canary: venv ## Compare the canary's judge with its rivals in simulated worlds
	$(RUN) -m hack.bench.canary

bench-canary-live: venv ## Time a rollback on the real cluster
	$(RUN) -m hack.bench.live

bench-autoscaler: venv ## Compare the autoscaler with its rivals on recorded traffic (TRACES_DIR)
	$(RUN) -m hack.bench.autoscaler

bench-runtime: venv ## Measure 10,000 canaries on the real API server
	$(RUN) -m hack.bench.runtime

image: venv ## Build the images; print their sizes, and how fast the operator starts on a node
	$(RUN) -m hack.image report model-server
	$(RUN) -m hack.image report operator
	$(RUN) -m hack.image start

clean: ## End this checkout's clusters, and remove what was made here
	@for folder in .cluster/*/; do \
		if [ -x $(RUN) ] && [ -d "$$folder" ]; then $(RUN) -m hack.cluster --dir "$$folder" down; fi; \
	done
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
