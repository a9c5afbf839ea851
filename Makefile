# Two commands matter: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

LONG   := tests/faults tests/e2e/test_slack_storm.py
REAL   := tests/powershell

.DEFAULT_GOAL := help
.PHONY: help demo test powershell storm check format bench lock clean

help:
	@echo "make demo   migrate a dozen VMs between simulated hosts, approved in a simulated Slack"
	@echo "make test   every check"
	@echo "make check  the fast checks"
	@echo "make powershell  the tests that need a real PowerShell, if there is one"
	@echo "make storm  the long matrix of faults and deaths"
	@echo "make bench  the benchmarks"
	@echo "make lock   renew the pinned dependencies"

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "migrate-bot needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3 ..."; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check
	@touch $@

demo: $(READY)
	@$(BIN)/migrate-bot demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n 3 --dist loadgroup --cov --cov-report=term --cov-fail-under=90 $(LONG:%=--ignore=%) --ignore=$(REAL)
	@$(MAKE) --no-print-directory powershell

# A real PowerShell behind the lab's hosts, where there is one (docs/lab.md); without, one line.
powershell: $(READY)
	@if $(BIN)/python -m lab.hyperv.pwsh.install; then $(BIN)/pytest -n 2 --dist loadfile $(REAL); fi

# The long matrix: every fault on real WinRM, a stormy Slack, a death at every commit and call.
storm: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup $(LONG) tests/crash --all-crash-points

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

# The lock carries hashes and no index address; the resolver lives in its own throw-away environment.
lock:
	@$(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/python -m pip install --quiet uv
	@$(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	@$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build *.egg-info
