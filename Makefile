# What people and CI type. Needs GNU make, a POSIX shell and Python 3.11 or newer; everything else is set up on demand.
.DEFAULT_GOAL := help
.PHONY: help run tour test attack check messages bench bench-data production-like lock clean environment tools
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON := .venv/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet --no-input

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

run: export DEMO ?= 1
run: environment ## Set up what is missing and serve on http://localhost:8000 (PORT, DATA_DIR, ISSUER, DEMO=0)
	@exec $(PYTHON) manage.py serve

tour: environment ## Walk the whole job in the terminal, against the server that runs
	@exec $(PYTHON) -m authcenter.demo.tour

test: tools ## The whole suite, on SQLite and on PostgreSQL with Redis (ON=sqlite, ON=postgresql, ARGS="-k consent")
	@exec $(PYTHON) -m tests.suite $(ON) $(ARGS)

attack: tools ## Every attack of docs/attacks.md on a running server, with a table of what came of it (ON=sqlite, ARGS)
	@exec $(PYTHON) -m tests.attacks.report $(ON) $(ARGS)

check: tools ## Format, lint, types, templates, migrations, deploy checks, API schema, floors
	@exec .ci/check

messages: tools ## Bring the catalogs in locale/ in step with the texts in the sources, and compile them
	@exec $(PYTHON) -m tests.languages extract

bench: tools ## The benchmarks, as figures and ratios (ARGS="against_peers feed", BENCH=full)
	@exec $(PYTHON) -m bench $(ARGS)

bench-data: tools ## Ten million people and what is theirs, in a database that is kept for `scale` (ROWS, FOLDER, DROP=1)
	@exec $(PYTHON) -m bench.scale_data $(if $(DROP),drop,$(ROWS))

production-like: tools ## PostgreSQL, Redis, two nodes and a proxy on this machine (PORT, FOLDER)
	@exec $(PYTHON) -m bench.production_like

lock: environment ## Compile requirements*.in to requirements*.txt, with hashes, keeping the pins that stand
	@test -x .venv/bin/uv || $(PIP) install uv
	@for name in requirements requirements-dev; do \
		.venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
			--custom-compile-command "make lock" --quiet $$name.in -o $$name.txt || exit 1; \
	done

clean: ## Remove what can be made again, never the data
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A copy of each lock file in .venv says what is installed there, so nothing is done where nothing has changed.
environment:
	@{ $(PYTHON) -c '' && test -x .venv/bin/pip; } 2>/dev/null || .ci/environment
	@cmp -s requirements.txt .venv/requirements.txt || { \
		echo "Installing $$(grep -c '^[a-z].*==' requirements.txt) packages, each pinned by hash (half a minute) ..." && \
		$(PIP) install --require-hashes --no-deps -r requirements.txt && cp requirements.txt .venv/; }

tools: environment
	@cmp -s requirements-dev.txt .venv/requirements-dev.txt || { \
		echo "Installing $$(grep -c '^[a-z].*==' requirements-dev.txt) development tools ..." && \
		$(PIP) install --require-hashes --no-deps -r requirements-dev.txt && cp requirements-dev.txt .venv/; }
