# make demo   install, fetch the embedded default, train, explain and map the demo study
# make test   install and pass the tests
# make app    open the dashboard
# make audit  ask whether a dependency has a known vulnerability (needs a network)
# make image-check   build the container image and run it (root; see docker/check.sh)
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint app venv fetch screenshots commands audit licences image-check clean

demo: fetch
	$(BIN)/python -m core study demo
	$(BIN)/python -m core attribute demo --per-language 6
	$(BIN)/python -m core project demo

fetch: venv
	$(BIN)/python -m core fetch

app: venv
	$(BIN)/streamlit run app.py

test: .venv/dev
	$(BIN)/python -m pytest

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

# Both tools run from an environment of their own, over all that requirements.txt brings along.
TOOL = UV_FIND_LINKS="$${UV_FIND_LINKS-$${PIP_FIND_LINKS-}}" $(BIN)/uv
RESOLVED = $(TOOL) pip compile -q --no-header --no-annotate --no-emit-find-links \
	--python $(BIN)/python requirements.txt

audit: venv
	$(RESOLVED) -o .venv/resolved.txt
	$(TOOL) tool run --from pip-audit==2.10.1 pip-audit -r .venv/resolved.txt --disable-pip --no-deps

licences: venv
	$(RESOLVED) -o .venv/resolved.txt
	sed '/^|/,$$d' docs/licences.md > .venv/licences.md
	$(TOOL) tool run --from pip-licenses==5.5.5 pip-licenses --python $(BIN)/python --from=mixed \
		--format=markdown --packages $$(sed 's/[=@ ].*//' .venv/resolved.txt) \
		| sed 's/+cpu /     /' >> .venv/licences.md
	mv .venv/licences.md docs/licences.md

venv: .venv/product

# uv installs in seconds; it is told where pip looks for wheels, since it does not ask pip.
# Compiling now spares the first start a minute.
INSTALL = UV_FIND_LINKS="$${UV_FIND_LINKS-$${PIP_FIND_LINKS-}}" $(BIN)/uv pip install --quiet \
	--compile-bytecode --python $(BIN)/python

.venv/uv:
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info[:2] <= (3, 13), \
	"LangSkew needs Python 3.11 to 3.13, this is " + sys.version.split()[0] + "; set PYTHON="'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

.venv/product: requirements.txt | .venv/uv
	$(INSTALL) -r requirements.txt
	$(BIN)/python -c 'import umap'  # compiled by numba at its first import, and kept
	touch $@

.venv/dev: requirements-dev.txt .venv/product
	$(INSTALL) -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv
