# Two commands matter: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
BARE   := .venv-run
PAGED  := .venv-docs

# A lock is closed: no resolver, no build, only the files it names. What pip, the index or the day would choose does not matter.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r

# Where the locks have a wheel of everything; tests/test_locks.py compares.
SUPPORTED := $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { echo "migrate-bot needs Python 3.11 to 3.14; say which with: make PYTHON=/path/to/python3 ..."; exit 1; }

LONG   := tests/faults tests/e2e/test_slack_storm.py tests/e2e/test_quiet_threads.py tests/kerberos/test_minutes.py
REAL   := tests/powershell
PAGES  := tests/browser
TWO    := tests/takeover
# What is played on PostgreSQL every time, besides SQLite or only there. `make postgresql-all` plays all of it.
ON_POSTGRESQL := tests/core/engine/test_main_job.py tests/core/engine/test_recovery.py tests/e2e/test_restart.py $(TWO)
# Tests wait for processes much of their time: more workers than cores.
WORKERS := 4
PAYLOADS := $(CURDIR)/build/slack-payloads

.DEFAULT_GOAL := help
.PHONY: coverage kerberos help try demo test docs browser block-types foreign-slack powershell postgresql postgresql-all storm check imports format bench lock image-check clean

help:
	@echo "make try    use the bot in a browser, on simulated hosts and a simulated Slack"
	@echo "make demo   migrate a dozen VMs between simulated hosts, approved in a simulated Slack"
	@echo "make test   every check"
	@echo "make check  the fast checks"
	@echo "make browser  the tests in a real browser, if there is a Chromium"
	@echo "make coverage  how much of core/ its tests reach"
	@echo "make powershell  the tests that need a real PowerShell, if there is one"
	@echo "make postgresql  a part of the tests on PostgreSQL, and two bots on one, if a server listens on 127.0.0.1:5432"
	@echo "make postgresql-all  every test on PostgreSQL, for an hour"
	@echo "make block-types  what the tests sent, judged by Slack's published types, if there is npm"
	@echo "make foreign-slack  a migration through a Slack that is not ours, if there is npm"
	@echo "make storm  the long matrix of faults and deaths"
	@echo "make bench  the benchmarks"
	@echo "make docs   these pages as a site, in build/docs"
	@echo "make kerberos  the extra kerberos for .venv, so that its tests are run"
	@echo "make lock   renew the pinned dependencies"
	@echo "make image-check  carry out the Dockerfile without a container, and try what comes out"

$(READY): requirements-dev.lock pyproject.toml
	@$(SUPPORTED)
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(INSTALL) requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check
	@touch $@

# The extra kerberos, built from source: needs gcc and libkrb5-dev. Its tests also need krb5-kdc, krb5-admin-server and
# krb5-user, and are skipped without. Nothing is gained here by what the compiler would make of it in a minute more.
kerberos: $(READY)
	@$(BIN)/python -c 'import gssapi, krb5' 2>/dev/null || { \
	  $(BIN)/python $(INSTALL) requirements-kerberos-build.lock && \
	  CFLAGS="-O0 -g0" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r requirements-kerberos.lock; }

try: $(READY)
	@$(BIN)/migrate-bot try

demo: $(READY)
	@$(BIN)/migrate-bot demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One run of everything, what needs a PowerShell, a PostgreSQL or a browser too: what waits does so beside what works, and
# one line at the end says what was skipped. The targets below play a part of it each.
test: check imports
	@rm -rf $(PAYLOADS)
	LAB_SLACK_PAYLOADS=$(PAYLOADS) $(BIN)/pytest -n $(WORKERS) --dist loadgroup -m "not slow" $(LONG:%=--ignore=%)

# How much of core/ its own tests reach. Measuring doubles their time, so it is not a part of `make test`.
coverage: $(READY)
	$(BIN)/pytest -n 3 --dist loadgroup --cov --cov-report=term --cov-fail-under=90 tests/core tests/contracts

# Slack's published types judge what the tests sent and what the lab sent (docs/guide/lab.md); without npm, one line.
block-types: $(READY)
	@if [ ! -d $(PAYLOADS) ]; then LAB_SLACK_PAYLOADS=$(PAYLOADS) $(BIN)/pytest -n 2 -q tests/bot tests/lab/slack; fi
	@$(BIN)/python -m tests.block_types $(PAYLOADS) build/block-types

# One migration through a Slack emulator by a third party (docs/guide/lab.md); without npm or namespaces, one line.
foreign-slack: $(READY)
	@$(BIN)/python -m tests.foreign_slack build/foreign-slack

# A real PowerShell behind the lab's hosts, where there is one (docs/guide/lab.md); without, one line.
powershell: $(READY)
	@if $(BIN)/python -m lab.hyperv.pwsh.install; then $(BIN)/pytest -n 2 --dist loadgroup $(REAL); fi

# The page of `make try` in Debian's Chromium, where it is installed; without, one line. `--pictures` renews those of the pages.
browser: $(READY)
	@if $(BIN)/python -m tests.browser.chromium; then $(BIN)/pytest $(PAGES); fi

# On a server that listens here, or that MIGRATE_BOT_TEST_POSTGRES names, in databases of the run's own; without, one line.
postgresql: $(READY)
	@if $(BIN)/python -m tests.support.databases; then MIGRATE_BOT_TEST_STORE=postgresql $(BIN)/pytest -n 3 -m "not slow" $(ON_POSTGRESQL); fi

postgresql-all: $(READY)
	MIGRATE_BOT_TEST_STORE=postgresql $(BIN)/pytest -n 3 --dist loadgroup --ignore=$(REAL) --ignore=$(PAGES)

# The run-time lock alone, in an environment of its own, is enough for every module of the program.
$(BARE)/.ready: requirements.lock
	@$(SUPPORTED)
	@rm -rf $(BARE)
	@$(PYTHON) -m venv $(BARE)
	@$(BARE)/bin/python $(INSTALL) requirements.lock
	@$(BARE)/bin/python -m pip check
	@touch $@

imports: $(BARE)/.ready
	PYTHONPATH=. $(BARE)/bin/python -W error tests/image/import_everything.py

# The pages as a site with a search, in an environment of its own; a link or heading that leads nowhere is an error.
$(PAGED)/.ready: requirements-docs.lock
	@$(SUPPORTED)
	@rm -rf $(PAGED)
	@$(PYTHON) -m venv $(PAGED)
	@$(PAGED)/bin/python $(INSTALL) requirements-docs.lock
	@$(PAGED)/bin/python -m pip check
	@touch $@

docs: $(PAGED)/.ready
	@$(PAGED)/bin/python -m website build/docs

image-check: $(READY)
	@CFLAGS="-O0 -g0" $(BIN)/python -m tests.image

# The long matrix: every fault on real WinRM, a stormy Slack, a death at every commit and call, and a year of all of it.
SOAK_HOURS ?= 10000
storm: $(READY)
	$(BIN)/pytest -n 2 --dist loadgroup $(LONG) tests/crash --all-crash-points
	$(BIN)/pytest -n 2 --dist loadgroup -m slow $(LONG:%=--ignore=%)
	$(BIN)/pytest -n 2 -m hypothesis --hypothesis-profile other tests/core tests/bot tests/lab
	$(BIN)/python -m tests.soak --hours $(SOAK_HOURS)

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

# The locks carry hashes and no index address. `make lock UPGRADE=` adds or drops what pyproject.toml says and renews nothing.
UPGRADE := --upgrade
COMPILE  = $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# What the extra has besides the run-time lock: the packages that are built from source.
KEPT    := pyspnego cryptography cffi pycparser sspilib
lock: $(READY)
	@$(COMPILE) --extra postgresql pyproject.toml -o requirements.lock
	@$(COMPILE) --extra postgresql --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock
	@$(COMPILE) --group docs -c requirements-dev.lock -o requirements-docs.lock
	@echo 'pyspnego[kerberos]' | $(COMPILE) --no-annotate -c requirements.lock $(KEPT:%=--no-emit-package %) - -o requirements-kerberos.lock
	@$(COMPILE) --group kerberos-build -c requirements-dev.lock -o requirements-kerberos-build.lock
	@$(MAKE) --no-print-directory $(READY)
	$(BIN)/pytest -q tests/test_locks.py

clean:
	rm -rf $(VENV) $(BARE) $(PAGED) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build *.egg-info
