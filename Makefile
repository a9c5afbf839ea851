# Two commands matter: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

LONG   := tests/faults tests/e2e/test_slack_storm.py tests/kerberos/test_minutes.py

.DEFAULT_GOAL := help
.PHONY: kerberos help demo test storm check format bench lock clean

help:
	@echo "make demo   migrate a dozen VMs between simulated hosts, approved in a simulated Slack"
	@echo "make test   every check"
	@echo "make check  the fast checks"
	@echo "make storm  the long matrix of faults and deaths"
	@echo "make bench  the benchmarks"
	@echo "make kerberos  the extra kerberos for .venv, so that its tests are run"
	@echo "make lock   renew the pinned dependencies"

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "migrate-bot needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3 ..."; exit 1; }
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip check
	@touch $@

# The extra kerberos, built from source: needs gcc and libkrb5-dev. Its tests also need krb5-kdc, krb5-admin-server and
# krb5-user, and are skipped without. Nothing is gained here by what the compiler would make of it in a minute more.
kerberos: $(READY)
	@$(BIN)/python -c 'import gssapi, krb5' 2>/dev/null || { \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-kerberos-build.lock && \
	  CFLAGS="-O0 -g0" $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r requirements-kerberos.lock; }

demo: $(READY)
	@$(BIN)/migrate-bot demo

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/pytest -n 3 --dist loadgroup --cov --cov-report=term --cov-fail-under=90 $(LONG:%=--ignore=%)

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
	@echo 'pyspnego[kerberos]' | $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements.lock --no-emit-package pyspnego --no-emit-package cryptography --no-emit-package cffi --no-emit-package pycparser --no-emit-package sspilib - -o requirements-kerberos.lock
	@$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group kerberos-build -c requirements-dev.lock -o requirements-kerberos-build.lock
	@rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build *.egg-info
