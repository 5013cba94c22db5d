ARGS ?=
python := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run sandbox test test-fast fuzz soak audit lint format types docs lock bench deploy-check image-check clean venv-run venv-dev components

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

run: venv-run ## Start the exporter against a sandbox of the NineData API, on port 10199; ARGS=flags of ninedata-exporter.
	@exec $(python) -m exporter --demo $(ARGS)

sandbox: venv-run ## Serve the sandbox of the NineData API alone, and print a configuration for it; ARGS="--fleet 400" or others.
	@exec $(python) -m exporter.sandbox $(ARGS)

test: venv-dev components ## Run the tests, against real Prometheus and Alertmanager, with the coverage gate; ARGS="tests/http -k filter": some of them.
	@tools/test $(ARGS)

test-fast: venv-dev ## Run the tests that start no process; ARGS=flags of pytest.
	@tools/test --fast $(ARGS)

fuzz: venv-dev ## Fuzz for longer than the tests do; FUZZ_EXAMPLES=5000 is the number of examples per test.
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-1000} tools/test tests/fuzz --timeout=0 $(ARGS)

soak: venv-dev ## Scrape thousands of times with faults in the mix, and check that nothing grows; ARGS=--help.
	@$(python) -m soak $(ARGS)

audit: venv-dev ## Check the locked packages for known vulnerabilities.
	@tools/audit

lint: venv-dev ## Check style; ARGS=files or flags of ruff check.
	@$(python) -m ruff check $(ARGS)
	@$(python) -m ruff format --check

format: venv-dev ## Format the code and fix what can be fixed.
	@$(python) -m ruff format
	@$(python) -m ruff check --fix

types: venv-dev ## Check types; ARGS=flags of mypy.
	@$(python) -m mypy $(ARGS)

docs: venv-run ## Write docs/metrics.md from the declared metrics.
	@page="$$($(python) -m tools.metrics_page)" && printf '%s\n' "$$page" > docs/metrics.md

compile = $(python) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make lock" $(ARGS)

lock: venv-dev ## Write the lock files anew; ARGS=--upgrade takes newer releases.
	@$(compile) pyproject.toml --output-file requirements.lock
	@$(compile) pyproject.toml --group dev --constraints requirements.lock --output-file requirements-dev.lock
	@$(compile) --group build --constraints requirements-dev.lock --output-file tools/requirements-build.lock

bench: venv-dev ## Measure the exporter next to raw aiohttp, in two minutes; ARGS=--write updates docs/performance.md.
	@$(python) -m bench $(ARGS)

deploy-check: venv-dev ## Check the Kubernetes manifests and the systemd unit.
	@$(python) -m deploy.check
	@tools/unit-check

image-check: ## Build the container image without a container engine and test it (root, Debian).
	@tools/image-check

clean: ## Remove everything that the targets made.
	rm -rf .venv .components .hypothesis .mypy_cache .pytest_cache .ruff_cache .coverage* build dist htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv-run:
	@tools/venv run

venv-dev:
	@tools/venv dev

components:
	@tools/components
