# `make demo` and `make test` set up what they need: a virtual environment in .venv, once.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# A process a core with one thread each: threads of two processes would wait for one another. A
# file's tests stay together, they share fixtures; the order is that of tests/conftest.py.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile \
	--no-loadscope-reorder

# The accessibility checker of the page's tests, which skip without it.
BROWSER = tests/report/browser
AXE = $(BROWSER)/node_modules/.package-lock.json

.PHONY: demo test test-fast lint format docs bench clean

# Rank three ImageNet networks and a random one on two tasks; writes report.html.
demo: $(READY)
	$(BIN)/penultimate demo

# Everything but the tests that need a GPU or the internet.
test: $(READY) $(AXE)
	$(PYTEST) -m "not gpu and not network" --durations=10

# The tests that take seconds.
test-fast: $(READY) $(AXE)
	$(PYTEST) -m "not gpu and not network and not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The parts of the documentation that are generated; a test holds them current.
docs: $(READY)
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_tasks.py
	$(BIN)/python docs/generate_backbones.py
	$(BIN)/python docs/generate_gallery.py

# Whole jobs side by side with what one would write by hand; see benchmarks/README.md.
bench: $(READY)
	$(BIN)/python benchmarks/whole_job.py
	$(BIN)/python benchmarks/solver.py run digits odd-digits wide features
	$(BIN)/python benchmarks/solver.py svm digits

$(READY): pyproject.toml
	@echo 'Setting up $(VENV): PyTorch and the rest, some minutes the first time.'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[demo,dev]'
	touch $(READY)

# Without npm, or where the registry cannot be reached, the tests skip and say so.
$(AXE): $(BROWSER)/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix $(BROWSER) --no-audit --no-fund --silent \
		|| echo 'axe-core could not be installed: its tests skip'; \
	else echo 'no npm here: the tests that need axe-core skip'; fi

clean:
	rm -rf $(VENV) $(BROWSER)/node_modules build dist demo-store report.html .pytest_cache .mypy_cache .ruff_cache .hypothesis
