# Dropscribe: one command for each habit. Every target sets up what it needs in .venv; a second call
# finds it there (by the stamp files in .venv) and starts at once.

SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

# Arguments for the command behind a target: make test ARGS="-k merge"
ARGS ?=

# Where `make deploy` and its neighbours work.
DEPLOYMENT = --project "$(PROJECT)" --region "$(REGION)"
export YES DATA SHARES HOLDS LEAST

# The first Python that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)

# One dot for each package that pip collects; its errors are shown unchanged.
PIP_INSTALL = set -o pipefail; $(BIN)/python -m pip install --progress-bar off
DOTS = | awk '/^Collecting/ { printf "."; fflush() } /^Installing collected/ { printf " unpacking"; fflush() } END { print "" }'

.PHONY: wheel image scan audit seeded-faults terraform-scan preflight deploy deploy-plan rollout rollback destroy terraform-check generated lock help demo demo-gcp-emulators test test-slow explore system-test check bench soak load faults fuzz-wire fuzz-media corpus clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

demo: .venv/.light ## transcribe the bundled samples (sets up in about a minute, no torch)
	@$(BIN)/dropscribe demo $(ARGS)

demo-gcp-emulators: .venv/.google ## run the same flow through Google's own clients, against emulators on this machine
	@$(BIN)/python -m tests.google.deployment $(ARGS)

test: .venv/.full .venv/.node ## run the tests (sets up CPU torch and NeMo: some minutes, 2.5 GB of disk)
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

test-slow: .venv/.full .venv/.node ## run the slow tests that `make test` leaves out
	$(BIN)/pytest -n auto --dist worksteal -m "slow and not system and not seeded" $(ARGS)

explore: .venv/.full ## try examples of properties that no run has tried yet (`make test` always tries the same)
	$(BIN)/pytest -n auto --hypothesis-profile=new -m "hypothesis and not system and not seeded" $(ARGS)

soak: .venv/.dev ## run 100,000 simulated histories (docs/simulation.md)
	$(BIN)/python -m tests.simulation seeds --count 100000 --unknown $(ARGS)

preflight: .venv/.google ## show what a project lacks: make preflight PROJECT=my-project REGION=europe-west4
	@$(BIN)/dropscribe preflight $(DEPLOYMENT) $(ARGS)

deploy: .venv/.google ## deploy to a project: make deploy PROJECT=my-project REGION=europe-west4
	@$(BIN)/dropscribe deploy $(DEPLOYMENT) $(ARGS)

deploy-plan: .venv/.google ## show what a deployment would change, and change nothing
	@$(BIN)/dropscribe deploy --plan $(DEPLOYMENT) $(ARGS)

rollout: .venv/.google ## let this checkout take over at 10, 50 and 100 %, watched by the project itself
	@$(BIN)/dropscribe rollout $(DEPLOYMENT) $(ARGS)

rollback: .venv/.google ## go back to the release before the last rollout
	@$(BIN)/dropscribe rollback $(DEPLOYMENT) $(ARGS)

destroy: .venv/.google ## take a deployment down, keep its data (DATA=delete: nothing stays)
	@$(BIN)/dropscribe destroy $(DEPLOYMENT) $(ARGS)

system-test: .venv/.google ## run against a real project: make system-test PROJECT=my-project
	@if [ -z "$(PROJECT)" ]; then echo "Name a project: make system-test PROJECT=my-project (docs/google-cloud.md says what it needs)" >&2; exit 1; fi
	GOOGLE_CLOUD_PROJECT=$(PROJECT) $(BIN)/pytest -rs -m system tests/google $(ARGS)

check: .venv/.dev ## check lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

terraform-check: .venv/.google ## validate and test terraform/, and compare what it creates with its inventory (needs terraform)
	@$(BIN)/python -m tests.terraform.check

generated: .venv/.google ## write all files anew that are made from the code or from terraform/ (the latter needs terraform)
	@$(BIN)/python -m tests.generated

seeded-faults: .venv/.google ## create deployments with planted mistakes on emulators: none may transcribe (some minutes)
	$(BIN)/pytest -m seeded tests/google $(ARGS)

terraform-scan: .venv/.checkov ## look for mistakes in terraform/ (exceptions stand there, with their reasons)
	.venv/checkov/bin/checkov --directory terraform --framework terraform --quiet --compact --skip-download

bench: .venv/.bench ## measure, and print the table (needs what `make test` needs)
	$(BIN)/python -m bench $(ARGS)

load: .venv/.full ## measure thousands of recordings at once, on one machine and on emulators (some 20 minutes)
	$(BIN)/python -m bench load $(ARGS)

faults: .venv/.full ## kill, stop and repeat things at the moments of many seeds (half an hour): make faults ARGS="--seed 7"
	$(BIN)/python -m tests.faults $(ARGS)

wheel: .venv/.created ## build dist/dropscribe-….whl, and try it in a new environment
	@$(BIN)/python -m tests.wheel

image: ## build the images here, with buildah: a broken Dockerfile fails before Cloud Build
	@images/build-here $(ARGS)

scan: .venv/.scan ## look for mistakes in the Dockerfiles and workflows
	.venv/scan/bin/hadolint Dockerfile.functions Dockerfile.gpu Dockerfile.console
	.venv/scan/bin/zizmor --offline --no-progress .github/workflows

audit: .venv/.scan ## look for known vulnerabilities in the locked packages of the images (asks pypi.org)
	@.venv/scan/bin/python -m tests.images.audit .venv/scan/bin/pip-audit

lock: .venv/.dev ## update the pinned packages of the images (requirements/)
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --upgrade --python-platform x86_64-manylinux_2_28 --python-version 3.11 --generate-hashes \
	    --only-binary :all: --no-binary antlr4-python3-runtime --no-binary srt --extra gpu --extra google \
	    --override requirements/gpu-left-out.txt --no-emit-package dropscribe \
	    --custom-compile-command "make lock" pyproject.toml -o requirements/gpu.txt
	for image in functions cpu-worker; do \
	    left_out=(); [ $$image = functions ] && left_out=(--override requirements/functions-left-out.txt); \
	    $(BIN)/uv pip compile -q --upgrade --python-platform x86_64-manylinux_2_28 --python-version 3.11 --generate-hashes \
	        --only-binary :all: --no-binary srt --extra google --extra hosted "$${left_out[@]}" --no-emit-package dropscribe \
	        --custom-compile-command "make lock" pyproject.toml -o requirements/$$image.txt || exit 1; done
	$(BIN)/uv pip compile -q --upgrade --python-version 3.11 --generate-hashes --only-binary :all: \
	    --custom-compile-command "make lock" requirements/build.in -o requirements/build.txt
	$(BIN)/uv pip compile -q --upgrade --python-version 3.11 --generate-hashes \
	    --custom-compile-command "make lock" requirements/checkov.in -o requirements/checkov.txt
	$(BIN)/uv pip compile -q --upgrade --python-version 3.11 --generate-hashes --only-binary :all: \
	    --custom-compile-command "make lock" requirements/scan.in -o requirements/scan.txt

fuzz-wire: .venv/.dev ## let a decoder that a file took over send anything to its caller, for five minutes
	$(BIN)/python -m tests.hostile.wire_frames $(ARGS)

fuzz-media: .venv/.dev ## forge and damage recordings of all formats for ten minutes, and decode them in the sandbox
	$(BIN)/python -m tests.hostile.media_files $(ARGS)

corpus: .venv/.dev ## transcribe recordings of every container, clock, layout and damage, and print the table of errors
	$(BIN)/python -m tests.corpus $(ARGS)

clean: ## remove .venv, caches and build products; transcripts and state stay
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- set-up ---------------------------------------------------------------------------------------

.venv/.created:
	@if [ -z "$(PYTHON)" ]; then \
	    echo "Dropscribe needs Python 3.11 or newer; python3 here is: $$(python3 --version 2>&1)" >&2; \
	    echo "Install one (Debian, Ubuntu: sudo apt install python3.11 python3.11-venv; macOS: brew install python@3.12)," >&2; \
	    echo "or name it: make PYTHON=/path/to/python3.12 $(or $(MAKECMDGOALS),demo)" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null; then \
	    echo "$(PYTHON) has no venv module. Debian, Ubuntu: sudo apt install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; fi
	@echo "Setting up .venv with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.checkov: requirements/checkov.txt | .venv/.created
	@echo "Installing checkov (a minute; only the first time)"
	@$(BIN)/python -m venv .venv/checkov
	@.venv/checkov/bin/python -m pip install --quiet --require-hashes -r requirements/checkov.txt
	@touch $@

.venv/.scan: requirements/scan.txt | .venv/.created
	@echo "Installing the scanners (half a minute; only the first time)"
	@$(BIN)/python -m venv .venv/scan
	@.venv/scan/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/scan.txt
	@touch $@

.venv/.light: pyproject.toml | .venv/.created
	@echo "Installing Dropscribe and its light dependencies (about a minute; only the first time)"
	@$(PIP_INSTALL) -e . $(DOTS)
	@touch $@

.venv/.google: .venv/.dev
	@touch $@

.venv/.dev: pyproject.toml | .venv/.created
	@echo "Installing the development tools (about a minute; only the first time)"
	@$(PIP_INSTALL) -e '.[dev,google]' $(DOTS)
	@touch .venv/.light $@

.venv/.full: pyproject.toml .venv/.torch
	@echo "Installing NeMo and the development tools (some minutes; only the first time)"
	@$(PIP_INSTALL) -e '.[dev,google,nemo]' $(DOTS)
	@touch .venv/.light .venv/.dev $@

# OpenAI's client for Node asks the console's /v1 in tests. Without Node.js those tests are skipped, which CI refuses.
NODE := tests/console/openai/node
.venv/.node: $(NODE)/package.json $(NODE)/package-lock.json | .venv/.created
	@mkdir -p .venv/node && cp $^ .venv/node/ && cd .venv/node \
	    && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch ../.node \
	    || echo "npm could not install OpenAI's client for Node: its tests will be skipped. Install Node.js with npm." >&2

.venv/.bench: pyproject.toml .venv/.full
	@echo "Installing what only the benchmarks need"
	@$(PIP_INSTALL) -e '.[bench,dev,google,nemo]' $(DOTS)
	@touch $@

# PyPI's torch for Linux brings 3 GB of CUDA; PyTorch's own index has the CPU build. If pip is
# configured with find-links, that folder is the source, whatever it holds.
.venv/.torch: pyproject.toml | .venv/.created
	@if [ "$$(uname -s)" = Linux ] && [ -z "$${PIP_FIND_LINKS:-}" ] && ! $(BIN)/python -m pip config list | grep -q find-links; then \
	    echo "Installing torch for the CPU (200 MB; only the first time)"; \
	    $(PIP_INSTALL) --index-url https://download.pytorch.org/whl/cpu \
	        "$$(sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)" $(DOTS); fi
	@touch $@
