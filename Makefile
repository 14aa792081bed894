# Every target sets up what it needs. PYTHON names the interpreter to start from (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
INTEROP ?= .venv-interop
BIN = $(VENV)/bin

.PHONY: demo test interop lint bench fuzz chaos attacks live docs catalogue idc wheel clean

demo: $(VENV)/.ready  ## twins of three datasets, from find to a folder that nnU-Net takes; no download
	$(BIN)/python examples/abdomen/demo.py

test: $(VENV)/.ready-test lint  ## unit, catalogue, conformance and real data; no torch
	$(BIN)/python -m pytest -q

interop: $(INTEROP)/.ready  ## PyTorch, MONAI, TorchIO, nnU-Net
	$(INTEROP)/bin/python -m pytest -q tests/interop --override-ini addopts=-ra

lint: $(VENV)/.ready-test  ## style, types, and who may import whom
	$(BIN)/ruff check src tests benchmarks examples docs tools catalogue/idc
	$(BIN)/lint-imports
	$(BIN)/pyright

catalogue: $(VENV)/.ready  ## check every record; all problems at once, with file and line
	$(BIN)/python -m medshelf.cli.catalogue

idc: $(VENV)/.ready-test  ## make catalogue/idc/series.parquet anew from the index that its README.toml names (79 MB from PyPI)
	rm -rf build/idc
	$(BIN)/pip download -q --no-deps --dest build/idc $$(sed -n 's/^package = "\(.*\)"/\1/p' catalogue/idc/README.toml)
	$(BIN)/python tools/idc_series.py build/idc/*.whl

bench: $(VENV)/.ready-test  ## side by side with the libraries that a user would pick, as ratios
	$(BIN)/python benchmarks/run.py

fuzz: $(VENV)/.ready-test  ## 5,000 mutants of files for every reader: errors of ours, or an image; no hang, no crash, no greed
	$(BIN)/python -m tests.fuzz.run --mutants 5000

chaos: $(VENV)/.ready-test  ## every fault of a download, 240 kills of it and 120 of unpacking, as a table: a final file is exact or absent
	$(BIN)/python -m tests.access.faults.run --kills 240

attacks: $(VENV)/.ready-test  ## hostile archives of every kind, as a table: refused or harmless, nothing written outside
	$(BIN)/python -m tests.access.attacks.run

live: $(VENV)/.ready-test  ## ask every real host for a listing and one byte; needs a network, and is no part of `make test`
	$(BIN)/python -m pytest -q tests/live --override-ini addopts=-ra

docs: $(VENV)/.ready-test  ## the site, into site/; fails on a warning or an undocumented verb
	$(BIN)/pip install -q -r docs/requirements.txt
	$(BIN)/python docs/build.py

wheel: $(VENV)/.ready-test
	$(BIN)/pip install -q build
	$(BIN)/python -m build --outdir dist

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q --editable .
	touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	$(BIN)/pip install -q --group test
	touch $@

$(INTEROP)/.ready: pyproject.toml tests/interop/constraints.txt tests/interop/requirements.txt
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/pip install -q --upgrade pip
	$(INTEROP)/bin/pip install -q torch==2.13.0
	$(INTEROP)/bin/pip install -q --constraint tests/interop/constraints.txt --requirement tests/interop/requirements.txt
	$(INTEROP)/bin/pip install -q --constraint tests/interop/constraints.txt --editable .
	touch $@

clean:
	rm -rf $(VENV) $(INTEROP) build dist site demo-out .pytest_cache .ruff_cache
