# make demo   install, fetch the embedded default, train, explain and map the demo study
# make test   install and pass the tests
# make app    open the dashboard
# make lock   choose the versions of all that is installed anew, after a change of requirements*.txt
# make audit  ask whether a dependency has a known vulnerability (needs a network)
# make image-check   build the container image and run it (root; see docker/check.sh)
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint app venv fetch screenshots commands lock audit licences image-check clean

demo: fetch
	$(BIN)/python -m core study demo
	$(BIN)/python -m core attribute demo --per-language 6
	$(BIN)/python -m core project demo

fetch: venv
	$(BIN)/python -m core fetch

app: venv
	$(BIN)/streamlit run app.py

test: .venv/dev
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml

screenshots: .venv/dev
	$(BIN)/python docs/tools/screenshots.py

commands: venv
	$(BIN)/python -m docs.tools.commands

image-check:
	docker/check.sh

# A lock holds every version and the hashes of its files, for Linux and macOS and Python 3.11 to 3.13.
# torch and the CUDA libraries of its wheel are left out: a host chooses them (docs/deploy.md).
lock: | .venv/uv
	for name in requirements requirements-dev; do \
		$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
			--no-emit-find-links --custom-compile-command "make lock" $$name.txt -o $$name.lock \
		&& awk '/^[^ ]/ {kept = !/^(torch|triton|nvidia-.*|cuda-.*)==/} kept' $$name.lock \
			> .venv/lock && cp .venv/lock $$name.lock || exit 1; \
	done

# Both tools run from an environment of their own.
audit: venv
	$(UV) pip freeze --python $(BIN)/python | sed 's/+cpu//; /^uv==/d' > .venv/frozen.txt
	$(UV) tool run --from pip-audit==2.10.1 pip-audit -r .venv/frozen.txt --disable-pip --no-deps \
		--format json 2>.venv/audit.txt >.venv/audit.json || [ -s .venv/audit.json ] || cat .venv/audit.txt
	$(BIN)/python -m docs.tools.audit $(AUDIT) < .venv/audit.json

licences: venv
	sed '/^|/,$$d' docs/licences.md > .venv/licences.md
	$(UV) tool run --from pip-licenses==5.5.5 pip-licenses --python $(BIN)/python --from=mixed \
		--format=markdown --packages torch $$(sed -n 's/^\([a-z0-9.-]*\)==.*/\1/p' requirements.lock) \
		| sed 's/+cpu /     /; /^|  *| /d' >> .venv/licences.md  # whole texts: their first line
	mv .venv/licences.md docs/licences.md

venv: .venv/product

# uv installs in seconds; it is told where pip looks for wheels, since it does not ask pip.
UV = UV_FIND_LINKS="$${UV_FIND_LINKS-$${PIP_FIND_LINKS-}}" $(BIN)/uv
# Compiling now spares the first start a minute.
INSTALL = $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
# First what the lock names, file by file; then torch, the one thing that is still missing.
LOCKED = $(INSTALL) --require-hashes --no-deps -r

.venv/uv:
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), \
	"LangSkew needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + "; set PYTHON="'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	touch $@

.venv/product: requirements.txt requirements.lock | .venv/uv
	$(LOCKED) requirements.lock
	$(INSTALL) -r requirements.txt
	$(BIN)/python -c 'import umap'  # compiled by numba at its first import, and kept
	touch $@

.venv/dev: requirements-dev.lock .venv/product
	$(LOCKED) requirements-dev.lock
	touch $@

clean:
	rm -rf .venv
