# Commands for users and developers. Each installs what it needs on first use, into .venv in this folder.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu)
# The exact versions that were tested together; /dev/null for the newest versions.
CONSTRAINTS ?= constraints.txt
# Inputs that `make fuzz` tries for each target.
N ?= 5000
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := $(VENV)/peers

# Idle OpenMP threads sleep instead of spinning: spinning is several times slower on a shared machine.
export OMP_WAIT_POLICY ?= PASSIVE
# Snakemake needs a folder for its caches, also where the home folder is not writable.
ifeq ($(shell mkdir -p "$${XDG_CACHE_HOME:-$$HOME/.cache}/snakemake" 2>/dev/null && echo yes),)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
endif
# The theme of the documentation advertises its successor otherwise.
export NO_MKDOCS_2_WARNING := 1
# The workflow and the tests call `molvae` and `snakemake` by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup run quick smoke resume report docs check format schema test test-nightly test-sampled fuzz test-gpu bench bench-compare bench-demo bench-optimize bench-scale audit image clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## install molvae and its dependencies into .venv

# The stamp is newer than the files that define the environment if and only if the environment is up to date.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[dev]'
	touch $@

run: setup  ## the whole workflow on the demo molecules -> results/demo/report.html
	snakemake --cores $(CORES)

quick: setup  ## the same in about four minutes, from a pretrained model -> results/quick/report.html
	snakemake --cores $(CORES) --configfile workflow/config/quick.yaml

smoke: setup  ## a small run in about a minute -> results/smoke/report.html
	snakemake --cores $(CORES) --configfile workflow/config/smoke.yaml

resume: setup  ## resume after Snakemake was killed (kill -9, out of memory, power); CONFIG=FILE for other settings
	snakemake --unlock $(CONFIG:%=--configfile %)
	snakemake --cores $(CORES) --rerun-incomplete $(CONFIG:%=--configfile %)

report: setup  ## Snakemake's report of the demo run -> results/demo/snakemake.html
	snakemake --cores $(CORES) --report results/demo/snakemake.html

check: setup  ## format, lint, types, import contracts, workflow lint, documentation: CI runs this first
	ruff format --check .
	ruff check .
	mypy --strict molvae
	lint-imports
	snakefmt --check Snakefile workflow/rules
	snakemake --lint
	hadolint Containerfile
	mkdocs build --quiet

docs: setup  ## the documentation, to read without a network -> site/index.html
	mkdocs build

format: setup  ## reformat the sources
	ruff format .
	ruff check --fix .
	snakefmt Snakefile workflow/rules

schema: setup  ## regenerate workflow/schemas/ from molvae/config.py
	python -m molvae.config workflow/schemas/config.schema.json

test: setup  ## all tests that this machine can run, but for the nightly ones
	pytest -n $(CORES) --dist loadfile --no-loadscope-reorder -m 'not gpu and not nightly'

test-nightly: setup  ## the tests that take long and guard what seldom changes
	pytest -n $(CORES) --dist loadfile --no-loadscope-reorder -m nightly

# The hash of the commit draws it: the same one for a commit, wherever it is tested, and in time each of them.
test-sampled: setup  ## one of the nightly tests
	pytest -m nightly --only-number $$((0x$$(git rev-parse HEAD | cut -c 1-8)))

fuzz: setup  ## try random inputs, N for each of the targets of tests/fuzz
	MOLVAE_FUZZ=$(N) pytest -n $(CORES) --timeout 0 tests/fuzz

test-gpu: setup  ## the tests that need a CUDA device
	pytest -m gpu

bench: setup $(PEERS)  ## measure speed relative to hardware limits and to the MOSES package; SAVE=1 for the README
	python benchmarks/run.py
	$(if $(SAVE),cp results/bench.json benchmarks/bench.json && python benchmarks/speed_table.py insert)

bench-compare: setup  ## what `make bench` measured last, compared with what is saved
	python benchmarks/speed_table.py compare

bench-demo: setup  ## time the demo by stage, three runs, against the saved times; RUN=quick, SAVE=1 to save them
	python benchmarks/demo.py $(RUN) --cores $(CORES) $(SAVE:%=--save)

bench-optimize: setup  ## compare the search strategies on PMO's tasks: hours -> results/benchmark_optimize/
	snakemake benchmark_optimize --cores $(CORES)

bench-scale: setup  ## growth of time and memory with the number of molecules; SIZES="10000 1000000" for others
	python benchmarks/scale.py $(SIZES)

# In an environment of its own: what it depends on is none of the packages that were tested together.
audit:  ## look up known vulnerabilities of the versions in constraints.txt
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

# What the image is made of, as far as it is under version control.
SOURCES = pyproject.toml setup.py MANIFEST.in constraints.txt README.md LICENSE Snakefile benchmarks/demo.json \
	$(wildcard $(shell git ls-files molvae workflow data 2>/dev/null))

image: molvae.tar  ## a container image with molvae and its workflow, by podman
molvae.tar: Containerfile $(SOURCES)
	podman build --tag molvae .
	podman save --format oci-archive --output $@ molvae

molvae.sif: molvae.tar  ## the same for apptainer: snakemake --software-deployment-method apptainer
	apptainer build $@ oci-archive://$<

# Without their dependencies, which can no longer be installed; the benchmark patches what it needs. Where they cannot
# be installed, what needs no peer is measured.
$(PEERS): | $(STAMP)
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $@ molsets==0.3.1 fcd_torch==1.0.7

clean:  ## remove all results (not the environment)
	find results -mindepth 1 -not -name README.md -delete
