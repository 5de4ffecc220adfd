# The commands people type. Each sets up what it needs on first use: a .venv in this folder.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
# The exact versions that were tested together; /dev/null for the newest of everything.
CONSTRAINTS ?= constraints.txt
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := $(VENV)/peers

# Idle OpenMP threads sleep instead of spinning: on a shared machine spinning costs a factor of several.
export OMP_WAIT_POLICY ?= PASSIVE
# Snakemake needs a folder for its caches, also where nobody may write to the home folder.
ifeq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}/snakemake" 2>/dev/null && echo yes),)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif
# The workflow and the tests call `molvae` and `snakemake` by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup run smoke resume report check format schema test test-gpu bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## install molvae and all it needs into .venv

# The stamp holds exactly when the environment matches the two files that define it.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	touch $@

run: setup  ## the whole workflow on the demo molecules -> results/demo/report.html
	snakemake --cores $(CORES)

smoke: setup  ## the same in about a minute, small -> results/smoke/report.html
	snakemake --cores $(CORES) --configfile workflow/config/smoke.yaml

resume: setup  ## go on after Snakemake was killed (kill -9, out of memory, power); CONFIG=FILE for other settings
	snakemake --unlock $(CONFIG:%=--configfile %)
	snakemake --cores $(CORES) --rerun-incomplete $(CONFIG:%=--configfile %)

report: setup  ## Snakemake's own report on the demo run -> results/demo/snakemake.html
	snakemake --cores $(CORES) --report results/demo/snakemake.html

check: setup  ## format, lint, types, workflow lint: what CI checks first
	ruff format --check .
	ruff check .
	mypy --strict molvae
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

format: setup  ## rewrite the sources in the project's format
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow/rules

schema: setup  ## remake workflow/schemas/ from molvae/config.py
	python -m molvae.config workflow/schemas/config.schema.json

test: setup  ## all tests that this machine can run
	pytest -n $(CORES) --dist loadfile --no-loadscope-reorder -m 'not gpu'

test-gpu: setup  ## the tests that need a CUDA device
	pytest -m gpu

bench: setup $(PEERS)  ## measure speeds against the machine's limits and the MOSES package
	python benchmarks/run.py

# Without their requirements, which no longer install; the benchmark mends what it needs.
$(PEERS):
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ molsets==0.3.1 fcd_torch==1.0.7

clean:  ## remove all results (not the environment)
	find results -mindepth 1 -not -name README.md -delete
