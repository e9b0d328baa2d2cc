# Everything that people and CI type. Needs GNU make, a POSIX shell and Python 3.11 or newer; all else is set up on demand.
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet --no-input
# Checks must not read or touch the data of the server that runs here.
SCRATCH := build/check
CHECK_ENV := DEMO=1 ISSUER=http://localhost:8000 DATA_DIR=$(SCRATCH) DATABASE_URL=sqlite:///$(CURDIR)/$(SCRATCH)/db.sqlite3

.PHONY: help run test check tour lock clean venv venv-dev \
	format lint types templates migrations deploy schema floors

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: export DEMO ?= 1
run: venv ## Set up what is missing and serve on http://localhost:8000 (PORT, DATA_DIR, ISSUER, DEMO=0 change that)
	@exec $(PY) manage.py serve

tour: venv ## Walk the whole job in the terminal against the server that runs
	@exec $(PY) -m authcenter.demo.tour

test: venv-dev ## The whole suite on SQLite, then on PostgreSQL and Redis (ON=sqlite or ON=postgres, ARGS="tests/test_x.py -k y")
	@exec $(PY) -m tests.services $(ON) -- $(ARGS)

check: format lint types templates migrations deploy schema floors ## Format, lint, types, templates, migrations, deploy checks, API schema, floors
	@echo "make check: clean"

format: venv-dev
	@echo "Format (ruff format)"; $(PY) -m ruff format --check --quiet --diff .

lint: venv-dev
	@echo "Lint (ruff check)"; $(PY) -m ruff check --quiet .

types: venv-dev
	@echo "Types (mypy)"; mkdir -p $(SCRATCH); $(CHECK_ENV) $(PY) -m mypy --no-error-summary

templates: venv-dev
	@echo "Templates (djlint)"; $(PY) -m djlint templates --lint --quiet && $(PY) -m djlint templates --check --quiet

migrations: venv-dev
	@echo "Migrations (none missing)"; mkdir -p $(SCRATCH); $(CHECK_ENV) $(PY) manage.py makemigrations --check --dry-run

# As in production: https, secrets of their own, a mail server.
deploy: venv-dev
	@echo "Deploy checks (manage.py check --deploy)"; \
	secret() { $(PY) -c 'import secrets; print(secrets.token_urlsafe(48))'; }; \
	env -u DEMO ISSUER=https://id.example.com SECRET_KEY="$$(secret)" ENCRYPTION_KEYS="$$(secret)" \
		DATA_DIR=$(SCRATCH) DATABASE_URL=postgres://authcenter@db.example.com/authcenter \
		CACHE_URL=redis://cache.example.com EMAIL_URL=smtp+tls://mail.example.com \
		$(PY) manage.py check --deploy --fail-level WARNING

schema: venv-dev
	@echo "API schema (spectacular)"; mkdir -p $(SCRATCH); \
	$(CHECK_ENV) $(PY) manage.py spectacular --validate --fail-on-warn --file $(SCRATCH)/openapi.yaml

floors: venv-dev
	@echo "Floors (imports go down only)"; $(PY) -m pytest -q --no-header -p no:cacheprovider -p no:django tests/test_floors.py

lock: venv ## Compile requirements*.in to requirements*.txt, with hashes, keeping the pins that stand
	@test -x .venv/bin/uv || $(PIP) install uv
	@for name in requirements requirements-dev; do \
		.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" --quiet $$name.in -o $$name.txt || exit 1; \
	done

clean: ## Remove what can be made again (never the data)
	rm -rf .venv build .cache .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A copy of the lock file in the environment says what is installed there, so nothing is done where nothing changed.
venv:
	@$(PY) -c '' 2>/dev/null || sh .ci/environment
	@cmp -s requirements.txt .venv/requirements.txt || { \
		echo "Installing AuthCenter's $$(grep -c == requirements.txt) packages, all pinned by hash (half a minute) ..." && \
		$(PIP) install --require-hashes --no-deps -r requirements.txt && cp requirements.txt .venv/requirements.txt; }

venv-dev: venv
	@cmp -s requirements-dev.txt .venv/requirements-dev.txt || { \
		echo "Installing the development tools ..." && \
		$(PIP) install --require-hashes --no-deps -r requirements-dev.txt && cp requirements-dev.txt .venv/requirements-dev.txt; }
