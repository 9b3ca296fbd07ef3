# From nothing but Python 3.11 or newer, pip and make.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PO := $(wildcard ovop_market/translations/*/LC_MESSAGES/*.po)
PIP := $(BIN)/pip --disable-pip-version-check --no-input install --quiet --require-hashes
# Both processes side by side. honcho kills after 5 seconds what has not stopped; a request in flight
# may take 30 (gunicorn.conf.py).
TOGETHER := $(BIN)/python -c 'import honcho.manager as m, honcho.command as c; m.KILL_WAIT = 35; c.main()'
export HOST PORT

.PHONY: run setup test check bench soak lock messages

run: setup ## set up, fill an empty database, serve on http://127.0.0.1:8000
	@$(BIN)/flask --app wsgi prepare
	@echo "OVOP Market: http://$(HOST):$(PORT)  (Ctrl-C stops it)"
	@$(TOGETHER) --no-colour start || [ $$? -eq 130 ] # 130: Ctrl-C

setup: $(VENV)/.installed $(VENV)/.messages ## the set-up alone

test: $(VENV)/.installed-dev $(VENV)/.messages ## every test, on SQLite and on PostgreSQL
	@# Servers and workers start dozens of times: what Python has compiled is kept, whatever the shell says.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder $(ARGS)

check: $(VENV)/.installed-dev $(VENV)/.messages ## lint, types, imports, templates, migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint templates --lint --quiet
	@$(BIN)/python -m tests.migrations_in_step

bench: $(VENV)/.installed-dev $(VENV)/.messages ## the benchmarks, as a table
	@$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/.installed-dev $(VENV)/.messages ## half an hour under load (SOAK_MINUTES=…): does it grow?
	@$(BIN)/python -m benchmarks.soak

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(BIN)/python
	@echo "Installing the pinned packages …"
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing the pinned packages for tests …"
	@$(PIP) -r requirements-dev.lock
	@touch $@

$(VENV)/.messages: $(PO) $(VENV)/.installed
	@$(BIN)/pybabel -q compile -d ovop_market/translations
	@touch $@

messages: $(VENV)/.installed ## collect new messages into the translation files
	@$(BIN)/pybabel -q extract -F babel.cfg -k lazy_gettext -k _l --no-location --sort-output \
	  --project "OVOP Market" --version "" -o $(VENV)/messages.pot .
	@$(BIN)/pybabel -q update -i $(VENV)/messages.pot -d ovop_market/translations --no-fuzzy-matching \
	  --ignore-obsolete --ignore-pot-creation-date --width 100

lock: ## pin the newest versions that pyproject.toml allows
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip -q install pip-tools
	@export CUSTOM_COMPILE_COMMAND="make lock"; \
	compile="$(VENV)/lock/bin/pip-compile -q --upgrade --generate-hashes --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host"; \
	$$compile -o requirements.lock pyproject.toml && \
	$$compile --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
