# Pixels to Patients. `make help` lists every verb.
# Needs Python 3.11 to 3.13, make, git and npm; everything else is installed into .venv and node_modules.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ASSETS := node_modules/.package-lock.json
DOOR   ?= .venv-door
DOORS  := $(DOOR)/.installed
# of tests: one more than there are cores, as some tests wait, but four at most
WORKERS := import os; print(min(4, 1 + (os.cpu_count() or 1)))
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help setup book test check lint format bench serve door clean distclean
.DELETE_ON_ERROR:

help: ## list every verb
	@echo "Pixels to Patients: an executable book that checks itself."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  $(BIN)/medbook --help   the book's own command line: list, params, run, build, check, ..."

setup: $(STAMP) $(ASSETS) ## install everything into .venv and node_modules

book: setup ## run every chapter that is not fresh, verify it, and build the site (build/site)
	@$(BIN)/medbook build

test: setup lint ## lint, then every test (chapters in the quick profile)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $$($(BIN)/python -c '$(WORKERS)') --dist loadfile

check: setup ## verify claims, results, figures and budgets of the runs there are
	@$(BIN)/medbook check

lint: $(STAMP) ## ruff (format and lint) and the import contracts
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted: run 'make format'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo > $(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }

format: $(STAMP) ## format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup ## ratios against named peers, side by side in one run
	@$(BIN)/python -m bench

serve: book ## build, then serve the site on this machine only
	@$(BIN)/medbook serve

door: book $(DOORS) ## render the book with plain, newest Sphinx; every page must read the same
	@$(BIN)/medbook door --python $(DOOR)/bin/python

clean: ## forget runs and site (build/)
	@rm -rf build

distclean: clean ## forget the installed environment too
	@rm -rf $(VENV) $(DOOR) node_modules

$(STAMP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "Python 3.11 to 3.13 is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)."; \
	  echo "Name another: make PYTHON=python3.11"; exit 4; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "Could not make $(VENV). On Debian and Ubuntu: apt-get install python3-venv"; exit 4; }
	@echo "Installing the pinned environment into $(VENV) (some minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[peers,test]'
	@touch $@

$(DOORS): constraints-door.txt
	@test -x $(DOOR)/bin/python || $(PYTHON) -m venv $(DOOR)
	@echo "Installing the exit door's own Sphinx into $(DOOR) ..."
	@$(DOOR)/bin/python -m pip install --quiet --no-deps --requirement constraints-door.txt
	@$(DOOR)/bin/python -m pip check > /dev/null || $(DOOR)/bin/python -m pip check
	@touch $@

$(ASSETS): package.json package-lock.json
	@command -v npm > /dev/null || { \
	  echo "npm is needed for the web assets (MathJax, widgets), and was not found."; \
	  echo "Install Node.js 18 or newer with npm: on Debian and Ubuntu 'apt-get install npm',"; \
	  echo "with conda 'conda install nodejs', on macOS 'brew install node'. Then repeat this command."; exit 4; }
	@echo "Taking the web assets from npm ..."
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@
